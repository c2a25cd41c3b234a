import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.prepared.decode import MAX_PIXELS, BadPicture, decode

PIXELS = np.random.default_rng(7).integers(0, 256, (11, 8, 3), dtype=np.uint8)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says its size and ends where its pixels should begin."""
    size = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + size + struct.pack(">I", zlib.crc32(size))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 1000) + b"IDAT"


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_kinds_come_back_to_the_byte(kind: str) -> None:
    pixels = decode(encode(Image.fromarray(PIXELS), kind), "a")
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, PIXELS)
    assert np.array_equal(decode(encode(Image.fromarray(PIXELS), "WEBP", lossless=True), "a"), PIXELS)


def test_a_file_and_its_bytes_give_the_same(tmp_path: Path) -> None:
    file = tmp_path / "picture.with.odd.suffix"
    file.write_bytes(encode(Image.fromarray(PIXELS), "JPEG"))
    assert np.array_equal(decode(file, "a"), decode(file.read_bytes(), "a"))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PGM"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    grey = np.linspace(0, 65535, 12 * 9).astype(np.uint16).reshape(12, 9)
    pgm = b"P5 9 12 65535\n" + grey.astype(">u2").tobytes()
    data = pgm if kind == "PGM" else encode(Image.fromarray(grey), kind)
    expected = [[round(value / 65535 * 255) for value in row] for row in grey.tolist()]
    pixels = decode(data, "a")
    assert pixels.shape == (12, 9, 3)
    assert all(np.array_equal(pixels[..., channel], expected) for channel in range(3))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_fills_all_channels(kind: str) -> None:
    pixels = decode(encode(Image.fromarray(PIXELS[..., 0]), kind), "a")
    assert np.array_equal(pixels, np.stack([PIXELS[..., 0]] * 3, axis=-1))


def test_one_bit_becomes_black_and_white() -> None:
    bits = PIXELS[..., 0] > 127
    pixels = decode(encode(Image.fromarray(bits), "PNG"), "a")
    assert np.array_equal(pixels[..., 1], np.where(bits, 255, 0))


def test_palette_colours_are_looked_up() -> None:
    palette = np.array([[255, 0, 0], [0, 255, 0], [1, 2, 3]], np.uint8)
    numbers = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    image = Image.fromarray(numbers, "P")
    image.putpalette(palette.tobytes())
    assert np.array_equal(decode(encode(image, "PNG"), "a"), palette[numbers])


def test_cmyk_is_converted() -> None:
    inks = np.random.default_rng(1).integers(0, 256, (4, 5, 4), dtype=np.uint8)
    pixels = decode(encode(Image.fromarray(inks, "CMYK"), "TIFF"), "a").astype(float)
    light = 255 - inks.astype(float)
    assert np.abs(pixels - light[..., :3] * light[..., 3:] / 255).max() <= 1
    flat = Image.new("CMYK", (16, 16), (255, 0, 0, 0))  # a JPEG holds its inks inverted
    assert np.abs(decode(encode(flat, "JPEG"), "a").astype(int) - [0, 255, 255]).max() <= 3


def test_transparency_is_laid_over_white() -> None:
    alpha = np.arange(88, dtype=np.uint8).reshape(11, 8) * 2
    image = Image.fromarray(np.dstack([PIXELS, alpha]))
    share = alpha[..., None] / 255
    expected = PIXELS * share + 255 * (1 - share)
    assert np.abs(decode(encode(image, "PNG"), "a") - expected).max() <= 1
    grey = encode(Image.fromarray(np.array([[10, 20]], np.uint8)), "PNG", transparency=10)
    assert decode(grey, "a")[0, :, 0].tolist() == [255, 20]


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, PIXELS),
        (2, PIXELS[:, ::-1]),
        (3, PIXELS[::-1, ::-1]),
        (4, PIXELS[::-1]),
        (5, PIXELS.transpose(1, 0, 2)),
        (6, np.rot90(PIXELS, -1)),
        (7, PIXELS[::-1, ::-1].transpose(1, 0, 2)),
        (8, np.rot90(PIXELS)),
    ],
)
def test_exif_orientation_is_applied(orientation: int, upright: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(decode(encode(Image.fromarray(PIXELS), "PNG", exif=exif), "a"), upright)


def test_an_animation_gives_its_first_picture() -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(decode(data, "a"), np.full((4, 6, 3), [255, 0, 0]))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # PIL's, on a TIFF whose tags are cut off
def test_a_truncated_picture_is_refused(kind: str, share: float) -> None:
    whole = encode(Image.fromarray(np.kron(PIXELS, np.ones((4, 4, 1), np.uint8))), kind)
    decode(whole, "a")
    with pytest.raises(BadPicture, match=r"^a: damaged or truncated"):
        decode(whole[: int(len(whole) * share)], "a")


def test_damage_never_raises_anything_else() -> None:
    random = np.random.default_rng(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PIL's, on tags that make no sense
        refused = 0
        for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"):
            whole = encode(Image.fromarray(PIXELS), kind)
            for _ in range(150):
                data = bytearray(whole)
                for place in random.integers(0, len(data), 4):
                    data[place] = random.integers(0, 256)
                try:
                    pixels = decode(bytes(data), "a")
                    assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
                except BadPicture:
                    refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html>404 not found</html>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (b"\0" * 5000, "not a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC or AVIF, which is not read (expected JPEG, "),
        (b"\xff\xd8\xff\xe0 and then nothing of a JPEG", "damaged or truncated"),
        (encode(Image.fromarray(np.ones((3, 3), np.float32)), "TIFF"), "32-bit greyscale"),
        (encode(Image.fromarray(np.ones((3, 3), np.int32)), "TIFF"), "32-bit greyscale"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadPicture) as caught:
        decode(data, "a")
    assert caught.value.reason.startswith(reason)
    assert caught.value.name == "a"


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (60_000, 60_000), (MAX_PIXELS + 1, 1)])
def test_too_many_pixels_are_refused_by_the_header_alone(width: int, height: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PIL would warn of, or raise for, a decompression bomb
        with pytest.raises(BadPicture, match=rf"too large \({width} x {height}, .*; the limit is 50\)"):
            decode(png_header(width, height), "a")


def test_the_largest_size_is_not_too_large() -> None:
    with pytest.raises(BadPicture, match="damaged or truncated"):
        decode(png_header(MAX_PIXELS, 1), "a")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPicture, match=r"^x: missing$"):
        decode(tmp_path / "none.jpg", "x")
    with pytest.raises(BadPicture, match=r"^x: cannot be read"):
        decode(tmp_path, "x")
