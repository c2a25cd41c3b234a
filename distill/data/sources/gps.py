"""Where a camera says that it was, in a photograph's EXIF."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from distill.data.sources.degrees import Position

_LIMITS = (90, 180)


def gps_position(file: Path) -> tuple[Position, str]:
    """Latitude and longitude of a file, and what is amiss where there is none."""
    try:
        with Image.open(file) as picture:
            tags = picture.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    except Exception as error:  # Pillow passes on whatever its parsers raise; decoding says so again
        return None, f"its EXIF cannot be read ({type(error).__name__})"
    return position_of(tags)


def position_of(tags: Mapping[int, Any]) -> tuple[Position, str]:
    """The same of EXIF's tags on GPS."""
    if not tags:
        return None, "no GPS position in its EXIF"
    names = ExifTags.GPS
    wanted = (
        (names.GPSLatitude, names.GPSLatitudeRef, "NS"),
        (names.GPSLongitude, names.GPSLongitudeRef, "EW"),
    )
    values = []
    for (tag, reference, letters), limit in zip(wanted, _LIMITS, strict=True):
        try:
            whole, minutes, seconds = (float(part) for part in tags[tag])
            letter = str(tags[reference]).strip("\0 ").upper()[:1]
            value = (whole + minutes / 60 + seconds / 3600) * (-1 if letters.index(letter) else 1)
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            return None, "its GPS position in EXIF is incomplete"
        if not abs(value) <= limit:
            return None, f"its GPS position in EXIF is no place ({value:g} degrees)"
        values.append(value)
    if values == [0, 0]:
        return None, "its GPS position in EXIF is 0, 0, as cameras write that know none"
    return (values[0], values[1]), ""
