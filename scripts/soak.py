"""Samples a window for scripts/soak: memory, open descriptors and threads, whether they grow, and whether it missed any
plane.

usage: soak.py PID_FILE MINUTES ACQUISITION
"""

import os
import statistics
import sys
import time
from pathlib import Path

import squidview

EVERY_S = 10
# Shaders, fonts and the cache are filled in this part of the time; it does not count.
WARM_UP = 0.25
# A plane is found on disk and counted within this time.
COUNTED_WITHIN_S = 5.0
# Growth per minute that counts as none. The book of planes grows by about 0.2 MB with 2400 planes a minute.
LIMITS = {"memory_mb": 1.0, "descriptors": 0.2, "threads": 0.2}


def sample(pid: int) -> dict[str, float]:
    """What the process holds now."""
    with open(f"/proc/{pid}/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return {
        "memory_mb": int(lines["VmRSS"].split()[0]) / 1000,
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(lines["Threads"]),
    }


def watch(pid: int, seconds: float) -> list[tuple[float, dict[str, float]]]:
    """Samples with their times in minutes; fewer than expected where the process ends."""
    began = time.monotonic()
    samples = []
    while (elapsed := time.monotonic() - began) < seconds:
        try:
            found = sample(pid)
        except (OSError, KeyError):
            sys.exit(f"the window ended after {elapsed:.0f} s")
        samples.append((elapsed / 60, found))
        texts = (f"{name} {value:g}" for name, value in found.items())
        print(f"{elapsed:6.0f} s  " + "  ".join(texts), flush=True)
        time.sleep(EVERY_S)
    return samples


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


def main() -> None:
    pid_file, minutes = sys.argv[1], float(sys.argv[2])
    while not (os.path.exists(pid_file) and os.path.getsize(pid_file)):
        time.sleep(0.1)
    with open(pid_file) as file:
        pid = int(file.read())
    samples = watch(pid, 60 * minutes)
    is_complete = count_planes(Path(sys.argv[3]))
    measured = samples[int(len(samples) * WARM_UP) :]
    if len(measured) < 3:
        sys.exit("too short to tell")
    growing = []
    for name, limit in LIMITS.items():
        times, values = zip(*((at, found[name]) for at, found in measured))
        growth = statistics.linear_regression(times, values).slope
        print(f"{name}: {growth:+.3f} per minute, {values[0]:g} to {values[-1]:g}")
        if growth > limit:
            growing.append(name)
    if growing:
        sys.exit(f"growing: {', '.join(growing)}")
    if not is_complete:
        sys.exit("planes were missed")
    print("flat")


main()
