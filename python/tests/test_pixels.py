"""Planes in memory, from buffers and from arrays that are none."""

import sys
import unittest
from array import array

from squidview.pixels import Plane, plane_of

try:
    import numpy
except ImportError:
    numpy = None


class OnCard:
    """An array that is no buffer."""

    def __init__(self, dtype, shape, data):
        self.dtype, self.shape, self._data = dtype, shape, data

    def tobytes(self):
        return self._data


class Interface:
    def __init__(self, typestr, shape, data):
        self.__array_interface__ = {"typestr": typestr, "shape": shape, "version": 3}
        self._data = data

    def tobytes(self):
        return self._data


def shaped(letter, values, shape):
    return memoryview(array(letter, values)).cast("B").cast(letter, shape)


class Pixels(unittest.TestCase):
    def test_samples_keep_their_type(self):
        for letter, dtype in {
            "B": "uint8",
            "H": "uint16",
            "h": "int16",
            "I": "uint32",
            "f": "float32",
            "d": "float64",
        }.items():
            plane = plane_of(shaped(letter, range(6), (2, 3)), 2, 3)
            self.assertEqual((plane.dtype, plane.height, plane.width), (dtype, 2, 3))
            self.assertEqual(len(plane.data), 6 * array(letter).itemsize)

    def test_bytes_are_one_or_two_bytes_a_sample(self):
        self.assertEqual(plane_of(bytes(6), 2, 3).dtype, "uint8")
        self.assertEqual(plane_of(bytearray(12), 2, 3).dtype, "uint16")
        for wrong in (bytes(7), bytes(24), b""):
            with self.assertRaises(ValueError):
                plane_of(wrong, 2, 3)

    def test_arrays_without_a_buffer_are_taken(self):
        data = bytes(range(12))
        wanted = Plane("uint16", 2, 3, data)
        self.assertEqual(plane_of(OnCard("uint16", (2, 3), data), 2, 3), wanted)
        self.assertEqual(plane_of(Interface("<u2", (1, 2, 3), data), 2, 3), wanted)
        swapped = bytes(data[at ^ 1] for at in range(12))
        self.assertEqual(plane_of(Interface(">u2", (2, 3), swapped), 2, 3), wanted)

    def test_what_is_no_plane_is_refused(self):
        for wrong in (shaped("H", range(6), (3, 2)), shaped("H", range(12), (2, 2, 3)), array("H", range(6))):
            with self.assertRaises(ValueError):
                plane_of(wrong, 2, 3)
        with self.assertRaises(TypeError):
            plane_of(Interface("<c8", (2, 3), bytes(48)), 2, 3)
        with self.assertRaises(AttributeError):
            plane_of(object(), 2, 3)

    @unittest.skipIf(numpy is None, "no numpy here")
    def test_numpy_arrays_of_any_order_become_rows(self):
        values = numpy.arange(6, dtype=numpy.uint16).reshape(2, 3)
        wanted = Plane("uint16", 2, 3, values.astype("<u2").tobytes())
        for same in (
            values,
            numpy.asfortranarray(values),
            values.astype(">u2"),
            numpy.repeat(values, 2, axis=1)[:, ::2],
        ):
            self.assertEqual(plane_of(same, 2, 3), wanted)
        self.assertEqual(plane_of(values > 2, 2, 3).dtype, "bool")
        self.assertEqual(plane_of(values.astype("float16"), 2, 3).dtype, "float16")
        self.assertEqual(plane_of(values.astype("int64"), 2, 3).dtype, "int64")
        self.assertIn("numpy", sys.modules)
