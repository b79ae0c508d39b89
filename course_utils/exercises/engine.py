"""Judge a learner's function or class, and name the mistake that it makes.

The way of an answer: it is *run* on the probes, its run is *compared* with that of the
course's own answer, a difference is *diagnosed* (the first listed mistake that does the
same names it), *worded*, and shown as a card. What an answer did decides, never how it
is written; where no listed mistake does the same, nothing is guessed.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from . import wording
from .comparing import close, differences, distance, says_something, without_costs
from .running import Raised, Run, run

STATES = ("passed", "open", "not yet", "error")
AT_THE_EDGE = "at the edge"

Probes = Mapping[str, Callable[[], tuple]]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners really give.

    Args:
        name: short; stands in records and tests.
        says: to the learner: what was done, why it is wrong, what to do.
        kind: "wrong"; "convention" (right up to a stated factor, sign or reduction);
            "waste" (right, with unneeded work: passes, and is named).
        make_ways: -> the functions or classes that make this mistake.
    """

    name: str
    says: str
    kind: str
    make_ways: Callable[[], list[Any]]

    @cached_property
    def ways(self) -> list[Any]:
        """The functions or classes that make this mistake."""
        return self.make_ways()


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
        edge: a third tier: extreme numbers.
        edge_says: to an answer that is wrong there only, and that no mistake explains.
        mistakes: known wrong answers; the more specific first.
        accepts: -> right answers written differently; tested to pass.
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
    probes: Probes
    mistakes: Sequence[Mistake]
    later: Probes = field(default_factory=dict)
    edge: Probes = field(default_factory=dict)
    edge_says: str = ""
    accepts: Callable[[], list[Any]] = list
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
        """The probes of all three tiers."""
        return {**self.probes, **self.later, **self.edge}

    def is_right(self, key: tuple[str, str], got: Any, want: Any) -> bool:
        """Whether one observation is the wanted one."""
        rtol, atol = self.tolerance.get(key[1], (self.rtol, self.atol))
        return close(got, want, rtol=rtol, atol=atol, elementwise=self.elementwise)

    def is_same(self, key: tuple[str, str], got: Any, known: Any) -> bool:
        """Whether one observation is that of a listed mistake."""
        rtol, atol = self.tolerance.get(key[1], (self.rtol, self.atol))
        rtol = max(rtol, self.same)
        return close(got, known, rtol=rtol, atol=atol, elementwise=self.elementwise)


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
_LAST: dict[str, Verdict] = {}


def register(exercise: Exercise) -> Exercise:
    """Add an entry to the bank."""
    if exercise.name in _BANK:
        raise ValueError(f"two exercises are called {exercise.name!r}")
    if exercise.edge and not exercise.edge_says:
        raise ValueError(f"{exercise.name}: probes at the edge want a line `edge:`")
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
    verdict = Verdict(exercise.name, "not yet", probes=len(exercise.all_probes))
    refusal = _wrong_kind(exercise, answer)
    if refusal:
        return replace(verdict, message=refusal)
    got, printed = run(
        exercise.name, answer, exercise.observe, exercise.all_probes,
        seconds=exercise.seconds, is_learners=True,
    )  # fmt: skip
    verdict = replace(verdict, printed=printed)
    raised = [value for value in got.values() if isinstance(value, Raised)]
    if any(error.is_stub for error in raised):
        message = "Not written yet: replace the `raise` line and run the cell again."
        return replace(verdict, state="open", message=message)

    want = known_run(exercise, exercise.reference)
    wrong = differences(without_costs(got), without_costs(want), exercise.is_right)
    if not wrong:
        waste = _find_waste(exercise, got)
        says = waste.says if waste else exercise.praise
        name = waste.name if waste else None
        return replace(verdict, state="passed", mistake=name, message=says)
    mistake = diagnose(exercise, got, want, wrong)
    if mistake:
        error = wording.error_message(raised[0]) if raised else ""
        says = f"{mistake.says}\n{error}".strip()
        return replace(verdict, mistake=mistake.name, message=says)
    if raised:
        return replace(verdict, state="error", message=_error(exercise, got))
    if _only_at_the_edge(exercise, got, want, wrong):
        there = [key for key in wrong if key[0] in exercise.edge]
        message = _difference(exercise, answer, got, want, there)
        message = f"{exercise.edge_says}\n{message}"
        return replace(verdict, mistake=AT_THE_EDGE, message=message)
    return replace(verdict, message=_difference(exercise, answer, got, want, wrong))


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


# ------------------------------------------------------------------ diagnosing

