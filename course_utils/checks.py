"""What several modules refuse alike."""

import numbers
from pathlib import Path

FEWEST_IMAGES = 16  # batch statistics and a held-out part need at least these


class DataError(RuntimeError):
    """A data file is missing or broken; the message says what to do."""


def require_enough(n: int, where: Path, what: str = "images") -> None:
    """Raise DataError unless a network could learn from n images."""
    if n < FEWEST_IMAGES:
        raise DataError(
            f"{where} holds {n} {what}; training needs at least {FEWEST_IMAGES}, and "
            "better thousands. Add more."
        )


def require_whole(smallest: int, **values: int) -> None:
    """Raise ValueError unless every value is a whole number of at least smallest."""
    for name, value in values.items():
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not whole or value < smallest:
            raise ValueError(
                f"{name} must be a whole number of at least {smallest}, not {value!r}"
            )
