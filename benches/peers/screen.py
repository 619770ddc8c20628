"""What is on a virtual display, read straight from Xvfb's memory: the same measure for every viewer.

Nothing is asked of the viewer and nothing is added to it. Xvfb keeps its picture in a file (``-fbdir``), in the format
of xwd (``X11/XWDFile.h``): a header of big-endian words, a colour table, then lines of four bytes a pixel.
"""

from __future__ import annotations

import mmap
import struct
import subprocess
import time
from pathlib import Path

SIZE = (1480, 1000)
"""Pixels of the display, and of every viewer's window."""

LIMITS = (0, 3000)
"""Contrast limits of every channel, so that no viewer looks for its own."""

POLL_S = 0.001
"""Between two looks."""

SAMPLED = (range(520, 961, 8), range(260, 701, 8))
"""Columns and rows that are looked at: inside of the picture of every viewer."""


class Screen:
    """A virtual display and its picture; ends with ``close``."""

    def __init__(self, folder: Path) -> None:
        width, height = SIZE
        self._server = subprocess.Popen(
            [
                *["Xvfb", "-displayfd", "1", "-nolisten", "tcp", "-fbdir", str(folder)],
                *["-screen", "0", f"{width}x{height}x24"],
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.name = ":" + self._server.stdout.readline().strip()
        with (folder / "Xvfb_screen0").open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        words = struct.unpack(">25I", self._memory[:100])
        header_size, bytes_per_line, num_colors = words[0], words[12], words[19]
        start = header_size + 12 * num_colors
        columns, rows = SAMPLED
        self._places = [start + y * bytes_per_line + 4 * x for y in rows for x in columns]

    def samples(self) -> bytes:
        """Colours of the sampled pixels now."""
        return self._colors(self._places)

    def _colors(self, places: list[int]) -> bytes:
        memory = self._memory
        return b"".join(memory[place : place + 3] for place in places)

    def settled(self, still_s: float, within_s: float) -> bytes:
        """The samples once they have not changed for so long."""
        last, since, end = self.samples(), time.monotonic(), time.monotonic() + within_s
        while time.monotonic() - since < still_s:
            if time.monotonic() > end:
                raise TimeoutError(f"the picture still changes after {within_s} s")
            time.sleep(0.01)
            now = self.samples()
            if now != last:
                last, since = now, time.monotonic()
        return last

    def wait_for(self, expected: bytes, within_s: float) -> float:
        """The moment (``time.monotonic``) at which the samples are these.

        Only the lowest row is looked at until it is right: all of them, a thousand times a second, would take a third
        of a core from whoever draws.
        """
        end = time.monotonic() + within_s
        lowest = self._places[-len(SAMPLED[0]) :]
        colors = expected[-3 * len(lowest) :]
        while self._colors(lowest) != colors or self.samples() != expected:
            if time.monotonic() > end:
                raise TimeoutError(f"the picture has not come within {within_s} s")
            time.sleep(POLL_S)
        return time.monotonic()

    def close(self) -> None:
        """Ends the display."""
        self._server.kill()
        self._server.wait()
