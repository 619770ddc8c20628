"""Takes the place of Squid's ``software/control/ndviewer_light``: copy this folder there as it is.

It holds the package ``squidview``, so nothing has to be installed; the viewer itself is found on the search path or
by the environment variable ``SQUIDVIEW``. ``LightweightViewer`` is looked up when it is first used, because it
imports Qt.
"""

from typing import Any

from .squidview import ndviewer_light as _names
from .squidview.ndviewer_light import (
    FPATTERN,
    FPATTERN_OME,
    MAX_3D_TEXTURE_SIZE,
    MemoryBoundedLRUCache,
    __version__,
    data_structure_changed,
    detect_format,
    discover_zarr_v3_fovs,
    extract_ome_physical_sizes,
    hex_to_colormap,
    last_volume_problem,
    open_zarr_tensorstore,
    parse_zarr_v3_metadata,
    read_acquisition_parameters,
    read_tiff_pixel_size,
    wavelength_to_colormap,
)

__all__ = [
    "FPATTERN",
    "FPATTERN_OME",
    "MAX_3D_TEXTURE_SIZE",
    "LightweightMainWindow",
    "LightweightViewer",
    "MemoryBoundedLRUCache",
    "__version__",
    "data_structure_changed",
    "detect_format",
    "discover_zarr_v3_fovs",
    "extract_ome_physical_sizes",
    "hex_to_colormap",
    "last_volume_problem",
    "open_zarr_tensorstore",
    "parse_zarr_v3_metadata",
    "read_acquisition_parameters",
    "read_tiff_pixel_size",
    "wavelength_to_colormap",
]


def __getattr__(name: str) -> Any:
    """The classes that need Qt."""
    return getattr(_names, name)
