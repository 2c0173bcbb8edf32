"""A firm's settings, its package opened, and PNG as far as two icons need it."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from manifest.build import build
from services import settings
from services.settings import Settings

APP_ID = "8e2f3c64-6f0b-4c3e-9b2d-77a1d0c5b9f1"
TENANT_ID = "5d0a7f7e-3b1c-4d53-9a49-1f6c0a7c2e10"
ENVIRONMENT = {
    "MICROSOFT_APP_TYPE": "SingleTenant",
    "MICROSOFT_APP_ID": APP_ID,
    "MICROSOFT_APP_TENANT_ID": TENANT_ID,
    "MICROSOFT_APP_PASSWORD": "hush-hush",
    "FIRM_NAME": "Cabinet Duhamel & Associés",
    "FIRM_DOMAINS": "cabinet-duhamel.example",
}


def config(**variables: str) -> Settings:
    """The settings of a firm; `variables` differ."""
    return settings.load(ENVIRONMENT | variables)


def opened(package: bytes) -> dict[str, bytes]:
    """A package's files, in its order."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def packed(name: str, **variables: str) -> dict[str, Any]:
    """One JSON file of the package of a firm."""
    read: dict[str, Any] = json.loads(opened(build(config(**variables)))[name])
    return read


def size(png: bytes) -> tuple[int, int]:
    """Width and height, from the header."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert png[12:16] == b"IHDR"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def pixels(png: bytes) -> list[tuple[int, ...]]:
    """Every pixel of an 8-bit RGB or RGBA image without interlace, row by row."""
    width, _ = size(png)
    depth, colour, _, _, interlace = png[24:29]
    assert (depth, interlace) == (8, 0)
    channels = {2: 3, 6: 4}[colour]
    raw = zlib.decompress(b"".join(data for kind, data in _chunks(png) if kind == b"IDAT"))
    above = bytes(width * channels)
    found: list[tuple[int, ...]] = []
    for start in range(0, len(raw), 1 + len(above)):
        above = _unfiltered(raw[start], raw[start + 1 : start + 1 + len(above)], above, channels)
        found += [tuple(above[at : at + channels]) for at in range(0, len(above), channels)]
    return found


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _unfiltered(how: int, row: bytes, above: bytes, step: int) -> bytes:
    done = bytearray()
    for at, value in enumerate(row):
        left, corner = (done[at - step], above[at - step]) if at >= step else (0, 0)
        guess = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))[how]
        done.append((value + guess) % 256)
    return bytes(done)


def _paeth(left: int, up: int, corner: int) -> int:
    return min((left, up, corner), key=lambda one: abs(left + up - corner - one))
