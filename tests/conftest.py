"""Settings of all tests."""

import os

from hypothesis import settings

# Machines differ in speed, and the first example pays for imports: no deadline per example. Continuous integration takes the same examples
# every time; runs by hand look for new ones.
settings.register_profile("pycircuit", deadline=None, max_examples=60, derandomize=bool(os.environ.get("CI")))
settings.load_profile("pycircuit")
