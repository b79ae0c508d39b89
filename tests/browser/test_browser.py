"""Explorers in JupyterLab as a learner meets them: seen, dragged, played, reopened."""

import json
import re

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.authoring import browser, notebooks

SETUP = """
import numpy as np
from course_utils.figures import style
from course_utils.widgets import Canvas, Explorer, Player, checkbox, dropdown, slider

x = np.linspace(0, 3, 100)
fig, axes = style.new_figure()
(curve,) = axes.plot(x, np.exp(-x))
canvas = Canvas(fig, moving=[curve])

def frame(rate, kind="decay", double=False):
    if rate > 2.99:
        raise ValueError("the rate is too high")
    y = np.exp(-rate * x) if kind == "decay" else np.cos(rate * x)
    curve.set_ydata(y / 2 if double else y)
    return canvas.png()
"""
EXPLORER = """
controls = {"rate": slider(0.1, 3.0, 1.0), "kind": dropdown(["decay", "wave"])}
Explorer(frame, controls | {"double": checkbox()}, alt="A decay.")
"""
SLOW = """
import time
drawn = []

def slow(rate):
    time.sleep(0.3)
    drawn.append(rate)
    return frame(rate)

def told(rate):
    return f"Picture {len(drawn)}, rate {rate:.2f}."

Explorer(slow, {"rate": slider(0.1, 2.9, 0.1, step=0.01)}, alt=told)
"""
PLAYER = """
Player(
    start=lambda controls: controls.first, alt="A decay that quickens.",
    advance=lambda rate, controls: (rate + 0.01 * controls.speed) % 2.9,
    frame=lambda rate, controls: frame(rate), restart=["first"],
    controls={"first": slider(0.1, 1.0, 0.1), "speed": slider(1, 5, 1)},
)
"""
REPLAY = """
pictures = [frame(rate) for rate in np.linspace(0.1, 2, 12)]
steps = slider(0, 11, 0, label="training step")
Explorer(lambda step: pictures[step], {"step": steps}, play="step", alt="A replay.")
"""
LESSONS = [
    path
    for path in notebooks.find(notebooks.ROOT / "lessons")
    if any("widget" in notebooks.tags(cell) for cell in notebooks.read(path).cells)
]
WHOLE = "01"  # this lesson is run from top to bottom, the others' widget cells alone
# These lessons' widgets show trainings, which move under a hand however short they are.
SHORTER = """
from importlib import reload
from course_utils import games
reload(races)  # a cell may be run twice
race, pretrain = games.race, races.pretrain
games.pretrain = lambda *a, steps, **k: pretrain(*a, steps=steps // 10, **k)
games.race = lambda *a, steps, every, **k: race(*a, steps=steps // every, every=1, **k)
"""


@pytest.fixture(scope="module")
def page(lab):
    cells = [
        new_code_cell(source) for source in (SETUP, EXPLORER, PLAYER, REPLAY, SLOW)
    ]
    page = lab.open(new_notebook(cells=cells), "machinery.ipynb")
    page.run_all()
    page.page.locator(".course-explorer").nth(3).wait_for()
    yield page
    page.close()


@pytest.fixture
def explorer(lab, page):
    return page.explorers()[0]


@pytest.fixture
def player(lab, page):
    player = page.explorers()[1]
    yield player
    player.pause()


@pytest.fixture
def replay(lab, page):
    return page.explorers()[2]


def test_beside_a_kernel_each_explorer_shows_one_picture(lab, page):
    assert page.complaints() == []
    visible = page.page.locator(".jp-OutputArea img:visible")
    assert visible.count() == len(page.explorers()) == 4


def test_a_dragged_slider_changes_the_picture(explorer):
    before = explorer.settled()
    explorer.drag(explorer.sliders[0])
    assert explorer.changes(before)


def test_a_slow_picture_skips_values_and_ends_at_the_last(lab, page):
    slow = page.explorers()[3]
    before = slow.settled()
    slow.drag(slow.sliders[0])
    assert slow.changes(before)
    slow.settled(quiet=0.8)
    told = slow.box.get_by_role("status").inner_text()
    assert told.endswith(f"rate {slow.box.locator('.widget-readout').inner_text()}.")
    pictures = int(told.removeprefix("Picture ").partition(",")[0])
    assert pictures < 8  # one before the drag, which moves the mouse ten times


def test_arrow_keys_move_a_slider(explorer):
    before = explorer.settled()
    explorer.sliders[0].focus()
    explorer.box.page.keyboard.press("ArrowLeft")
    assert explorer.changes(before)


