"""What a Python viewer is asked on stdin, one JSON object a line.

An index along an axis (``z``, ``fov``), or ``open`` with a path.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable

from qtpy.QtCore import QObject, Signal

Wish = dict[str, int | str]


class Wishes(QObject):
    """Hands wishes from the thread that reads stdin to the one of the window."""

    came = Signal(dict)

    def listen(self) -> None:
        """Reads stdin to its end."""
        for line in sys.stdin:
            self.came.emit(json.loads(line))


def have_fulfilled(fulfil: Callable[[Wish], None]) -> None:
    """From now on every wish is fulfilled, by the thread that calls this (the one of the window)."""
    wishes = Wishes()
    wishes.came.connect(fulfil)
    threading.Thread(target=wishes.listen, daemon=True).start()
