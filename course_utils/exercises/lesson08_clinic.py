"""Lesson 8's clinic: which run has which fault, and which sign was missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from course_utils import clinic

from .engine import Exercise, Mistake, register

RIGHT = "fits"
NO_LABEL = "is none of the eight labels"


def diagnose(run: str) -> str:
    """The fault of a run of the clinic, by its letter."""
    return clinic.CLINIC[run]


def _watch(function: Any) -> Iterator[tuple[str, Any]]:
    """Run by run, up to the first that is wrong; what is wrong, never what is right."""
    for letter in clinic.CLINIC:
        said = function(letter)
        found = _judged(letter, said)
        yield f"run {letter}", found
        if found != RIGHT:
            return


def _judged(letter: str, said: Any) -> str:
    if said is None:
        return "your function returned nothing for it"
    label = said.strip().lower() if isinstance(said, str) else said
    if not isinstance(label, str) or label not in clinic.LABELS:
        return f"{said!r:.40} {NO_LABEL}"
    return RIGHT if label == clinic.CLINIC[letter] else f"taken for {label!r}"


def sign_missed(letter: str, said: str) -> str:
    """What the curves of a run show that the fault said would not.

    Args:
        letter: "A" to "H".
        said: a label that is wrong for it.
    """
    actual = clinic.CLINIC[letter]
    return clinic.told_apart(said, actual, here=f"in run {letter}")


def _mistaking(letter: str, label: str) -> Callable[[str], str]:
    def answer(run: str) -> str:
        return label if run == letter else clinic.CLINIC[run]

    return answer


def _confusions() -> list[Mistake]:
    """Every run taken for every other fault."""
    return [
        Mistake(
            f"run {letter} taken for {label}",
            _mistaking(letter, label),
            f"Run {letter} is not {label!r}. {sign_missed(letter, label)}",
        )
        for letter, actual in clinic.CLINIC.items()
        for label in clinic.LABELS
        if label != actual
    ]


def _first_letter_nothing(run: str) -> str | None:
    return None


_FORM = [
    Mistake(
        "returns nothing",
        (_first_letter_nothing, lambda run: print(run)),
        "The function returned nothing. Look the letter up and `return` its label.",
    ),
    Mistake(
        "the letter itself",
        lambda run: run,
        "The letter came back. One of the eight labels of the table is wanted.",
    ),
]

register(
    Exercise(
        name="diagnose",
        lesson=8,
        reference=diagnose,
        observe=_watch,
        probes={"the eight runs, A to H": lambda: ()},
        accepts=[
            lambda run: dict(clinic.CLINIC)[run],
            lambda run: list(clinic.CLINIC.values())["ABCDEFGH".index(run)],
            lambda run: clinic.CLINIC[run].upper() + " ",
        ],
        mistakes=[*_FORM, *_confusions()],
        hints=[
            "Sort by D first: in which runs does it win outright (D(x) at 1, D(G(z)) "
            "at 0), in which does it lose, in which does it answer 1/2?",
            "Among runs that D wins: is G's loss high, as it must be, or low? And is "
            "G's gradient 0? Where two curves contradict each other, the code does.",
            "Two runs are left that D wins while G's gradient lives. In which of them "
            "does D's own gradient die out, as there is nothing left to learn? And "
            "what does its loss say at round 1, before anybody has learned?",
            "Among runs whose losses lie still on the dotted lines: does D answer 1/2, "
            "as those losses say?",
        ],
        answer="return {\n"
        + "".join(f'    "{a}": "{b}",\n' for a, b in clinic.CLINIC.items())
        + "}[run]",
        because="each fault contradicts the healthy run, or itself, in another curve.",
        praise="You can read a run now that somebody else has broken.",
    )
)
