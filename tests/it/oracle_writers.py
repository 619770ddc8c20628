"""The same content by every writer: tensorstore, zarr-python and ome-zarr-py, read back plane by plane.

`oracle.py` is the frame; this is its group `writers`, apart because only it needs zarr-python and ome-zarr-py.
"""

import json
import warnings

import numcodecs
import numpy as np
import zarr

from oracle import LITTLE, crc, group_v2, group_v3, planes_of, samples, sharded, write_v2, write_v3

warnings.filterwarnings("ignore")

AXES = "tczyx"
SHAPE = (2, 3, 4, 45, 58)
CHUNKS = (1, 1, 2, 20, 30)
SCALES = [[2.0, 1.0, 1.5, 0.5, 0.25], [2.0, 1.0, 1.5, 1.0, 0.5]]


def pyramid():
    """Two levels, the second of every other pixel."""
    values = samples(SHAPE)
    return [values, np.ascontiguousarray(values[..., ::2, ::2])]


def dataset(open_at="."):
    planes = []
    for level, values in enumerate(pyramid()):
        planes += planes_of(values, AXES, level=level)
    return {"open": open_at, "fovs": 1, "planes": planes}


def writers():
    yield "tensorstore_v2", tensorstore_v2
    yield "tensorstore_v3", tensorstore_v3
    yield "tensorstore_v3_sharded", lambda at: tensorstore_v3(at, [sharded([1, 1, 1, 10, 15])])
    yield "zarr_python_v2", lambda at: zarr_python(at, 2)
    yield "zarr_python_v3", lambda at: zarr_python(at, 3)
    yield "zarr_python_v2_consolidated", lambda at: zarr_python(at, 2, consolidated=True)
    yield "zarr_python_v3_consolidated", lambda at: zarr_python(at, 3, consolidated=True)
    yield "zarr_python_v3_sharded", lambda at: zarr_python(at, 3, shards=(1, 3, 4, 40, 60))
    yield "ome_zarr_py_0_4", lambda at: ome_zarr_py(at, "0.4")
    yield "ome_zarr_py_0_5", lambda at: ome_zarr_py(at, "0.5")
    yield "ome_zarr_py_0_4_plate", lambda at: ome_zarr_py_plate(at, "0.4")
    yield "ome_zarr_py_0_5_plate", lambda at: ome_zarr_py_plate(at, "0.5")
    for name, filters in FILTERS.items():
        yield f"filter_{name}", lambda at, filters=filters: filtered(at, filters)
    for name, filters in LOSSY.items():
        yield f"filter_{name}", lambda at, filters=filters: lossy(at, filters)
    for name, compressor in COMPRESSORS.items():
        yield f"compressor_{name}", lambda at, compressor=compressor: filtered(at, [], compressor)
    for name, chain in CHAINS.items():
        yield f"numcodecs_{name}", lambda at, chain=chain: numcodecs_v3(at, chain)


def tensorstore_v2(at):
    group_v2(at, AXES, paths=("0", "1"), scales=SCALES)
    for level, values in enumerate(pyramid()):
        write_v2(at / str(level), values, CHUNKS, {"id": "zlib", "level": 1}, separator="/")
    return dataset()


def tensorstore_v3(at, codecs=(LITTLE,)):
    group_v3(at, AXES, paths=("0", "1"), scales=SCALES)
    for level, values in enumerate(pyramid()):
        write_v3(at / str(level), values, CHUNKS, codecs)
    return dataset()


def zarr_python(at, version, consolidated=False, shards=None):
    (group_v2 if version == 2 else group_v3)(at, AXES, paths=("0", "1"), scales=SCALES)
    group = zarr.open_group(str(at), mode="r+", zarr_format=version)
    for level, values in enumerate(pyramid()):
        fits = shards if level == 0 else None
        array = group.create_array(str(level), shape=values.shape, dtype=values.dtype, chunks=CHUNKS, shards=fits)
        array[:] = values
    if consolidated:
        zarr.consolidate_metadata(str(at), zarr_format=version)
    return dataset()


def ome_format(version):
    from ome_zarr.format import FormatV04, FormatV05
    return {"0.4": FormatV04, "0.5": FormatV05}[version]()


