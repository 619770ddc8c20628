"""The widget for Squid's tab: a status line, a button that shows the viewer, and the methods of the client.

The only module that imports Qt: the binding that the program uses already, else the first that is installed of PyQt5,
PySide6 and PyQt6. All of it belongs to the interface thread, except ``register_*`` and ``notify_*``.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from . import lightweight_viewer
from .instances import Instance

BINDINGS = ("PyQt5", "PySide6", "PyQt6")
"""In the order of preference; Squid runs on PyQt5."""

STATUS_MS = 500
"""Between looks at what the status line says."""

METHODS = (
    "start_acquisition",
    "register_image",
    "register_images",
    "register_images_bulk",
    "register_array",
    "end_acquisition",
    "start_zarr_acquisition",
    "start_zarr_acquisition_6d",
    "notify_zarr_frame",
    "end_zarr_acquisition",
    "load_dataset",
    "refresh",
    "load_fov",
    "go_to_well_fov",
    "set_current_index",
    "get_fov_list",
    "has_fov_dimension",
    "is_push_mode_active",
    "is_zarr_push_mode_active",
    "show_viewer",
    "describe",
)
"""What the widget hands to its client."""


def _binding() -> tuple[Any, Any, Any]:
    """QtCore, QtGui and QtWidgets of the binding to use. Raises ``ImportError`` where there is none."""
    wished = {"pyqt5": "PyQt5", "pyside6": "PySide6", "pyqt6": "PyQt6"}.get(os.environ.get("QT_API", "").lower())
    loaded = [name for name in BINDINGS if f"{name}.QtCore" in sys.modules]
    # Two bindings in one process do not work together.
    for name in loaded or [*([wished] if wished else []), *BINDINGS]:
        try:
            core, gui, widgets = (
                importlib.import_module(f"{name}.{part}") for part in ("QtCore", "QtGui", "QtWidgets")
            )
        except ImportError:
            continue
        return core, gui, widgets
    raise ImportError(f"squidview.qt needs one of {', '.join(BINDINGS)}")


QtCore, QtGui, QtWidgets = _binding()


class LightweightViewer(QtWidgets.QWidget):  # type: ignore[misc,name-defined]
    """Stands where the embedded viewer stood; the picture is in squidview's own window.

    Raises ``RuntimeError`` where there is no ``QApplication``: Qt would end the process.
    """

    _xarray_data = None

    def __init__(self, dataset_path: str = "") -> None:
        if QtWidgets.QApplication.instance() is None:
            raise RuntimeError("a widget needs a QApplication")
        super().__init__()
        client = lightweight_viewer.LightweightViewer(dataset_path)
        # Also where Qt deletes it with its parent, without closing it.
        self.destroyed.connect(lambda: client.close())
        self._client = client
        self._line = QtWidgets.QLabel(self._client.describe())
        self._line.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        self._line.setWordWrap(True)
        self._button = QtWidgets.QPushButton("Show viewer")
        self._button.clicked.connect(self._on_show_clicked)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addStretch(1)
        layout.addWidget(self._line)
        layout.addWidget(self._button, 0, QtCore.Qt.AlignmentFlag.AlignCenter)
        layout.addStretch(1)
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._update_line)
        self._timer.start(STATUS_MS)

    @property
    def client(self) -> lightweight_viewer.LightweightViewer:
        """What speaks with the viewer."""
        return self._client

    @property
    def ndv_viewer(self) -> Instance | None:
        """The window that is connected; ``None`` where there is none."""
        return self._client.ndv_viewer

    @property
    def dataset_path(self) -> str:
        """The dataset that was asked for last."""
        return self._client.dataset_path

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Lets go of the viewer, which stays open."""
        self._timer.stop()
        self._client.close()
        super().closeEvent(event)

    def _on_show_clicked(self) -> None:
        self._client.show_viewer()
        self._update_line()

    def _update_line(self) -> None:
        text = self._client.describe()
        if text != self._line.text():
            self._line.setText(text)


def _handed_on(name: str) -> Any:
    method = getattr(lightweight_viewer.LightweightViewer, name)

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._client, name)(*args, **kwargs)

    return call


for _name in METHODS:
    setattr(LightweightViewer, _name, _handed_on(_name))


class LightweightMainWindow(QtWidgets.QMainWindow):  # type: ignore[misc,name-defined]
    """A window with nothing but the widget."""

    def __init__(self, dataset_path: str) -> None:
        super().__init__()
        self.setWindowTitle(f"squidview - {Path(dataset_path).name}")
        self.viewer = LightweightViewer(dataset_path)
        self.setCentralWidget(self.viewer)

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Closes the widget, too."""
        self.viewer.close()
        super().closeEvent(event)
