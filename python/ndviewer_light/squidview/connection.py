"""One connection to a window: hello, ids, and a thread that reads replies and events.

Speaks ``docs/live-protocol.md``, version 1. Any thread may send; callbacks are called by the reader thread and must
be short.
"""

from __future__ import annotations

import itertools
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from .instances import Instance, find_instances

logger = logging.getLogger("squidview")

Message = dict[str, Any]

PROTOCOL = 1
"""Version of the protocol."""

MAX_LINE_BYTES = 67_108_864
"""Longest line that a window takes."""

CONNECT_TIMEOUT_S = 0.5
"""A window on the loopback interface accepts in microseconds; what takes longer is stuck."""

SEND_TIMEOUT_S = 10.0
"""A window that takes nothing for that long is given up; what it missed is on disk."""


class RefusedError(RuntimeError):
    """A window answered with an error; ``code`` is one of the protocol's, the text is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


class Reply(NamedTuple):
    """An answer, and when its line had arrived."""

    ok: Message
    received: float
    """Of ``time.monotonic()``."""


OnReply = Callable[[Message | None, float], None]
"""Gets the whole reply and the time of its arrival; ``None``: the connection ended first."""

OnMessage = Callable[[Message], None]


class Connection:
    """An open connection; the constructor raises ``OSError`` where nobody answers, or ``RefusedError``."""

    def __init__(
        self,
        instance: Instance,
        client: str,
        on_event: OnMessage | None = None,
        on_refusal: OnMessage | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self.instance = instance
        self.version = ""
        self.is_open = True
        self._is_greeted = False
        self._on_event = on_event
        self._on_refusal = on_refusal
        self._on_end = on_end
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._send_lock = threading.Lock()
        self._waiting: dict[int, OnReply] = {}
        self._unread = bytearray()
        self._socket = socket.create_connection((instance.host, instance.port), CONNECT_TIMEOUT_S)
        try:
            # A notice is one small packet and is wanted at once.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._greet(client)
        except BaseException:
            self._socket.close()
            raise
        self._socket.settimeout(SEND_TIMEOUT_S)
        self._reader = threading.Thread(target=self._read, name="squidview-reader", daemon=True)
        self._reader.start()

    def _greet(self, client: str) -> None:
        hello = {"protocol": PROTOCOL, "token": self.instance.token, "client": client}
        self._socket.sendall(encode({"hello": hello}))
        deadline = time.monotonic() + CONNECT_TIMEOUT_S
        while (line := self._next_line()) is None:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            self._receive()
        answer = _decode(line)
        if error := answer.get("error"):
            raise RefusedError(str(error.get("code")), str(error.get("message")))
        if "hello" not in answer:
            raise ConnectionError("what listens there is no squidview")
        self.version = str(answer["hello"].get("version", ""))
        self._is_greeted = True

    def send(self, message: Message) -> None:
        """Sends a message that gets no reply when it is taken. Raises ``OSError`` where the connection has ended."""
        self.send_line(encode(message))

    def send_line(self, line: bytes) -> None:
        """Sends a message that is a line already. Raises ``OSError`` where the connection has ended."""
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"a message of {len(line)} bytes, expected at most {MAX_LINE_BYTES}")
        if not self.is_open:
            raise ConnectionError("the connection to squidview has ended")
        with self._send_lock:
            try:
                self._socket.sendall(line)
            except OSError:
                # Half a line may have gone out, so nothing can follow it.
                self.close()
                raise

    def ask(self, message: Message, on_reply: OnReply) -> int:
        """Sends a message and has ``on_reply`` called with its reply; gives the id. Raises as ``send``."""
        with self._lock:
            identity = next(self._ids)
            self._waiting[identity] = on_reply
        try:
            self.send({"id": identity, **message})
        except (OSError, ValueError):
            self._forget(identity)
            raise
        return identity

    def request(self, message: Message, timeout_s: float) -> Reply:
        """Sends a message and waits for its reply.

        Raises ``RefusedError``, ``TimeoutError`` where no reply comes in time, and ``ConnectionError`` where the
        connection ends.
        """
        arrived = threading.Event()
        answers: list[tuple[Message | None, float]] = []

        def on_reply(reply: Message | None, received: float) -> None:
            answers.append((reply, received))
            arrived.set()

        try:
            identity = self.ask(message, on_reply)
        except TimeoutError as error:
            raise ConnectionError("squidview takes nothing") from error
        if not arrived.wait(timeout_s):
            self._forget(identity)
            raise TimeoutError(f"no reply to {message.get('do')} within {timeout_s} s")
        reply, received = answers[0]
        if reply is None:
            raise ConnectionError("the connection to squidview has ended")
        if refusal := reply.get("error"):
            raise RefusedError(str(refusal.get("code")), str(refusal.get("message")))
        return Reply(reply.get("ok") or {}, received)

    def close(self) -> None:
        """Ends the connection; whoever waits for a reply is told."""
        self.is_open = False
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The other side ended it already.
        self._socket.close()

    def finish(self, timeout_s: float) -> None:
        """Ends the connection once the window has read everything, or after that time."""
        try:
            # Closing at once could throw away what the window has not read yet.
            self._socket.shutdown(socket.SHUT_WR)
            if self._reader is not threading.current_thread():
                self._reader.join(timeout_s)
        except OSError:
            pass  # The other side ended it already.
        self.close()

    def abandon(self) -> None:
        """In a forked child: lets go of the socket without ending the parent's connection."""
        self.is_open = False
        self._socket.close()

    def _read(self) -> None:
        try:
            while self.is_open:
                if (line := self._next_line()) is not None:
                    self._dispatch(_decode(line), time.monotonic())
                else:
                    self._receive()
        except (OSError, ValueError) as error:
            logger.debug("the connection to squidview ended: %s", error)
        finally:
            self.close()
            with self._lock:
                waiting, self._waiting = self._waiting, {}
            for on_reply in waiting.values():
                on_reply(None, time.monotonic())
            if self._on_end:
                self._on_end()

    def _dispatch(self, message: Message, received: float) -> None:
        identity = message.get("id")
        if "event" in message:
            if self._on_event:
                self._on_event(message)
        elif identity is None:
            if self._on_refusal and "error" in message:
                self._on_refusal(message["error"])
        elif on_reply := self._forget(identity):
            on_reply(message, received)

    def _forget(self, identity: Any) -> OnReply | None:
        with self._lock:
            return self._waiting.pop(identity, None)

    def _next_line(self) -> bytes | None:
        end = self._unread.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line

    def _receive(self) -> None:
        try:
            received = self._socket.recv(1 << 16)
        except TimeoutError:
            if self._is_greeted:
                return  # Only the hello is waited for with a limit; a window has nothing to say for hours.
            raise
        if not received:
            raise ConnectionError("squidview closed the connection")
        if len(self._unread) + len(received) > MAX_LINE_BYTES:
            raise ConnectionError("squidview sent an endless line")
        self._unread += received


def connect_to_newest(
    client: str,
    on_event: OnMessage | None = None,
    on_refusal: OnMessage | None = None,
    on_end: Callable[[], None] | None = None,
    address: str | None = None,
) -> Connection | None:
    """A connection to the newest window that accepts one, or to that at ``address``; ``None`` where there is none."""
    for instance in find_instances():
        if address is not None and instance.address != address:
            continue
        try:
            return Connection(instance, client, on_event, on_refusal, on_end)
        except (OSError, ValueError, RefusedError) as error:
            # Left over from a crash, or not taking more clients: the next one may.
            logger.debug("no connection to %s: %s", instance.address, error)
    return None


def encode(message: Message) -> bytes:
    """A message as its line; what cannot be UTF-8 (names of files in another encoding) is replaced by ``?``."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


def _decode(line: bytes) -> Message:
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError(f"squidview sent {type(message).__name__}, expected an object")
    return message
