"""Connections that come and go, queues that fill, viewers that are started, threads, forks, the end of the process."""

import os
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from squidview.announcement import per_fov, per_region
from squidview.mirror import Mirror
from squidview.notices import Frame
from squidview.sender import Sender

from .fake_window import WindowTestCase

STARTED_VIEWER = """#!{python}
import json, os, sys, time
sys.path.insert(0, {tests!r})
with open({log!r}, "a") as log: log.write("started\\n")
time.sleep(0.3)
from fake_window import FakeWindow
window = FakeWindow(os.environ["SQUIDVIEW_RUNTIME_DIR"], pid=os.getpid(), started_unix_ms=int(time.time() * 1000))
deadline = time.monotonic() + 20
while time.monotonic() < deadline and not os.path.exists({stop!r}): time.sleep(0.02)
window.close()
json.dump(window.messages, open({heard!r}, "w"))
"""
EXITING = """
import squidview
viewer = squidview.LightweightViewer()
viewer.start_zarr_acquisition(["/0"], ["GFP"], 1, ["A1:0"], 4, 4)
for t in range(1000): viewer.notify_zarr_frame(t, 0, 0, "GFP")
"""
FORKING = """
import os, sys, warnings, squidview
# Python 3.12 and later warn of what is tested here.
warnings.simplefilter("ignore", DeprecationWarning)
viewer = squidview.LightweightViewer()
viewer.start_zarr_acquisition(["/0"], ["GFP"], 1, ["A1:0"], 4, 4)
viewer.flush(5.0)
child = os.fork()
if child == 0:
    viewer.notify_zarr_frame(1, 0, 0, "GFP")
    viewer.close()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
viewer.notify_zarr_frame(2, 0, 0, "GFP")
"""


def start(viewer, num_fovs=1):
    labels = [f"A1:{fov}" for fov in range(num_fovs)]
    viewer.start_zarr_acquisition([f"/{fov}" for fov in range(num_fovs)], ["GFP"], 1, labels, 4, 4)


def frames_of(window):
    """Every plane that a window was told of."""
    many = [tuple(frame) for message in window.named("notify_zarr_frames") for frame in message["frames"]]
    one = window.named("notify_zarr_frame")
    return many + [(m["t"], m["fov_idx"], m["z"], m["channel"], m["region_idx"]) for m in one]


class Reconnecting(WindowTestCase):
    def test_another_window_is_told_the_current_start_and_to_look_at_the_disk(self):
        first, viewer = self.window(), self.client()
        start(viewer)
        (said,) = first.wait_for("start_zarr_acquisition")
        first.close()
        self.eventually(lambda: viewer.ndv_viewer is None)
        viewer.notify_zarr_frame(1, 0, 0, "GFP")
        viewer.end_zarr_acquisition()
        second = self.window(pid=7)
        second.wait_for("rescan", "end_zarr_acquisition", count=2)
        # The notice may have been made before the client knew that there is no window, and then arrives itself.
        others = ("subscribe", "get_fov_list", "notify_zarr_frame")
        names = [message["do"] for message in second.messages if message["do"] not in others]
        self.assertEqual(names, ["start_zarr_acquisition", "end_zarr_acquisition", "rescan"])
        self.assertEqual(second.named("start_zarr_acquisition"), [said])
        self.assertNotIn("fovs", second.named("rescan")[0])

    def test_a_lost_connection_to_the_same_window_is_made_again(self):
        window, viewer = self.window(), self.client()
        start(viewer)
        window.wait_for("start_zarr_acquisition")
        window.drop_clients()
        window.wait_for("start_zarr_acquisition", count=2)
        window.wait_for("rescan")
        viewer.notify_zarr_frame(3, 0, 0, "GFP")
        window.wait_for("notify_zarr_frame")

    def test_a_dataset_is_opened_once_in_each_window(self):
        window = self.window()
        viewer = self.client("/data/exp")
        window.wait_for("load_dataset")
        window.drop_clients()
        window.wait_for("subscribe", count=2)
        viewer.refresh()
        window.wait_for("refresh")
        self.assertEqual(len(window.named("load_dataset")), 1)
        window.close()
        other = self.window(pid=7)
        other.wait_for("load_dataset")

    def test_a_dataset_right_after_a_start_does_not_swallow_it(self):
        window, viewer = self.window(), self.client()
        window.wait_for("subscribe")
        start(viewer)
        viewer.load_dataset("/data/exp")
        viewer.notify_zarr_frame(0, 0, 0, "GFP")
        window.wait_for("notify_zarr_frame")
        viewer.load_dataset("/data/other")
        window.wait_for("load_dataset", count=2)
        names = [message["do"] for message in window.named("start_zarr_acquisition", "load_dataset")]
        self.assertEqual(names, ["start_zarr_acquisition", "load_dataset", "load_dataset"])

    def test_registered_files_are_told_to_another_window(self):
        first, viewer = self.window(), self.client()
        viewer.start_acquisition(["GFP"], 2, 4, 4, ["A1:0"])
        viewer.register_images([(0, 0, 0, "GFP", "/a"), (0, 0, 1, "GFP", "/b")])
        first.wait_for("register_images")
        first.close()
        second = self.window(pid=7)
        (again,) = second.wait_for("register_images")
        self.assertEqual([image[4] for image in again["images"]], ["/a", "/b"])

    def test_the_newest_window_that_answers_is_taken(self):
        crashed = self.window(pid=3, started_unix_ms=30)
        file = self.runtime / "instance-3.json"
        left_over = file.read_text()
        crashed.close()
        file.write_text(left_over)
        self.window(pid=1, started_unix_ms=10)
        self.window(pid=2, started_unix_ms=20)
        viewer = self.client()
        self.assertEqual(self.eventually(lambda: viewer.ndv_viewer).pid, 2)