def ome_image(group, fmt):
    from ome_zarr.writer import write_multiscale
    transforms = [[{"type": "scale", "scale": scale}] for scale in SCALES]
    write_multiscale(pyramid(), group, fmt=fmt, axes=list(AXES), coordinate_transformations=transforms,
                     storage_options={"chunks": CHUNKS})


def ome_group(at, fmt):
    return zarr.open_group(str(at), mode="w", zarr_format=fmt.zarr_format)


def ome_zarr_py(at, version):
    """An image with label images of its own writer."""
    from ome_zarr.writer import write_multiscale_labels
    fmt = ome_format(version)
    group = ome_group(at, fmt)
    ome_image(group, fmt)
    cells = [(values[:, :1] % 5).astype(np.uint32) for values in pyramid()]
    transforms = [[{"type": "scale", "scale": scale}] for scale in SCALES]
    write_multiscale_labels(cells, group, "cells", fmt=fmt, axes=list(AXES), coordinate_transformations=transforms,
                            label_metadata={"colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}]})
    return dataset() | {"labels": {"cells": [crc(plane) for plane in cells[0].reshape(-1, *SHAPE[-2:])]}}


def ome_zarr_py_plate(at, version):
    """Two wells of two fields, of two acquisitions."""
    from ome_zarr.writer import write_plate_metadata, write_well_metadata
    fmt = ome_format(version)
    plate = ome_group(at, fmt)
    wells = ["A/2", "B/10"]
    write_plate_metadata(plate, ["A", "B"], ["2", "10"], wells, fmt=fmt, acquisitions=[{"id": 0}, {"id": 3}])
    planes = []
    for place, path in enumerate(wells):
        well = plate.require_group(path)
        images = [{"path": "0", "acquisition": 0}, {"path": "second", "acquisition": 3}]
        write_well_metadata(well, images, fmt=fmt)
        for field, image in enumerate(images):
            ome_image(well.require_group(image["path"]), fmt)
            for level, values in enumerate(pyramid()):
                planes += planes_of(values, AXES, fov=2 * place + field, level=level)
    return {"open": ".", "fovs": 4, "planes": planes}


# Filters of Zarr v2.

FILTERS = {
    "shuffle": [{"id": "shuffle", "elementsize": 2}],
    "fixedscaleoffset": [{"id": "fixedscaleoffset", "offset": 0, "scale": 1, "dtype": "<u2", "astype": "<u4"}],
    "fletcher32": [{"id": "fletcher32"}],
    "adler32": [{"id": "adler32"}],
    "zlib": [{"id": "zlib", "level": 1}],
    "gzip": [{"id": "gzip", "level": 1}],
    "zstd": [{"id": "zstd", "level": 1}],
    "bz2": [{"id": "bz2", "level": 1}],
    "blosc": [{"id": "blosc", "cname": "zstd", "clevel": 5, "shuffle": 1, "blocksize": 0}],
    "shuffle_zlib": [{"id": "shuffle", "elementsize": 2}, {"id": "zlib", "level": 1}],
    "zstd_fletcher32": [{"id": "zstd", "level": 1}, {"id": "fletcher32"}],
    "shuffle_fletcher32": [{"id": "shuffle", "elementsize": 2}, {"id": "fletcher32"}],
    "two": [{"id": "fixedscaleoffset", "offset": 0, "scale": 1, "dtype": "<u2", "astype": "<u4"},
            {"id": "shuffle", "elementsize": 4}],
}


# Compressors of Zarr v2 that its writers seldom use.
COMPRESSORS = {
    "bz2": {"id": "bz2", "level": 9},
    "shuffle": {"id": "shuffle", "elementsize": 2},
    "fletcher32": {"id": "fletcher32"},
    "adler32": {"id": "adler32"},
}

# Filters of Zarr v2 that lose something: what the writer reads back counts.
LOSSY = {
    "scaled_u1": [{"id": "fixedscaleoffset", "offset": 0, "scale": 0.25, "dtype": "<f4", "astype": "|u1"}],
    "scaled_f8_u1": [{"id": "fixedscaleoffset", "offset": -300, "scale": 0.1, "dtype": "<f8", "astype": "|u1"}],
    "scaled_i1": [{"id": "fixedscaleoffset", "offset": 500, "scale": 0.1, "dtype": "<f4", "astype": "|i1"}],
    "scaled_u2_u1": [{"id": "fixedscaleoffset", "offset": 3, "scale": 0.1, "dtype": "<u2", "astype": "|u1"}],
    "scaled_f4": [{"id": "fixedscaleoffset", "offset": 0.1, "scale": 0.3, "dtype": "<f8", "astype": "<f4"}],
    "scaled_big": [{"id": "fixedscaleoffset", "offset": 0.5, "scale": 10, "dtype": "<f4", "astype": ">i4"},
                   {"id": "shuffle", "elementsize": 4}],
    "bitround": [{"id": "bitround", "keepbits": 4}],
    "bitround_shuffle": [{"id": "bitround", "keepbits": 4}, {"id": "shuffle", "elementsize": 4}],
}

# Chains of Zarr v3 by the names of numcodecs, after `bytes`.
CHAINS = {
    "bz2": [{"name": "numcodecs.bz2", "configuration": {"level": 9}}],
    "zlib": [{"name": "numcodecs.zlib", "configuration": {}}],
    "gzip": [{"name": "numcodecs.gzip", "configuration": {"level": 1}}],
    "zstd": [{"name": "numcodecs.zstd", "configuration": {}}],
    "blosc": [{"name": "numcodecs.blosc", "configuration": {"cname": "zstd", "clevel": 5, "shuffle": 2, "blocksize": 0}}],
    "crc32c": [{"name": "numcodecs.crc32c", "configuration": {}}],
    "shuffle_zlib": [{"name": "numcodecs.shuffle", "configuration": {"elementsize": 2}},
                     {"name": "numcodecs.zlib", "configuration": {}}],
    "shuffle_blosc": [{"name": "numcodecs.shuffle", "configuration": {"elementsize": 2}},
                      {"name": "numcodecs.blosc", "configuration": {"cname": "lz4", "clevel": 5, "shuffle": 0, "blocksize": 0}}],
    "zstd_crc32c_adler32": [{"name": "numcodecs.zstd", "configuration": {}}, {"name": "numcodecs.crc32c", "configuration": {}},
                            {"name": "numcodecs.adler32", "configuration": {}}],
}


def filtered(at, filters, compressor=None, values=None):
    values = samples((3, 45, 58)) if values is None else values
    group_v2(at, "zyx")
    filters = [numcodecs.get_codec(dict(filter)) for filter in filters]
    compressor = compressor and numcodecs.get_codec(dict(compressor))
    array = zarr.create_array(str(at / "0"), shape=values.shape, dtype=values.dtype, chunks=(1, 20, 30), zarr_format=2,
                              filters=filters, compressors=compressor, overwrite=True)
    array[:] = values
    return {"open": ".", "fovs": 1, "planes": list(planes_of(array[:], "zyx"))}


def lossy(at, filters):
    values = samples((3, 45, 58)) % 1000
    return filtered(at, filters, values=values.astype(filters[0].get("dtype", "<f4")))


def numcodecs_v3(at, chain):
    """The document and the chunks by numcodecs itself: which of its codecs zarr-python takes differs with its version."""
    values = samples((3, 40, 60))
    write_v3(at / "0", values, (1, 40, 60), [LITTLE])
    group_v3(at, "zyx")
    path = at / "0" / "zarr.json"
    document = json.loads(path.read_text())
    document["codecs"] = [LITTLE, *chain]
    path.write_text(json.dumps(document))
    for z, plane in enumerate(values):
        encoded = plane.astype("<u2").tobytes()
        for codec in chain:
            config = {"id": codec["name"].removeprefix("numcodecs."), **codec["configuration"]}
            encoded = bytes(numcodecs.get_codec(config).encode(encoded))
        (at / "0" / "c" / str(z) / "0" / "0").write_bytes(encoded)
    return {"open": ".", "fovs": 1, "planes": list(planes_of(values, "zyx"))}
