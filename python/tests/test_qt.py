"""The widget, where a Qt binding is installed."""

import inspect
import os
import unittest

from .fake_window import WindowTestCase

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
try:
    from squidview import qt
except ImportError:
    qt = None


@unittest.skipIf(qt is None, "no Qt binding here")
class Widget(WindowTestCase):
    def setUp(self):
        super().setUp()
        self.application = qt.QtWidgets.QApplication.instance() or qt.QtWidgets.QApplication([])

    def widget(self):
        widget = qt.LightweightViewer()
        self.addCleanup(self._end, widget.client)
        return widget

    def test_it_stands_in_a_layout_and_hands_calls_on(self):
        window = self.window()
        tab = qt.QtWidgets.QWidget()
        layout, widget = qt.QtWidgets.QVBoxLayout(tab), self.widget()
        layout.addWidget(widget, 1)
        widget.setVisible(True)
        widget.start_zarr_acquisition(["/0"], ["GFP"], 1, ["A1:0"], 4, 4)
        widget.notify_zarr_frame(0, 0, 0, "GFP", 0)
        window.wait_for("start_zarr_acquisition", "notify_zarr_frame", count=2)
        self.assertIs(widget.go_to_well_fov("A1", 7), False)
        with self.assertRaises(ValueError):
            widget.start_zarr_acquisition([], [], 1, [], 4, 4)

    def test_it_has_every_method_of_the_client(self):
        from squidview import LightweightViewer

        public = {name for name in vars(LightweightViewer) if not name.startswith("_")} - {
            "close",
            "flush",
            "ndv_viewer",
        }
        self.assertEqual(public, set(qt.METHODS))
        for name in qt.METHODS:
            self.assertEqual(
                inspect.signature(getattr(qt.LightweightViewer, name)),
                inspect.signature(getattr(LightweightViewer, name)),
            )

    def test_the_line_says_what_is_going_on_and_the_button_shows_the_viewer(self):
        widget = self.widget()
        self.eventually(lambda: widget.client.describe() == "No viewer is open")
        self.assertEqual(widget._line.text(), "No viewer is open")
        window = self.window()
        self.eventually(lambda: widget.ndv_viewer)
        widget._button.click()
        window.wait_for("show_window")
        self.assertIn("The viewer is open", widget._line.text())

    def test_deleting_it_ends_the_connection_too(self):
        self.window()
        tab = qt.QtWidgets.QWidget()
        widget = self.widget()
        widget.setParent(tab)
        client = widget.client
        self.eventually(lambda: client.ndv_viewer)
        del tab
        self.eventually(lambda: client.ndv_viewer is None)

    def test_closing_it_ends_the_connection(self):
        self.window()
        widget = self.widget()
        self.eventually(lambda: widget.ndv_viewer)
        widget.close()
        self.eventually(lambda: widget.ndv_viewer is None)
