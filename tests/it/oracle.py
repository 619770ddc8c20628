"""The independent writer and reader of the tests: numpy and tensorstore, nothing of squidview (and two further writers
in `oracle_writers.py`).

    oracle.py write FOLDER GROUP   writes every layout of a group to FOLDER/NAME and prints what is in them
    oracle.py read FOLDER          prints every plane of every version 3 array below FOLDER

Both print one JSON object. A plane is named by its index along each axis and told by the zlib CRC-32 of its little-endian
rows (y, x). `write` gives {NAME: {"open": PATH, "fovs": N, "planes": [{"fov": FLAT, AXIS: INDEX, ..., "crc32": HEX}]}},
FLAT being the place in natural order and "fovs" the number of them; some planes have "stats" as `plane --stats` prints
them. `read` gives {PATH: {"INDEX,INDEX,...": HEX}} for the
axes before the last two.

Samples are their own number in C order, so that an axis which is swapped, cut or read from the wrong end gives other
planes; no plane is square.
"""

import itertools
import json
import math
import sys
import zlib
from pathlib import Path

import numpy as np
import tensorstore as ts

LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
BIG = {"name": "bytes", "configuration": {"endian": "big"}}
CRC32C = {"name": "crc32c"}
GZIP = {"name": "gzip", "configuration": {"level": 5}}
UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
DTYPES = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64".split()


# Samples.

def samples(shape, dtype="uint16", start=0):
    """Numbers from `start` on, within the range of the type; 64-bit ones near its end, floats with NaN and infinities."""
    dtype = np.dtype(dtype)
    number = np.arange(start, start + math.prod(shape), dtype=np.uint64).reshape(shape)
    if dtype == bool:
        return (number * np.uint64(2654435761) >> np.uint64(7)) % np.uint64(2) == 1
    if dtype.kind == "f":
        values = (number.astype(np.float64) % 2000 / 2 - 3).astype(dtype)
        values.flat[1::23] = np.nan
        values.flat[2::29] = -np.inf
        values.flat[3::31] = -0.0
        return values
    if dtype.itemsize == 1:
        # A prime, so that rows of no length repeat at once.
        return (number % np.uint64(251)).astype(np.uint8).view(dtype)
    if dtype == np.uint64:
        return number + np.uint64(2**64 - 2**20)
    if dtype == np.int64:
        return number.view(np.int64) - 2**62
    return number.astype(dtype) - dtype.type(100 if dtype.kind == "i" else 0)


def crc(plane):
    plane = np.ascontiguousarray(plane)
    return f"{zlib.crc32(plane.astype(plane.dtype.newbyteorder('<'), copy=False).tobytes()):08x}"


def planes_of(values, axes, fov=0, fov_axis=None, level=0):
    """Every plane of an array with these axes; along `fov_axis` the index counts on from `fov`."""
    rest = [axis for axis in axes if axis not in "yx"]
    values = np.transpose(values, [axes.index(axis) for axis in [*rest, "y", "x"]])
    for index in np.ndindex(values.shape[:-2]):
        plane = {"fov": fov, "level": level, "crc32": crc(values[index])}
        for axis, at in zip(rest, index):
            if axis == fov_axis:
                plane["fov"] = fov + at
            else:
                plane[axis] = at
        yield plane


def stats(plane):
    """As `plane --stats`; non-finite numbers as text, NaN left out of all but `first4` and `nan`."""
    def number(value):
        value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return int(value) if isinstance(value, bool) else value

    numbers = plane[~np.isnan(plane)] if plane.dtype.kind == "f" else plane
    return {
        "shape": plane.shape, "dtype": plane.dtype.name, "crc32": crc(plane),
        "first4": [number(value) for value in plane.flat[:4]],
        "min": number(numbers.min()), "max": number(numbers.max()),
        "mean": number(numbers.mean(dtype=np.float64)), "nan": plane.size - numbers.size,
    }


# Arrays.

def write_v3(folder, values, chunk, codecs=(LITTLE,), names=None, key=None, fill=0, attributes=None):
    metadata = {
        "shape": values.shape,
        "data_type": values.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": key or {"name": "default"},
        "codecs": list(codecs),
        "fill_value": bool(fill) if values.dtype == bool else fill,
        "attributes": attributes or {},
    }
    if names:
        metadata["dimension_names"] = names
    create("zarr3", folder, metadata, values)


