"""Names and signatures are those of the viewer that Squid embeds (Cephla-Lab/ndviewer_light a8679f5, ``core.py``)."""

import inspect
import subprocess
import sys
import unittest

import squidview
from squidview import ndviewer_light

# Method, parameters without self; the last two lines of the table are what a fork added.
TABLE = {
    "__init__": "dataset_path=''",
    "start_acquisition": "channels, num_z, height, width, fov_labels, pixel_size_um=None, dz_um=None",
    "register_image": "t, fov_idx, z, channel, filepath, page_idx=0",
    "load_fov": "fov, t=None, z=None",
    "go_to_well_fov": "well_id, fov_index",
    "is_push_mode_active": "",
    "end_acquisition": "",
    "start_zarr_acquisition": "fov_paths, channels, num_z, fov_labels, height, width",
    "start_zarr_acquisition_6d": "region_paths, channels, num_z, fovs_per_region, height, width, region_labels=None",
    "notify_zarr_frame": "t, fov_idx, z, channel, region_idx=0",
    "end_zarr_acquisition": "",
    "is_zarr_push_mode_active": "",
    "load_dataset": "path",
    "refresh": "",
    "set_current_index": "dim, value",
    "get_fov_list": "",
    "has_fov_dimension": "",
    "close": "",
    "register_array": "t, fov_idx, z, channel, array",
    "register_images_bulk": "entries",
}
EXPORTS = """LightweightViewer LightweightMainWindow MemoryBoundedLRUCache detect_format discover_zarr_v3_fovs
open_zarr_tensorstore parse_zarr_v3_metadata read_acquisition_parameters read_tiff_pixel_size extract_ome_physical_sizes
hex_to_colormap wavelength_to_colormap data_structure_changed FPATTERN FPATTERN_OME MAX_3D_TEXTURE_SIZE""".split()
WITHOUT_QT = """
import sys, squidview, squidview.ndviewer_light
squidview.LightweightViewer().close()
print([name for name in sys.modules if "Qt" in name or "PySide" in name or name == "numpy"])
"""


def parameters(method):
    listed = list(inspect.signature(method).parameters.values())[1:]
    texts = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in listed]
    return ", ".join(texts)


class Surface(unittest.TestCase):
    def test_every_method_has_the_parameters_of_the_table(self):
        found = {name: parameters(getattr(squidview.LightweightViewer, name)) for name in TABLE}
        self.assertEqual(found, TABLE)

    def test_the_replacement_module_has_every_name(self):
        self.assertEqual(set(EXPORTS) - set(ndviewer_light.__all__), set())
        for name in EXPORTS:
            self.assertTrue(hasattr(ndviewer_light, name), name)

    def test_every_name_can_be_imported_where_no_qt_is_installed(self):
        text = "import sys; sys.modules.update(PyQt5=None, PySide6=None); from squidview.ndviewer_light import *"
        text += "; LightweightViewer(); LightweightMainWindow('x')"
        ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
        self.assertIn("ImportError: LightweightMainWindow needs PyQt5 or PySide6", ran.stderr)

    def test_the_small_class_has_its_methods(self):
        wanted = {
            "open": "path",
            "set_index": "t=None, fov=None, z=None",
            "notify_written": "t, fov, z, channel, region=None",
            "shown": "",
            "wait_shown": "timeout_s, t=None, fov=None, z=None, channel=None",
            "close": "",
        }
        self.assertEqual({name: parameters(getattr(squidview.Viewer, name)) for name in wanted}, wanted)

    def test_neither_qt_nor_numpy_is_imported(self):
        ran = subprocess.run([sys.executable, "-c", WITHOUT_QT], capture_output=True, text=True)
        self.assertEqual((ran.stdout.strip(), ran.stderr), ("[]", ""))
