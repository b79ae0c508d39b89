"""Judge a learner's function or class, and name the mistake that it makes.

The answer and every known-wrong answer run on the same probes. What an answer *did*
decides, never its source: right where it does what the reference does, otherwise the
first listed mistake that does the same as the answer names it, otherwise the smallest
probe that differs is shown, and nothing is guessed.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import wording
from .comparing import agree, close, differences, hard, informative
from .running import RAISED, Raised, Run, run

STATES = ("passed", "open", "not yet", "error")


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners really give, as code.

    Args:
        name: short; stands in records and tests.
        wrong: the wrong answer, or a tuple of several faces of one mistake.
        says: to the learner: what was done, why it is wrong, what to do.
        kind: "wrong"; "convention" (right up to a stated factor, sign or reduction);
            "waste" (right, with unneeded work: passes, and is named).
    """

    name: str
    wrong: Any
    says: str
    kind: str = "wrong"

    @property
    def faces(self) -> tuple:
        return self.wrong if isinstance(self.wrong, tuple) else (self.wrong,)


@dataclass(frozen=True)
class Exercise:
    """One exercise, as data.

    Args:
        name: of the function or class that the learner writes.
        lesson: its number.
        reference: the course's own answer; what a failed answer falls back to.
        observe: (answer, *arguments) -> (observation, value) pairs.
        probes: label -> a function that makes fresh arguments; easiest first.
        later: a second tier, asked for a diagnosis only where all `probes` agree.
        mistakes: known wrong answers; the more specific first.
        accepts: right answers written differently; tested to pass.
        hints: questions that nudge, weakest first.
        answer: the body that replaces `raise NotImplementedError`.
        because: why that is the answer, in a sentence.
        praise: why it matters next, in a sentence.
        rtol, atol, elementwise: right is |got - want| <= rtol * scale + atol, scale
            being max|want| of the observation, or |want| at each element.
        tolerance: (rtol, atol) for single observations, by their label.
        same: the relative tolerance at which an answer makes a listed mistake.
        seconds: for the learner's whole run.
    """

    name: str
    lesson: int
    reference: Any
    observe: Callable[..., Any]
    probes: Mapping[str, Callable[[], tuple]]
    mistakes: Sequence[Mistake]
    later: Mapping[str, Callable[[], tuple]] = field(default_factory=dict)
    accepts: Sequence[Any] = ()
    hints: Sequence[str] = ()
    answer: str = ""
    because: str = ""
    praise: str = ""
    rtol: float = 1e-5
    atol: float = 1e-7
    elementwise: bool = False
    tolerance: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    same: float = 1e-2
    seconds: float = 3.0

    @property
    def all_probes(self) -> dict[str, Callable[[], tuple]]:
        return {**self.probes, **self.later}

    def agrees(self, key: tuple[str, str], got: Any, want: Any) -> bool:
        """Whether one observation is right."""
        rtol, atol = self.tolerance.get(key[1], (self.rtol, self.atol))
        return close(got, want, rtol=rtol, atol=atol, elementwise=self.elementwise)

    def resembles(self, key: tuple[str, str], got: Any, want: Any) -> bool:
        """Whether one observation is that of a listed mistake."""
        rtol, atol = self.tolerance.get(key[1], (self.rtol, self.atol))
        rtol = max(rtol, self.same)
        return close(got, want, rtol=rtol, atol=atol, elementwise=self.elementwise)


class NotPassed(AssertionError):
    """What `Verdict.require` raises."""


@dataclass(frozen=True)
class Verdict:
    """What a check found: its state, the mistake by name, and what to tell."""

    exercise: str
    state: str
    mistake: str | None = None
    message: str = ""
    probes: int = 0
    printed: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """What is stored in the notebook for progress and graders."""
        fields = ("exercise", "state", "mistake", "probes")
        return {f: getattr(self, f) for f in fields}

    def require(self) -> None:
        """Raise NotPassed unless passed: the last line of a grade cell."""
        if self.state != "passed":
            raise NotPassed(f"exercise {self.exercise}: {self.state}\n{self.message}")


