"""Tests of pycircuit; the package exists so that they can share `tests.strategies` and `tests.peer`."""
