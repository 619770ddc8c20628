"""squidview beside other viewers: start, steps, memory, and reading planes, in one run on the same data and display.

Every viewer runs four times. The first run finds what each place looks like once it is still; the others measure how
long it takes until the display shows exactly that. So nothing is asked of a viewer but to show its picture.
usage: compare.py SQUIDVIEW FOLDER
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "ndviewer_light"))

import numpy as np  # noqa: E402
from planes import LIMITS, opened  # noqa: E402
from screen import SIZE, Screen  # noqa: E402
from squidview import Viewer  # noqa: E402

PLACES = range(1, 8)
STILL_S = 1.0
WITHIN_S = 60.0
ROUNDS = 3


class Squidview:
    """squidview in a window, driven over its socket."""

    def __init__(self, program: str, data: Path, screen: Screen, folder: Path) -> None:
        run = tempfile.mkdtemp(dir=folder)
        names = ("SQUIDVIEW_RUNTIME_DIR", "SQUIDVIEW_CONFIG_DIR", "SQUID_WATCHDOG_STATE_DIR")
        own = {name: f"{run}/{name}" for name in names}
        os.environ.update(own)
        environment = {**os.environ, "DISPLAY": screen.name}
        environment.pop("WAYLAND_DISPLAY", None)
        self.process = subprocess.Popen(
            [program, str(data), "--cache-mb", "256"], env=environment, stderr=subprocess.DEVNULL
        )
        self._viewer: Viewer | None = None

    def go(self, z: int) -> None:
        """Wishes for a z-slice."""
        if self._viewer is None:
            self._viewer = Viewer()
        self._viewer.set_index(z=z)


class Peer:
    """A Python viewer that moves as its stdin says."""

    def __init__(self, script: str, store: Path, screen: Screen) -> None:
        environment = {
            **os.environ,
            "DISPLAY": screen.name,
            "QT_QPA_PLATFORM": "xcb",
            "QT_API": "pyqt6",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / script), str(store)],
            env=environment,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def go(self, z: int) -> None:
        """Wishes for a z-slice."""
        self.process.stdin.write(json.dumps({"z": z}) + "\n")
        self.process.stdin.flush()


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    value = next(line for line in lines if line.startswith("VmRSS:"))
    return int(value.split()[1]) / 1000


def measured(start: Callable[[Screen], Squidview | Peer], folder: Path) -> dict[str, float]:
    """Milliseconds and megabytes of one viewer."""
    looks: dict[int, bytes] = {}
    times: dict[str, list[float]] = {"start": [], "cold step": [], "cached step": []}
    memory: dict[str, list[float]] = {"memory after start": [], "memory after browsing": []}
    for round_ in range(ROUNDS + 1):
        with tempfile.TemporaryDirectory(dir=folder) as frame_buffer:
            screen = Screen(Path(frame_buffer))
            began = time.monotonic()
            viewer = start(screen)
            try:
                run(viewer, screen, began, looks, times if round_ else None, memory)
            finally:
                viewer.process.kill()
                viewer.process.wait()
                screen.close()
    figures = {name: statistics.median(found) for name, found in times.items()}
    return figures | {name: statistics.median(found) for name, found in memory.items()}


def run(
    viewer: Squidview | Peer,
    screen: Screen,
    began: float,
    looks: dict[int, bytes],
    times: dict[str, list[float]] | None,
    memory: dict[str, list[float]],
) -> None:
    """One run of a viewer: to know its looks where there are no times, else to measure."""
    first = -1
    if times is None:
        empty = screen.samples()
        while screen.samples() == empty:
            time.sleep(0.01)
        looks[first] = screen.settled(3 * STILL_S, WITHIN_S)
        viewer.go(0)
        screen.settled(STILL_S, WITHIN_S)
        for place in [*PLACES, 0]:
            viewer.go(place)
            time.sleep(0.3)
            looks[place] = screen.settled(STILL_S, WITHIN_S)
        if len(set(looks[place] for place in PLACES)) < len(PLACES):
            raise RuntimeError("places look alike, the viewer did not move")
        return
    times["start"].append(1e3 * (screen.wait_for(looks[first], WITHIN_S) - began))
    screen.settled(STILL_S, WITHIN_S)
    memory["memory after start"].append(rss_mb(viewer.process.pid))
    viewer.go(0)
    screen.wait_for(looks[0], WITHIN_S)
    screen.settled(STILL_S, WITHIN_S)
    for name in ("cold step", "cached step"):
        for place in PLACES:
            wished = time.monotonic()
            viewer.go(place)
            times[name].append(1e3 * (screen.wait_for(looks[place], WITHIN_S) - wished))
            # Nobody turns a knob faster; what a viewer does after its picture is not charged to the next step.
            time.sleep(0.2)
        viewer.go(0)
        screen.wait_for(looks[0], WITHIN_S)
    memory["memory after browsing"].append(rss_mb(viewer.process.pid))


def tensorstore_read_ms(store: Path) -> float:
    """One plane with one thread, the page cache warm."""
    array = opened(store)
    times = []
    for repeat in range(2):
        for z in range(array.shape[2]):
            began = time.perf_counter()
            np.asarray(array[0, 0, z].read().result())
            if repeat:
                times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times)


def squidview_read_ms(program: str, data: Path) -> float:
    """The same, measured by the program itself."""
    answer = subprocess.run(
        [program, "bench", "read", str(data), "--json", "--threads", "1"],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(answer.stdout)["median_ms"]


def made(program: str, folder: Path) -> tuple[Path, Path]:
    """Four channels of 2048 x 2048 and eight slices in Squid's ``fast``: acquisition and store."""
    data = folder / "peers"
    if not data.exists():
        line = "--structure per_fov --n-regions 1 --n-fov 1 --t 1 --z 8 --size 2048x2048 --interval-ms 0"
        channels = ["--channels", "405 nm,488 nm,561 nm,638 nm", "--compression", "fast"]
        command = [program, "simulate", str(data), *line.split(), *channels]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    store = next(data.glob("zarr/*/fov_0.ome.zarr"))
    set_limits(store)
    return data, store / "0"