# ------------------------------------------------------------------ the bank

_BANK: dict[str, Exercise] = {}
# Runs of references and mistakes, probe by probe; they never change.
_RUNS: dict[tuple[str, int], dict[str, Run]] = {}
_LAST: dict[str, Verdict] = {}


def register(exercise: Exercise) -> Exercise:
    """Add an entry to the bank."""
    if exercise.name in _BANK:
        raise ValueError(f"two exercises are called {exercise.name!r}")
    _BANK[exercise.name] = exercise
    return exercise


def bank() -> dict[str, Exercise]:
    """Every exercise of the course, by name."""
    return dict(_BANK)


def last_verdict(name: str) -> Verdict:
    """This kernel's last verdict on an exercise; open before the first."""
    return _LAST.get(name, Verdict(name, "open", message="Not run yet."))


def find(name: str) -> Exercise:
    """The entry called `name`; a ValueError names the nearest otherwise."""
    if name not in _BANK:
        near = difflib.get_close_matches(name, _BANK, 3, 0.5)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"no exercise is called {name!r}{hint}")
    return _BANK[name]


# ------------------------------------------------------------------ judging


def judge(answer: Any, name: str | None = None) -> Verdict:
    """Check an answer without showing anything.

    Args:
        answer: the learner's function or class.
        name: of the exercise; by default the answer's own name.

    Returns:
        The verdict. The course's own object, handed out after a failure, repeats the
        last verdict of this kernel: it is never judged as the learner's.

    Raises:
        ValueError: no exercise has that name.
    """
    exercise = find(name or getattr(answer, "__name__", type(answer).__name__))
    if answer is exercise.reference:
        return last_verdict(exercise.name)
    verdict = _LAST[exercise.name] = _examine(exercise, answer)
    return verdict


def _examine(exercise: Exercise, answer: Any) -> Verdict:
    verdict = Verdict(exercise.name, "passed", probes=len(exercise.all_probes))
    wrong_kind = _wrong_kind(exercise, answer)
    if wrong_kind:
        return replace(verdict, state="not yet", message=wrong_kind)
    got, printed = run(
        exercise.name, answer, exercise.observe, exercise.all_probes,
        seconds=exercise.seconds, bind=True,
    )  # fmt: skip
    verdict = replace(verdict, printed=printed)
    raised = [value for value in got.values() if isinstance(value, Raised)]
    if any(r.is_stub for r in raised):
        message = "Not written yet: replace the `raise` line and run the cell again."
        return replace(verdict, state="open", message=message)

    want = known_run(exercise, exercise.reference)
    wrong = differences(hard(got), hard(want), exercise.agrees)
    if not wrong:
        return _passed(exercise, verdict, got)
    mistake = _diagnose(exercise, got, want, wrong)
    if mistake:
        return replace(
            verdict, state="not yet", mistake=mistake.name, message=mistake.says
        )
    if raised:
        return replace(verdict, state="error", message=_error(exercise, got))
    message = _difference(exercise, answer, got, want, wrong)
    return replace(verdict, state="not yet", message=message)


def _wrong_kind(exercise: Exercise, answer: Any) -> str:
    """A class for a function, or the other way round; a thing that cannot be called."""
    if isinstance(exercise.reference, type):
        if not isinstance(answer, type):
            return f"A class is wanted: `class {exercise.name}(...):`."
    elif isinstance(answer, type):
        return f"A function is wanted: `def {exercise.name}(...):`, not a class."
    elif inspect.iscoroutinefunction(answer):
        return "Leave out `async`: the check calls your function and wants its result."
    elif not callable(answer):
        return f"A function is wanted; this is of type {type(answer).__name__}."
    return ""


