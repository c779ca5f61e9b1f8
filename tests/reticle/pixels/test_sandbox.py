import gzip
import os
import struct
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from reticle.pixels.sandbox import Parsed, ParsedMask, Rejected, Sandbox
from reticle.pixels.series import MAX_BYTES

FILES = sorted(
    path
    for path in (Path(str(pydicom.__file__)).parent / "data" / "test_files").rglob("*")
    if path.is_file()
)
# 12-bit JPEG Extended, and files that are damaged on purpose.
UNDECODABLE = {"JPEG-lossy.dcm", "JPGExtended.dcm", "MR_truncated.dcm", "badVR.dcm"}
UNDECODABLE |= {"JPEG2000-embedded-sequence-delimiter.dcm"}
SMALL = Path(str(get_testdata_file("MR_small.dcm")))


def child_of(sandbox: Sandbox) -> psutil.Process:
    (child,) = [
        process
        for process in psutil.Process().children()
        if "reticle.pixels.child" in process.cmdline()
        and process.cwd() == str(sandbox._folder)  # several sandboxes may run
    ]
    return child


def png(path: Path, value: int = 7) -> Path:
    Image.fromarray(np.full((6, 5), value, np.uint16)).save(path)
    return path


def nifti_of_zeros(path: Path, columns: int, rows: int, slices: int) -> Path:
    header = bytearray(352)
    header[0:4] = struct.pack("<i", 348)
    header[40:56] = struct.pack("<8h", 3, columns, rows, slices, 1, 1, 1, 1)
    header[70:74] = struct.pack("<2h", 2, 8)
    header[76:108] = struct.pack("<8f", 1, 1, 1, 1, 1, 1, 1, 1)
    header[108:112] = struct.pack("<f", 352)
    header[344:348] = b"n+1\0"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(bytes(header))
        for _ in range(slices):
            file.write(bytes(columns * rows))
    return path


