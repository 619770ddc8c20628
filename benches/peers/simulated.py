"""Acquisitions that squidview writes, once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def simulated(program: str, data: Path, options: list[str]) -> Path:
    """A folder that squidview writes unless it is there."""
    if not data.exists():
        part = data.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        command = [program, "simulate", str(part), *options, "--interval-ms", "0"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        part.rename(data)
    return data


def store_of(data: Path) -> Path:
    """The only store of an acquisition."""
    return next(data.glob("zarr/*/fov_0.ome.zarr"))
