"""The folder `ndviewer_light` in the place of Squid's `control/ndviewer_light`, with nothing installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .fake_window import WindowTestCase

FOLDER = Path(__file__).parents[1] / "ndviewer_light"
NO_QT = "import sys; sys.modules.update(dict.fromkeys(['PyQt5', 'PySide6', 'PyQt6']))\n"
WITH_QT = """
try:
    from PyQt5 import QtWidgets
except ImportError:
    from PySide6 import QtWidgets
application = QtWidgets.QApplication([])
"""
AS_SQUID_DOES = """
from control import ndviewer_light
viewer = ndviewer_light.LightweightViewer()
assert ndviewer_light.__file__.startswith(FOLDER), ndviewer_light.__file__
viewer.start_zarr_acquisition(["/0"], ["GFP"], 1, ["A1:0"], 4, 4)
viewer.notify_zarr_frame(0, 0, 0, "GFP", 0)
viewer.end_zarr_acquisition()
viewer.end_acquisition()
print(viewer.is_push_mode_active(), viewer.ndv_viewer is not None, type(viewer).__mro__[1].__name__)
viewer.close()
from control.ndviewer_light.core import detect_format, FPATTERN
"""


class ReplacedFolder(WindowTestCase):
    def setUp(self):
        super().setUp()
        (self.folder / "control").mkdir()
        (self.folder / "control" / "__init__.py").touch()
        shutil.copytree(FOLDER, self.folder / "control" / "ndviewer_light")

    def run_in_squid(self, script):
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment["QT_QPA_PLATFORM"] = "offscreen"
        script = f"FOLDER = {str(self.folder)!r}\n{script}"
        return subprocess.run(
            [sys.executable, "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=30
        )

    def test_squid_finds_its_class_in_the_folder(self):
        window = self.window()
        ran = self.run_in_squid(NO_QT + AS_SQUID_DOES.replace("from control.ndviewer_light.core", "#"))
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        window.wait_for("start_zarr_acquisition", "notify_zarr_frame", "end_zarr_acquisition", count=3)

    def test_with_qt_it_is_a_widget(self):
        if self.run_in_squid(WITH_QT).returncode:
            self.skipTest("no Qt binding here")
        window = self.window()
        ran = self.run_in_squid(WITH_QT + AS_SQUID_DOES)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("QWidget", ran.stdout)
        window.wait_for("start_zarr_acquisition", "notify_zarr_frame", "end_zarr_acquisition", count=3)
