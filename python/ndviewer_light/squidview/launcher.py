"""Starting a viewer: which program, detached from this process, and never a second one while one is starting."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

from .instances import is_ours, runtime_folder

logger = logging.getLogger("squidview")

STARTING_S = 30.0
"""How long a viewer may take until it listens: a cold start from a network disk on a busy machine is slow."""


def executable() -> str | None:
    """The viewer: what ``SQUIDVIEW`` names, else ``squidview`` on the search path."""
    return os.environ.get("SQUIDVIEW") or shutil.which("squidview")


class Launcher:
    """Starts viewers for all clients of this process; a mark in the runtime folder tells other processes."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Has started nothing, with a lock of its own: for a forked child, where the old one may be held for ever."""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._children: list[subprocess.Popen[bytes]] = []
        self._since = 0.0
        self._mark: Path | None = None

    def start(self, *arguments: str) -> bool:
        """Starts a viewer, unless one is starting; false where that is impossible. Takes milliseconds."""
        with self._lock:
            if self._is_starting():
                return True
            program = executable()
            if program is None:
                logger.info("no viewer runs, and there is no squidview on the search path (or in SQUIDVIEW) to start")
                return False
            mark = runtime_folder() / "starting"
            if not _claim(mark):
                # Another process is at it.
                self._process, self._since, self._mark = None, time.monotonic(), None
                return True
            try:
                self._process = _spawn([program, *arguments])
            except OSError as error:
                logger.warning("the viewer %s cannot be started: %s", program, error)
                mark.unlink(missing_ok=True)
                return False
            # Those that ended are collected here, so that at most one stays as a zombie.
            self._children = [*(child for child in self._children if child.poll() is None), self._process]
            self._since, self._mark = time.monotonic(), mark
            return True

    def is_starting(self) -> bool:
        """True while a viewer was started that may still come to listen."""
        with self._lock:
            return self._is_starting()

    def arrived(self) -> None:
        """A viewer listens: the next one may be started when it is gone."""
        with self._lock:
            self._since = 0.0
            # Also the mark of another process, which may have ended before its viewer listened.
            self._mark = runtime_folder() / "starting"
            self._unmark()

    def _is_starting(self) -> bool:
        if not self._since:
            return False
        status = self._process.poll() if self._process else None
        # A program that ends well may be a script that left the viewer running.
        if not status and time.monotonic() - self._since < STARTING_S:
            return True
        if status:
            logger.warning("the viewer ended with status %s before it listened", status)
        self._since = 0.0
        self._unmark()
        return False

    def _unmark(self) -> None:
        if self._mark:
            try:
                self._mark.unlink(missing_ok=True)
            except OSError as error:
                logger.debug("cannot remove %s: %s", self._mark, error)
            self._mark = None


def _claim(mark: Path) -> bool:
    """True where no other process is starting a viewer; the mark then says that this one is."""
    try:
        mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_ours(mark.parent, stat.S_ISDIR):
            return True  # Somebody else's folder holds no mark of ours; the viewer will say what it thinks of it.
        if mark.exists() and time.time() - mark.stat().st_mtime > STARTING_S:
            mark.unlink(missing_ok=True)
        mark.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    except OSError as error:
        logger.debug("no mark at %s: %s", mark, error)
    return True


def _spawn(command: list[str]) -> subprocess.Popen[bytes]:
    """A process that outlives this one and shares neither its terminal nor its files."""
    detached: dict[str, object] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        detached = {"creationflags": flags}
    nothing = subprocess.DEVNULL
    process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
        command, stdin=nothing, stdout=nothing, stderr=nothing, close_fds=True, **detached
    )
    return process


LAUNCHER = Launcher()
"""The one of this process."""
