"""The statistics of the benchmark."""

import pytest

from tools.bench import stats


def test_percentiles_interpolate_between_neighbours():
    values = [4.0, 1.0, 3.0, 2.0]
    assert stats.percentile(values, 0) == 1
    assert stats.percentile(values, 0.5) == 2.5
    assert stats.percentile(values, 1) == 4
    assert stats.percentile([7.0], 0.99) == 7


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.5), ([1.0], -0.1)])
def test_a_percentile_of_nothing_or_beyond_all_is_refused(values, share):
    with pytest.raises(ValueError, match=r"percentile|share"):
        stats.percentile(values, share)


def test_a_ratio_is_taken_round_by_round():
    # The second round was disturbed for both: the ratio does not show it.
    assert stats.ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == stats.Spread(2, 2, 2)


def test_a_ratio_of_uneven_rounds_uses_those_that_both_have():
    assert stats.ratio([2.0, 4.0, 99.0], [1.0, 2.0]).median == 2


@pytest.mark.parametrize(("ours", "theirs"), [([], [1.0]), ([1.0], [0.0])])
def test_a_ratio_without_meaning_is_refused(ours, theirs):
    with pytest.raises(ValueError, match="ratio"):
        stats.ratio(ours, theirs)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_its_power(power):
    sizes = [1_000, 10_000, 100_000]
    assert stats.exponent(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)


def test_one_size_has_no_exponent():
    assert stats.exponent([1_000, 1_000], [1.0, 2.0]) is None
