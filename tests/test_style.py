"""The form of the code: what ruff does not look at."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "course_utils").rglob("*.py"))
PALETTE = ROOT / "course_utils" / "figures" / "style.py"
LONGEST = 40  # lines of a function without its docstring
COLOR_OPTIONS = {"c", "color", "colors", "facecolor", "edgecolor", "ecolor"}
JUPYTER_THEME = re.compile(r"var\(--jp-[^)]*\)")  # follows light and dark by itself
NO_ROLE = {"none", "white", "black"}  # paper and ink
OTHER_NOTATION = {"netG", "netD", "ngf", "ndf", "nz", "noise", "gan_loss"}
HARSH = re.compile(r"\b(simply|obviously|trivially)\b", re.IGNORECASE)

RULES = ROOT / "course_utils" / "authoring" / "rules"  # names what it forbids

each_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "course_utils"))
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def typed_colors(module: ast.AST) -> list[str]:
    """Colors written out instead of taken from the palette's roles."""
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = JUPYTER_THEME.sub("", node.value)
            found += re.findall(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b", text)
        elif isinstance(node, ast.keyword) and node.arg in COLOR_OPTIONS:
            value = getattr(node.value, "value", None)
            if isinstance(value, str) and value not in NO_ROLE:
                found.append(f"{node.arg}={value}")
    return found


def test_a_typed_color_is_found_in_both_its_forms():
    code = 'x = "#0072B2"; draw(color="red"); draw(color="none"); draw(color=DATA)'
    assert sorted(typed_colors(ast.parse(code))) == ["#0072B2", "color=red"]


@each_module
def test_colors_come_from_the_palette(path):
    if path != PALETTE:
        assert typed_colors(tree(path)) == []


@each_module
def test_functions_fit_on_a_screen(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= LONGEST, f"{node.name} has {lines} lines"


@each_module
def test_public_functions_and_classes_say_what_they_are(path):
    if path.is_relative_to(RULES) or path.match("exercises/lesson*.py"):
        return  # a rule's name is its sentence; a bank says its own in `says`
    for node in tree(path).body:
        public = isinstance(node, Function | ast.ClassDef) and node.name[0] != "_"
        assert not public or ast.get_docstring(node), f"{node.name} has no docstring"


@each_module
def test_errors_are_raised_not_asserted(path):
    asserts = [n.lineno for n in ast.walk(tree(path)) if isinstance(n, ast.Assert)]
    assert not asserts, f"lines {asserts}: say what was given and what is wanted"


@each_module
def test_names_follow_the_notation(path):
    if "authoring" in path.parts:
        return  # about notebooks and their noise, not about networks
    for node in ast.walk(tree(path)):
        name = getattr(node, "id", None) or getattr(node, "arg", None)
        assert name not in OTHER_NOTATION, f"line {node.lineno}: {name}"


@each_module
def test_the_argument_generator_is_a_random_generator(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.arg) and node.arg == "generator" and node.annotation:
            annotation = ast.unparse(node.annotation)
            assert "torch.Generator" in annotation, f"line {node.lineno}"


@each_module
def test_the_tone_is_kind(path):
    if not path.is_relative_to(RULES):
        assert HARSH.findall(path.read_text(encoding="utf-8")) == []


def test_importing_the_package_prints_and_fetches_nothing():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.stem != "__main__"
    ]
    code = (
        "import importlib, socket\n"
        "def refuse(*_): raise RuntimeError('the network, at import')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        f"for name in {names}: importlib.import_module(name)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
