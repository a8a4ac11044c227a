"""`volume` beside SimpleITK: every value equal, every number of the geometry within a millionth.

A series that SimpleITK reads and the program refuses is listed with the program's reason; one that neither calls a
volume (one slice, uneven steps) is left out.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from common import Missing, find_binary, need_module

GEOMETRY = 1e-6
# NIfTI keeps its affine in 32-bit floats.
GEOMETRY_OF_NIFTI = 2e-5


def series_below(path):
    """(UID or None, files or file) of what SimpleITK finds."""
    import SimpleITK as sitk

    if path.is_file():
        return [(None, str(path))]
    found = []
    for folder in sorted({p.parent for p in path.rglob("*") if p.is_file()}):
        for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)) or ():
            names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
            found.append((uid, list(names)))
    return found


def read_by_peer(source):
    """The image as SimpleITK has it, rescaled by itself."""
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    if isinstance(source, str):
        return sitk.ReadImage(source)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(source)
    return reader.Execute()


def run(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace").strip()


def compared(ours, peer):
    """(largest difference of values, of geometry) of two SimpleITK images; None where their sizes differ."""
    import numpy as np
    import SimpleITK as sitk

    if ours.GetSize() != peer.GetSize():
        return None
    a, b = (sitk.GetArrayFromImage(i).astype(np.float64) for i in (ours, peer))
    numbers = [list(i.GetSpacing()) + list(i.GetOrigin()) + list(i.GetDirection()) for i in (ours, peer)]
    values = float(np.abs(a - b).max()) if a.size else 0.0
    return values, max(abs(x - y) for x, y in zip(*numbers))


def positions(source):
    """Image Position (Patient) of every frame."""
    from pydicom import dcmread

    found = []
    for name in [source] if isinstance(source, str) else source:
        data = dcmread(name, stop_before_pixels=True)
        groups = data.get("PerFrameFunctionalGroupsSequence")
        items = [g.PlanePositionSequence[0] for g in groups] if groups else [data]
        found += [[float(v) for v in item.ImagePositionPatient] for item in items]
    return found


def off_positions(image, said):
    """Largest distance from a slice's first voxel to the nearest position that the files say."""
    places = [image.TransformIndexToPhysicalPoint((0, 0, k)) for k in range(image.GetSize()[2])]
    return max(min(max(abs(a - b) for a, b in zip(place, p)) for p in said) for place in places)


def fractional(image):
    """Whether some values are no whole numbers."""
    import numpy as np
    import SimpleITK as sitk

    values = sitk.GetArrayFromImage(image)
    return bool(np.any(values != np.round(values)))


def upright(image):
    """The same voxels with slices running along the normal of rows and columns, as the program writes them."""
    import numpy as np
    import SimpleITK as sitk

    turn = np.array(image.GetDirection()).reshape(3, 3)
    return sitk.Flip(image, [False, False, True]) if np.linalg.det(turn) < 0 else image


def pictures(binary, folder, uid, path, peer):
    """PNG pictures by slope and intercept beside the peer's values; what was found."""
    import imagecodecs
    import numpy as np
    import SimpleITK as sitk
    from PIL import Image

    out = folder / "p.png"
    code, text, said = run(binary, "volume", path, *(["--series", uid] if uid else []), "--out", out, "--json", "--quiet")
    if code:
        return said
    report = json.loads(text)["pictures"]
    truth = sitk.GetArrayFromImage(upright(peer)).astype(np.float64)
    worst = 0.0
    for slice_, name in enumerate(report["files"]):
        data = pathlib.Path(name).read_bytes()
        pixels = imagecodecs.png_decode(data)
        with Image.open(name) as image:
            said = image.text
            if not np.array_equal(np.asarray(image), pixels):
                return "Pillow and imagecodecs differ"
        if pixels.ndim == 3:
            worst = max(worst, float(np.abs(pixels - truth[slice_]).max()))
            continue
        values = pixels * float(said["Rescale Slope"]) + float(said["Rescale Intercept"])
        worst = max(worst, float(np.abs(values - truth[slice_]).max()))
    return worst


