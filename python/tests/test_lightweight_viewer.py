"""What a call becomes on the wire, what it refuses, and that it neither waits nor raises."""

import base64
import os
import time
from array import array
from pathlib import Path

from .fake_window import WindowTestCase

CHANNELS = ["DAPI", "GFP"]
LABELS = ["A1:0", "A1:1"]


class Starts(WindowTestCase):
    def test_a_start_says_what_was_announced(self):
        window, client = self.window(), self.client()
        client.start_zarr_acquisition(["/d/0", Path("/d/1")], CHANNELS, 3, LABELS, 48, 64)
        (start,) = window.wait_for("start_zarr_acquisition")
        name = start.pop("acquisition")
        sizes = {"channels": CHANNELS, "num_z": 3, "height": 48, "width": 64}
        wanted = {"do": "start_zarr_acquisition", "fov_paths": ["/d/0", "/d/1"], "fov_labels": LABELS, **sizes}
        self.assertEqual(start, wanted)
        client.start_zarr_acquisition_6d(["/d/r"], CHANNELS, 3, [2], 48, 64, ["R0"])
        (start,) = window.wait_for("start_zarr_acquisition_6d")
        self.assertNotEqual(start.pop("acquisition"), name)
        wanted = {"do": "start_zarr_acquisition_6d", "region_paths": ["/d/r"], "fovs_per_region": [2], **sizes}
        self.assertEqual(start, {**wanted, "region_labels": ["R0"]})
        client.start_acquisition(CHANNELS, 3, 48, 64, LABELS, dz_um=1.5)
        (start,) = window.wait_for("start_acquisition")
        start.pop("acquisition")
        self.assertEqual(start, {"do": "start_acquisition", "fov_labels": LABELS, "dz_um": 1.5, **sizes})

    def test_paths_are_made_absolute_because_the_window_has_another_working_folder(self):
        window, client = self.window(), self.client()
        client.start_zarr_acquisition(["rel/0", "s3://bucket/1"], CHANNELS, 3, LABELS, 48, 64)
        (start,) = window.wait_for("start_zarr_acquisition")
        self.assertEqual(start["fov_paths"], [os.path.abspath("rel/0"), "s3://bucket/1"])
        client.start_zarr_acquisition_6d(["rel/r"], CHANNELS, 3, [2], 48, 64, ["R0"])
        (start,) = window.wait_for("start_zarr_acquisition_6d")
        self.assertEqual(start["region_paths"], [os.path.abspath("rel/r")])

    def test_a_start_that_makes_no_sense_is_a_value_error(self):
        client = self.client()
        six = client.start_zarr_acquisition_6d
        for refused in (
            lambda: client.start_zarr_acquisition([], CHANNELS, 1, [], 4, 4),
            lambda: client.start_zarr_acquisition(["/a", ""], CHANNELS, 1, LABELS, 4, 4),
            lambda: client.start_zarr_acquisition("", CHANNELS, 1, LABELS, 4, 4),
            lambda: six([], CHANNELS, 1, [], 4, 4),
            lambda: six(["/a"], CHANNELS, 1, [], 4, 4),
            lambda: six(["/a"], CHANNELS, 1, [0], 4, 4),
            lambda: six(["/a", "/b"], CHANNELS, 1, [2, -1], 4, 4),
            lambda: six(["/a", "/b"], CHANNELS, 1, [2], 4, 4),
            lambda: six(["/a"], CHANNELS, 1, [2], 4, 4, ["R0", "R1"]),
            lambda: client.register_image(0, 0, 0, "GFP", "/f.tiff", -1),
            lambda: client.register_images([(0, 0, 0, "GFP", "/f.tiff", -1)]),
            lambda: client.register_images_bulk([(0, 0, 0, "GFP", "/f.tiff", -1)]),
        ):
            with self.assertRaises(ValueError):
                refused()

    def test_unequal_lengths_are_cut_with_a_warning_that_the_viewer_lists(self):
        window, client = self.window(), self.client()
        with self.assertLogs("squidview", "WARNING"):
            client.start_zarr_acquisition(["/0", "/1", "/2"], CHANNELS, 1, LABELS, 4, 4)
        (start,) = window.wait_for("start_zarr_acquisition")
        self.assertEqual((start["fov_paths"], start["fov_labels"]), (["/0", "/1"], LABELS))
        (warning,) = window.wait_for("warn")
        self.assertIn("3 stores were announced with 2 labels", warning["message"])

    def test_the_first_version_of_the_start_is_taken(self):
        window, client = self.window(), self.client()
        client.start_zarr_acquisition("/d/a.zarr", CHANNELS, 1, LABELS, 4, 4)
        (start,) = window.wait_for("start_zarr_acquisition_6d")
        self.assertEqual((start["region_paths"], start["fovs_per_region"]), (["/d/a.zarr"], [2]))
        self.assertEqual(start["fov_labels"], LABELS)
        client.start_zarr_acquisition("/d", CHANNELS, 1, LABELS, 4, 4, fov_paths=["/d/0", "/d/1"])
        (start,) = window.wait_for("start_zarr_acquisition")
        self.assertEqual(start["fov_paths"], ["/d/0", "/d/1"])
        client.start_zarr_acquisition(
            zarr_path="/d/b.zarr", channels=CHANNELS, num_z=1, fov_labels=[], height=4, width=4
        )
        start = window.wait_for("start_zarr_acquisition_6d", count=2)[1]
        self.assertEqual(start["fovs_per_region"], [1])
        client.start_zarr_acquisition(
            fov_paths=["/d/0"], channels=CHANNELS, num_z=1, fov_labels=["A1:0"], height=4, width=4
        )
        window.wait_for("start_zarr_acquisition", count=2)

    def test_nonsense_is_logged_and_not_raised(self):
        client = self.client()
        with self.assertLogs("squidview", "ERROR"):
            client.start_acquisition(None, "many", None, None, None)
        with self.assertLogs("squidview", "ERROR"):
            client.notify_zarr_frame("zero", None, None, None)
        with self.assertLogs("squidview", "ERROR"):
            self.assertFalse(client.set_current_index("fov", "last"))


