"""The module of the embedded viewer that its own tests and tools import; the names are those of the package."""

from .squidview.ndviewer_light import *  # noqa: F403 - the names are listed there
