"""ndv as the viewer that Squid embeds today uses it: see ``acquisition.py``. Moves as stdin says.

usage: ndv_viewer.py ACQUISITION
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyconify
from acquisition import colours_of, stacked, stores_of
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget
from screen import LIMITS, SIZE
from wishes import Wish, have_fulfilled


def no_icon(*_: object, **__: object) -> str:
    """Icons come from the network; without one every start would wait for it."""
    raise OSError("icons are not downloaded")


pyconify.svg_path = no_icon
import ndv  # noqa: E402 (takes the icons' function along)


class Window(QWidget):
    """A window around an ndv viewer; a new one takes its place with every acquisition that is opened."""

    def __init__(self) -> None:
        super().__init__()
        nothing = np.zeros((1, 100, 100), np.uint16)
        # There, too, an empty viewer is made with the window, before a path is looked at.
        self.viewer = ndv.ArrayViewer(nothing, channel_axis=0, channel_mode="composite", visible_axes=(-2, -1))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.viewer.widget(), 1)

    def open(self, acquisition: Path) -> None:
        """Shows an acquisition in place of what is shown."""
        stores = stores_of(acquisition)
        data = stacked(stores)
        colours = colours_of(stores[0])
        old = self.viewer.widget()
        self.viewer = ndv.ArrayViewer(
            data,
            channel_axis=data.dims.index("channel"),
            channel_mode="composite",
            luts={c: {"cmap": ["black", colour], "clims": LIMITS} for c, colour in enumerate(colours)},
            visible_axes=(-2, -1),
        )
        layout = self.layout()
        layout.removeWidget(old)
        old.deleteLater()
        layout.insertWidget(0, self.viewer.widget(), 1)

    def fulfil(self, wish: Wish) -> None:
        """Does what stdin says."""
        if "open" in wish:
            self.open(Path(wish["open"]))
        else:
            self.viewer.display_model.current_index.update(wish)


def main() -> None:
    """Runs until its window is closed."""
    app = QApplication(sys.argv)
    window = Window()
    window.open(Path(sys.argv[1]))
    window.resize(*SIZE)
    window.show()
    have_fulfilled(window.fulfil)
    app.exec()


main()
