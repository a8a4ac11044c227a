#!/usr/bin/env python3
"""Makes filters.tsv and filters.bin: what scikit-image and scipy make of two small pictures.

    python tests/data/filters_reference.py

Needs numpy, scipy and scikit-image; the versions that made the files are the first line of filters.tsv. The pictures
are made here: `ct` of whole numbers like Hounsfield units (an even 24x31), `pet` of fractions (an odd 27x22), so that
borders, odd and even sides and rounding all occur. filters.bin holds 32-bit floats, little-endian, one array after the
other; filters.tsv says which lies where.
"""
import pathlib

import numpy as np
import scipy
import skimage
from scipy import ndimage
from skimage import exposure, filters, morphology, restoration
from skimage.restoration import _denoise

HERE = pathlib.Path(__file__).parent


def pictures():
    random = np.random.default_rng(20)
    rows, columns = 24, 31
    y, x = np.mgrid[0:rows, 0:columns]
    ct = np.full((rows, columns), -1000.0)
    ct[((x - 15) / 13) ** 2 + ((y - 12) / 10) ** 2 < 1] = 40
    ct[((x - 9) / 4) ** 2 + ((y - 12) / 6) ** 2 < 1] = -850
    ct[((x - 22) / 4) ** 2 + ((y - 11) / 6) ** 2 < 1] = -840
    ct[20:22, 14:17] = 900
    ct += np.round(random.normal(0, 25, ct.shape))
    ct[12, 8] = 300
    ct[4, 15] = -300
    rows, columns = 27, 22
    y, x = np.mgrid[0:rows, 0:columns]
    pet = 0.4 + 6.5 * np.exp(-((x - 7.3) ** 2 + (y - 9.1) ** 2) / 14) + 2.5 * np.exp(-((x - 16) ** 2 + (y - 20) ** 2) / 5)
    pet *= 1 + 0.15 * random.standard_normal(pet.shape)
    # As the files hold them, so that both sides start from the same numbers.
    return {"ct": ct.astype(np.float32).astype(float), "pet": pet.astype(np.float32).astype(float)}


def bilateral(image, sigma, range_):
    """scikit-image's own loop with a spatial table of the right width.

    _compute_spatial_lut of 0.26 takes arange(-win_size // 2, win_size // 2 + 1), which for the odd 2n + 1 has 2n + 2
    numbers, while the loop reads rows of 2n + 1: each row of weights is shifted against the one above it.
    """
    reach = max(2, int(np.ceil(3 * sigma)))

    def spatial(win_size, sigma, *, dtype=float):
        at = np.arange(-reach, reach + 1)
        return _denoise._gaussian_weight(np.hypot(*np.meshgrid(at, at, indexing="ij")), sigma**2, dtype=dtype).ravel()

    kept, _denoise._compute_spatial_lut = _denoise._compute_spatial_lut, spatial
    try:
        # Not negative, as its table of differences reaches from 0 to the highest value; many bins, so that the table
        # is as good as the exponential.
        return image.min() + restoration.denoise_bilateral(
            image - image.min(),
            win_size=2 * reach + 1,
            sigma_color=range_,
            sigma_spatial=sigma,
            bins=4_000_000,
            mode="symmetric",
        )
    finally:
        _denoise._compute_spatial_lut = kept


def quick_exp(y):
    """The exponential of scikit-image's denoise_nl_means (_shared/fast_exp.h, after Schraudolph): a few per cent off."""
    return (((1512775.3951951856938 * y).astype(np.int64) + 1072632447) << 32).view(np.float64)


def non_local_means(image, patch, distance, strength):
    """The classic algorithm of scikit-image, written again, with a true exponential.

    With scikit-image's own approximation of it this gives scikit-image's result to the last bit, which is checked; the
    approximation moves results by up to a thousandth of the range.
    """
    reference = restoration.denoise_nl_means(
        image, patch_size=patch, patch_distance=distance, h=strength, fast_mode=False, preserve_range=True
    )
    half, (rows, columns) = patch // 2, image.shape
    padded = np.pad(image, half, mode="reflect")
    at = np.arange(-half, half + 1)
    weights = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * ((patch - 1) / 4) ** 2))
    weights /= weights.sum() * strength**2
    results = []
    for exp in (quick_exp, np.exp):
        sums, total = np.zeros_like(image), np.zeros_like(image)
        for down in range(-distance, distance + 1):
            for across in range(-distance, distance + 1):
                top, bottom = max(0, -down), min(rows, rows - down)
                left, right = max(0, -across), min(columns, columns - across)
                apart = np.zeros((bottom - top, right - left))
                for j in range(patch):
                    before = apart.copy()
                    for i in range(patch):
                        one = padded[top + j : bottom + j, left + i : right + i]
                        two = padded[top + down + j : bottom + down + j, left + across + i : right + across + i]
                        apart += weights[j, i] * (one - two) ** 2
                weight = np.where(before > 5, 0, exp(-apart))
                sums[top:bottom, left:right] += weight * image[top + down : bottom + down, left + across : right + across]
                total[top:bottom, left:right] += weight
        results.append(sums / total)
    assert np.array_equal(results[0], reference)
    assert np.abs(results[1] - reference).max() < 2e-3 * np.ptp(image)
    return results[1]


