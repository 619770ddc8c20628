"""A dataset as the Python viewers read it: a dask array over tensorstore, one chunk a plane, nothing read before it is
shown. Axes t, c, z, y, x."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import dask.array as da
import numpy as np
import tensorstore as ts

LIMITS = (0, 3000)
"""Contrast limits of every channel, so that no viewer looks for its own."""


def opened(path: Path) -> ts.TensorStore:
    """The array of a store, without a cache of its own."""
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(path)},
        "recheck_cached_data": False,
    }
    return ts.open(spec, read=True).result()


class Lazy:
    """What dask asks of an array: a plane is read when its chunk is computed."""

    def __init__(self, path: Path) -> None:
        self._store = opened(path)
        self.shape = self._store.shape
        self.dtype = np.dtype(self._store.dtype.numpy_dtype)
        self.ndim = len(self.shape)

    def __getitem__(self, index: tuple[slice | int, ...]) -> np.ndarray:
        return np.asarray(self._store[index].read().result())


def as_dask(path: Path) -> da.Array:
    """One store."""
    lazy = Lazy(path)
    chunks = (1, 1, 1, *lazy.shape[-2:])
    return da.from_array(lazy, chunks=chunks, asarray=False, name=False)


class LazyPlate:
    """All FOVs of a plate, which its wells list; an array is opened when a plane of it is computed. Axes fov, c, z, y, x."""

    def __init__(self, plate: Path) -> None:
        self._arrays: list[Path] = []
        for well in ome_of(plate)["plate"]["wells"]:
            folder = plate / well["path"]
            images = ome_of(folder)["well"]["images"]
            self._arrays += [folder / image["path"] / "0" for image in images]
        first = opened(self._arrays[0])
        self.shape = (len(self._arrays), *first.shape[1:])
        self.dtype = np.dtype(first.dtype.numpy_dtype)
        self.ndim = len(self.shape)

    def __getitem__(self, index: tuple[slice | int, ...]) -> np.ndarray:
        fovs, *rest = index
        fovs = range(*fovs.indices(len(self._arrays))) if isinstance(fovs, slice) else [fovs]
        return np.stack([opened(self._arrays[fov])[(0, *rest)].read().result() for fov in fovs])


def ome_of(group: Path) -> dict:
    """The OME-Zarr part of a group's document."""
    return json.loads((group / "zarr.json").read_text())["attributes"]["ome"]


def plate_as_dask(plate: Path) -> da.Array:
    """A plate, one chunk a plane."""
    lazy = LazyPlate(plate)
    return da.from_array(lazy, chunks=(1, 1, 1, *lazy.shape[-2:]), asarray=False, name=False)


def commands() -> Iterator[dict[str, int | str]]:
    """The wishes that come on stdin, one JSON object a line: places along axes, or ``open`` with a plate."""
    for line in sys.stdin:
        yield json.loads(line)
