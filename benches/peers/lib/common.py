"""What the tools share: the program under test, clocks, interleaving, verdicts, the table.

A, B, A, B ... at least five pairs, the best of each. Where the best of the two halves of a series differ by more
than a quarter the machine was too busy, and nothing is judged. A peer that is missing is "not measured", never a
pass.
Python's standard library only: peers are imported where they are used.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

REACHED, NOT_REACHED = "reached", "not reached"
NOT_JUDGED, NOT_MEASURED = "not judged", "not measured"
# Halves of a series may differ by this factor.
CALM = 1.25
FEWEST_PAIRS = 5


class Missing(Exception):
    """A peer or an input that is not here; the text says which."""


def find_binary(given):
    """The program: as given, NEGATOSCOPE, the release build of this repository, or the one on the path."""
    root = pathlib.Path(__file__).resolve().parents[3]
    built = root / "target" / "release" / "negatoscope"
    for candidate in (given, os.environ.get("NEGATOSCOPE"), built, shutil.which("negatoscope")):
        if candidate and pathlib.Path(candidate).is_file():
            return str(pathlib.Path(candidate).resolve())
    sys.exit("build the program first (cargo build --release) or name it with --binary")


def clean_when_told_to_stop():
    """SIGTERM ends the tool as an exit does, so that scratch folders go."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def need_module(name):
    """Fails unless the Python of the peers has this module."""
    if importlib.util.find_spec(name) is None:
        raise Missing(f"{name} is not in the Python of the peers")
    return importlib.import_module(name)


def need_program(name):
    """Fails unless the program is on the path."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not on the path")
    return found


def files_of(folder):
    """All files below a folder, in order of their paths."""
    files = sorted(str(p) for p in pathlib.Path(folder).rglob("*") if p.is_file())
    if not files:
        raise Missing(f"no files in {pathlib.Path(folder).name}")
    return files


def first_line(message):
    """The first line of what a program said."""
    return message.decode(errors="replace").strip().partition("\n")[0][:160]


# Clocks. A runner gives (wall ms, processor ms, more) of one run.


def process(*command, accept=(0,)):
    """Times whole processes, their output thrown away."""

    def run():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in accept:
            name = os.path.basename(command[0])
            raise RuntimeError(f"{name} ended with {done.returncode}: {first_line(done.stderr)}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return wall * 1e3, cpu * 1e3, {}

    return run


def json_case(command):
    """Runs a program that prints one JSON object in its last line."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        name = " ".join(os.path.basename(part) for part in command[:3])
        raise RuntimeError(f"{name} ended with {done.returncode}: {first_line(done.stderr)}")
    return json.loads(done.stdout.splitlines()[-1])


def bench(binary, *arguments, repeat=2):
    """One run of a bench of the program: the last of `repeat`, so that it is as warm as a peer that ran before."""

    def run():
        case = json_case([binary, "bench", *arguments, "--repeat", str(repeat), "--json", "--quiet"])
        cpu = case["cpu_ms"][-1] if case["cpu_ms"] else None
        return case["wall_ms"][-1], cpu, case

    return run


def inside(work):
    """Times a function in this process."""

    def run():
        cpu, start = time.process_time(), time.perf_counter()
        more = work()
        wall = time.perf_counter() - start
        return wall * 1e3, (time.process_time() - cpu) * 1e3, more if isinstance(more, dict) else {}

    return run


def scaled(runner, divisor):
    """The times of a runner divided, for example by the number of frames."""

    def run():
        wall, cpu, more = runner()
        return wall / divisor, None if cpu is None else cpu / divisor, more

    return run


def added(*runners):
    """The sum of several runners, one after the other."""

    def run():
        wall, cpu, last = 0.0, 0.0, {}
        for runner in runners:
            more_wall, more_cpu, last = runner()
            wall += more_wall
            cpu = None if cpu is None or more_cpu is None else cpu + more_cpu
        return wall, cpu, last

    return run


# Verdicts.


def steady(values):
    """Whether the best of the first half and the best of the second agree to a quarter."""
    half = len(values) // 2
    first, second = min(values[:half]), min(values[half:])
    return max(first, second) <= CALM * max(min(first, second), 1e-9)


