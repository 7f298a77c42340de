"""What share of its weight an instance has that has just come: Envoy's slow start, linear."""

import math

STEPS = 30
"""The share grows in so many steps, not with every request: what is computed from all shares can be kept meanwhile."""


def share(age: float, window: float, least: float) -> float:
    """From `least` to 1 while `age` goes from 0 to `window` seconds."""
    if age >= window:
        return 1.0
    return max(least, math.floor(age / window * STEPS) / STEPS)


def next_step(age: float, window: float) -> float:
    """Seconds until the share may be another one; infinite once it is whole."""
    if age >= window:
        return math.inf
    step = window / STEPS
    return (math.floor(age / step) + 1) * step - age
