"""Makes the segmentation objects of this folder with highdicom 0.28 and pydicom 3.0: sparse, overlapping frames of 13 columns.

    python tests/data/masks/highdicom_masks.py tests/data/masks

A voxel of column x, row y and slice z belongs to segment s by `inside` below, which the test knows too. The geometry is
written down in `PLACES`. Instances and dates are fixed, so that the files come out the same.
"""

import pathlib
import sys

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

COLUMNS, ROWS, SLICES = 13, 11, 5
SPACING = (0.8, 1.5, 2.5)  # along a row, down a column, between slices
ORIGIN = (-31.5, 12.25, 88.0)
# Cosines along a row and down a column.
PLACES = {
    "flipped": ([-1, 0, 0], [0, 0, 1]),
    "turned": ([0, 1, 0], [1, 0, 0]),
    "oblique": ([0.6, 0.8, 0], [-0.48, 0.36, 0.8]),
}


def inside(segment, x, y, z):
    there = z in (segment % 5, segment * 3 % 5)
    return there and (x * 7 + y * 13 + z * 29 + segment * 2) % 17 < 4


def pictures(row, column):
    normal = np.cross(row, column)
    made = []
    for z in range(SLICES):
        d = Dataset()
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, f"1.2.826.0.1.3680043.8.498.{z + 1}"
        d.StudyInstanceUID, d.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.100", "1.2.826.0.1.3680043.8.498.101"
        d.FrameOfReferenceUID, d.PositionReferenceIndicator = "1.2.826.0.1.3680043.8.498.102", ""
        d.PatientID, d.PatientName, d.PatientBirthDate, d.PatientSex = "M", "MASK^CASE", "", ""
        d.StudyDate, d.StudyTime, d.StudyID, d.AccessionNumber = "20240229", "120000", "1", ""
        d.ReferringPhysicianName, d.Modality, d.InstanceNumber = "", "CT", z + 1
        d.ImagePositionPatient = [float(f"{v:.8g}") for v in np.array(ORIGIN) + normal * SPACING[2] * z]
        d.ImageOrientationPatient = [float(v) for v in [*row, *column]]
        d.PixelSpacing, d.SliceThickness = [SPACING[1], SPACING[0]], SPACING[2]
        d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = ROWS, COLUMNS, 1, "MONOCHROME2"
        d.BitsAllocated = d.BitsStored = 16
        d.HighBit, d.PixelRepresentation = 15, 0
        d.PixelData = bytes(ROWS * COLUMNS * 2)
        made.append(d)
    return made


def write(path, name, segments, kind):
    array = np.zeros((SLICES, ROWS, COLUMNS, segments), np.uint8)
    for z, y, x, s in np.ndindex(array.shape):
        array[z, y, x, s] = inside(s + 1, x, y, z)
    described = [
        hd.seg.SegmentDescription(
            segment_number=n,
            segment_label=f"S{n}",
            segmented_property_category=codes.SCT.Tissue,
            segmented_property_type=codes.SCT.Tissue,
            algorithm_type="MANUAL",
        )
        for n in range(1, segments + 1)
    ]
    seg = hd.seg.Segmentation(
        source_images=pictures(*PLACES[name]),
        pixel_array=array,
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid="1.2.826.0.1.3680043.8.498.200",
        series_number=1,
        sop_instance_uid="1.2.826.0.1.3680043.8.498.201",
        instance_number=1,
        manufacturer="highdicom",
        manufacturer_model_name="highdicom",
        software_versions=hd.__version__,
        device_serial_number="0",
        omit_empty_frames=True,
        **({"max_fractional_value": 200} if kind == "FRACTIONAL" else {}),
    )
    for stamp in ("ContentDate", "SeriesDate", "InstanceCreationDate"):
        if stamp in seg:
            setattr(seg, stamp, "20240229")
    for stamp in ("ContentTime", "SeriesTime", "InstanceCreationTime"):
        if stamp in seg:
            setattr(seg, stamp, "120000")
    seg.save_as(path)
    print(path, path.stat().st_size, "bytes", seg.NumberOfFrames, "frames")


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    write(out / "flipped-binary.dcm", "flipped", 4, "BINARY")
    write(out / "turned-fractional.dcm", "turned", 3, "FRACTIONAL")
    write(out / "oblique-95.dcm", "oblique", 95, "BINARY")
