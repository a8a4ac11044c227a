"""Oblique planes and slabs beside VTK and SimpleITK: processor time, and values on a real CT.

`speed`: ours is `bench frame`, drawn by the renderer of the window on whatever adapter there is, window and look-up
included; the peers give values only. Both work on CT300.

`values`: planes and slabs by `render --raw16` against SimpleITK's Resample of the same series in double precision, and
cubic pictures against Keys' kernel written down again here. Pixels that need a padding voxel are left out, since the
peer knows none. Bounds: 0.01 of a modality unit where ours is the f64
reference (`--backend cpu`), 0.05 where the graphics device interpolates in 32 bits.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from common import (FEWEST_PAIRS, HEADS, Comparison, bench, clean_when_told_to_stop, find_binary, inside, machine,
                    need_module, print_row, scaled, summary, table_line)

# Normals and upward directions of the askew planes; those of src/bench/drawing.rs.
ASKEW = (((0.15, -0.2, 1.0), (0, -1, 0)), ((0.2, 1.0, 0.1), (0, 0, 1)), ((1.0, 0.15, -0.2), (0, 0, 1)))
POINTS = 101
BOUNDS = {"cpu": 0.01, "gpu": 0.05}


def axes_of(normal, up):
    """Unit vectors to the right, down and away, as the program has them."""
    import numpy as np

    away = np.array(normal, float) / np.linalg.norm(normal)
    up = np.array(up, float) - away * np.dot(away, up)
    down = -up / np.linalg.norm(up)
    return np.cross(down, away), down, away


def image_of(folder):
    """A series as SimpleITK reads it."""
    sitk = need_module("SimpleITK")
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def padding_of(folder):
    """Modality value of Pixel Padding Value, or None."""
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))[0])
    reader.ReadImageInformation()
    number = {key: float(reader.GetMetaData(key)) for key in ("0028|0120", "0028|1053", "0028|1052", "0028|0103")
              if reader.HasMetaDataKey(key)}
    if "0028|0120" not in number:
        return None
    stored = number["0028|0120"]
    # Read as US where the file does not say which; pixels of signed series have signed padding.
    if number.get("0028|0103") == 1 and stored > 32767:
        stored -= 65536
    return stored * number.get("0028|1053", 1.0) + number.get("0028|1052", 0.0)


# Speed.


def fit(image, size):
    """Millimetres a pixel at which the volume, seen from the feet, just fits."""
    extent = [n * s for n, s in zip(image.GetSize(), image.GetSpacing())]
    return max(extent[0], extent[1]) / size


def middle_of(image):
    return image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()])


def vtk_image(image):
    """The same voxels as a vtkImageData whose axes are the patient's."""
    need_module("vtk")
    import SimpleITK as sitk
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    array = sitk.GetArrayFromImage(image).astype("int16")
    data = vtkImageData()
    data.SetDimensions(image.GetSize())
    data.SetSpacing(image.GetSpacing())
    data.SetOrigin(image.GetOrigin())
    scalars = numpy_to_vtk(array.ravel(), deep=True)
    data.GetPointData().SetScalars(scalars)
    return data


def vtk_reslice(image, planes, size, slab=None):
    """A runner of vtkImageReslice over planes."""
    data = vtk_image(image)
    from vtkmodules.vtkImagingCore import vtkImageReslice

    mm, middle = fit(image, size), middle_of(image)
    made = []
    for normal, up in planes:
        right, down, away = axes_of(normal, up)
        reslice = vtkImageReslice()
        reslice.SetInputData(data)
        reslice.SetOutputDimensionality(2)
        reslice.SetResliceAxesDirectionCosines(*right, *down, *away)
        reslice.SetResliceAxesOrigin(*middle)
        reslice.SetInterpolationModeToLinear()
        reslice.SetOutputSpacing(mm, mm, 1)
        reslice.SetOutputOrigin(-mm * (size - 1) / 2, -mm * (size - 1) / 2, 0)
        reslice.SetOutputExtent(0, size - 1, 0, size - 1, 0, 0)
        if slab:
            reslice.SetSlabNumberOfSlices(POINTS)
            {"mip": reslice.SetSlabModeToMax, "mean": reslice.SetSlabModeToMean}[slab]()
        made.append(reslice)

    def work():
        for reslice in made:
            reslice.Modified()
            reslice.Update()

    return inside(work)


def sitk_resample(image, planes, size, slab=None):
    """A runner of SimpleITK's Resample; a slab is resampled whole and projected by numpy."""
    import SimpleITK as sitk

    mm = fit(image, size)
    references = [reference_of(middle_of(image), axes_of(*plane), (size, size), mm, POINTS if slab else 1, 1.0)
                  for plane in planes]

    def work():
        for reference in references:
            out = sitk.Resample(image, reference, sitk.Transform(), sitk.sitkLinear, -1024.0, image.GetPixelID())
            if slab:
                array = sitk.GetArrayViewFromImage(out)
                array.max(axis=0) if slab == "mip" else array.mean(axis=0)

    return inside(work)


