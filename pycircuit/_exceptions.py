"""Exception and info classes as attributes of a module, whose stub tells editors their names and payloads (spec 01, section 12)."""

from pycircuit import _errors

globals().update(_errors.CLASSES)
