"""The independent writer and reader of image files: tifffile and imagecodecs, nothing of squidview.

    image_oracle.py write FOLDER GROUP   writes the files of a group to FOLDER and prints what is in them
    image_oracle.py read FOLDER          prints every page of every TIFF file below FOLDER

Both print one JSON object. A plane is told by the zlib CRC-32 of its little-endian rows (y, x).
"""

import json
import sys
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

HEIGHT, WIDTH = 37, 50


def crc(plane):
    plane = np.ascontiguousarray(plane, dtype=plane.dtype.newbyteorder("<"))
    return f"{zlib.crc32(plane.tobytes()):08x}"


def gray(number=0, dtype="uint16"):
    return (number * 7919 + np.arange(HEIGHT * WIDTH)).astype(dtype).reshape(HEIGHT, WIDTH)


def rgb(dtype="uint8"):
    return np.stack([gray(color, dtype) for color in range(3)], axis=-1)


# Kinds of files: each with the CRC of its planes, colours one after the other.

def kinds(folder):
    written = {}

    def put(name, planes, image, **options):
        tifffile.imwrite(folder / name, image, metadata=None, **options)
        written[name] = [crc(plane) for plane in planes]

    put("big_endian.tif", [gray()], gray(), byteorder=">")
    put("big_endian_f32.tif", [gray(dtype="float32")], gray(dtype="float32"), byteorder=">")
    put("big.tif", [gray()], gray(), bigtiff=True)
    put("tiled.tif", [gray()], gray(), tile=(16, 32))
    for name in ["lzw", "zlib", "zstd"]:
        put(f"{name}.tif", [gray()], gray(), compression=name, rowsperstrip=5)
        put(f"{name}_predictor.tif", [gray()], gray(), compression=name, predictor=True, tile=(16, 16))
        put(f"{name}_big_endian.tif", [gray()], gray(), compression=name, predictor=True, byteorder=">")
    for dtype in ["uint8", "uint16"]:
        colors = [gray(color, dtype) for color in range(3)]
        options = {"photometric": "rgb"}
        put(f"rgb_{dtype}.tif", colors, rgb(dtype), **options)
        put(f"rgb_{dtype}_lzw.tif", colors, rgb(dtype), compression="lzw", predictor=True, **options)
        put(f"rgb_{dtype}_planar.tif", colors, np.stack(colors), planarconfig="separate", **options)
        put(f"rgb_{dtype}_planar_lzw.tif", colors, np.stack(colors), planarconfig="separate", compression="lzw",
            rowsperstrip=7, **options)
    return written


def white(folder):
    """Zero is white: the samples are those that were written all the same."""
    written = {}

    def put(name, image, **options):
        tifffile.imwrite(folder / name, image, photometric="miniswhite", metadata=None, **options)
        assert np.array_equal(tifffile.imread(folder / name), image)
        written[name] = [crc(image)]

    for dtype in ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"]:
        put(f"{dtype}.tif", gray(dtype=dtype) - gray(dtype=dtype).dtype.type(3), compression="zlib", predictor=True)
        put(f"{dtype}_raw.tif", gray(dtype=dtype))
    put("tiled.tif", gray(), tile=(16, 32), compression="lzw")
    put("big_endian.tif", gray(), byteorder=">")
    put("big.tif", gray(), bigtiff=True, rowsperstrip=4, compression="zstd")
    with tifffile.TiffWriter(folder / "pages.tif") as writer:
        for number, photometric in enumerate(["minisblack", "miniswhite", "minisblack"]):
            writer.write(gray(number), photometric=photometric, metadata=None, contiguous=False)
    stack = np.stack([gray(number) for number in range(3)])
    tifffile.imwrite(folder / "A1_0.ome.tiff", stack, photometric="miniswhite", ome=True, metadata={"axes": "ZYX"})
    written["A1_0.ome.tiff"] = [crc(stack[0])]
    return written


