"""How fast the course answers a hand: `make bench`. Numbers, not verdicts.

Each explorer of the lessons, and two small ones that cost next to nothing: the time of
a picture in the kernel, and in JupyterLab from a key on a slider (or a click on a
player's step) to the picture that can be seen.
"""

from __future__ import annotations

import ast
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.authoring import browser, notebooks
from course_utils.widgets import Explorer, Player

CHANGES = 24  # of which the median is shown

FLOOR = """
import numpy as np
from course_utils.figures import style
from course_utils.widgets import Canvas, Explorer, slider

x = np.linspace(0, 3, 200)

def decay(*, all_anew):
    fig, axes = style.new_figure()
    (curve,) = axes.plot(x, np.exp(-x))
    canvas = Canvas(fig, moving=() if all_anew else [curve])

    def frame(rate):
        curve.set_ydata(np.exp(-rate * x))
        return canvas.png()

    return Explorer(frame, {"rate": slider(0.1, 3.0, 1.0)}, alt="A decay.")
"""

# In the page: from the event that starts it to the new picture's load.
_TIME = """(box, keys) => new Promise((done, fail) => {
    const start = keys ? box.querySelector('.noUi-handle')
        : [...box.querySelectorAll('button')][1];
    const image = box.querySelector('img.widget-image');
    const event = keys ? 'keydown' : 'click';
    const options = {once: true, capture: true};
    start.addEventListener(event, () => {
        const since = performance.now();
        image.addEventListener('load', () => done(performance.now() - since), options);
    }, options);
    setTimeout(() => fail('no new picture'), 5000);
    if (keys) start.dispatchEvent(new KeyboardEvent('keydown', {key: keys}));
    else start.click();
})"""


def main() -> None:
    """Print the table."""
    floor = [FLOOR, "decay(all_anew=False)", "decay(all_anew=True)"]
    found = [("floor", new_notebook(cells=[new_code_cell(c) for c in floor]))]
    for path in notebooks.find(notebooks.ROOT / "solutions"):
        found.append((path.name[:2], browser.widget_notebook(notebooks.read(path))))
    reason = browser.missing()
    print(f"{'from':6}{'explorer':44}{'kernel':>10}{'browser':>10}   (median, ms)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if reason:
            print(reason)
            for name, notebook in found:
                _print(name, notebook, [])
            return
        with browser.Lab(Path(folder)).running() as lab:
            for name, notebook in found:
                _print(name, notebook, in_browser(lab, notebook, f"{name}.ipynb"))


def _print(name: str, notebook: NotebookNode, seen: list[float]) -> None:
    for i, (source, explorer) in enumerate(shown(notebook)):
        page = f"{seen[i]:10.1f}" if seen else ""
        print(f"{name:6}{source[:42]:44}{in_kernel(explorer):10.1f}{page}")


def shown(notebook: NotebookNode) -> list[tuple[str, Explorer | Player]]:
    """The explorers that a notebook's cells end with, and the lines that make them."""
    names: dict[str, Any] = {}
    found = []
    for cell in notebooks.code_cells(notebook):
        *lines, last = ast.parse(cell.source).body
        if not isinstance(last, ast.Expr):
            lines, last = [*lines, last], None
        with contextlib.redirect_stdout(io.StringIO()):  # the table alone is printed
            exec(compile(ast.Module(lines, []), cell.id, "exec"), names)
            if last is None:
                continue
            value = eval(compile(ast.Expression(last.value), cell.id, "eval"), names)
        if isinstance(value, Explorer | Player):
            found.append((ast.unparse(last), value))
    return found


def in_kernel(explorer: Explorer | Player) -> float:
    """Median milliseconds from a changed value, or a step, to the picture's bytes."""
    if isinstance(explorer, Player):
        return _median(lambda i: explorer.step())
    control = next(iter(explorer.controls.values()))
    if hasattr(control, "options"):
        pick = [value for _, value in control._options_full]
    else:
        low, step = control.value, getattr(control, "step", 1)
        pick = [low, low + step if low < control.max else low - step]

    def change(i: int) -> None:
        control.value = pick[i % len(pick)]

    change(1)
    return _median(change)


def _median(change: Callable[[int], None]) -> float:
    times = []
    for i in range(CHANGES):
        start = time.perf_counter()
        change(i)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def in_browser(lab: browser.Lab, notebook: NotebookNode, name: str) -> list[float]:
    """Median milliseconds from the hand to the picture, an explorer each."""
    page = lab.open(notebook, name)
    page.run_all(seconds=180)
    page.page.wait_for_timeout(1000)
    medians = []
    for explorer in page.explorers():
        explorer.box.scroll_into_view_if_needed()
        player, times = explorer.button("Reset").count() == 1, []
        for i in range(CHANGES):
            key = None if player else ("ArrowRight", "ArrowLeft")[i % 2]
            explorer.settled(quiet=0.1)
            times.append(explorer.box.evaluate(_TIME, key))
        medians.append(statistics.median(times))
    page.close()
    return medians


if __name__ == "__main__":
    main()
