import json
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from reticle.pixels.read import read_file, read_mask
from reticle.pixels.series import SeriesData, Unreadable

RNG = np.random.default_rng(0)
WIDE = RNG.integers(0, 65536, (21, 34), np.uint16)
WIDE_COLOUR = RNG.integers(0, 65536, (21, 34, 3), np.uint16)
CANARY = "Canary^Carla"


def read(path: Path) -> SeriesData:
    (series,) = read_file(path, name=path.name, key=b"k")
    return series


def signed_tiff(samples: npt.NDArray[np.int16]) -> bytes:
    """One strip of signed 16-bit grey: a kind Pillow reads and does not write."""
    rows, columns = samples.shape
    size = rows * columns * 2
    entries = [(256, columns), (257, rows), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1)]
    entries += [(278, rows), (279, size), (339, 2)]
    packed = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    directory = struct.pack("<H", len(entries)) + packed + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + size) + samples.astype("<i2").tobytes() + directory


def code(path: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        read(path)
    return caught.value.code


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_comes_back_sample_for_sample(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(WIDE).save(path)
    frame = read(path).frames[0]
    assert frame.pixels.dtype == np.uint16
    assert np.array_equal(frame.pixels, WIDE)
    assert (frame.bits, frame.photometric) == (16, "MONOCHROME2")


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_colour_comes_back_sample_for_sample(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    cv2.imwrite(str(path), WIDE_COLOUR[:, :, ::-1])
    frame = read(path).frames[0]
    assert np.array_equal(frame.pixels, WIDE_COLOUR)
    assert frame.photometric == "RGB"


def test_8_bit_grey_and_colour_come_back(tmp_path: Path) -> None:
    grey, colour = (WIDE >> 8).astype(np.uint8), (WIDE_COLOUR >> 8).astype(np.uint8)
    for name, array in (("g.png", grey), ("c.png", colour), ("g.tif", grey), ("c.tif", colour)):
        Image.fromarray(array).save(tmp_path / name)
        assert np.array_equal(read(tmp_path / name).frames[0].pixels, array)


def test_signed_16_bit_and_float_tiff_keep_their_values(tmp_path: Path) -> None:
    signed = WIDE.view(np.int16)
    (tmp_path / "s.tif").write_bytes(signed_tiff(signed))
    found = read(tmp_path / "s.tif").frames[0].pixels
    assert found.dtype == np.int16
    assert np.array_equal(found, signed)
    whole = RNG.integers(-(2**31), 2**31, (5, 6), np.int32)
    Image.fromarray(whole).save(tmp_path / "i.tif")
    assert np.array_equal(read(tmp_path / "i.tif").frames[0].pixels, whole)
    floats = RNG.normal(size=(5, 6)).astype(np.float32)
    Image.fromarray(floats).save(tmp_path / "f.tif")
    assert np.array_equal(read(tmp_path / "f.tif").frames[0].pixels, floats)


def test_the_pages_of_a_tiff_are_a_series_in_order(tmp_path: Path) -> None:
    pages = [Image.fromarray(WIDE + n) for n in range(4)]
    pages[0].save(tmp_path / "s.tif", save_all=True, append_images=pages[1:])
    frames = read(tmp_path / "s.tif").frames
    assert [f.index for f in frames] == [0, 1, 2, 3]
    assert all(np.array_equal(f.pixels, WIDE + n) for n, f in enumerate(frames))


def test_pages_of_different_sizes_are_refused(tmp_path: Path) -> None:
    pages = [Image.fromarray(WIDE), Image.fromarray(WIDE[:10])]
    pages[0].save(tmp_path / "s.tif", save_all=True, append_images=pages[1:])
    assert code(tmp_path / "s.tif") == "not_single_image"


def test_a_camera_rotation_is_applied_and_exif_is_dropped(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = exif[0x013B] = CANARY
    Image.new("L", (40, 20), 100).save(tmp_path / "a.jpg", exif=exif)
    series = read(tmp_path / "a.jpg")
    assert series.frames[0].pixels.shape == (40, 20)
    assert CANARY not in repr(series)


def test_palette_transparency_and_single_bits_become_plain_samples(tmp_path: Path) -> None:
    indexed = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    indexed.putpalette([0, 0, 0, 255, 0, 0, 0, 0, 255])
    indexed.save(tmp_path / "p.png")
    assert read(tmp_path / "p.png").frames[0].pixels.tolist()[0][1] == [255, 0, 0]
    assert read_mask(tmp_path / "p.png", name="p.png")[0].tolist() == [[0, 1], [2, 1]]
    Image.fromarray(np.eye(3) > 0).save(tmp_path / "b.png")
    assert read(tmp_path / "b.png").frames[0].pixels.max() == 255
    assert read_mask(tmp_path / "b.png", name="b.png")[0].max() == 1
    Image.new("RGBA", (3, 2), (9, 8, 7, 0)).save(tmp_path / "t.png")
    found = read(tmp_path / "t.png")
    assert found.frames[0].pixels[0, 0].tolist() == [9, 8, 7]
    assert found.warnings == ["transparency was dropped"]


def test_masks_must_be_labels(tmp_path: Path) -> None:
    Image.fromarray(WIDE_COLOUR.astype(np.uint8)).save(tmp_path / "c.mask.png")
    Image.fromarray(WIDE).save(tmp_path / "w.mask.png")
    for name in ("c.mask.png", "w.mask.png"):
        with pytest.raises(Unreadable) as caught:
            read_mask(tmp_path / name, name=name)
        assert caught.value.code == "bad_mask"


def test_a_sidecar_gives_attributes_of_the_list_only_and_the_patient(tmp_path: Path) -> None:
    told = {"patient": CANARY, "sex": "F", "age_band": "40-59", "site": "north", "name": CANARY}
    for number in (1, 2):
        Image.fromarray(WIDE).save(tmp_path / f"{CANARY}{number}.png")
        (tmp_path / f"{CANARY}{number}.json").write_text(
            json.dumps({**told, "scanner": "<b>", "modality": "US"})
        )
    first, second = (read(tmp_path / f"{CANARY}{number}.png") for number in (1, 2))
    assert first.attributes == {"sex": "F", "age_band": "40-59", "site": "north"}
    assert first.modality == "US"
    assert first.burned_in_suspect
    assert first.patient_key == second.patient_key
    assert CANARY not in repr(first)


def test_without_a_sidecar_the_name_makes_the_patient_but_is_not_told(tmp_path: Path) -> None:
    for stem in (CANARY, "other"):
        Image.fromarray(WIDE).save(tmp_path / f"{stem}.png")
    mine, other = read(tmp_path / f"{CANARY}.png"), read(tmp_path / "other.png")
    assert mine.patient_key != other.patient_key
    assert CANARY not in repr(mine)
    again = read_file(tmp_path / "other.png", name=f"x/{CANARY}.png", key=b"k")[0]
    assert again.patient_key == mine.patient_key
    assert read_file(tmp_path / "other.png", name="other.png", key=b"K")[0] != other


@pytest.mark.parametrize("text", ["[]", "{", '"x"', "x" * 100_000])
def test_a_broken_sidecar_is_a_warning(tmp_path: Path, text: str) -> None:
    Image.fromarray(WIDE).save(tmp_path / "a.png")
    (tmp_path / "a.json").write_text(text)
    assert len(read(tmp_path / "a.png").warnings) == 1


def png_of(rows: int, columns: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(("rows", "columns"), [(20_000, 20_000), (1, 30_000), (2**31 - 1, 3)])
def test_a_picture_that_declares_too_much_is_refused(
    tmp_path: Path, rows: int, columns: int
) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(rows, columns, zlib.compress(bytes(9))))
    assert code(tmp_path / "bomb.png") == "too_large"


def test_damaged_empty_and_foreign_files_have_their_codes(tmp_path: Path) -> None:
    Image.fromarray(WIDE).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    for name, data, expected in (
        ("cut.png", whole[: len(whole) // 2], "broken"),
        ("head.png", whole[:8], "broken"),
        ("empty.png", b"", "broken"),
        ("text.png", b"hello", "unsupported"),
        ("gif.png", b"GIF89a" + bytes(50), "unsupported"),
        ("bits.jpg", b"\xff\xd8\xff" + bytes(100), "broken"),
        ("bits.tif", b"II*\0" + b"\xff" * 100, "broken"),
    ):
        (tmp_path / name).write_bytes(data)
        assert code(tmp_path / name) == expected, name
