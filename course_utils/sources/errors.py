"""What all sources refuse alike."""

from pathlib import Path

FEWEST_IMAGES = 16  # batch statistics and a held-out part need at least these


class DataError(RuntimeError):
    """A data file is missing or broken; the message says what to do."""


def require_enough(n: int, where: Path, what: str = "images") -> None:
    """Raise unless a network could learn from n images."""
    if n < FEWEST_IMAGES:
        raise DataError(
            f"{where} holds {n} {what}; training needs at least {FEWEST_IMAGES}, and "
            "better thousands. Add more."
        )
