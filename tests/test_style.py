"""The form of the code where ruff (`make style`) does not look."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "course_utils").rglob("*.py"))
PALETTE = ROOT / "course_utils" / "figures" / "style.py"
COLOR_OPTIONS = {"c", "color", "colors", "facecolor", "edgecolor", "ecolor"}
JUPYTER_THEME = re.compile(r"var\(--jp-[^)]*\)")  # follows light and dark by itself
NO_ROLE = {"none", "white", "black"}  # paper and ink


def typed_colors(source: str) -> list[str]:
    """Colors written out instead of taken from the palette's roles."""
    found = []
    for node in ast.walk(ast.parse(source)):
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
    assert sorted(typed_colors(code)) == ["#0072B2", "color=red"]


def test_colors_come_from_the_palette():
    found = {path: typed_colors(path.read_text(encoding="utf-8")) for path in MODULES}
    del found[PALETTE]
    assert {path: colors for path, colors in found.items() if colors} == {}


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
