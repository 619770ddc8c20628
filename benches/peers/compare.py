"""squidview beside other viewers: start, steps, memory and a plate, in one run on the same data.

Every viewer runs six times. The first run finds what each place looks like once it is still; the others measure how
long it takes until the display shows exactly that. So nothing is asked of a viewer but to show its picture.

Playing is stepping as soon as each slice is shown: the viewers' own play functions run at a set rate, and some leave
out what they have no time for. A repaint hides a channel or shows it again, by a click; nothing else changes.
usage: compare.py SQUIDVIEW FOLDER
"""

from __future__ import annotations

import json
import os
import statistics
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "ndviewer_light"))

from mouse import Mouse
from screen import LIMITS, SIZE, Screen
from simulated import simulated, store_of
from squidview import Viewer

PLACES = range(1, 8)
NUM_TOGGLES = 3
PAUSE_S = 0.2
"""Nobody turns a knob faster; what a viewer does after its picture is not charged to the next step."""
STILL_S = 1.0
IDLE = 0.05
"""What a viewer that waits for somebody may take of a processor."""

WITHIN_S = 60.0
ROUNDS = 5


class Squidview:
    """squidview in a window, driven over its socket."""

    def __init__(self, program: str, data: Path, screen: Screen, folder: Path) -> None:
        names = ("SQUIDVIEW_RUNTIME_DIR", "SQUIDVIEW_CONFIG_DIR", "SQUID_WATCHDOG_STATE_DIR")
        own = {name: str(folder / name) for name in names}
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

    def __init__(self, script: str, data: Path, screen: Screen) -> None:
        environment = {
            **os.environ,
            "DISPLAY": screen.name,
            "QT_QPA_PLATFORM": "xcb",
            "QT_API": "pyqt6",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / script), str(data)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
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


class Contestant(NamedTuple):
    """A viewer and what it can do."""

    start: Callable[[Screen, Path], Squidview | Peer]
    """Starts it with the single dataset; what it writes goes into the folder."""
    plate: Path
    """What it opens as the plate."""
    box: tuple[int, int]
    """The pixel of the box that shows and hides the first of the single dataset's channels."""
    steps_on_plate: bool = True
    """It goes to single FOVs there."""

    def places(self) -> dict[str, range]:
        """Where it goes, by axis; the FOVs are the plate's."""
        return {"z": PLACES, "fov": PLACES} if self.steps_on_plate else {"z": PLACES}


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    value = next(line for line in lines if line.startswith("VmRSS:"))
    return int(value.split()[1]) / 1000


def cpu_s(pid: int) -> float:
    """Seconds that all threads of a process have computed so far."""
    # The name in brackets may hold anything; 12 fields after it are the times in and out of the kernel.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Stage:
    """One viewer on a display of its own, from its start to its end."""

    def __init__(self, start: Callable[[Screen, Path], Squidview | Peer], folder: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=folder)
        own = Path(self._folder.name)
        self.screen = Screen(own)
        self.mouse = Mouse(self.screen.name)
        self.began = time.monotonic()
        self.viewer = start(self.screen, own)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.viewer.process.kill()
        self.viewer.process.wait()
        self.mouse.close()
        self.screen.close()
        self._folder.cleanup()

    def new_look(self, old: bytes) -> bytes:
        """The picture that comes in place of another one, once it is still and the viewer idle.

        napari shows its welcome page for as long as it opens a plate.
        """
        end = time.monotonic() + WITHIN_S
        while self.screen.samples() == old:
            if time.monotonic() > end:
                raise TimeoutError(f"nothing new is shown within {WITHIN_S} s")
            time.sleep(0.01)
        while time.monotonic() < end:
            used = cpu_s(self.viewer.process.pid)
            look = self.screen.settled(STILL_S, WITHIN_S)
            if cpu_s(self.viewer.process.pid) - used < IDLE * STILL_S:
                return look
        raise TimeoutError(f"the viewer is still busy after {WITHIN_S} s")

    def until(self, look: bytes, since: float) -> float:
        """Milliseconds from then until the display shows exactly that."""
        return 1e3 * (self.screen.wait_for(look, WITHIN_S) - since)


def measured(contestant: Contestant, folder: Path) -> dict[str, float]:
    """Milliseconds, megabytes and steps a second of one viewer."""
    with Stage(contestant.start, folder) as stage:
        looks = looks_of(stage, contestant)
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        with Stage(contestant.start, folder) as stage:
            run(stage, looks, contestant, found)
    return {name: statistics.median(figures) for name, figures in found.items()}


def looks_of(stage: Stage, contestant: Contestant) -> dict[str, bytes]:
    """What a viewer shows at each place once it is still."""
    viewer, now = stage.viewer, stage.new_look(stage.screen.samples())
    looks = {"start": now}
    for z in [*PLACES, 0]:
        viewer.go(z=z)
        looks[f"z {z}"] = now = stage.new_look(now)
    for name in ("hidden", "back"):
        stage.mouse.click(contestant.box)
        looks[name] = now = stage.new_look(now)
    stage.mouse.leave()
    # The display's picture holds the pointer, too.
    now = stage.screen.settled(STILL_S, WITHIN_S)
    if now != looks["z 0"]:
        raise RuntimeError("a channel that came back looks as it did not before")
    viewer.open(contestant.plate)
    looks["plate"] = now = stage.new_look(now)
    if contestant.steps_on_plate:
        for fov in [*PLACES, 0]:
            viewer.go(fov=fov)
            looks[f"fov {fov}"] = now = stage.new_look(now)
    for axis, places in contestant.places().items():
        if len({looks[f"{axis} {place}"] for place in places}) < len(places):
            raise RuntimeError(f"places along {axis} look alike, the viewer did not move")
    return looks


