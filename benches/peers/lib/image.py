"""Row 14: operations on CT300 beside SimpleITK, scikit-image and cc3d. Processor time is judged.

The peers work on the volume in memory, as `bench image` does: what is timed is the operation alone. Results are held against each
other: the same voxels for growing, the same sums for dilation, the same thresholds.
"""

import argparse
import json
import pathlib
import sys

from common import (FEWEST_PAIRS, HEADS, Comparison, bench, clean_when_told_to_stop, find_binary, inside, machine,
                    need_module, print_row, table_line)

GOALS = {"grow": 0.5, "components": 0.7, "gaussian": 0.1, "dilate": 0.1, "erode": 0.1, "otsu": 0.05, "resample": 0.3, "hog": 0.2}
RANGE = (-200, 300)


class Peers:
    """The volume, read once."""

    def __init__(self, folder):
        self.folder, self.image = folder, None

    def volume(self):
        sitk = need_module("SimpleITK")
        if self.image is None:
            sitk.ProcessObject.SetGlobalWarningDisplay(False)
            reader = sitk.ImageSeriesReader()
            reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(self.folder)))
            self.image = sitk.Cast(reader.Execute(), sitk.sitkInt16)
        return sitk, self.image

    def runner(self, operation):
        """What runs the peer, and what is told of its result when the clock stands."""
        sitk, image = self.volume()
        np = need_module("numpy")
        array = sitk.GetArrayViewFromImage(image)
        if operation == "grow":
            # Slices may run the other way in the two programs: the seed is one of the same value range in the middle row.
            seed = next([x, image.GetHeight() // 2, image.GetDepth() // 2]
                        for x in range(image.GetWidth() // 2, image.GetWidth())
                        if RANGE[0] <= image[x, image.GetHeight() // 2, image.GetDepth() // 2] <= RANGE[1])
            return (lambda: sitk.ConnectedThreshold(image, [seed], *RANGE),
                    lambda found: {"voxels": int(np.count_nonzero(sitk.GetArrayViewFromImage(found)))})
        if operation == "components":
            cc3d = need_module("cc3d")
            mask = ((array >= RANGE[0]) & (array <= RANGE[1])).astype(np.uint8)
            return (lambda: cc3d.connected_components(mask, connectivity=6),
                    lambda found: {"parts": int(found.max()), "largest": int(np.bincount(found.ravel())[1:].max())})
        if operation == "gaussian":
            return (lambda: sitk.SmoothingRecursiveGaussian(sitk.Cast(image, sitk.sitkFloat32), 2.0),
                    lambda found: {"sum": float(sitk.GetArrayViewFromImage(found).sum(dtype=np.float64))})
        if operation in ("dilate", "erode"):
            work = sitk.GrayscaleDilate if operation == "dilate" else sitk.GrayscaleErode
            return (lambda: work(image, [2, 2, 2], sitk.sitkBall),
                    lambda found: {"sum": int(sitk.GetArrayViewFromImage(found).sum(dtype=np.int64))})
        if operation == "otsu":
            def otsu():
                work = sitk.OtsuThresholdImageFilter()
                work.SetNumberOfHistogramBins(4096)
                work.Execute(image)
                return work.GetThreshold()
            return otsu, lambda found: {"threshold": found}
        if operation == "resample":
            size = [max(1, round(n * s)) for n, s in zip(image.GetSize(), image.GetSpacing())]
            spacing = [n * s / m for n, s, m in zip(image.GetSize(), image.GetSpacing(), size)]
            origin = image.TransformContinuousIndexToPhysicalPoint([(b / a - 1) / 2 for a, b in zip(image.GetSpacing(), spacing)])
            return (lambda: sitk.Resample(image, size, sitk.Transform(), sitk.sitkLinear, origin, spacing, image.GetDirection(), 0, sitk.sitkFloat32),
                    lambda found: {"size": list(found.GetSize()), "sum": float(sitk.GetArrayViewFromImage(found).sum(dtype=np.float64))})
        feature = need_module("skimage.feature")
        middle = array[array.shape[0] // 2].astype(np.float32)
        return (lambda: feature.hog(middle, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2)),
                lambda found: {"sum": float(found.sum(dtype=np.float64))})


def main():
    clean_when_told_to_stop()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--binary")
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS)
    parser.add_argument("--only", choices=sorted(GOALS))
    parser.add_argument("--json")
    options = parser.parse_args()
    binary = find_binary(options.binary)
    folder = options.dir / "CT300" if (options.dir / "CT300").is_dir() else options.dir
    peers = Peers(folder)
    names = {"components": "cc3d", "hog": "scikit-image"}
    rows = []
    print(table_line(HEADS))
    said = {}
    for operation, goal in GOALS.items():
        if options.only not in (None, operation):
            continue

        def ours(operation=operation):
            run = bench(binary, "image", operation, str(folder))

            def told():
                wall, cpu, case = run()
                said.setdefault(operation, {})["ours"] = {k: case.get(k) for k in ("voxels", "parts", "threshold", "sum", "size")}
                return wall, cpu, case
            return told

        def theirs(operation=operation):
            work, tell = peers.runner(operation)
            said.setdefault(operation, {})["peer"] = tell(work())

            # What comes back is let go within the time, as it is in ours.
            def once():
                work()
            return inside(once)

        row = Comparison(14, operation, names.get(operation, "SimpleITK"), ours, theirs, goal, by="cpu").measure(options.pairs)
        row["results"] = said.get(operation)
        rows.append(row)
        print_row(row)
        print(f"    results: {json.dumps(said.get(operation))}", flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"machine": machine(binary), "rows": rows}, indent=1))
    sys.exit(0)


if __name__ == "__main__":
    main()
