"""Presentation states beside DCMTK and pydicom.

A picture of four grey levels, one a quarter, is turned and mirrored in the window in all eight ways; the store keeps
the view, and `annotations export` writes it as a presentation state. Then three say which level is where on the
screen: our own picture of the view, `dcmp2pgm` with the state, and pydicom with the Spatial Transformation module as
PS3.3 C.10.6 has it (turned to the right first, mirrored then). The displayed area of each state is held against
C.10.4: its corners are those behind the transformation.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from common import Missing, find_binary, need_module

ROWS, COLUMNS = 240, 320
# Top left, top right, bottom left, bottom right.
LEVELS = [[40, 100], [170, 240]]
RIGHT, FLIP = "rotate-right", "flip-horizontal"
TURNS = [[RIGHT] * n + [FLIP] * flip for flip in (0, 1) for n in range(4)]
PASSPHRASE = b"peers\n"


def write_image(path):
    import numpy as np
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    image.PatientName, image.PatientID, image.Modality = "QUARTERS", "Q", "OT"
    image.StudyDate = image.StudyTime = image.AccessionNumber = image.StudyID = ""
    image.PatientBirthDate = image.PatientSex = image.ReferringPhysicianName = ""
    image.SeriesNumber = image.InstanceNumber = 1
    image.ConversionType = "WSD"
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = ROWS, COLUMNS
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.WindowCenter, image.WindowWidth = 128, 256
    pixels = np.kron(np.array(LEVELS, np.uint8), np.ones((ROWS // 2, COLUMNS // 2), np.uint8))
    image.PixelData = pixels.tobytes()
    pydicom.dcmwrite(path, image, enforce_file_format=True)


def run(binary, *arguments):
    """A command with the store's passphrase on a descriptor of its own."""
    reading, writing = os.pipe()
    os.write(writing, PASSPHRASE)
    os.close(writing)
    command = [binary, *map(str, arguments), "--passphrase-fd", str(reading)]
    done = subprocess.run(command, pass_fds=[reading], capture_output=True, check=False)
    os.close(reading)
    if done.returncode:
        raise Missing(f"{arguments[0]}: {done.stderr.decode(errors='replace').strip()}")


def quarters(pixels):
    """The level in the middle of each quarter of a picture, from bright borders in."""
    import numpy as np

    rows, columns = np.nonzero(pixels > 20)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    nearest = lambda value: min(sum(LEVELS, []), key=lambda level: abs(level - int(value)))
    at = lambda y, x: pixels[int(top + (bottom - top) * y), int(left + (right - left) * x)]
    return [[nearest(at(y, x)) for x in (0.2, 0.8)] for y in (0.2, 0.8)]


def by_pydicom(state):
    """The quarters as the Spatial Transformation module leaves them, and whether the displayed area follows it."""
    import numpy as np

    levels = np.array(LEVELS)
    corners = np.array([[(1, 1), (COLUMNS, 1)], [(1, ROWS), (COLUMNS, ROWS)]], "i,i")
    turned = int(state.get("ImageRotation", 0)) // 90
    flipped = state.get("ImageHorizontalFlip", "N") == "Y"
    seen = []
    for square in (levels, corners):
        square = np.rot90(square, -turned)
        seen.append(np.fliplr(square) if flipped else square)
    area = state.DisplayedAreaSelectionSequence[0]
    given = [tuple(area.DisplayedAreaTopLeftHandCorner), tuple(area.DisplayedAreaBottomRightHandCorner)]
    expected = [tuple(int(v) for v in seen[1][i, i]) for i in (0, 1)]
    return seen[0].tolist(), given == expected


def one(binary, folder, image, turn):
    import numpy as np
    import pydicom
    from PIL import Image

    store, out = folder / "store", folder / "out"
    run(binary, "store", "init", "--store", store)
    script = folder / "script.txt"
    lines = [f'open "{image}"', "command mark-length", "drag 560,400 640,420"]
    # The mark is needed for there to be a state; it is hidden in our own picture.
    lines += [f"command {name}" for name in turn] + ["command marks-toggle", "command overlay-text", "command overlay-text"]
    lines += ["wait", f'picture "{folder / "ours.png"}" 640x640']
    script.write_text("\n".join(lines) + "\n")
    run(binary, "screen", "--script", script, "--store", store, "--out", folder / "last.png", "--tree", folder / "tree.json")
    run(binary, "annotations", "export", image, "--store", store, "--format", "gsps", "--out", out)
    ours = quarters(np.array(Image.open(folder / "ours.png").convert("L")))
    path = next(out.glob("gsps-*.dcm"))
    told, area = by_pydicom(pydicom.dcmread(path))
    answer = {"turn": turn, "ours": ours, "pydicom": told, "displayed_area": area, "dcmtk": None}
    if shutil.which("dcmp2pgm"):
        pgm = folder / "peer.pgm"
        subprocess.run(["dcmp2pgm", "-q", "-p", path, image, pgm], check=True, capture_output=True)
        answer["dcmtk"] = quarters(np.array(Image.open(pgm).convert("L")))
    answer["same"] = area and told == ours and answer["dcmtk"] in (None, ours)
    return answer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary")
    parser.add_argument("--json", type=pathlib.Path)
    given = parser.parse_args()
    try:
        for name in ("numpy", "pydicom", "PIL"):
            need_module(name)
        binary = find_binary(given.binary)
        answers = []
        with tempfile.TemporaryDirectory() as folder:
            image = pathlib.Path(folder) / "quarters.dcm"
            write_image(image)
            for number, turn in enumerate(TURNS):
                place = pathlib.Path(folder) / str(number)
                place.mkdir()
                answers.append(one(binary, place, image, turn))
    except Missing as missing:
        print(f"not measured: {missing}", file=sys.stderr)
        return 2
    for answer in answers:
        peers = "pydicom" if answer["dcmtk"] is None else "DCMTK and pydicom"
        word = f"as {peers}" if answer["same"] else f"differs: {answer}"
        print(f"{' '.join(answer['turn']) or 'as it is'}: {word}")
    if given.json:
        given.json.write_text(json.dumps(answers, indent=1) + "\n")
    return 0 if all(answer["same"] for answer in answers) else 1


if __name__ == "__main__":
    sys.exit(main())
