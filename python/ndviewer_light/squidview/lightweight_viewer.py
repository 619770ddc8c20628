"""The client that an acquisition announces itself with: the methods of the viewer that Squid embeds, without Qt.

Names, signatures and meaning follow Cephla-Lab/ndviewer_light ``core.py``. Rules for every method: any thread, no
waiting (a question answers within 50 ms), and no error except ``ValueError`` from ``start_*`` and for a ``page_idx``
below 0. Whatever else goes wrong is logged, because an acquisition must never fail for its viewer's sake.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from . import announcement
from .announcement import Acquisition, CallError, path_text
from .connection import Message
from .instances import Instance
from .mirror import Mirror
from .notices import ArrayPlane, Frame, Image
from .pixels import plane_of
from .sender import Sender

logger = logging.getLogger("squidview")

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_AXES = {"time": "num_t", "t": "num_t", "fov": "num_fovs", "z": "num_z", "z_level": "num_z"}
"""Where a status says how long an axis is."""


def _harmless(
    unknown: Callable[[], Any] = lambda: None,
) -> Callable[[Callable[Arguments, Answer]], Callable[Arguments, Answer]]:
    """Makes a method log what goes wrong and give ``unknown()`` instead; ``CallError`` passes."""

    def wrap(method: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
        @functools.wraps(method)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
            try:
                return method(*args, **kwargs)
            except CallError:
                raise
            except Exception:
                logger.exception("%s did not reach the viewer", method.__name__)
                answer: Answer = unknown()
                return answer

        return call

    return wrap


def _takes_first_version(method: Callable[..., None]) -> Callable[..., None]:
    """Also takes the call of the interface's first version.

    That is ``(zarr_path, channels, num_z, fov_labels, height, width, fov_paths=None)``: with ``fov_paths`` the first
    argument is a folder that is not needed, without it the path of one store.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> None:
        arguments = list(args)
        if "zarr_path" in kwargs:
            arguments.insert(0, kwargs.pop("zarr_path"))
        fov_paths = kwargs.pop("fov_paths", None) if arguments else None
        if len(arguments) == 7:
            fov_paths = arguments.pop()
        if fov_paths:
            arguments[0] = fov_paths
        return method(self, *arguments, **kwargs)

    return call


