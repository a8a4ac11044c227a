"""CT300 in every packing, written with the encoders of other programs and read back with a second one.

jls     JPEG-LS Lossless                  CharLS (pyjpegls, else GDCM)        read back by libjpeg (pylibjpeg)
j2k     JPEG 2000 Lossless                OpenJPEG (pylibjpeg, else GDCM)     read back by OpenJPEG (imagecodecs)
htj2k   HTJ2K Lossless                    OpenJPH (imagecodecs)               read back by OpenJPEG (pylibjpeg)
jpll    JPEG Lossless SV1                 libjpeg (dcmcjpeg, else GDCM)       read back by liblj92 (imagecodecs)
rle     RLE Lossless                      pylibjpeg-rle (else pydicom)        read back by imcd (imagecodecs)
defl    Deflated data set                 zlib                                read back by libdeflate, else dcmconv
deflf   Deflated Image Frame Compression  zlib                                read back by libdeflate
jpegxl  JPEG XL Lossless                  libjxl (imagecodecs)                read back by djxl, else by itself
mf-j2k, mf-jls                            all slices in one Legacy Converted Enhanced CT, Extended Offset Table

Every codestream says the precision of Bits Stored where the codec can. The J2K pair shares one library, for want of
a second free one; the table that `--json` writes names what read each variant back, or null.
"""

import argparse
import copy
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

from common import Missing, files_of, need_module, need_program

JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
HTJ2K = "1.2.840.10008.1.2.4.201"
JPEG_XL = "1.2.840.10008.1.2.4.110"
RLE = "1.2.840.10008.1.2.5"
DEFLATED = "1.2.840.10008.1.2.1.99"
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
UIDS = {"jls": JPEG_LS, "j2k": JPEG_2000, "htj2k": HTJ2K, "jpll": JPEG_LOSSLESS, "rle": RLE, "defl": DEFLATED,
        "deflf": DEFLATED_FRAME, "jpegxl": JPEG_XL, "mf-j2k": JPEG_2000, "mf-jls": JPEG_LS}
# Legacy Converted Enhanced CT: what single slices become without what only the scanner knows (PS3.3 A.70).
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.2"


# Encoders: an array of one grey frame and its Bits Stored to a codestream.