def dicom_head(syntax: str) -> bytes:
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(value)) + value
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(element))
    return bytes(128) + b"DICM" + length + element


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_file_of_pydicom_is_read_or_refused_with_a_code(path: Path, sandbox: Sandbox) -> None:
    answer = sandbox.parse(path, path.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(path, force=True)
            image = "PixelData" in dataset and bool(dataset.get("Rows"))
        except Exception:
            image = False
        if not image or path.name in UNDECODABLE:
            assert isinstance(answer, Rejected)
            assert answer.code in {"unsupported", "broken", "no_pixels"}
            return
        assert isinstance(answer, Parsed)
        (series,) = answer.series
        assert len(series.frames) == int(dataset.get("NumberOfFrames") or 1)
        frame = series.frames[-1].pixels
        assert frame.shape[:2] == (dataset.Rows, dataset.Columns)
        if "MONOCHROME" in dataset.PhotometricInterpretation:
            expected = np.asarray(dataset.pixel_array)
            assert np.array_equal(frame, expected[-1] if expected.ndim == 3 else expected)


def test_samples_and_masks_pass_through_unchanged(tmp_path: Path, sandbox: Sandbox) -> None:
    answer = sandbox.parse(png(tmp_path / "a.png", 60_000), "a.png")
    assert isinstance(answer, Parsed)
    assert answer.series[0].frames[0].pixels.tolist() == [[60_000] * 5] * 6
    mask = sandbox.parse_mask(png(tmp_path / "a.mask.png", 3), "a.mask.png")
    assert isinstance(mask, ParsedMask)
    assert mask.masks[0].tolist() == [[3] * 5] * 6
    refused = sandbox.parse_mask(png(tmp_path / "b.mask.png", 300), "b.mask.png")
    assert isinstance(refused, Rejected)
    assert refused.code == "bad_mask"


def test_arrays_outlive_their_files_and_the_folder_is_cleared(tmp_path: Path) -> None:
    with Sandbox(b"k", folder=tmp_path) as sandbox:
        answer = sandbox.parse(SMALL, "a.dcm")
        assert isinstance(answer, Parsed)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert answer.series[0].frames[0].pixels.shape == (64, 64)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    assert isinstance(sandbox.parse(tmp_path / "none.png", "none.png"), Rejected)


def test_bombs_are_refused_within_limits(tmp_path: Path, sandbox: Sandbox) -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = bytes(2**20)
    body = b"".join(deflate.compress(zeros) for _ in range(MAX_BYTES // 2**20 + 100))
    deflated = tmp_path / "deflated.dcm"
    deflated.write_bytes(dicom_head("1.2.840.10008.1.2.1.99") + body + deflate.flush())
    side = 2000
    volume = nifti_of_zeros(tmp_path / "bomb.nii.gz", side, side, MAX_BYTES // side**2 + 2)
    nested = tmp_path / "nested.dcm"
    opening = struct.pack("<HH2sHIHHI", 8, 0x9215, b"SQ", 0, 2**32 - 1, 0xFFFE, 0xE000, 2**32 - 1)
    nested.write_bytes(dicom_head("1.2.840.10008.1.2.1") + opening * 3000)
    assert deflated.stat().st_size < 2_000_000
    for path, code in ((deflated, "too_large"), (volume, "too_large"), (nested, "too_deep")):
        started = time.monotonic()
        answer = sandbox.parse(path, path.name)
        assert isinstance(answer, Rejected)
        assert answer.code == code
        assert time.monotonic() - started < 15
        assert child_of(sandbox).memory_info().rss < 1.5 * 2**30
    assert isinstance(sandbox.parse(SMALL, "a.dcm"), Parsed)


def test_a_child_that_dies_is_replaced_and_costs_no_file(tmp_path: Path) -> None:
    with Sandbox(b"k") as sandbox:
        sandbox.parse(SMALL, "a.dcm")
        first = child_of(sandbox)
        first.kill()
        first.wait(5)
        assert isinstance(sandbox.parse(SMALL, "a.dcm"), Parsed)
        assert child_of(sandbox).pid != first.pid


def test_a_child_is_replaced_after_its_share_of_files() -> None:
    with Sandbox(b"k", recycle_after=2) as sandbox:
        pids = []
        for _ in range(4):
            sandbox.parse(SMALL, "a.dcm")
            pids.append(child_of(sandbox).pid)
    assert pids[0] == pids[1] != pids[2] == pids[3]
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_too_little_memory_is_a_rejection_and_the_next_file_is_read(tmp_path: Path) -> None:
    volume = nifti_of_zeros(tmp_path / "large.nii.gz", 2000, 2000, 100)
    with Sandbox(b"k", memory_bytes=900 * 2**20) as sandbox:
        answer = sandbox.parse(volume, "large.nii.gz")
        assert isinstance(answer, Rejected)
        assert answer.code == "out_of_memory"
        assert isinstance(sandbox.parse(SMALL, "a.dcm"), Parsed)


def test_a_file_that_burns_time_is_stopped_by_either_clock(tmp_path: Path) -> None:
    # A million and a half tiny items: small to send, slow to walk.
    element = struct.pack("<HH2sH", 8, 0x104, b"LO", 0)
    items = (struct.pack("<HHI", 0xFFFE, 0xE000, 8) + element) * 1_500_000
    shape = [(2, 1), (0x10, 1), (0x11, 1), (0x100, 8), (0x101, 8), (0x102, 7), (0x103, 0)]
    slow = tmp_path / "slow.dcm"
    slow.write_bytes(
        dicom_head("1.2.840.10008.1.2.1")
        + struct.pack("<HH2sHI", 8, 0x9215, b"SQ", 0, len(items))
        + items
        + b"".join(struct.pack("<HH2sHH", 0x28, e, b"US", 2, v) for e, v in shape)
        + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 2)
        + b"\0\0"
    )
    for limits in ({"cpu_seconds": 1}, {"wall_seconds": 1.0}):
        with Sandbox(b"k", **limits) as sandbox:
            assert isinstance(sandbox.parse(SMALL, "a.dcm"), Parsed)
            answer = sandbox.parse(slow, "slow.dcm")
            assert isinstance(answer, Rejected)
            assert answer.code == "too_slow"
            assert isinstance(sandbox.parse(SMALL, "a.dcm"), Parsed)


def test_the_child_knows_no_secret_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    with Sandbox(b"the key", wall_seconds=20) as sandbox:
        sandbox.parse(SMALL, "a.dcm")
        child = child_of(sandbox)
        assert "DATABASE_URL" not in child.environ()
        assert b"the key".hex() not in " ".join(child.cmdline())
        limit = (3 * 2**30, 3 * 2**30)
        assert child.rlimit(psutil.RLIMIT_AS) == limit
        assert os.getpid() == child.ppid()


def test_a_sandbox_works_only_while_it_is_open() -> None:
    with pytest.raises(RuntimeError, match="with"):
        Sandbox(b"k").parse(SMALL, "a.dcm")


def test_a_length_beyond_the_end_of_the_file_reserves_no_memory(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    path = tmp_path / "long.dcm"
    element = struct.pack("<HH2sHI", 8, 0x119, b"UC", 0, 4_000_000_000)
    path.write_bytes(dicom_head("1.2.840.10008.1.2.1") + element + b"short")
    answer = sandbox.parse(path, "long.dcm")
    assert isinstance(answer, Rejected)
    assert answer.code == "broken"