class Queue(WindowTestCase):
    def sender(self, capacity):
        sender = Sender("test", Mirror(), capacity)
        self.addCleanup(sender.join, 3.0)
        self.addCleanup(sender.close)
        return sender

    def test_a_full_queue_becomes_a_rescan_of_its_fovs(self):
        window, sender = self.window(), self.sender(capacity=4)
        sender.start(per_region(["/a", "/b"], ["GFP"], 1, [2, 3], 4, 4))
        self.assertTrue(sender.flush(5.0))
        sender.notify_all([Frame(t, 0, 0, "GFP", 0) for t in range(4)] + [Frame(9, 2, 0, "GFP", 1)] * 3)
        (rescan,) = window.wait_for("rescan")
        self.assertEqual(rescan["fovs"], [4])
        self.assertEqual(len(frames_of(window)), 4)

    def test_of_a_million_notices_none_is_lost_and_few_are_kept(self):
        window, sender = self.window(), self.sender(capacity=1000)
        sender.start(per_fov(["/a", "/b"], ["GFP"], 1, ["A:0", "A:1"], 4, 4))
        self.assertTrue(sender.flush(5.0))
        window.reads.clear()
        for t in range(200_000):
            sender.notify(Frame(t, t % 2, 0, "GFP", 0))
        self.assertLessEqual(len(sender._notices), 1000)
        window.reads.set()
        rescan = window.wait_for("rescan", timeout_s=20.0)[-1]
        self.assertEqual(rescan["fovs"], [0, 1])

    def test_notices_of_many_threads_all_arrive(self):
        window, viewer = self.window(), self.client()
        start(viewer, 8)

        def notify(fov):
            for t in range(500):
                viewer.notify_zarr_frame(t, fov, 0, "GFP")

        threads = [threading.Thread(target=notify, args=(fov,)) for fov in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertTrue(viewer.flush(10.0))
        wanted = {(t, fov, 0, "GFP", 0) for fov in range(8) for t in range(500)}
        self.eventually(lambda: len(frames_of(window)) == len(wanted))
        self.assertEqual(set(frames_of(window)), wanted)

    def test_a_start_voids_what_waits_of_an_older_one(self):
        window, viewer = self.window(), self.client()
        start(viewer)
        self.assertTrue(viewer.flush(5.0))
        window.reads.clear()
        start(viewer)
        for t in range(10):
            viewer.notify_zarr_frame(t, 0, 0, "GFP")
        start(viewer)
        window.reads.set()
        last = window.wait_for("start_zarr_acquisition", count=2)[-1]
        self.assertTrue(viewer.flush(5.0))
        later = window.messages[window.messages.index(last) :]
        self.assertEqual({message.get("acquisition", last["acquisition"]) for message in later}, {last["acquisition"]})


@unittest.skipIf(sys.platform == "win32", "the stand-in for the viewer is a script with a shebang")
class Launching(WindowTestCase):
    def stand_in(self, text):
        script = self.folder / "squidview"
        names = {
            "log": str(self.folder / "log"),
            "stop": str(self.folder / "stop"),
            "heard": str(self.folder / "heard"),
        }
        script.write_text(text.format(python=sys.executable, tests=str(Path(__file__).parent), **names))
        script.chmod(0o755)
        self.addCleanup((self.folder / "stop").touch)

    def num_started(self):
        log = self.folder / "log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def test_a_start_starts_one_viewer_and_tells_it_everything(self):
        self.stand_in(STARTED_VIEWER)
        viewer, other = self.client(), self.client()
        time.sleep(0.1)
        self.assertEqual(self.num_started(), 0)
        start(viewer)
        self.eventually(lambda: viewer.describe() == "Starting the viewer…")
        viewer.notify_zarr_frame(5, 0, 0, "GFP")
        start(other)
        self.assertTrue(viewer.flush(15.0))
        self.assertTrue(other.flush(15.0))
        self.assertEqual(self.num_started(), 1)
        self.assertFalse((self.runtime / "starting").exists())
        (self.folder / "stop").touch()
        heard = self.eventually(lambda: (self.folder / "heard").exists() and (self.folder / "heard").read_text())
        self.assertIn("notify_zarr_frame", heard)
        self.assertEqual(heard.count('"start_zarr_acquisition"'), 2)
        # A window that a person closed stays closed, whatever is notified.
        self.eventually(lambda: viewer.ndv_viewer is None)
        viewer.notify_zarr_frame(6, 0, 0, "GFP")
        time.sleep(0.3)
        self.assertEqual(self.num_started(), 1)

    def test_a_viewer_that_ends_at_once_is_not_started_again_and_again(self):
        self.stand_in("#!/bin/sh\necho started >> {log}\nexit 3\n")
        viewer = self.client()
        with self.assertLogs("squidview", "WARNING"):
            start(viewer)
            self.eventually(lambda: viewer.describe() == "No viewer is open" and self.num_started())
        time.sleep(0.3)
        self.assertEqual(self.num_started(), 1)
        with self.assertLogs("squidview", "WARNING"):
            start(viewer)
            self.eventually(lambda: viewer.describe() == "No viewer is open" and self.num_started() == 2)


class Ending(WindowTestCase):
    def run_script(self, script):
        # The search path of a test is empty, and the package may be found by the path of this process only.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=20
        )

    def test_the_end_of_the_interpreter_sends_what_waits(self):
        window = self.window()
        ran = self.run_script(EXITING)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.eventually(lambda: len(frames_of(window)) == 1000)

    def test_the_end_of_the_interpreter_does_not_wait_for_a_window(self):
        began = time.monotonic()
        ran = self.run_script(EXITING)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertLess(time.monotonic() - began, 10.0)

    def test_a_window_that_reads_nothing_does_not_hold_up_the_end(self):
        window = self.window()
        window.reads.clear()
        ran = self.run_script(EXITING.replace("range(1000)", "range(60_000)"))
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))

    @unittest.skipUnless(hasattr(os, "fork"), "no fork here")
    def test_a_forked_child_leaves_the_connection_alone(self):
        window = self.window()
        ran = self.run_script(FORKING)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.eventually(lambda: frames_of(window) == [(2, 0, 0, "GFP", 0)])
        self.assertEqual(len(window.hellos), 1)

    def test_after_close_nothing_is_sent(self):
        window, viewer = self.window(), self.client()
        start(viewer)
        window.wait_for("start_zarr_acquisition")
        viewer.notify_zarr_frame(0, 0, 0, "GFP")
        viewer.close()
        window.wait_for("notify_zarr_frame")
        viewer.notify_zarr_frame(1, 0, 0, "GFP")
        start(viewer)
        time.sleep(0.1)
        self.assertEqual(len(window.named("start_zarr_acquisition", "notify_zarr_frame")), 2)