def _passed(exercise: Exercise, verdict: Verdict, got: Run) -> Verdict:
    """Passed; named as waste where it did what a wasteful answer does."""
    for mistake in exercise.mistakes:
        if mistake.kind == "waste":
            for face in mistake.faces:
                known = known_run(exercise, face)
                if agree(got, known, exercise.resembles):
                    return replace(verdict, mistake=mistake.name, message=mistake.says)
    return replace(verdict, message=exercise.praise)


def known_run(exercise: Exercise, answer: Any, labels: Sequence[str] = ()) -> Run:
    """The run of the reference or of a mistake on the probes named, or on all.

    Each probe is run once in a kernel.
    """
    known = _RUNS.setdefault((exercise.name, id(answer)), {})
    probes = exercise.all_probes
    new = {x: probes[x] for x in labels or probes if x not in known}
    if new:
        seen, _ = run(exercise.name, answer, exercise.observe, new)
        known |= {x: {k: v for k, v in seen.items() if k[0] == x} for x in new}
    return {k: v for x in labels or probes for k, v in known[x].items()}


def _diagnose(
    exercise: Exercise, got: Run, want: Run, wrong: list[tuple[str, str]]
) -> Mistake | None:
    """The first mistake that does the same, up to the tier where the answer differs."""
    if not any(informative(got[k]) for k in wrong if k in got):
        return None
    easy_differ = any(label in exercise.probes for label, _ in wrong)

    def tier(sight: Run) -> Run:
        return {
            k: v
            for k, v in hard(sight).items()
            if not easy_differ or k[0] in exercise.probes
        }

    seen, right = tier(got), tier(want)
    telling = {label for label, _ in wrong}
    hits = []
    for mistake in exercise.mistakes:
        if mistake.kind == "waste":
            continue
        for face in mistake.faces:
            if not _does(exercise, face, seen, telling):
                continue
            known = known_run(exercise, face)
            if not agree(tier(known), right, exercise.agrees):  # else no candidate
                whole = agree(hard(got), hard(known), exercise.resembles)
                hits.append((not whole, mistake))
    return min(hits, key=lambda hit: hit[0])[1] if hits else None


def _does(exercise: Exercise, mistake: Any, seen: Run, telling: set[str]) -> bool:
    """Whether a mistake does what was seen; it runs up to the first difference only.

    Few mistakes do it on the `telling` probes: those it was run on before come first.
    """
    labels = list(dict.fromkeys(label for label, _ in seen))
    known = _RUNS.get((exercise.name, id(mistake)), {})
    labels.sort(key=lambda label: not (label in known and label in telling))
    for label in labels:
        part = {k: v for k, v in seen.items() if k[0] == label}
        if not agree(
            part, hard(known_run(exercise, mistake, [label])), exercise.resembles
        ):
            return False
    return True


def _difference(
    exercise: Exercise, answer: Any, got: Run, want: Run, wrong: list[tuple[str, str]]
) -> str:
    key = wrong[0]
    arguments = exercise.all_probes[key[0]]()
    parts = [
        wording.difference_message(
            key, got.get(key), want.get(key), arguments, _argument_names(exercise)
        ),
        wording.factor_message(
            {k: v for k, v in hard(got).items() if k in want}, hard(want)
        ),
        wording.notebook_message(answer),
    ]
    return "\n".join(p for p in parts if p)


def _error(exercise: Exercise, got: Run) -> str:
    label, raised = next((k[0], r) for k, r in got.items() if isinstance(r, Raised))
    arguments = exercise.all_probes[label]()
    called = wording.called_with(arguments, _argument_names(exercise))
    return "\n".join(p for p in (wording.error_message(raised), called) if p)


def _argument_names(exercise: Exercise) -> list[str]:
    try:
        return list(inspect.signature(exercise.reference).parameters)
    except (TypeError, ValueError):
        return []


__all__ = [
    "RAISED", "STATES", "Exercise", "Mistake", "NotPassed", "Verdict", "bank", "find",
    "judge", "known_run", "last_verdict", "register",
]  # fmt: skip
