"""What all sources refuse alike."""

from pathlib import Path

FEWEST_IMAGES = 16  # batch statistics and a held-out part need at least these


class DataError(RuntimeError):
    """A data file is missing or broken; the message says what to do."""


def require_enough(n: int, where: Path) -> None:
    """Raise unless a network could learn from n images."""
    if n < FEWEST_IMAGES:
        raise DataError(
            f"{where} holds {n} image{'s' * (n != 1)}; training needs at least "
            f"{FEWEST_IMAGES}, and better thousands. Add more."
        )
