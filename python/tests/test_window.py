"""The real window: what a microscope's software announces, and what a script is told.

Only where SQUIDVIEW_TEST_WINDOW is the path of a built squidview, and there is a display.
"""

import os
import signal
import subprocess
import time
from unittest import mock, skipUnless

from squidview import Viewer

from .fake_window import WindowTestCase

PROGRAM = os.environ.get("SQUIDVIEW_TEST_WINDOW", "")
PATIENCE_S = 30.0
"""A window starts within a second; a machine that is busy elsewhere gets this long."""
CHANNELS = ["DAPI", "GFP"]
NUM_FOVS, NUM_T, NUM_Z, SIDE_PX = 3, 2, 2, 128
NUM_PLANES = NUM_FOVS * NUM_T * NUM_Z * len(CHANNELS)


@skipUnless(PROGRAM, "SQUIDVIEW_TEST_WINDOW names no squidview")
class RealWindow(WindowTestCase):
    def setUp(self):
        # What a window needs of the environment is kept: the search path for a driver's helpers, the display.
        path = os.environ["PATH"]
        super().setUp()
        environment = {
            "PATH": path,
            "SQUIDVIEW": PROGRAM,
            "SQUIDVIEW_CONFIG_DIR": str(self.folder / "settings"),
            "SQUID_WATCHDOG_STATE_DIR": str(self.folder / "state"),
        }
        self._stack.enter_context(mock.patch.dict(os.environ, environment))
        self.acquisition = self.folder / "acquisition"

    def test_an_announced_acquisition_is_shown_plane_by_plane(self):
        microscope = self.client()
        stores = [self.acquisition / "zarr" / "R0" / f"fov_{n}.ome.zarr" for n in range(NUM_FOVS)]
        microscope.start_zarr_acquisition(
            [str(store) for store in stores], CHANNELS, NUM_Z, [f"R0:{n}" for n in range(NUM_FOVS)], SIDE_PX, SIDE_PX
        )
        window = self.eventually(lambda: microscope.ndv_viewer, PATIENCE_S)
        self.addCleanup(end, window.pid)
        self.eventually(microscope.is_zarr_push_mode_active, PATIENCE_S)
        self.simulate("per_fov", "--n-fov", str(NUM_FOVS))
        for t, fov, z, channel in planes():
            microscope.notify_zarr_frame(t, fov, z, channel)
        self.assertTrue(microscope.flush(PATIENCE_S))
        with Viewer() as script:
            # Another connection: what it sends may be carried out first.
            self.eventually(lambda: script.status()["counts"]["written"] == NUM_PLANES, PATIENCE_S)
            script.set_index(t=1, fov=2, z=1)
            script.wait_shown(PATIENCE_S, t=1, fov=2, z=1)
            shown = script.shown()
            self.assertEqual((shown["t"], shown["fov"], shown["z"]), (1, 2, 1))
            self.assertEqual([channel["channel"] for channel in shown["channels"]], CHANNELS)
            self.assertEqual({channel["state"] for channel in shown["channels"]}, {"written"})
            self.assertEqual(script.status()["counts"]["written"], NUM_PLANES)
            self.assertEqual(script.status()["late_notices"], 0)
            # Written once more: the wait is for the revision of that notice.
            revision = shown["channels"][0]["revision"]
            script.notify_written(1, 2, 1, CHANNELS[0])
            script.wait_shown(PATIENCE_S, t=1, fov=2, z=1)
            self.assertGreater(script.shown()["channels"][0]["revision"], revision)
            with self.assertRaises(TimeoutError):
                script.wait_shown(0.2, t=0)
        microscope.end_zarr_acquisition()
        self.eventually(lambda: not microscope.is_zarr_push_mode_active(), PATIENCE_S)
        self.assertTrue(microscope.is_push_mode_active())
        self.check_questions(microscope)

    def check_questions(self, microscope):
        """Each question is answered within 50 ms; the best of some tries, for a machine that is busy elsewhere."""
        fovs = [{"region": "R0", "fov": n} for n in range(NUM_FOVS)]
        questions = {
            "get_fov_list": (microscope.get_fov_list, fovs),
            "has_fov_dimension": (microscope.has_fov_dimension, True),
            "go_to_well_fov": (lambda: microscope.go_to_well_fov("R0", 1), True),
            "go_to_well_fov, none": (lambda: microscope.go_to_well_fov("R7", 1), False),
            "set_current_index": (lambda: microscope.set_current_index("z_level", 1), True),
            "is_push_mode_active": (microscope.is_push_mode_active, True),
        }
        for name, (question, wanted) in questions.items():
            with self.subTest(name):
                times = []
                for _ in range(10):
                    began = time.monotonic()
                    self.assertEqual(question(), wanted)
                    times.append(time.monotonic() - began)
                self.assertLess(min(times), 0.05)
        with Viewer() as script:
            script.wait_shown(PATIENCE_S, fov=1, z=1)

    def test_a_script_opens_datasets_and_knows_when_the_next_one_is_shown(self):
        self.simulate("per_fov", "--n-fov", str(NUM_FOVS))
        self.acquisition = self.folder / "other"
        self.simulate("6d", "--n-fov", "2")
        microscope = self.client()
        microscope.load_dataset(str(self.folder / "acquisition"))
        window = self.eventually(lambda: microscope.ndv_viewer, PATIENCE_S)
        self.addCleanup(end, window.pid)
        with Viewer() as script:
            for name, num_fovs in (("acquisition", NUM_FOVS), ("other", 2)) * 3:
                script.open(self.folder / name)
                script.wait_shown(PATIENCE_S)
                dataset = script.status()["dataset"]
                self.assertEqual((dataset["path"], dataset["num_fovs"]), (str(self.folder / name), num_fovs))
                script.set_index(fov=1, z=1)
                script.wait_shown(PATIENCE_S, t=0, fov=1, z=1)
        microscope.show_viewer()
        microscope.refresh()
        self.assertTrue(microscope.flush(PATIENCE_S))
        self.assertEqual(self.eventually(microscope.describe).split()[0], "other")

    def simulate(self, structure, *options):
        """Writes an acquisition to its end."""
        sizes = ["--t", str(NUM_T), "--z", str(NUM_Z), "--size", f"{SIDE_PX}x{SIDE_PX}", "--interval-ms", "0"]
        command = [PROGRAM, "simulate", self.acquisition, "--structure", structure, *options, *sizes]
        subprocess.run([*command, "--channels", ",".join(CHANNELS)], check=True, stdout=subprocess.DEVNULL)


def planes():
    """In the order of the microscope."""
    for t in range(NUM_T):
        for fov in range(NUM_FOVS):
            for z in range(NUM_Z):
                for channel in CHANNELS:
                    yield t, fov, z, channel


def end(pid):
    """Closes a window that the client started, which is nobody's child."""
    os.kill(pid, signal.SIGTERM)
