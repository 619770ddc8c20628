"""Questions are answered from what the window's events said."""

import time

from .fake_window import WindowTestCase

DATASET = {"path": "/d", "name": "d", "num_fovs": 3, "num_t": 4, "num_z": 5, "channels": ["DAPI", "GFP"], "revision": 1}
FOVS = [
    {"region": "A1", "fov": 0, "label": "A1:0"},
    {"region": "A1", "fov": 1, "label": "A1:1"},
    {"region": "B2", "fov": 0, "label": "B2:0"},
]


class Questions(WindowTestCase):
    def setUp(self):
        super().setUp()
        self.fake = self.window()
        self.fake.fovs = FOVS
        self.fake.status.update(dataset=DATASET, has_fov_dimension=True, push_active=True, fov_list_revision=1)
        self.viewer = self.client()
        self.eventually(self.viewer.get_fov_list)

    def test_the_fov_list_has_regions_and_numbers(self):
        wanted = [{"region": fov["region"], "fov": fov["fov"]} for fov in FOVS]
        self.assertEqual(self.viewer.get_fov_list(), wanted)

    def test_a_status_answers_the_questions(self):
        self.assertIs(self.viewer.has_fov_dimension(), True)
        self.assertIs(self.viewer.is_push_mode_active(), True)
        self.assertIs(self.viewer.is_zarr_push_mode_active(), False)
        self.fake.publish(zarr_push_active=True)
        self.eventually(self.viewer.is_zarr_push_mode_active)

    def test_the_list_is_asked_for_again_when_it_changed(self):
        self.fake.fovs = FOVS[:1]
        self.fake.publish(fov_list_revision=2)
        self.eventually(lambda: len(self.viewer.get_fov_list()) == 1)

    def test_a_well_and_a_number_are_a_place_or_none(self):
        self.assertIs(self.viewer.go_to_well_fov("B2", 0), True)
        (move,) = self.fake.wait_for("go_to_well_fov")
        self.assertEqual(move, {"do": "go_to_well_fov", "well_id": "B2", "fov_index": 0})
        self.assertIs(self.viewer.go_to_well_fov("B2", 1), False)
        self.assertIs(self.viewer.go_to_well_fov("C3", 0), False)

    def test_an_index_must_be_on_its_axis(self):
        for dim, value in {"time": 3, "fov": 2, "z": 4, "z_level": 4, "channel": 1}.items():
            self.assertIs(self.viewer.set_current_index(dim, value), True, dim)
            self.assertIs(self.viewer.set_current_index(dim, value + 1), False, dim)
            self.assertIs(self.viewer.set_current_index(dim, -1), False, dim)
        self.assertIs(self.viewer.set_current_index("angle", 0), False)
        self.assertEqual(len(self.fake.wait_for("set_current_index", count=5)), 5)

    def test_after_a_start_the_old_status_is_no_answer(self):
        took = []
        self.viewer.start_zarr_acquisition(["/0"], ["GFP"], 1, ["A1:0"], 4, 4)
        # The quickest of a few: another process may have the core.
        for question in (self.viewer.is_push_mode_active, self.viewer.get_fov_list, self.viewer.has_fov_dimension) * 3:
            began = time.perf_counter()
            self.assertFalse(question())
            took.append(time.perf_counter() - began)
        self.assertLess(min(took), 0.05)
        (start,) = self.fake.wait_for("start_zarr_acquisition")
        self.fake.publish(acquisition=start["acquisition"], zarr_push_active=True)
        self.eventually(self.viewer.is_zarr_push_mode_active)

    def test_without_its_window_nothing_is_known_any_more(self):
        self.fake.close()
        self.eventually(lambda: not self.viewer.is_push_mode_active())
        self.assertEqual(self.viewer.get_fov_list(), [])
        self.assertIsNone(self.viewer.ndv_viewer)

    def test_a_line_tells_a_person_what_is_open(self):
        self.fake.publish(counts={"planned": 400, "written": 37})
        self.eventually(lambda: self.viewer.describe() == "d is open, 37 of 400 planes written")
