"""Which instance files are found, and in which order."""

import json
import os
import sys
import unittest
from pathlib import Path
from unittest import mock

from squidview.instances import find_instances, runtime_folder, split_address

from .fake_window import WindowTestCase


def written(folder, pid, **changes):
    described = {"protocol": 1, "address": "127.0.0.1:1", "token": "x", "pid": pid, "started_unix_ms": pid}
    file = folder / f"instance-{pid}.json"
    file.write_text(json.dumps({**described, **changes}))
    return file


class Instances(WindowTestCase):
    def test_the_newest_comes_first(self):
        for pid in (2, 9, 5):
            written(self.runtime, pid)
        self.assertEqual([found.pid for found in find_instances()], [9, 5, 2])

    def test_half_written_and_foreign_files_are_skipped(self):
        written(self.runtime, 1)
        written(self.runtime, 2, protocol=2)
        written(self.runtime, 3, address="nowhere")
        (self.runtime / "instance-4.json").write_text('{"protocol": 1, "addr')
        (self.runtime / "starting").touch()
        self.assertEqual([found.pid for found in find_instances()], [1])

    @unittest.skipIf(sys.platform == "win32", "Windows has no modes")
    def test_what_others_may_write_is_not_believed(self):
        file = written(self.runtime, 1)
        file.chmod(0o666)
        self.assertEqual(find_instances(), [])
        file.chmod(0o600)
        self.runtime.chmod(0o777)
        self.assertEqual(find_instances(), [])

    @unittest.skipIf(sys.platform == "win32", "Windows has no modes")
    def test_a_link_is_not_followed(self):
        written(self.runtime, 1)
        (self.folder / "link").symlink_to(self.runtime)
        with mock.patch.dict(os.environ, SQUIDVIEW_RUNTIME_DIR=str(self.folder / "link")):
            self.assertEqual(find_instances(), [])

    def test_no_folder_is_no_window(self):
        with mock.patch.dict(os.environ, SQUIDVIEW_RUNTIME_DIR=str(self.folder / "none")):
            self.assertEqual(find_instances(), [])

    def test_the_folder_is_that_of_the_documents_table(self):
        self.assertEqual(runtime_folder(), self.runtime)
        with mock.patch.dict(
            os.environ, SQUIDVIEW_RUNTIME_DIR="", XDG_RUNTIME_DIR="/run/user/7", LOCALAPPDATA="/local"
        ):
            cases = {"linux": "/run/user/7/squidview", "win32": "/local/squidview/run"}
            cases["darwin"] = str(Path.home() / "Library/Caches/squidview/run")
            for platform, folder in cases.items():
                with mock.patch.object(sys, "platform", platform):
                    self.assertEqual(runtime_folder(), Path(folder))
        without = mock.patch.dict(os.environ, SQUIDVIEW_RUNTIME_DIR="", XDG_RUNTIME_DIR="")
        user = mock.patch.object(os, "geteuid", lambda: 7, create=True)
        with without, user, mock.patch.object(sys, "platform", "linux"):
            self.assertEqual(runtime_folder(), Path("/tmp/squidview-7"))

    def test_addresses_have_a_host_and_a_port(self):
        self.assertEqual(split_address("127.0.0.1:5"), ("127.0.0.1", 5))
        self.assertEqual(split_address("[::1]:5"), ("::1", 5))
        self.assertEqual(split_address("0.0.0.0:5"), ("127.0.0.1", 5))
        with self.assertRaises(ValueError):
            split_address("127.0.0.1")
