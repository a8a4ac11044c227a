"""Tools over labels beside scikit-image, SciPy and SimpleITK: one volume, written once, read by all.

Each case runs `negatoscope labels OP` and the peer, and says how many voxels both hold of those that either holds (IoU), for
the worst label. Exact cases must be equal to the voxel; the others must reach 0.99.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from common import find_binary, need_module

SPACING = (0.78125, 0.9, 2.5)
NEEDED = 0.99


def phantom(np):
    """Values and labels of a volume with round things, noise, specks and holes; slices first."""
    random = np.random.default_rng(20261201)
    z, y, x = np.mgrid[0:40, 0:96, 0:112].astype(float)

    def ball(cx, cy, cz, mm):
        d = ((x - cx) * SPACING[0]) ** 2 + ((y - cy) * SPACING[1]) ** 2 + ((z - cz) * SPACING[2]) ** 2
        return d <= mm * mm

    values = np.full(z.shape, -200.0)
    labels = np.zeros(z.shape, np.uint8)
    for value, label, where in ((60, 1, ball(40, 45, 18, 22)), (180, 2, ball(78, 55, 22, 17)),
                                (320, 3, ball(58, 30, 12, 9))):
        values[where] = value
        labels[where] = label
    values = np.round(values + random.normal(0, 14, z.shape)).astype(np.int16)
    # Specks, holes and a ragged rim.
    labels[random.random(z.shape) < 0.004] = 1
    labels[(random.random(z.shape) < 0.01) & (labels == 2)] = 0
    return values, labels


class Bench:
    """The program, the peers and the files."""

    def __init__(self, binary, folder):
        self.np = need_module("numpy")
        self.sitk = need_module("SimpleITK")
        self.binary, self.folder, self.rows = binary, pathlib.Path(folder), []
        self.values, self.labels = phantom(self.np)
        self.image = self.save("image", self.values)
        self.mask = self.save("labels", self.labels)

    def save(self, name, array):
        image = self.sitk.GetImageFromArray(array)
        image.SetSpacing(SPACING)
        path = self.folder / f"{name}.nrrd"
        self.sitk.WriteImage(image, str(path))
        return path

    def ours(self, *arguments):
        out = self.folder / "ours.nrrd"
        command = [self.binary, "labels", *map(str, arguments), "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
        return self.sitk.GetArrayFromImage(self.sitk.ReadImage(str(out)))

    def case(self, name, peer, ours, expected, exact=False):
        np = self.np
        worst = 1.0
        for label in sorted(set(np.unique(ours)) | set(np.unique(expected))):
            if label:
                a, b = ours == label, expected == label
                worst = min(worst, (a & b).sum() / (a | b).sum())
        needed = 1.0 if exact else NEEDED
        row = {"case": name, "peer": peer, "iou": float(worst), "needed": needed, "reached": bool(worst >= needed)}
        self.rows.append(row)
        print(f"{name:34} {peer:28} IoU {worst:.6f}  {'reached' if row['reached'] else 'NOT REACHED'}", flush=True)


def morphology(bench):
    np, sitk = bench.np, bench.sitk
    one = bench.labels == 1
    only = bench.save("one", one.astype(np.uint8))
    image = sitk.ReadImage(str(only))

    def maurer(inside):
        """Distance to the nearest voxel of a set, mm."""
        flat = sitk.GetImageFromArray(inside.astype(np.uint8))
        flat.SetSpacing(SPACING)
        return sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(flat, squaredDistance=False, useImageSpacing=True))

    outside, inside = maurer(one), maurer(~one)
    for mm in (1.5, 3.0, 5.3, 12.0):
        bench.case(f"margin {mm} mm", "SimpleITK Maurer", bench.ours("margin", only, "--mm", mm), (outside <= mm + 1e-5).astype(np.uint8), exact=True)
    for mm in (1.0, 4.0):
        bench.case(f"margin -{mm} mm", "SimpleITK Maurer", bench.ours("margin", only, f"--mm=-{mm}"), (inside > mm + 1e-5).astype(np.uint8), exact=True)
    radius = [int(2.5 / s + 1e-9) for s in SPACING]
    expected = sitk.GetArrayFromImage(sitk.BinaryMedian(image, radius))
    bench.case("smooth median 2.5 mm", "SimpleITK BinaryMedian", bench.ours("smooth", only, "--kind", "median", "--mm", 2.5), expected, exact=True)
    from scipy import ndimage
    blurred = ndimage.gaussian_filter(one.astype(float), [1.2 / s for s in SPACING[::-1]], mode="nearest")
    bench.case("smooth gaussian 1.2 mm", "SciPy gaussian_filter", bench.ours("smooth", only, "--kind", "gaussian", "--mm", 1.2), (blurred > 0.5).astype(np.uint8))
    for kind, touching in ((1, "faces"), (2, "edges"), (3, "corners")):
        near = ndimage.generate_binary_structure(3, kind)
        parts, count = ndimage.label(one, near)
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        bench.case(f"islands largest ({touching})", "SciPy label", bench.ours("islands", only, "--largest", "--touching", touching), (parts == sizes.argmax()).astype(np.uint8), exact=True)
        ml = np.prod(SPACING) / 1000 * 2.5
        bench.case(f"islands of 3 voxels ({touching})", "SciPy label", bench.ours("islands", only, "--least-ml", ml, "--touching", touching), (sizes >= 3)[parts].astype(np.uint8), exact=True)
        split = bench.ours("islands", only, "--split", "--touching", touching)
        same = split.max() == count and (np.bincount(split.ravel())[1:] == np.sort(sizes[1:])[::-1]).all()
        bench.case(f"islands split ({touching})", "SciPy label", np.full((1,), int(same)), np.ones((1,), int), exact=True)
    two = bench.save("two", (bench.labels == 2).astype(np.uint8))
    bench.case("holes", "SciPy binary_fill_holes", bench.ours("holes", two), ndimage.binary_fill_holes(bench.labels == 2).astype(np.uint8), exact=True)
    flat = np.stack([ndimage.binary_fill_holes(s) for s in bench.labels == 2]).astype(np.uint8)
    bench.case("holes slice by slice", "SciPy binary_fill_holes", bench.ours("holes", two, "--across", "slices"), flat, exact=True)


def by_values(bench):
    np, sitk = bench.np, bench.sitk
    filters = need_module("skimage.filters")
    segmentation = need_module("skimage.segmentation")
    image = sitk.ReadImage(str(bench.image))
    grown = sitk.GetArrayFromImage(sitk.ConnectedThreshold(image, [(40, 45, 18)], 20, 110))
    bench.case("grow", "SimpleITK ConnectedThreshold", bench.ours("grow", bench.image, "--at", "40,45,18", "--range", "20,110"), grown, exact=True)
    flat = (segmentation.flood(((bench.values[18] >= 20) & (bench.values[18] <= 110)).astype(np.uint8), (45, 40), connectivity=1))
    expected = np.zeros(bench.values.shape, np.uint8)
    expected[18] = flat
    bench.case("flood fill", "scikit-image flood", bench.ours("grow", bench.image, "--at", "40,45,18", "--range", "20,110", "--flat", "slices"), expected, exact=True)
    ring = [(11, 45), (40, 20), (69, 45), (40, 70)]
    expected = np.zeros(bench.values.shape, np.uint8)
    expected[18] = wired(np, bench.values[18], SPACING[:2], ring)
    given = [word for anchor in ring for word in ("--anchor", "%d,%d" % anchor)]
    bench.case("livewire", "scikit-image MCP_Geometric", bench.ours("livewire", bench.image, "--slice", 18, *given), expected)
    cut = filters.threshold_otsu(bench.values)
    bench.case("Otsu", "scikit-image threshold_otsu", bench.ours("threshold", bench.image, "--otsu", 2), (bench.values > cut).astype(np.uint8), exact=True)
    for classes in (3, 4):
        # The histogram of all whole numbers has thousands of steps; 256 is what scikit-image takes for numbers that are not whole.
        cuts = filters.threshold_multiotsu(bench.values.astype(float), classes=classes, nbins=256)
        bench.case(f"Otsu, {classes} classes", "scikit-image multiotsu", bench.ours("threshold", bench.image, "--otsu", classes), np.digitize(bench.values, cuts).astype(np.uint8))


def from_seeds(bench):
    np = bench.np
    segmentation = need_module("skimage.segmentation")
    seeds = np.zeros(bench.values.shape, np.uint8)
    for label, (x, y, z) in ((1, (34, 48, 19)), (2, (82, 58, 23)), (3, (58, 30, 12))):
        seeds[z - 1:z + 2, y - 2:y + 3, x - 2:x + 3] = label
    seeds[:, :3] = 4
    seeds[:, -3:] = 4
    path = bench.save("seeds", seeds)
    given = (path, "--image", bench.image)
    from scipy import ndimage
    clean = bench.values.astype(float)
    # A relief as one uses it: the slope of a picture without its noise. Where many voxels have one value, as in noise of whole
    # numbers, the answer hangs on the order of work, and no two programs have the same.
    quiet = ndimage.gaussian_filter(bench.values.astype(np.float32), [1.5 / s for s in SPACING[::-1]])
    relief = bench.save("quiet", quiet)
    slope = np.sqrt(sum(g * g for g in np.gradient(quiet.astype(float), *SPACING[::-1]))).astype(np.float32)
    expected = segmentation.watershed(slope, seeds)
    bench.case("watershed of slopes", "scikit-image watershed", bench.ours("watershed", path, "--image", relief), expected)
    heights = bench.save("slope", slope)
    bench.case("watershed of values", "scikit-image watershed", bench.ours("watershed", path, "--image", heights, "--values"), expected)
    narrow = min(SPACING)
    expected = segmentation.random_walker((clean - clean.min()) / (clean.max() - clean.min()), seeds.astype(int), beta=130, mode="cg_j", tol=1e-5, spacing=[s / narrow for s in SPACING[::-1]])
    bench.case("random walker", "scikit-image random_walker", bench.ours("random-walker", *given), expected)
    small = slice(8, 28), slice(20, 70), slice(25, 75)
    part, small_seeds = clean[small], seeds[small].copy()
    small_seeds[:, :2] = 4
    expected = cellular(np, part, small_seeds)
    bench.values, kept = bench.values[small], bench.values
    image, path = bench.save("part", bench.values), bench.save("part-seeds", small_seeds)
    ours = bench.ours("grow-cut", path, "--image", image)
    bench.values = kept
    bench.case("grow-cut", "the automaton, to its end", ours, expected)


def wired(np, picture, spacing, anchors):
    """Livewire with SciPy's gradients and scikit-image's cheapest paths, in millimetres: what the closed outline shuts in. Spacing and
    anchors are of column and row."""
    from scipy import ndimage
    graph, measure = need_module("skimage.graph"), need_module("skimage.measure")
    values = picture.astype(float)
    slope = np.hypot(ndimage.sobel(values, 1, mode="nearest"), ndimage.sobel(values, 0, mode="nearest"))
    top = np.sort(slope.ravel())[round((slope.size - 1) * 0.98)]
    cost = 1 - 0.98 * np.minimum(slope / top, 1)
    outline = []
    for a, b in zip(anchors, anchors[1:] + anchors[:1]):
        search = graph.MCP_Geometric(cost, fully_connected=True, sampling=spacing[::-1])
        search.find_costs([a[::-1]], [b[::-1]])
        path = search.traceback(b[::-1])
        outline += path[:-1]
    # Of centres on the outline, those on left and upper sides are inside.
    rows, columns = np.mgrid[0:cost.shape[0], 0:cost.shape[1]]
    points = np.column_stack([rows.ravel() + 1e-9, columns.ravel() + 1e-6])
    return measure.points_in_poly(points, np.array(outline, float)).reshape(cost.shape)


def cellular(np, values, seeds):
    """Grow-cut as Vezhnevets and Konouchine wrote it down: cells attack their six neighbours until nothing changes."""
    labels, strength = seeds.astype(int), (seeds > 0).astype(float)
    span = values.max() - values.min()
    while True:
        before = strength.copy()
        for axis in range(3):
            for step in (1, -1):
                a = [slice(None)] * 3
                b = [slice(None)] * 3
                a[axis] = slice(None, -1) if step == 1 else slice(1, None)
                b[axis] = slice(1, None) if step == 1 else slice(None, -1)
                a, b = tuple(a), tuple(b)
                force = (1 - np.abs(values[a] - values[b]) / span) * strength[a]
                won = force > strength[b]
                strength[b] = np.where(won, force, strength[b])
                labels[b] = np.where(won, labels[a], labels[b])
        if (strength == before).all():
            return labels


def radiomics(bench, data):
    """The features of a real tumour beside the baselines of pyradiomics."""
    import csv
    folder = pathlib.Path(data) / "brain-mr-mask"
    if not folder.is_dir():
        print("radiomics: not measured, brain-mr-mask is not here")
        return
    for case in ("brain1", "breast1"):
        command = [bench.binary, "radiomics", str(folder / f"{case}_image.nrrd"), str(folder / f"{case}_label.nrrd"), "--shift", "2000", "--json"]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["features"]
        worst, count = {}, 0
        for kind in ("firstorder", "shape", "glcm", "glrlm", "glszm", "gldm", "ngtdm"):
            with open(folder / "baseline" / f"baseline_{kind}.csv", encoding="utf-8") as file:
                rows = list(csv.reader(file))
            place = rows[0].index(case)
            for row in rows:
                if row[0].startswith("original_"):
                    off = abs(found[row[0]] - float(row[place])) / max(abs(float(row[place])), 1e-12)
                    worst[kind] = max(worst.get(kind, 0), off)
                    count += 1
        for kind, off in worst.items():
            bench.rows.append({"case": f"radiomics {case} {kind}", "peer": "pyradiomics baseline", "off": off})
        print(f"radiomics {case}: {count} features, largest relative difference " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()), flush=True)


def fixture(folder):
    """Small volumes and the peers' answers, for the tests of the program: tests/data/labels."""
    np, sitk = need_module("numpy"), need_module("SimpleITK")
    segmentation = need_module("skimage.segmentation")
    filters = need_module("skimage.filters")
    from scipy import ndimage
    values, labels = phantom(np)
    part = slice(6, 34, 2), slice(8, 88, 3), slice(8, 104, 4)
    values, labels = values[part], labels[part]
    spacing = (3.1, 2.7, 5.0)
    quiet = ndimage.gaussian_filter(values.astype(np.float32), 0.8)
    seeds = np.zeros(values.shape, np.uint8)
    seeds[5:8, 10:16, 6:11], seeds[6:9, 14:19, 16:20], seeds[2:5, 6:9, 11:14] = 1, 2, 3
    seeds[:, 0], seeds[:, :, 0] = 4, 4

    def save(name, array):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing(spacing)
        sitk.WriteImage(image, str(pathlib.Path(folder) / f"{name}.nrrd"), True)
        return image

    save("values", values)
    save("quiet", quiet)
    save("seeds", seeds)
    one = save("one", (labels == 1).astype(np.uint8))
    distance = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(one, squaredDistance=False, useImageSpacing=True))
    save("margin", (distance <= 6 + 1e-5).astype(np.uint8))
    slope = np.sqrt(sum(g * g for g in np.gradient(quiet.astype(float), *spacing[::-1]))).astype(np.float32)
    save("watershed", segmentation.watershed(slope, seeds).astype(np.uint8))
    span = quiet.astype(float)
    span = (span - span.min()) / (span.max() - span.min())
    walked = segmentation.random_walker(span, seeds.astype(int), beta=130, mode="cg_j", tol=1e-6, spacing=[s / min(spacing) for s in spacing[::-1]])
    save("walker", walked.astype(np.uint8))
    save("growcut", cellular(np, quiet.astype(float), seeds).astype(np.uint8))
    wire = np.zeros(values.shape, np.uint8)
    wire[6] = wired(np, quiet[6], spacing[:2], [(1, 12), (8, 4), (15, 12), (8, 20)])
    save("livewire", wire)
    save("otsu", (values > filters.threshold_otsu(values)).astype(np.uint8))
    grown = sitk.ConnectedThreshold(sitk.GetImageFromArray(values), [(8, 13, 6)], 20, 110)
    save("grown", sitk.GetArrayFromImage(grown))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary")
    parser.add_argument("--data")
    parser.add_argument("--json")
    parser.add_argument("--fixture", help="write the small volumes of the tests into this folder, and end")
    options = parser.parse_args()
    if options.fixture:
        fixture(options.fixture)
        return
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(find_binary(options.binary), folder)
        morphology(bench)
        by_values(bench)
        from_seeds(bench)
        if options.data:
            radiomics(bench, options.data)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(bench.rows, indent=1))
    sys.exit(0 if all(row.get("reached", True) for row in bench.rows) else 1)


if __name__ == "__main__":
    main()
