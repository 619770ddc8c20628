"""ndv on a dask array over tensorstore: the design of the viewer that Squid embeds today. Moves as stdin says."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pyconify
import xarray as xr
from planes import LIMITS, as_dask, commands, plate_as_dask
from qtpy.QtCore import QObject, Signal
from screen import SIZE


def no_icon(*_: object, **__: object) -> str:
    """Icons come from the network; without one every start would wait for it."""
    raise OSError("icons are not downloaded")


pyconify.svg_path = no_icon
import ndv  # noqa: E402 (takes the icons' function along)


class Wishes(QObject):
    """Hands wishes from the thread that reads stdin to the one of the window."""

    came = Signal(dict)


def main() -> None:
    data = xr.DataArray(as_dask(Path(sys.argv[1])), dims=("t", "c", "z", "y", "x"))
    num_channels = data.sizes["c"]
    viewer = ndv.ArrayViewer(
        data,
        channel_mode="composite",
        channel_axis="c",
        current_index={"t": 0, "z": 0},
        luts={c: {"clims": LIMITS} for c in range(num_channels)},
    )
    viewer.show()
    widget = viewer.widget()
    widget.move(0, 0)
    widget.resize(*SIZE)
    wishes = Wishes()

    def fulfil(wish: dict[str, int | str]) -> None:
        if "open" in wish:
            plate = plate_as_dask(Path(wish["open"]))
            # ndv does not let go of axes that it has shown: FOVs take the place of timepoints.
            viewer.data = xr.DataArray(plate, dims=("t", "c", "z", "y", "x"))
            wish = {"fov": 0, "z": 0}
        viewer.display_model.current_index.update({"t" if axis == "fov" else axis: at for axis, at in wish.items()})

    wishes.came.connect(fulfil)

    def listen() -> None:
        for wish in commands():
            wishes.came.emit(wish)

    threading.Thread(target=listen, daemon=True).start()
    ndv.run_app()


main()
