"""Rows 1 to 5 of the goal table, beside the peers that are here."""

import argparse
import atexit
import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from common import (FEWEST_PAIRS, HEADS, Comparison, Missing, added, bench, clean_when_told_to_stop, files_of,
                    find_binary, inside, json_case, machine, need_module, need_program, print_row, process, scaled,
                    summary, table_line)

ROWS = ("scan", "load", "decode", "first-slice", "upload")
PACKED = ("rle", "defl", "deflf", "jpll", "jls", "j2k", "htj2k", "jpegxl")


class Setting:
    """What all rows need: the program, the inputs, a place for scratch files."""

    def __init__(self, options):
        self.binary = find_binary(options.binary)
        self.dir = options.dir.resolve()
        self.frames = options.frames
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix=".peers-", dir=self.dir))
        atexit.register(shutil.rmtree, self.scratch, True)
        self.fastest = {}

    def folder(self, name):
        """A standard input."""
        path = self.dir / name
        if not path.is_dir():
            raise Missing(f"{name} is not in the folder")
        return str(path)

    def middle(self, name):
        """The files in the middle of a series, linked into a folder of their own; all where there are few."""
        files = files_of(self.folder(name))
        if not self.frames or len(files) <= self.frames:
            return self.folder(name), files
        link = self.scratch / f"{name}.{self.frames}"
        if not link.is_dir():
            link.mkdir()
            first = (len(files) - self.frames) // 2
            for path in files[first : first + self.frames]:
                os.link(path, link / os.path.basename(path))
        return str(link), files_of(link)


# The C++ toolkits.