class Notices(WindowTestCase):
    def setUp(self):
        super().setUp()
        self.fake, self.viewer = self.window(), self.client()

    def test_notices_carry_the_name_of_the_start(self):
        self.viewer.start_zarr_acquisition(["/0"], CHANNELS, 1, ["A1:0"], 4, 4)
        (start,) = self.fake.wait_for("start_zarr_acquisition")
        self.viewer.notify_zarr_frame(1, 0, 2, "GFP")
        (notice,) = self.fake.wait_for("notify_zarr_frame")
        place = {"t": 1, "fov_idx": 0, "z": 2, "channel": "GFP", "region_idx": 0}
        self.assertEqual(notice, {"do": "notify_zarr_frame", "acquisition": start["acquisition"], **place})
        self.viewer.end_zarr_acquisition()
        (end,) = self.fake.wait_for("end_zarr_acquisition")
        self.assertEqual(end["acquisition"], start["acquisition"])

    def test_images_are_registered_one_by_one_and_in_bulk(self):
        self.viewer.start_acquisition(CHANNELS, 1, 4, 4, LABELS)
        self.viewer.register_image(0, 1, 0, "GFP", "/f.tiff", 3)
        (image,) = self.fake.wait_for("register_image")
        self.assertEqual((image["path"], image["page_idx"], image["fov_idx"]), ("/f.tiff", 3, 1))
        self.viewer.register_images_bulk([(0, 0, 0, "GFP", "/a"), (0, 0, 1, "GFP", "/b", 2)])
        (images,) = self.fake.wait_for("register_images")
        self.assertEqual(images["images"], [[0, 0, 0, "GFP", "/a", 0], [0, 0, 1, "GFP", "/b", 2]])
        self.viewer.end_acquisition()
        self.fake.wait_for("end_acquisition")

    def test_an_array_travels_as_little_endian_rows(self):
        self.viewer.start_acquisition(CHANNELS, 1, 2, 3, LABELS)
        samples = memoryview(array("H", range(6))).cast("B").cast("H", (2, 3))
        self.viewer.register_array(0, 1, 0, "GFP", samples)
        (plane,) = self.fake.wait_for("register_array")
        self.assertEqual((plane["dtype"], plane["shape"]), ("uint16", [2, 3]))
        self.assertEqual(base64.b64decode(plane["data"]), b"\0\0\1\0\2\0\3\0\4\0\5\0")
        with self.assertLogs("squidview", "WARNING"):
            self.viewer.register_array(0, 1, 0, "GFP", bytes(5))

    def test_a_refusal_is_logged_once_per_kind(self):
        refusal = {"error": {"code": "unknown_channel", "message": "channel X"}}
        self.fake.replies["notify_zarr_frame"] = refusal
        self.viewer.start_zarr_acquisition(["/0"], CHANNELS, 1, ["A1:0"], 4, 4)
        with self.assertLogs("squidview", "WARNING") as logs:
            for _ in range(3):
                self.viewer.notify_zarr_frame(0, 0, 0, "X")
                self.viewer.flush(5.0)
            self.fake.wait_for("notify_zarr_frame", count=3)
            self.eventually(lambda: logs.output)
        self.assertEqual(len(logs.output), 1)

    def test_moves_reach_the_window(self):
        self.viewer.load_fov(2, z=1)
        (move,) = self.fake.wait_for("load_fov")
        self.assertEqual(move, {"do": "load_fov", "fov": 2, "z": 1})
        self.viewer.load_dataset("/data/exp")
        self.viewer.refresh()
        self.assertEqual(self.fake.wait_for("load_dataset")[0]["path"], "/data/exp")
        self.fake.wait_for("refresh")
        self.assertEqual(self.viewer.dataset_path, "/data/exp")


