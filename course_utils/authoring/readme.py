"""What the README takes from the solutions: its table of lessons and its picture.

    python -m course_utils.authoring.readme     write both; part of `make lessons`
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

from . import notebooks

BEGIN, END = "<!-- lessons -->", "<!-- /lessons -->"
PICTURE = "lessons/preview.png"
PICTURED = "figure-play"  # the cell of lesson 0 whose figure the README shows


def lesson_table(solutions: Path) -> str:
    """A row for each lesson; ValueError if its first cell lacks title or minutes."""
    rows = ["| | question | minutes | exercises |", "|---|---|---|---|"]
    for path in notebooks.find(solutions):
        cells = notebooks.read(path).cells
        title = re.search(r"^# (.+)$", cells[0].source, re.M)
        minutes = re.search(r"(\d+) minutes", cells[0].source)
        if not (title and minutes):
            raise ValueError(f"{path.name}: the first cell gives no title or minutes")
        exercises = sum("exercise" in notebooks.tags(cell) for cell in cells)
        number, link = notebooks.number(path), f"[{title[1]}](lessons/{path.name})"
        rows.append(f"| {number} | {link} | {minutes[1]} | {exercises} |")
    return "\n".join(rows)


def with_table(readme: str, table: str) -> str:
    """The README's text with the table between its two marks; ValueError without."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def picture(solutions: Path) -> bytes:
    """The stored figure that stands at the top of the README, as PNG."""
    first = notebooks.read(notebooks.find(solutions)[0])
    for cell in first.cells:
        for output in cell.get("outputs", []) if cell.id == PICTURED else []:
            if "image/png" in output.get("data", {}):
                return base64.b64decode(output["data"]["image/png"])
    raise ValueError(f"lesson 0 has no stored figure in its cell {PICTURED!r}")


def main() -> None:
    """Write the table into README.md and the picture beside the lessons."""
    solutions, page = notebooks.ROOT / "solutions", notebooks.ROOT / "README.md"
    text = with_table(page.read_text(encoding="utf-8"), lesson_table(solutions))
    notebooks.write(page, text)
    (notebooks.ROOT / PICTURE).write_bytes(picture(solutions))


if __name__ == "__main__":
    main()
