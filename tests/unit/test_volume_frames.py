"""Frames of large objects: found by whatever table there is, and read without the rest of the file."""

import os
import struct
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless
from tests.volume_objects import sealed_volume, write_object

from voxpop.volume import objects
from voxpop.volume.frames import ObjectNotShown, frame_of
from voxpop.volume.objects import Instance, ObjectAbsent

FRAMES, SIDE = 200, 512
FRAME_BYTES = 2 * SIDE * SIDE
MOST_BYTES = 4 * FRAME_BYTES
NAME = "sourcedata/sub-a/ses-b/run-1/00001.dcm"
ITEM, END = struct.pack("<HH", 0xFFFE, 0xE000), struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def _head(path: Path, syntax: str, **more: object) -> None:
    """Write an object without pixels."""
    write_object(path)
    one = pydicom.dcmread(path)
    del one.PixelData
    one.file_meta.TransferSyntaxUID = syntax
    one.Rows, one.Columns, one.NumberOfFrames = SIDE, SIDE, FRAMES
    for keyword, value in more.items():
        setattr(one, keyword, value)
    one.save_as(path, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)


def _native(path: Path, syntax: str) -> None:
    """Write 100 MB of frames of which the first bytes alone differ; the rest are holes in the file."""
    _head(path, syntax)
    vr = b"" if syntax == ImplicitVRLittleEndian else b"OW\0\0"
    with path.open("r+b") as stream:
        stream.seek(0, os.SEEK_END)
        stream.write(struct.pack("<HH", 0x7FE0, 0x10) + vr + struct.pack("<L", FRAMES * FRAME_BYTES))
        for frame in range(FRAMES):
            stream.write(struct.pack("<L", frame))
            stream.seek(FRAME_BYTES - 4, os.SEEK_CUR)
        stream.truncate()


def _compressed(path: Path, table: str, fragments: int = 1) -> None:
    """Write 100 MB of frames in fragments, with a table that says where each begins, or none."""
    offsets = [frame * (FRAME_BYTES + 8 * fragments) for frame in range(FRAMES)]
    more = {}
    if table == "extended":
        more["ExtendedOffsetTable"] = struct.pack(f"<{FRAMES}Q", *offsets)
        more["ExtendedOffsetTableLengths"] = struct.pack(f"<{FRAMES}Q", *[FRAME_BYTES] * FRAMES)
    _head(path, JPEG2000Lossless, **more)
    basic = struct.pack(f"<{FRAMES}L", *offsets) if table == "basic" else b""
    with path.open("r+b") as stream:
        stream.seek(0, os.SEEK_END)
        stream.write(struct.pack("<HH4sL", 0x7FE0, 0x10, b"OB\0\0", 0xFFFFFFFF))
        stream.write(ITEM + struct.pack("<L", len(basic)) + basic)
        for frame in range(FRAMES):
            for fragment in range(fragments):
                size = FRAME_BYTES // fragments
                stream.write(ITEM + struct.pack("<L", size) + struct.pack("<L", frame))
                stream.seek(size - 6, os.SEEK_CUR)
                stream.write(b"\xff\xd9" if fragment == fragments - 1 else b"\0\0")
        stream.write(END)


def _frames(root: Path, numbers: Sequence[int]) -> tuple[list[int], int]:
    """Return the first number in each frame, and how much memory it took at once."""
    one = _one(root)
    tracemalloc.start()
    try:
        found = [struct.unpack_from("<L", frame_of(one, number).pixels)[0] for number in numbers]
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_frame_of_a_large_native_object_takes_the_memory_of_a_frame(tmp_path: Path, syntax: str) -> None:
    (tmp_path / NAME).parent.mkdir(parents=True)
    _native(tmp_path / NAME, syntax)
    found, most = _frames(tmp_path, [1, FRAMES // 2, FRAMES])
    assert found == [0, FRAMES // 2 - 1, FRAMES - 1]
    assert most < MOST_BYTES


@pytest.mark.parametrize(("table", "fragments"), [("basic", 1), ("basic", 2), ("extended", 1), ("", 1), ("", 2)])
def test_a_frame_of_a_large_compressed_object_takes_the_memory_of_a_frame(
    tmp_path: Path, table: str, fragments: int
) -> None:
    (tmp_path / NAME).parent.mkdir(parents=True)
    _compressed(tmp_path / NAME, table, fragments)
    found, most = _frames(tmp_path, [1, FRAMES // 2, FRAMES])
    assert found == [0, FRAMES // 2 - 1, FRAMES - 1]
    assert most < MOST_BYTES


def _one(root: Path) -> Instance:
    return objects.instances_of(sealed_volume(root, NAME), "sub-a")[0]


@pytest.mark.parametrize("at", [-7, 2**40, 2**63])
def test_a_table_that_points_elsewhere_is_refused(tmp_path: Path, at: int) -> None:
    write_object(tmp_path / NAME, JPEGLSLossless, frames=2)
    whole = pydicom.dcmread(tmp_path / NAME)
    whole.ExtendedOffsetTable = struct.pack("<2Q", 0, at % 2**64)
    whole.ExtendedOffsetTableLengths = struct.pack("<2Q", 2**63, 8)
    whole.save_as(tmp_path / NAME)
    one = _one(tmp_path)
    assert len(frame_of(one, 1).pixels) < 1000
    with pytest.raises(ObjectNotShown):
        frame_of(one, 2)


@pytest.mark.parametrize(("offsets", "lengths"), [(2, 1), (1, 2), (1, 1)])
def test_a_table_with_fewer_rows_than_frames_is_refused(tmp_path: Path, offsets: int, lengths: int) -> None:
    write_object(tmp_path / NAME, JPEGLSLossless, frames=2)
    whole = pydicom.dcmread(tmp_path / NAME)
    whole.ExtendedOffsetTable, whole.ExtendedOffsetTableLengths = bytes(8 * offsets), bytes(8 * lengths)
    whole.save_as(tmp_path / NAME)
    with pytest.raises(ObjectNotShown):
        frame_of(_one(tmp_path), 2)


def test_an_empty_table_is_none(tmp_path: Path) -> None:
    write_object(tmp_path / NAME, JPEGLSLossless, frames=2)
    whole = pydicom.dcmread(tmp_path / NAME)
    whole.ExtendedOffsetTable, whole.ExtendedOffsetTableLengths = b"", b""
    whole.save_as(tmp_path / NAME)
    assert frame_of(_one(tmp_path), 2).pixels.rstrip(b"\0 ") == b"frame 1"


def test_pixels_that_end_before_the_frame_does_are_refused(tmp_path: Path) -> None:
    write_object(tmp_path / NAME, frames=2)
    content = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(content[:-4])
    one = _one(tmp_path)
    assert len(frame_of(one, 1).pixels) == 24
    with pytest.raises(ObjectNotShown):
        frame_of(one, 2)


def test_two_pixels_that_share_their_colour_take_four_bytes(tmp_path: Path) -> None:
    write_object(tmp_path / NAME)
    whole = pydicom.dcmread(tmp_path / NAME)
    whole.SamplesPerPixel, whole.BitsAllocated, whole.PhotometricInterpretation = 3, 8, "YBR_FULL_422"
    whole.save_as(tmp_path / NAME)
    assert frame_of(_one(tmp_path), 1).pixels == whole.PixelData


def test_an_object_without_pixels_has_no_frame(tmp_path: Path) -> None:
    (tmp_path / NAME).parent.mkdir(parents=True)
    _head(tmp_path / NAME, ExplicitVRLittleEndian)
    with pytest.raises(ObjectAbsent):
        frame_of(_one(tmp_path), 1)