class WithoutWindow(WindowTestCase):
    def test_every_call_returns_at_once(self):
        client = self.client("/data/exp")
        calls = {
            "start": lambda: client.start_zarr_acquisition(["/0"], CHANNELS, 1, ["A1:0"], 4, 4),
            "notify": lambda: client.notify_zarr_frame(0, 0, 0, "GFP"),
            "start registered": lambda: client.start_acquisition(CHANNELS, 1, 4, 4, LABELS),
            "register": lambda: client.register_image(0, 0, 0, "GFP", "/f"),
            "array": lambda: client.register_array(0, 0, 0, "GFP", bytes(16)),
            "load_fov": lambda: client.load_fov(1),
            "refresh": client.refresh,
            "show": client.show_viewer,
            "end": client.end_acquisition,
            "end zarr": client.end_zarr_acquisition,
            "load": lambda: client.load_dataset("/x"),
            "close": client.close,
        }
        for name, call in calls.items():
            # The quickest of a few: another process may have the core.
            times = []
            for _ in range(5):
                began = time.perf_counter()
                self.assertIsNone(call())
                times.append(time.perf_counter() - began)
            self.assertLess(min(times), 0.005, name)

    def test_nothing_is_known(self):
        client = self.client()
        self.assertEqual(client.get_fov_list(), [])
        self.assertIs(client.go_to_well_fov("A1", 0), False)
        self.assertIs(client.set_current_index("fov", 0), False)
        self.assertIs(client.has_fov_dimension(), False)
        self.assertIs(client.is_push_mode_active(), False)
        self.assertIs(client.is_zarr_push_mode_active(), False)
        self.assertIsNone(client.ndv_viewer)
        self.assertEqual(client.describe(), "No viewer is open")
        self.assertEqual(client.dataset_path, "")
