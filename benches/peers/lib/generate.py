"""Large inputs of safety.md R13, R14 and of row 1, written from the command line."""

import argparse
import os
import sys
import time

import plain


def noise_streams(syntax, side, count=4):
    """A few codestreams of noise, by the peers' encoders; large, and only made when asked for."""
    import variants

    encode = {"jpegls": "jls", "j2k": "j2k", "htj2k": "htj2k", "rle": "rle"}[syntax]
    return variants.noise_frames(encode, side, count)


def main():
    """Reads the arguments and writes one input."""
    parser = argparse.ArgumentParser(prog="generate")
    what = parser.add_subparsers(dest="what", required=True)
    series = what.add_parser("series")
    series.add_argument("dir")
    series.add_argument("--slices", type=int, default=10_000)
    series.add_argument("--side", type=int, default=256)
    multiframe = what.add_parser("multiframe")
    multiframe.add_argument("file")
    multiframe.add_argument("--frames", type=int, default=2560)
    multiframe.add_argument("--side", type=int, default=1024)
    multiframe.add_argument("--syntax", choices=("uncompressed", "jpegls", "j2k", "htj2k", "rle"),
                            default="uncompressed")
    multiframe.add_argument("--fill", choices=("sparse", "noise"), default="sparse",
                            help="sparse: holes; noise: all bytes on the disk. A packed syntax always writes noise")
    lie = what.add_parser("native-lie")
    lie.add_argument("file")
    tree = what.add_parser("tree")
    tree.add_argument("dir")
    tree.add_argument("--files", type=int, default=100_000)
    options = parser.parse_args()
    start = time.perf_counter()
    if options.what == "series":
        total = plain.write_series(options.dir, options.slices, options.side)
    elif options.what == "tree":
        total = plain.write_tree(options.dir, options.files)
    elif options.what == "native-lie":
        total = plain.write_native_lie(options.file)
    elif options.syntax == "uncompressed":
        total, _ = plain.write_multiframe(options.file, options.frames, options.side, fill=options.fill)
    else:
        uid, streams = noise_streams(options.syntax, options.side)
        total, _ = plain.write_multiframe(options.file, options.frames, options.side, syntax=uid, streams=streams)
    used = ""
    if os.path.isfile(getattr(options, "file", "")):
        used = f", {os.stat(options.file).st_blocks * 512 / 2**20:.0f} MiB on the disk"
    print(f"{total / 2**20:.0f} MiB{used} in {time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