def write_v2(folder, values, chunk, compressor=None, order="C", endian="<", separator=".", fill=0):
    kind = values.dtype.newbyteorder(endian).str
    metadata = {
        "zarr_format": 2,
        "shape": values.shape,
        "chunks": chunk,
        "dtype": kind,
        "compressor": compressor,
        "order": order,
        "fill_value": bool(fill) if values.dtype == bool else fill,
        "filters": None,
        "dimension_separator": separator,
    }
    create("zarr", folder, metadata, values)


def create(driver, folder, metadata, values):
    # Nothing here has to survive a power cut.
    kvstore = {"driver": "file", "path": f"{folder}/", "file_io_sync": False}
    store = ts.open({"driver": driver, "kvstore": kvstore, "metadata": metadata}, create=True).result()
    store.write(values).result()


def blosc_v3(cname, shuffle, typesize):
    configuration = {"cname": cname, "clevel": 5, "shuffle": shuffle, "typesize": typesize, "blocksize": 0}
    return {"name": "blosc", "configuration": configuration}


def sharded(inner, codecs=(LITTLE,), index=(LITTLE, CRC32C), location="end"):
    configuration = {
        "chunk_shape": inner, "codecs": list(codecs), "index_codecs": list(index), "index_location": location,
    }
    return {"name": "sharding_indexed", "configuration": configuration}


# Groups.

def dump(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def multiscale(axes, paths=("0",), scales=None):
    """`axes`: a text of one letter each, or a list of (name, type)."""
    entries = [axis if isinstance(axis, tuple) else (axis, TYPES.get(axis)) for axis in axes]
    scales = scales or [[1.0] * len(entries)] * len(paths)
    return {
        "axes": [
            {"name": name} | ({"type": kind} if kind else {}) | ({"unit": UNITS[name]} if name in UNITS else {})
            for name, kind in entries
        ],
        "datasets": [
            {"path": path, "coordinateTransformations": [{"type": "scale", "scale": scale}]}
            for path, scale in zip(paths, scales)
        ],
    }


def group_v3(folder, axes, **more):
    ome = {"version": "0.5", "multiscales": [multiscale(axes, **more)]}
    dump(folder / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}})


def group_v2(folder, axes, **more):
    dump(folder / ".zgroup", {"zarr_format": 2})
    dump(folder / ".zattrs", {"multiscales": [{"version": "0.4"} | multiscale(axes, **more)]})


def image(folder, axes, values, chunk, **more):
    """A group of version 3 with one array `0`; axes one letter each."""
    group_v3(folder, axes)
    write_v3(folder / "0", values, chunk, **more)


def one(path, values, axes, first=None):
    """A dataset of one FOV; `first` is its first plane, where the statistics of it are wanted too."""
    planes = list(planes_of(values, axes))
    if first is not None:
        planes[0]["stats"] = stats(first)
    return {"open": str(path), "fovs": 1, "planes": planes}


# Codecs: arrays of (c, z, y, x) whose chunks do not divide them, large enough for Blosc to compress.

SHAPE = (2, 3, 61, 78)
CHUNK = (2, 2, 37, 50)