class Comparison:
    """Ours beside one peer or floor. `goal` is the largest ratio ours / peer that reaches it; `by` is wall or cpu;
    `peer` is a function that makes the peer's runner or raises Missing; with `floor` it gives milliseconds from one
    run of ours (a floor of the same run). `cores`: where more than one is wanted, that many must be free."""

    def __init__(self, row, case, peer_name, ours, peer, goal=None, by="wall", floor=False, unit="ms", note="",
                 cores=1):
        self.row, self.case, self.peer_name = row, case, peer_name
        self.ours, self.peer, self.goal, self.by = ours, peer, goal, by
        self.floor, self.unit, self.note, self.cores = floor, unit, note, cores

    def measure(self, pairs):
        """Runs the pairs and gives the finished row as a dictionary."""
        row = {"row": self.row, "case": self.case, "peer": self.peer_name, "goal": self.goal, "by": self.by,
               "unit": self.unit, "pairs": max(FEWEST_PAIRS, pairs)}
        if self.note:
            row["note"] = self.note
        try:
            ours = self.ours()
            theirs = None if self.floor else self.peer()
            a, b = [], []
            free = cores_free() if self.cores > 1 else None
            if theirs is not None:
                theirs()
            for _ in range(row["pairs"]):
                a.append(ours())
                b.append(self.floor_of(a[-1]) if self.floor else theirs())
        except Missing as missing:
            return row | {"verdict": NOT_MEASURED, "why": str(missing)}
        except (RuntimeError, OSError, ValueError, KeyError) as error:
            return row | {"verdict": NOT_MEASURED, "why": (str(error) or repr(error)).splitlines()[0][:200]}
        row |= self.judged(a, b)
        if free is not None:
            row["cores_free"] = free
            if free < 0.85 * self.cores and row["verdict"] != NOT_JUDGED:
                row["verdict"], row["why"] = NOT_JUDGED, f"{free} of {self.cores} cores were free"
        return row

    def floor_of(self, mine):
        """The floor that this run of ours measured itself. It is a wall time; where processor time is judged it
        stands for that too, as floors run on one thread."""
        value = self.peer(mine)
        return value, value if self.by == "cpu" else None, {}

    def judged(self, a, b):
        """Ratios and the verdict of two series of runs."""
        walls = [r[0] for r in a], [r[0] for r in b]
        cpus = [r[1] for r in a], [r[1] for r in b]
        out = {"ours_ms": walls[0], "peer_ms": walls[1], "ours_cpu_ms": cpus[0], "peer_cpu_ms": cpus[1],
               "ours_best": min(walls[0]), "peer_best": min(walls[1]),
               "ratio": min(walls[0]) / max(min(walls[1]), 1e-9)}
        has_cpu = None not in cpus[0] and None not in cpus[1]
        out["cpu_ratio"] = min(cpus[0]) / min(cpus[1]) if has_cpu and min(cpus[1]) > 0 else None
        for name in ("peak_rss", "peak_rss_added", "peak_to_pixels", "bytes_read", "bytes_uploaded", "floor_ms",
                     "frames", "adapter", "threads"):
            if a[-1][2].get(name) is not None:
                out[name] = a[-1][2][name]
        judged_by = cpus if self.by == "cpu" else walls
        ratio = out["cpu_ratio"] if self.by == "cpu" else out["ratio"]
        if ratio is None or not (steady(judged_by[0]) and steady(judged_by[1])):
            out["verdict"], out["why"] = NOT_JUDGED, "the machine was busy"
        elif self.goal is None:
            out["verdict"] = "no goal"
        else:
            out["verdict"] = REACHED if ratio <= self.goal else NOT_REACHED
        return out


# The machine.


def spin(_):
    """Milliseconds of some fixed work."""
    start, x = time.perf_counter(), 0
    for i in range(3_000_000):
        x += i
    return (time.perf_counter() - start) * 1e3


def cores_free():
    """How many cores' worth of work two processes get done at once: 2 on a quiet machine of two cores."""
    import multiprocessing

    alone = min(spin(0) for _ in range(3))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(spin, [0, 1], chunksize=1)
        together = min(max(pool.map(spin, [0, 1], chunksize=1)) for _ in range(3))
    return round(2 * alone / together, 2)


