"""Instance files: where the windows of this user listen, and the token that lets a client in.

The table of folders is that of ``docs/live-protocol.md``, section "Finding a window"; the viewer writes by the same
table.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Instance:
    """One window, as its instance file describes it."""

    host: str
    port: int
    token: str = field(repr=False)
    pid: int
    started_unix_ms: int

    @property
    def address(self) -> str:
        """``HOST:PORT``, an IPv6 host in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def runtime_folder() -> Path:
    """The folder that holds the instance files of this user; it need not exist."""
    if named := os.environ.get("SQUIDVIEW_RUNTIME_DIR"):
        return Path(named)
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local) / "squidview" / "run"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "squidview" / "run"
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "squidview"
    return Path(f"/tmp/squidview-{os.geteuid()}")


def find_instances() -> list[Instance]:
    """Every window that has an instance file, newest first; one that crashed may be among them."""
    folder = runtime_folder()
    if not is_ours(folder, stat.S_ISDIR):
        return []
    try:
        files = list(folder.glob("instance-*.json"))
    except OSError:
        return []
    found = [instance for file in files if is_ours(file, stat.S_ISREG) and (instance := _read(file))]
    return sorted(found, key=lambda instance: instance.started_unix_ms, reverse=True)


def is_ours(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """True where this user owns the path and nobody else may write it: below ``/tmp`` anybody could have made it."""
    try:
        # Of the entry itself: a link would lead to somebody else's choice.
        status = path.lstat()
    except OSError:
        return False
    if not is_kind(status.st_mode):
        return False
    if sys.platform == "win32":
        return True
    others_may_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.geteuid() and not others_may_write


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; one that listens everywhere is reached by the loopback interface.

    Raises ``ValueError`` where there is no port.
    """
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host:
        raise ValueError(f"address {address!r}, expected HOST:PORT")
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), int(port)


def _read(file: Path) -> Instance | None:
    """The instance of a file; ``None`` where it is gone, half-written, or of another protocol."""
    try:
        document = json.loads(file.read_text("utf-8"))
        if document["protocol"] != 1:
            return None
        host, port = split_address(document["address"])
        return Instance(
            host=host,
            port=port,
            token=str(document["token"]),
            pid=int(document["pid"]),
            started_unix_ms=int(document["started_unix_ms"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