def codecs():
    plain = {
        "gzip": [LITTLE, GZIP],
        "zstd": [LITTLE, {"name": "zstd", "configuration": {"level": 3}}],
        "zstd_checksum": [LITTLE, {"name": "zstd", "configuration": {"level": 3, "checksum": True}}],
        "crc32c": [LITTLE, CRC32C],
        "gzip_crc32c": [LITTLE, GZIP, CRC32C],
        "crc32c_gzip": [LITTLE, CRC32C, GZIP],
        "big_endian": [BIG],
        "big_endian_gzip": [BIG, GZIP],
        "transposed": [{"name": "transpose", "configuration": {"order": [3, 2, 1, 0]}}, LITTLE],
        "transposed_oddly": [{"name": "transpose", "configuration": {"order": [2, 0, 3, 1]}}, BIG, GZIP],
        "sharded_end": [sharded([1, 1, 37, 25])],
        "sharded_start": [sharded([1, 1, 37, 25], location="start")],
        "sharded_without_checksum": [sharded([1, 1, 37, 25], index=[LITTLE])],
        "sharded_big_endian": [sharded([1, 1, 37, 25], codecs=[BIG], index=[BIG, CRC32C])],
        "sharded_crc32c": [sharded([1, 2, 37, 10], codecs=[LITTLE, CRC32C], location="start")],
        "sharded_gzip": [sharded([1, 1, 37, 25], codecs=[LITTLE, GZIP])],
        "sharded_transposed": [
            sharded([1, 1, 37, 25], codecs=[{"name": "transpose", "configuration": {"order": [3, 1, 0, 2]}}, LITTLE])
        ],
        "sharded_twice": [sharded([1, 2, 37, 25], codecs=[sharded([1, 1, 37, 5])])],
        "transposed_shards": [
            {"name": "transpose", "configuration": {"order": [0, 1, 3, 2]}}, sharded([1, 1, 25, 37]),
        ],
    }
    for name, chain in plain.items():
        yield f"v3_{name}", lambda at, chain=chain: codec_v3(at, chain, "uint16")
    keys = {
        "default_dot": {"name": "default", "configuration": {"separator": "."}},
        "v2_dot": {"name": "v2"},
        "v2_slash": {"name": "v2", "configuration": {"separator": "/"}},
    }
    for name, key in keys.items():
        yield f"v3_keys_{name}", lambda at, key=key: codec_v3(at, [LITTLE], "uint16", key)
    # Four bytes a sample in version 3, two in version 2.
    for cname, shuffle in itertools.product(["lz4", "lz4hc", "zstd", "zlib", "blosclz", "snappy"],
                                            ["noshuffle", "shuffle", "bitshuffle"]):
        chain = [LITTLE, blosc_v3(cname, shuffle, 4)]
        yield f"v3_blosc_{cname}_{shuffle}", lambda at, chain=chain: codec_v3(at, chain, "uint32")
        code = ["noshuffle", "shuffle", "bitshuffle"].index(shuffle)
        compressor = {"id": "blosc", "cname": cname, "clevel": 5, "shuffle": code, "blocksize": 0}
        yield f"v2_blosc_{cname}_{shuffle}", lambda at, compressor=compressor: codec_v2(at, compressor=compressor)
    for cname, shuffle in itertools.product(["lz4", "zstd"], ["shuffle", "bitshuffle"]):
        chain = [LITTLE, blosc_v3(cname, shuffle, 8)]
        yield f"v3_blosc_{cname}_{shuffle}_blocks", lambda at, chain=chain: large(at, chain)
    yield "v3_blosc_incompressible", lambda at: large(at, [LITTLE, blosc_v3("lz4", "shuffle", 8)], noise=True)
    compressors = {"none": None, "gzip": {"id": "gzip", "level": 5}, "zlib": {"id": "zlib", "level": 5},
                   "zstd": {"id": "zstd", "level": 3}}
    for name, compressor in compressors.items():
        yield f"v2_{name}_dot", lambda at, compressor=compressor: codec_v2(at, compressor=compressor)
        yield f"v2_{name}_slash", lambda at, compressor=compressor: codec_v2(at, compressor=compressor, separator="/")
        yield (f"v2_{name}_fortran",
               lambda at, compressor=compressor: codec_v2(at, compressor=compressor, order="F", separator="/"))
    yield "v2_fortran_big_endian", lambda at: codec_v2(at, order="F", endian=">", compressor={"id": "zlib", "level": 1})
    yield "v2_big_endian", lambda at: codec_v2(at, endian=">")
    yield "v2_chunk_beyond_the_array", lambda at: codec_v2(at, chunk=(5, 1, 100, 100))


def codec_v3(at, chain, dtype, key=None):
    values = samples(SHAPE, dtype)
    group_v3(at, "czyx")
    write_v3(at / "0", values, CHUNK, chain, key=key)
    return one(".", values, "czyx")


def codec_v2(at, chunk=CHUNK, **storage):
    values = samples(SHAPE)
    group_v2(at, "czyx")
    write_v2(at / "0", values, chunk, **storage)
    return one(".", values, "czyx")


def large(at, chain, noise=False):
    """A chunk of several Blosc blocks, the last one shorter; noise is stored as it is."""
    values = samples((1, 500, 401), "float64")
    if noise:
        values = np.random.default_rng(0).integers(0, 2**64, values.shape, np.uint64)
    image(at, "cyx", values, (1, 500, 401), codecs=chain)
    return one(".", values, "cyx")


# Sample types, in both versions and byte orders, and what stands for a chunk that is absent.

