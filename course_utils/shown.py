"""Numbers that vary between machines: how they are shown, and when two agree.

A training ends a little differently on every machine and with every release of
PyTorch. Its numbers are printed behind the sign ≈, and `pytest --nbval solutions`
accepts a near one in the same place (the conftest.py beside this package).
"""

import math
import re

NEAR = 0.25  # of the larger of two numbers
NEAR_SPREAD = 0.5  # a spread over a few seeds varies more than what it surrounds

_NUMBER = r"([-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?)"
# With the spaces around it: they align columns and depend on the number's digits.
_SHOWN = re.compile(rf" *≈ *{_NUMBER}(?: *± *{_NUMBER})? *")


def about(value: float, spread: float | None = None) -> str:
    """A number that varies, rounded to two significant digits.

    Args:
        value: what was measured; a tensor with one element will do.
        spread: how far another run may be from it. Both numbers are then rounded at
            the second digit of the spread.

    Returns:
        `≈ value` or `≈ value ± spread`, thousands separated by commas.

    Raises:
        ValueError: the spread is negative.

    >>> about(0.0934), about(1234.5), about(-2.0), about(0.0000123)
    ('≈ 0.093', '≈ 1,200', '≈ -2', '≈ 1.2e-05')
    >>> about(0.09, 0.03), about(1234.5, 8)
    ('≈ 0.09 ± 0.03', '≈ 1,234.5 ± 8')
    """
    if spread is not None and spread < 0:
        raise ValueError(f"a spread of {spread}: it cannot be negative")
    size = abs(float(spread or value))
    places = 1 - math.floor(math.log10(size)) if 0 < size < math.inf else 2
    numbers = [value] if spread is None else [value, spread]
    return "≈ " + " ± ".join(f"{round(float(x), places):,.12g}" for x in numbers)


def agree(stored: str, new: str) -> bool:
    """Whether two outputs are the same, but for numbers behind ≈ that are near.

    Near is within 25 % of the larger, or within the stored `±` where there is one.
    All else is compared to the letter: words, other numbers, the sign ≈ itself.

    >>> agree("distance ≈ 0.09, 8 modes", "distance ≈ 0.1, 8 modes")
    True
    >>> agree("distance ≈ 0.09, 8 modes", "distance ≈ 0.1, 7 modes")
    False
    >>> agree("≈ 0.09 ± 0.03", "≈ 0.062 ± 0.04"), agree("≈ 0.09", "≈ 0.062")
    (True, False)
    """
    if _SHOWN.sub("≈", stored) != _SHOWN.sub("≈", new):
        return False
    pairs = zip(_SHOWN.finditer(stored), _SHOWN.finditer(new), strict=True)
    return all(_near(a, b) for a, b in pairs)


def _near(stored: re.Match, new: re.Match) -> bool:
    (a, spread_a), (b, spread_b) = map(_numbers, (stored, new))
    if spread_a is None or spread_b is None:
        return spread_a is spread_b and math.isclose(a, b, rel_tol=NEAR)
    return math.isclose(a, b, rel_tol=0, abs_tol=spread_a) and math.isclose(
        spread_a, spread_b, rel_tol=NEAR_SPREAD
    )


def _numbers(shown: re.Match) -> list[float | None]:
    return [n and float(n.replace(",", "")) for n in shown.groups()]
