"""Where rules are kept: generators of (cell id, what to do)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nbformat import NotebookNode

Problems = Iterator[tuple[str, str]]
Rule = Callable[[NotebookNode, int], Problems]

RULES: dict[str, Rule] = {}


def rule(check: Rule) -> Rule:
    """Add a rule; it gets a notebook and the lesson's number."""
    RULES[check.__name__] = check
    return check
