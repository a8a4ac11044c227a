"""DICOM files by plain writing: Explicit VR Little Endian elements from Python's standard library, for inputs that
are too large or too many for a toolkit. All that is written is made up; the patient is SYNTHETIC."""

import os
import struct
import uuid

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
EXPLICIT = "1.2.840.10008.1.2.1"
ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"
DEFLATED_DATA_SET = "1.2.840.10008.1.2.1.99"
CT = "1.2.840.10008.5.1.4.1.1.2"
SC_WORD = "1.2.840.10008.5.1.4.1.1.7.3"
# Namespace of the made-up UIDs: equal input gives equal files.
NAMESPACE = uuid.UUID("6f5d3a4e-33c5-5a0b-9e5e-4d1f0b7f2c11")


def uid(name):
    """A UID of a name, under 2.25 (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(NAMESPACE, name).int}"


def element(group, number, vr, value):
    """One data element; text is padded as its VR wants."""
    if isinstance(value, str):
        value = value.encode("ascii")
    elif isinstance(value, int):
        value = struct.pack({"US": "<H", "UL": "<I", "UV": "<Q"}[vr], value)
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH", group, number) + vr.encode("ascii")
    if vr in LONG:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def meta(sop_class, instance, syntax):
    """Preamble, mark and file meta information (PS3.10 7.1)."""
    body = b"".join((
        element(0x0002, 0x0001, "OB", b"\0\1"),
        element(0x0002, 0x0002, "UI", sop_class),
        element(0x0002, 0x0003, "UI", instance),
        element(0x0002, 0x0010, "UI", syntax),
        element(0x0002, 0x0012, "UI", uid("bench implementation")),
    ))
    return bytes(128) + b"DICM" + element(0x0002, 0x0000, "UL", len(body)) + body


def patient(study_uid, series_uid, modality, description, conversion=None):
    """Elements behind the SOP ids up to group 0010, and the two ids of group 0020."""
    before = b"".join((
        element(0x0008, 0x0020, "DA", "20260316"),
        element(0x0008, 0x0030, "TM", "104200"),
        element(0x0008, 0x0050, "SH", ""),
        element(0x0008, 0x0060, "CS", modality),
        b"" if conversion is None else element(0x0008, 0x0064, "CS", conversion),
        element(0x0008, 0x0070, "LO", "SYNTHETIC"),
        element(0x0008, 0x0090, "PN", ""),
        element(0x0008, 0x103E, "LO", description),
        element(0x0010, 0x0010, "PN", "SYNTHETIC^BENCH"),
        element(0x0010, 0x0020, "LO", "SYN-BENCH"),
        element(0x0010, 0x0030, "DA", ""),
        element(0x0010, 0x0040, "CS", "O"),
    ))
    after = element(0x0020, 0x000D, "UI", study_uid) + element(0x0020, 0x000E, "UI", series_uid)
    return before, after


def grey_module(rows, columns, stored, signed=False, frames=None):
    """Group 0028 of a grey picture of 16 bits allocated."""
    parts = [
        element(0x0028, 0x0002, "US", 1),
        element(0x0028, 0x0004, "CS", "MONOCHROME2"),
    ]
    if frames is not None:
        parts.append(element(0x0028, 0x0008, "IS", str(frames)))
    parts += [
        element(0x0028, 0x0010, "US", rows),
        element(0x0028, 0x0011, "US", columns),
    ]
    if frames is None:
        parts.append(element(0x0028, 0x0030, "DS", "0.5\\0.5"))
    parts += [
        element(0x0028, 0x0100, "US", 16),
        element(0x0028, 0x0101, "US", stored),
        element(0x0028, 0x0102, "US", stored - 1),
        element(0x0028, 0x0103, "US", int(signed)),
    ]
    return b"".join(parts)


def ct_file(name, index, count, side, pixels, study=None, spacing_mm=0.5):
    """A CT slice. `pixels` are `side` x `side` x 2 bytes."""
    instance = uid(f"{name} {index}")
    study_uid, series_uid = uid(f"{study or name} study"), uid(f"{name} series")
    before, ids = patient(study_uid, series_uid, "CT", name[:64])
    return b"".join((
        meta(CT, instance, EXPLICIT),
        element(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        element(0x0008, 0x0016, "UI", CT),
        element(0x0008, 0x0018, "UI", instance),
        before,
        element(0x0018, 0x0050, "DS", f"{spacing_mm:g}"),
        element(0x0018, 0x0060, "DS", "120"),
        element(0x0018, 0x5100, "CS", "HFS"),
        ids,
        element(0x0020, 0x0010, "SH", "1"),
        element(0x0020, 0x0011, "IS", "1"),
        element(0x0020, 0x0012, "IS", "1"),
        element(0x0020, 0x0013, "IS", str(index + 1)),
        element(0x0020, 0x0032, "DS", f"-64\\-64\\{(index - count // 2) * spacing_mm:g}"),
        element(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0"),
        element(0x0020, 0x0052, "UI", uid(f"{name} frame of reference")),
        element(0x0020, 0x1040, "LO", ""),
        grey_module(side, side, 16),
        element(0x0028, 0x1050, "DS", "5000"),
        element(0x0028, 0x1051, "DS", "10000"),
        element(0x0028, 0x1052, "DS", "0"),
        element(0x0028, 0x1053, "DS", "1"),
        element(0x7FE0, 0x0010, "OW", pixels),
    ))


def marked_slice(index, side):
    """Pixels of slice `index`: a ramp that moves, and the slice's number in the first pixel."""
    ramp = struct.pack(f"<{side}H", *((index + 16 * x) & 0x3FFF for x in range(side)))
    return struct.pack("<H", index & 0xFFFF) + (ramp * side)[2:]