def normal(image, function):
    low, high = image.min(), image.max()
    return low + (high - low) * function((image - low) / (high - low))


def clahe(image, tiles, clip):
    kernel = [max(s // tiles, 1) for s in image.shape]
    return normal(image, lambda x: exposure.equalize_adapthist(x, kernel_size=kernel, clip_limit=clip, nbins=256))


def otsu(image):
    return np.where(image > filters.threshold_otsu(image, nbins=256), image.max(), image.min())


def cases(name):
    ct = name == "ct"
    unit = 1.0 if ct else 0.01
    disk = morphology.disk
    gauss = lambda i, s: filters.gaussian(i, s, mode="reflect", preserve_range=True, truncate=4.0)
    for sigma in (0.7, 1.5, 4.0):
        yield f"gaussian sigma={sigma}", lambda i, s=sigma: gauss(i, s)
    for radius in (1, 3):
        yield f"mean radius={radius}", lambda i, r=radius: ndimage.uniform_filter(i, 2 * r + 1, mode="reflect")
        yield f"median radius={radius}", lambda i, r=radius: filters.median(
            i, footprint=np.ones((2 * r + 1, 2 * r + 1)), mode="reflect"
        )
    for sigma, range_ in ((0.6, 60.0), (1.5, 200.0)):
        yield f"bilateral sigma={sigma} range={range_ * unit}", lambda i, s=sigma, r=range_ * unit: bilateral(i, s, r)
    for strength, patch, distance in ((40.0, 5, 6), (120.0, 3, 4), (80.0, 7, 9)):
        h = strength * unit
        yield f"nlm strength={h} patch={patch} distance={distance}", lambda i, h=h, p=patch, d=distance: (
            non_local_means(i, p, d, h)
        )
    for radius, amount in ((2.0, 1.5), (1.0, 0.4)):
        yield f"unsharp radius={radius} amount={amount}", lambda i, r=radius, a=amount: filters.unsharp_mask(
            i, r, a, preserve_range=True
        )
    yield "laplacian", lambda i: filters.laplace(i, ksize=3)
    yield "sobel", lambda i: filters.sobel(i, mode="reflect")
    for tiles, clip in ((8, 0.01), (3, 0.05), (1, 0.02)):
        yield f"clahe tiles={tiles} clip={clip}", lambda i, t=tiles, c=clip: clahe(i, t, c)
    for gamma in (0.5, 2.2):
        yield f"gamma gamma={gamma}", lambda i, g=gamma: normal(i, lambda x: exposure.adjust_gamma(x, g))
    yield "otsu", otsu
    for radius in (1, 3):
        foot = disk(radius)
        yield f"erode radius={radius}", lambda i, f=foot: morphology.erosion(i, f, mode="reflect")
        yield f"dilate radius={radius}", lambda i, f=foot: morphology.dilation(i, f, mode="reflect")
        yield f"open radius={radius}", lambda i, f=foot: morphology.opening(i, f, mode="reflect")
        yield f"close radius={radius}", lambda i, f=foot: morphology.closing(i, f, mode="reflect")
        yield f"top-hat radius={radius}", lambda i, f=foot: morphology.white_tophat(i, f, mode="reflect")


def main():
    lines = [f"# scikit-image {skimage.__version__}, scipy {scipy.__version__}, numpy {np.__version__}"]
    lines.append("# picture\tfilter (empty: the picture itself)\tcolumns\trows\tfirst value")
    data = []

    def add(name, text, array):
        lines.append(f"{name}\t{text}\t{array.shape[1]}\t{array.shape[0]}\t{sum(map(len, data)) // 4}")
        data.append(array.astype("<f4").tobytes())

    for name, image in pictures().items():
        add(name, "", image)
        done = set()
        for text, function in cases(name):
            kind = text.split(" ")[0]
            # All numbers on the first picture, the first of each filter on the second: that keeps the file small.
            if name == "ct" or kind not in done:
                add(name, text, np.asarray(function(image), dtype=float))
            done.add(kind)
    (HERE / "filters.tsv").write_text("\n".join(lines) + "\n")
    (HERE / "filters.bin").write_bytes(b"".join(data))


if __name__ == "__main__":
    main()
