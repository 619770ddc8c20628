"""Takes the place of the package that Squid imports, Cephla-Lab/ndviewer_light: the same names.

``LightweightViewer`` is the widget of ``squidview.qt`` (the client without a widget where no Qt binding is
installed), looked up when it is first used, so that importing this module imports no Qt. Reading functions answer
through ``squidview inspect``: they give what they gave for a folder without such data, and raise ``InspectError``
where there is no squidview to ask.
"""

from __future__ import annotations

import json
import re
import threading
import xml.etree.ElementTree
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .inspection import InspectError, inspect

if TYPE_CHECKING:
    from .qt import LightweightMainWindow, LightweightViewer

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

FPATTERN = re.compile(r"(?P<r>[^_]+)_(?P<f>\d+)_(?P<z>\d+)_(?P<c>.+)\.tiff?", re.IGNORECASE)
"""Names of single images: region, FOV, z, channel. Squid's ``utils_acquisition.py`` writes them."""

FPATTERN_OME = re.compile(r"(?P<r>[^_]+)_(?P<f>\d+)\.ome\.tiff?", re.IGNORECASE)
"""Names of OME-TIFF files: region, FOV."""

MAX_3D_TEXTURE_SIZE = 2048
"""Longest side of a volume that the embedded viewer drew; squidview draws none."""

_AXIS_TYPES = {"fov": "fov", "t": "time", "c": "channel"}
_COLORMAPS = {
    "blue": (0, 0, 255),
    "green": (0, 255, 0),
    "yellow": (255, 255, 0),
    "red": (255, 0, 0),
    "magenta": (255, 0, 255),
    "cyan": (0, 255, 255),
    "gray": (128, 128, 128),
}
_WAVELENGTHS_NM = [
    ((1, 420), "blue"),
    ((470, 510), "green"),
    ((540, 590), "yellow"),
    ((620, 660), "red"),
    ((700, 10**6), "magenta"),
]
_MICROMETERS = {"nm": 1e-3, "nanometer": 1e-3, "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "m": 1e6, "meter": 1e6}
"""Units of OME-XML in µm; any other one is taken for µm, the unit where none is given."""


def __getattr__(name: str) -> Any:
    """The classes that need Qt."""
    if name not in ("LightweightViewer", "LightweightMainWindow"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from . import qt
    except ImportError:
        if name != "LightweightViewer":
            return _WindowWithoutQt
        # A script that only announces needs no widget.
        from .lightweight_viewer import LightweightViewer

        return LightweightViewer
    return getattr(qt, name)


class _WindowWithoutQt:
    """Stands for ``LightweightMainWindow`` where no Qt is installed: importing every name of the module needs none."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise ImportError("LightweightMainWindow needs PyQt5 or PySide6, neither is installed")


def last_volume_problem() -> str | None:
    """Why the last volume could not be drawn: squidview draws planes and projections, so there is never one."""
    return None


def detect_format(base_path: Any) -> str:
    """``zarr_v3``, ``ome_tiff`` or ``single_tiff``, the last also where nothing is recognised."""
    try:
        if inspect(base_path)["zarr_format"] is not None:
            return "zarr_v3"
    except InspectError as error:
        _pass_on(error)
    # Until inspect reads TIFF, the names tell these two apart.
    folders = [Path(base_path) / "ome_tiff", *(f for f in sorted(_entries(base_path)) if f.name.isdigit())]
    is_ome = any(".ome.tif" in file.name.lower() for folder in folders[:2] for file in _entries(folder))
    return "ome_tiff" if is_ome else "single_tiff"


def discover_zarr_v3_fovs(base_path: Any) -> tuple[list[dict[str, Any]], str]:
    """``{"region", "fov", "path"}`` of every FOV, in the viewer's order, and the structure.

    That is ``hcs_plate``, ``per_fov``, ``6d``, or ``unknown`` with no FOV.
    """
    try:
        document = inspect(base_path)
    except InspectError as error:
        _pass_on(error)
        return [], "unknown"
    fields = document["fields"]
    if document["zarr_format"] is None or not fields:
        return [], "unknown"
    fovs = [_fov(Path(base_path), field) for field in fields]
    if any("#" in field["id"] for field in fields):
        return fovs, "6d"
    return fovs, "hcs_plate" if fields[0].get("row") is not None else "per_fov"


def _fov(base_path: Path, field: dict[str, Any]) -> dict[str, Any]:
    region = field.get("region")
    fov = field.get("fov")
    store = field["id"].partition("#")[0]
    return {
        "region": "default" if region is None else region,
        "fov": field["index"] if fov is None else fov,
        "path": base_path if store == "." else base_path / store,
    }


def parse_zarr_v3_metadata(zarr_path: Any) -> dict[str, Any]:
    """Axes, sampling, channels and completeness of a store; empty lists and ``None`` for what it does not say."""
    try:
        document = inspect(zarr_path)
    except InspectError as error:
        _pass_on(error)
        document = {}
    image = document.get("image") or {}
    sizes = image.get("pixel_size_um") or {}
    channels = image.get("channels") or []
    names = image.get("axes") or []
    if any("#" in field["id"] for field in document.get("fields") or []):
        # Fields share the array along an axis of their own, which inspect leaves out.
        names = ["fov", *names]
    axes = [{"name": name, "type": _AXIS_TYPES.get(name, "space")} for name in names]
    return {
        "axes": axes,
        "pixel_size_um": sizes.get("x"),
        "dz_um": sizes.get("z"),
        "channel_names": [channel.get("name") or "" for channel in channels],
        "channel_colors": [channel.get("color") or "" for channel in channels],
        "acquisition_complete": bool((document.get("acquisition") or {}).get("complete")),
    }


def read_acquisition_parameters(base_path: Any) -> tuple[float | None, float | None]:
    """Pixel size and z-step of an acquisition in µm."""
    try:
        sizes = (inspect(base_path)["image"] or {}).get("pixel_size_um") or {}
    except InspectError as error:
        _pass_on(error)
        return None, None
    return sizes.get("x"), sizes.get("z")


def read_tiff_pixel_size(tiff_path: str) -> float | None:
    """Pixel size of an image file in µm."""
    return read_acquisition_parameters(tiff_path)[0]


def extract_ome_physical_sizes(ome_metadata: str) -> tuple[float | None, float | None, float | None]:
    """Pixel size x, y and z-step in µm of an OME-XML text; ``None`` for what it does not say."""
    try:
        root = xml.etree.ElementTree.fromstring(ome_metadata or "")
    except xml.etree.ElementTree.ParseError:
        return None, None, None
    pixels = root if root.tag.endswith("Pixels") else root.find(".//{*}Pixels")
    if pixels is None:
        return None, None, None
    x, y, z = (_physical_size(pixels, axis) for axis in "XYZ")
    return x, y, z


def _physical_size(pixels: xml.etree.ElementTree.Element, axis: str) -> float | None:
    unit = pixels.get(f"PhysicalSize{axis}Unit", "µm").lower().removesuffix("s")
    try:
        size = float(pixels.get(f"PhysicalSize{axis}", "")) * _MICROMETERS.get(unit, 1.0)
    except ValueError:
        return None
    return size if 0 < size < float("inf") else None


def hex_to_colormap(hex_color: str) -> str:
    """The colormap next to a colour ``#RRGGBB``; ``gray`` where it is none."""
    digits = (hex_color or "").removeprefix("#")
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        return "gray"
    color = bytes.fromhex(digits)

    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(color, _COLORMAPS[name], strict=True))

    return min(_COLORMAPS, key=distance)


def wavelength_to_colormap(wavelength: int | None) -> str:
    """The colormap of an excitation wavelength in nm; ``gray`` between the lines of common lasers, and for none."""
    for (first, last), name in _WAVELENGTHS_NM:
        if first <= (wavelength or 0) <= last:
            return name
    return "gray"


def data_structure_changed(old_data: Any, new_data: Any) -> bool:
    """True where two xarray arrays differ in dimensions, sample type, or number, names or colours of channels."""
    if old_data is None:
        return True

    def structure(data: Any) -> tuple[Any, ...]:
        attributes = data.attrs
        names, luts = attributes.get("channel_names", []), attributes.get("luts", {})
        return data.dims, data.dtype, data.sizes.get("channel", 0), names, luts

    return structure(old_data) != structure(new_data)


def open_zarr_tensorstore(path: Any, array_path: str = "0") -> Any:
    """Not available: squidview reads arrays in its own process and hands none out.

    Raises ``NotImplementedError`` with the call of tensorstore that opens the array.
    """
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(Path(path) / array_path)}}
    raise NotImplementedError(
        f"squidview hands no arrays out; tensorstore.open({json.dumps(spec)}).result() opens it, "
        "and `squidview plane PATH -o FILE.npy` writes one plane"
    )


