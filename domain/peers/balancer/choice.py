"""Two different places of a list, drawn by weight."""

from bisect import bisect_right
from collections.abc import Sequence
from random import Random


def draw_two(cumulative: Sequence[float], random: Random) -> tuple[int, int]:
    """Each as often as its weight says; `cumulative` are the sums of the weights so far. The second is drawn among
    the others: a slow instance is never compared with itself.
    """
    first = _place(cumulative, random.random() * cumulative[-1])
    before = cumulative[first - 1] if first else 0.0
    own = cumulative[first] - before
    point = random.random() * (cumulative[-1] - own)
    second = _place(cumulative, point if point < before else point + own)
    if second == first:  # sums of floats, at the very edge
        second = first + 1 if first + 1 < len(cumulative) else first - 1
    return first, second


def _place(cumulative: Sequence[float], point: float) -> int:
    return min(bisect_right(cumulative, point), len(cumulative) - 1)
