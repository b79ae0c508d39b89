"""How fast the course answers a hand: `make bench`. Numbers, not verdicts.

For each explorer the time of a picture in the kernel and, where a browser can be
driven, in JupyterLab from a key on a slider to the picture that can be seen.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from course_utils.authoring import browser
from tests.explorers import EXPLORERS, explorer_notebook, make_explorers

CHANGES = 24  # of which the median is shown
_AT_END = ("aria-valuenow", "aria-valuemax")

# In the page: from the key on the last slider to the new picture's load.
_TIME = """(box, key) => new Promise((done, fail) => {
    const handle = [...box.querySelectorAll('.noUi-handle')].pop();
    const image = box.querySelector('img.widget-image');
    const since = performance.now();
    image.addEventListener('load', () => done(performance.now() - since), {once: true});
    setTimeout(() => fail('no new picture'), 5000);
    handle.dispatchEvent(new KeyboardEvent('keydown', {key}));
})"""


def main() -> None:
    """Print the table."""
    seen = [math.nan] * len(EXPLORERS)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            with browser.running_lab(Path(folder)) as lab:
                seen = in_browser(lab)
        except browser.NoBrowser as reason:
            print(reason)
    print(f"{'explorer':20}{'kernel':>10}{'browser':>10}   (median, ms)")
    for (name, explorer), in_page in zip(make_explorers().items(), seen, strict=True):
        print(f"{name:20}{in_kernel(explorer):10.1f}{in_page:10.1f}")


def in_kernel(explorer: Any) -> float:
    """Median milliseconds from a changed value of the last slider to the picture."""
    control = list(explorer.controls.values())[-1]
    home = control.value
    other = home + control.step if home < control.max else home - control.step
    times = []
    for i in range(CHANGES):
        start = time.perf_counter()
        control.value = (other, home)[i % 2]
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def in_browser(lab: browser.Lab) -> list[float]:
    """Median milliseconds from the hand to the picture, an explorer each."""
    page = lab.open(explorer_notebook(), "explorers.ipynb")
    page.run_all()
    page.page.locator(".course-explorer").nth(len(EXPLORERS) - 1).wait_for()
    medians = []
    for explorer in page.explorers():
        explorer.box.scroll_into_view_if_needed()
        now, most = map(explorer.sliders[-1].get_attribute, _AT_END)
        keys = ["ArrowRight", "ArrowLeft"]
        if now == most:
            keys.reverse()
        times = []
        for i in range(CHANGES):
            explorer.settled(quiet=0.1)
            times.append(explorer.box.evaluate(_TIME, keys[i % 2]))
        medians.append(statistics.median(times))
    return medians


if __name__ == "__main__":
    main()
