"""Tests of the judge and of the plain writers; they need no peer and no program:

python3 -B -m unittest discover -s benches/peers/lib -p 'test_*.py'
"""

import pathlib
import struct
import tempfile
import unittest

import common
import hostile
import plain


def compared(ours, theirs, goal=1.0, **more):
    """A finished comparison of made-up runs (wall, processor) of five pairs."""
    a, b = iter(ours * 5), iter([theirs[0], *theirs * 5])

    def next_of(runs):
        def run():
            wall = next(runs)
            return wall, wall, {}
        return run

    return common.Comparison(1, "case", "peer", lambda: next_of(a), lambda: next_of(b), goal, **more).measure(5)


class Judge(unittest.TestCase):
    """Verdicts."""

    def test_the_goal_decides(self):
        self.assertEqual(compared([1.0], [2.0], goal=0.5)["verdict"], common.REACHED)
        self.assertEqual(compared([1.1], [2.0], goal=0.5)["verdict"], common.NOT_REACHED)
        self.assertEqual(compared([1.0], [2.0], goal=None)["verdict"], "no goal")

    def test_a_busy_machine_is_not_judged(self):
        # Ours is 30 % slower in the second half (pairs three to five).
        row = compared([1.0, 1.0, 1.3, 1.3, 1.3], [2.0])
        self.assertEqual(row["verdict"], common.NOT_JUDGED)
        row = compared([1.0, 1.0, 1.2, 1.2, 1.2], [2.0])
        self.assertEqual(row["verdict"], common.REACHED)

    def test_a_missing_peer_is_never_a_pass(self):
        def absent():
            raise common.Missing("it is not here")

        row = common.Comparison(1, "case", "peer", lambda: None, absent, 1.0).measure(5)
        self.assertEqual((row["verdict"], row["why"]), (common.NOT_MEASURED, "it is not here"))


class Plain(unittest.TestCase):
    """The writers."""

    def test_offsets_point_at_the_fragments(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "m.dcm")
            total, _ = plain.write_multiframe(path, frames=5, side=16)
            data = path.read_bytes()
        self.assertEqual(total, len(data))
        at = data.index(struct.pack("<HH", 0x7FE0, 0x0001) + b"OV") + 12
        offsets = struct.unpack("<5Q", data[at : at + 40])
        first = data.index(struct.pack("<HH", 0x7FE0, 0x0010) + b"OB") + 12 + 8
        for index, offset in enumerate(offsets):
            item = data[first + offset :]
            self.assertEqual(item[:8], struct.pack("<HHI", 0xFFFE, 0xE000, 512))
            self.assertEqual(item[8:12], plain.frame_mark(index))

    def test_names_of_a_series_are_shuffled_but_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            plain.write_series(folder, slices=20, side=8)
            names = sorted(p.name for p in pathlib.Path(folder).iterdir())
            first = pathlib.Path(folder, names[1]).read_bytes()
        self.assertEqual(len(names), 20)
        self.assertNotEqual(struct.unpack("<H", first[-128:-126])[0], 1)


class Order(unittest.TestCase):
    """The eye on the order of slices."""

    def nifti(self, path, marks):
        head = bytearray(352)
        struct.pack_into("<4h", head, 40, 3, 4, 4, len(marks))
        struct.pack_into("<h", head, 70, 4)
        struct.pack_into("<3f", head, 108, 352.0, 1.0, 0.0)
        slices = b"".join(struct.pack("<16h", mark, *[99] * 15) for mark in marks)
        path.write_bytes(bytes(head) + slices)

    def test_a_swap_is_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "v.nii")
            for marks, wrong in (([0, 1, 2, 3, 4], 0), ([4, 3, 2, 1, 0], 0), ([0, 2, 1, 3, 4], 2)):
                self.nifti(path, marks)
                self.assertEqual(hostile.in_order(path, 5), wrong)
            self.assertEqual(hostile.in_order(path, 6), 6)


if __name__ == "__main__":
    unittest.main()