def machine(binary):
    """What the figures were taken on; no names of hosts or people."""
    model = ""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
            model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        pass
    version = subprocess.run([binary, "--version"], stdout=subprocess.PIPE, check=False).stdout
    peers = {}
    for name in ("pydicom", "imagecodecs", "SimpleITK", "numpy", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg"):
        try:
            peers[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            peers[name] = None
    return {"cpu": model, "cores": os.cpu_count(), "cores_free": cores_free(), "load": os.getloadavg()[0],
            "system": platform.system(), "python": platform.python_version(),
            "program": version.decode(errors="replace").strip(), "peers": peers}


# Memory of a program and all that it starts.


def tree_of(pid):
    """A process and its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry))
    found, rest = [], [pid]
    while rest:
        one = rest.pop()
        found.append(one)
        rest.extend(children.get(one, []))
    return found


def status_kib(pid, *names):
    """Fields of /proc/PID/status in KiB; 0 where the process is gone."""
    values = dict.fromkeys(names, 0)
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as lines:
            for line in lines:
                name, _, rest = line.partition(":")
                if name in values:
                    values[name] = int(rest.split()[0])
    except (OSError, ValueError, IndexError):
        pass
    return [values[name] for name in names]


class Watched:
    """What `watched` gives back."""

    def __init__(self, code, wall_ms, cpu_ms, own_peak, tree_peak, stdout, stderr):
        self.code, self.wall_ms, self.cpu_ms = code, wall_ms, cpu_ms
        self.own_peak, self.tree_peak, self.stdout, self.stderr = own_peak, tree_peak, stdout, stderr

    def figures(self):
        """For the JSON: times and memory, bytes."""
        return {"code": self.code, "wall_ms": round(self.wall_ms, 2), "cpu_ms": round(self.cpu_ms, 2),
                "peak_rss_process": self.own_peak, "peak_rss_tree": self.tree_peak}


def watched(command, limit_s=600, data=b"", interrupt_after_s=None, every_s=0.005):
    """Runs a program and polls /proc for its memory: `own_peak` is the largest VmHWM of any one process,
    `tree_peak` the largest sum of what all of them held at one moment. With `interrupt_after_s` it gets SIGINT then,
    and the wall time counts from there."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peaks = {"own": 0, "tree": 0}
    ended = threading.Event()

    def poll():
        family, turn = [child.pid], 0
        while not ended.is_set():
            if turn % 10 == 0:
                family = tree_of(child.pid)
            turn += 1
            now = [status_kib(pid, "VmHWM", "VmRSS") for pid in family]
            peaks["own"] = max([peaks["own"]] + [n[0] for n in now])
            peaks["tree"] = max(peaks["tree"], sum(n[1] for n in now))
            ended.wait(every_s)

    watcher = threading.Thread(target=poll, daemon=True)
    watcher.start()
    if interrupt_after_s is not None:
        def interrupt():
            nonlocal start
            if not ended.wait(interrupt_after_s):
                start = time.perf_counter()
                child.send_signal(signal.SIGINT)
        threading.Thread(target=interrupt, daemon=True).start()
    try:
        out, err = child.communicate(data, timeout=limit_s)
        code = child.returncode
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()
        code = "time"
    wall = time.perf_counter() - start
    ended.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The system's own figure is exact where this was the largest process that ever ended, and larger than this
    # one, whose memory a child starts with.
    if after.ru_maxrss > max(before.ru_maxrss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss):
        peaks["own"] = max(peaks["own"], after.ru_maxrss)
        peaks["tree"] = max(peaks["tree"], after.ru_maxrss)
    return Watched(code, wall * 1e3, cpu * 1e3, peaks["own"] << 10, peaks["tree"] << 10, out, err)


# The table.


def number(value):
    """A figure in the width that it needs."""
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


HEADS = ("row", "case", "peer or floor", "ours", "peer", "ratio", "cpu ratio", "goal", "verdict")
WIDTHS = (3, 30, 34, 10, 10, 7, 9, 8, 0)


def table_line(cells):
    """One line of the table: words to the left, figures to the right."""
    parts = []
    for index, (cell, width) in enumerate(zip(cells, WIDTHS)):
        parts.append(f"{cell:<{width}}" if index in (0, 1, 2, 8) else f"{cell:>{width}}")
    return " ".join(parts).rstrip()


def print_row(row):
    """Prints one finished row at once."""
    goal = "-" if row["goal"] is None else f"<= {row['goal']:g}" + ("c" if row["by"] == "cpu" else "")
    verdict = row["verdict"] + (f": {row['why']}" if row.get("why") else "")
    print(table_line((row["row"], row["case"], row["peer"], number(row.get("ours_best")), number(row.get("peer_best")),
                      number(row.get("ratio")), number(row.get("cpu_ratio")), goal, verdict)), flush=True)


def summary(rows):
    """How many rows got which verdict."""
    counts = {}
    for row in rows:
        counts[row["verdict"]] = counts.get(row["verdict"], 0) + 1
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
