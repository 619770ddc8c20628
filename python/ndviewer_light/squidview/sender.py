"""The thread between an acquisition and a window: a bounded queue, one connection, and what to do where there is none.

Callers never wait: they put notices into the queue. Where it is full, or no window is there, the FOVs of the notices
are remembered instead and a ``rescan`` is sent later: planes lie on disk, so nothing is lost. A new window is told
the current start again. One sender serves one client; its threads are daemons and hold up neither exit nor a fork.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterable

from .announcement import Acquisition
from .connection import MAX_LINE_BYTES, Connection, Message, connect_to_newest, encode
from .instances import Instance
from .launcher import LAUNCHER
from .mirror import Mirror
from .notices import ArrayPlane, Frame, Image, LostFovs, Notice, messages_of

logger = logging.getLogger("squidview")

QUEUE_NOTICES = 65_536
"""Notices that wait; some 10 MB."""

QUEUE_PIXEL_BYTES = 128 << 20
"""Pixels that wait, of all arrays together."""

QUEUE_MESSAGES = 256
"""Wishes (moves, refreshes) that wait; a person makes a few a second."""

BATCH_NOTICES = 4096
"""Notices in one message: about 200 kB, taken in milliseconds."""

REMEMBERED_IMAGES = 65_536
"""Registered files that are told to a new window; the oldest are forgotten."""

RESCAN_PAUSE_S = 0.25
"""Between rescans, so that a queue that stays full does not make the window look at the disk all the time."""

LOOK_AGAIN_S = 1.0
"""Between looks for a window where none runs."""

LOOK_WHILE_STARTING_S = 0.05
"""Between looks for a window that is being started."""

EXIT_S = 1.0
"""How long the end of the interpreter waits for what is queued."""

FINISH_S = 0.3
"""How long a window may take to read what was sent last."""


class _Dataset:
    """A dataset that was asked for after the last start; a new window opens it once."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.said_to: Instance | None = None


