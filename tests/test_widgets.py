"""Explorers without a browser: what a control does to the picture, in the kernel."""

import asyncio
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from course_utils.authoring import browser
from course_utils.figures import style
from course_utils.widgets import Canvas, Explorer, Player, checkbox, dropdown, slider
from course_utils.widgets import explorer as machinery


def bars(*heights):
    """A small PNG whose bytes tell the numbers apart."""
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[0, : len(heights), 0] = heights
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def counter(**options):
    """A Player whose state is a number, changed by `speed` a picture."""
    return Player(
        start=lambda controls: controls.first,
        advance=lambda state, controls: state + controls.speed,
        frame=lambda state, controls: bars(state % 256),
        controls={"first": slider(0, 9, 0), "speed": slider(-5, 5, 1)},
        alt="A number that grows.",
        **{"fps": 200, "restart": ["first"]} | options,
    )


async def until(condition):
    """Give the loop away until the condition holds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


# --- Canvas -------------------------------------------------------------------------


def line_figure():
    fig, axes = style.new_figure(width=3, height=2)
    (line,) = axes.plot([0, 1], [0, 1])
    return fig, line


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_a_canvas_draws_at_a_hundred_pixels_per_inch():
    fig, _ = line_figure()
    assert pixels(Canvas(fig).png()).shape == (200, 300, 3)


@pytest.mark.parametrize("name_it", [True, False])
def test_a_canvas_shows_what_moved_and_removes_where_it_was(name_it):
    fig, line = line_figure()
    canvas = Canvas(fig, moving=[line] if name_it else ())
    before = canvas.png()
    line.set_ydata([1, 0])
    assert canvas.png() != before
    line.set_ydata([0, 1])
    assert canvas.png() == before


def test_naming_the_moving_artists_changes_no_visible_pixel():
    fig, _ = line_figure()
    whole = pixels(Canvas(fig).png())
    fig, line = line_figure()
    assert abs(pixels(Canvas(fig, moving=[line]).png()) - whole).max() <= 1


# --- Controls -----------------------------------------------------------------------


def test_a_slider_between_whole_numbers_takes_whole_numbers():
    assert isinstance(slider(0, 9, 3).value, int)
    assert isinstance(slider(0, 9.0, 3).value, float)


@pytest.mark.parametrize(
    "ends, step, decimals", [((0.0, 1.0), None, 2), ((0, 50.0), None, 1),
                             ((0.0, 1.0), 0.25, 1), ((0.0, 0.01), None, 4)],
)  # fmt: skip
def test_a_slider_shows_as_many_decimals_as_its_step_needs(ends, step, decimals):
    assert slider(*ends, ends[0], step=step).readout_format == f".{decimals}f"


def test_a_logarithmic_slider_starts_at_its_value():
    rate = slider(1e-4, 1e-1, 1e-2, log=True)
    assert rate.value == 1e-2
    assert (rate.min, rate.max) == pytest.approx((-4, -1))


@pytest.mark.parametrize("numbers", [(1, 0, 0), (0, 1, 2), (2, 2, 2)])
def test_a_slider_names_impossible_numbers(numbers):
    with pytest.raises(ValueError, match="wanted low < high and value between"):
        slider(*numbers)
    with pytest.raises(ValueError, match="wanted 0 < low < high"):
        slider(0, 1, 0.5, log=True)


def test_a_dropdown_starts_at_its_first_option():
    assert dropdown(["a", "b"]).value == "a"
    assert dropdown([("one", 1), ("two", 2)]).value == 1
    assert dropdown([("one", 1), ("two", 2)], 2).value == 2


# --- Explorer -----------------------------------------------------------------------


def test_a_control_that_moves_redraws_the_picture_from_all_values():
    controls = {"low": slider(0, 9, 1), "high": slider(0, 9, 2), "on": checkbox()}
    explorer = Explorer(
        lambda low, high, on: bars(low, high, on), controls, alt="Bars."
    )
    assert explorer.image.value == bars(1, 2, 0)
    explorer.controls["high"].value = 7
    assert explorer.image.value == bars(1, 7, 0)
    explorer.controls["on"].value = True
    assert explorer.image.value == bars(1, 7, 1)


def test_a_control_without_a_label_takes_its_name():
    controls = {"learning_rate": slider(0, 9, 1), "k": slider(0, 9, 1, label="steps")}
    explorer = Explorer(lambda **values: bars(), controls, alt="Bars.")
    labels = [control.description for control in explorer.controls.values()]
    assert labels == ["learning rate", "steps"]


def test_the_image_is_as_wide_as_its_png():
    explorer = Explorer(lambda n: bars(n), {"n": slider(0, 9, 1)}, alt="Bars.")
    assert explorer.image.layout.width == "8px"


def test_an_error_in_a_frame_is_told_and_the_next_picture_takes_it_away():
    def frame(n):
        if n == 5:
            raise ValueError("five is <b>too many</b>")
        return bars(n)

    explorer = Explorer(frame, {"n": slider(0, 9, 1)}, alt="Bars.")
    explorer.controls["n"].value = 5
    told = "No picture at n = 5: ValueError: five is &lt;b&gt;too many&lt;/b&gt;"
    assert told in explorer.message.value
    assert explorer.image.value == bars(1)
    explorer.controls["n"].value = 6
    assert "alert" not in explorer.message.value
    assert explorer.image.value == bars(6)


def at_once(*actions):
    """Do them in threads that set out together; what one raises is raised here."""
    start = threading.Barrier(len(actions))
    with ThreadPoolExecutor() as threads:
        begun = [threads.submit(lambda a=a: (start.wait(), a())) for a in actions]
        for future in begun:
            future.result(30)


def test_controls_answered_in_two_threads_draw_one_after_the_other():
    inside = []

    def frame(a, b):
        inside.append(0)
        time.sleep(0.01)
        if len(inside) > 1:
            raise RuntimeError("two at a time")
        inside.pop()
        return bars(a, b)

    explorer = Explorer(frame, {"a": slider(0, 9, 0), "b": slider(0, 9, 0)}, alt="Two.")

    def move(name):
        for value in range(1, 10):
            explorer.controls[name].value = value

    at_once(lambda: move("a"), lambda: move("b"))
    assert explorer.image.value == bars(9, 9)
    assert "alert" not in explorer.message.value


def test_figures_are_drawn_by_one_thread_at_a_time(monkeypatch):
    fig, _ = line_figure()
    canvas, other, busy = Canvas(fig), line_figure()[0], threading.Lock()
    real = type(fig).draw

    def draw(figure, renderer):
        assert busy.acquire(blocking=False), "two at a time"
        time.sleep(0.01)
        real(figure, renderer)
        busy.release()

    monkeypatch.setattr(type(fig), "draw", draw)
    at_once(canvas.png, lambda: style.png(other), lambda: Canvas(line_figure()[0]))


def test_an_error_at_the_default_setting_is_raised_to_the_author():
    with pytest.raises(ZeroDivisionError):
        Explorer(lambda n: bars(1 // n), {"n": slider(0, 9, 0)}, alt="Bars.")


def test_alt_text_follows_the_controls_and_may_not_be_empty():
    explorer = Explorer(
        lambda n: bars(n), {"n": slider(0, 9, 1)}, alt=lambda n: f"{n} bars."
    )
    explorer.controls["n"].value = 4
    assert "4 bars." in explorer.message.value
    with pytest.raises(ValueError, match="alt text"):
        Explorer(lambda n: bars(n), {"n": slider(0, 9, 1)}, alt=" ")


def test_a_cell_gets_the_still_a_caption_and_the_live_view(monkeypatch):
    shown = []
    monkeypatch.setattr(
        machinery, "display", lambda data, **kw: shown.append(data | kw)
    )
    explorer = Explorer(lambda n: bars(n), {"n": slider(0, 9, 1)}, alt="Bars & more.")
    explorer.controls["n"].value = 5  # the still keeps the default setting
    explorer._ipython_display_()
    still, caption, live = shown
    assert still["image/png"] == bars(1)
    assert still["metadata"]["image/png"]["alt"] == "Bars & more."
    assert "Bars &amp; more. Run the cell to change it: n." in caption["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in live
    texts = [data["text/plain"] for data in shown]
    assert texts == ["figure: Bars & more.", repr(explorer), ""]  # nothing that varies


def test_a_replay_goes_to_its_end_and_plays_again_from_the_start():
    seen = []

    def frame(step):
        seen.append(step)
        return bars(step)

    replay = Explorer(
        frame, {"step": slider(0, 3, 1)}, alt="Bars.", play="step", fps=200
    )

    async def watch():
        for _ in range(2):
            replay.play()
            await until(lambda: not replay.playing)

    asyncio.run(watch())
    assert seen == [1, 2, 3, 0, 1, 2, 3]


# --- Player -------------------------------------------------------------------------


def test_a_player_moves_on_while_the_loop_is_free_and_stops_at_pause():
    player = counter()

    async def watch():
        player.play()
        assert player._play_button.description == "Pause"
        await until(lambda: player.state >= 3)
        player.pause()
        paused = player.state
        await asyncio.sleep(0.05)
        assert player.state == paused
        assert player.image.value == bars(paused)

    asyncio.run(watch())
    assert player._play_button.description == "Play"


def test_a_player_reads_its_sliders_while_it_plays():
    player = counter()

    async def watch():
        player.play()
        await until(lambda: player.state >= 2)
        player.controls["speed"].value = -5
        await until(lambda: player.state < 0)
        player.pause()

    asyncio.run(watch())


def test_step_moves_once_and_reset_goes_back():
    player = counter()
    player.step()
    player.step()
    assert (player.state, player.image.value) == (2, bars(2))
    player.reset()
    assert (player.state, player.image.value) == (0, bars(0))


def test_each_action_has_a_button_that_does_it_once():
    halve = {"Halve": lambda state, controls: state // 2}
    player = counter(actions=halve)
    player.state = 8
    row = player.children[0].children
    assert [button.description for button in row] == ["Play", "Halve", "Reset"]
    row[1].click()
    assert (player.state, player.image.value) == (4, bars(4))


def test_a_control_that_restarts_starts_with_its_new_value():
    player = counter()
    player.step()
    player.controls["speed"].value = 2
    assert player.state == 1
    player.controls["first"].value = 7
    assert (player.state, player.image.value) == (7, bars(7))


def test_a_player_is_paused_from_another_thread():
    async def watch():
        player = counter()
        player.play()
        await until(lambda: player.state > 3)
        await asyncio.to_thread(player.pause)
        paused = player.state
        await asyncio.sleep(0.05)
        assert (player.state, player.playing) == (paused, False)
        player.play()
        await until(lambda: player.state > paused + 3)
        player.pause()

    asyncio.run(watch())


def test_an_error_while_playing_is_told_and_pauses():
    def fail(state, controls):
        raise FloatingPointError("the weights are NaN")

    player = counter()
    player._advance = fail

    async def watch():
        player.play()
        await until(lambda: not player.playing)

    asyncio.run(watch())
    assert "FloatingPointError: the weights are NaN" in player.message.value


def test_one_player_plays_at_a_time():
    first, second = counter(), counter()

    async def watch():
        first.play()
        second.play()
        assert (first.playing, second.playing) == (False, True)
        counter()  # as when a cell is run again
        assert not second.playing

    asyncio.run(watch())


def test_a_forgotten_player_pauses_by_itself(monkeypatch):
    monkeypatch.setattr(machinery, "MOST_PICTURES", 3)
    player = counter()

    async def watch():
        player.play()
        await until(lambda: not player.playing)

    asyncio.run(watch())
    assert player.state == 3


# --- Which cells of a lesson a browser needs ----------------------------------------


def test_widget_cells_bring_their_setup_and_the_cells_whose_names_they_use():
    def cell(name, source, *tags):
        return new_code_cell(source, id=name, metadata={"tags": list(tags)})

    lesson = new_notebook(
        cells=[
            cell("setup", "import numpy as np", "setup"),
            cell("loads", "images = np.ones(3)"),
            cell("writes", "def mean(x):\n    return x.mean()", "exercise"),
            cell("uses", "average = mean(images)"),
            cell("plots", "np.sin(average)"),
            cell("widget", "explorer(average)", "widget"),
            cell("later", "images = None"),
        ]
    )
    cells = browser.widget_notebook(lesson).cells
    assert [c.id for c in cells] == ["setup", "loads", "writes", "uses", "widget"]