def run(stage: Stage, looks: dict[str, bytes], contestant: Contestant, found: dict[str, list[float]]) -> None:
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
    # Nobody can have read this one ahead: nothing says where the first move goes.
    note("cold jump, ms", step("z", PLACES[-1]))
    stage.screen.settled(STILL_S, WITHIN_S)
    step("z", 0)
    time.sleep(PAUSE_S)
    for name in ("next slice for the first time, ms", "cached step, ms"):
        for z in PLACES[:-1]:
            note(name, step("z", z))
            time.sleep(PAUSE_S)
        step("z", 0)
    began = time.monotonic()
    for z in [*PLACES, 0] * 2:
        step("z", z)
    note("played along z, slices a second", 2 * (len(PLACES) + 1) / (time.monotonic() - began))
    note("memory after browsing, MB", rss_mb(stage.viewer.process.pid))
    for look in ["hidden", "back"] * NUM_TOGGLES:
        note("repaint, ms", stage.until(looks[look], stage.mouse.click(contestant.box)))
    stage.mouse.leave()
    time.sleep(PAUSE_S)
    wished = time.monotonic()
    stage.viewer.open(contestant.plate)
    note("plate opened in the window, ms", stage.until(looks["plate"], wished))
    stage.screen.settled(STILL_S, WITHIN_S)
    for fov in contestant.places().get("fov", []):
        note("step on the plate, ms", step("fov", fov))
        time.sleep(PAUSE_S)


def made(program: str, folder: Path) -> Path:
    """Four channels of 2048 x 2048 and eight slices in Squid's ``fast``."""
    line = "--structure per_fov --n-regions 1 --n-fov 1 --t 1 --z 8 --size 2048x2048"
    channels = ["--channels", "405 nm,488 nm,561 nm,638 nm", "--compression", "fast"]
    data = simulated(program, folder / "peers", [*line.split(), *channels])
    set_limits(store_of(data))
    return data


def made_plate(program: str, folder: Path) -> Path:
    """A plate of 1536 wells with four FOVs each."""
    rows = [*string.ascii_uppercase, *(f"A{letter}" for letter in "ABCDEF")]
    wells = [f"{row}{column}" for row in rows for column in range(1, 49)]
    line = "--structure hcs --fov-per-well 4 --t 1 --z 1 --size 64x64 --channels 405"
    return simulated(program, folder / "peers-plate", [*line.split(), "--wells", *wells]) / "plate.ome.zarr"


def set_limits(store: Path) -> None:
    """The limits that all viewers use, as the file says them to squidview."""
    document = store / "zarr.json"
    text = json.loads(document.read_text())
    for channel in text["attributes"]["ome"]["omero"]["channels"]:
        channel["window"] |= {"start": LIMITS[0], "end": LIMITS[1]}
    document.write_text(json.dumps(text))


def contestants(program: str, data: Path, plate: Path) -> dict[str, Contestant]:
    """Each opens what its users do: the plate, the acquisition around it, or the store itself. Ours is the first."""
    store = store_of(data)
    return {
        "squidview": Contestant(lambda screen, own: Squidview(program, data, screen, own), plate, box=(1212, 75)),
        "ndv": Contestant(lambda screen, _: Peer("ndv_viewer.py", data, screen), plate.parent, box=(13, 890)),
        "napari": Contestant(
            lambda screen, _: Peer("napari_viewer.py", store, screen), plate, box=(53, 516), steps_on_plate=False
        ),
    }


def compared(name: str, ours: float, theirs: list[float | None]) -> str:
    """A line of the table: a figure of each viewer, and how many times better squidview is than the best peer."""
    able = [figure for figure in theirs if figure is not None]
    ratio = ours / max(able) if "a second" in name else min(able) / ours
    cells = ["-" if figure is None else f"{figure:.0f}" for figure in [ours, *theirs]]
    return f"| {name} | {' | '.join(cells)} | {ratio:.1f} times |"


def main() -> None:
    """Prints a table: each viewer, and how many times better squidview is than the better peer."""
    program, folder = sys.argv[1], Path(sys.argv[2])
    data, plate = made(program, folder), made_plate(program, folder)
    found = {name: measured(contestant, folder) for name, contestant in contestants(program, data, plate).items()}
    ours = found.pop("squidview")
    print(f"| {SIZE[0]} x {SIZE[1]} | squidview | {' | '.join(found)} | than the better peer |")
    print("| --- | --- | --- | --- | --- |")
    for name, figure in ours.items():
        print(compared(name, figure, [peer.get(name) for peer in found.values()]))


main()
