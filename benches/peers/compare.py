"""squidview beside other viewers: start, steps, memory, a plate, and reading planes, in one run on the same data.

Every viewer runs four times. The first run finds what each place looks like once it is still; the others measure how long
it takes until the display shows exactly that. So nothing is asked of a viewer but to show its picture.
usage: compare.py SQUIDVIEW FOLDER
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import string
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

    def go(self, **place: int) -> None:
        """Wishes for a place along an axis."""
        self._connected().set_index(**place)

    def open(self, plate: Path) -> None:
        """Opens a plate in place of what is open."""
        self._connected().open(str(plate))

    def _connected(self) -> Viewer:
        if self._viewer is None:
            self._viewer = Viewer()
        return self._viewer


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

    def go(self, **place: int) -> None:
        """Wishes for a place along an axis."""
        self._send(place)

    def open(self, plate: Path) -> None:
        """Opens a plate in place of what is open."""
        self._send({"open": str(plate)})

    def _send(self, wish: dict[str, int | str]) -> None:
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    value = next(line for line in lines if line.startswith("VmRSS:"))
    return int(value.split()[1]) / 1000


class Stage:
    """One viewer on a display of its own, from its start to its end."""

    def __init__(self, start: Callable[[Screen], Squidview | Peer], folder: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=folder)
        self.screen = Screen(Path(self._folder.name))
        self.began = time.monotonic()
        self.viewer = start(self.screen)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.viewer.process.kill()
        self.viewer.process.wait()
        self.screen.close()
        self._folder.cleanup()

    def look(self, still_s: float = STILL_S) -> bytes:
        """The picture once it is still."""
        time.sleep(0.3)
        return self.screen.settled(still_s, WITHIN_S)

    def first_look(self) -> bytes:
        """The first picture of all."""
        empty = self.screen.samples()
        while self.screen.samples() == empty:
            time.sleep(0.01)
        return self.look(3 * STILL_S)

    def until(self, look: bytes, since: float) -> float:
        """Milliseconds from then until the display shows exactly that."""
        return 1e3 * (self.screen.wait_for(look, WITHIN_S) - since)


def measured(start: Callable[[Screen], Squidview | Peer], plate: Path, folder: Path) -> dict[str, float]:
    """Milliseconds, megabytes and steps a second of one viewer."""
    with Stage(start, folder) as stage:
        looks = looks_of(stage, plate)
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        with Stage(start, folder) as stage:
            run(stage, looks, plate, found)
    return {name: statistics.median(figures) for name, figures in found.items()}


def looks_of(stage: Stage, plate: Path) -> dict[str, bytes]:
    """What a viewer shows at each place once it is still."""
    looks = {"start": stage.first_look()}
    viewer = stage.viewer
    for z in [0, *PLACES, 0]:
        viewer.go(z=z)
        looks[f"z {z}"] = stage.look()
    viewer.open(plate)
    looks["plate"] = stage.look(3 * STILL_S)
    if looks["plate"] == looks["z 0"]:
        raise RuntimeError("the plate looks as what was open before, the viewer did not open it")
    for fov in [*PLACES, 0]:
        viewer.go(fov=fov)
        looks[f"fov {fov}"] = stage.look()
    for axis in ("z", "fov"):
        if len({looks[f"{axis} {place}"] for place in PLACES}) < len(PLACES):
            raise RuntimeError(f"places along {axis} look alike, the viewer did not move")
    return looks


def run(stage: Stage, looks: dict[str, bytes], plate: Path, found: dict[str, list[float]]) -> None:
    """One run of a viewer; figures go into ``found``."""

    def note(name: str, figure: float) -> None:
        found.setdefault(name, []).append(figure)

    def step(axis: str, place: int) -> float:
        wished = time.monotonic()
        stage.viewer.go(**{axis: place})
        return stage.until(looks[f"{axis} {place}"], wished)

    note("start, ms", stage.until(looks["start"], stage.began))
    stage.screen.settled(STILL_S, WITHIN_S)
    note("memory after start, MB", rss_mb(stage.viewer.process.pid))
    step("z", 0)
    stage.screen.settled(STILL_S, WITHIN_S)
    for name in ("cold step, ms", "cached step, ms"):
        for z in PLACES:
            note(name, step("z", z))
            # Nobody turns a knob faster; what a viewer does after its picture is not charged to the next step.
            time.sleep(0.2)
        step("z", 0)
    began = time.monotonic()
    for z in [*PLACES, 0] * 2:
        step("z", z)
    note("steps a second, each one shown", 2 * (len(PLACES) + 1) / (time.monotonic() - began))
    note("memory after browsing, MB", rss_mb(stage.viewer.process.pid))
    wished = time.monotonic()
    stage.viewer.open(plate)
    note("plate opened in the window, ms", stage.until(looks["plate"], wished))
    stage.screen.settled(STILL_S, WITHIN_S)
    for fov in PLACES:
        note("step on the plate, ms", step("fov", fov))
        time.sleep(0.2)


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
    line = "--structure per_fov --n-regions 1 --n-fov 1 --t 1 --z 8 --size 2048x2048"
    channels = ["--channels", "405 nm,488 nm,561 nm,638 nm", "--compression", "fast"]
    data = simulated(program, folder / "peers", [*line.split(), *channels])
    store = next(data.glob("zarr/*/fov_0.ome.zarr"))
    set_limits(store)
    return data, store / "0"


def made_plate(program: str, folder: Path) -> Path:
    """A plate of 1536 wells with four FOVs each."""
    rows = [*string.ascii_uppercase, *(f"A{letter}" for letter in "ABCDEF")]
    wells = [f"{row}{column}" for row in rows for column in range(1, 49)]
    line = "--structure hcs --fov-per-well 4 --t 1 --z 1 --size 64x64 --channels 405"
    return simulated(program, folder / "peers-plate", [*line.split(), "--wells", *wells])


def simulated(program: str, data: Path, options: list[str]) -> Path:
    """A folder that squidview writes unless it is there."""
    if not data.exists():
        part = data.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        command = [program, "simulate", str(part), *options, "--interval-ms", "0"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        part.rename(data)
    return data


def set_limits(store: Path) -> None:
    """The limits that all viewers use, as the file says them to squidview."""
    document = store / "zarr.json"
    text = json.loads(document.read_text())
    for channel in text["attributes"]["ome"]["omero"]["channels"]:
        channel["window"] |= {"start": LIMITS[0], "end": LIMITS[1]}
    document.write_text(json.dumps(text))


def main() -> None:
    """Prints a table: each viewer, and how many times better squidview is than the better peer."""
    program, folder = sys.argv[1], Path(sys.argv[2])
    data, store = made(program, folder)
    acquisition = made_plate(program, folder)
    plate = acquisition / "plate.ome.zarr"
    found = {
        "squidview": measured(lambda screen: Squidview(program, data, screen, folder), plate, folder),
        "ndv": measured(lambda screen: Peer("ndv_viewer.py", store, screen), plate, folder),
        "napari": measured(lambda screen: Peer("napari_viewer.py", store, screen), plate, folder),
    }
    print(f"| {SIZE[0]} x {SIZE[1]} | squidview | ndv | napari | than the better of both |")
    print("| --- | --- | --- | --- | --- |")
    for name, ours in found["squidview"].items():
        peers = [found["ndv"][name], found["napari"][name]]
        ratio = ours / max(peers) if "a second" in name else min(peers) / ours
        row = " | ".join(f"{value:.0f}" for value in [ours, *peers])
        print(f"| {name} | {row} | {ratio:.1f} times |")
    ours, theirs = squidview_read_ms(program, data), tensorstore_read_ms(store)
    print(f"| read a plane with 1 thread, ms | {ours:.1f} | tensorstore {theirs:.1f} | | {theirs / ours:.1f} times |")


main()
