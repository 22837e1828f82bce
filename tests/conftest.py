"""Settings of all tests."""

from hypothesis import settings

# Machines differ in speed, and the first example pays for imports: no deadline per example.
settings.register_profile("pycircuit", deadline=None, max_examples=60)
settings.load_profile("pycircuit")
