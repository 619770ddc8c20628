"""Prints the figures of scripts/bench beside the saved ones, by ratio, or saves those of `live` as criterion did its own.

usage: bench.py TARGET BASELINE, the latter as criterion was told it
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))

Row = tuple[str, float, float | None, Callable[[float], str]]
"""Name, figure, saved figure, and how both are told."""


def of_criterion(folder: Path, since: float) -> Iterator[Row]:
    """The medians of the benches that ran since then, in their order."""
    files = [file for file in folder.glob("**/new/estimates.json") if file.stat().st_mtime >= since]
    for file in sorted(files, key=lambda file: file.stat().st_mtime):
        saved = file.parents[1] / "kept" / file.name
        name = json.loads((file.parent / "benchmark.json").read_text())["full_id"]
        yield name, median(file), median(saved) if saved.exists() else None, in_words


def median(estimates: Path) -> float:
    """Nanoseconds, from one of criterion's files."""
    return json.loads(estimates.read_text())["median"]["point_estimate"]


def of_live(folder: Path, since: float) -> Iterator[Row]:
    """What the parts of `live` that ran since then have found; their names end in the unit."""
    for file in sorted(folder.glob("new/*.json")):
        saved = folder / "kept" / file.name
        before = json.loads(saved.read_text()) if saved.exists() else {}
        if file.stat().st_mtime >= since:
            for name, figure in json.loads(file.read_text()).items():
                yield name, figure, before.get(name), "{:.4g}".format


def in_words(nanoseconds: float) -> str:
    """A time in the unit that suits it."""
    scale, unit = next((it for it in UNITS if nanoseconds >= it[0]), UNITS[-1])
    return f"{nanoseconds / scale:.3g} {unit}"


def main() -> None:
    """One table of everything that ran."""
    target, saves = Path(sys.argv[1]), "save" in sys.argv[2]
    since = (target / "bench-began").stat().st_mtime
    live = target / "live-figures"
    rows = [*of_criterion(target / "criterion", since), *of_live(live, since)]
    if saves:
        for file in live.glob("new/*.json"):
            if file.stat().st_mtime >= since:
                (live / "kept").mkdir(exist_ok=True)
                shutil.copy(file, live / "kept")
        print(f"{len(rows)} figures are saved")
        return
    cells = [("figure", "now", "saved", "ratio")]
    for name, now, saved, told in rows:
        before = "-" if saved is None else told(saved)
        cells.append((name, told(now), before, f"{now / saved:.2f}" if saved else "-"))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if all(saved is None for _, _, saved, _ in rows):
        print("nothing is saved yet: scripts/bench --save")


main()
