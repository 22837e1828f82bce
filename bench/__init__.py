"""Side-by-side timings: `python -m bench` (see README.md)."""
