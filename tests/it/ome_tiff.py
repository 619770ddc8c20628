"""What tifffile writes: OME-TIFF of every kind, and acquisitions as Squid fills them. Prints the CRC of every plane.

Squid `control/core/job_processing.py` (`SaveOMETiffJob`) and `control/core/utils_ome_tiff_writer.py`: a file is made for
the whole series with `imwrite(shape=...)`, filled through `memmap`, and the notes in the folder for temporary files list
what is written.
"""

import hashlib
import itertools
import json
import os
import sys
import tempfile
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import numpy as np
import tifffile

OME = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def samples(shape, dtype="uint16", start=1):
    """Each sample is its own number, so that a swapped axis shows."""
    count = int(np.prod(shape))
    if np.dtype(dtype).kind == "f":
        return ((np.arange(count) + start) / 8).astype(dtype).reshape(shape)
    return ((np.arange(count) + start) % min(2**31, np.iinfo(dtype).max + 1)).astype(dtype).reshape(shape)


def crc(plane):
    plane = np.ascontiguousarray(plane)
    return f"{zlib.crc32(plane.astype(plane.dtype.newbyteorder('<')).tobytes()):08x}"


def planes_of(values, axes, fov=0, level=0):
    """One entry per (y, x) plane; `axes` has no S, colours are C."""
    found = []
    order = [axes.index(axis) for axis in axes if axis not in "YX"]
    flat = np.moveaxis(values, [axes.index("Y"), axes.index("X")], [-2, -1])
    for index in np.ndindex(flat.shape[:-2]):
        at = {axes[axis].lower(): index[place] for place, axis in enumerate(order)}
        found.append({"fov": fov, "level": level, "t": at.get("t", 0), "c": at.get("c", 0), "z": at.get("z", 0),
                      "crc32": crc(flat[index])})
    return found


def one(path, values, axes, fovs=1, **options):
    metadata = {"axes": axes}
    tifffile.imwrite(path, values, ome=True, metadata=metadata, **options)
    return {"open": path.name, "fovs": fovs, "planes": planes_of(values, axes)}


def orders(folder):
    for order in itertools.permutations("TZC"):
        axes = "".join(order) + "YX"
        shape = tuple({"T": 2, "Z": 3, "C": 4}[axis] for axis in order) + (12, 20)
        yield axes, one(folder / f"{axes}.ome.tif", samples(shape), axes)
    for axes, shape in [("ZYX", (3, 12, 20)), ("CYX", (2, 12, 20)), ("YX", (12, 20)), ("TCYX", (3, 2, 12, 20))]:
        yield axes, one(folder / f"{axes}.ome.tif", samples(shape), axes)


def storage(folder):
    shape = (3, 70, 90)
    kinds = {
        "big_endian": {"byteorder": ">"},
        "bigtiff": {"bigtiff": True},
        "bigtiff_big_endian": {"bigtiff": True, "byteorder": ">"},
        "strips": {"rowsperstrip": 7},
        "tiles": {"tile": (32, 48)},
        "tiles_big_endian": {"tile": (16, 16), "byteorder": ">"},
        "lzw": {"compression": "lzw"},
        "deflate": {"compression": "zlib"},
        "zstd": {"compression": "zstd"},
        "packbits": {"compression": "packbits", "rowsperstrip": 9},
        "lzw_predictor": {"compression": "lzw", "predictor": 2, "tile": (32, 32)},
        "deflate_predictor_big_endian": {"compression": "zlib", "predictor": 2, "byteorder": ">", "rowsperstrip": 11},
        "zstd_predictor": {"compression": "zstd", "predictor": 2},
    }
    for name, options in kinds.items():
        yield name, one(folder / f"{name}.ome.tif", samples(shape), "ZYX", **options)
    for name in ["float32", "float64"]:
        options = {"compression": "zlib", "predictor": 3}
        yield f"{name}_predictor", one(folder / f"{name}_p.ome.tif", samples(shape, name), "ZYX", **options)
    for name in ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]:
        for byteorder in "<>":
            path = folder / f"{name}_{'le' if byteorder == '<' else 'be'}.ome.tif"
            if name in ("uint64", "int64", "float16"):
                # Not in the schema, but in files.
                xml = document([image("x", "uint16", dict(X=90, Y=70, Z=3, C=1, T=1), "<TiffData/>")])
                tifffile.imwrite(path, samples(shape, name), byteorder=byteorder, description=xml, metadata=None,
                                 photometric="minisblack")
                yield path.stem, {"open": path.name, "fovs": 1, "planes": planes_of(samples(shape, name), "ZYX")}
            else:
                yield path.stem, one(path, samples(shape, name), "ZYX", byteorder=byteorder)


