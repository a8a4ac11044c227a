"""Makes tests/data/metrics/masks.json: numbers of scikit-learn, MedPy, SimpleITK, scikit-image and NumPy for
small made-up masks, scores and grids. Run with a Python that has them:

    python tests/data/metrics/masks.py > tests/data/metrics/masks.json
"""

import json

import numpy as np
import SimpleITK as sitk
from medpy.metric import binary as medpy
from skimage.transform import resize
from sklearn import metrics as sk

random = np.random.default_rng(20261123)


def runs(mask):
    """Lengths of runs in memory order, beginning with a run of False."""
    flat = np.concatenate([[False], mask.ravel()])
    edges = np.flatnonzero(np.diff(flat.astype(np.int8)))
    bounds = np.concatenate([[0], edges, [mask.size]])
    return [int(n) for n in np.diff(bounds)]


def ellipse(shape, centre, radii):
    grids = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    return sum(((g - c) / r) ** 2 for g, c, r in zip(grids, centre, radii)) <= 1.0


def speckle(shape, share):
    return random.random(shape) < share


masks = []
flat = (41, 53)
big = ellipse(flat, (20, 25), (14, 18))
masks.append(("shifted", big, ellipse(flat, (22, 28), (13, 18)), (1.0, 1.0)))
masks.append(("anisotropic", big, ellipse(flat, (18, 24), (15, 16)), (0.6, 0.143)))
masks.append(("hole", big, big & ~ellipse(flat, (20, 25), (4, 6)), (1.0, 1.0)))
masks.append(("at the edge", ellipse(flat, (0, 0), (12, 15)), ellipse(flat, (2, 1), (12, 12)), (0.5, 2.0)))
masks.append(("two parts", big, ellipse(flat, (20, 14), (8, 6)) | ellipse(flat, (20, 40), (6, 5)), (1.0, 1.5)))
masks.append(("apart", ellipse(flat, (8, 8), (5, 5)), ellipse(flat, (32, 44), (4, 6)), (1.0, 1.0)))
masks.append(("one pixel", ellipse(flat, (5, 5), (0.5, 0.5)), big, (1.0, 1.0)))
masks.append(("speckle", speckle(flat, 0.2), speckle(flat, 0.1), (1.3, 0.7)))
masks.append(("all", np.ones(flat, bool), big, (1.0, 1.0)))
deep = (9, 24, 21)
masks.append(
    ("volume", ellipse(deep, (4, 11, 10), (3, 8, 7)), ellipse(deep, (5, 12, 9), (3, 7, 8)), (2.5, 0.7, 0.8))
)
masks.append(("deep speckle", speckle(deep, 0.05), speckle(deep, 0.03), (1.0, 1.1, 1.2)))
masks.append(("line", speckle((64,), 0.3), speckle((64,), 0.2), (0.25,)))

cases = []
for name, truth, predicted, spacing in masks:
    t, p = truth.ravel(), predicted.ravel()
    case = {
        "name": name,
        "shape": list(truth.shape),
        "spacing": list(spacing),
        "truth": runs(truth),
        "predicted": runs(predicted),
        "dice": float(medpy.dc(p, t)),
        "iou": float(sk.jaccard_score(t, p)),
        "precision": float(sk.precision_score(t, p, zero_division=0)),
        "recall": float(sk.recall_score(t, p)),
        "f1": float(sk.f1_score(t, p)),
        "accuracy": float(sk.accuracy_score(t, p)),
        "hd95": float(medpy.hd95(predicted, truth, voxelspacing=spacing)),
        "assd": float(medpy.assd(predicted, truth, voxelspacing=spacing)),
        "hausdorff": float(medpy.hd(predicted, truth, voxelspacing=spacing)),
    }
    if truth.ndim > 1:
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        a, b = (sitk.GetImageFromArray(m.astype(np.uint8)) for m in (truth, predicted))
        overlap.Execute(a, b)
        assert abs(overlap.GetDiceCoefficient() - case["dice"]) < 1e-12
        assert abs(overlap.GetJaccardCoefficient() - case["iou"]) < 1e-12
    cases.append(case)

scores = []
for levels in (1000, 7, 2):
    labels = random.random(60) < 0.4
    values = np.round((random.random(60) + 0.5 * labels) * levels) / levels
    scores.append(
        {
            "labels": [bool(v) for v in labels],
            "scores": [float(v) for v in values],
            "auroc": float(sk.roc_auc_score(labels, values)),
            "mse": float(sk.mean_squared_error(labels.astype(float), values)),
        }
    )


def area(grid, shape):
    """Exact area means by differences of the interpolated integral, one axis after the other."""
    for axis, size in enumerate(shape):
        grid = np.moveaxis(grid, axis, 0)
        integral = np.concatenate([np.zeros((1,) + grid.shape[1:]), np.cumsum(grid, axis=0)])
        places = np.linspace(0, grid.shape[0], size + 1)
        columns = [np.interp(places, np.arange(len(integral)), integral[:, i]) for i in range(grid.shape[1])]
        grid = np.diff(np.stack(columns, axis=1), axis=0) * (size / grid.shape[0])
        grid = np.moveaxis(grid, 0, axis)
    return grid


grids = []
for source, target in [((13, 17), (5, 6)), ((6, 5), (11, 13)), ((12, 8), (4, 8)), ((7, 9), (9, 4))]:
    grid = np.round(random.random(source) * 100, 2)
    grids.append(
        {
            "from": list(source),
            "to": list(target),
            "values": [float(v) for v in grid.ravel()],
            "area": [float(v) for v in area(grid, target).ravel()],
            "bilinear": [
                float(v) for v in resize(grid, target, order=1, mode="edge", anti_aliasing=False).ravel()
            ],
        }
    )

print(json.dumps({"masks": cases, "scores": scores, "grids": grids}, separators=(",", ":")))
