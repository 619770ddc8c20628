"""An acquisition as the viewer that Squid embeds today reads it (Cephla-Lab/ndviewer_light, ``core.py`` at a8679f5).

It lists folders, opens the array of every FOV by tensorstore before anything is shown, and stacks one dask array of
each. No plane is kept: what that viewer caches are planes that are announced to it, not those that are browsed.
"""

from __future__ import annotations

import json
from pathlib import Path

import dask.array as da
import numpy as np
import tensorstore as ts
import xarray as xr

DIMS = ("time", "fov", "z", "channel", "y", "x")
"""Axes of what is shown."""


class Samples:
    """What dask asks of an array: a plane is read when its chunk is computed."""

    def __init__(self, array: ts.TensorStore) -> None:
        self._array = array
        self.shape = array.shape
        self.dtype = np.dtype(array.dtype.numpy_dtype)
        self.ndim = array.ndim

    def __getitem__(self, index: tuple[slice | int, ...]) -> np.ndarray:
        return np.asarray(self._array[index].read().result())


def opened(array: Path, recheck: bool = False) -> ts.TensorStore:
    """An array; with ``recheck`` its document is looked at with each plane, because it may have grown."""
    kvstore = {"driver": "file", "path": str(array)}
    spec = {"driver": "zarr3", "kvstore": kvstore, "recheck_cached_metadata": True if recheck else "open"}
    return ts.open(spec, read=True).result()


def stores_of(acquisition: Path) -> list[Path]:
    """The stores of all FOVs, in the order of their folders' names."""
    plate = acquisition / "plate.ome.zarr"
    if plate.exists():
        fields = [field for row in folders_of(plate) for well in folders_of(row) for field in folders_of(well)]
        return [field for field in fields if field.name.isdigit() and (field / "0").exists()]
    regions = folders_of(acquisition / "zarr")
    return [store for region in regions for store in folders_of(region) if store.name.startswith("fov_")]


def folders_of(folder: Path) -> list[Path]:
    """What a folder holds, without files and what is hidden."""
    return [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and not entry.name.startswith(".")]


def fov_as_dask(store: Path) -> da.Array:
    """One FOV, one chunk a plane; axes t, c, z, y, x."""
    samples = Samples(opened(store / "0", recheck=True))
    # No name is given here either: dask then makes one of the pickled array, which is a part of what opening costs.
    return da.from_array(samples, chunks=(1, 1, 1, *samples.shape[-2:]))


def stacked(stores: list[Path]) -> xr.DataArray:
    """All FOVs along an axis of their own, in the order of ``DIMS``."""
    fovs = da.stack([fov_as_dask(store) for store in stores], axis=0)
    fovs = da.moveaxis(da.moveaxis(fovs, 0, 1), 3, 2)
    coords = {dim: list(range(size)) for dim, size in zip(DIMS[:4], fovs.shape[:4], strict=True)}
    return xr.DataArray(fovs, dims=DIMS, coords=coords)


def colours_of(store: Path) -> list[str]:
    """The colours of a store's channels, as in ``#20ADF8``."""
    document = json.loads((store / "zarr.json").read_text())
    return ["#" + channel["color"] for channel in document["attributes"]["ome"]["omero"]["channels"]]