def colours(folder):
    for name, dtype, options in [("rgb", "uint8", {}), ("rgb16_tiles", "uint16", {"tile": (32, 32)}),
                                 ("rgb_lzw", "uint8", {"compression": "lzw", "predictor": 2})]:
        values = samples((2, 70, 90, 3), dtype)
        path = folder / f"{name}.ome.tif"
        tifffile.imwrite(path, values, ome=True, photometric="rgb", metadata={"axes": "ZYXS"}, **options)
        yield name, {"open": path.name, "fovs": 1, "planes": planes_of(np.moveaxis(values, -1, 1), "ZCYX")}
    values = samples((2, 3, 70, 90), "uint8")
    path = folder / "rgb_planar.ome.tif"
    tifffile.imwrite(path, values, ome=True, photometric="rgb", planarconfig="separate", metadata={"axes": "ZSYX"})
    yield "rgb_planar", {"open": path.name, "fovs": 1, "planes": planes_of(values, "ZCYX")}
    values = samples((2, 2, 70, 90, 3), "uint8")
    path = folder / "two_channels_of_rgb.ome.tif"
    tifffile.imwrite(path, values, ome=True, photometric="rgb", metadata={"axes": "ZCYXS"})
    flat = np.moveaxis(values, -1, 2).reshape(2, 6, 70, 90)
    yield "two_channels_of_rgb", {"open": path.name, "fovs": 1, "planes": planes_of(flat, "ZCYX")}


def image(name, dtype, size, inside, order="XYZCT"):
    sizes = " ".join(f'Size{axis}="{length}"' for axis, length in size.items())
    return f'<Image Name="{name}"><Pixels DimensionOrder="{order}" Type="{dtype}" {sizes}>{inside}</Pixels></Image>'


def document(images, uuid="urn:uuid:own"):
    return f'<?xml version="1.0"?><OME xmlns="{OME}" UUID="{uuid}">{"".join(images)}</OME>'


def several(folder):
    path = folder / "images.ome.tif"
    planes = []
    with tifffile.TiffWriter(path, ome=True) as writer:
        for fov, (axes, shape) in enumerate([("ZYX", (2, 12, 20)), ("TYX", (3, 16, 24)), ("CYX", (2, 12, 20))]):
            values = samples(shape, start=1000 * fov)
            writer.write(values, metadata={"axes": axes, "Name": f"place {fov}"})
            planes += planes_of(values, axes, fov=fov)
    yield "images", {"open": path.name, "fovs": 3, "planes": planes}
    # A file per timepoint, each with the same document.
    (folder / "files").mkdir()
    values = samples((2, 3, 12, 20))
    names = ["first.ome.tif", "second.ome.tif"]
    data = "".join(f'<TiffData IFD="0" FirstT="{t}" PlaneCount="3"><UUID FileName="{name}">urn:uuid:{t}</UUID></TiffData>'
                   for t, name in enumerate(names))
    size = dict(X=20, Y=12, Z=3, C=1, T=2)
    for t, name in enumerate(names):
        xml = document([image("x", "uint16", size, data)], f"urn:uuid:{t}")
        tifffile.imwrite(folder / "files" / name, values[t], description=xml, metadata=None, photometric="minisblack")
    for name in names:
        yield f"files_{name}", {"open": f"files/{name}", "fovs": 1, "planes": planes_of(values, "TZYX")}
    # The document in a file of its own, of which each TIFF has only the name.
    (folder / "companion").mkdir()
    (folder / "companion" / "all.companion.ome").write_text(document([image("x", "uint16", size, data)], "urn:uuid:all"))
    for t, name in enumerate(names):
        xml = (f'<?xml version="1.0"?><OME xmlns="{OME}" UUID="urn:uuid:{t}">'
               '<BinaryOnly MetadataFile="all.companion.ome" UUID="urn:uuid:all"/></OME>')
        tifffile.imwrite(folder / "companion" / name, values[t], description=xml, metadata=None, photometric="minisblack")
        yield f"companion_{name}", {"open": f"companion/{name}", "fovs": 1, "planes": planes_of(values, "TZYX")}
    yield "companion", {"open": "companion/all.companion.ome", "fovs": 1, "planes": planes_of(values, "TZYX")}
    # Pages in another order than planes, one element per plane.
    values = samples((6, 12, 20))
    data = "".join(f'<TiffData IFD="{5 - at}" FirstZ="{at % 3}" FirstC="{at // 3}"/>' for at in range(6))
    xml = document([image("x", "uint16", dict(X=20, Y=12, Z=3, C=2, T=1), data)])
    path = folder / "backwards.ome.tif"
    tifffile.imwrite(path, values, description=xml, metadata=None, photometric="minisblack")
    yield "backwards", {"open": path.name, "fovs": 1, "planes": planes_of(values[::-1].reshape(2, 3, 12, 20), "CZYX")}
    # Renamed after it was written, without a UUID of its own.
    data = '<TiffData IFD="0" PlaneCount="3"><UUID FileName="what_it_was.ome.tif">urn:uuid:other</UUID></TiffData>'
    xml = document([image("x", "uint16", dict(X=20, Y=12, Z=3, C=1, T=1), data)])
    path = folder / "renamed.ome.tif"
    tifffile.imwrite(path, values[:3], description=xml, metadata=None, photometric="minisblack")
    yield "renamed", {"open": path.name, "fovs": 1, "planes": planes_of(values[:3], "ZYX")}
    # Any name will do.
    path = folder / "plain_name.tif"
    tifffile.imwrite(path, samples((2, 12, 20)), ome=True, metadata={"axes": "TYX"})
    yield "plain_name", {"open": path.name, "fovs": 1, "planes": planes_of(samples((2, 12, 20)), "TYX")}


