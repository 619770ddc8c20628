"""A window without a picture: listens, writes its instance file, notes messages, answers as the protocol says."""

import json
import os
import socket
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from unittest import TestCase, mock

STATUS = {
    "dataset": None,
    "acquisition": None,
    "push_active": False,
    "zarr_push_active": False,
    "has_fov_dimension": False,
    "fov_list_revision": 0,
    "counts": {"planned": None, "written": 0, "partial": 0, "missing": 0, "failed": 0},
    "shown": None,
    "late_notices": 0,
}
TOKEN = "t" * 43


class FakeWindow:
    def __init__(self, folder, pid=4242, started_unix_ms=1):
        self.pid = pid
        self.messages = []
        self.hellos = []
        self.status = dict(STATUS)
        self.fovs = []
        self.replies = {}
        self.reads = threading.Event()
        self.reads.set()
        self._changed = threading.Condition()
        self._sockets = []
        self._subscribed = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._file = Path(folder) / f"instance-{pid}.json"
        described = {"protocol": 1, "address": self.address, "token": TOKEN, "pid": pid}
        self._file.write_text(json.dumps({**described, "started_unix_ms": started_unix_ms}))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._file.unlink(missing_ok=True)
        try:
            # A blocked accept keeps the port open until it returns.
            self._server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # Closed already, or a system where closing is enough.
        self._server.close()
        self.reads.set()
        self.drop_clients()

    def drop_clients(self):
        for client in self._sockets:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._sockets.clear()

    def publish(self, **changes):
        self.status = {**self.status, **changes}
        for client in list(self._subscribed):
            self._send(client, {"event": "status", "status": self.status})

    def named(self, *names):
        with self._changed:
            return [message for message in self.messages if message["do"] in names]

    def wait_for(self, *names, count=1, timeout_s=5.0):
        """The messages of those names, once there are that many."""

        def found():
            return [message for message in self.messages if message["do"] in names]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count, timeout_s)
            seen = [message["do"] for message in self.messages]
            assert len(found()) >= count, f"waited for {names}, got {seen[:20]}"
            return found()

    def _accept(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._sockets.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            lines = client.makefile("rb")
            hello = json.loads(next(lines))["hello"]
            self.hellos.append(hello)
            if hello["token"] != TOKEN:
                self._send(client, {"error": {"code": "bad_token", "message": "another token"}})
                client.shutdown(socket.SHUT_RDWR)
                return
            self._send(client, {"hello": {"protocol": 1, "version": "0.1.0", "pid": self.pid}})
            while self.reads.wait():
                self._take(client, json.loads(next(lines)))
        except (OSError, ValueError, StopIteration):
            pass  # The client went away, or the window closes.
        finally:
            client.close()

    def _take(self, client, message):
        identity = message.pop("id", None)
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()
        reply = self._reply(client, message)
        if identity is not None and reply is not None:
            self._send(client, {"id": identity, **reply})
        elif reply and "error" in reply:
            self._send(client, {"id": None, **reply})

    def _reply(self, client, message):
        scripted = self.replies.get(message["do"])
        if scripted is not None:
            return scripted(message) if callable(scripted) else scripted
        if message["do"] == "subscribe":
            self._subscribed.append(client)
            return {"ok": self.status}
        if message["do"] == "status":
            return {"ok": self.status}
        if message["do"] == "get_fov_list":
            return {"ok": {"fovs": self.fovs}}
        return {"ok": {}}

    def _send(self, client, message):
        try:
            client.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass


class WindowTestCase(TestCase):
    """A runtime folder and search path of its own, so that no window of the machine is met and none is started."""

    def setUp(self):
        self._stack = ExitStack()
        self.addCleanup(self._stack.close)
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.runtime = self.folder / "run"
        self.runtime.mkdir(mode=0o700)
        environment = {"SQUIDVIEW_RUNTIME_DIR": str(self.runtime), "SQUIDVIEW": "", "PATH": str(self.folder)}
        self._stack.enter_context(mock.patch.dict(os.environ, environment))

    def window(self, **arguments):
        window = FakeWindow(self.runtime, **arguments)
        self._stack.callback(window.close)
        return window

    def client(self, dataset_path=""):
        from squidview import LightweightViewer

        client = LightweightViewer(dataset_path)
        self._stack.callback(self._end, client)
        return client

    def _end(self, client):
        client.close()
        client._sender.join(3.0)

    def eventually(self, question, timeout_s=5.0):
        deadline = time.monotonic() + timeout_s
        while not (answer := question()):
            self.assertLess(time.monotonic(), deadline, "it never came true")
            time.sleep(0.005)
        return answer
