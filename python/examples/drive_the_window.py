"""Open a dataset in the window that runs, step through it, and measure when each position was on the screen.

python drive_the_window.py PATH [--axis t|fov|z] [--steps 20]
"""

from __future__ import annotations

import argparse
import statistics
import sys

import squidview

LENGTHS = {"t": "num_t", "fov": "num_fovs", "z": "num_z"}


def main() -> None:
    """Opens, steps, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--axis", choices=LENGTHS, default="z")
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    try:
        viewer = squidview.Viewer()
    except ConnectionError as error:
        sys.exit(f"{error}; start squidview first")
    with viewer:
        viewer.open(arguments.path)
        print(f"first picture: {1000 * viewer.wait_shown(60.0):.0f} ms")
        dataset = viewer.status()["dataset"]
        length = dataset[LENGTHS[arguments.axis]]
        if length < 2:
            sys.exit(f"{dataset['name']} has one position along {arguments.axis}, so there is nowhere to step")
        times_ms = []
        for step in range(1, arguments.steps + 1):
            position = {arguments.axis: step % length}
            viewer.set_index(**position)
            times_ms.append(1000 * viewer.wait_shown(10.0, **position))
        median = statistics.median(times_ms)
        print(f"{len(times_ms)} steps along {arguments.axis}: median {median:.1f} ms, longest {max(times_ms):.1f} ms")
        print(viewer.shown())


if __name__ == "__main__":
    main()