class MemoryBoundedLRUCache:
    """Values with ``nbytes`` by key; where they exceed a bound, the least recently used ones go. Any thread."""

    def __init__(self, max_memory_bytes: int) -> None:
        self._bound = max_memory_bytes
        self._bytes = 0
        self._values: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[Any, ...]) -> Any:
        """The value, which counts as used now; ``None`` where there is none."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: tuple[Any, ...], value: Any) -> None:
        """Keeps a value, unless it alone exceeds the bound."""
        if value.nbytes > self._bound:
            return
        with self._lock:
            self._remove(key)
            while self._values and self._bytes + value.nbytes > self._bound:
                self._remove(next(iter(self._values)))
            self._values[key] = value
            self._bytes += value.nbytes

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def invalidate(self, key: tuple[Any, ...]) -> bool:
        """Forgets a value; false where there is none."""
        with self._lock:
            return self._remove(key)

    def _remove(self, key: tuple[Any, ...]) -> bool:
        if key not in self._values:
            return False
        self._bytes -= self._values.pop(key).nbytes
        return True

    def __contains__(self, key: tuple[Any, ...]) -> bool:
        with self._lock:
            return key in self._values

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)


def _pass_on(error: InspectError) -> None:
    """A folder without such data is an answer; nobody to ask is none."""
    if error.code in ("no_viewer", "no_answer"):
        raise error


def _entries(folder: Any) -> list[Path]:
    try:
        return list(Path(folder).iterdir())
    except OSError:
        return []
