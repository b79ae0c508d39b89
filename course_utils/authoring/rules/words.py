"""Rules on words, spelling, notation and names, in prose and in code."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from nbformat import NotebookNode

from .. import notebooks
from .registry import Problems, rule

BANNED = re.compile(r"\b(simply|just|obviously|trivially|of course)\b", re.IGNORECASE)

_ISE = (
    "analog|capital|categor|character|emphas|equal|factor|final|general|initial|local|"
    "maxim|memor|minim|normal|optim|organ|parametr|penal|random|real|recogn|regular|"
    "special|stabil|standard|summar|symbol|util|vector|visual"
)
BRITISH = {
    re.compile(pattern, re.IGNORECASE): american
    for pattern, american in {
        rf"\b\w*({_ISE})(is)(e|ed|es|er|ers|ing|ation|ations)\b": "-ize, -ization",
        r"\b(mis)?behaviours?\b": "behavior",
        r"\b(un)?(col|fav|flav|hon|harb|neighb|lab)our(s|ed|ing|ful|able|ite)?\b": (
            "color, favor, neighbor"
        ),
        r"\b(re)?cent(re|red|res|ring)\b": "center",
        r"\b(milli|centi|kilo)?metres?\b": "meter",
        r"\b(analys|catalys|paralys)(e|ed|ing)\b": "analyze",
        r"\bartefacts?\b": "artifact",
        r"\b(learnt|spelt|whilst|amongst)\b": "learned, while, among",
        r"\b(mod|lab|canc|trav)ell(ed|ing)\b": "modeled, labeled, traveled",
        r"\bsceptic(al|s)?\b": "skeptic",
        r"\bjudgements?\b": "judgment",
        r"\bprogrammes?\b": "program",
        r"\bdefence\b": "defense",
    }.items()
}

_PHRASES = {
    re.compile(r"V\s*\(\s*G\s*,\s*D\s*\)"): "the value function is V(D, G)",
    re.compile(
        r"\b(latent|input) noise\b|\bnoise (vectors?|prior|z\b|\$z\$)", re.IGNORECASE
    ): "say latent, not noise",
}
_NAMES = {
    re.compile(r"(^|_)noise(_|$)"): "z, or a name with latent in it",
    re.compile(r"^nz$"): "latent_dim",
    re.compile(r"^n[gd]f$"): "base_channels",
    re.compile(r"^net_?[GD]$", re.IGNORECASE): "G or D",
}
_CODE = {
    re.compile(r"\bgenerator\s*=\s*(?!torch\.)(\w+\.)?(G\b|Generator\()"): (
        "`generator` is always a torch.Generator; the network is G"
    ),
    re.compile(r"\bdiscriminator\s*=\s*(\w+\.)?(D\b|Discriminator\()"): (
        "the network is D"
    ),
}
_RANDOM = {
    "rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial",
}  # fmt: skip


def unwanted_words(text: str) -> Iterator[str]:
    """What to change in a text that a learner reads."""
    for match in BANNED.finditer(text):
        yield f"leave out {match[0]!r}"
    for pattern, american in BRITISH.items():
        for match in pattern.finditer(text):
            yield f"{match[0]!r}: American spelling ({american})"
    for pattern, instead in _PHRASES.items():
        for match in pattern.finditer(text):
            yield f"{match[0]!r}: {instead}"


@rule
def words_are_kind_and_american(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebook.cells:
        markdown = cell.cell_type == "markdown"
        text = prose(cell.source) if markdown else _comments(cell.source)
        for what in unwanted_words(text):
            yield cell.id, what


def prose(markdown: str) -> str:
    """Without code, addresses and HTML's own words (style='color: ...')."""
    text = re.sub(r"```.*?```|`[^`\n]+`", " ", markdown, flags=re.S)
    text = re.sub(r"\]\([^)]*\)|https?://\S+", " ", text)
    return re.sub(r"<[^>]+>", " ", text)


def _tokens(source: str) -> list[tokenize.TokenInfo]:
    try:
        return list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return []


def _comments(source: str) -> str:
    """Comments and strings of a cell."""
    kinds = (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1))
    return "\n".join(t.string for t in _tokens(source) if t.type in kinds)


@rule
def names_are_the_courses(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        names = {t.string for t in _tokens(cell.source) if t.type == tokenize.NAME}
        for name in sorted(names):
            for pattern, instead in _NAMES.items():
                if pattern.search(name):
                    yield cell.id, f"the name {name!r}: the course says {instead}"
            if lesson < 9 and re.search("critic", name, re.IGNORECASE):
                yield cell.id, f"the name {name!r}: critic is for Wasserstein GANs"
        for pattern, what in _CODE.items():
            if pattern.search(cell.source):
                yield cell.id, what


@rule
def randomness_is_seeded(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        if "torch.manual_seed(" in cell.source:
            continue
        for call in _calls(cell.source):
            name = ast.unparse(call.func)
            seeded = any(k.arg in ("generator", None) for k in call.keywords)
            if name.startswith(("np.random.", "numpy.random.", "random.")):
                if not name.endswith("default_rng"):
                    yield cell.id, f"`{name}`: draw with torch and a generator"
            elif name in {f"torch.{r}" for r in _RANDOM} and not seeded:
                yield cell.id, f"`{name}` without `generator=`: the result varies"


def _calls(source: str) -> list[ast.Call]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
