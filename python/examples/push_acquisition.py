"""Write a small acquisition and announce every plane, as a microscope's software would.

    python push_acquisition.py [FOLDER] [--interval-ms 200]

One OME-Zarr store per FOV, (T, C, Z, Y, X), written with nothing but the standard library: a chunk of an uncompressed
Zarr array is a file of samples. The viewer is started if none runs.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from array import array
from pathlib import Path

import squidview

CHANNELS = {"DAPI": "0000FF", "GFP": "00FF00"}
FOV_LABELS = ["A1:0", "A1:1", "B2:0"]
NUM_T, NUM_Z, SIDE_PX = 5, 3, 256


def main() -> None:
    """Writes and announces plane by plane."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="a new folder; left out: a temporary one")
    parser.add_argument("--interval-ms", type=float, default=200.0)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="squidview-push-"))
    stores = [folder / "zarr" / label.replace(":", "/fov_") for label in FOV_LABELS]
    stores = [store.with_name(f"{store.name}.ome.zarr") for store in stores]

    viewer = squidview.LightweightViewer()
    # Before any store exists: the viewer knows from now on what will come.
    viewer.start_zarr_acquisition(
        fov_paths=[str(store) for store in stores],
        channels=list(CHANNELS),
        num_z=NUM_Z,
        fov_labels=FOV_LABELS,
        height=SIDE_PX,
        width=SIDE_PX,
    )
    for store in stores:
        make_store(store)
    for t in range(NUM_T):
        for fov_idx, store in enumerate(stores):
            for z in range(NUM_Z):
                for c, channel in enumerate(CHANNELS):
                    write_plane(store, t, c, z, fov_idx)
                    viewer.notify_zarr_frame(t, fov_idx, z, channel)
                time.sleep(arguments.interval_ms / 1000)
    viewer.end_zarr_acquisition()
    viewer.flush(2.0)
    viewer.close()
    print(f"{NUM_T * len(stores) * NUM_Z * len(CHANNELS)} planes in {folder}")


def make_store(store: Path) -> None:
    """The two metadata files of an NGFF 0.5 image with one level."""
    axes = [("t", "time", "second"), ("c", "channel", None), ("z", "space", "micrometer")]
    axes += [("y", "space", "micrometer"), ("x", "space", "micrometer")]
    scale = {"type": "scale", "scale": [60.0, 1.0, 1.5, 0.325, 0.325]}
    image = {
        "axes": [{"name": name, "type": kind, **({"unit": unit} if unit else {})} for name, kind, unit in axes],
        "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
    }
    channels = [{"label": label, "color": color, "active": True} for label, color in CHANNELS.items()]
    ome = {"version": "0.5", "multiscales": [image], "omero": {"channels": channels}}
    write_json(store / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}})
    grid = {"name": "regular", "configuration": {"chunk_shape": [1, 1, 1, SIDE_PX, SIDE_PX]}}
    level = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [NUM_T, len(CHANNELS), NUM_Z, SIDE_PX, SIDE_PX],
        "data_type": "uint16",
        "chunk_grid": grid,
        "chunk_key_encoding": {"name": "default"},
        "fill_value": 0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "attributes": {},
    }
    write_json(store / "0" / "zarr.json", level)


def write_plane(store: Path, t: int, c: int, z: int, fov_idx: int) -> None:
    """A disc on a gradient; written beside and renamed, so that nobody reads half a plane."""
    center = SIDE_PX // 2 + 20 * (fov_idx - 1)
    radius = 30 + 10 * t + 8 * z
    samples = array("H")
    for y in range(SIDE_PX):
        row = (100 + x if (x - center) ** 2 + (y - center) ** 2 > radius**2 else 2000 + 500 * c for x in range(SIDE_PX))
        samples.extend(row)
    chunk = store / "0" / "c" / str(t) / str(c) / str(z) / "0" / "0"
    chunk.parent.mkdir(parents=True, exist_ok=True)
    beside = chunk.with_suffix(".tmp")
    beside.write_bytes(samples.tobytes())
    beside.replace(chunk)


def write_json(path: Path, document: object) -> None:
    """Writes a document; folders above are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2), "utf-8")


if __name__ == "__main__":
    main()
