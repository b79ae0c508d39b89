"""Words that the course does without, in lessons and in the texts of exercises."""

from __future__ import annotations

import re
from collections.abc import Iterator

BANNED = re.compile(r"\b(simply|just|obviously|trivially|of course)\b", re.IGNORECASE)
BRITISH = re.compile(
    r"\b(?:(?:re|un|in)?(?:analog|categor|character|emphas|general|initial|maxim|memor|"
    r"minim|normal|optim|organ|parametr|penal|random|real|recogn|regular|special|"
    r"stabil|standard|summar|util|visual)is(?:e[ds]?|ers?|ing|ations?)"
    r"|(?:behavi|col|fav|neighb|lab)our\w*|(?:re)?cent(?:re[ds]?|ring)|analys(?:ed?|ing)"
    r"|(?:mod|lab|canc|trav)ell(?:ed|ing)|learnt|whilst|amongst|artefacts?|judgements?)\b",
    re.IGNORECASE,
)


def unwanted_words(text: str) -> Iterator[str]:
    """What to change in a text that a learner reads.

    >>> list(unwanted_words("Just normalise it, to be precise."))
    ["leave out 'Just'", "'normalise': American spelling"]
    """
    for match in BANNED.finditer(text):
        yield f"leave out {match[0]!r}"
    for match in BRITISH.finditer(text):
        yield f"{match[0]!r}: American spelling"


def prose(markdown: str) -> str:
    """Without code, addresses and HTML's own words (style='color: ...')."""
    text = re.sub(r"```.*?```|`[^`\n]+`", " ", markdown, flags=re.S)
    text = re.sub(r"\]\([^)]*\)|https?://\S+", " ", text)
    return re.sub(r"<[^>]+>", " ", text)


def count_words(markdown: str) -> int:
    """Words that a reader sees before unfolding; a formula or a code span is one.

    >>> count_words("Slope of $log(1 - D)$ in `D`: <details>no</details>")
    5
    """
    text = re.sub(r"<details.*?</details>", " ", markdown, flags=re.S)
    text = re.sub(r"```.*?```|\$\$.*?\$\$|`[^`]+`|\$[^$]+\$", " x ", text, flags=re.S)
    return sum(bool(re.search(r"\w", word)) for word in prose(text).split())