def as_part10(array, bits, command):
    """Packs a frame with a program that works on files: writes it native, runs `command`, takes the fragments."""
    import plain
    from pydicom import dcmread
    from pydicom.encaps import generate_frames

    with tempfile.TemporaryDirectory() as scratch:
        raw, packed = pathlib.Path(scratch, "raw.dcm"), pathlib.Path(scratch, "packed.dcm")
        native = plain.ct_file("packing", 0, 1, array.shape[0], array.tobytes())
        high = bits - 1
        for number, was, now in ((0x0101, 16, bits), (0x0102, 15, high)):
            head = struct.pack("<HH", 0x0028, number) + b"US" + struct.pack("<H", 2)
            native = native.replace(head + struct.pack("<H", was), head + struct.pack("<H", now))
        raw.write_bytes(native)
        done = subprocess.run([*command, str(raw), str(packed)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode or not packed.is_file():
            raise RuntimeError(f"{command[0]} did not pack the frame")
        return next(generate_frames(dcmread(packed).PixelData, number_of_frames=1))


def with_pydicom(array, bits, syntax, plugin, **more):
    """Packs a frame through one of pydicom's encoding plugins."""
    from pydicom.pixels.encoders.base import get_encoder

    described = {"rows": array.shape[0], "columns": array.shape[1], "samples_per_pixel": 1, "bits_allocated": 16,
                 "bits_stored": bits, "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2",
                 "number_of_frames": 1}
    return get_encoder(syntax).encode(array, encoding_plugin=plugin, **(described | more))


def encode_jls(array, bits):
    """CharLS."""
    try:
        need_module("jpeg_ls")
        return with_pydicom(array, bits, JPEG_LS, "pyjpegls")
    except Missing:
        return as_part10(array, bits, [need_program("gdcmconv"), "--jpegls"])


def encode_j2k(array, bits):
    """OpenJPEG, the reversible transform."""
    try:
        need_module("openjpeg")
        return with_pydicom(array, bits, JPEG_2000, "pylibjpeg")
    except Missing:
        return as_part10(array, bits, [need_program("gdcmconv"), "--j2k"])


def encode_htj2k(array, bits):
    """OpenJPH. Its wrapper takes the precision of the type, so the codestream says 16."""
    del bits
    return need_module("imagecodecs").htj2k_encode(array, reversible=True)


def encode_jpll(array, bits):
    """libjpeg, selection value 1."""
    try:
        return as_part10(array, bits, [need_program("dcmcjpeg"), "+e1"])
    except Missing:
        return as_part10(array, bits, [need_program("gdcmconv"), "--jpeg"])


def encode_rle(array, bits):
    """pylibjpeg-rle, else pydicom's own."""
    try:
        need_module("rle")
        return with_pydicom(array, bits, RLE, "pylibjpeg")
    except Missing:
        return with_pydicom(array, bits, RLE, "pydicom")


def raw_deflate(data):
    """RFC 1951 without a frame around it."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def encode_deflf(array, bits):
    """zlib, one stream a frame."""
    del bits
    return raw_deflate(array.tobytes())


def encode_jpegxl(array, bits):
    """libjxl, lossless, the effort at which it is quick."""
    return need_module("imagecodecs").jpegxl_encode(array, lossless=True, effort=3, bitspersample=bits)


ENCODERS = {"jls": encode_jls, "j2k": encode_j2k, "htj2k": encode_htj2k, "jpll": encode_jpll, "rle": encode_rle,
            "deflf": encode_deflf, "jpegxl": encode_jpegxl}


# Second peers: a codestream back to an array, by a library that did not write it where there is one.


def decode_libjpeg(stream, shape):
    """libjpeg of pylibjpeg reads JPEG-LS by itself."""
    from numpy import frombuffer
    from libjpeg import decode

    need_module("libjpeg")
    out = decode(stream)
    return out if out.ndim == 2 else frombuffer(out.tobytes(), "<u2").reshape(shape)


def decode_openjpeg(stream, shape):
    """OpenJPEG of pylibjpeg."""
    from openjpeg import decode

    return decode(stream).reshape(shape)


def decode_imagecodecs(name):
    """A decoder of imagecodecs."""

    def decode(stream, shape):
        return getattr(need_module("imagecodecs"), name)(stream).reshape(shape)

    return decode


def decode_rle(stream, shape):
    """The run lengths of imagecodecs' own C code."""
    import numpy

    out = need_module("imagecodecs").dicomrle_decode(stream, "<u2")
    return numpy.frombuffer(out, "<u2").reshape(shape)


def decode_deflate(stream, shape):
    """libdeflate."""
    import numpy

    out = need_module("imagecodecs").deflate_decode(stream, raw=True, out=shape[0] * shape[1] * 2)
    return numpy.frombuffer(out, "<u2").reshape(shape)


def decode_djxl(stream, shape):
    """The program djxl of another libjxl, where it is here."""
    import numpy

    if shutil.which("djxl") is None:
        return decode_imagecodecs("jpegxl_decode")(stream, shape)
    with tempfile.TemporaryDirectory() as scratch:
        packed, plain_file = pathlib.Path(scratch, "a.jxl"), pathlib.Path(scratch, "a.pgm")
        packed.write_bytes(stream)
        subprocess.run([need_program("djxl"), str(packed), str(plain_file)], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        data = plain_file.read_bytes()
        return numpy.frombuffer(data[-shape[0] * shape[1] * 2 :], ">u2").reshape(shape)


READERS = {"jls": ("libjpeg (pylibjpeg)", decode_libjpeg), "j2k": ("OpenJPEG (imagecodecs)",
           decode_imagecodecs("jpeg2k_decode")), "htj2k": ("OpenJPEG (pylibjpeg)", decode_openjpeg),
           "jpll": ("liblj92 (imagecodecs)", decode_imagecodecs("ljpeg_decode")), "rle": ("imcd (imagecodecs)",
           decode_rle), "deflf": ("libdeflate (imagecodecs)", decode_deflate), "jpegxl": (
               "djxl" if shutil.which("djxl") else "libjxl (imagecodecs), the library that wrote it", decode_djxl)}


def noise_frames(name, side, count):
    """For `generate`: a few codestreams of 16-bit noise and the UID of their transfer syntax."""
    import numpy

    rng = numpy.random.default_rng(14)
    arrays = [rng.integers(0, 65536, (side, side), dtype="<u2") for _ in range(count)]
    return UIDS[name], [ENCODERS[name](array, 16) for array in arrays]


# Files.


def write_packed(dataset, streams, uid, path, extended=False):
    """Writes codestreams as fragments, one a frame, behind a Basic or Extended Offset Table."""
    from pydicom.encaps import encapsulate, encapsulate_extended
    from pydicom.uid import UID

    known = UID(uid).is_transfer_syntax
    dataset.file_meta.TransferSyntaxUID = UID(uid if known else RLE)
    if extended:
        data, offsets, lengths = encapsulate_extended(streams)
        dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = offsets, lengths
        dataset.PixelData = data
    else:
        dataset.PixelData = encapsulate(streams, has_bot=True)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    if not known:
        # A syntax younger than this pydicom: written as another encapsulated one, then named in the meta group.
        name_syntax(path, RLE, uid)


def name_syntax(path, old, new):
    """Replaces the Transfer Syntax UID of a file, and the meta group's length with it."""
    import plain

    data = path.read_bytes()
    start = 144 + struct.unpack("<I", data[140:144])[0]
    was, now = (plain.element(0x0002, 0x0010, "UI", u) for u in (old, new))
    group = data[144:start].replace(was, now)
    if group.count(now) != 1:
        raise RuntimeError("the meta group has another form")
    path.write_bytes(data[:132] + plain.element(0x0002, 0x0000, "UL", len(group)) + group + data[start:])


def write_deflated(dataset, path):
    """Writes the data set deflated (PS3.5 A.5)."""
    from pydicom.uid import UID

    dataset.file_meta.TransferSyntaxUID = UID(DEFLATED)
    dataset.save_as(path, enforce_file_format=True)


def fragments(path):
    """Codestreams of a written file, by pydicom's reader."""
    from pydicom import dcmread
    from pydicom.encaps import generate_frames

    dataset = dcmread(path)
    count = int(dataset.get("NumberOfFrames", 1))
    extended = None
    if "ExtendedOffsetTable" in dataset:
        extended = dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths
    return list(generate_frames(dataset.PixelData, number_of_frames=count, extended_offsets=extended))


def enhanced(datasets):
    """A Legacy Converted Enhanced CT of single slices, without pixels: what never changes is shared."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence
    from pydicom.uid import UID
    import plain

    first = datasets[0]
    one = copy.deepcopy(first)
    for keyword in ("PixelData", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
                    "RescaleIntercept", "RescaleSlope", "RescaleType", "WindowCenter", "WindowWidth", "KVP",
                    "PositionReferenceIndicator"):
        if keyword in one:
            del one[keyword]
    for tag in [e.tag for e in one if e.tag.is_private]:
        del one[tag]
    one.SOPClassUID = UID(ENHANCED_CT)
    one.SOPInstanceUID = UID(plain.uid(f"enhanced of {first.SOPInstanceUID}"))
    one.SeriesInstanceUID = UID(plain.uid(f"enhanced of {first.SeriesInstanceUID}"))
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    one.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    one.NumberOfFrames = len(datasets)
    one.InstanceNumber = 1
    one.PixelPresentation = "MONOCHROME"
    one.VolumetricProperties = "VOLUME"
    one.VolumeBasedCalculationTechnique = "NONE"
    one.PresentationLUTShape = "IDENTITY"
    one.BurnedInAnnotation = "NO"
    one.LossyImageCompression = "00"
    one.AcquisitionDateTime = "20260316104200"
    one.ContentQualification = "RESEARCH"
    one.PositionReferenceIndicator = ""
    one.AcquisitionContextSequence = Sequence()

    def item(**fields):
        made = Dataset()
        for keyword, value in fields.items():
            setattr(made, keyword, value)
        return made

    shared = item(
        PixelMeasuresSequence=Sequence([item(PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness)]),
        PlaneOrientationSequence=Sequence([item(ImageOrientationPatient=first.ImageOrientationPatient)]),
        PixelValueTransformationSequence=Sequence([item(RescaleIntercept=first.RescaleIntercept,
                                                        RescaleSlope=first.RescaleSlope, RescaleType="HU")]),
        FrameVOILUTSequence=Sequence([item(WindowCenter=first.WindowCenter, WindowWidth=first.WindowWidth)]),
        CTImageFrameTypeSequence=Sequence([item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
                                                PixelPresentation="MONOCHROME", VolumetricProperties="VOLUME",
                                                VolumeBasedCalculationTechnique="NONE")]),
    )
    one.SharedFunctionalGroupsSequence = Sequence([shared])
    one.PerFrameFunctionalGroupsSequence = Sequence([
        item(FrameContentSequence=Sequence([item(StackID="1", InStackPositionNumber=i + 1,
                                                 DimensionIndexValues=[1, i + 1])]),
             PlanePositionSequence=Sequence([item(ImagePositionPatient=d.ImagePositionPatient)]),
             UnassignedPerFrameConvertedAttributesSequence=Sequence([item()]))
        for i, d in enumerate(datasets)])
    dimension = plain.uid("enhanced dimensions")
    one.DimensionOrganizationSequence = Sequence([item(DimensionOrganizationUID=dimension)])
    one.DimensionIndexSequence = Sequence([
        item(DimensionOrganizationUID=dimension, DimensionIndexPointer=pointer, FunctionalGroupPointer=0x00209111)
        for pointer in (0x00209056, 0x00209057)])
    return one


def make(name, datasets, arrays, paths, out, check):
    """Writes one variant; gives its line of the report."""
    from pydicom import dcmread

    kind = name.removeprefix("mf-")
    bits = int(datasets[0].BitsStored)
    out.mkdir(parents=True)
    written, start = [], time.perf_counter()
    if name == "defl":
        for path in paths:
            written.append(out / path.name)
            write_deflated(dcmread(path), written[-1])
    elif name.startswith("mf-"):
        order = sorted(range(len(datasets)), key=lambda i: float(datasets[i].ImagePositionPatient[2]))
        datasets, arrays = [datasets[i] for i in order], [arrays[i] for i in order]
        written.append(out / "ENHANCED.dcm")
        streams = [ENCODERS[kind](array, bits) for array in arrays]
        write_packed(enhanced(datasets), streams, UIDS[name], written[0], extended=True)
    else:
        for array, path in zip(arrays, paths):
            written.append(out / path.name)
            write_packed(dcmread(path), [ENCODERS[kind](array, bits)], UIDS[name], written[-1])
    line = {"name": name, "transfer_syntax_uid": UIDS[name], "files": len(written), "frames": len(arrays),
            "bytes": sum(p.stat().st_size for p in written), "seconds": round(time.perf_counter() - start, 1)}
    line["read_back_by"], line["frames_read_back"] = read_back(name, kind, written, arrays, check)
    return line


def read_back(name, kind, written, arrays, check):
    """Decodes what was written with a second peer; fails when one value differs. Gives (who, how many)."""
    import numpy

    if check == "none":
        return None, 0
    step = 1 if check == "all" else max(1, len(arrays) // 10)
    chosen = range(0, len(arrays), step)
    if name == "defl":
        for index in chosen:
            data = inflated(written[index])
            if not data.endswith(arrays[index].tobytes()):
                raise RuntimeError(f"{name}: slice {index + 1} reads back differently")
        return "libdeflate (imagecodecs)", len(chosen)
    who, reader = READERS[kind]
    streams = fragments(written[0]) if name.startswith("mf-") else None
    for index in chosen:
        stream = streams[index] if streams else fragments(written[index])[0]
        try:
            back = reader(stream, arrays[index].shape)
        except (Missing, ImportError):
            return None, 0
        if not numpy.array_equal(back, arrays[index]):
            raise RuntimeError(f"{name}: slice {index + 1} reads back differently")
    return who, len(chosen)


def inflated(path):
    """The data set of a deflated file, by libdeflate: behind the preamble, the mark and the meta group."""
    data = pathlib.Path(path).read_bytes()
    start = 144 + struct.unpack("<I", data[140:144])[0]
    return need_module("imagecodecs").deflate_decode(data[start:], raw=True, out=16 << 20)


def main():
    """Writes the variants that were asked for."""
    parser = argparse.ArgumentParser(prog="make-variants")
    parser.add_argument("dir_in", type=pathlib.Path)
    parser.add_argument("dir_out", type=pathlib.Path)
    parser.add_argument("--only", action="append", choices=list(UIDS), help="one variant; may be given again")
    parser.add_argument("--force", action="store_true", help="write variants again that are there")
    parser.add_argument("--check", choices=("none", "some", "all"), default="some",
                        help="how many slices a second peer reads back (some: ten)")
    parser.add_argument("--slices", type=int, help="only so many, around the middle")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    try:
        need_module("numpy")
        dcmread = need_module("pydicom").dcmread
        paths = [pathlib.Path(p) for p in files_of(options.dir_in)]
    except Missing as missing:
        sys.exit(f"make-variants: {missing}")
    if options.slices:
        first = max(0, (len(paths) - options.slices) // 2)
        paths = paths[first : first + options.slices]
    datasets, arrays = None, None
    lines, failed = [], False
    for name in options.only or list(UIDS):
        out = options.dir_out / f"{options.dir_in.name}.{name}"
        if out.exists() and not options.force:
            print(f"{name:<8} is there")
            continue
        shutil.rmtree(out, ignore_errors=True)
        if datasets is None:
            datasets = [dcmread(path, stop_before_pixels=True) for path in paths]
            arrays = [dcmread(path).pixel_array for path in paths]
        try:
            line = make(name, datasets, arrays, paths, out, options.check)
        except (Missing, ImportError) as missing:
            shutil.rmtree(out, ignore_errors=True)
            line = {"name": name, "not_made": str(missing)}
        except (RuntimeError, ValueError, OSError) as error:
            shutil.rmtree(out, ignore_errors=True)
            line, failed = {"name": name, "failed": str(error)}, True
        lines.append(line)
        if "files" in line:
            raw = sum(a.nbytes for a in arrays)
            who = line["read_back_by"] or "nobody: no second peer here"
            print(f"{name:<8} {line['bytes']:>11} bytes, {raw / line['bytes']:.2f} : 1, {line['seconds']} s, "
                  f"{line['frames_read_back']} frames read back by {who}", flush=True)
        else:
            print(f"{name:<8} {line.get('failed') or 'not made: ' + line['not_made']}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(lines, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