# Runs of references and mistakes, probe by probe; they never change.
_KNOWN: dict[tuple[str, int], dict[str, Run]] = {}


def known_run(exercise: Exercise, answer: Any, labels: Sequence[str] = ()) -> Run:
    """The run of the reference or of a mistake on the probes named, or on all.

    Each probe is run once in a kernel.
    """
    known = _KNOWN.setdefault((exercise.name, id(answer)), {})
    probes = exercise.all_probes
    new = {x: probes[x] for x in labels or probes if x not in known}
    if new:
        seen, _ = run(exercise.name, answer, exercise.observe, new)
        known |= {x: _on(seen, {x}) for x in new}
    return {k: v for x in labels or probes for k, v in known[x].items()}


def diagnose(
    exercise: Exercise, got: Run, want: Run, wrong: list[tuple[str, str]]
) -> Mistake | None:
    """The first mistake that does the same, up to the tier where the answer differs.

    One that does the same in the later tiers, too, goes first. An exception that
    several mistakes end in names none of them.
    """
    if not any(says_something(got[key]) for key in wrong if key in got):
        return None
    different = {label for label, _ in wrong}
    labels: list[str] = []
    for tier in (exercise.probes, exercise.later, exercise.edge):
        labels += tier
        if different & set(labels):
            break
    # Few mistakes do the same where the answer differs: these probes come first.
    order = sorted(labels, key=lambda label: label not in different)
    seen = without_costs(got)

    def does_the_same(way: Any, labels: Sequence[str]) -> bool:
        return all(
            not differences(
                _on(seen, {label}),
                without_costs(known_run(exercise, way, [label])),
                exercise.is_same,
            )
            for label in labels
        )

    def is_right_here(way: Any) -> bool:
        known = without_costs(known_run(exercise, way, order))
        right = _on(without_costs(want), set(labels))
        return not differences(known, right, exercise.is_right)

    hits = [
        (mistake, way)
        for mistake in exercise.mistakes
        if mistake.kind != "waste"
        for way in mistake.ways
        if does_the_same(way, order) and not is_right_here(way)
    ]
    everywhere = list(exercise.all_probes)
    hits = [hit for hit in hits if does_the_same(hit[1], everywhere)] or hits
    only_errors = all(isinstance(got.get(key), Raised) for key in wrong if key in got)
    if only_errors and len({mistake.name for mistake, _ in hits}) > 1:
        return None
    return hits[0][0] if hits else None


def _find_waste(exercise: Exercise, got: Run) -> Mistake | None:
    """Of a right answer, the needless work that a listed one does, too."""
    for mistake in exercise.mistakes:
        if mistake.kind == "waste":
            for way in mistake.ways:
                if not differences(got, known_run(exercise, way), exercise.is_same):
                    return mistake
    return None


def _only_at_the_edge(
    exercise: Exercise, got: Run, want: Run, wrong: list[tuple[str, str]]
) -> bool:
    """Whether numbers are nearly right, and far farther off at the edge."""
    far = {True: 0.0, False: 0.0}  # at the edge, elsewhere
    for key in wrong:
        at_edge = key[0] in exercise.edge
        far[at_edge] = max(far[at_edge], distance(got.get(key), want.get(key)))
    return far[False] <= 0.05 and far[True] > 10 * far[False]


def _on(seen: Run, labels: set[str]) -> Run:
    return {key: value for key, value in seen.items() if key[0] in labels}


# ------------------------------------------------------------------ wording


def _difference(
    exercise: Exercise, answer: Any, got: Run, want: Run, wrong: list[tuple[str, str]]
) -> str:
    """The first observation that differs, with its numbers."""
    key = wrong[0]
    arguments = exercise.all_probes[key[0]]()
    parts = [
        wording.difference_message(
            key, got.get(key), want.get(key), arguments, _argument_names(exercise)
        ),
        wording.factor_message(_common(got, want), without_costs(want)),
        wording.notebook_message(answer),
    ]
    return "\n".join(part for part in parts if part)


def _common(got: Run, want: Run) -> Run:
    return {key: value for key, value in without_costs(got).items() if key in want}


def _error(exercise: Exercise, got: Run) -> str:
    """The first exception: the line, its meaning, and the call that led to it."""
    label, raised = next((k[0], r) for k, r in got.items() if isinstance(r, Raised))
    arguments = exercise.all_probes[label]()
    called = wording.called_with(arguments, _argument_names(exercise))
    return "\n".join(part for part in (wording.error_message(raised), called) if part)


def _argument_names(exercise: Exercise) -> list[str]:
    try:
        return list(inspect.signature(exercise.reference).parameters)
    except (TypeError, ValueError):
        return []
