"""R1, R13 and R14 of the safety table: what large and mutated inputs cost, with the gates beside the figures.

Memory is read from /proc while the program runs: the largest VmHWM of any one process (a worker that decodes counts as
one), and the largest sum that all of them held at one moment. Gates are held against the sum.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import plain
from common import (NOT_MEASURED, NOT_REACHED, REACHED, Missing, clean_when_told_to_stop, find_binary, machine,
                    number, watched)

MIB = 1 << 20
PASSPHRASE = b"the bench has no secrets"


class Report:
    """Figures with their gates, printed as they come."""

    def __init__(self):
        self.rows = []
        print(f"{'row':<4} {'what':<46} {'figure':>12} {'gate':>14} verdict")

    def add(self, row, what, figure, gate, unit, **more):
        """One figure; `gate` is the largest that passes, or None."""
        verdict = "no gate" if gate is None else REACHED if figure <= gate else NOT_REACHED
        self.push(row, what, f"{number(figure)} {unit}", "-" if gate is None else f"<= {gate:g} {unit}", verdict,
                  figure=figure, gate_value=gate, unit=unit, **more)

    def truth(self, row, what, right, said, **more):
        """Something that is right or not."""
        self.push(row, what, said, "right", REACHED if right else NOT_REACHED, **more)

    def missing(self, row, what, why):
        """Something that could not be measured."""
        self.push(row, what, "-", "-", NOT_MEASURED, why=why)

    def push(self, row, what, said, gate, verdict, **more):
        """Prints and keeps a line."""
        self.rows.append({"row": row, "what": what, "said": said, "gate": gate, "verdict": verdict} | more)
        why = f": {more['why']}" if more.get("why") else ""
        print(f"{row:<4} {what:<46} {said:>12} {gate:>14} {verdict}{why}", flush=True)


def last_json(output):
    """The last line of a program's output as JSON; an empty object where it is none."""
    lines = output.splitlines()
    try:
        return json.loads(lines[-1]) if lines else {}
    except json.JSONDecodeError:
        return {}


def memory(report, row, what, seen, gate_mib):
    """Adds the peak of a watched run."""
    if not seen.tree_peak:
        report.missing(row, what, "the process ended before it was looked at")
        return
    report.add(row, what, seen.tree_peak / MIB, gate_mib, "MiB", **seen.figures())


# R1.


