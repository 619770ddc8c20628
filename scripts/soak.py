"""Samples a window for scripts/soak: memory, open descriptors, threads and textures, whether they grow, and whether it
missed any plane of an acquisition, or answers while it is led through datasets.

usage: soak.py PID_FILE MINUTES ACQUISITION
       soak.py --navigate PID_FILE MINUTES DATASET...
The window's log is PID_FILE.log.
"""

import os
import random
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import squidview

EVERY_S = 10
# Shaders, fonts and the cache are filled in this part of the time; it does not count.
WARM_UP = 0.25
# A plane is found on disk and counted within this time.
COUNTED_WITHIN_S = 5.0
# Growth per minute that counts as none. The book of planes grows by about 0.2 MB with 2400 planes a minute.
LIMITS = {"memory_mb": 1.0, "descriptors": 0.2, "threads": 0.2, "textures_mb": 1.0}
# Steps of a walk between two datasets, and between two pictures that are waited for.
STEPS_OF_ONE = 40
WAIT_EVERY = 10
# A plane of half a megabyte is on the screen within this time, also on a busy machine without a graphics card.
SHOWN_WITHIN_S = 20.0


def sample(pid: int, log: Path) -> dict[str, float]:
    """What the process holds now; textures are the most that they have taken so far."""
    with open(f"/proc/{pid}/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    found: dict[str, float] = {
        "memory_mb": int(lines["VmRSS"].split()[0]) / 1000,
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(lines["Threads"]),
    }
    told = re.findall(r"textures take (\d+) bytes", log.read_text(errors="replace"))
    if told:
        found["textures_mb"] = int(told[-1]) / 1e6
    return found


def watch(pid: int, log: Path, seconds: float, between: Callable[[float], None]) -> list[tuple[float, dict[str, float]]]:
    """Samples with their times in minutes; `between` is given the time until which it may do something."""
    began = time.monotonic()
    samples = []
    while (elapsed := time.monotonic() - began) < seconds:
        try:
            found = sample(pid, log)
        except (OSError, KeyError):
            sys.exit(f"the window ended after {elapsed:.0f} s")
        samples.append((elapsed / 60, found))
        texts = (f"{name} {value:g}" for name, value in found.items())
        print(f"{elapsed:6.0f} s  " + "  ".join(texts), flush=True)
        between(began + elapsed + EVERY_S)
    return samples


def rest(until: float) -> None:
    """Does nothing."""
    time.sleep(max(0.0, until - time.monotonic()))


class Walk:
    """A walk through datasets that is the same each time."""

    def __init__(self, datasets: list[str]) -> None:
        self.viewer = squidview.Viewer()
        self.datasets = datasets
        self.path = ""
        self.dice = random.Random(7)
        self.num_steps = self.num_opened = self.num_late = 0
        self.slowest_s = 0.0

    def go(self, until: float) -> None:
        """Goes on until that time, and then home: what is held depends on what is open."""
        while time.monotonic() < until:
            if self.num_steps % STEPS_OF_ONE == 0:
                # Another one: of the same path nobody can tell when it was opened again.
                self.open(self.dice.choice([path for path in self.datasets if path != self.path]))
            self.step()
            self.num_steps += 1
        if self.path == self.datasets[0]:
            self.open(self.datasets[1])
        self.open(self.datasets[0])
        self.wait({"t": 0, "fov": 0, "z": 0})

    def open(self, path: str) -> None:
        """Opens a dataset and waits until the window says so."""
        self.viewer.open(path)
        self.path = path
        self.num_opened += 1
        deadline = time.monotonic() + SHOWN_WITHIN_S
        while (self.viewer.status()["dataset"] or {}).get("path") != path:
            if time.monotonic() > deadline:
                sys.exit(f"{path} was not opened within {SHOWN_WITHIN_S:.0f} s")
            time.sleep(0.02)

    def step(self) -> None:
        """Goes anywhere; every so often the picture is waited for."""
        dataset = self.viewer.status()["dataset"]
        place = {
            name: self.dice.randrange(max(1, dataset[size]))
            for name, size in [("t", "num_t"), ("fov", "num_fovs"), ("z", "num_z")]
        }
        is_damaged = dataset["path"].endswith("damaged")
        if self.num_steps % WAIT_EVERY or is_damaged:
            self.viewer.set_index(**place)
            time.sleep(self.dice.uniform(0.0, 0.08))
        else:
            self.wait(place)

    def wait(self, place: dict[str, int]) -> None:
        """Goes to a place and waits for its picture."""
        self.viewer.set_index(**place)
        try:
            self.slowest_s = max(self.slowest_s, self.viewer.wait_shown(SHOWN_WITHIN_S, **place))
        except TimeoutError:
            print(f"{place} of {self.path} was not shown within {SHOWN_WITHIN_S:.0f} s")
            self.num_late += 1

    def is_fine(self) -> bool:
        """Whether everything that was waited for was shown."""
        print(f"{self.num_steps} steps, {self.num_opened} datasets opened, slowest picture {self.slowest_s:.2f} s")
        return self.num_late == 0


def count_planes(acquisition: Path) -> bool:
    """Whether the window counts every plane that is on disk."""
    planes = sum(1 for _ in acquisition.glob("zarr/*/*/0/c/*/*/*/*/0"))
    with squidview.Viewer() as viewer:
        began = time.monotonic()
        while (counts := viewer.status()["counts"])["written"] < planes:
            if time.monotonic() - began > COUNTED_WITHIN_S:
                print(f"{planes} planes on disk, the window knows of {counts}")
                return False
            time.sleep(0.05)
    print(f"{planes} planes on disk, all known after {time.monotonic() - began:.2f} s: {counts}")
    return True


def growing(samples: list[tuple[float, dict[str, float]]]) -> list[str]:
    """What grows, beyond what counts as none."""
    measured = samples[int(len(samples) * WARM_UP) :]
    if len(measured) < 3:
        sys.exit("too short to tell")
    found = []
    for name, limit in LIMITS.items():
        if name not in measured[0][1]:
            print(f"{name}: not told")
            continue
        times, values = zip(*((at, sampled[name]) for at, sampled in measured))
        growth = statistics.linear_regression(times, values).slope
        print(f"{name}: {growth:+.3f} per minute, {values[0]:g} to {values[-1]:g}")
        if growth > limit:
            found.append(name)
    return found


def wait_for_window(pid_file: Path) -> int:
    """The process of the window, once it listens."""
    while not (pid_file.exists() and pid_file.stat().st_size):
        time.sleep(0.1)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            squidview.Viewer().close()
            break
        except ConnectionError:
            time.sleep(0.2)
    return int(pid_file.read_text())


def main() -> None:
    arguments = sys.argv[1:]
    navigates = arguments[0] == "--navigate"
    pid_text, minutes, *paths = arguments[navigates:]
    pid_file = Path(pid_text)
    pid, log = wait_for_window(pid_file), Path(f"{pid_text}.log")
    if navigates:
        walk = Walk(paths)
        samples = watch(pid, log, 60 * float(minutes), walk.go)
        is_fine = walk.is_fine()
    else:
        samples = watch(pid, log, 60 * float(minutes), rest)
        is_fine = count_planes(Path(paths[0]))
    grown = growing(samples)
    warnings = sum(1 for line in log.read_text(errors="replace").splitlines() if " WARN " in line)
    print(f"{warnings} warnings in the log")
    if grown:
        sys.exit(f"growing: {', '.join(grown)}")
    if not is_fine:
        sys.exit("planes were missed")
    print("flat")


main()
