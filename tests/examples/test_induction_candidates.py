"""The repeat statistic against a direct count, and the choice of candidates."""

from collections import Counter, defaultdict
from itertools import pairwise

import torch

from pycircuit.examples.induction_candidates import (
    induction_candidates,
    repeat_statistics,
)


def direct_count(rows: list[list[int]]) -> tuple[Counter, Counter, dict[int, float]]:
    own = [Counter(pairwise(row)) for row in rows]
    pairs, totals = sum(own, Counter()), sum((Counter(row[:-1]) for row in rows), Counter())
    repeats, hits, expected = Counter(), Counter(), defaultdict(float)
    for row, row_pairs in zip(rows, own, strict=True):
        row_totals, followed_by = Counter(row[:-1]), {}
        for a, b in pairwise(row):
            if a in followed_by:
                last = followed_by[a]
                repeats[a] += 1
                hits[a] += b == last
                expected[a] += (pairs[a, last] - row_pairs[a, last]) / max(1, totals[a] - row_totals[a])
            followed_by[a] = b
    return repeats, hits, expected


def test_statistics_equal_a_direct_count():
    tokens = torch.randint(8, (37, 20), generator=torch.Generator().manual_seed(0))
    statistics = repeat_statistics(tokens, 9, chunk=5)
    repeats, hits, expected = direct_count(tokens.tolist())
    for a in range(9):
        assert statistics.repeats[a] == repeats[a] and statistics.hits[a] == hits[a]
        assert abs(statistics.expected[a] - expected[a]) < 1e-9
    assert statistics.repeats[8] == 0 and statistics.excess[8] == 0


def test_candidates_are_tokens_that_go_on_as_before():
    """Token 1 is followed by one token per row, token 2 always by the same, token 3 by anything."""
    random = torch.Generator().manual_seed(1)
    rows = []
    for _ in range(60):
        own = int(torch.randint(10, 20, (1,), generator=random))
        row = []
        for anything in torch.randint(10, 20, (4,), generator=random).tolist():
            row += [1, own, 2, 9, 3, anything]
        rows.append(row)
    tokens = torch.tensor(rows)
    assert induction_candidates(tokens, 20)[:4].tolist() == [False, True, False, False]
    assert not induction_candidates(tokens, 20, min_repeats=1000).any()