def r1(report, binary, scratch, options):
    """Mutated files: the program's own bench, over files that it makes and over those of --seeds."""
    del scratch
    known = subprocess.run([binary, "bench", "mutants", "--help"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False).returncode == 0
    if not known:
        report.missing("R1", "mutants", "this program has no `bench mutants`")
        return
    runs = [("made files", [])]
    if options.seeds:
        runs.append(("given files", [str(path) for path in options.seeds]))
    for name, paths in runs:
        command = [binary, "bench", "mutants", "--json", "--quiet", "--count", str(options.mutants), "--seed", "1"]
        seen = watched(command + paths, limit_s=options.limit)
        case = last_json(seen.stdout)
        report.truth("R1", f"{name}: bench mutants ends well", seen.code == 0, f"exit {seen.code}", **seen.figures(),
                     case=case)
        if not case:
            report.missing("R1", name, "no case was printed")
            continue
        for field, gate in (("panics", 0), ("died", 0), ("stopped", 0), ("slowest_ms", 2000)):
            report.add("R1", f"{name}: {field}", case[field], gate, "ms" if field == "slowest_ms" else "")
        report.add("R1", f"{name}: all of them", seen.wall_ms / 1e3, 600, "s")
        for field in ("peak_rss", "peak_rss_worker"):
            if case.get(field):
                report.add("R1", f"{name}: {field}", case[field] / MIB, 512, "MiB")


# R13.


def in_order(path, slices):
    """Whether the slices of a NIfTI file carry the numbers 0, 1, 2 ... in one of the two directions, and how many
    do not."""
    with open(path, "rb") as file:
        head = file.read(352)
        columns, rows, count = struct.unpack("<3h", head[42:48])
        code = struct.unpack("<h", head[70:72])[0]
        kind = {2: "<B", 4: "<h", 8: "<i", 16: "<f", 64: "<d", 512: "<H", 768: "<I"}[code]
        start = int(struct.unpack("<f", head[108:112])[0])
        size = struct.calcsize(kind)
        slope, intercept = struct.unpack("<2f", head[112:120])
        if count != slices:
            return slices
        marks = []
        # The number is in the first pixel of the DICOM slice: one of the four corners, whatever was turned round.
        for corner in (0, columns - 1, columns * (rows - 1), columns * rows - 1):
            found = []
            for index in range(count):
                file.seek(start + (index * rows * columns + corner) * size)
                value = struct.unpack(kind, file.read(size))[0]
                found.append(round(value * (slope or 1) + intercept))
            marks.append(found)
    up = list(range(slices))
    wrong = [sum(a != b for a, b in zip(found, way)) for found in marks for way in (up, up[::-1])]
    return min(wrong)


def r13(report, binary, scratch, options):
    """10,000 files of one series."""
    folder = scratch / "R13"
    slices = options.slices
    start = time.perf_counter()
    written = plain.write_series(folder, slices)
    report.add("R13", f"made {slices} files, {written / MIB:.0f} MiB", time.perf_counter() - start, None, "s")
    seen = watched([binary, "inspect", str(folder), "--json"], limit_s=options.limit)
    said = last_json(seen.stdout).get("summary", {})
    layouts = said.get("layouts", [])
    size = layouts[0].get("size") if len(layouts) == 1 else None
    report.truth("R13", "one volume of all slices", size is not None and size[2] == slices and not said["rejected"],
                 f"{size and size[2]}", **seen.figures())
    report.add("R13", "inspect", seen.wall_ms / 1e3, None, "s")
    memory(report, "R13", "index memory (inspect)", seen, 1024)
    scan = watched([binary, "bench", "scan", str(folder), "--repeat", "3", "--json", "--quiet"],
                   limit_s=options.limit)
    case = last_json(scan.stdout)
    if case.get("wall_ms"):
        report.add("R13", "scan to a sorted series", min(case["wall_ms"]), None, "ms", floor_ms=case.get("floor_ms"))
    case = last_json(watched([binary, "bench", "first-slice", str(folder), "--repeat", "5", "--json", "--quiet"],
                             limit_s=options.limit).stdout)
    if case.get("wall_ms"):
        report.add("R13", "a slice drawn, index known, slowest of 5", max(case["wall_ms"]), 300, "ms")
    else:
        report.missing("R13", "a slice drawn", "bench first-slice gave no case")
    r13_store(report, binary, folder, scratch, options)
    if options.order:
        nifti = scratch / "R13.nii"
        seen = watched([binary, "volume", str(folder), "--out", str(nifti)], limit_s=options.limit)
        if seen.code == 0 and nifti.is_file():
            wrong = in_order(nifti, slices)
            report.truth("R13", "order of slices in the volume", wrong == 0, f"{wrong} wrong", **seen.figures())
        else:
            report.truth("R13", "order of slices in the volume", False, f"exit {seen.code}")
        nifti.unlink(missing_ok=True)
    else:
        report.missing("R13", "order of slices in the volume", "only with --order: writes 1.3 GB")


def r13_store(report, binary, folder, scratch, options):
    """Import into a store, and an import that is interrupted."""
    for name, interrupt in (("store", None), ("stopped", options.interrupt)):
        store = scratch / name
        made = watched([binary, "store", "init", "--store", str(store), "--passphrase-fd", "0", "--json"],
                       data=PASSPHRASE, limit_s=60)
        if made.code != 0:
            report.missing("R13", "import", f"store init ended with {made.code}")
            return
        command = [binary, "import", str(folder), "--store", str(store), "--passphrase-fd", "0", "--json"]
        seen = watched(command, data=PASSPHRASE, limit_s=options.limit, interrupt_after_s=interrupt)
        if interrupt is None:
            counts = last_json(seen.stdout).get("summary", {})
            report.truth("R13", "all slices stored", counts.get("stored") == options.slices, f"{counts.get('stored')}")
            report.add("R13", "import", seen.wall_ms / 1e3, 150, "s", **seen.figures())
            memory(report, "R13", "import memory", seen, 1024)
        elif last_json(seen.stdout).get("summary", {}).get("stored") == options.slices:
            report.missing("R13", "cancel", f"the import ended before {interrupt} s")
        else:
            report.add("R13", "cancel: SIGINT to the end of the process", seen.wall_ms, 500, "ms", code=seen.code)
            checked = watched([binary, "store", "verify", "--store", str(store), "--passphrase-fd", "0", "--json"],
                              data=PASSPHRASE, limit_s=options.limit)
            report.truth("R13", "the store is whole after that", checked.code == 0, f"exit {checked.code}")
        shutil.rmtree(store, ignore_errors=True)


# R14.


def r14(report, binary, scratch, options):
    """A multi-frame object above 4 GiB with an Extended Offset Table, and the lie of a native one."""
    path = scratch / "R14.dcm"
    total, fragments = plain.write_multiframe(path, options.frames, fill=options.fill)
    on_disk = path.stat().st_blocks * 512
    report.add("R14", f"made {total / MIB:.0f} MiB, on the disk", on_disk / MIB, None, "MiB", fragments=fragments)
    runs = [watched([binary, "inspect", str(path), "--json"], limit_s=options.limit) for _ in range(3)]
    seen = min(runs, key=lambda r: r.wall_ms)
    lines = [json.loads(line) for line in seen.stdout.splitlines() if line.startswith(b"{")]
    frames = lines[0].get("frames") if lines else None
    report.truth("R14", "inspect sees all frames", frames == options.frames and lines[0].get("outcome") == "ok",
                 f"{frames}")
    report.add("R14", "inspect", seen.wall_ms / 1e3, 2, "s", **seen.figures())
    memory(report, "R14", "inspect memory", max(runs, key=lambda r: r.tree_peak), 256)
    r14_frames(report, binary, path, scratch, options)
    seen = watched([binary, "inspect", str(path), "--decode", "--json"], limit_s=options.limit)
    said = last_json(seen.stdout).get("summary", {})
    report.truth("R14", "sweep: all frames decode", said.get("shown") == 1, f"{said.get('shown')}")
    report.add("R14", "sweep of all frames (inspect --decode)", seen.wall_ms / 1e3, None, "s", **seen.figures())
    memory(report, "R14", "sweep memory", seen, 768)
    path.unlink()
    lie = scratch / "R14-native.dcm"
    # Always more than 32 bits can say; holes, so it costs nothing.
    plain.write_native_lie(lie, max(options.frames, 2560))
    seen = watched([binary, "inspect", str(lie), "--json"], limit_s=options.limit)
    lines = [json.loads(line) for line in seen.stdout.splitlines() if line.startswith(b"{")]
    outcome = lines[0].get("outcome") if lines else None
    report.truth("R14", "native Pixel Data that wrapped is refused", outcome not in (None, "ok"),
                 f"{outcome} {lines[0].get('code') if lines else ''}", **seen.figures())
    memory(report, "R14", "memory of that", seen, 256)
    lie.unlink()


def r14_frames(report, binary, path, scratch, options):
    """Single frames, first, last and between, in a fresh process each."""
    out = scratch / "frame.npy"
    times, wrong, peak = [], 0, 0
    last = options.frames
    chosen = sorted({1, 2, last // 4, last // 2, last // 2 + 1, last - 1, last} - {0})
    for wanted in chosen:
        seen = watched([binary, "pixels", str(path), "--frame", str(wanted), "--stage", "stored", "--out", str(out)],
                       limit_s=options.limit)
        times.append(seen.wall_ms)
        peak = max(peak, seen.tree_peak)
        data = out.read_bytes() if out.is_file() else b""
        at = data.find(b"\n") + 1
        if seen.code != 0 or data[at : at + 4] != plain.frame_mark(wanted - 1):
            wrong += 1
        out.unlink(missing_ok=True)
    report.truth("R14", f"{len(chosen)} frames hold their own pixels", wrong == 0, f"{wrong} wrong")
    report.add("R14", "frame k, slowest (pixels, whole process)", max(times) / 1e3, 1, "s", all_ms=times,
               median_ms=statistics.median(times))
    report.add("R14", "frame k, memory", peak / MIB, None, "MiB")


WORK = {"r1": r1, "r13": r13, "r14": r14}


def main():
    """Measures the rows that were asked for."""
    parser = argparse.ArgumentParser(prog="hostile")
    parser.add_argument("rows", nargs="+", metavar="ROW", help="r1, r13, r14 or all")
    parser.add_argument("dir", type=pathlib.Path, help="where inputs are made")
    parser.add_argument("--binary")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true", help="leave the inputs where they are")
    parser.add_argument("--order", action="store_true", help="R13: write the volume out and look at every slice")
    parser.add_argument("--mutants", type=int, default=50_000, help="R1: mutants of each set of files")
    parser.add_argument("--seeds", type=pathlib.Path, nargs="*", metavar="PATH",
                        help="R1: files and folders to make mutants of, besides files that the program makes")
    parser.add_argument("--slices", type=int, default=10_000, help="R13")
    parser.add_argument("--frames", type=int, default=2560, help="R14")
    parser.add_argument("--fill", choices=("sparse", "noise"), default="sparse", help="R14: noise needs 5 GiB of disk")
    parser.add_argument("--interrupt", type=float, default=1.0, metavar="S", help="R13: when the import is stopped")
    parser.add_argument("--limit", type=float, default=600, metavar="S", help="of one run")
    options = parser.parse_args()
    chosen = [row.lower() for row in options.rows]
    if "all" in chosen:
        chosen = list(WORK)
    unknown = [row for row in chosen if row not in WORK]
    if unknown:
        parser.error(f"no row {unknown[0]}")
    binary = find_binary(options.binary)
    options.dir.mkdir(parents=True, exist_ok=True)
    clean_when_told_to_stop()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="hostile-", dir=options.dir))
    about = machine(binary)
    print(f"{about['cpu']}, {about['cores']} cores, {about['cores_free']} of 2 free, {about['program']}")
    report = Report()
    try:
        for row in chosen:
            try:
                WORK[row](report, binary, scratch, options)
            except (Missing, OSError, KeyError, ValueError) as error:
                report.missing(row.upper(), row, (str(error) or repr(error)).splitlines()[0][:160])
    finally:
        if not options.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps({"machine": about, "rows": report.rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
