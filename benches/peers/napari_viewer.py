"""napari with its reader for OME-Zarr, napari-ome-zarr (zarr-python and dask). Moves as stdin says.

Of a plate that reader shows the first FOV of each well, all of them in one picture: there is no step to another FOV.
usage: napari_viewer.py STORE
"""

from __future__ import annotations

import sys

import napari
from screen import LIMITS, SIZE
from wishes import Wish, have_fulfilled


def main() -> None:
    """Runs until its window is closed."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*SIZE)

    def open_store(path: str) -> None:
        for layer in viewer.open(path, plugin="napari-ome-zarr"):
            layer.contrast_limits = LIMITS

    def fulfil(wish: Wish) -> None:
        if "open" in wish:
            viewer.layers.clear()
            open_store(wish["open"])
        else:
            for axis, at in wish.items():
                viewer.dims.set_current_step(viewer.dims.axis_labels.index(axis), at)

    open_store(sys.argv[1])
    have_fulfilled(fulfil)
    napari.run()


main()
