"""napari on a dask array over tensorstore. Moves as stdin says."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import napari
from planes import LIMITS, as_dask, commands, plate_as_dask
from qtpy.QtCore import QObject, Signal
from screen import SIZE


class Wishes(QObject):
    """Hands wishes from the thread that reads stdin to the one of the window."""

    came = Signal(dict)


def main() -> None:
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*SIZE)
    viewer.add_image(as_dask(Path(sys.argv[1])), channel_axis=1, contrast_limits=LIMITS)
    wishes = Wishes()
    # The channel axis became layers: t (of a plate fov), z, y, x are left.
    axes = {"t": 0, "z": 1, "fov": 0}

    def fulfil(wish: dict[str, int | str]) -> None:
        if "open" in wish:
            plate = plate_as_dask(Path(wish["open"]))
            viewer.layers.clear()
            viewer.add_image(plate, channel_axis=1, contrast_limits=LIMITS)
            viewer.reset_view()
        else:
            for axis, at in wish.items():
                viewer.dims.set_current_step(axes[axis], at)

    wishes.came.connect(fulfil)

    def listen() -> None:
        for wish in commands():
            wishes.came.emit(wish)

    threading.Thread(target=listen, daemon=True).start()
    napari.run()


main()
