"""The average of latency."""

import math

import pytest

from domain.peers.balancer.ewma import PeakEwma


def test_a_peak_counts_at_once() -> None:
    average = PeakEwma(10)
    average.observe(0.01, now=0)
    average.observe(2.0, now=0.1)
    assert average.value(0.1) == 2.0


def test_without_observations_it_falls_to_1_e_in_the_time_constant() -> None:
    average = PeakEwma(10)
    average.observe(1.0, now=5)
    assert average.value(15) == pytest.approx(1 / math.e)


def test_what_is_less_weighs_by_the_time_since_the_one_before() -> None:
    average = PeakEwma(10)
    average.observe(1.0, now=0)
    average.observe(0.1, now=0.001)
    assert average.value(0.001) == pytest.approx(1.0, abs=0.001)
    average.observe(0.1, now=30)
    assert average.value(30) == pytest.approx(0.1 + 0.9 * math.exp(-3), rel=0.01)


def test_a_clock_that_stands_still_is_no_problem() -> None:
    average = PeakEwma(10)
    average.observe(1.0, now=5)
    average.observe(0.5, now=5)
    assert average.value(5) == 1.0


def test_it_knows_that_it_knows_nothing() -> None:
    average = PeakEwma(10)
    assert average.value(0) is None
    average.observe(1.0, now=0)
    average.forget()
    assert average.value(0) is None