def test_a_dropdown_and_a_checkbox_change_the_picture(explorer):
    before = explorer.settled()
    explorer.dropdowns[0].select_option("wave")
    assert explorer.changes(before)
    before = explorer.settled()
    explorer.box.get_by_role("checkbox").click()
    assert explorer.changes(before)


def test_an_error_in_a_frame_is_told_under_the_picture_and_goes_away(explorer):
    explorer.sliders[0].focus()
    explorer.box.page.keyboard.press("End")
    alert = explorer.box.get_by_role("alert")
    alert.wait_for()
    assert "ValueError: the rate is too high" in alert.inner_text()
    explorer.box.page.keyboard.press("Home")
    alert.wait_for(state="detached")


def test_a_player_plays_and_pauses(player):
    for _ in range(3):  # JupyterLab sends a button's later clicks to another thread
        before = player.settled()
        player.button("Play").click()
        assert player.changes(before)
        player.button("Pause").click()
        assert player.settled() == player.settled()


def test_a_player_answers_its_sliders_while_it_plays(player):
    player.button("Play").click()
    first, readout = player.sliders[0], player.box.locator(".widget-readout").first
    before = readout.inner_text()
    player.drag(first)
    assert player.changes(player.picture())
    assert readout.inner_text() != before


def test_step_and_reset_draw_once(player):
    for text in ("Step", "Reset"):
        before = player.settled()
        player.button(text).click()
        assert player.changes(before)


def test_a_replay_runs_to_its_end_and_stops(replay):
    before = replay.settled()
    replay.button("Play").click()
    assert replay.changes(before)
    replay.button("Play").wait_for()  # the button said Pause in between
    assert replay.box.locator(".widget-readout").inner_text() == "11"


def test_what_a_screen_reader_says_names_buttons_and_pictures(lab, page):
    told = page.page.locator(".course-explorer").nth(1).aria_snapshot()
    for part in ('button "Play"', 'button "Reset"', "status: A decay that quickens."):
        assert part in told


def test_a_notebook_reopened_without_its_kernel_shows_stills_and_no_error(lab, page):
    page.save()
    page.close()
    page.page = lab.reopen("machinery.ipynb").page  # the last test that uses it
    error = page.page.get_by_text("Error displaying widget").first
    error.wait_for(state="attached")
    assert not error.is_visible()
    assert page.page.locator(".jp-RenderedImage img:visible").count() == 4
    assert page.page.locator(".course-still:visible").count() == 4


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_explorer_of_a_lesson_answers(lab, path):
    lesson, whole = notebooks.read(path), path.name.startswith(WHOLE)
    cells = lesson if whole else browser.widget_notebook(lesson)
    if path.name.startswith("04"):
        cells.cells.insert(0, new_code_cell(SHORTER))
    if path.name.startswith("07"):
        cells = shortly_trained(cells)
    wanted = sum("widget" in notebooks.tags(cell) for cell in cells.cells)
    page = lab.open(cells, path.name)
    page.run_all(seconds=400)
    page.page.locator(".course-explorer").nth(wanted - 1).wait_for()
    assert page.complaints() == []
    for explorer in page.explorers():
        use(explorer)
    if whole:
        page.save()
        assert unfinished(lab.notebooks / path.name) == []
    page.close()


def shortly_trained(notebook):
    """The same cells, trainings cut to 40 rounds: a hand moves them all the same."""
    for cell in notebook.cells:
        cell.source = re.sub(r"\bsteps=\d{3,}", "steps=40", cell.source)
    return notebook


def use(explorer):
    """Move each control and press each button; the picture has to follow."""
    is_player = explorer.button("Reset").count() == 1
    for handle in explorer.sliders:
        before, value = explorer.settled(), handle.get_attribute("aria-valuenow")
        explorer.drag(handle)
        assert is_player or explorer.changes(before), "a slider changed nothing"
        assert handle.get_attribute("aria-valuenow") != value
    for dropdown in explorer.dropdowns:
        before = explorer.settled()
        last = dropdown.locator("option").count() - 1
        dropdown.select_option(index=0 if dropdown.input_value() == str(last) else last)
        assert is_player or explorer.changes(before), "a dropdown changed nothing"
    for text in [button.inner_text() for button in explorer.buttons]:
        before = explorer.settled()
        explorer.button(text).click()
        assert explorer.changes(before), f"the button {text!r} changed nothing"
        explorer.pause()
    assert explorer.box.get_by_role("alert").all_inner_texts() == []


def unfinished(path):
    """Ids of a saved notebook's code cells that were not run or ended in an error."""
    return [
        cell["id"]
        for cell in json.loads(path.read_text())["cells"]
        if cell["cell_type"] == "code"
        and (
            cell["execution_count"] is None
            or any(output["output_type"] == "error" for output in cell["outputs"])
        )
    ]
