"""Planes in memory as the protocol carries them: sample type, shape, little-endian rows.

Takes anything with the buffer protocol (NumPy arrays among them) or with ``__array_interface__`` or ``tobytes``;
NumPy itself is never imported.
"""

from __future__ import annotations

import math
import sys
from array import array
from typing import Any, NamedTuple

_KINDS = (
    {"?": "bool"} | dict.fromkeys("BHILQN", "uint") | dict.fromkeys("bhilqn", "int") | dict.fromkeys("efd", "float")
)
"""Kinds by the letter of the buffer protocol; the width of ``L`` differs by system, so it comes from the buffer."""


class Plane(NamedTuple):
    """A plane, (y, x)."""

    dtype: str
    """NumPy's name of the sample type."""
    height: int
    width: int
    data: bytes
    """Little-endian samples, row after row, without padding."""


def plane_of(source: Any, height: int, width: int) -> Plane:
    """A copy of a plane that is announced with this size. Raises ``TypeError`` or ``ValueError`` where it is none.

    Bytes without a shape are one or two bytes a sample.
    """
    try:
        buffer = memoryview(source)
    except TypeError:
        return _plane_of_array(source, height, width)
    if buffer.ndim == 1 and buffer.itemsize == 1:
        return _plane_of_bytes(buffer.tobytes(), height, width)
    order = buffer.format[0] if buffer.format[0] in "<>=!@" else "@"
    letter = buffer.format.lstrip("<>=!@")
    if letter not in _KINDS:
        raise TypeError(f"samples of format {buffer.format!r} cannot be shown")
    kind = _KINDS[letter]
    dtype = kind if kind == "bool" else f"{kind}{buffer.itemsize * 8}"
    is_big = order in ">!" or (order in "=@" and sys.byteorder == "big")
    return _checked(dtype, tuple(buffer.shape or ()), buffer.tobytes(), buffer.itemsize, is_big, height, width)


def _plane_of_array(source: Any, height: int, width: int) -> Plane:
    """An array that keeps its samples elsewhere, on a graphics card for instance."""
    interface = getattr(source, "__array_interface__", None)
    if interface is not None:
        kind, bits, order = _kind_of(interface["typestr"])
        shape = tuple(interface["shape"])
    else:
        kind, bits, order = _kind_of(str(source.dtype))
        shape = tuple(source.shape)
    dtype = "bool" if kind == "bool" else f"{kind}{bits}"
    return _checked(dtype, shape, source.tobytes(), bits // 8, order == ">", height, width)


def _kind_of(text: str) -> tuple[str, int, str]:
    """Kind, bits and byte order of ``<u2``, ``|b1``, ``uint16`` or ``bool``."""
    order = text[0] if text[0] in "<>|=" else "<"
    name = text.lstrip("<>|=")
    if name in ("b1", "bool"):
        return "bool", 8, order
    letters = name.rstrip("0123456789")
    digits = name[len(letters) :]
    kind = {"u": "uint", "i": "int", "f": "float"}.get(letters, letters)
    if kind not in ("uint", "int", "float") or not digits:
        raise TypeError(f"samples of type {text!r} cannot be shown")
    return kind, int(digits) * (8 if len(letters) == 1 else 1), order


def _plane_of_bytes(data: bytes, height: int, width: int) -> Plane:
    sample_bytes, rest = divmod(len(data), height * width) if height * width else (0, 1)
    if rest or sample_bytes not in (1, 2):
        raise ValueError(f"{len(data)} bytes, expected {height} x {width} samples of 1 or 2 bytes")
    return Plane(f"uint{8 * sample_bytes}", height, width, data)


def _checked(
    dtype: str, shape: tuple[int, ...], data: bytes, sample_bytes: int, is_big: bool, height: int, width: int
) -> Plane:
    # Cameras and slices of stacks come with leading axes of length 1.
    if len(shape) < 2 or shape[-2:] != (height, width) or math.prod(shape[:-2]) != 1:
        raise ValueError(f"shape {shape}, expected {(height, width)}")
    if is_big and sample_bytes > 1:
        data = _swapped(data, sample_bytes)
    return Plane(dtype, height, width, data)


def _swapped(data: bytes, sample_bytes: int) -> bytes:
    letters = {2: "H", 4: "I", 8: "Q"}
    samples = array(letters[sample_bytes], data)
    samples.byteswap()
    return samples.tobytes()
