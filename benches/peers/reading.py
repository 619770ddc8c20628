"""Reading planes by squidview and by tensorstore: all of Squid's compressions and chunks, one and two threads, one run.

2048 x 2048 u16, the page cache warm, nothing cached by either. The floor is what squidview measures beside its reading:
the same bytes read from the file and decompressed, and nothing else.
usage: reading.py SQUIDVIEW FOLDER
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorstore as ts
from simulated import simulated, store_of

COMPRESSIONS = ("none", "fast", "balanced", "best")
CHUNKS = ("full_frame", "tiled_512", "tiled_256")
NUM_CHANNELS, NUM_Z = 2, 8
PLANE_BYTES = 2048 * 2048 * 2
ROUNDS = 3


def made(program: str, folder: Path, compression: str, chunks: str) -> Path:
    """Sixteen planes."""
    line = f"--structure per_fov --n-regions 1 --n-fov 1 --t 1 --z {NUM_Z} --size 2048x2048"
    channels = ["--channels", "405 nm,488 nm", "--compression", compression, "--chunk", chunks]
    return simulated(program, folder / f"reading-{compression}-{chunks}", [*line.split(), *channels])


def by_squidview(program: str, data: Path, num_threads: int) -> tuple[float, float]:
    """Planes a second, and the part of the floor that this is."""
    command = [program, "bench", "read", str(data), "--json", "--threads", str(num_threads)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer["gb_per_s"] * 1e9 / PLANE_BYTES, answer["floor_ms"] / answer["median_ms"]


def by_tensorstore(store: Path, num_threads: int) -> float:
    """Planes a second."""
    limits = {name: {"limit": num_threads} for name in ("data_copy_concurrency", "file_io_concurrency")}
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(store / "0")}}
    array = ts.open(spec, read=True, context=ts.Context(limits)).result()

    def read(plane: tuple[int, int]) -> None:
        np.asarray(array[(0, *plane)].read().result())

    planes = [(c, z) for z in range(NUM_Z) for c in range(NUM_CHANNELS)]
    with ThreadPoolExecutor(num_threads) as pool:
        list(pool.map(read, planes))
        began = time.perf_counter()
        list(pool.map(read, planes))
        return len(planes) / (time.perf_counter() - began)


def main() -> None:
    """Prints a table; each figure is the best of some rounds by turns."""
    program, folder = sys.argv[1], Path(sys.argv[2])
    print("| compression, chunks | threads | squidview, ms a plane | of the floor | tensorstore, ms a plane | times |")
    print("| --- | --- | --- | --- | --- | --- |")
    for compression in COMPRESSIONS:
        for chunks in CHUNKS:
            data = made(program, folder, compression, chunks)
            for num_threads in (1, 2):
                rounds = [
                    (by_squidview(program, data, num_threads), by_tensorstore(store_of(data), num_threads))
                    for _ in range(ROUNDS)
                ]
                ours, floor = max(ours for ours, _ in rounds)
                theirs = max(theirs for _, theirs in rounds)
                cells = f"{1e3 / ours:.2f} | {100 * floor:.0f} % | {1e3 / theirs:.1f} | {ours / theirs:.1f}"
                print(f"| {compression}, {chunks} | {num_threads} | {cells} |", flush=True)


main()