def write_series(folder, slices=10_000, side=256):
    """R13: one file a slice, in an order of names that is not the order of places. Gives the bytes written."""
    os.makedirs(folder, exist_ok=True)
    total = 0
    for index in range(slices):
        data = ct_file("R13", index, slices, side, marked_slice(index, side))
        # A multiplier without a common factor with the count shuffles the names.
        shuffled = index * 7919 % slices if slices % 7919 else index
        with open(os.path.join(folder, f"IM{shuffled:06}.dcm"), "wb") as out:
            out.write(data)
        total += len(data)
    return total


def write_tree(folder, files=100_000, a_study=50):
    """TREE100K: small instances in studies of fifty. Gives the bytes written."""
    pixels = marked_slice(1, 8)
    total = 0
    for index in range(files):
        study, place = divmod(index, a_study)
        below = os.path.join(folder, f"{study // 100:03}", f"{study:05}")
        if place == 0:
            os.makedirs(below, exist_ok=True)
        data = ct_file(f"TREE {study}", place, a_study, 8, pixels)
        with open(os.path.join(below, f"{place:03}.dcm"), "wb") as out:
            out.write(data)
        total += len(data)
    return total


def multiframe_head(frames, side, syntax):
    """All of a multi-frame secondary capture before its offset tables."""
    instance = uid("R14")
    before, ids = patient(uid("R14 study"), uid("R14 series"), "OT", "R14", conversion="WSD")
    # Frames follow each other by page (C.8.6.3).
    pages = "\\".join(str(i + 1) for i in range(frames))
    return b"".join((
        meta(SC_WORD, instance, syntax),
        element(0x0008, 0x0008, "CS", "DERIVED\\SECONDARY"),
        element(0x0008, 0x0016, "UI", SC_WORD),
        element(0x0008, 0x0018, "UI", instance),
        before,
        element(0x0018, 0x2001, "IS", pages),
        ids,
        element(0x0020, 0x0010, "SH", "1"),
        element(0x0020, 0x0011, "IS", "1"),
        element(0x0020, 0x0013, "IS", "1"),
        element(0x0020, 0x0020, "CS", ""),
        element(0x0028, 0x0002, "US", 1),
        element(0x0028, 0x0004, "CS", "MONOCHROME2"),
        element(0x0028, 0x0008, "IS", str(frames)),
        element(0x0028, 0x0009, "AT", struct.pack("<HH", 0x0018, 0x2001)),
        element(0x0028, 0x0010, "US", side),
        element(0x0028, 0x0011, "US", side),
        element(0x0028, 0x0100, "US", 16),
        element(0x0028, 0x0101, "US", 16),
        element(0x0028, 0x0102, "US", 15),
        element(0x0028, 0x0103, "US", 0),
        element(0x0028, 0x0301, "CS", "NO"),
        element(0x0028, 0x1052, "DS", "0"),
        element(0x0028, 0x1053, "DS", "1"),
        element(0x0028, 0x1054, "LO", "US"),
        element(0x2050, 0x0020, "CS", "IDENTITY"),
    ))


def frame_mark(index):
    """First bytes of frame `index` of the multi-frame object: two pixels that tell its number."""
    return struct.pack("<HH", 0xA5A5, index)


def write_multiframe(path, frames=2560, side=1024, syntax=ENCAPSULATED_UNCOMPRESSED, fill="sparse", streams=None):
    """R14: one fragment a frame, Extended Offset Table and its lengths, empty Basic Offset Table (PS3.5 A.4).

    With `fill` sparse only the mark of each frame is written and the rest are holes: frames of Encapsulated
    Uncompressed are zeros but for the mark. `noise` writes all bytes. `streams` are finished codestreams of another
    syntax that repeat (frame k holds stream k mod n). Gives (bytes of the file, bytes of its fragments)."""
    size = side * side * 2
    lengths = [size if streams is None else len(streams[i % len(streams)]) for i in range(frames)]
    padded = [length + length % 2 for length in lengths]
    offsets, at = [], 0
    for length in padded:
        offsets.append(at)
        at += 8 + length
    noise = os.urandom(size) if fill == "noise" and streams is None else None
    with open(path, "wb") as out:
        out.write(multiframe_head(frames, side, syntax))
        out.write(element(0x7FE0, 0x0001, "OV", struct.pack(f"<{frames}Q", *offsets)))
        out.write(element(0x7FE0, 0x0002, "OV", struct.pack(f"<{frames}Q", *lengths)))
        out.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF))
        out.write(struct.pack("<HHI", 0xFFFE, 0xE000, 0))
        for index, length in enumerate(padded):
            out.write(struct.pack("<HHI", 0xFFFE, 0xE000, length))
            if streams is not None:
                stream = streams[index % len(streams)]
                out.write(stream + b"\0" * (length - len(stream)))
                continue
            mark = frame_mark(index)
            out.write(mark)
            if noise is None:
                out.seek(length - len(mark), os.SEEK_CUR)
            else:
                out.write(noise[len(mark) :])
        out.write(struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
        return out.tell(), at


def write_native_lie(path, frames=2560, side=1024):
    """The same picture as native Pixel Data: a length of 32 bits cannot say 5 GiB, so the element declares what is
    left of the number after it wrapped, and the file holds all frames (holes)."""
    size = frames * side * side * 2
    with open(path, "wb") as out:
        out.write(multiframe_head(frames, side, EXPLICIT))
        out.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, size & 0xFFFFFFFF))
        out.seek(size - 1, os.SEEK_CUR)
        out.write(b"\0")
        return out.tell()
