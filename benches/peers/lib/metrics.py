"""Figures of made-up scores by scikit-learn, NumPy and SciPy, printed as JSON.

The draws of the bootstrap are made by the generator that the program states (SplitMix64), the figures of each draw
and the percentiles by the peers: so the intervals must be the same to the last digits. SciPy's own bootstrap draws
otherwise and is there to be near.
"""

import json
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

random = np.random.default_rng(20261130)
THRESHOLDS = (0.0, 0.3, 0.5, 0.85, 1.1)
BINS = (5, 10)


def below(state, count):
    """The next number below `count`, and the next state."""
    mask = (1 << 64) - 1
    state = (state + 0x9E3779B97F4A7C15) & mask
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    z ^= z >> 31
    return (z * count) >> 64, state


def interval(groups, seed, draws, level, figure):
    state, found = seed, []
    for _ in range(draws):
        drawn = []
        for _ in groups:
            place, state = below(state, len(groups))
            drawn += groups[place]
        value = figure(np.array(drawn))
        if value is not None:
            found.append(value)
    tail = (1 - level) / 2 * 100
    return [float(v) for v in np.percentile(found, [tail, 100 - tail])] + [len(found)]


def numbers(values):
    return [float(v) for v in values]


def ece(labels, scores, bins):
    share, mean = calibration_curve(labels, scores, n_bins=bins, strategy="uniform")
    # Counts as calibration_curve has them: an edge belongs to the bin below it.
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], scores)
    counts = np.bincount(place, minlength=bins)
    counts = counts[counts > 0]
    return {
        "bins": bins,
        "share": numbers(share),
        "mean": numbers(mean),
        "counts": [int(n) for n in counts],
        "ece": float(np.sum(counts * np.abs(share - mean)) / len(scores)),
    }


def case(name, labels, scores, patients):
    roc = sk.roc_curve(labels, scores, drop_intermediate=False)
    pr = sk.precision_recall_curve(labels, scores)
    at = []
    for threshold in THRESHOLDS:
        decided = scores >= threshold
        at.append(
            {
                "threshold": threshold,
                "precision": float(sk.precision_score(labels, decided, zero_division=0)),
                "recall": float(sk.recall_score(labels, decided)),
                "specificity": float(sk.recall_score(labels, decided, pos_label=False)),
                "f1": float(sk.f1_score(labels, decided)),
                "accuracy": float(sk.accuracy_score(labels, decided)),
            }
        )
    order = list(dict.fromkeys(patients))
    by_patient = [[i for i, p in enumerate(patients) if p == who] for who in order]
    by_case = [[i] for i in range(len(labels))]

    def auroc(drawn):
        two = labels[drawn].min() != labels[drawn].max()
        return sk.roc_auc_score(labels[drawn], scores[drawn]) if two else None

    def brier(drawn):
        return sk.brier_score_loss(labels[drawn], scores[drawn])

    squares = (scores - labels) ** 2
    near = stats.bootstrap(
        (squares,), np.mean, n_resamples=20000, method="percentile", random_state=np.random.default_rng(5)
    ).confidence_interval
    return {
        "name": name,
        "labels": [bool(v) for v in labels],
        "scores": numbers(scores),
        "patients": patients,
        "auroc": float(sk.roc_auc_score(labels, scores)),
        "average_precision": float(sk.average_precision_score(labels, scores)),
        "brier": float(sk.brier_score_loss(labels, scores)),
        "rank_correlation": float(stats.spearmanr(scores, labels).statistic),
        "mse": float(sk.mean_squared_error(labels.astype(float), scores)),
        # Thresholds without the first, which stands for "none is positive".
        "roc": {"x": numbers(roc[0]), "y": numbers(roc[1]), "thresholds": numbers(roc[2][1:])},
        # From the highest threshold down, as the curve of the program runs.
        "pr": {
            "x": numbers(pr[1][::-1]),
            "y": numbers(pr[0][::-1]),
            "thresholds": numbers(pr[2][::-1]),
        },
        "at": at,
        "calibration": [ece(labels, scores, bins) for bins in BINS],
        "intervals": {
            "seed": 7,
            "draws": 400,
            "level": 0.95,
            "auroc_by_case": interval(by_case, 7, 400, 0.95, auroc),
            "auroc_by_patient": interval(by_patient, 7, 400, 0.95, auroc),
            "brier_by_patient": interval(by_patient, 7, 400, 0.95, brier),
            "brier_of_scipy": numbers([near.low, near.high]),
        },
    }


def made_up(count, levels, share, shift):
    labels = random.random(count) < share
    values = np.clip((random.random(count) + shift * labels) / (1 + shift), 0, 1)
    values = np.round(values * levels) / levels
    patients = [f"p{int(n)}" for n in random.integers(0, max(2, count // 2), count)]
    return labels, values, patients


def main():
    # A threshold at which nothing is positive makes scikit-learn warn; the fixed answer is what is wanted.
    warnings.simplefilter("ignore")
    cases = [
        case("fine", *made_up(80, 100000, 0.4, 0.6)),
        case("tenths", *made_up(70, 10, 0.5, 0.4)),
        case("three levels", *made_up(40, 2, 0.3, 0.5)),
        case("rare", *made_up(60, 1000, 0.08, 1.0)),
        case("perfect", np.arange(12) >= 6, np.linspace(0, 1, 12), [f"p{i}" for i in range(12)]),
        case("upside down", np.arange(12) < 6, np.linspace(0, 1, 12), [f"p{i // 2}" for i in range(12)]),
    ]
    print(json.dumps({"cases": cases}, separators=(",", ":")))


main()
