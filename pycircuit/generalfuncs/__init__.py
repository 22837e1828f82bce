"""General functions written in Python that texts name by locator (spec 04, section 3.3)."""
