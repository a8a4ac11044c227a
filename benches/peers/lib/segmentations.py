"""Masks beside highdicom, pydicom, SimpleITK, scikit-image and dciodvfy.

A voxel counts by where it lies: two masks are the same when the sets of the centres of their voxels in the patient are,
segment by segment. So no order of rows, columns, slices or frames hides a mistake.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

from common import Missing, find_binary, need_module

SIZE = (37, 29, 12)  # columns, rows, slices: neither rows nor frames end at bytes
SPACING = (0.7, 1.3, 2.5)


def directions(kind):
    """Unit vectors along columns, rows and slices."""
    if kind == "axial":
        return np.eye(3)
    if kind == "flipped":
        return np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
    a, b, c = 0.4, -0.3, 0.9
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return (x @ y @ z).T


def write_series(folder, kind, size=SIZE, spacing=SPACING):
    """A CT of noise, with all that an object made on it takes over. Gives its data sets."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir(parents=True)
    row, column, normal = directions(kind)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    noise = np.random.default_rng(1)
    made = []
    for k in range(size[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d = FileDataset(str(folder / f"{k:04}.dcm"), {}, file_meta=meta, preamble=b"\0" * 128)
        d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = study, series, frame
        d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = "MASK^CASE", "M-1", "19700101", "O"
        d.StudyDate, d.StudyTime, d.StudyID, d.AccessionNumber = "20240229", "120000", "1", "A1"
        d.ReferringPhysicianName = ""
        d.Modality, d.SeriesNumber, d.InstanceNumber = "CT", 3, k + 1
        d.PositionReferenceIndicator = ""
        d.Manufacturer = "Nobody"
        d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        d.ImagePositionPatient = [float(f"{v:.10g}") for v in np.array([-31.5, 12.25, 88.0]) + normal * spacing[2] * k]
        d.ImageOrientationPatient = [float(f"{v:.10g}") for v in np.concatenate([row, column])]
        d.PixelSpacing, d.SliceThickness = [spacing[1], spacing[0]], spacing[2]
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.Rows, d.Columns = size[1], size[0]
        d.BitsAllocated = d.BitsStored = 16
        d.HighBit, d.PixelRepresentation = 15, 1
        d.RescaleIntercept, d.RescaleSlope = -1024, 1
        d.PixelData = noise.integers(0, 2000, (size[1], size[0]), np.int16).tobytes()
        d.save_as(folder / f"{k:04}.dcm", enforce_file_format=True)
        made.append(d)
    return made


def masks(size=SIZE, segments=3, overlap=True):
    """Boxes with holes, sparse over the slices: slices, rows, columns, segments."""
    columns, rows, slices = size
    noise = np.random.default_rng(7)
    all_masks = np.zeros((slices, rows, columns, segments), np.uint8)
    for s in range(segments):
        for k in sorted(noise.choice(slices, max(2, slices // 3), replace=False)):
            x, y = noise.integers(0, columns - 12), noise.integers(0, rows - 12)
            box = np.ones((11, 12), np.uint8)
            box[3:6, 4:7] = 0
            box[8, 9] = 0
            part = all_masks[k, y : y + 11, x : x + 12, s]
            if not overlap:
                box &= (all_masks[k, y : y + 11, x : x + 12].sum(-1) == 0).astype(np.uint8)
            part |= box
    return all_masks


def points(array, affine):
    """Places of set voxels; `array` is indexed as the affine is."""
    index = np.argwhere(array)
    if not len(index):
        return set()
    world = index @ affine[:3, :3].T + affine[:3, 3]
    return set(map(tuple, np.round(world, 2) + 0.0))


def near(a, b):
    """Whether two sets of places are the same, to a twentieth of a millimetre."""
    if len(a) != len(b):
        return False
    if not a:
        return True
    from scipy.spatial import cKDTree

    distance, place = cKDTree(np.array(sorted(a))).query(np.array(sorted(b)))
    return bool(distance.max() < 0.05 and len(set(place)) == len(b))


def of_highdicom(path):
    """Places by segment, as highdicom reads the file."""
    import highdicom as hd

    seg = hd.seg.segread(path)
    found = {}
    if seg.segmentation_type.value == "LABELMAP":
        # One by one it loses numbers above 255.
        volume = seg.get_volume(combine_segments=True, allow_missing_positions=True)
        return {int(n): points(volume.array == n, volume.affine) for n in seg.segment_numbers}
    fractional = seg.segmentation_type.value == "FRACTIONAL"
    for number in seg.segment_numbers:
        volume = seg.get_volume(segment_numbers=[number], rescale_fractional=True, allow_missing_positions=True)
        array = volume.array[..., 0]
        found[int(number)] = points(array >= 0.5 if fractional else array > 0, volume.affine)
    return found


def of_pydicom(path):
    """Places by segment, from the frames and groups that pydicom gives."""
    import pydicom

    d = pydicom.dcmread(path)
    frames = d.pixel_array
    if frames.ndim == 2:
        frames = frames[None]
    shared = d.SharedFunctionalGroupsSequence[0]
    found = {int(s.SegmentNumber): set() for s in d.SegmentSequence}
    for frame, group in zip(frames, d.PerFrameFunctionalGroupsSequence):
        def of(name):
            return getattr(group, name)[0] if hasattr(group, name) else getattr(shared, name)[0]

        at = np.array(of("PlanePositionSequence").ImagePositionPatient, float)
        axes = np.array(of("PlaneOrientationSequence").ImageOrientationPatient, float)
        spacing = np.array(of("PixelMeasuresSequence").PixelSpacing, float)
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1] = axes[3:] * spacing[0], axes[:3] * spacing[1]
        affine[:3, 2], affine[:3, 3] = np.cross(axes[:3], axes[3:]), at
        if d.SegmentationType == "LABELMAP":
            for number in found:
                found[number] |= points((frame == number)[..., None], affine)
        else:
            number = int(of("SegmentIdentificationSequence").ReferencedSegmentNumber)
            least = 1 if d.SegmentationType == "BINARY" else (d.MaximumFractionalValue + 1) // 2
            found[number] |= points((frame >= least)[..., None], affine)
    return found


def of_volume(path):
    """Places by number, as SimpleITK reads a label volume."""
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    array = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    return {int(n): points(array == n, affine) for n in np.unique(array) if n}


def write_volume(path, array, series):
    """A label volume by SimpleITK; `array` is slices, rows, columns."""
    import SimpleITK as sitk

    first, second = series[0], series[1]
    axes = np.array(first.ImageOrientationPatient, float)
    step = np.array(second.ImagePositionPatient, float) - np.array(first.ImagePositionPatient, float)
    image = sitk.GetImageFromArray(array)
    spacing = [float(first.PixelSpacing[1]), float(first.PixelSpacing[0]), float(np.linalg.norm(step))]
    image.SetSpacing(spacing)
    image.SetOrigin([float(v) for v in first.ImagePositionPatient])
    matrix = np.stack([axes[:3], axes[3:], step / np.linalg.norm(step)], 1)
    image.SetDirection(matrix.ravel().tolist())
    sitk.WriteImage(image, str(path))


def highdicom_seg(series, array, kind, path, numbers=None):
    """A segmentation by highdicom."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    count = array.shape[-1]
    descriptions = [
        hd.seg.SegmentDescription(
            segment_number=n,
            segment_label=f"segment {n}",
            segmented_property_category=codes.SCT.Tissue,
            segmented_property_type=codes.SCT.Tissue,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for n in range(1, count + 1)
    ]
    pixels = array
    if kind == "LABELMAP":
        pixels = np.zeros(array.shape[:3], np.uint8)
        for s in range(count):
            pixels[array[..., s] > 0] = s + 1
    if kind == "FRACTIONAL":
        pixels = array.astype(np.float32) * 0.75
    seg = hd.seg.Segmentation(
        source_images=series,
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=descriptions,
        series_instance_uid=hd.UID(),
        series_number=9,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="Nobody",
        manufacturer_model_name="Nothing",
        software_versions="0",
        device_serial_number="0",
    )
    seg.save_as(path)


def contours_of(path, series, edges=True):
    """Voxels of a structure set, rasterised slice by slice with scikit-image. Even-odd over the outlines of a slice."""
    import pydicom
    from skimage.measure import points_in_poly

    d = pydicom.dcmread(path)
    first, second = series[0], series[1]
    axes = np.array(first.ImageOrientationPatient, float)
    step = np.array(second.ImagePositionPatient, float) - np.array(first.ImagePositionPatient, float)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = axes[:3] * float(first.PixelSpacing[1]), axes[3:] * float(first.PixelSpacing[0])
    affine[:3, 2], affine[:3, 3] = step, np.array(first.ImagePositionPatient, float)
    inverse = np.linalg.inv(affine)
    columns, rows, slices = first.Columns, first.Rows, len(series)
    centres = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2)
    found = {}
    for roi in d.ROIContourSequence:
        mask = np.zeros((slices, rows, columns), bool)
        for contour in getattr(roi, "ContourSequence", []):
            assert contour.ContourGeometricType == "CLOSED_PLANAR"
            at = np.array(contour.ContourData, float).reshape(-1, 3)
            assert len(at) == int(contour.NumberOfContourPoints)
            voxel = at @ inverse[:3, :3].T + inverse[:3, 3]
            k = int(round(voxel[0, 2]))
            assert np.abs(voxel[:, 2] - k).max() < 1e-3
            mask[k] ^= points_in_poly(centres, voxel[:, :2]).reshape(rows, columns)
        found[int(roi.ReferencedROINumber)] = points(mask.transpose(2, 1, 0), affine)
    return found



class Report:
    def __init__(self, binary):
        self.binary, self.rows, self.wrong = binary, [], 0

    def say(self, name, peer, good, text=""):
        self.rows.append({"case": name, "peer": peer, "same": bool(good), "text": text})
        self.wrong += not good
        print(f"{'ok  ' if good else 'WRONG'} {name:34} {peer:12} {text}", flush=True)

    def ours(self, *arguments, refuse=None):
        done = subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True)
        if refuse is not None:
            return refuse in done.stderr and done.returncode != 0, done.stderr.strip()[-200:]
        if done.returncode:
            raise SystemExit(f"{arguments}: {done.stderr}")
        return done

    def verify(self, name, path):
        """dciodvfy; a class that it does not know is told as such."""
        if not shutil.which("dciodvfy"):
            self.rows.append({"case": name, "peer": "dciodvfy", "same": None, "text": "not measured"})
            return
        done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True)
        lines = (done.stdout + done.stderr).splitlines()
        errors = [line for line in lines if line.startswith("Error")]
        warnings = [line for line in lines if line.startswith("Warning")]
        unknown = any("IOD" in line and "not recognized" in line.lower() or "Information Object Not found" in line for line in lines)
        self.say(name, "dciodvfy", not errors or unknown, f"{len(errors)} errors, {len(warnings)} warnings{' (class not known to it)' if unknown else ''}")
        for line in errors[:8] + warnings[:8]:
            print("      ", line)


def same(a, b):
    filled_a = {n: p for n, p in a.items() if p}
    filled_b = {n: p for n, p in b.items() if p}
    return filled_a.keys() == filled_b.keys() and all(near(filled_a[n], filled_b[n]) for n in filled_a)


def voxels(report, folder, data):
    import highdicom  # noqa: F401

    for kind in ("axial", "flipped", "oblique"):
        home = folder / kind
        series = write_series(home / "ct", kind)
        ct = home / "ct"
        flat = masks(overlap=False)
        labels = np.zeros(flat.shape[:3], np.uint8)
        for s in range(flat.shape[-1]):
            labels[flat[..., s] > 0] = s + 1
        write_volume(home / "labels.nrrd", labels, series)
        truth = of_volume(home / "labels.nrrd")
        for form in ("binary", "labelmap"):
            out = home / f"{form}.dcm"
            report.ours("convert-labels", home / "labels.nrrd", "--image", ct, "--out", out, "--form", form)
            report.verify(f"{kind} {form} out", out)
            report.say(f"{kind} {form} out", "highdicom", same(truth, of_highdicom(out)))
            report.say(f"{kind} {form} out", "pydicom", same(truth, of_pydicom(out)))
        # Numbers of 16 bits.
        wide = labels.astype(np.uint16)
        wide[wide == 3] = 40_000
        write_volume(home / "wide.nrrd", wide, series)
        out = home / "wide.dcm"
        report.ours("convert-labels", home / "wide.nrrd", "--image", ct, "--out", out, "--form", "labelmap")
        report.say(f"{kind} labelmap 16 bits out", "highdicom", same(of_volume(home / "wide.nrrd"), of_highdicom(out)))
        # What highdicom writes.
        over = masks(overlap=True)
        for form, array in (("BINARY", over), ("FRACTIONAL", over), ("LABELMAP", flat)):
            theirs = home / f"hd-{form}.dcm"
            highdicom_seg(series, array, form, theirs)
            truth_hd = of_highdicom(theirs)
            for on in (False, True):
                found = {}
                for number in truth_hd:
                    single = home / f"one-{form}-{number}-{on}.nrrd"
                    extra = ("--image", ct) if on else ()
                    report.ours("convert-labels", theirs, *extra, "--segment", number, "--out", single)
                    found[number] = of_volume(single).get(number, set())
                where = "on pictures" if on else "alone"
                report.say(f"{kind} {form} in, {where}", "highdicom", same(truth_hd, found))
            ours = home / f"again-{form}.dcm"
            report.ours("convert-labels", theirs, "--image", ct, "--out", ours, "--form", form.lower())
            report.verify(f"{kind} {form} again", ours)
            report.say(f"{kind} {form} again", "highdicom", same(truth_hd, of_highdicom(ours)))
            report.say(f"{kind} {form} again", "pydicom", same(truth_hd, of_pydicom(ours)))
        # Outlines.
        out = home / "structures.dcm"
        report.ours("convert-labels", home / "labels.nrrd", "--image", ct, "--out", out, "--form", "rtstruct")
        report.verify(f"{kind} outlines out", out)
        report.say(f"{kind} outlines out", "scikit-image", same(truth, contours_of(out, series)))
        report.ours("convert-labels", out, "--image", ct, "--out", home / "back.nrrd")
        report.say(f"{kind} outlines back", "SimpleITK", same(truth, of_volume(home / "back.nrrd")))
        measurements(report, home, series)
        for end in ("nii", "nii.gz", "mha"):
            back = home / f"back.{end}"
            report.ours("convert-labels", home / "binary.dcm", "--out", back)
            report.say(f"{kind} binary to {end}", "SimpleITK", same(truth, of_volume(back)))
    many(report, folder)
    other = write_series(folder / "other", "axial")
    assert other
    for mask, text in (("binary.dcm", "OTHER_STUDY"), ("structures.dcm", "OTHER_STUDY"), ("labels.nrrd", "")):
        if text:
            good, said = report.ours(
                "convert-labels", folder / "axial" / mask, "--image", folder / "other", "--out", folder / "x.nrrd", refuse=text
            )
            report.say(f"{mask} on another study", "refused", good, said)
    coco(report, folder / "axial", folder)
    if data:
        samples(report, folder, data)


def many(report, folder):
    """95 segments that overlap, sparse over oblique slices of 37 columns: theirs in, ours out."""
    home = folder / "many"
    series = write_series(home / "ct", "oblique")
    theirs, ours = home / "hd.dcm", home / "ours.dcm"
    highdicom_seg(series, masks(segments=95), "BINARY", theirs)
    truth = of_highdicom(theirs)
    report.say("95 segments, theirs", "pydicom", same(truth, of_pydicom(theirs)), f"{len(truth)} segments")
    report.ours("convert-labels", theirs, "--image", home / "ct", "--out", ours, "--form", "binary")
    report.verify("95 segments again", ours)
    report.say("95 segments again", "highdicom", same(truth, of_highdicom(ours)))
    report.say("95 segments again", "pydicom", same(truth, of_pydicom(ours)))


def measurements(report, home, series):
    """Volumes and means of segments as highdicom reads them from the report, beside those of numpy."""
    import highdicom as hd
    import pydicom

    theirs, seg, sr = home / "hd-BINARY.dcm", home / "measured.dcm", home / "sr.dcm"
    report.ours("convert-labels", theirs, "--image", home / "ct", "--out", seg, "--report", sr)
    report.verify("measurements", sr)
    array = hd.seg.segread(theirs).get_volume(combine_segments=False, allow_missing_positions=True)
    places = np.array([d.ImagePositionPatient for d in series], float)
    slices = [array.affine[:3, 3] + array.affine[:3, 0] * k for k in range(array.array.shape[0])]
    order = [int(np.linalg.norm(places - at, axis=1).argmin()) for at in slices]
    voxels = np.stack([series[k].pixel_array.astype(float) + float(series[k].RescaleIntercept) for k in order])
    mm3 = float(np.prod(SPACING))
    groups = hd.sr.srread(sr).content.get_volumetric_roi_measurement_groups()
    uid = pydicom.dcmread(seg).SOPInstanceUID
    good = len(groups) == array.array.shape[-1]
    for group in groups:
        reference = group.referenced_segment
        number = reference.referenced_segment_numbers[0]
        inside = array.array[..., number - 1] > 0
        said = {m.name.meaning: m.value for m in group.get_measurements()}
        good &= reference.referenced_sop_instance_uid == uid
        good &= abs(said["Volume"] - inside.sum() * mm3) < 1e-6 * mm3
        good &= abs(said["Attenuation Coefficient"] - voxels[inside].mean()) < 1e-9
    report.say("measurements", "highdicom", good, f"{len(groups)} groups")


def coco(report, home, folder):
    """Annotations of COCO as pycocotools decodes them, beside the label volume."""
    try:
        from pycocotools.coco import COCO
    except ImportError:
        report.rows.append({"case": "coco", "peer": "pycocotools", "same": None, "text": "not measured"})
        return
    import SimpleITK as sitk

    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(home / "labels.nrrd")))
    cases = [{"name": "a", "image": str(home / "ct"), "label": str(home / "labels.nrrd")}]
    (folder / "cases.json").write_text(json.dumps(cases))
    for more in ([], ["--polygons"]):
        out = folder / f"coco{len(more)}"
        report.ours("dataset", folder / "cases.json", "--form", "coco", "--out", out, *more)
        found = COCO(str(out / "train.json"))
        again, count = np.zeros_like(labels), 0
        for note in found.anns.values():
            name = found.imgs[note["image_id"]]["file_name"]
            k = int(pathlib.Path(name).stem.split("_")[-1]) - 1
            number = int(found.cats[note["category_id"]]["name"].split()[-1])
            again[k][found.annToMask(note) > 0] = number
            count += 1
        wrong = int((again != labels).sum())
        # Its polygons are drawn on a finer grid and rounded; run lengths are exact.
        limit = 0 if not more else labels.astype(bool).sum() // 20
        report.say(f"coco{' polygons' if more else ' run lengths'}", "pycocotools", wrong <= limit, f"{count} annotations, {wrong} pixels differ")


def samples(report, folder, data):
    """Segmentations that nobody here wrote."""
    cases = [
        ("liver", "dicom-seg-sr/segmentations/liver.dcm", "dicom-seg-sr/segmentations/ct-3slice"),
        ("partial overlaps", "dicom-seg-sr/segmentations/partial_overlaps.dcm", "dicom-seg-sr/segmentations/ct-3slice"),
        ("24x38x3", "dicom-seg-sr/segmentations/24x38x3/seg/label.seg", "dicom-seg-sr/segmentations/24x38x3/image"),
        ("24x38x3 enhanced", "dicom-seg-sr/segmentations/24x38x3/seg/label.seg", "dicom-seg-sr/segmentations/24x38x3/multiframe/mf.dcm"),
        ("sr-example", "dicom-seg-sr/sr-example/seg.dcm", None),
        ("pydicom liver", "dicom-pydicom/pydicom-data/liver.dcm", None),
        ("pydicom liver rle", "dicom-pydicom/pydicom-data/liver_rle.dcm", None),
        ("pydicom liver deflated", "dicom-pydicom/pydicom-data/liver_deflate.dcm", None),
        ("pydicom liver big endian", "dicom-pydicom/pydicom-data/liver_expb.dcm", None),
        ("pydicom liver one frame", "dicom-pydicom/test_files/liver_1frame.dcm", None),
    ]
    for name, path, pictures in cases:
        path = data / path
        if not path.exists():
            continue
        # The same voxels in a packing that pydicom does not read for single bits.
        packed = any(word in name for word in ("rle", "deflated"))
        truth = of_pydicom(data / "dicom-pydicom/pydicom-data/liver.dcm" if packed else path)
        if name.endswith("one frame"):
            good, said = report.ours("convert-labels", path, "--out", folder / "x.nrrd", refuse="FRAME_GROUPS")
            report.say(f"{name}, groups for three", "refused", good, said[:80])
            continue
        for on in ([None] if pictures is None else [None, data / pictures]):
            found, text = {}, ""
            for number in truth:
                out = folder / "sample.nrrd"
                extra = ("--image", on) if on else ()
                done = subprocess.run(
                    [report.binary, "convert-labels", str(path), *map(str, extra), "--segment", str(number), "--out", str(out)],
                    capture_output=True,
                    text=True,
                )
                if done.returncode:
                    text = done.stderr.strip()[:120]
                    break
                found[number] = of_volume(out).get(number, set())
            where = "on pictures" if on else "alone"
            report.say(f"{name} in, {where}", "pydicom", same(truth, found) and not text, text)


def speed(report, folder, pairs=5):
    """Row 18: a SEG of 300 frames of 512 x 512, written and read, ours and highdicom's in turn."""
    import highdicom as hd

    size = (512, 512, 300)
    series = write_series(folder / "ct", "axial", size, (0.7, 0.7, 1.0))
    z, y, x = np.ogrid[:300, :512, :512]
    ball = ((z - 150.0) / 170) ** 2 + ((y - 256.0) / 180) ** 2 + ((x - 240.0) / 200) ** 2 <= 1
    array = ball.astype(np.uint8)[..., None]
    theirs = {"write": [], "read": []}
    for _ in range(pairs):
        start = time.perf_counter()
        highdicom_seg(series, array, "BINARY", folder / "hd.dcm")
        theirs["write"].append(time.perf_counter() - start)
        start = time.perf_counter()
        hd.seg.segread(folder / "hd.dcm").get_volume(combine_segments=False)
        theirs["read"].append(time.perf_counter() - start)
        done = report.ours("--json", "bench", "seg", folder / "ct", "--file", folder / "hd.dcm", "--repeat", 3)
        for case in map(json.loads, done.stdout.splitlines()):
            what = case["case"].split()[-1]
            ours = min(case["wall_ms"]) / 1000
            report.rows.append({"case": what, "ours": ours, "highdicom": theirs[what][-1]})
    for what, goal in (("write", 0.1), ("read", 0.2)):
        a = min(r["ours"] for r in report.rows if r.get("case") == what)
        b = min(theirs[what])
        print(f"{what}: ours {a:.3f} s, highdicom {b:.3f} s, ratio {a / b:.3f}, goal {goal} {'reached' if a / b <= goal else 'not reached'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["voxels", "speed"])
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--binary", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        binary = find_binary(arguments.binary)
        for module in ("highdicom", "pydicom", "SimpleITK", "skimage", "scipy"):
            need_module(module)
    except Missing as missing:
        print(f"not measured: {missing}")
        return 2
    report = Report(str(binary))
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or pathlib.Path(temporary)
        if arguments.what == "voxels":
            voxels(report, folder, arguments.data)
        else:
            speed(report, folder)
    if arguments.json:
        arguments.json.write_text(json.dumps(report.rows, indent=1))
    print(f"{report.wrong} wrong of {len(report.rows)}")
    return int(report.wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
