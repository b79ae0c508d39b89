"""Explorers in JupyterLab as a learner meets them: seen, dragged, played, reopened."""

import pytest

from course_utils.authoring import notebooks
from tests.explorers import EXPLORERS, explorer_notebook

# One that is slow to draw, and cannot draw at the end of its slider.
SLOW = """
import time
from course_utils.widgets import Explorer, slider

drawn = []
pictures = [widgets.spinning_game().image.value, widgets.float_explorer().image.value]

def slow(rate):
    time.sleep(0.3)
    if rate == 9:
        raise ValueError("the rate is too high")
    drawn.append(rate)
    return pictures[len(drawn) % 2]

def told(rate):
    return f"Picture {len(drawn)}, rate {rate:.2f}."

Explorer(slow, {"rate": slider(0.0, 9.0, 0.0)}, alt=told)
"""
NAMES = [*EXPLORERS, "slow"]
WHOLE = "01_bayes_and_generative_models.ipynb"  # the shortest lesson with an explorer


@pytest.fixture(scope="module")
def page(lab):
    page = lab.open(explorer_notebook(SLOW), "explorers.ipynb")
    page.run_all()
    page.page.locator(".course-explorer").nth(len(NAMES) - 1).wait_for()
    return page


def named(page, name):
    return page.explorers()[NAMES.index(name)]


def press(explorer, text):
    explorer.box.get_by_role("button", name=text, exact=True).click()


def test_beside_a_kernel_each_explorer_shows_one_picture(lab, page):
    assert page.complaints() == []
    visible = page.page.locator(".jp-OutputArea img:visible")
    assert visible.count() == len(page.explorers()) == len(NAMES)


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_picture_follows_every_control_and_button(lab, page, name):
    explorer = named(page, name)
    for handle in explorer.sliders:
        before, value = explorer.settled(), handle.get_attribute("aria-valuenow")
        explorer.drag(handle)
        assert handle.get_attribute("aria-valuenow") != value
        if name != "minimax_game":  # its rates are for the next steps
            explorer.wait_for_change(before)
    for dropdown in explorer.dropdowns:
        before = explorer.settled()
        last = dropdown.locator("option").count() - 1
        dropdown.select_option(index=0 if dropdown.input_value() == str(last) else last)
        explorer.wait_for_change(before)
    for text in [button.inner_text() for button in explorer.buttons]:
        before = explorer.settled()
        press(explorer, text)
        explorer.wait_for_change(before)
        if text == "Play":  # a game goes on, a replay ends by itself
            if name == "minimax_game":
                press(explorer, "Pause")
            explorer.box.get_by_role("button", name="Play").wait_for()
    assert explorer.box.get_by_role("alert").all_inner_texts() == []


def test_arrow_keys_move_a_slider(lab, page):
    explorer = named(page, "floats")
    before = explorer.settled()
    explorer.sliders[0].focus()
    page.page.keyboard.press("ArrowRight")
    explorer.wait_for_change(before)


def test_a_slow_picture_skips_values_and_ends_at_the_last(lab, page):
    slow = named(page, "slow")
    before = slow.settled()
    slow.drag(slow.sliders[0])
    slow.wait_for_change(before)
    slow.settled(quiet=0.8)
    told = slow.box.get_by_role("status").inner_text()
    assert told.endswith(f"rate {slow.box.locator('.widget-readout').inner_text()}.")
    pictures = int(told.removeprefix("Picture ").partition(",")[0])
    assert pictures < 8  # one before the drag, which moves the mouse ten times


def test_an_error_is_told_under_the_picture_and_goes_away(lab, page):
    slow = named(page, "slow")
    slow.sliders[0].focus()
    page.page.keyboard.press("End")
    alert = slow.box.get_by_role("alert")
    alert.wait_for()
    assert "ValueError: the rate is too high" in alert.inner_text()
    page.page.keyboard.press("Home")
    alert.wait_for(state="detached")


def test_a_player_plays_is_answered_and_pauses_again_and_again(lab, page):
    player = named(page, "minimax_game")
    readout = player.box.locator(".widget-readout").last
    for _ in range(3):  # JupyterLab sends a button's later clicks to another thread
        before, number = player.settled(), readout.inner_text()
        press(player, "Play")
        player.wait_for_change(before)
        player.drag(player.sliders[-1])
        player.wait_for_change(player.picture())
        assert readout.inner_text() != number
        press(player, "Pause")
        player.box.get_by_role("button", name="Play").wait_for()
    assert "status: After" in player.box.aria_snapshot()


def test_a_whole_lesson_runs_and_reopened_without_its_kernel_shows_stills(lab):
    page = lab.open(notebooks.read(notebooks.ROOT / "lessons" / WHOLE), WHOLE)
    page.run_all()
    (explorer,) = page.explorers()
    before = explorer.settled()
    explorer.drag(explorer.sliders[0])
    explorer.wait_for_change(before)
    assert page.complaints() == []
    page.close()
    cells = notebooks.code_cells(notebooks.read(lab.notebooks / WHOLE))
    assert all(cell.execution_count for cell in cells)
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert "error" not in kinds
    reopened = lab.reopen(WHOLE).page
    error = reopened.get_by_text("Error displaying widget").first
    error.wait_for(state="attached")
    assert not error.is_visible()
    assert reopened.locator(".course-still:visible").count() == 1