def speed(options):
    """Row 7."""
    binary = find_binary(options.binary)
    clean_when_told_to_stop()
    image = image_of(options.dir / "CT300")
    slices = str(image.GetSize()[2])

    def planes_of_ours(*more):
        frame = bench(binary, "frame", "--scene", "mpr", "--size", "2048x2048", "--slices", slices, *more, repeat=4)
        return lambda: scaled(frame, 3 * 1024 * 1024 / 1e6)

    def each(peer, pixels):
        return lambda: scaled(peer(), pixels / 1e6)

    mpr, tilted, along = 3 * 1024 * 1024, [ASKEW[0]], [((0, 0, 1), (0, -1, 0))]
    rows = [
        Comparison(7, "3 askew planes, ns a pixel", "vtkImageReslice", planes_of_ours(),
                   each(lambda: vtk_reslice(image, ASKEW, 1024), mpr), goal=0.45, by="cpu", unit="ns"),
        Comparison(7, "3 askew planes, ns a pixel", "SimpleITK Resample", planes_of_ours(),
                   each(lambda: sitk_resample(image, ASKEW, 1024), mpr), by="cpu", unit="ns"),
        Comparison(7, "3 askew planes, ns a pixel", "ours, --naive", planes_of_ours(), planes_of_ours("--naive"),
                   by="cpu", unit="ns"),
    ]
    for mode in ("mip", "mean"):
        for way, plane in (("askew", tilted), ("along", along)):
            flags = ["--along"] if way == "along" else []

            def ours(*more, mode=mode, flags=flags):
                arguments = ("frame", "--scene", "slab", "--size", "512x512", "--slices", slices, "--projection", mode)
                return lambda: bench(binary, *arguments, *flags, *more, repeat=2)

            def vtk(mode=mode, plane=plane):
                return vtk_reslice(image, plane, 512, mode)

            def itk(mode=mode, plane=plane):
                return sitk_resample(image, plane, 512, mode)

            name = f"{mode} of {POINTS} {way}, 512 x 512"
            rows += [
                Comparison(7, name, "vtkImageReslice slab", ours(), vtk, goal=0.35, by="cpu"),
                Comparison(7, name, "SimpleITK Resample", ours(), itk, by="cpu"),
                Comparison(7, name, "ours, --naive", ours(), ours("--naive"), by="cpu"),
            ]
    about = machine(binary)
    print(f"{about['cpu']}, {about['cores']} cores, {about['cores_free']} of 2 free, {about['program']}")
    print(table_line(HEADS))
    results = []
    for row in rows:
        if options.only and options.only not in f"{row.case} {row.peer_name}":
            continue
        results.append(row.measure(options.pairs))
        print_row(results[-1])
        if options.json:
            options.json.write_text(json.dumps({"machine": about, "rows": results}, indent=1) + "\n")
    print(summary(results) + "   (c: judged by processor time)")
    return 0


# Values.


def reference_of(centre, axes, size, mm, points, step_mm):
    """A SimpleITK image that lies where a picture (or the planes of a slab) lies."""
    import numpy as np
    import SimpleITK as sitk

    right, down, away = axes
    half = np.array([(size[0] - 1) / 2 * mm, (size[1] - 1) / 2 * mm, (points - 1) / 2 * step_mm])
    reference = sitk.Image([int(size[0]), int(size[1]), int(points)], sitk.sitkInt16)
    reference.SetSpacing([mm, mm, step_mm])
    reference.SetDirection(np.array([right, down, away]).T.ravel().tolist())
    reference.SetOrigin((np.array(centre) - right * half[0] - down * half[1] - away * half[2]).tolist())
    return reference


def rendered(binary, folder, scratch, backend, arguments):
    """(report, values) of one picture of ours."""
    import numpy as np

    out = pathlib.Path(scratch) / "values.npy"
    command = [binary, "render", str(folder), "--raw16", str(out), "--json", "--quiet", "--backend", backend, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip()[:200])
    return json.loads(done.stdout.splitlines()[-1]), np.load(out).astype(np.float64)


def keys(array, index):
    """Keys' kernel, a = -1/2, at continuous indices (x, y, z), borders repeated."""
    import numpy as np

    low = np.floor(index).astype(int)
    t = index - low
    weights = [-0.5 * t + t**2 - 0.5 * t**3, 1 - 2.5 * t**2 + 1.5 * t**3, 0.5 * t + 2 * t**2 - 1.5 * t**3,
               -0.5 * t**2 + 0.5 * t**3]
    total = np.zeros(index.shape[:-1])
    for k in range(4):
        for j in range(4):
            for i in range(4):
                at = [np.clip(low[..., a] + o - 1, 0, array.shape[2 - a] - 1) for a, o in enumerate((i, j, k))]
                weight = weights[i][..., 0] * weights[j][..., 1] * weights[k][..., 2]
                total += weight * array[at[2], at[1], at[0]]
    return total


