"""Which tokens are good induction candidates: after a repeat of them, the text tends to go on as it did the last time.

Heads that do induction can only help where the text repeats itself beyond what its bigrams say anyway. After "the", what followed the last
"the" is seldom what follows now, and if it is, often because it is a common word. After the first piece of a rare name, the second piece
follows again. The experiment measures the loss at such tokens only. The statistic depends on the text alone, not on a model.
"""

from dataclasses import dataclass

import torch

Tensor = torch.Tensor


@dataclass(frozen=True)
class RepeatStatistics:
    """Counts per token of the vocabulary, each [vocab] float64.

    `repeats`: positions at which the token occurs and occurred before in the same row. `hits`: those of them whose next token is the one
    that followed the last occurrence. `expected`: the hits to be expected if the next token depended on the current one only.
    """

    repeats: Tensor
    hits: Tensor
    expected: Tensor

    @property
    def excess(self) -> Tensor:
        """(hits - expected) / repeats, [vocab]; 0 for tokens that are never repeated."""
        return (self.hits - self.expected) / self.repeats.clamp(min=1)


def repeat_statistics(tokens: Tensor, vocab: int, chunk: int = 256) -> RepeatStatistics:
    """Counts over the rows of integer tokens [rows, seq]; memory grows with `vocab`**2 and `chunk` * seq**2.

    The expected rate at a repeat of A, whose last occurrence was followed by B, is the share of B after A in all *other* rows, so that a
    row's own repetitions do not count as common.
    """
    tokens = tokens.long()
    pairs = torch.bincount((tokens[:, :-1] * vocab + tokens[:, 1:]).flatten(), minlength=vocab * vocab).view(vocab, vocab)
    totals = pairs.sum(1)
    repeats, hits, expected = torch.zeros(3, vocab, dtype=torch.float64).unbind()
    for rows in tokens.split(chunk):
        now, following = rows[:, :-1], rows[:, 1:]
        n = now.shape[1]
        same = now[:, :, None] == now[:, None, :]  # [rows, i, j]: token i equals token j
        position = torch.arange(1, n + 1)
        last = (same.tril(-1) * position).amax(2)  # 1 + position of the last occurrence, 0 if there is none
        repeated = last > 0
        after_last = following.gather(1, (last - 1).clamp(min=0))
        own_pairs = (same & (following[:, None, :] == after_last[:, :, None])).sum(2)
        other_pairs, others = pairs[now, after_last] - own_pairs, totals[now] - same.sum(2)
        rate = other_pairs.double() / others.clamp(min=1)
        repeats += torch.bincount(now[repeated], minlength=vocab)
        hits += torch.bincount(now[repeated & (following == after_last)], minlength=vocab)
        expected += torch.bincount(now[repeated], weights=rate[repeated], minlength=vocab)
    return RepeatStatistics(repeats, hits, expected)


def induction_candidates(tokens: Tensor, vocab: int, min_repeats: int = 30, min_excess: float = 0.2) -> Tensor:
    """Mask [vocab] bool of the tokens whose repeats go on as the last time.

    They are repeated at least `min_repeats` times within rows of tokens [rows, seq], and go on as the last time at least `min_excess` more
    often than their bigrams explain (`RepeatStatistics.excess`).
    """
    statistics = repeat_statistics(tokens, vocab)
    return (statistics.repeats >= min_repeats) & (statistics.excess >= min_excess)
