"""What a start call says of an acquisition, checked as the viewer that Squid embeds checks it.

Names and cases are those of Cephla-Lab/ndviewer_light ``core.py`` (``start_acquisition``, ``start_zarr_acquisition``,
``start_zarr_acquisition_6d``). No path is touched: stores may appear later.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .connection import Message


class CallError(ValueError):
    """A call makes no sense; the only error that reaches an acquisition."""


@dataclass
class Acquisition:
    """A started acquisition: what to tell a window that does not know it yet."""

    start: Message
    """The start call, with the name that its notices carry."""
    num_fovs: int
    height: int
    width: int
    warnings: list[str] = field(default_factory=list)
    """What had to be assumed, for the viewer's list of problems."""
    num_fovs_per_region: list[int] | None = None
    """Set where notices count FOVs inside of a region."""
    end: Message | None = None
    """The end call, once it was made."""

    @property
    def name(self) -> str:
        """Its name, unique to each start."""
        return str(self.start["acquisition"])

    def flat(self, fov_idx: int, region_idx: int) -> int | None:
        """The flat number of a FOV; ``None`` where there is no such FOV."""
        if self.num_fovs_per_region is None:
            return fov_idx if 0 <= fov_idx < self.num_fovs else None
        if not 0 <= region_idx < len(self.num_fovs_per_region):
            return None
        if not 0 <= fov_idx < self.num_fovs_per_region[region_idx]:
            return None
        return sum(self.num_fovs_per_region[:region_idx]) + fov_idx


def per_fov(
    fov_paths: Sequence[Any],
    channels: Iterable[str],
    num_z: int,
    fov_labels: Iterable[str],
    height: int,
    width: int,
) -> Acquisition:
    """One store per FOV; where paths and labels differ in number the longer list is cut, with a warning.

    Raises ``CallError`` where there is no path, or one is empty.
    """
    paths = _paths(fov_paths, "fov_paths")
    labels = [str(label) for label in fov_labels]
    warnings = []
    if len(paths) != len(labels):
        warnings.append(f"{len(paths)} stores were announced with {len(labels)} labels; the longer list is cut")
        shorter = min(len(paths), len(labels))
        paths, labels = paths[:shorter], labels[:shorter]
    sizes = _sizes(channels, num_z, height, width)
    start = _start("start_zarr_acquisition", fov_paths=paths, fov_labels=labels, **sizes)
    return Acquisition(start, len(labels), sizes["height"], sizes["width"], warnings)


def per_region(
    region_paths: Sequence[Any],
    channels: Iterable[str],
    num_z: int,
    fovs_per_region: Sequence[int],
    height: int,
    width: int,
    region_labels: Sequence[str] | None = None,
) -> Acquisition:
    """One store per region.

    Raises ``CallError`` where there is no path, one is empty, a region has fewer than 1 FOV, or lists differ in length.
    """
    paths = _paths(region_paths, "region_paths")
    counts = [int(count) for count in fovs_per_region]
    if not counts or min(counts) < 1:
        raise CallError(f"fovs_per_region is {counts}, expected 1 or more for each region")
    if len(counts) != len(paths):
        raise CallError(f"fovs_per_region has {len(counts)} entries, expected {len(paths)}, one per region")
    sizes = _sizes(channels, num_z, height, width)
    start = _start("start_zarr_acquisition_6d", region_paths=paths, fovs_per_region=counts, **sizes)
    if region_labels is not None:
        labels = [str(label) for label in region_labels]
        if len(labels) != len(paths):
            raise CallError(f"region_labels has {len(labels)} entries, expected {len(paths)}, one per region")
        start["region_labels"] = labels
    return Acquisition(start, sum(counts), sizes["height"], sizes["width"], num_fovs_per_region=counts)


def single_store(
    zarr_path: Any,
    channels: Iterable[str],
    num_z: int,
    fov_labels: Iterable[str],
    height: int,
    width: int,
) -> Acquisition:
    """One store with all FOVs, as the first version of the interface had it; 5-D where there is one label or none.

    Raises ``CallError`` where the path is empty.
    """
    labels = [str(label) for label in fov_labels] or ["0:0"]
    acquisition = per_region([zarr_path], channels, num_z, [len(labels)], height, width)
    acquisition.start["fov_labels"] = labels
    return acquisition


def registered(
    channels: Iterable[str],
    num_z: int,
    height: int,
    width: int,
    fov_labels: Iterable[str],
    pixel_size_um: float | None = None,
    dz_um: float | None = None,
) -> Acquisition:
    """Image files, or arrays in memory, that will be registered one by one."""
    sizes = _sizes(channels, num_z, height, width)
    labels = [str(label) for label in fov_labels]
    start = _start("start_acquisition", fov_labels=labels, **sizes)
    for key, value in (("pixel_size_um", pixel_size_um), ("dz_um", dz_um)):
        if value is not None:
            start[key] = float(value)
    return Acquisition(start, len(labels), sizes["height"], sizes["width"])


def path_text(path: Any) -> str:
    """A path for a process with another working folder; an address stays as it is."""
    text = os.fsdecode(path)
    return text if not text or "://" in text else os.path.abspath(text)


def _start(do: str, **arguments: Any) -> Message:
    return {"do": do, "acquisition": uuid.uuid4().hex, **arguments}


def _sizes(channels: Iterable[str], num_z: int, height: int, width: int) -> dict[str, Any]:
    names = [str(channel) for channel in channels]
    return {"channels": names, "num_z": int(num_z), "height": int(height), "width": int(width)}


def _paths(paths: Sequence[Any], what: str) -> list[str]:
    texts = [path_text(path) for path in paths]
    if not texts:
        raise CallError(f"{what} must not be empty")
    if "" in texts:
        raise CallError(f"{what}[{texts.index('')}] is empty")
    return texts
