"""Numbers behind ≈ may vary; everything else is compared to the letter."""

import pytest
import torch

from course_utils.shown import about, agree


@pytest.mark.parametrize(
    ("stored", "new"),
    [
        ("the same", "the same"),
        ("distance ≈ 0.09 after 300 rounds", "distance ≈ 0.11 after 300 rounds"),
        ("≈ 0.09", "≈ 0.12"),
        ("≈ -4.0", "≈ -3.1"),
        ("≈ 1.2e-05", "≈ 1.1e-05"),
        ("≈ 9.8e-05", "≈ 0.00011"),
        ("≈ 1,200 steps", "≈ 980 steps"),
        ("≈ 3, 8 modes; ≈ 5.", "≈ 3.5, 8 modes; ≈ 4.5."),
        ("≈ 0.09 ± 0.03", "≈ 0.062 ± 0.03"),
        ("≈ 0 ± 0.1", "≈ -0.08 ± 0.1"),
        ("≈ 0.5 ± 0.2", "≈ 0.5 ± 0.12"),
        ("≈ 0", "≈ 0"),
        ("≈ nan", "≈ nan"),
        ("G   ≈ 9.8  nats", "G    ≈ 10 nats"),
        ("a ≈ 1\nb ≈ 2\n", "a ≈ 1.1\nb ≈ 1.9\n"),
    ],
)
def test_near_numbers_agree(stored, new):
    assert agree(stored, new)


@pytest.mark.parametrize(
    ("stored", "new"),
    [
        ("≈ 0.09", "≈ 0.05"),
        ("≈ 0.09", "≈ 0.13"),
        ("≈ 0.09", "≈ -0.09"),
        ("≈ 1.2e-05", "≈ 1.2e-06"),
        ("≈ 1,200", "≈ 1.2"),
        ("≈ 0.09 m", "≈ 0.09 s"),
        ("distance ≈ 0.09", "Distance ≈ 0.09"),
        ("≈ 0.09", "0.09"),
        ("0.09", "≈ 0.09"),
        ("300 rounds: ≈ 0.09", "301 rounds: ≈ 0.09"),
        ("≈ 3, 8 modes; ≈ 5.", "≈ 3, 7 modes; ≈ 5."),
        ("≈ 3, 8 modes; ≈ 5.", "≈ 3, 8 modes; ≈ 9."),
        ("≈ 3 and ≈ 4", "≈ 3 and 4"),
        ("≈ 0.09 ± 0.03", "≈ 0.13 ± 0.03"),
        ("≈ 0.09 ± 0.03", "≈ 0.5 ± 5"),
        ("≈ 0.09 ± 0.03", "≈ 0.09 ± 0.1"),
        ("≈ 0.09 ± 0.03", "≈ 0.09"),
        ("≈ 0.09", "≈ 0.09 ± 0.03"),
        ("≈ 0", "≈ 0.001"),
        ("≈ 0.09", "≈ nan"),
        ("≈ nan", "≈ 0.09"),
        ("≈ 1\n", "≈ 1"),
    ],
)
def test_all_else_does_not_agree(stored, new):
    assert not agree(stored, new)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((torch.tensor(0.0934),), "≈ 0.093"),
        ((9.96,), "≈ 10"),
        ((-123.4,), "≈ -120"),
        ((0,), "≈ 0"),
        ((1_234_567,), "≈ 1,200,000"),
        ((0.00001234,), "≈ 1.2e-05"),
        ((float("nan"),), "≈ nan"),
        ((float("inf"),), "≈ inf"),
        ((0.09, 0), "≈ 0.09 ± 0"),
        ((0.0934, 0.0312), "≈ 0.093 ± 0.031"),
        ((123.44, 3.14), "≈ 123.4 ± 3.1"),
        ((0, 0.1), "≈ 0 ± 0.1"),
    ],
)
def test_two_digits_are_shown(arguments, shown):
    assert about(*arguments) == shown
    assert agree(shown, shown)


def test_a_negative_spread_is_refused():
    with pytest.raises(ValueError, match="a spread of -1: it cannot be negative"):
        about(2, -1)
