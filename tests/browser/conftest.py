"""One JupyterLab and one browser for a module's tests; pictures of what failed."""

from pathlib import Path

import pytest

from course_utils.authoring import browser

SCREENSHOTS = Path(__file__).resolve().parents[1] / "screenshots"


@pytest.fixture(scope="module")  # while it is open, no other test may run a loop
def lab(tmp_path_factory):
    reason = browser.missing()
    if reason:
        pytest.skip(f"Explorers were not tried in a browser. {reason}")
    with browser.Lab(tmp_path_factory.mktemp("lab")).running() as lab:
        yield lab


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and lab is not None:
        SCREENSHOTS.mkdir(exist_ok=True)
        pages = [page for context in lab.browser.contexts for page in context.pages]
        for i, page in enumerate(pages):
            page.screenshot(path=SCREENSHOTS / f"{item.name}_{i}.png")
    return report
