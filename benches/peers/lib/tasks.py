"""What whole labelling tasks left behind, read by others (tests/suite/label_volumes.rs plays them)."""

import argparse
import json
import pathlib
import sys

import numpy as np

from common import Missing, need_module
from segmentations import Report, contours_of, of_highdicom, of_pydicom, of_volume, same


def brain(report, out, data):
    """The tumour beside the mask of others, by SimpleITK."""
    import SimpleITK as sitk

    ours = sitk.ReadImage(str(out / "brain/mask.nrrd"))
    theirs = sitk.ReadImage(str(data / "brain-mr-mask/brain1_label.nrrd"))
    report.say("tumour, geometry", "SimpleITK", np.allclose(ours.GetOrigin(), theirs.GetOrigin()) and np.allclose(ours.GetDirection(), theirs.GetDirection()))
    measures = sitk.LabelOverlapMeasuresImageFilter()
    measures.Execute(sitk.Cast(theirs > 0, sitk.sitkUInt8), sitk.Cast(ours > 0, sitk.sitkUInt8))
    dice = measures.GetDiceCoefficient(1)
    report.say("tumour, Dice", "SimpleITK", dice >= 0.9, f"{dice:.4f}")
    a, b = (sitk.GetArrayFromImage(image) > 0 for image in (ours, theirs))
    own = 2 * (a & b).sum() / (a.sum() + b.sum())
    report.say("tumour, Dice", "numpy", abs(own - dice) < 1e-9, f"{own:.4f}, {int(a.sum())} and {int(b.sum())} voxels")


def chest(report, out, data):
    """The nodule in all of its forms."""
    import highdicom as hd
    import pydicom

    home = out / "chest"
    truth = of_volume(home / "nodule.nrrd")
    report.say("nodule, SEG", "highdicom", same(truth, of_highdicom(home / "nodule.dcm")), f"{len(truth[1])} voxels")
    report.say("nodule, SEG", "pydicom", same(truth, of_pydicom(home / "nodule.dcm")))
    series = [pydicom.dcmread(p) for p in sorted((data / "ct-chest-abdomen").glob("*.dcm"))]
    series.sort(key=lambda d: float(d.ImagePositionPatient[2]))
    report.say("nodule, RTSTRUCT", "scikit-image", same(truth, contours_of(home / "nodule.rtstruct.dcm", series)))
    # The report of the segment: volume and mean.
    groups = hd.sr.srread(home / "report.dcm").content.get_volumetric_roi_measurement_groups()
    said = {m.name.meaning: m.value for m in groups[0].get_measurements()}
    spacing = [*map(float, series[0].PixelSpacing), abs(float(series[1].ImagePositionPatient[2]) - float(series[0].ImagePositionPatient[2]))]
    volume = len(truth[1]) * float(np.prod(spacing))
    places = np.array(sorted(truth[1]))
    first = np.array(series[0].ImagePositionPatient, float)
    index = np.round((places - first) / [spacing[1], spacing[0], spacing[2]]).astype(int)
    values = np.stack([d.pixel_array.astype(float) * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in series])
    mean = values[index[:, 2], index[:, 1], index[:, 0]].mean()
    good = len(groups) == 1 and abs(said["Volume"] - volume) < 1e-6 * volume
    report.say("nodule, volume", "highdicom", good, f"{said['Volume']:.1f} and {volume:.1f} mm3")
    report.say("nodule, mean", "highdicom", abs(said["Attenuation Coefficient"] - mean) < 1e-6, f"{mean:.2f}")
    # The report of the marks: its axes, from their own end points.
    for path in sorted((home / "marks").glob("*.dcm")):
        document = hd.sr.srread(path)
        points, numbers = [], []
        waiting = [document.content]
        while waiting:
            for item in waiting.pop():
                if item.ValueType == "SCOORD3D":
                    points.append(np.array(item.GraphicData, float).reshape(-1, 3))
                if item.ValueType == "NUM" and item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm":
                    numbers.append(float(item.MeasuredValueSequence[0].NumericValue))
                if "ContentSequence" in item:
                    waiting.append(item.ContentSequence)
        lengths = [np.linalg.norm(p[0] - p[-1]) for p in points if len(p) == 2]
        good = bool(numbers) and all(min((abs(n - far) for far in lengths), default=9) < 0.02 for n in numbers)
        report.say("nodule, axes", "highdicom", good, f"{sorted(numbers)} mm, {len(points)} drawn")
    for path in sorted(home.rglob("*.dcm")):
        report.verify(path.name, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        for module in ("highdicom", "pydicom", "SimpleITK", "skimage", "scipy"):
            need_module(module)
    except Missing as missing:
        print(f"not measured: {missing}")
        return 2
    report = Report("")
    brain(report, arguments.out, arguments.data)
    chest(report, arguments.out, arguments.data)
    if arguments.json:
        arguments.json.write_text(json.dumps(report.rows, indent=1))
    print(f"{report.wrong} wrong of {len(report.rows)}")
    return int(report.wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
