"""With this folder on PYTHONPATH, every Python process loads pycircuit's extension from the file PYCIRCUIT_CORE (`make sanitize`)."""

import importlib.abc
import importlib.util
import os
import sys


class SanitizedCore(importlib.abc.MetaPathFinder):
    """Finds the extension before an installed one does."""

    def find_spec(self, name, path=None, target=None):
        if name != "pycircuit._core":
            return None
        return importlib.util.spec_from_file_location(name, os.environ["PYCIRCUIT_CORE"])


sys.meta_path.insert(0, SanitizedCore())
