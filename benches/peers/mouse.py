"""A mouse that is moved and clicked on a display, as if a person did."""

from __future__ import annotations

import time

from screen import SIZE
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

BEFORE_S = 0.6
"""Longer than between the halves of a double click; what a viewer draws otherwise under the pointer is there, too."""


class Mouse:
    """The pointer of a display."""

    def __init__(self, screen: str) -> None:
        self._display = Display(screen)

    def click(self, at: tuple[int, int]) -> float:
        """Goes to a pixel and clicks there; gives the moment of the click."""
        self._move(at)
        time.sleep(BEFORE_S)
        clicked = time.monotonic()
        for kind in (X.ButtonPress, X.ButtonRelease):
            xtest.fake_input(self._display, kind, X.Button1)
        self._display.sync()
        return clicked

    def leave(self) -> None:
        """Goes back to the middle, where a display has its pointer at first."""
        width, height = SIZE
        self._move((width // 2, height // 2))

    def _move(self, to: tuple[int, int]) -> None:
        xtest.fake_input(self._display, X.MotionNotify, x=to[0], y=to[1])
        self._display.sync()

    def close(self) -> None:
        """Ends the connection to the display."""
        self._display.close()
