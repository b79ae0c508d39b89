"""A lesson small enough to read, that keeps every rule; tests break it on purpose."""

import base64
import copy

from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from course_utils.authoring import notebooks

STUB = '''\
@exercise
def to_unit_range(images: torch.Tensor) -> torch.Tensor:
    """Images in [-1, 1] -> brightness in [0, 1]."""
    ### BEGIN SOLUTION
    return (images + 1) / 2
    ### END SOLUTION'''

NBGRADER = {
    "cell_type": "code", "grade": False, "grade_id": "unit-range", "locked": False,
    "schema_version": 3, "solution": True, "task": False,
}  # fmt: skip
PNG = base64.b64encode(b"a picture").decode()
RECAP = "## Recap\n" + "\n<details><summary>Why?</summary>\n\nSo.\n\n</details>\n" * 3


def md(name: str, text: str, *tags: str) -> NotebookNode:
    """A markdown cell."""
    return new_markdown_cell(
        text, id=name, metadata={"tags": list(tags)} if tags else {}
    )


def code(name: str, text: str, *tags: str, outputs: list | None = None) -> NotebookNode:
    """A code cell, with the outputs that it is said to have stored."""
    metadata = {"tags": list(tags)} if tags else {}
    if "exercise" in tags:
        metadata["nbgrader"] = NBGRADER | {"grade_id": name}
    return new_code_cell(text, id=name, metadata=metadata, outputs=outputs or [])


def result(text: str, **data) -> NotebookNode:
    """An output as the last line of a cell leaves it."""
    return new_output("execute_result", data={"text/plain": text, **data})


def printed(text: str, name: str = "stdout") -> NotebookNode:
    """An output as `print` leaves it."""
    return new_output("stream", name=name, text=text)


def picture(alt: str = "A line that rises from 0 to 1.") -> NotebookNode:
    """An output with a picture."""
    metadata = {"image/png": {"alt": alt}} if alt else {}
    data = {"text/plain": f"figure: {alt}", "image/png": PNG}
    return new_output("display_data", data=data, metadata=metadata)


def record(state: str, exercise: str = "to_unit_range", mistake: str | None = None):
    """An output as `@exercise` leaves it."""
    content = {"exercise": exercise, "state": state, "mistake": mistake, "probes": 3}
    data = {"text/plain": f"exercise {exercise}: {state}", notebooks.RECORD: content}
    return new_output("display_data", data=data)


def error(name: str, says: str) -> NotebookNode:
    """An output as an exception leaves it."""
    return new_output("error", ename=name, evalue=says, traceback=[f"{name}: {says}"])


def lesson() -> NotebookNode:
    """Lesson 0, with one exercise, one prediction and one figure."""
    cells = [
        md(
            "title",
            "# Does an exercise answer?\n\n5 minutes. You will see that it does.",
        ),
        code(
            "setup",
            "import torch\n\nfrom course_utils import exercises\n"
            "from course_utils.exercises import exercise",
            "setup",
        ),
        md("question", "Half of gray? (a) 0.25 (b) 0.5 (c) 1", "predict"),
        code("half", "print(1 / 2)", outputs=[printed("0.5\n")]),
        md("read", "One half: (b)."),
        code("line", "draw()", "figure", outputs=[picture()]),
        md(
            "unit-range-task",
            "### Exercise 0.1  To the unit range   (2 minutes, about 1 line, ★★☆)\n\n"
            "Map [-1, 1] to [0, 1].",
        ),
        code("unit-range", STUB, "exercise", outputs=[record("passed")]),
        md("recap", RECAP),
        code("table", "exercises.table(0)", outputs=[result("to_unit_range  passed")]),
        md("sources", "## Sources\n\nNone."),
    ]
    notebook = notebooks.tidy(new_notebook(cells=cells))
    for i, cell in enumerate(notebooks.code_cells(notebook), 1):
        cell.execution_count = i
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = i
    return copy.deepcopy(notebook)


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """The cell with this id."""
    return next(c for c in notebook.cells if c.id == name)


def runnable() -> NotebookNode:
    """The lesson without its drawing, which is not defined; not run yet."""
    notebook = lesson()
    notebook.cells = [c for c in notebook.cells if c.id != "line"]
    for one in notebooks.code_cells(notebook):
        one.outputs, one.execution_count = [], None
    return notebook


QUICK = f"""\
from IPython.display import display

def exercise(half):
    try:
        state = "passed" if half(0) == 0.5 else "not yet"
    except NotImplementedError:
        state = "open"
    found = {{"exercise": "to_unit_range", "state": state, "mistake": None}}
    display({{"text/plain": state, "{notebooks.RECORD}": found}}, raw=True)
    return half"""


def quick() -> NotebookNode:
    """The same with an engine of ten lines: a kernel without torch starts sooner."""
    notebook = runnable()
    cell(notebook, "setup").source = QUICK
    task = cell(notebook, "unit-range")
    task.source = task.source.replace(": torch.Tensor", "").replace(
        "torch.Tensor", "int"
    )
    cell(notebook, "table").source = "2"
    return notebook
