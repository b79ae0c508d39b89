"""Imports in the package go one way, and only to what a learner has installed."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "course_utils"

# Who may import whom inside course_utils; a part may always import itself.
TOP = {
    "checks", "data", "gaussians", "layers", "models", "losses", "training", "games",
    "evaluation", "classifier", "recordings", "clinic",
}  # fmt: skip
LAYERS = {
    "__init__": set(),
    "checks": set(),
    "sources": {"checks"},
    "data": {"checks", "sources"},
    "gaussians": set(),
    "layers": {"checks"},
    "models": {"checks"},
    "losses": set(),
    "training": {"losses"},
    "games": {"data", "losses"},
    "evaluation": {"checks", "gaussians"},
    "classifier": {"data"},
    "recordings": {"data"},
    "clinic": {"data", "recordings"},
    "runs": TOP | {"figures"},
    "figures": set(),
    "widgets": TOP | {"figures", "runs"},
    "exercises": TOP | {"runs"},
    "doctor": {"data"},
    "lab": set(),
    "authoring": TOP | {"runs", "figures", "widgets", "exercises", "lab"},
    "__main__": set(),  # finds a command's module by name when it is called
}
IMPORT_NAMES = {"pillow": "PIL", "ipython": "IPython", "scikit-learn": "sklearn"}
EACH = pytest.mark.parametrize(
    "path",
    sorted(PACKAGE.rglob("*.py")),
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)


def imported(path: Path) -> set[str]:
    """Dotted names that a module imports, relative ones resolved."""
    module, names = path.relative_to(ROOT).with_suffix("").parts, set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module[: len(module) - node.level] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


@EACH
def test_imports_go_one_way(path):
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    split = [(name + ".").split(".") for name in imported(path)]
    found = {rest[0] for first, *rest in split if first == "course_utils"}
    assert found <= LAYERS[part] | {part}


def test_the_table_has_no_circle():
    left = {part: set(below) for part, below in LAYERS.items()}
    while free := [part for part, below in left.items() if not below & set(left)]:
        for part in free:
            del left[part]
    assert not left


@EACH
def test_only_declared_packages_are_imported(path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"]
    if "authoring" in path.parts:
        lines = lines + project["optional-dependencies"]["dev"]
    names = [Requirement(line).name for line in lines]
    declared = {IMPORT_NAMES.get(name, re.sub("[-.]", "_", name)) for name in names}
    tops = {name.split(".")[0] for name in imported(path)} - sys.stdlib_module_names
    assert tops <= declared | {"course_utils"}