def pyramid(folder):
    path = folder / "levels.ome.tif"
    levels = [samples((2, 3, 5000 // step, 4400 // step), start=step) for step in (1, 2, 4)]
    with tifffile.TiffWriter(path, ome=True) as writer:
        options = {"tile": (512, 512), "compression": "zlib"}
        writer.write(levels[0], subifds=2, metadata={"axes": "CZYX"}, **options)
        for level in levels[1:]:
            writer.write(level, subfiletype=1, **options)
    planes = [entry for at, level in enumerate(levels) for entry in planes_of(level, "CZYX", level=at)]
    yield "levels", {"open": path.name, "fovs": 1, "planes": planes}


def numbered(at, dtype, size, inside):
    return image(f"image {at}", dtype, size, inside).replace("<Image ", f'<Image ID="Image:{at}" ')


def plate(places, acquisitions=()):
    """`places`: row, column and images of each well."""
    wells, number = [], 0
    for row, column, images in places:
        samples_xml = []
        for at in images:
            samples_xml.append(f'<WellSample ID="WellSample:{number}" Index="{number}"><ImageRef ID="Image:{at}"/></WellSample>')
            number += 1
        wells.append(f'<Well ID="Well:{row}:{column}" Row="{row}" Column="{column}">{"".join(samples_xml)}</Well>')
    runs = ""
    for at, members in enumerate(acquisitions):
        refs = "".join(f'<WellSampleRef ID="WellSample:{member}"/>' for member in members)
        runs += f'<PlateAcquisition ID="PlateAcquisition:{at}">{refs}</PlateAcquisition>'
    return f'<Plate ID="Plate:0" Name="p" Rows="8" Columns="12">{"".join(wells)}{runs}</Plate>'


PLACES = [(1, 1, [3]), (0, 10, [2]), (0, 1, [1, 0])]


def plates(folder):
    size = dict(X=20, Y=12, Z=1, C=2, T=1)
    values = samples((4, 2, 12, 20))
    # In one file, images in another order than wells.
    data = [f'<TiffData IFD="{2 * at}" PlaneCount="2"/>' for at in range(4)]
    images = [numbered(at, "uint16", size, data[at]) for at in range(4)]
    xml = document([plate(PLACES, [[0, 1], [2, 3]])] + images)
    tifffile.imwrite(folder / "plate.ome.tif", values.reshape(8, 12, 20), description=xml, metadata=None,
                     photometric="minisblack")
    # A2 with images 1 and 0, A11, B2.
    planes = [entry for fov, at in enumerate([1, 0, 2, 3]) for entry in planes_of(values[at], "CYX", fov=fov)]
    yield "plate", {"open": "plate.ome.tif", "fovs": 4, "planes": planes}
    # A file per image, each with the document of the whole plate.
    (folder / "set").mkdir()
    names = [f"field_{at}.ome.tif" for at in range(4)]
    images = [numbered(at, "uint16", size, f'<TiffData IFD="0" PlaneCount="2"><UUID FileName="{name}">urn:uuid:{at}</UUID>'
                                           '</TiffData>') for at, name in enumerate(names)]
    for at, name in enumerate(names):
        xml = document([plate(PLACES)] + images, f"urn:uuid:{at}")
        tifffile.imwrite(folder / "set" / name, values[at], description=xml, metadata=None, photometric="minisblack")
    yield "set", {"open": "set", "fovs": 4, "planes": planes}
    yield "of_set", {"open": "set/field_2.ome.tif", "fovs": 4, "planes": planes}


def many(folder):
    size = dict(X=20, Y=12, Z=1, C=1, T=1)
    values = samples((20, 12, 20))
    images = [numbered(at, "uint16", size, f'<TiffData IFD="{at}"/>') for at in range(20)]
    xml = document([plate([(2, 4, range(20))])] + images)
    tifffile.imwrite(folder / "many.ome.tif", values, description=xml, metadata=None, photometric="minisblack")
    planes = [entry for at in range(20) for entry in planes_of(values[at], "YX", fov=at)]
    yield "many", {"open": "many.ome.tif", "fovs": 20, "planes": planes}


def folders(folder):
    """Files of all kinds in one folder: each is a FOV, or as many as its document has images."""
    root = folder / "any"
    (root / "0").mkdir(parents=True)
    values = samples((2, 12, 20))
    tifffile.imwrite(root / "a cell.ome.tif", values, ome=True, metadata={"axes": "CYX"})
    tifffile.imwrite(root / "plain.tif", values[0] + 100, metadata=None, photometric="minisblack")
    with tifffile.TiffWriter(root / "two.ome.tiff", ome=True) as writer:
        for at in range(2):
            writer.write(values + 200 * at, metadata={"axes": "TYX", "Name": f"place {at}"})
    planes = planes_of(values, "CYX") + planes_of(values[:1] + 100, "ZYX", fov=1)
    for at in range(2):
        planes += planes_of(values + 200 * at, "TYX", fov=2 + at)
    yield "any", {"open": "any", "fovs": 4, "planes": planes}
    # Two sets with names that do not say what they are, beside a plain file.
    sets = folder / "sets"
    sets.mkdir()
    sizes = dict(X=20, Y=12, Z=1, C=2, T=2)
    planes = []
    for fov, name in enumerate(["a", "b"]):
        content = samples((2, 2, 12, 20), start=300 * fov)
        files = [f"{name}_{t}.tif" for t in range(2)]
        data = "".join(f'<TiffData FirstT="{t}" PlaneCount="2" IFD="0"><UUID FileName="{file}">urn:uuid:{name}{t}</UUID>'
                       '</TiffData>' for t, file in enumerate(files))
        for t, file in enumerate(files):
            xml = document([image(name, "uint16", sizes, data, "XYCTZ")], f"urn:uuid:{name}{t}")
            tifffile.imwrite(sets / file, content[t], description=xml, metadata=None, photometric="minisblack")
        planes += planes_of(content, "TCYX", fov=fov)
    plain = samples((1, 12, 20), start=900)
    tifffile.imwrite(sets / "c.tif", plain[0], metadata=None, photometric="minisblack")
    planes += planes_of(plain, "ZYX", fov=2)
    yield "sets", {"open": "sets", "fovs": 3, "planes": planes}
    # In folders of their own.
    deep = folder / "deep"
    for at in range(2):
        (deep / str(at)).mkdir(parents=True)
        tifffile.imwrite(deep / str(at) / "scan.ome.tif", values + at, ome=True, metadata={"axes": "CYX"})
    planes = [entry for at in range(2) for entry in planes_of(values + at, "CYX", fov=at)]
    yield "deep", {"open": "deep", "fovs": 2, "planes": planes}


GROUPS = {"plates": plates, "many": many, "folders": folders, "orders": orders, "storage": storage, "colours": colours, "several": several, "pyramid": pyramid}


def write(folder, group):
    folder = Path(folder)
    return dict(GROUPS[group](folder))


class Squid:
    """The writer of one acquisition."""

    def __init__(self, folder, spec):
        self.folder, self.spec = Path(folder), spec
        self.shape = tuple(spec["shape"])
        (self.folder / "ome_tiff").mkdir(parents=True, exist_ok=True)

    def notes_path(self, name):
        digest = hashlib.sha1(f"{self.folder}:{name}".encode()).hexdigest()
        return Path(tempfile.gettempdir()) / f"squid_ome_{digest}_metadata.json"

    def plane(self, name, t, z, c):
        if self.spec.get("black") == [t, z, c]:
            return np.zeros(self.shape[-2:], "uint16")
        start = zlib.crc32(name.encode()) % 1000 + 1 + (t * self.shape[1] + z) * self.shape[2] + c
        return np.full(self.shape[-2:], start, "uint16") + np.arange(self.shape[-1], dtype="uint16") * 7

    def save(self, name, t, z, c):
        path = self.folder / "ome_tiff" / f"{name}.ome.tiff"
        notes_path = self.notes_path(name)
        notes = json.loads(notes_path.read_text()) if notes_path.exists() else None
        if notes is None and not (path.exists() and not self.spec["notes"]):
            notes = {"dtype": "<u2", "axes": "TZCYX", "shape": list(self.shape), "written_indices": [], "saved_count": 0,
                     "expected_count": int(np.prod(self.shape[:3])), "planes": {}, "completed": False}
            metadata = {"axes": "TZCYX", "Channel": {"Name": self.spec["channels"]}, "TimeIncrement": 60.0,
                        "TimeIncrementUnit": "s", "PhysicalSizeZ": 1.5, "PhysicalSizeZUnit": "µm", "PhysicalSizeX": 0.325,
                        "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.325, "PhysicalSizeYUnit": "µm"}
            tifffile.imwrite(path, shape=self.shape, dtype="uint16", metadata=metadata, ome=True)
        stack = tifffile.memmap(path, dtype="uint16", mode="r+")
        if stack.shape != self.shape:
            stack.shape = self.shape
        stack[t, z, c] = self.plane(name, t, z, c)
        stack.flush()
        del stack
        if notes is not None and self.spec["notes"]:
            notes["written_indices"].append(f"{t}-{c}-{z}")
            notes["saved_count"] = len(notes["written_indices"])
            notes["planes"][f"{t}-{c}-{z}"] = {"TheT": t, "TheZ": z, "TheC": c, "PositionX": 1.0, "PositionXUnit": "mm"}
            notes_path.write_text(json.dumps(notes))
            if notes["saved_count"] >= notes["expected_count"]:
                self.finish(path, notes)
                notes_path.unlink()

    def finish(self, path, notes):
        with tifffile.TiffFile(path) as tif:
            root = ET.fromstring(tif.ome_metadata)
        ET.register_namespace("", OME)
        pixels = root.find(f"{{{OME}}}Image/{{{OME}}}Pixels")
        for plane in notes["planes"].values():
            ET.SubElement(pixels, f"{{{OME}}}Plane", attrib={key: str(value) for key, value in plane.items()})
        xml = '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(root, encoding="unicode")
        tifffile.tiffcomment(path, xml.encode("utf-8"))

    def expected(self, name, t, z, c):
        return crc(self.plane(name, t, z, c))


def squid(folder, spec):
    """Writes what `spec` lists, then each plane that a line on stdin names, with an answer for each."""
    spec = json.loads(spec)
    writer = Squid(folder, spec)
    planes = []
    for name in spec["fovs"]:
        for t, z, c in spec["written"]:
            writer.save(name, t, z, c)
            planes.append({"name": name, "t": t, "z": z, "c": c, "crc32": writer.expected(name, t, z, c)})
    print(json.dumps({"planes": planes, "notes": [str(writer.notes_path(name)) for name in spec["fovs"]]}), flush=True)
    names = set(spec["fovs"])
    for line in sys.stdin:
        name, t, z, c = line.split()
        names.add(name)
        writer.save(name, int(t), int(z), int(c))
        print(writer.expected(name, int(t), int(z), int(c)), flush=True)
    for name in names:
        writer.notes_path(name).unlink(missing_ok=True)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        print(json.dumps(write(*sys.argv[2:])))
    else:
        squid(*sys.argv[2:])