class Sender:
    """Sends to the newest window, starting one when an acquisition starts and none runs. Its methods return at once."""

    def __init__(self, client: str, mirror: Mirror, capacity: int = QUEUE_NOTICES) -> None:
        self._client = client
        self._mirror = mirror
        self._capacity = capacity
        self._reset()
        _SENDERS.add(self)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._notices: deque[Notice] = deque()
        self._pixel_bytes = 0
        self._messages: deque[Message] = deque()
        self._images: OrderedDict[tuple[int, int, int, str], Image] = OrderedDict()
        self._lost = LostFovs()
        self._rescan_after = 0.0
        self._acquisition: Acquisition | None = None
        self._started_on: Connection | None = None
        self._warned: Instance | None = None
        self._dataset: _Dataset | None = None
        self._is_greeting_due = False
        self._want = 0
        self._launched_for = 0
        self._is_reachable = True
        self._is_sending = False
        self._is_closed = False
        self._connection: Connection | None = None
        self._thread: threading.Thread | None = None
        self._refused: set[str] = set()

    def look(self) -> None:
        """Looks for a window from now on; starts none."""
        with self._changed:
            self._mirror.await_news()
            self._wake()

    def start(self, acquisition: Acquisition) -> None:
        """An acquisition starts: what waits of an older one is void, and a window is started if none runs."""
        with self._changed:
            if self._is_closed:
                return
            self._notices.clear()
            self._messages.clear()
            self._images.clear()
            self._pixel_bytes = 0
            self._lost = LostFovs()
            self._acquisition, self._dataset = acquisition, None
            self._started_on, self._warned = None, None
            self._refused.clear()
            self._mirror.expect(acquisition.name)
            self._want_window()

    def open(self, path: str) -> None:
        """A dataset is wished for; a window is started if none runs."""
        with self._changed:
            if not self._is_closed:
                self._dataset = _Dataset(path)
                self._want_window()

    def show_window(self) -> None:
        """Brings the window to the front, or starts one."""
        with self._changed:
            if self._is_closed:
                return
            if self._connection:
                self._messages.append({"do": "show_window"})
                self._wake()
            else:
                self._want_window()

    def end(self, do: str) -> None:
        """The acquisition has ended; late notices still count."""
        with self._changed:
            if self._acquisition is None or self._is_closed:
                return
            is_first = self._acquisition.end is None
            self._acquisition.end = {"do": do, "acquisition": self._acquisition.name}
            if is_first and self._is_reachable:
                self._messages.append(self._acquisition.end)
                self._wake()

    def notify(self, notice: Notice) -> None:
        """A plane was written, or is given."""
        self.notify_all((notice,))

    def notify_all(self, notices: Iterable[Notice]) -> None:
        """Planes were written."""
        with self._changed:
            if self._acquisition is None or self._is_closed:
                logger.debug("a notice without a started acquisition is left aside")
                return
            for notice in notices:
                self._queue(self._acquisition, notice)
            if self._is_reachable:
                self._wake()

    def _queue(self, acquisition: Acquisition, notice: Notice) -> None:
        if isinstance(notice, Image):
            self._images.pop(notice[:4], None)
            self._images[notice[:4]] = notice
            if len(self._images) > REMEMBERED_IMAGES:
                self._images.popitem(last=False)
        num_bytes = len(notice.plane.data) if isinstance(notice, ArrayPlane) else 0
        is_full = len(self._notices) >= self._capacity or self._pixel_bytes + num_bytes > QUEUE_PIXEL_BYTES
        if is_full or not self._is_reachable:
            region_idx = notice.region_idx if isinstance(notice, Frame) else 0
            self._lost.add(acquisition.flat(notice.fov_idx, region_idx))
        else:
            self._notices.append(notice)
            self._pixel_bytes += num_bytes

    def wish(self, message: Message) -> bool:
        """A message that matters only now; false where no window takes it."""
        with self._changed:
            if self._is_closed or not self._is_reachable or len(self._messages) >= QUEUE_MESSAGES:
                return False
            self._messages.append(message)
            self._wake()
            return True

    def window(self) -> Instance | None:
        """The window that is connected."""
        connection = self._connection
        return connection.instance if connection and connection.is_open else None

    def is_starting(self) -> bool:
        """True while a window is being started."""
        return bool(self._want) and self.window() is None

    def close(self) -> None:
        """Sends what waits, for a second at most, and ends the connection; returns at once."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def join(self, timeout_s: float) -> None:
        """Waits for the end of what ``close`` began."""
        thread = self._thread
        if thread and thread is not threading.current_thread():
            thread.join(timeout_s)

    def flush(self, timeout_s: float) -> bool:
        """Waits until everything was sent; for tests and scripts, never for an acquisition. False: it took too long."""

        def is_idle() -> bool:
            return self._connection is not None and not self._has_work() and not self._is_sending

        with self._changed:
            return self._changed.wait_for(is_idle, timeout_s)

    def _want_window(self) -> None:
        # Also where one is connected: it may just be closing. Its reply ends the want.
        self._want = next(_WANTS)
        self._is_reachable = True
        self._is_greeting_due = True
        self._wake()

    def _wake(self) -> None:
        """With the lock held."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="squidview-sender", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _has_work(self) -> bool:
        """Whether anything waits to be sent; with the lock held."""
        is_lost = self._lost and self._acquisition
        return bool(self._notices or self._messages or is_lost or self._is_greeting_due)

    # What follows runs in the sender's thread.

    def _run(self) -> None:
        give_up_at = None
        while True:
            if self._is_closed:
                give_up_at = give_up_at or time.monotonic() + EXIT_S
                if not self._has_hope() or time.monotonic() > give_up_at:
                    break
            try:
                if self._connection is None:
                    self._connect_or_wait()
                elif not self._connection.is_open:
                    self._disconnect()
                else:
                    self._send_or_wait()
            except OSError as error:
                logger.debug("sending to squidview failed: %s", error)
                self._disconnect()
            except Exception:
                # The acquisition must not notice, and the next window may fare better.
                logger.exception("the squidview client stumbled")
                self._disconnect()
                time.sleep(LOOK_AGAIN_S)
        with self._changed:
            connection, self._connection = self._connection, None
        if connection:
            connection.finish(FINISH_S)
        self._mirror.forget()

    def _has_hope(self) -> bool:
        """After ``close``: whether anything that waits can still be sent."""
        with self._changed:
            return self._has_work() and (self._connection is not None or bool(self._want))

    def _connect_or_wait(self) -> None:
        connection = connect_to_newest(self._client, self._on_event, self._on_refusal, self._on_end)
        if connection:
            LAUNCHER.arrived()
            with self._changed:
                self._connection = connection
                self._is_reachable = True
                self._is_greeting_due = True
                self._changed.notify_all()
            self._mirror.await_news()
            connection.ask({"do": "subscribe"}, self._on_subscribed)
            return
        want = self._want
        # One that was started for this want and ended before it listened is not started again.
        if want and want != self._launched_for and not LAUNCHER.is_starting():
            self._launched_for = want
            LAUNCHER.start()
        if want and LAUNCHER.is_starting():
            with self._changed:
                self._mirror.forget()
                self._changed.wait(LOOK_WHILE_STARTING_S)
        else:
            self._give_up_queue(want)

    def _give_up_queue(self, want: int) -> None:
        """No window comes: what waits becomes a rescan for the next one."""
        with self._changed:
            if self._want != want:
                return  # A start came meanwhile.
            self._want = 0
            self._mirror.forget()
            self._is_reachable = False
            if self._notices:
                self._lost.add_all()
            self._notices.clear()
            self._messages.clear()
            self._pixel_bytes = 0
            self._changed.notify_all()
            if not self._is_closed:
                self._changed.wait(LOOK_AGAIN_S)

    def _disconnect(self) -> None:
        with self._changed:
            connection, self._connection = self._connection, None
            if self._acquisition:
                # Notices on their way may be lost.
                self._lost.add_all()
            self._is_sending = False
            self._changed.notify_all()
        self._mirror.forget()
        if connection:
            connection.close()

    def _send_or_wait(self) -> None:
        with self._changed:
            connection = self._connection
            is_lost = bool(self._lost) and self._acquisition is not None
            rescans = is_lost and (time.monotonic() >= self._rescan_after or self._is_closed)
            has_work = self._is_greeting_due or self._notices or self._messages or rescans
            if connection is None or not has_work:
                if connection and connection.is_open and not self._is_closed:
                    self._changed.wait(RESCAN_PAUSE_S if is_lost else None)
                return
            want = self._want
            greets = self._is_greeting_due
            greeting = self._greeting(connection) if greets else []
            self._is_greeting_due = False
            acquisition = self._acquisition
            notices = [self._notices.popleft() for _ in range(min(BATCH_NOTICES, len(self._notices)))]
            self._pixel_bytes -= sum(len(n.plane.data) for n in notices if isinstance(n, ArrayPlane))
            # An end follows the notices that were queued before it.
            messages = [] if self._notices else list(self._messages)
            if messages:
                self._messages.clear()
            self._is_sending = True
        if greeting:
            connection.ask(greeting[0], lambda reply, _received: self._on_greeted(reply, want))
        elif greets:
            self._fulfil(want)
        lines = messages_of(acquisition.name, notices) if acquisition else []
        for message in greeting[1:] + lines + messages:
            self._send(connection, message)
        if rescans and acquisition:
            self._send_rescan(connection, acquisition)
        with self._changed:
            self._is_sending = False
            self._changed.notify_all()

    def _greeting(self, connection: Connection) -> list[Message]:
        """What a window that may know nothing is told first; with the lock held."""
        messages: list[Message] = []
        acquisition = self._acquisition
        if acquisition and self._started_on is not connection:
            self._started_on = connection
            self._mirror.expect(acquisition.name)
            messages.append(acquisition.start)
            if self._warned != connection.instance:
                messages += [{"do": "warn", "message": text} for text in acquisition.warnings]
                self._warned = connection.instance
            if acquisition.end and acquisition.end not in self._messages:
                self._messages.append(acquisition.end)
        # Wished for after the start, or there is none.
        if self._dataset and self._dataset.said_to != connection.instance:
            self._dataset.said_to = connection.instance
            messages.append({"do": "load_dataset", "path": self._dataset.path})
        return messages

    def _send_rescan(self, connection: Connection, acquisition: Acquisition) -> None:
        with self._changed:
            if self._acquisition is not acquisition or not self._lost:
                return
            fovs = self._lost.take()
            self._rescan_after = time.monotonic() + RESCAN_PAUSE_S
            wanted = None if fovs is None else set(fovs)
            images = [image for image in self._images.values() if wanted is None or image.fov_idx in wanted]
        # Where a file lies stands in no store: what is remembered is said again.
        for start in range(0, len(images), BATCH_NOTICES):
            for message in messages_of(acquisition.name, images[start : start + BATCH_NOTICES]):
                self._send(connection, message)
        rescan: Message = {"do": "rescan", "acquisition": acquisition.name}
        if fovs is not None:
            rescan["fovs"] = fovs
        self._send(connection, rescan)

    def _send(self, connection: Connection, message: Message) -> None:
        line = encode(message)
        if len(line) > MAX_LINE_BYTES:
            logger.warning("%s is too large to be sent: %d bytes", message["do"], len(line))
            return
        connection.send_line(line)

    def _fulfil(self, want: int) -> None:
        with self._changed:
            if self._want == want:
                self._want = 0

    # What follows runs in the reader's thread.

    def _on_greeted(self, reply: Message | None, want: int) -> None:
        if reply is None:
            return  # The window closed before it took the start: another one is wanted.
        self._fulfil(want)
        if error := reply.get("error"):
            self._on_refusal(error)

    def _on_subscribed(self, reply: Message | None, _received: float) -> None:
        if reply and isinstance(reply.get("ok"), dict):
            # The reply is a status, bare or as in an event.
            status = reply["ok"]
            self._on_status(status.get("status", status))

    def _on_event(self, message: Message) -> None:
        if message.get("event") == "status":
            self._on_status(message["status"])

    def _on_status(self, status: Message) -> None:
        revision = self._mirror.update(status)
        connection = self._connection
        if revision is None or connection is None:
            return

        def on_fovs(reply: Message | None, _received: float) -> None:
            if reply and "ok" in reply:
                self._mirror.update_fovs(reply["ok"].get("fovs", []), revision)

        try:
            connection.ask({"do": "get_fov_list"}, on_fovs)
        except OSError as error:
            logger.debug("the list of FOVs cannot be asked for: %s", error)

    def _on_refusal(self, error: Message) -> None:
        code = str(error.get("code"))
        # A wrong notice comes once per plane; one line of each kind tells it.
        level = logging.DEBUG if code in self._refused else logging.WARNING
        self._refused.add(code)
        logger.log(level, "squidview did not take a message: %s (%s)", error.get("message"), code)

    def _on_end(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def after_fork(self) -> None:
        """In a forked child: this sender has no threads here, and the connection is the parent's."""
        if self._connection:
            self._connection.abandon()
        self._reset()
        self._mirror.reset()


_SENDERS: weakref.WeakSet[Sender] = weakref.WeakSet()
_WANTS = itertools.count(1)


def _close_all() -> None:
    senders = list(_SENDERS)
    for sender in senders:
        sender.close()
    deadline = time.monotonic() + EXIT_S
    for sender in senders:
        sender.join(max(0.0, deadline - time.monotonic()))


def _after_fork() -> None:
    LAUNCHER.reset()
    for sender in list(_SENDERS):
        sender.after_fork()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