def values(options):
    """Pictures of ours and of the peer, pixel by pixel."""
    binary = find_binary(options.binary)
    np, sitk = need_module("numpy"), need_module("SimpleITK")
    image = sitk.Cast(image_of(options.dir), sitk.sitkFloat64)
    array = sitk.GetArrayFromImage(image)
    padding = padding_of(options.dir)
    if padding is not None:
        array[array == padding] = np.nan
        spoilt = sitk.GetImageFromArray(array)
        spoilt.CopyInformation(image)
        image = spoilt
    outside = -1e9
    size, worst_of_all, results = (320, 256), {"cpu": 0.0, "gpu": 0.0}, []
    turned = sitk.Image(image)

    def index_of(points):
        matrix = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
        return (points - np.array(image.GetOrigin())) @ np.linalg.inv(matrix).T

    cases = [("plane", "linear", None, 0.0)]
    cases += [(mode, "linear", mode, mm) for mode in ("mip", "minip", "mean") for mm in (7.5, 30.0)]
    cases += [("plane", "cubic", None, 0.0)]
    with tempfile.TemporaryDirectory(prefix="planes-") as scratch:
        for normal, up in (*ASKEW, ((0, 0, 1), (0, -1, 0)), ((0, 1, 0), (0, 0, 1))):
            for name, between, mode, mm in cases:
                arguments = ["--view", "oblique", "--normal", ",".join(map(str, normal)), "--up",
                             ",".join(map(str, up)), "--size", f"{size[0]}x{size[1]}", "--zoom", "1.3",
                             "--interpolation", between]
                if mode:
                    arguments += ["--mode", mode, "--slab", str(mm)]
                for backend in ("cpu", "gpu"):
                    report, ours = rendered(binary, options.dir, scratch, backend, arguments)
                    slab = report["slab"] or {"points": 1, "step_mm": 1.0}
                    axes = axes_of(normal, up)
                    place = (report["centre"], axes, size, report["mm_per_pixel"], slab["points"], slab["step_mm"])
                    reference = reference_of(*place)
                    if between == "cubic":
                        x, y = np.meshgrid(np.arange(size[0]) + 0.5 - size[0] / 2, np.arange(size[1]) + 0.5 - size[1] / 2)
                        points = np.array(report["centre"]) + report["mm_per_pixel"] * (
                            x[..., None] * axes[0] + y[..., None] * axes[1])
                        index = index_of(points)
                        inside_grid = np.all((index >= -0.5) & (index <= np.array(image.GetSize()) - 0.5), axis=-1)
                        theirs = np.where(inside_grid, keys(array, index), outside)
                    else:
                        theirs = sitk.GetArrayFromImage(
                            sitk.Resample(turned, reference, sitk.Transform(), sitk.sitkLinear, outside))
                        there = theirs != outside
                        with np.errstate(all="ignore"):
                            project = {None: lambda a, _: a[0], "mip": lambda a, t: np.where(t, a, outside).max(axis=0),
                                       "minip": lambda a, t: np.where(t, a, -outside).min(axis=0),
                                       "mean": lambda a, t: np.where(t, a, 0).sum(axis=0) / t.sum(axis=0)}
                            theirs = np.where(there.any(axis=0), project[mode](theirs, there), outside)
                    both = ~np.isnan(ours) & ~np.isnan(theirs) & (theirs != outside)
                    apart = np.abs(ours[both] - theirs[both])
                    # Points on the border of the volume may be inside for one and outside for the other.
                    either = int(np.sum((np.isnan(ours) != (theirs == outside)) & ~np.isnan(theirs)))
                    worst = float(apart.max()) if apart.size else float("nan")
                    beyond = int(np.sum(apart > BOUNDS[backend]))
                    worst_of_all[backend] = max(worst_of_all[backend], worst)
                    row = {"normal": normal, "what": name, "between": between, "thickness_mm": mm, "backend": backend,
                           "points": slab["points"], "pixels": int(both.sum()), "worst": worst, "beyond": beyond,
                           "one_sided": either}
                    results.append(row)
                    print(f"{str(normal):20} {name:6} {between:7} {mm:5.1f} mm {slab['points']:3d} points {backend}  "
                          f"{row['pixels']:6d} pixels, worst {worst:.2e}, {beyond} beyond, {either} in one only",
                          flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    failed = sum(row["beyond"] for row in results)
    print(f"worst: cpu {worst_of_all['cpu']:.2e}, gpu {worst_of_all['gpu']:.2e}; {failed} pixels beyond the bounds")
    return 1 if failed else 0


def main():
    """`speed` or `values`."""
    parser = argparse.ArgumentParser(prog="planes")
    parser.add_argument("what", choices=("speed", "values"))
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--binary")
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS)
    parser.add_argument("--only", help="only the cases whose name holds this text")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    return {"speed": speed, "values": values}[options.what](options)


if __name__ == "__main__":
    sys.exit(main())
