"""A writer that works while others read: tensorstore writes uniform planes as it is told.

    live_writer.py FOLDER plain|sharded T C Z

makes FOLDER/zarr/R0/fov_0.ome.zarr, (T, C, Z, Y, X), says `ready`, and answers each line of its input with the same line
once that is done: `write T C Z VALUE` fills a plane, `resize T` changes the number of timepoints.
"""

import sys
from pathlib import Path

import numpy as np
import oracle
import tensorstore as ts

HEIGHT, WIDTH = 256, 320
AXES = "tczyx"


def create(folder, kind, shape):
    t, c, z = shape
    plane = [1, 1, 1, HEIGHT, WIDTH]
    codecs, chunk = [oracle.LITTLE], plane
    if kind == "sharded":
        # As Squid's "balanced": a shard per timepoint and z-slice, a chunk per channel.
        codecs, chunk = [oracle.sharded(plane, codecs=oracle.BALANCED)], [1, c, 1, HEIGHT, WIDTH]
    metadata = {
        "shape": [t, c, z, HEIGHT, WIDTH],
        "data_type": "uint16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default"},
        "codecs": codecs,
        "fill_value": 0,
    }
    kvstore = {"driver": "file", "path": f"{folder / '0'}/"}
    store = ts.open({"driver": "zarr3", "kvstore": kvstore, "metadata": metadata}, create=True).result()
    ome = {"version": "0.5", "multiscales": [oracle.multiscale(AXES)]}
    attributes = {"ome": ome, "_squid": {"acquisition_complete": False}}
    oracle.dump(folder / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attributes})
    return store


def main():
    folder, kind, *shape = sys.argv[1:]
    store = create(Path(folder) / "zarr" / "R0" / "fov_0.ome.zarr", kind, [int(size) for size in shape])
    print("ready", flush=True)
    for line in sys.stdin:
        verb, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        if verb == "resize":
            store = store.resize(exclusive_max=[numbers[0], None, None, None, None]).result()
        else:
            *index, value = numbers
            store[tuple(index)].write(np.full((HEIGHT, WIDTH), value, np.uint16)).result()
        print(line, end="", flush=True)


if __name__ == "__main__":
    main()
