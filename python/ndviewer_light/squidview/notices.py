"""News of single planes: what a caller says, the messages they become, and which FOVs lost some."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import NamedTuple

from .connection import Message
from .pixels import Plane

REMEMBERED_FOVS = 4096
"""FOVs with lost notices; beyond it, all FOVs are looked at."""


class Frame(NamedTuple):
    """A plane that was written into a store."""

    t: int
    fov_idx: int
    z: int
    channel: str
    region_idx: int


class Image(NamedTuple):
    """A plane that is a page of an image file."""

    t: int
    fov_idx: int
    z: int
    channel: str
    path: str
    page_idx: int


class ArrayPlane(NamedTuple):
    """A plane in memory."""

    t: int
    fov_idx: int
    z: int
    channel: str
    plane: Plane


Notice = Frame | Image | ArrayPlane


class LostFovs:
    """FOVs (flat) of which notices were lost; all of them beyond a bound."""

    def __init__(self) -> None:
        self._fovs: set[int] = set()
        self._are_all = False

    def __bool__(self) -> bool:
        return self._are_all or bool(self._fovs)

    def add(self, fov: int | None) -> None:
        """Remembers one; ``None``: nobody knows which."""
        if fov is None or len(self._fovs) >= REMEMBERED_FOVS:
            self.add_all()
        elif not self._are_all:
            self._fovs.add(fov)

    def add_all(self) -> None:
        """Remembers all."""
        self._are_all = True
        self._fovs.clear()

    def take(self) -> list[int] | None:
        """The FOVs, which are forgotten; ``None``: all."""
        fovs = None if self._are_all else sorted(self._fovs)
        self._fovs.clear()
        self._are_all = False
        return fovs


def messages_of(acquisition: str, notices: Iterable[Notice]) -> list[Message]:
    """Messages of notices: those in a row that are of one kind become one list."""
    messages: list[Message] = []
    frames: list[Frame] = []
    images: list[Image] = []

    def close_lists() -> None:
        if frames:
            messages.append(_one_or_many(acquisition, "notify_zarr_frame", "frames", frames))
            frames.clear()
        if images:
            messages.append(_one_or_many(acquisition, "register_image", "images", images))
            images.clear()

    for notice in notices:
        if isinstance(notice, Frame):
            frames.append(notice)
        elif isinstance(notice, Image):
            images.append(notice)
        else:
            close_lists()
            messages.append(_array_message(acquisition, notice))
    close_lists()
    return messages


def _one_or_many(acquisition: str, do: str, key: str, notices: list[Frame] | list[Image]) -> Message:
    if len(notices) == 1:
        return {"do": do, "acquisition": acquisition, **notices[0]._asdict()}
    return {"do": f"{do}s", "acquisition": acquisition, key: list(notices)}


def _array_message(acquisition: str, notice: ArrayPlane) -> Message:
    plane = notice.plane
    place = {"t": notice.t, "fov_idx": notice.fov_idx, "z": notice.z, "channel": notice.channel}
    data = base64.b64encode(plane.data).decode("ascii")
    shape = [plane.height, plane.width]
    return {
        "do": "register_array",
        "acquisition": acquisition,
        **place,
        "dtype": plane.dtype,
        "shape": shape,
        "data": data,
    }
