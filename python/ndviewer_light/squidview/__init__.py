"""Watch and drive squidview, the viewer for microscopy acquisitions.

``LightweightViewer`` announces a running acquisition as Squid does; ``Viewer`` drives the window from a script. Only
the standard library is needed; ``squidview.qt`` alone imports Qt.
"""

from .connection import RefusedError
from .lightweight_viewer import LightweightViewer
from .viewer import Viewer

__version__ = "0.1.0"

__all__ = ["LightweightViewer", "RefusedError", "Viewer", "__version__"]
