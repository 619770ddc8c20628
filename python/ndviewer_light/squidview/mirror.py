"""What a window shows, as its events say: answers questions at once, without asking the window.

Filled by the reader thread of a connection, read by any thread. Unknown is ``None``, never a guess.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from .connection import Message

ANSWER_WITHIN_S = 0.04
"""How long a question waits for news that are on their way; with the rest of the call it stays below 50 ms."""

NEWS_WITHIN_S = 1.0
"""How long after a start another acquisition's status is taken to be older; later it is another client's."""


class Mirror:
    """The last status of a window and its list of FOVs."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Knows nothing, with a lock of its own: for a forked child, where the old one may be held for ever."""
        self._changed = threading.Condition()
        self._status: Message | None = None
        self._fovs: list[Message] | None = None
        self._fovs_revision: Any = None
        self._is_awaited = False
        self._expected: str | None = None
        self._expected_until = 0.0

    def await_news(self) -> None:
        """A status will come within moments, or ``forget`` be called."""
        with self._changed:
            self._is_awaited = True

    def expect(self, acquisition: str) -> None:
        """An acquisition was started: what is known of another one is about to be outdated."""
        with self._changed:
            self._expected = acquisition
            self._expected_until = time.monotonic() + NEWS_WITHIN_S

    def forget(self) -> None:
        """There is no window."""
        with self._changed:
            self._status, self._fovs, self._fovs_revision = None, None, None
            self._is_awaited = False
            self._changed.notify_all()

    def update(self, status: Message) -> Any:
        """Takes a status; gives the revision of the list of FOVs where that is to be asked for, else ``None``."""
        with self._changed:
            self._status = status
            self._is_awaited = False
            if status.get("acquisition") == self._expected:
                self._expected = None
            self._changed.notify_all()
            revision = status.get("fov_list_revision")
            return None if revision == self._fovs_revision else revision

    def update_fovs(self, fovs: list[Message], revision: Any) -> None:
        """Takes the list of FOVs that was asked for at that revision."""
        with self._changed:
            self._fovs, self._fovs_revision = fovs, revision
            self._changed.notify_all()

    def latest(self) -> Message | None:
        """The last status, however old."""
        return self._status

    def status(self) -> Message | None:
        """The status, news on their way included; ``None`` where it is unknown."""
        answer: Message | None = self._answer(lambda: self._status)
        return answer

    def fovs(self) -> list[Message]:
        """The FOVs in the order of their flat numbers; empty where they are unknown."""
        return list(self._answer(self._current_fovs) or [])

    def _current_fovs(self) -> list[Message] | None:
        if self._status is None or self._status.get("fov_list_revision") != self._fovs_revision:
            return None
        return self._fovs

    def _answer(self, known: Any) -> Any:
        def is_settled() -> bool:
            if self._is_awaited or self._is_outdated():
                return False
            return self._status is None or known() is not None

        with self._changed:
            self._changed.wait_for(is_settled, ANSWER_WITHIN_S)
            return None if self._is_outdated() else known()

    def _is_outdated(self) -> bool:
        is_expecting = self._expected is not None and time.monotonic() < self._expected_until
        return is_expecting and self._status is not None
