"""How a verdict looks: a card in the notebook, the same words as plain text."""

from __future__ import annotations

import html
import os
import re
from typing import Any

from .engine import STATES, Exercise, Verdict, bank, find, judge, last_verdict

MIME = "application/vnd.course.exercise+json"
HIDE_ANSWERS = "COURSE_HIDE_ANSWERS"  # set to 1 for graded classes

_LOOK = {  # color of JupyterLab's theme (light and dark), its fallback, a sign
    "passed": ("var(--jp-success-color1, seagreen)", "✓"),
    "open": ("var(--jp-ui-font-color2, gray)", "○"),
    "not yet": ("var(--jp-warn-color1, chocolate)", "→"),
    "error": ("var(--jp-error-color1, firebrick)", "!"),
}


def exercise(answer: Any) -> Any:
    """Decorator of an exercise cell: check, show the card, and let the lesson run on.

    Returns:
        The learner's object if it passed, else the course's own version.
    """
    verdict = judge(answer)
    _display(Card(verdict))
    if verdict.state == "passed":
        return answer
    return find(verdict.exercise).reference


def table(lesson: int) -> Table:
    """This lesson's exercises and how they stand in this kernel."""
    return Table(lesson)


def _display(card: Card) -> None:
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(card)
        return
    if get_ipython() is None:
        print(card)
    else:
        display(card)


class Card:
    """One verdict, as plain text, as HTML, and as a record for progress and graders."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict, self.exercise = verdict, find(verdict.exercise)

    def __repr__(self) -> str:
        verdict = self.verdict
        lines = [f"exercise {verdict.exercise}: {verdict.state}", verdict.message]
        if verdict.state == "passed":
            lines.append(self._probed())
        elif verdict.state != "open" and self.exercise.hints:
            lines.append(f"Hint: {self.exercise.hints[0]}")
        lines.append(self._printed())
        return "\n".join(line for line in lines if line)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return {
            "text/plain": repr(self),
            "text/html": self._html(),
            MIME: self.verdict.record,
        }

    def _probed(self) -> str:
        labels = list(self.exercise.all_probes)
        n, shown = len(labels), "; ".join(labels[:4])
        more = f"; and {n - 4} more" if n > 4 else ""
        return f"Tried on {n} probe{'s' * (n > 1)}: {shown}{more}."

    def _printed(self) -> str:
        lines = self.verdict.printed.strip().splitlines()
        if not lines:
            return ""
        return f"Your code printed: {lines[0][:80]}" + (" ..." if lines[1:] else "")

    def _html(self) -> str:
        verdict = self.verdict
        color, sign = _LOOK[verdict.state]
        says, numbers = _split(verdict.message)
        small = "opacity:.75;font-size:90%"
        body = [_paragraph(says), _block(numbers)]
        if verdict.state == "passed":
            body.append(_paragraph(self._probed(), small))
        body.append(_paragraph(self._printed(), small))
        body.append(self._folds())
        mistake = f" · {html.escape(verdict.mistake)}" if verdict.mistake else ""
        return (
            f"<div style='border-left:4px solid {color};padding:2px 14px;margin:4px 0;"
            "max-width:80ch'>"
            f"<b><span style='color:{color}'>{sign}</span> {verdict.state}</b> · "
            f"<b>{verdict.exercise}</b>{mistake}{''.join(body)}</div>"
        )

    def _folds(self) -> str:
        """Hints nested in hints, the answer innermost; only the answer once passed."""
        entry, state = self.exercise, self.verdict.state
        inner = "" if hidden() else _answer(entry)
        if state == "passed":
            return _fold("One way to write it", inner)
        inner = _fold("Show the answer", inner)
        for i, hint in reversed(list(enumerate(entry.hints, 1))):
            inner = _fold(f"Hint {i}", _paragraph(hint) + inner)
        return inner


class Table:
    """The exercises of a lesson and their states."""

    def __init__(self, lesson: int) -> None:
        self.verdicts = [
            last_verdict(e.name) for e in bank().values() if e.lesson == lesson
        ]
        if not self.verdicts:
            raise ValueError(f"lesson {lesson} has no exercises")

    def __repr__(self) -> str:
        wide = max(len(v.exercise) for v in self.verdicts)
        lines = [f"{v.exercise:{wide}}  {v.state}" for v in self.verdicts]
        return "\n".join([*lines, self._sum()])

    def _sum(self) -> str:
        count = {s: sum(v.state == s for v in self.verdicts) for s in STATES}
        parts = [f"{n} {s}" for s, n in count.items() if n]
        n = len(self.verdicts)
        return f"{n} exercise{'s' * (n > 1)}: {', '.join(parts)}"

    def _repr_html_(self) -> str:
        rows = ""
        for v in self.verdicts:
            color, sign = _LOOK[v.state]
            rows += (
                f"<tr><td style='color:{color}'><b>{sign}</b></td>"
                f"<td style='text-align:left'><code>{v.exercise}</code></td>"
                f"<td style='text-align:left'>{v.state}</td></tr>"
            )
        return f"<table>{rows}</table><p>{self._sum()}</p>"


def hidden() -> bool:
    """Whether answers are left out, as in a graded class."""
    return os.environ.get(HIDE_ANSWERS, "") not in ("", "0")


def _answer(entry: Exercise) -> str:
    if not entry.answer:
        return ""
    return _block(entry.answer) + _paragraph(entry.because)


def _paragraph(text: str, style: str = "") -> str:
    return f"<p style='margin:4px 0;{style}'>{_inline(text)}</p>" if text else ""


def _block(text: str) -> str:
    return f"<pre style='margin:4px 0'>{html.escape(text)}</pre>" if text else ""


def _fold(title: str, body: str) -> str:
    if not body:
        return ""
    return (
        "<details style='margin:4px 0'><summary style='cursor:pointer'>"
        f"{title}</summary><div style='margin-left:14px'>{body}</div></details>"
    )


def _split(message: str) -> tuple[str, str]:
    """Sentences, and the aligned lines with numbers or code that follow them."""
    says, numbers = [], []
    for line in message.splitlines():
        block = line.startswith(("Probe:", "  ", "line "))
        (numbers if block else says).append(line)
    return "\n".join(says), "\n".join(numbers)


def _inline(text: str) -> str:
    """Escaped, with `code` set as code and line ends kept."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return text.replace("\n", "<br>")
