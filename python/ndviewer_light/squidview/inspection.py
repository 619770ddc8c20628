"""What ``squidview inspect`` says of a dataset; it reads metadata only, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from .launcher import executable

INSPECT_S = 120.0
"""A plate with 100,000 FOVs on a network disk takes a minute."""


class InspectError(RuntimeError):
    """``squidview inspect`` has no answer; ``code`` is one of its codes, ``no_viewer`` or ``no_answer``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


def inspect(path: Any, fov: int | None = None) -> dict[str, Any]:
    """The document that ``squidview inspect PATH --json`` prints. Raises ``InspectError``."""
    program = executable()
    if program is None:
        raise InspectError("no_viewer", "there is no squidview on the search path, and SQUIDVIEW names none")
    command = [program, "inspect", os.path.abspath(os.fsdecode(path)), "--json"]
    if fov is not None:
        command += ["--fov", str(fov)]
    try:
        finished = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=INSPECT_S)
        document = json.loads(finished.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise InspectError("no_answer", f"{program} inspect gave no answer: {error}") from error
    if refusal := document.get("error"):
        raise InspectError(refusal["code"], refusal["message"])
    return dict(document)