def dtypes():
    for dtype, endian in itertools.product(DTYPES, ["little", "big"]):
        yield f"v3_{dtype}_{endian}", lambda at, dtype=dtype, endian=endian: dtype_v3(at, dtype, endian)
        yield f"v2_{dtype}_{endian}", lambda at, dtype=dtype, endian=endian: dtype_v2(at, dtype, endian)
    yield "v3_fill_nan", lambda at: filled(at, "float32", "NaN", np.nan)
    yield "v3_fill_half", lambda at: filled(at, "float16", 0.5, 0.5)
    yield "v3_fill_infinity", lambda at: filled(at, "float64", "-Infinity", -np.inf)
    yield "v3_fill_negative", lambda at: filled(at, "int64", -(2**60) - 1, -(2**60) - 1)
    yield "v3_fill_largest", lambda at: filled(at, "uint64", 2**64 - 1, 2**64 - 1)
    yield "v3_fill_true", lambda at: filled(at, "bool", True, True)
    yield "v2_fill_nan", lambda at: filled(at, "float32", "NaN", np.nan, version=2)
    yield "v2_fill_7", lambda at: filled(at, "uint16", 7, 7, version=2)
    yield "v2_fill_null", lambda at: filled(at, "uint16", None, 0, version=2)


def dtype_v3(at, dtype, endian):
    values = samples((3, 11, 14), dtype)
    image(at, "zyx", values, (2, 11, 9), codecs=[LITTLE if endian == "little" else BIG])
    return one(".", values, "zyx", first=values[0])


def dtype_v2(at, dtype, endian):
    values = samples((3, 11, 14), dtype)
    group_v2(at, "zyx")
    write_v2(at / "0", values, (2, 11, 9), endian="<" if endian == "little" else ">", separator="/")
    return one(".", values, "zyx", first=values[0])


def filled(at, dtype, fill, value, version=3):
    """One chunk of samples in an array that is the fill value elsewhere, whole planes of it included."""
    values = np.full((3, 11, 14), value, dtype)
    values[1, 4:8, 5:10] = samples((4, 5), dtype, start=400)
    if version == 3:
        image(at, "zyx", values, (1, 4, 5), fill=fill)
    else:
        group_v2(at, "zyx")
        write_v2(at / "0", values, (1, 4, 5), fill=fill)
    return one(".", values, "zyx")


# Axes in the order of the array; no two lengths agree.

LENGTHS = {"t": 2, "c": 3, "z": 4, "a": 5, "y": 11, "x": 14}
ORDERS = ("yx", "xy", "zyx", "cyx", "tyx", "yxc", "xyz", "xcy", "tcyx", "tzyx", "czyx", "zcyx", "xyzc", "yxzt", "tczyx",
          "tzcyx", "xyzct", "ztcxy", "cytzx")


def axes():
    for order in ORDERS:
        yield f"v3_{order}", lambda at, order=order: axes_v3(at, order)
        yield f"v2_{order}", lambda at, order=order: axes_v2(at, order)
    yield "v3_upper_case", lambda at: axes_v3(at, "tczyx", [(axis.upper(), None) for axis in "tczyx"])
    yield "v3_by_type", lambda at: axes_v3(
        at, "tcyx", [("when", "time"), ("dye", "channel"), ("row", "space"), ("column", "space")])
    yield "v3_extra_axis", lambda at: axes_v3(
        at, "tazyx", [("t", "time"), ("angle", None), ("z", "space"), ("y", "space"), ("x", "space")])
    yield "v3_dimension_names", lambda at: plain_v3(at, "xtzyc", names=["x", "time", "z", "Y", "c"])
    for order in ("yx", "zyx", "czyx", "tczyx"):
        yield f"v3_by_rank_{len(order)}", lambda at, order=order: plain_v3(at, order)
    yield "v2_by_rank_5", lambda at: plain_v2(at, "tczyx")
    yield "v2_array_alone", lambda at: plain_v2(at, "zyx", member="")


def values_along(order):
    return samples([LENGTHS[axis] for axis in order])


def chunk_along(order):
    return [{"y": 6, "x": 9}.get(axis, 2) for axis in order]


def axes_v3(at, order, entries=None):
    values = values_along(order)
    group_v3(at, entries or order)
    write_v3(at / "0", values, chunk_along(order))
    return one(".", values, order)


def axes_v2(at, order):
    values = values_along(order)
    group_v2(at, order)
    write_v2(at / "0", values, chunk_along(order), separator="/")
    return one(".", values, order)