class LightweightViewer:
    """Announces acquisitions to squidview's window, and asks it what it shows.

    A start or ``load_dataset`` starts a viewer where none runs; notices never do, so a window that a person closed
    stays closed. Connections are made and made again in the background. Where no viewer can be had, every method does
    nothing.
    """

    _xarray_data = None
    """The embedded viewer's data; here the data are in another process."""

    def __init__(self, dataset_path: str = "") -> None:
        self.dataset_path: str = ""
        self._mirror = Mirror()
        self._sender = Sender(f"{Path(sys.argv[0] or 'python').name} {os.getpid()}", self._mirror)
        self._acquisition: Acquisition | None = None
        self._sender.look()
        if dataset_path:
            self.load_dataset(dataset_path)

    @property
    def ndv_viewer(self) -> Instance | None:
        """The window that is connected; ``None`` where there is none."""
        return self._sender.window()

    # Acquisitions whose planes are registered one by one.

    @_harmless()
    def start_acquisition(
        self,
        channels: list[str],
        num_z: int,
        height: int,
        width: int,
        fov_labels: list[str],
        pixel_size_um: float | None = None,
        dz_um: float | None = None,
    ) -> None:
        """An acquisition starts whose planes will be registered; it replaces what was started before."""
        self._start(announcement.registered(channels, num_z, height, width, fov_labels, pixel_size_um, dz_um))

    @_harmless()
    def register_image(self, t: int, fov_idx: int, z: int, channel: str, filepath: str, page_idx: int = 0) -> None:
        """A page of an image file holds a plane, or will within moments; the last registration of a plane counts.

        Raises ``ValueError`` for a ``page_idx`` below 0.
        """
        self._sender.notify(_image(t, fov_idx, z, channel, filepath, page_idx))

    @_harmless()
    def register_images(self, images: Iterable[Sequence[Any]]) -> None:
        """Many of ``register_image``: ``(t, fov_idx, z, channel, filepath[, page_idx])`` each.

        Raises ``ValueError`` for a ``page_idx`` below 0; then none is registered.
        """
        self._sender.notify_all([_image(*image) for image in images])

    @_harmless()
    def register_images_bulk(self, entries: Iterable[Sequence[Any]]) -> None:
        """As ``register_images``."""
        self._sender.notify_all([_image(*entry) for entry in entries])

    @_harmless()
    def register_array(self, t: int, fov_idx: int, z: int, channel: str, array: Any) -> None:
        """The pixels of a plane, (y, x), copied: a NumPy array, a buffer, or bytes of one or two bytes a sample.

        The viewer keeps the newest 512 MB of them.
        """
        if self._acquisition is None:
            logger.debug("an array without a started acquisition is left aside")
            return
        try:
            plane = plane_of(array, self._acquisition.height, self._acquisition.width)
        except (TypeError, ValueError, AttributeError) as error:
            logger.warning("a plane cannot be shown (t %s, FOV %s, z %s, %s): %s", t, fov_idx, z, channel, error)
            return
        self._sender.notify(ArrayPlane(int(t), int(fov_idx), int(z), str(channel), plane))

    @_harmless()
    def end_acquisition(self) -> None:
        """The acquisition has ended; it stays open for browsing, and late notices still count."""
        self._sender.end("end_acquisition")

    # Acquisitions in Zarr stores.

    @_harmless()
    @_takes_first_version
    def start_zarr_acquisition(
        self,
        fov_paths: list[str],
        channels: list[str],
        num_z: int,
        fov_labels: list[str],
        height: int,
        width: int,
    ) -> None:
        """An acquisition starts that has one store (T, C, Z, Y, X) per FOV; no path is touched.

        Where paths and labels differ in number the longer list is cut, which is logged and listed in the viewer. One
        path instead of a list is one store with all FOVs. Raises ``ValueError`` where there is no path, or one is
        empty.
        """
        if isinstance(fov_paths, (str, bytes, os.PathLike)):
            started = announcement.single_store(fov_paths, channels, num_z, fov_labels, height, width)
        else:
            started = announcement.per_fov(fov_paths, channels, num_z, fov_labels, height, width)
        self._start(started)

    @_harmless()
    def start_zarr_acquisition_6d(
        self,
        region_paths: list[str],
        channels: list[str],
        num_z: int,
        fovs_per_region: list[int],
        height: int,
        width: int,
        region_labels: list[str] | None = None,
    ) -> None:
        """An acquisition starts that has one store (FOV, T, C, Z, Y, X) per region; no path is touched.

        Regions without labels are ``region_0``, ``region_1``, … Raises ``ValueError`` where there is no path, one is
        empty, a region has fewer than 1 FOV, or lists differ in length.
        """
        self._start(
            announcement.per_region(region_paths, channels, num_z, fovs_per_region, height, width, region_labels)
        )

    @_harmless()
    def notify_zarr_frame(self, t: int, fov_idx: int, z: int, channel: str, region_idx: int = 0) -> None:
        """A plane was written, or will be within moments.

        ``fov_idx`` is flat after ``start_zarr_acquisition`` and counts inside of ``region_idx`` after
        ``start_zarr_acquisition_6d``.
        """
        self._sender.notify(Frame(int(t), int(fov_idx), int(z), str(channel), int(region_idx)))

    @_harmless()
    def end_zarr_acquisition(self) -> None:
        """As ``end_acquisition``."""
        self._sender.end("end_zarr_acquisition")

    # The window.

    @_harmless()
    def load_dataset(self, path: str) -> None:
        """Opens a dataset in place of what is shown."""
        text = path_text(path)
        if text:
            self.dataset_path = os.fsdecode(path)
            self._sender.open(text)

    @_harmless()
    def refresh(self) -> None:
        """Has the folder of the shown dataset read again."""
        self._sender.wish({"do": "refresh"})

    @_harmless()
    def load_fov(self, fov: int, t: int | None = None, z: int | None = None) -> None:
        """Goes to a FOV by its flat number, and to a timepoint and a z-slice where they are given."""
        message: Message = {"do": "load_fov", "fov": int(fov)}
        for key, value in (("t", t), ("z", z)):
            if value is not None:
                message[key] = int(value)
        self._sender.wish(message)

    @_harmless(bool)
    def go_to_well_fov(self, well_id: str, fov_index: int) -> bool:
        """Goes to a FOV of a well; false where there is none, or nothing is known yet."""
        label = f"{well_id}:{fov_index}"
        if not any(_is_labelled(fov, label) for fov in self._mirror.fovs()):
            return False
        return self._sender.wish({"do": "go_to_well_fov", "well_id": str(well_id), "fov_index": int(fov_index)})

    @_harmless(bool)
    def set_current_index(self, dim: str, value: int) -> bool:
        """Goes to an index of ``time``, ``fov``, ``z``, ``z_level`` or ``channel``; false where there is none."""
        dataset = (self._mirror.status() or {}).get("dataset") or {}
        length = len(dataset.get("channels", ())) if dim == "channel" else dataset.get(_AXES.get(dim, ""), 0)
        if not 0 <= int(value) < length:
            return False
        return self._sender.wish({"do": "set_current_index", "dim": dim, "value": int(value)})

    @_harmless(list)
    def get_fov_list(self) -> list[dict[str, Any]]:
        """``{"region": …, "fov": …}`` of every FOV in the order of flat numbers; empty where nothing is known."""
        return [{"region": fov["region"], "fov": fov["fov"]} for fov in self._mirror.fovs()]

    @_harmless(bool)
    def has_fov_dimension(self) -> bool:
        """True where more than one FOV is open."""
        return self._says("has_fov_dimension")

    @_harmless(bool)
    def is_push_mode_active(self) -> bool:
        """True while an announced acquisition is open, ended or not."""
        return self._says("push_active")

    @_harmless(bool)
    def is_zarr_push_mode_active(self) -> bool:
        """True while an announced acquisition in Zarr stores is open and has not ended."""
        return self._says("zarr_push_active")

    @_harmless()
    def show_viewer(self) -> None:
        """Brings the window to the front, or starts a viewer where none runs."""
        self._sender.show_window()

    @_harmless(str)
    def describe(self) -> str:
        """What is going on, in a line for a person."""
        if self._sender.is_starting():
            return "Starting the viewer…"
        window = self._sender.window()
        if window is None:
            return "No viewer is open"
        status = self._mirror.latest() or {}
        dataset = status.get("dataset")
        if not dataset:
            return f"The viewer is open (process {window.pid})"
        counts = status.get("counts") or {}
        planned = f" of {counts['planned']}" if counts.get("planned") is not None else ""
        return f"{dataset.get('name')} is open, {counts.get('written', 0)}{planned} planes written"

    @_harmless(bool)
    def flush(self, timeout_s: float) -> bool:
        """Waits until everything was sent, for the end of a script; false where time ran out."""
        return self._sender.flush(timeout_s)

    @_harmless()
    def close(self) -> None:
        """Lets go of the viewer, which stays open; what waits is still sent, in the background."""
        self._sender.close()

    def _start(self, acquisition: Acquisition) -> None:
        for warning in acquisition.warnings:
            logger.warning("%s", warning)
        self._acquisition = acquisition
        self._sender.start(acquisition)

    def _says(self, key: str) -> bool:
        return bool((self._mirror.status() or {}).get(key))


def _image(t: int, fov_idx: int, z: int, channel: str, filepath: Any, page_idx: int = 0) -> Image:
    if page_idx < 0:
        raise CallError(f"page_idx is {page_idx}, expected 0 or more")
    return Image(int(t), int(fov_idx), int(z), str(channel), path_text(filepath), int(page_idx))


def _is_labelled(fov: Message, label: str) -> bool:
    return label in (fov.get("label"), f"{fov.get('region')}:{fov.get('fov')}")
