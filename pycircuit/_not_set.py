"""The default of `evolve` parameters that may themselves be None (spec 01, section 10)."""


class NotSet:
    """A parameter that was not given; any instance counts."""

    def __repr__(self) -> str:
        return "NOT_SET"


NOT_SET = NotSet()