def plain_v3(at, order, names=None):
    values = values_along(order)
    write_v3(at / "0", values, chunk_along(order), names=names)
    return one("0" if names else ".", values, order)


def plain_v2(at, order, member="0"):
    values = values_along(order)
    write_v2(at / member, values, chunk_along(order))
    return one(".", values, order)


# Acquisitions and large planes.

SIX = [("t", "time"), ("c", "channel"), ("z", "space"), ("y", "space"), ("x", "space")]
BALANCED = [
    {"name": "transpose", "configuration": {"order": [4, 3, 2, 1, 0]}}, LITTLE, blosc_v3("zstd", "bitshuffle", 2),
]


def layouts():
    yield "tiled_512_sharded", tiled_512_sharded
    yield "6d_position", lambda at: six(at, "position", "ptczyx")
    yield "6d_p", lambda at: six(at, "p", "ptczyx")
    yield "6d_fov_by_type", lambda at: six(at, "field of view", "ptczyx", "position")
    yield "6d_position_after_t", lambda at: six(at, "position", "tpczyx")
    yield "6d_dimension_names", lambda at: six_plain(at, ["p", "t", "c", "z", "y", "x"])
    yield "6d_by_rank", lambda at: six_plain(at, None)
    yield "stores_in_zarr", lambda at: stores_in_zarr(at, ".")
    yield "stores_in_zarr_opened_below", lambda at: stores_in_zarr(at, "zarr")
    yield "unequal", unequal
    yield "broken_first", lambda at: broken(at, "{\"zarr_format\": 3, ")
    yield "empty_first", lambda at: broken(at, None)
    yield "mosaic_v3", mosaic_v3
    yield "mosaic_v3_sharded", lambda at: mosaic_v3(at, shard=True)
    yield "mosaic_v2", mosaic_v2
    yield "levels", levels


def tiled_512_sharded(at):
    values = samples((2, 2, 1, 1024, 1536))
    folder = at / "zarr" / "R0" / "fov_0.ome.zarr"
    image(folder, "tczyx", values, (1, 2, 1, 1024, 1536), codecs=[sharded([1, 1, 1, 512, 512], codecs=BALANCED)])
    return one(".", values, "tczyx")


def six(at, name, order, kind=None):
    """Two regions of 3 and 2 FOVs in one array each."""
    entries = [(name, kind) if letter == "p" else (letter, TYPES[letter]) for letter in order]
    planes = []
    for region, num_fovs, first in [("A1", 3, 0), ("B2", 2, 3)]:
        lengths = {**LENGTHS, "p": num_fovs}
        values = samples([lengths[letter] for letter in order], start=1000 * first)
        ome = {"version": "0.5", "multiscales": [multiscale(entries, paths=["."])]}
        write_v3(at / "zarr" / region / "acquisition.zarr", values, (1, 1, 1, 1, 11, 14), attributes={"ome": ome})
        planes += planes_of(values, order, fov=first, fov_axis="p")
    return {"open": ".", "fovs": 5, "planes": planes}


def six_plain(at, names):
    values = samples((3, 2, 3, 4, 11, 14))
    write_v3(at / "zarr" / "A1" / "acquisition.zarr", values, (1, 1, 1, 1, 11, 14), names=names)
    return {"open": ".", "fovs": 3, "planes": list(planes_of(values, "ptczyx", fov_axis="p"))}


def stores_in_zarr(at, opened):
    """Twelve FOVs, so that natural order differs from the order of text."""
    planes = []
    for number in range(12):
        values = samples((1, 2, 1, 11, 14), start=1000 * number)
        image(at / "zarr" / f"fov_{number}.ome.zarr", "tczyx", values, (1, 1, 1, 11, 14))
        planes += planes_of(values, "tczyx", fov=number)
    return {"open": opened, "fovs": 12, "planes": planes}