def loader():
    """Builds loader.cpp with the toolkits whose headers are here, once for this source; gives the program."""
    source = pathlib.Path(__file__).with_name("loader.cpp")
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        raise Missing("no C++ compiler here")
    flags, libraries = [], []
    if pathlib.Path("/usr/include/dcmtk").is_dir():
        flags.append("-DWITH_DCMTK")
        libraries += ("-ldcmjpeg -ldcmjpls -ldcmimgle -ldcmdata -loflog -lofstd -lijg8 -lijg12 -lijg16 "
                      "-ldcmtkcharls").split()
    gdcm = sorted(pathlib.Path("/usr/include").glob("gdcm-*"))
    if gdcm:
        flags += ["-DWITH_GDCM", f"-I{gdcm[-1]}"]
        libraries += "-lgdcmMSFF -lgdcmDSED -lgdcmDICT -lgdcmIOD -lgdcmCommon".split()
    if not flags:
        raise Missing("neither libdcmtk-dev nor libgdcm-dev is here")
    key = hashlib.sha256(source.read_bytes() + " ".join(flags + libraries).encode()).hexdigest()[:16]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"), "negatoscope-peers")
    program = cache / f"loader-{key}"
    if not program.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        made = program.with_suffix(f".{os.getpid()}")
        done = subprocess.run([compiler, "-std=c++17", "-O2", *flags, str(source), "-o", str(made), *libraries],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise Missing("loader.cpp does not build: " + done.stderr.decode(errors="replace")[-160:].strip())
        made.rename(program)
    return str(program)


def toolkit(setting, what, folder, repeat=2):
    """A runner of loader.cpp: the last of two runs in one process."""

    def make():
        program = loader()
        listed = setting.scratch / f"list-{hashlib.sha256(folder.encode()).hexdigest()[:8]}"
        listed.write_text("\n".join(files_of(folder)) + "\n")
        command = [program, what, str(listed), "--repeat", str(repeat)]
        try:
            json_case([program, what, str(listed), "--repeat", "1"])
        except RuntimeError as error:
            raise Missing(str(error)) from None

        def run():
            case = json_case(command)
            return case["wall_ms"][-1], case["cpu_ms"][-1], {}

        return run

    return make


# Row 1.


def scan(setting):
    """Headers of a folder to a sorted series."""
    folder = setting.folder("CT300")
    files = files_of(folder)

    def pydicom_heads():
        dcmread = need_module("pydicom").dcmread

        def work():
            heads = [dcmread(f, stop_before_pixels=True) for f in files]
            heads.sort(key=lambda h: float(h.ImagePositionPatient[2]))

        return inside(work)

    def dicom_rs():
        program = os.environ.get("NEGATOSCOPE_DICOM_RS")
        if not program:
            raise Missing("NEGATOSCOPE_DICOM_RS names no program that reads headers with dicom-rs")

        def run():
            case = json_case([program, folder])
            return case["wall_ms"][-1], case["cpu_ms"][-1], {}

        return run

    def ours():
        return bench(setting.binary, "scan", folder)

    def whole():
        return process(setting.binary, "inspect", folder, "--json")

    def gdcmscanner():
        return process(need_program("gdcmscanner"), "-d", folder, "-t", "0020,0013")

    def dcmdump():
        return process(need_program("dcmdump"), "-q", "+P", "0020,0013", "+sd", folder, accept=(0, 1))

    yield Comparison(1, "scan CT300", "gdcmscanner (process)", ours, gdcmscanner, goal=0.15)
    yield Comparison(1, "scan CT300", "gdcm::Scanner (in process)", ours, toolkit(setting, "gdcm-scan", folder), 0.15)
    yield Comparison(1, "scan CT300", "dicom-rs loop", ours, dicom_rs, goal=0.5)
    yield Comparison(1, "scan CT300", "GDCM ReadUpToTag loop", ours, toolkit(setting, "gdcm-head", folder))
    yield Comparison(1, "scan CT300", "DCMTK header loop", ours, toolkit(setting, "dcmtk-head", folder))
    yield Comparison(1, "scan CT300", "pydicom stop_before_pixels", ours, pydicom_heads)
    yield Comparison(1, "scan CT300", "floor: open, read 8 KiB", ours, lambda mine: mine[2]["floor_ms"], floor=True)
    yield Comparison(1, "inspect CT300 (process)", "gdcmscanner (process)", whole, gdcmscanner, goal=0.15)
    yield Comparison(1, "inspect CT300 (process)", "dcmdump +sd (process)", whole, dcmdump)
    if (setting.dir / "TREE100K").is_dir():
        tree = setting.folder("TREE100K")
        count = len(files_of(tree))

        def per_file(where, number):
            return lambda: scaled(bench(setting.binary, "scan", where, repeat=1), number / 1e3)

        yield Comparison(1, f"scan {count} files, us a file", "CT300, us a file", per_file(tree, count),
                         per_file(folder, len(files)), unit="us", note="growth: O(files)")


# Row 2.


def load(setting):
    """An uncompressed series to an ordered volume. Ours is scan and load together, as the peers' is."""
    folder = setting.folder("CT300")
    files = files_of(folder)

    def ours():
        return added(bench(setting.binary, "scan", folder), bench(setting.binary, "load", folder))

    def only():
        return bench(setting.binary, "load", folder)

    def pydicom_volume():
        numpy, dcmread = need_module("numpy"), need_module("pydicom").dcmread

        def work():
            slices = [dcmread(f) for f in files]
            slices.sort(key=lambda s: float(s.ImagePositionPatient[2]))
            numpy.stack([s.pixel_array for s in slices])

        return inside(work)

    def simpleitk_volume():
        sitk = need_module("SimpleITK")
        sitk.ProcessObject.SetGlobalWarningDisplay(False)

        def work():
            reader = sitk.ImageSeriesReader()
            reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
            sitk.GetArrayViewFromImage(reader.Execute())

        return inside(work)

    def ours_nifti():
        return process(setting.binary, "volume", folder, "--out", str(setting.scratch / "ours.nii"))

    def niix():
        return process(need_program("dcm2niix"), "-z", "n", "-b", "n", "-o", str(setting.scratch), "-f", "peer", "-w",
                       "1", folder)

    def memory():
        run = bench(setting.binary, "load", folder)

        def added_mib():
            case = run()[2]
            return case["peak_rss_added"] / 2**20, None, case

        return added_mib

    yield Comparison(2, "scan + load CT300", "DCMTK", ours, toolkit(setting, "dcmtk-load", folder), goal=0.3)
    yield Comparison(2, "scan + load CT300", "GDCM", ours, toolkit(setting, "gdcm-load", folder), goal=0.3)
    yield Comparison(2, "scan + load CT300", "pydicom", ours, pydicom_volume, goal=0.3)
    yield Comparison(2, "scan + load CT300", "SimpleITK", ours, simpleitk_volume, goal=0.3)
    yield Comparison(2, "load CT300", "floor: read into used memory", only, lambda mine: mine[2]["floor_ms"], goal=2.0,
                     floor=True)
    yield Comparison(2, "peak memory of load, MiB", "floor: the pixels", memory,
                     lambda mine: mine[2]["pixel_bytes"] / 2**20, goal=1.15, floor=True, unit="MiB")
    yield Comparison(2, "volume CT300 (process)", "dcm2niix (process)", ours_nifti, niix)


# Row 3.


def decoders(name):
    """(library, function of a codestream to what holds the pixels) of the C and C++ codecs that are here."""
    ic = need_module("imagecodecs")
    size = 512 * 512 * 2
    if name in ("defl", "deflf"):
        import zlib

        room = size + (1 << 16 if name == "defl" else 0)
        return [("libdeflate", lambda s: ic.deflate_decode(s, raw=True, out=room)),
                ("zlib", lambda s: zlib.decompress(s, -15, room))]
    one = {"jls": ("CharLS", ic.jpegls_decode), "j2k": ("OpenJPEG", lambda s: ic.jpeg2k_decode(s, numthreads=1)),
           "htj2k": ("OpenJPH", ic.htj2k_decode), "rle": ("imcd", lambda s: ic.dicomrle_decode(s, "<u2")),
           "jpegxl": ("libjxl", lambda s: ic.jpegxl_decode(s, numthreads=1))}
    if name == "jpll":
        return [("liblj92", ic.ljpeg_decode), ("libjpeg-turbo", ic.jpeg_decode)]
    return [one[name]]


def stream_of(data, name):
    """The codestream of a file of make-variants without a parser: what the peer is given for nothing."""
    if name == "defl":
        return data[144 + struct.unpack("<I", data[140:144])[0] :]
    at = data.index(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff") + 12
    table = struct.unpack("<I", data[at + 4 : at + 8])[0]
    at += 8 + table
    length = struct.unpack("<I", data[at + 4 : at + 8])[0]
    if data[at + 8 + length : at + 12 + length] != b"\xfe\xff\xdd\xe0":
        raise Missing("the files are not those of make-variants: more than one fragment")
    return data[at + 8 : at + 8 + length]


def bytes_of(decoded):
    """What a decoder gave, as pixels or the bytes that end in them."""
    return memoryview(decoded).cast("B")[-512 * 512 * 2 :]


def fastest(setting, name, streams):
    """The quickest of the codecs on a few frames, chosen once."""
    if name not in setting.fastest:
        best = None
        for library, decode in decoders(name):
            times = []
            for stream in streams[: min(8, len(streams))] * 2:
                start = time.perf_counter()
                decode(stream)
                times.append(time.perf_counter() - start)
            if best is None or min(times) < best[0]:
                best = (min(times), library, decode)
        setting.fastest[name] = best
    return setting.fastest[name][1:]


def decode(setting):
    """Every packing: one core, all cores, and how the second core helps."""
    for name in PACKED:
        series = f"CT300.{name}"
        try:
            folder, files = setting.middle(series)
            streams = [stream_of(pathlib.Path(f).read_bytes(), name) for f in files]
            library, function = fastest(setting, name, streams)
        except Missing as missing:
            why = str(missing)

            def absent(why=why):
                raise Missing(why)

            yield Comparison(3, f"{name}, ms a frame", "best C or C++", absent, absent, goal=1.0)
            continue
        count = len(files)

        def one_core(folder=folder, count=count):
            return scaled(bench(setting.binary, "load", folder, "--jobs", "1", repeat=1), count)

        def all_cores(folder=folder, count=count):
            return scaled(bench(setting.binary, "load", folder, repeat=1), count)

        def decode_only(streams=streams, function=function, count=count):
            def work():
                for stream in streams:
                    function(stream)

            return scaled(inside(work), count)

        def file_to_array(files=files, function=function, name=name, count=count):
            numpy = need_module("numpy")

            def work():
                volume = numpy.empty((count, 512 * 512 * 2), "u1")
                for place, path in enumerate(files):
                    with open(path, "rb") as file:
                        volume[place] = bytes_of(function(stream_of(file.read(), name)))

            return scaled(inside(work), count)

        yield Comparison(3, f"{name}, one core, ms a frame", f"{library}, file to array", one_core, file_to_array, 1.0)
        yield Comparison(3, f"{name}, one core, ms a frame", f"{library}, codestream to array", one_core, decode_only,
                         goal=1.0, note="ours reads and parses the file too")
        yield Comparison(3, f"{name}, all cores, ms a frame", f"{library}, one thread", all_cores, file_to_array, 0.55,
                         cores=2)
        yield Comparison(3, f"{name}, all cores, ms a frame", "ours on one core", all_cores, one_core, goal=1 / 1.9,
                         cores=2)
    for name in ("mf-jls", "mf-j2k"):
        kind = name.removeprefix("mf-")
        try:
            whole, single = setting.folder(f"CT300.{name}"), setting.folder(f"CT300.{kind}")
        except Missing:
            continue

        def per_frame(folder):
            load_it = bench(setting.binary, "load", folder, "--jobs", "1", repeat=1)

            def run():
                wall, cpu, case = load_it()
                return wall / case["frames"], None if cpu is None else cpu / case["frames"], case

            return lambda: run

        yield Comparison(3, f"{name}, one core, ms a frame", "ours, one file a frame", per_frame(whole),
                         per_frame(single), goal=1.05, note="one object must not cost more than many")


# Row 4.


def first_slice(setting):
    """From a known series to its first slice in a viewport of 1024 x 1024."""

    def ours(series):
        return lambda: bench(setting.binary, "first-slice", setting.folder(series), repeat=4)

    def cornerstone():
        raise Missing("Cornerstone3D runs in a browser only")

    yield Comparison(4, "first slice CT300", "Cornerstone3D", ours("CT300"), cornerstone, goal=0.15)
    yield Comparison(4, "first slice CT300", "floor: read + one frame", ours("CT300"),
                     lambda mine: mine[2]["floor_ms"], goal=1.5, floor=True)
    yield Comparison(4, "first slice CT300", "ours, one picture (bench frame)", ours("CT300"),
                     lambda: bench(setting.binary, "frame", "--size", "1024x1024", repeat=4), goal=1.5,
                     note="the file's reading is left out of the peer")
    yield Comparison(4, "first slice CT3000", "ours, CT300", ours("CT3000"), ours("CT300"), goal=1.2,
                     note="growth: O(1) in the series' length")
    for name in ("j2k", "htj2k", "jls", "jpll"):
        series = f"CT300.{name}"

        def floor(mine, name=name, series=series):
            files = files_of(setting.folder(series))
            stream = stream_of(pathlib.Path(files[len(files) // 2]).read_bytes(), name)
            _, function = fastest(setting, name, [stream])
            times = []
            for _ in range(4):
                start = time.perf_counter()
                function(stream)
                times.append((time.perf_counter() - start) * 1e3)
            return mine[2]["floor_ms"] + min(times)

        yield Comparison(4, f"first slice {series}", "floor: read + decode + frame", ours(series), floor, goal=1.5,
                         floor=True)


# Row 5.


def upload(setting):
    """A volume to a texture of the graphics device."""
    folder = setting.folder("CT300")

    def ours():
        return bench(setting.binary, "upload", folder, repeat=3)

    def write_texture():
        wgpu = need_module("wgpu")
        need_module("numpy")
        import numpy

        adapter = wgpu.gpu.request_adapter_sync(power_preference="high-performance")
        device = adapter.request_device_sync()
        volume = numpy.ones((300, 512, 512), "<u2")
        usage = wgpu.TextureUsage.COPY_DST | wgpu.TextureUsage.TEXTURE_BINDING | wgpu.TextureUsage.COPY_SRC
        small = device.create_buffer(size=256, usage=wgpu.BufferUsage.COPY_DST | wgpu.BufferUsage.MAP_READ)

        def work():
            texture = device.create_texture(size=(512, 512, 300), dimension="3d", format="r16uint", usage=usage)
            device.queue.write_texture({"texture": texture}, volume, {"bytes_per_row": 1024, "rows_per_image": 512},
                                       (512, 512, 300))
            # Waits for the device: a row is copied out and mapped.
            encoder = device.create_command_encoder()
            encoder.copy_texture_to_buffer({"texture": texture, "origin": (0, 0, 299)},
                                           {"buffer": small, "bytes_per_row": 256, "rows_per_image": 1}, (8, 1, 1))
            device.queue.submit([encoder.finish()])
            small.map_sync(wgpu.MapMode.READ)
            small.unmap()
            texture.destroy()

        return inside(work)

    yield Comparison(5, "upload CT300", "wgpu write_texture, 3-D", ours, write_texture, goal=0.4, by="cpu")
    yield Comparison(5, "upload CT300", "floor: memcpy", ours, lambda mine: mine[2]["floor_ms"], goal=3.5, by="cpu",
                     floor=True)


WORK = {"scan": scan, "load": load, "decode": decode, "first-slice": first_slice, "upload": upload}


def save(path, about, results):
    """Writes what is known so far, after every row: a run that is stopped leaves its figures."""
    if path:
        path.write_text(json.dumps({"machine": about, "rows": results}, indent=1) + "\n")


def main():
    """Measures the rows that were asked for."""
    parser = argparse.ArgumentParser(prog="run")
    parser.add_argument("rows", nargs="+", metavar="ROW", help="scan, load, decode, first-slice, upload or all; "
                        "or their numbers 1 to 5")
    parser.add_argument("dir", type=pathlib.Path, help="holds CT300 and its variants")
    parser.add_argument("--binary")
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS)
    parser.add_argument("--frames", type=int, default=60, help="frames of row 3, from the middle; 0: all")
    parser.add_argument("--by", choices=("wall", "cpu"), default="wall",
                        help="cpu: judge by processor time, on a machine that others use; floors and the rows that "
                        "want two cores stay with the wall")
    parser.add_argument("--only", help="only the cases whose name holds this text")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    numbered = {str(i + 1): row for i, row in enumerate(ROWS)}
    chosen = [numbered.get(row, row) for row in options.rows]
    if "all" in chosen:
        chosen = list(ROWS)
    unknown = [row for row in chosen if row not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]}")
    if not options.dir.is_dir():
        parser.error("the folder does not exist")
    clean_when_told_to_stop()
    setting = Setting(options)
    about = machine(setting.binary)
    print(f"{about['cpu']}, {about['cores']} cores, {about['cores_free']} of 2 free, {about['program']}")
    print(table_line(HEADS))
    results = []
    for row in chosen:
        try:
            comparisons = WORK[row](setting)
            for comparison in comparisons:
                if options.only and options.only not in f"{comparison.case} {comparison.peer_name}":
                    continue
                if options.by == "cpu" and not comparison.floor and comparison.cores == 1:
                    comparison.by = "cpu"
                results.append(comparison.measure(options.pairs))
                print_row(results[-1])
                save(options.json, about, results)
        except Missing as missing:
            results.append({"row": ROWS.index(row) + 1, "case": row, "peer": "-", "goal": None, "by": "wall",
                            "verdict": "not measured", "why": str(missing)})
            print_row(results[-1])
            save(options.json, about, results)
    print(summary(results) + "   (c: judged by processor time)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
