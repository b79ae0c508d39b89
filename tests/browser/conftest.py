"""One JupyterLab and one browser for a module's tests; pictures of what failed."""

from pathlib import Path

import pytest

from course_utils.authoring import browser

SCREENSHOTS = Path(__file__).resolve().parents[1] / "screenshots"


@pytest.fixture(scope="module")  # while it is open, no other test may run a loop
def lab(tmp_path_factory):
    try:
        with browser.running_lab(tmp_path_factory.mktemp("lab")) as lab:
            yield lab
    except browser.NoBrowser as reason:
        pytest.skip(f"Explorers were not tried in a browser. {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and call.when == "call" and lab is not None:
        SCREENSHOTS.mkdir(exist_ok=True)
        for i, page in enumerate(lab.context.pages):
            page.screenshot(path=SCREENSHOTS / f"{item.name}_{i}.png")
    return report