def unequal(at):
    """Regions and FOVs that differ in number, shape, axes, type, chunks and codecs."""
    kinds = [
        ("A1", 0, "tczyx", (2, 1, 3, 11, 14), "uint16", (1, 1, 1, 11, 14), [LITTLE]),
        ("A1", 1, "tczyx", (1, 2, 1, 20, 7), "uint8", (1, 1, 1, 6, 4), [LITTLE, GZIP]),
        ("A2", 0, "czyx", (3, 2, 9, 10), "float32", (1, 2, 9, 10), [BIG]),
        ("A10", 0, "tczyx", (1, 1, 1, 5, 40), "int32", (1, 1, 1, 5, 40), [sharded([1, 1, 1, 5, 8])]),
        ("A10", 1, "yx", (30, 31), "uint64", (7, 31), [LITTLE, CRC32C]),
        ("A10", 2, "tczyx", (2, 2, 2, 11, 14), "uint16", (1, 1, 1, 11, 14), [LITTLE]),
    ]
    planes = []
    for fov, (region, number, order, shape, dtype, chunk, chain) in enumerate(kinds):
        values = samples(shape, dtype, start=1000 * fov)
        image(at / "zarr" / region / f"fov_{number}.ome.zarr", order, values, chunk, codecs=chain)
        planes += planes_of(values, order, fov=fov)
    return {"open": ".", "fovs": len(kinds), "planes": planes}


def broken(at, document):
    """The first FOV has a document that is cut off, or nothing at all."""
    first = at / "zarr" / "R0" / "fov_0.ome.zarr"
    first.mkdir(parents=True)
    if document is not None:
        (first / "zarr.json").write_text(document)
    planes = []
    for number in (1, 2):
        values = samples((2, 2, 1, 11, 14), start=1000 * number)
        image(at / "zarr" / "R0" / f"fov_{number}.ome.zarr", "tczyx", values, (1, 1, 1, 11, 14))
        planes += planes_of(values, "tczyx", fov=number)
    return {"open": ".", "fovs": 3, "planes": planes}


def sparse(shape, dtype):
    """A large plane, samples in the corners and in the middle, fill elsewhere."""
    values = np.zeros(shape, dtype)
    height, width = shape[-2:]
    for place, (y, x) in enumerate([(0, 0), (0, width - 300), (height - 200, 0), (height - 200, width - 300),
                                    (height // 2, width // 2)]):
        values[..., y:y + 200, x:x + 300] = samples((*shape[:-2], 200, 300), dtype, start=7 * place + 1)
    return values


def mosaic_v3(at, shard=False):
    values = sparse((2, 4500, 5300), "uint8")
    if shard:
        image(at, "cyx", values, (1, 2048, 2048), codecs=[sharded([1, 512, 512], codecs=[LITTLE, GZIP])])
    else:
        image(at, "cyx", values, (1, 700, 900), codecs=[LITTLE, GZIP])
    return one(".", values, "cyx", first=values[0])


def mosaic_v2(at):
    values = sparse((5300, 4500), "uint16")
    group_v2(at, "xy")
    write_v2(at / "0", values, (1000, 1300), compressor={"id": "zlib", "level": 1}, order="F", endian=">")
    return one(".", values, "xy")


def levels(at):
    """Levels of a pyramid, fewer slices at each, all of their own samples; the last one in other chunks and codecs."""
    paths, planes = ["full", "half", "quarter"], []
    group_v3(at, "zyx", paths=paths, scales=[[2.0**level] * 3 for level in range(3)])
    for level, (path, shape) in enumerate(zip(paths, [(5, 44, 58), (3, 22, 29), (2, 11, 15)])):
        values = samples(shape, start=20000 * level)
        write_v3(at / path, values, (1, 16, 20) if level < 2 else (2, 11, 15), [LITTLE] if level < 2 else [BIG, GZIP])
        planes += planes_of(values, "zyx", level=level)
    return {"open": ".", "fovs": 1, "planes": planes}


def writers():
    """Needs more than tensorstore, so it is loaded only when it is asked for."""
    from oracle_writers import writers as all_of_them
    yield from all_of_them()


GROUPS = {"codecs": codecs, "dtypes": dtypes, "axes": axes, "layouts": layouts, "writers": writers}


def write(folder, group):
    written = {}
    for name, build in GROUPS[group]():
        at = Path(folder) / name
        at.mkdir(parents=True)
        written[name] = build(at)
    return written


def read(folder):
    arrays = {}
    for document in sorted(Path(folder).rglob("zarr.json")):
        if json.loads(document.read_text())["node_type"] != "array":
            continue
        at = document.parent
        store = ts.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{at}/"}}, open=True).result()
        values = store.read().result()
        planes = {",".join(map(str, index)): crc(values[index]) for index in np.ndindex(values.shape[:-2])}
        arrays[at.relative_to(folder).as_posix()] = planes
    return arrays


if __name__ == "__main__":
    modes = {"write": write, "read": read}
    print(json.dumps(modes[sys.argv[1]](*sys.argv[2:])))
