"""Every lesson runs to its end as a learner first opens it: part of `make verify`.

The file's name keeps it out of the other tests, since it takes minutes.
"""

import pytest

from course_utils.authoring import execute, notebooks
from course_utils.authoring.notebooks import code_cells, exercise_name

LESSONS = notebooks.find(notebooks.ROOT / "lessons")


def run_unsolved(lesson, folder):
    """Run it: each exercise with the states it showed, and what was said on stderr."""
    cells = code_cells(execute.run(lesson, folder=folder))
    states = {
        name: [record["state"] for record in notebooks.records([cell])]
        for cell in cells
        if (name := exercise_name(cell))
    }
    outputs = [output for cell in cells for output in cell.outputs]
    return states, [o.text for o in outputs if o.get("name") == "stderr"]


@pytest.mark.parametrize("path", LESSONS[::-1], ids=lambda path: path.stem)
def test_unsolved_lesson_runs_and_leaves_every_exercise_open(path, tmp_path):
    lesson = notebooks.read(path)
    states, stderr = run_unsolved(lesson, tmp_path)
    assert states == {name: ["open"] for name in states} and not stderr
    assert len(states) == sum("exercise" in notebooks.tags(c) for c in lesson.cells)
