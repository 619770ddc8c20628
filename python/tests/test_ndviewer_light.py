"""The names that stand in for Cephla-Lab/ndviewer_light: patterns, colours, sizes, cache, and what inspect says."""

import json
import os
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from squidview import ndviewer_light as nl
from squidview.inspection import InspectError

from .fake_window import WindowTestCase

OME = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0"
PhysicalSizeX="325" PhysicalSizeXUnit="nm" PhysicalSizeY="0.325" PhysicalSizeZ="0.0015" PhysicalSizeZUnit="mm"/>
</Image></OME>"""
DOCUMENT = {
    "kind": "squid",
    "zarr_format": 3,
    "fields": [
        {"index": 0, "id": "zarr/R0/acquisition.zarr#0", "region": "R0", "fov": 0},
        {"index": 1, "id": "zarr/R1/acquisition.zarr#0", "region": "R1", "fov": 0},
    ],
    "image": {
        "axes": ["t", "c", "z", "y", "x"],
        "pixel_size_um": {"z": 1.5, "y": 0.3, "x": 0.3},
        "channels": [{"name": "DAPI", "color": "0000FF", "window": None}, {"name": None, "color": None}],
    },
    "acquisition": {"complete": True},
}


def answering(document):
    return mock.patch.object(nl, "inspect", lambda _path: document)


def refusing(code):
    return mock.patch.object(nl, "inspect", mock.Mock(side_effect=InspectError(code, "text")))


class Readings(unittest.TestCase):
    def test_inspect_gives_fovs_and_structure(self):
        with answering(DOCUMENT):
            fovs, structure = nl.discover_zarr_v3_fovs(Path("/d"))
        stores = [Path("/d/zarr/R0/acquisition.zarr"), Path("/d/zarr/R1/acquisition.zarr")]
        self.assertEqual(fovs, [{"region": f"R{n}", "fov": 0, "path": store} for n, store in enumerate(stores)])
        self.assertEqual(structure, "6d")
        for extra, wanted in (({"row": "A"}, "hcs_plate"), ({}, "per_fov")):
            field = {"index": 0, "id": "A/1/0", **extra}
            with answering({**DOCUMENT, "fields": [field]}):
                self.assertEqual(nl.discover_zarr_v3_fovs("/d")[1], wanted)

    def test_inspect_gives_metadata_and_sampling(self):
        with answering(DOCUMENT):
            metadata = nl.parse_zarr_v3_metadata("/d")
            self.assertEqual(nl.read_acquisition_parameters("/d"), (0.3, 1.5))
            self.assertEqual(nl.read_tiff_pixel_size("/d"), 0.3)
            self.assertEqual(nl.detect_format("/d"), "zarr_v3")
        self.assertEqual([axis["name"] for axis in metadata["axes"]], ["fov", "t", "c", "z", "y", "x"])
        self.assertEqual([axis["type"] for axis in metadata["axes"]][:3], ["fov", "time", "channel"])
        with answering({**DOCUMENT, "fields": [{"index": 0, "id": "."}]}):
            self.assertEqual([axis["name"] for axis in nl.parse_zarr_v3_metadata("/d")["axes"]], list("tczyx"))
        self.assertEqual((metadata["pixel_size_um"], metadata["dz_um"]), (0.3, 1.5))
        self.assertEqual((metadata["channel_names"], metadata["channel_colors"]), (["DAPI", ""], ["0000FF", ""]))
        self.assertIs(metadata["acquisition_complete"], True)

    def test_a_folder_without_such_data_is_an_answer(self):
        with refusing("not_zarr"):
            self.assertEqual(nl.discover_zarr_v3_fovs("/d"), ([], "unknown"))
            self.assertEqual(nl.read_acquisition_parameters("/d"), (None, None))
            self.assertEqual(nl.parse_zarr_v3_metadata("/d")["channel_names"], [])
            self.assertEqual(nl.detect_format("/nowhere"), "single_tiff")

    def test_nobody_to_ask_is_an_error(self):
        with refusing("no_viewer"), self.assertRaises(InspectError):
            nl.detect_format("/d")

    def test_arrays_are_not_handed_out_and_the_error_says_who_does(self):
        with self.assertRaisesRegex(NotImplementedError, "tensorstore.open"):
            nl.open_zarr_tensorstore(Path("/d/a.zarr"))


class TiffNames(WindowTestCase):
    def test_names_tell_ome_from_single_images(self):
        for folder in ("ome_tiff", "0"):
            base = self.folder / f"with_{folder}"
            (base / folder).mkdir(parents=True)
            with refusing("not_zarr"):
                self.assertEqual(nl.detect_format(base), "single_tiff")
                (base / folder / "A1_0.ome.tiff").touch()
                self.assertEqual(nl.detect_format(base), "ome_tiff")


@unittest.skipIf(sys.platform == "win32", "the stand-in for the viewer is a script with a shebang")
class InspectProcess(WindowTestCase):
    def test_the_program_is_asked_and_its_errors_are_passed_on(self):
        script = self.folder / "squidview"
        script.write_text(f"#!/bin/sh\nprintf '%s' '{json.dumps(DOCUMENT)}'\n")
        script.chmod(0o755)
        self.assertEqual(nl.detect_format("/d"), "zarr_v3")
        script.write_text('#!/bin/sh\necho \'{"error": {"code": "not_zarr", "message": "nothing"}}\'\nexit 4\n')
        self.assertEqual(nl.discover_zarr_v3_fovs("/d"), ([], "unknown"))
        script.write_text("#!/bin/sh\nexit 101\n")
        with self.assertRaisesRegex(InspectError, "no_answer"):
            nl.discover_zarr_v3_fovs("/d")
        script.unlink()
        with self.assertRaisesRegex(InspectError, "no_viewer"):
            nl.discover_zarr_v3_fovs("/d")

    @unittest.skipUnless(os.environ.get("SQUIDVIEW_TEST_PROGRAM"), "no built squidview is named")
    def test_the_real_program_describes_a_store(self):
        program = os.environ["SQUIDVIEW_TEST_PROGRAM"]
        with mock.patch.dict(os.environ, SQUIDVIEW=program):
            out = self.folder / "acquisition"
            sizes = "--n-regions 2 --fovs-per-region 2 1 --t 1 --z 2 --size 32x24 --interval-ms 0".split()
            os.spawnv(os.P_WAIT, program, [program, "simulate", str(out), "--structure", "6d", *sizes])
            fovs, structure = nl.discover_zarr_v3_fovs(out)
            self.assertEqual(
                ([(fov["region"], fov["fov"]) for fov in fovs], structure), ([("R0", 0), ("R0", 1), ("R1", 0)], "6d")
            )
            self.assertTrue(all(fov["path"].is_dir() for fov in fovs))
            metadata = nl.parse_zarr_v3_metadata(fovs[0]["path"])
            self.assertTrue(metadata["channel_names"])
            self.assertEqual([axis["name"] for axis in metadata["axes"]], ["fov", *"tczyx"])
            self.assertEqual(nl.detect_format(out), "zarr_v3")


class Helpers(unittest.TestCase):
    def test_names_of_images_are_taken_apart(self):
        parts = nl.FPATTERN.search("A1_0_3_Fluorescence_488_nm_Ex.tiff").groupdict()
        self.assertEqual(parts, {"r": "A1", "f": "0", "z": "3", "c": "Fluorescence_488_nm_Ex"})
        self.assertEqual(nl.FPATTERN_OME.search("B2_12.ome.tif").groupdict(), {"r": "B2", "f": "12"})
        self.assertEqual(nl.MAX_3D_TEXTURE_SIZE, 2048)

    def test_colours_have_the_nearest_colormap(self):
        cases = {
            "#20ADF8": "cyan",
            "1FFF00": "green",
            "#FFCF00": "yellow",
            "0000FF": "blue",
            "770000": "red",
            "6E7275": "gray",
            "": "gray",
            "#12": "gray",
        }
        self.assertEqual({color: nl.hex_to_colormap(color) for color in cases}, cases)

    def test_wavelengths_have_a_colormap(self):
        cases = {
            405: "blue",
            488: "green",
            561: "yellow",
            638: "red",
            730: "magenta",
            450: "gray",
            680: "gray",
            0: "gray",
            None: "gray",
        }
        self.assertEqual({nm: nl.wavelength_to_colormap(nm) for nm in cases}, cases)

    def test_physical_sizes_are_micrometres(self):
        sizes = nl.extract_ome_physical_sizes(OME)
        self.assertEqual([round(size, 9) for size in sizes], [0.325, 0.325, 1.5])
        for nothing in ("", "no xml", "<OME/>", OME.replace("325", "-1").replace("0.0015", "x")):
            self.assertEqual(nl.extract_ome_physical_sizes(nothing), (None, None, None))

    def test_a_structure_changes_with_dimensions_type_and_channels(self):
        def data(**changes):
            base = {
                "dims": ("t", "channel"),
                "dtype": "uint16",
                "sizes": {"channel": 2},
                "attrs": {"channel_names": ["a"]},
            }
            return SimpleNamespace(**{**base, **changes})

        self.assertTrue(nl.data_structure_changed(None, data()))
        self.assertFalse(nl.data_structure_changed(data(), data(sizes={"channel": 2, "t": 9})))
        for change in ({"dims": ("t",)}, {"dtype": "uint8"}, {"sizes": {}}, {"attrs": {"channel_names": ["b"]}}):
            self.assertTrue(nl.data_structure_changed(data(), data(**change)))

    def test_the_cache_forgets_what_was_used_longest_ago(self):
        cache = nl.MemoryBoundedLRUCache(10)
        four = SimpleNamespace(nbytes=4)
        cache.put(("a",), four)
        cache.put(("b",), four)
        cache.get(("a",))
        cache.put(("c",), four)
        self.assertEqual([key in cache for key in (("a",), ("b",), ("c",))], [True, False, True])
        cache.put(("d",), SimpleNamespace(nbytes=11))
        self.assertEqual(len(cache), 2)
        self.assertTrue(cache.invalidate(("a",)))
        self.assertFalse(cache.invalidate(("a",)))
        cache.clear()
        self.assertIsNone(cache.get(("c",)))
