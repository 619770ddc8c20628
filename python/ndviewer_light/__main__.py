"""``python -m ndviewer_light [PATH]``: opens a dataset in squidview, starting it where it does not run."""

import sys

from .squidview import LightweightViewer
from .squidview.launcher import executable

if executable() is None:
    sys.exit("there is no squidview on the search path, and SQUIDVIEW names none")
viewer = LightweightViewer()
if len(sys.argv) > 1:
    viewer.load_dataset(sys.argv[1])
else:
    viewer.show_viewer()
# A cold start takes longer than the end of the interpreter waits.
viewer.flush(30.0)