def jpegs(folder):
    """Of one value each, which no decoder rounds far."""
    gray_one = np.full((HEIGHT, WIDTH), 137, "uint8")
    (folder / "gray.jpg").write_bytes(imagecodecs.jpeg8_encode(gray_one, level=95))
    color = np.broadcast_to(np.array([200, 100, 50], "uint8"), (HEIGHT, WIDTH, 3))
    (folder / "color.jpeg").write_bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(color), level=95))
    return {"gray.jpg": [137], "color.jpeg": [200, 100, 50]}


def resolutions(folder):
    """Pixels of half a micrometre in centimetres, of 0.254 in inches; and units that say nothing."""
    for name, resolution, unit in [("centimetre.tif", 20000, "CENTIMETER"), ("inch.tif", 100000, "INCH"),
                                   ("none.tif", 20000, "NONE"), ("screen.tif", 72, "INCH")]:
        tifffile.imwrite(folder / name, gray(), resolution=(resolution, resolution), resolutionunit=unit, metadata=None)
    return {}


# A stack as Squid's `SaveMultiPageTiffJob` writes it, in an order that nobody expects.

CHANNELS = ["Fluorescence 488 nm Ex", "BF LED matrix full"]


def append(path, z, c, number, name=True):
    description = json.dumps({"z_level": z, "channel": CHANNELS[c], "channel_index": c, "region_id": "my_area", "fov": 0,
                              "x_mm": 1.0, "y_mm": 2.0, "z_mm": 3.0, "time": "2026-01-15 09:30:00.200000"})
    tags = [(285, "s", 0, CHANNELS[c], True)] if name else []
    image = gray(number)
    with tifffile.TiffWriter(path, append=True) as writer:
        writer.write(image, description=description, extratags=tags, metadata={"axes": "YX"}, contiguous=False)
    return crc(image)


def stacks(folder):
    planes, number = [], 0
    for fov in range(2):
        for t in [0, 2]:
            path = folder / str(t) / f"my_area_{fov}_stack.tiff"
            path.parent.mkdir(exist_ok=True)
            for z, c in [(2, 1), (0, 0), (1, 1), (0, 1), (2, 0), (1, 0)]:
                crc32 = append(path, z, c, number, name=number % 4 > 0)
                planes.append({"fov": fov, "t": t, "c": c, "z": z, "crc32": crc32})
                number += 1
            with tifffile.TiffFile(path) as file:
                counts = [sum(tag.code == 270 for tag in page.tags) for page in file.pages]
                assert counts == [2] * 6, counts
    return {"planes": planes}


def write(folder, group):
    folder = Path(folder)
    groups = {"kinds": kinds, "jpegs": jpegs, "white": white, "resolutions": resolutions, "stacks": stacks}
    return groups[group](folder)


def read(folder):
    files = {}
    for path in sorted(Path(folder).rglob("*.tif*")):
        with tifffile.TiffFile(path) as file:
            pages = [{"crc32": crc(page.asarray()), "description": page.description,
                      "name": page.tags[285].value if 285 in page.tags else None} for page in file.pages]
            found = {"pages": pages, "axes": file.series[0].axes, "shape": file.series[0].shape}
            if file.is_ome:
                found["planes"] = [crc(plane) for plane in file.series[0].asarray().reshape(-1, *pages_shape(file))]
                pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
                found["ome"] = {key: pixels[key] for key in ["PhysicalSizeX", "PhysicalSizeXUnit", "PhysicalSizeZ"]}
                listed = pixels["Channel"] if isinstance(pixels["Channel"], list) else [pixels["Channel"]]
                found["ome"]["channels"] = [channel["Name"] for channel in listed]
                found["ome"]["num_planes"] = len(pixels.get("Plane", []))
        files[path.relative_to(folder).as_posix()] = found
    return files


def pages_shape(file):
    return file.pages[0].shape


if __name__ == "__main__":
    modes = {"write": write, "read": read}
    print(json.dumps(modes[sys.argv[1]](*sys.argv[2:])))
