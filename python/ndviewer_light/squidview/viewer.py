"""The small class for scripts: drives the window, and measures when pixels were on the screen.

Unlike ``LightweightViewer`` it waits for answers and raises what goes wrong.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from .announcement import path_text
from .connection import Message, RefusedError, Reply, connect_to_newest

ANSWER_S = 10.0
"""A window answers within a frame; what takes longer is stuck."""


class Viewer:
    """A connection to a window that runs: the newest, or that at ``address`` (``HOST:PORT``). Starts nothing.

    Raises ``ConnectionError`` where there is none. Methods raise ``RefusedError`` for what the window does not take
    (an index beyond the dataset, nothing open) and ``ConnectionError`` once it was closed. ``fov`` is a flat number:
    ``index`` in the ``fields`` of ``squidview inspect``. A context manager.
    """

    def __init__(self, address: str | None = None) -> None:
        connection = connect_to_newest("squidview.Viewer", address=address)
        if connection is None:
            place = f"at {address}" if address else "on this machine"
            raise ConnectionError(f"no squidview of this user listens {place}")
        self._connection = connection

    def open(self, path: str) -> None:
        """Opens a dataset; ``wait_shown`` tells when it is on the screen."""
        self._request({"do": "open", "path": path_text(path)})

    def set_index(self, t: int | None = None, fov: int | None = None, z: int | None = None) -> None:
        """Goes to a timepoint, a FOV, a z-slice; what is left out stays."""
        self._request({"do": "set_index", **_given(t=t, fov=fov, z=z)})

    def notify_written(self, t: int, fov: int, z: int, channel: str, region: str | None = None) -> None:
        """A plane of the dataset that is open was written; with ``region``, ``fov`` counts inside of that region."""
        self._request({"do": "notify_written", "t": t, "fov": fov, "z": z, "channel": channel, **_given(region=region)})

    def status(self) -> dict[str, Any]:
        """What is open and shown, and how many planes are written: a status of ``docs/live-protocol.md``."""
        return self._request({"do": "status"}).ok

    def shown(self) -> dict[str, Any]:
        """What is on the screen: ``t``, ``fov``, ``z`` and per channel state and revision; empty where nothing is.

        ``shown_at`` is when the frame was handed to the screen, on the clock of ``time.monotonic()``.
        """
        reply = self._request({"do": "status"})
        shown = reply.ok.get("shown")
        if not shown:
            return {}
        return {**shown, "shown_at": reply.received - float(shown["age_s"])}

    def wait_shown(
        self,
        timeout_s: float,
        t: int | None = None,
        fov: int | None = None,
        z: int | None = None,
        channel: str | None = None,
    ) -> float:
        """Seconds from this call until the pixels of that position were on the screen, 0 where they were already.

        They are of the revision that all notices raised which were sent before it on this connection. What is left
        out may be anything. Raises ``TimeoutError`` where they are not on the screen in time.
        """
        called = time.monotonic()
        wish = {"do": "wait_shown", "timeout_s": timeout_s, **_given(t=t, fov=fov, z=z, channel=channel)}
        try:
            reply = self._request(wish, timeout_s + ANSWER_S)
        except RefusedError as error:
            if error.code != "timeout":
                raise
            raise TimeoutError(
                f"not on the screen within {timeout_s} s: {_given(t=t, fov=fov, z=z, channel=channel)}"
            ) from error
        return max(0.0, reply.received - float(reply.ok["age_s"]) - called)

    def close(self) -> None:
        """Ends the connection; the window stays open."""
        self._connection.close()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _request(self, message: Message, timeout_s: float = ANSWER_S) -> Reply:
        return self._connection.request(message, timeout_s)


def _given(**values: Any) -> Message:
    return {key: value for key, value in values.items() if value is not None}
