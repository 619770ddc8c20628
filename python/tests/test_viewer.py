"""The small class: what it sends, what it measures, what it raises."""

import time

from squidview import RefusedError, Viewer

from .fake_window import WindowTestCase

SHOWN = {"t": 0, "fov": 1, "z": 2, "max_projection": False, "age_s": 0.25, "channels": []}


class ScriptedViewer(WindowTestCase):
    def setUp(self):
        super().setUp()
        self.fake = self.window()
        self.viewer = Viewer()
        self.addCleanup(self.viewer.close)

    def test_messages_are_those_of_the_protocol(self):
        self.viewer.open("/data/exp")
        self.viewer.set_index(fov=3, z=0)
        self.viewer.notify_written(1, 2, 0, "GFP", region="A1")
        wanted = [
            {"do": "open", "path": "/data/exp"},
            {"do": "set_index", "fov": 3, "z": 0},
            {"do": "notify_written", "t": 1, "fov": 2, "z": 0, "channel": "GFP", "region": "A1"},
        ]
        self.assertEqual(self.fake.messages, wanted)

    def test_shown_is_what_is_on_the_screen_and_since_when(self):
        self.assertEqual(self.viewer.shown(), {})
        self.fake.status["shown"] = SHOWN
        before = time.monotonic()
        shown = self.viewer.shown()
        self.assertEqual({**SHOWN, "shown_at": shown["shown_at"]}, shown)
        self.assertTrue(before - 0.25 <= shown["shown_at"] <= time.monotonic() - 0.25)

    def test_wait_shown_gives_the_time_from_the_call_to_the_screen(self):
        def reply(_message):
            time.sleep(0.2)
            return {"ok": {"age_s": 0.05, "shown": SHOWN}}

        self.fake.replies["wait_shown"] = reply
        waited = self.viewer.wait_shown(2.0, fov=1, channel="GFP")
        self.assertEqual(self.fake.messages[-1], {"do": "wait_shown", "timeout_s": 2.0, "fov": 1, "channel": "GFP"})
        self.assertGreaterEqual(waited, 0.15)
        self.assertLess(waited, 1.0)

    def test_what_was_on_the_screen_already_took_no_time(self):
        self.fake.replies["wait_shown"] = {"ok": {"age_s": 60.0, "shown": SHOWN}}
        self.assertEqual(self.viewer.wait_shown(1.0), 0.0)

    def test_what_is_not_shown_in_time_is_a_timeout(self):
        self.fake.replies["wait_shown"] = {"error": {"code": "timeout", "message": "not shown within 0.1 s"}}
        with self.assertRaises(TimeoutError):
            self.viewer.wait_shown(0.1, t=3)

    def test_a_refusal_says_why(self):
        self.fake.replies["set_index"] = {"error": {"code": "out_of_range", "message": "fov 9, expected 0 to 3"}}
        with self.assertRaises(RefusedError) as caught:
            self.viewer.set_index(fov=9)
        self.assertEqual(caught.exception.code, "out_of_range")
        self.assertIn("fov 9, expected 0 to 3", str(caught.exception))

    def test_a_window_that_closes_ends_the_connection(self):
        self.fake.replies["set_index"] = lambda _message: self.fake.drop_clients()
        with self.assertRaises(ConnectionError):
            self.viewer.set_index(t=1)
        with self.assertRaises(ConnectionError):
            self.viewer.set_index(t=1)

    def test_an_address_chooses_the_window(self):
        other = self.window(pid=7, started_unix_ms=99)
        with Viewer() as newest, Viewer(self.fake.address) as chosen:
            newest.set_index(t=1)
            chosen.set_index(t=2)
        self.assertEqual(other.messages, [{"do": "set_index", "t": 1}])
        self.assertEqual(self.fake.messages, [{"do": "set_index", "t": 2}])


class NoWindow(WindowTestCase):
    def test_without_a_window_it_is_a_connection_error(self):
        with self.assertRaises(ConnectionError):
            Viewer()
        with self.assertRaises(ConnectionError):
            Viewer("127.0.0.1:1")

    def test_a_wrong_token_is_no_connection(self):
        self.window()
        file = next(self.runtime.glob("instance-*.json"))
        file.write_text(file.read_text().replace("ttt", "xxx"))
        with self.assertRaises(ConnectionError):
            Viewer()