def set_limits(store: Path) -> None:
    """The limits that all viewers use, as the file says them to squidview."""
    document = store / "zarr.json"
    text = json.loads(document.read_text())
    for channel in text["attributes"]["ome"]["omero"]["channels"]:
        channel["window"] |= {"start": LIMITS[0], "end": LIMITS[1]}
    document.write_text(json.dumps(text))


def main() -> None:
    """Prints a table: each viewer, and squidview as a part of the better peer."""
    program, folder = sys.argv[1], Path(sys.argv[2])
    data, store = made(program, folder)
    found = {
        "squidview": measured(lambda screen: Squidview(program, data, screen, folder), folder),
        "ndv": measured(lambda screen: Peer("ndv_viewer.py", store, screen), folder),
        "napari": measured(lambda screen: Peer("napari_viewer.py", store, screen), folder),
    }
    reads = {"squidview": squidview_read_ms(program, data), "tensorstore": tensorstore_read_ms(store)}
    print(f"| {SIZE[0]} x {SIZE[1]} | squidview | ndv | napari | better peer is |")
    print("| --- | --- | --- | --- | --- |")
    for name, ours in found["squidview"].items():
        peers = [found["ndv"][name], found["napari"][name]]
        unit = "MB" if "memory" in name else "ms"
        row = " | ".join(f"{value:.0f} {unit}" for value in [ours, *peers])
        print(f"| {name} | {row} | {min(peers) / ours:.1f} times ours |")
    ratio = reads["tensorstore"] / reads["squidview"]
    print(f"| read a plane, 1 thread | {reads['squidview']:.1f} ms | tensorstore {reads['tensorstore']:.1f} ms | |"
          f" {ratio:.1f} times ours |")


main()