def check(binary, name, uid, path, source):
    """One line of the table."""
    import SimpleITK as sitk

    line = {"name": name, "series": uid[-12:] if uid else ""}
    try:
        peer = read_by_peer(source)
    except RuntimeError as error:
        return line | {"peer": str(error).strip().splitlines()[-1][:90]}
    if peer.GetDimension() != 3 or peer.GetSize()[2] < 2:
        return None
    line["size"] = "x".join(map(str, peer.GetSize()))
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for kind in ("mha", "nrrd", "nii.gz"):
            out = folder / f"v.{kind}"
            code, text, said = run(binary, "volume", path, *(["--series", uid] if uid else []), "--out", out, "--quiet",
                                   "--json")
            if code:
                line["refused"] = said.replace(str(path), "…")
                return line
            part = json.loads(text).get("part") or {}
            if part.get("count", 1) > 1:
                line["refused"] = f"several stacks, this is {part['number']} of {part['count']}; the peer makes one of them"
                return line
            found = compared(sitk.ReadImage(str(out)), upright(peer))
            if found is None:
                line["wrong"] = "another size"
                return line
            values, geometry = found
            line[kind] = f"{values:.3g} / {geometry:.1e}"
            bound = GEOMETRY_OF_NIFTI if kind == "nii.gz" else GEOMETRY
            # What is not whole is written, and read by the peer, in 32-bit floats.
            rounding = float(abs(sitk.GetArrayFromImage(peer)).max()) * 2.0**-23
            if geometry > bound:
                # The peer takes the normal for the third direction; ours leads from position to position.
                said = positions(source)
                ours, theirs = off_positions(sitk.ReadImage(str(out)), said), off_positions(upright(peer), said)
                line[kind] += f", from positions {ours:.0e}, peer {theirs:.0e}"
                geometry = 0.0 if ours < theirs and ours < 1e-4 else geometry
            if geometry > bound or values > (rounding if fractional(peer) else 0.0):
                line["wrong"] = f"{kind}: values {values}, geometry {geometry}"
        found = pictures(binary, folder, uid, path, peer)
        line["png"] = found if isinstance(found, str) else f"{found:.3g}"
    return line


# Series made here: what is not in the data.


def made(folder):
    """(name, path) of made series."""
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    rng = np.random.default_rng(8)

    def write(name, turn, step, slope_of, modality="CT", klass="1.2.840.10008.5.1.4.1.1.2", signed=1):
        out = folder / name
        out.mkdir()
        study, series = generate_uid(), generate_uid()
        for number in rng.permutation(9):
            ds = Dataset()
            ds.file_meta = FileMetaDataset()
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            ds.SOPClassUID, ds.SOPInstanceUID = klass, generate_uid()
            ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
            ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, study
            ds.Modality, ds.PatientName, ds.PatientID = modality, "SYNTHETIC", "SYN"
            ds.InstanceNumber = int(number) + 1
            place = np.array([-50.5, 20.25, 90.125]) + np.array(step) * number
            ds.ImagePositionPatient = [f"{v:.9g}" for v in place]
            ds.ImageOrientationPatient = [f"{v:.12g}"[:16] for v in (*turn[:, 0], *turn[:, 1])]
            ds.PixelSpacing = ["0.8", "0.6"]
            ds.SliceThickness = "2"
            ds.Rows, ds.Columns, ds.SamplesPerPixel = 20, 24, 1
            ds.PhotometricInterpretation = "MONOCHROME2"
            ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, signed
            slope, intercept = slope_of(int(number))
            ds.RescaleSlope, ds.RescaleIntercept = str(slope), str(intercept)
            values = rng.integers(-900, 3000, (20, 24)) if signed else rng.integers(0, 32000, (20, 24))
            ds.PixelData = values.astype("<i2" if signed else "<u2").tobytes()
            ds["PixelData"].VR = "OW"
            ds.save_as(out / f"{rng.integers(1 << 40)}.dcm", enforce_file_format=True)
        return name, out

    def rotation(axis, degrees):
        axis = np.array(axis, dtype=float) / np.linalg.norm(axis)
        x, y, z = axis
        k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        t = np.radians(degrees)
        return np.eye(3) + np.sin(t) * k + (1 - np.cos(t)) * k @ k

    turn = rotation((0.3, -0.8, 0.5), 37)
    plain = lambda number: (1, -1024)
    yield write("oblique", turn, 2.5 * turn[:, 2], plain)
    yield write("reversed", np.eye(3), (0, 0, -2.0), plain)
    yield write("pet", np.eye(3), (0, 0, 3.27), lambda n: (round(0.5 + 0.37 * n, 4), 0), "PT",
                "1.2.840.10008.5.1.4.1.1.128")
    yield write("fractions", np.eye(3), (0, 0, 2.0), lambda n: (0.25, 0.5), "MR", "1.2.840.10008.5.1.4.1.1.4")


def main():
    parser = argparse.ArgumentParser(prog="volumes")
    parser.add_argument("paths", nargs="*", type=pathlib.Path)
    parser.add_argument("--binary")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    binary = find_binary(options.binary)
    lines = []
    try:
        need_module("SimpleITK")
        need_module("imagecodecs")
        with tempfile.TemporaryDirectory() as scratch:
            jobs = [(p.name, p) for p in options.paths] + list(made(pathlib.Path(scratch)))
            for name, path in jobs:
                for uid, source in series_below(path):
                    line = check(binary, name, uid, path, source)
                    if line:
                        lines.append(line)
    except Missing as missing:
        sys.exit(f"volumes: {missing}")
    columns = ("name", "series", "size", "mha", "nrrd", "nii.gz", "png", "refused", "wrong", "peer")
    print("| " + " | ".join(columns) + " |")
    print("| " + " | ".join("---" for _ in columns) + " |")
    for line in lines:
        print("| " + " | ".join(str(line.get(c, "")).replace("|", "/")[:120] for c in columns) + " |")
    wrong = sum("wrong" in line for line in lines)
    print(f"\n{len(lines)} series, {wrong} wrong; cells are the largest difference of values / of spacing, origin and direction")
    if options.json:
        options.json.write_text(json.dumps(lines, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
