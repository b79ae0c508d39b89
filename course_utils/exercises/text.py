"""An exercise as text: its answer, and each mistake as an edit of that answer.

    half_of(x)
        return x / 2

    because: A half is a division by two.
    praise: The next lesson halves everything.
    hint: What undoes doubling?
    right: return 0.5 * x

    * doubled: That is twice x. Which way does a half go?
        x / 2 -> x * 2
        x / 2 -> x + x

First the function with its arguments, and its body indented (or a whole class). Then
fields: `because`, `praise`, `edge` once, `hint` and `right` as often as needed. Then
mistakes: `*` wrong, `~` a convention (right up to a stated factor or sign), `+` waste
(right, with needless work). Behind the name stands what is said to the learner, under
it, indented by four, the ways to make the mistake, one in a line:

    old -> new          every `old` in the answer becomes `new` (or nothing)
    /old/ -> new        `old` is a regular expression, `new` may hold \\1 and \\n
    a -> b && c -> d    edits that go together
    return x            another body
    | total = 0         another body of several lines,
    | return total      or a whole definition
    x + {1|2}           two ways in one line

A deeper line continues the one above. An edit that does not fit the answer is an error;
within a family of mistakes, which many exercises share, it means that the mistake does
not apply.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent, indent
from typing import Any

from .engine import Exercise, Mistake, register

KINDS = {"*": "wrong", "~": "convention", "+": "waste"}
FIELDS = ("because", "praise", "edge", "hint", "right")


class DoesNotFit(ValueError):
    """An edit looks for something that the answer does not hold."""


@dataclass
class Block:
    """A mistake as it is written: its sign and name, its ways, what is said."""

    name: str
    kind: str
    says: str
    ways: list[str]


@dataclass
class Text:
    """An exercise as it is written."""

    signature: str
    answer: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    mistakes: list[Block] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the function or class."""
        return re.match(r"(?:class )?(\w+)", self.signature)[1]

    def source(self, way: str = "") -> str:
        """The definition with one of the ways put in; as it stands without."""
        code = edited(self.answer, way) if way else self.answer
        if re.search(rf"^(def|class) {self.name}\b", code, flags=re.M):
            return code
        return f"def {self.signature}:\n{indent(code, '    ')}"


def entry(
    text: str,
    *,
    names: Mapping[str, Any],
    families: str = "",
    without: tuple[str, ...] = (),
    reference: Any = None,
    **rest: Any,
) -> Exercise:
    """Register the exercise that a text describes.

    Args:
        text: as in this module's docstring.
        names: what the answers in the text may use: torch, F, losses, ...
        families: mistakes of many exercises, in the same form; each applies where its
            edits fit the answer and the text has none of that name.
        without: names of mistakes in the families that are none here.
        reference: the package's own version; by default the answer in the text.
        rest: lesson, observe, probes and whatever else `Exercise` has.

    Raises:
        ValueError: the text cannot be read, or an edit does not fit the answer.
    """
    parsed = parse(text)
    blocks = list(parsed.mistakes)
    taken = {block.name for block in blocks} | set(without)
    for block in read_mistakes(families):
        block.ways = [way for way in block.ways if _fits(parsed, way)]
        if block.ways and block.name not in taken:
            blocks.append(block)
    fields = parsed.fields
    return register(
        Exercise(
            name=parsed.name,
            reference=reference or define(parsed, names, keep_source=True),
            answer=parsed.answer,
            because=" ".join(fields["because"]),
            praise=" ".join(fields["praise"]),
            edge_says=" ".join(fields["edge"]),
            hints=fields["hint"],
            accepts=_defined_later(parsed, fields["right"], names),
            mistakes=[
                Mistake(b.name, b.says, b.kind, _defined_later(parsed, b.ways, names))
                for b in blocks
            ],
            **rest,
        )
    )


# ------------------------------------------------------------------ reading


def parse(text: str) -> Text:
    """Read one exercise; a ValueError quotes the line that cannot be read."""
    head, *_ = re.split(r"^[*~+] ", dedent(text).strip("\n"), maxsplit=1, flags=re.M)
    blocks = dedent(text).strip("\n")[len(head) :]
    first_field = rf"^(?:{'|'.join(FIELDS)}):"
    definition, *_ = re.split(first_field, head, maxsplit=1, flags=re.M)
    signature, _, body = definition.partition("\n")
    answer = definition if signature.startswith("class ") else dedent(body)
    if not answer.strip():
        raise ValueError(f"{signature!r} has no answer below it")
    fields = _read_fields(head[len(definition) :])
    return Text(signature.strip(), answer.strip("\n "), fields, read_mistakes(blocks))


