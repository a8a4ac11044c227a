"""Values inside outlines of a made-up picture, by numpy: what marks drawn in the window must come to.

    python3 tests/data/marks_figures.py > tests/data/marks_figures.json

The picture is that of tests/suite/measuring.rs: stored value ((i*131 + j*57 + k*911 + i*j*7) % 4001) - 900 at column i,
row j of slice k, 56 columns, 48 rows, rescale intercept -1024. A pixel counts when its centre lies inside. Outlines
that pass within 1/500 of a pixel of a centre are not taken: the window's pointer is a 32-bit float.
"""

import json

import numpy as np

COLUMNS, ROWS, NEAR = 56, 48, 2e-3
random = np.random.default_rng(20261130)
i, j = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))


def picture(k):
    return ((i * 131 + j * 57 + k * 911 + i * j * 7) % 4001) - 900 - 1024.0


def rectangle():
    a, c = random.uniform([0, 0], [COLUMNS - 1, ROWS - 1], (2, 2))
    low, high = np.minimum(a, c), np.maximum(a, c)
    off = np.maximum(np.maximum(low[0] - i, i - high[0]), np.maximum(low[1] - j, j - high[1]))
    return [a, c], off


def ellipse():
    centre = random.uniform([12, 12], [COLUMNS - 13, ROWS - 13])
    radii = random.uniform(3, 11, 2)
    r = np.hypot((i - centre[0]) / radii[0], (j - centre[1]) / radii[1])
    return [centre - radii, centre + radii], (r - 1) * radii.min()


def polygon():
    centre = random.uniform([14, 14], [COLUMNS - 15, ROWS - 15])
    angles = (np.arange(7) + random.uniform(0, 0.8, 7)) / 7 * 2 * np.pi
    reach = random.uniform(4, 13, 7)
    corners = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
    crossings = np.zeros(i.shape, int)
    edge = np.full(i.shape, np.inf)
    for a, b in zip(corners, np.roll(corners, -1, 0)):
        with np.errstate(divide="ignore", invalid="ignore"):
            x = a[0] + (j - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        crossings += ((a[1] > j) != (b[1] > j)) & (i < x)
        step = b - a
        t = np.clip(((i - a[0]) * step[0] + (j - a[1]) * step[1]) / (step @ step), 0, 1)
        edge = np.minimum(edge, np.hypot(i - a[0] - t * step[0], j - a[1] - t * step[1]))
    return list(corners), np.where(crossings % 2 == 1, -edge, edge)


figures = []
while len(figures) < 60:
    kind = ["rectangle", "ellipse", "polygon"][len(figures) % 3]
    points, off = {"rectangle": rectangle, "ellipse": ellipse, "polygon": polygon}[kind]()
    inside = off < 0
    # A click near the first corner closes a polygon: the last one lies apart.
    closes = kind == "polygon" and np.hypot(*(points[0] - points[-1])) < 2
    if closes or np.abs(off).min() < NEAR or inside.sum() < 20:
        continue
    slice_ = int(random.integers(0, 12))
    values = picture(slice_)[inside]
    figures.append(
        {
            "type": kind,
            "slice": slice_,
            "points": [[float(x), float(y)] for x, y in points],
            "n": int(inside.sum()),
            "mean": float(np.mean(values)),
            "sd_sample": float(np.std(values, ddof=1)),
            "sd_population": float(np.std(values)),
            "min": float(values.min()),
            "max": float(values.max()),
            "median": float(np.median(values)),
            **{f"percentile_{p}": float(np.percentile(values, p)) for p in (5, 25, 75, 95)},
        }
    )
print(json.dumps(figures, indent=1))