def _read_fields(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in FIELDS}
    for part in re.split(r"^(?=\w)", text, flags=re.M):
        if not part.strip():
            continue
        name, colon, value = part.partition(":")
        if name not in FIELDS or not colon:
            raise ValueError(f"{part.splitlines()[0]!r} is none of {', '.join(FIELDS)}")
        if name == "right":
            found[name] += _ways("    " + value.strip().replace("\n", "\n     "))
        else:
            found[name].append(" ".join(value.split()))
    return found


def read_mistakes(text: str) -> list[Block]:
    """The mistakes of a text without an answer, such as a family."""
    parts = re.split(r"^(?=[*~+] )", dedent(text).strip("\n"), flags=re.M)
    return [_read_mistake(part) for part in parts if part.strip()]


def _read_mistake(block: str) -> Block:
    lines = block.rstrip().splitlines()
    code = [line for line in lines if line.startswith("    ") or not line.strip()]
    words = [line for line in lines if line not in code]
    name, _, says = " ".join(line.strip() for line in words).partition(": ")
    if not says or any(line[:2] != "  " for line in words[1:]):
        raise ValueError(f"wanted is `* name: sentence`, then its ways:\n{block}")
    return Block(name[2:], KINDS[name[0]], says, _ways("\n".join(code)))


def _ways(code: str) -> list[str]:
    """One string for each way: lines with `|` form a body, deeper lines continue."""
    ways: list[str] = []
    body = False  # whether the last way is a body whose next line may follow
    for line in code.splitlines():
        text = line.strip()
        if text.startswith("|"):
            text = text[1:].removeprefix(" ")
            ways[len(ways) :] = [] if body else [""]
            ways[-1] += f"\n{text}" if body else text
            body = True
        elif line.startswith("     ") and ways and not body:
            ways[-1] += text if ways[-1].endswith(r"\n") else f" {text}"
        elif text:
            ways.append(text)
            body = False
        else:
            body = False
    return [one for way in ways for one in _alternatives(way)]


def _alternatives(way: str) -> list[str]:
    """`x + {1|2}` as `x + 1` and `x + 2`."""
    parts = re.split(r"\{([^{}\n]*\|[^{}\n]*)\}", way)
    choices = [p.split("|") if i % 2 else [p] for i, p in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


# ------------------------------------------------------------------ editing, defining


def edited(answer: str, way: str) -> str:
    """The answer with the edits of a way; or the way itself, if it is another body."""
    if "\n" in way or not re.search(r" ->( |$)", way):
        return way
    for edit in way.split(" && "):
        old, _, new = edit.partition(" ->")
        new = new.removeprefix(" ")
        if re.fullmatch(r"/.+/", old):
            changed = re.sub(old[1:-1], new, answer, flags=re.M)
        else:
            changed = answer.replace(old, new.replace(r"\n", "\n"))
        if changed == answer:
            raise DoesNotFit(f"{old!r} is not in the answer:\n{answer}")
        answer = changed
    return answer


def _fits(text: Text, way: str) -> bool:
    try:
        ast.parse(text.source(way))
    except (DoesNotFit, SyntaxError):
        return False
    return True


def define(
    text: Text, names: Mapping[str, Any], way: str = "", *, keep_source: bool = False
) -> Any:
    """The function or class that a text defines, with one way put in."""
    source, file = text.source(way), f"<the course's {text.name}>"
    scope = dict(names)
    exec(compile(source, file, "exec", dont_inherit=True), scope)
    if keep_source:  # for `??` and for tracebacks
        lines = source.splitlines(keepends=True)
        linecache.cache[file] = (len(source), None, lines, file)
    return scope[text.name]


def _defined_later(
    text: Text, ways: list[str], names: Mapping[str, Any]
) -> Callable[[], list[Any]]:
    """The ways as functions or classes, made when they are first needed.

    Their edits are tried at once, so that one that does not fit is seen at import.
    """
    for way in ways:
        text.source(way)
    return lambda: [define(text, names, way) for way in ways]
