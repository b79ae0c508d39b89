"""Explorers without a browser: what a control does, and the numbers they show."""

import asyncio
import io
import math
import threading
import time
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import data, layers, losses, training, widgets
from course_utils.authoring import browser
from course_utils.figures import lesson05 as codes
from course_utils.widgets import (
    Canvas,
    Explorer,
    dropdown,
    lesson02,
    lesson04,
    lesson05,
    lesson06,
    slider,
)
from course_utils.widgets import explorer as machinery
from tests.explorers import EXPLORERS, make_explorers

LOG4 = math.log(4)


@pytest.fixture(scope="module")
def explorers():
    return make_explorers()


def bars(*heights):
    """A small PNG whose bytes tell the numbers apart."""
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[0, : len(heights), 0] = heights
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


class Counter(Explorer):
    """Its state is a number, changed by `speed` a picture."""

    def __init__(self):
        self.state = 0
        controls = {"speed": slider(-5, 5, 1)}
        actions = {"Halve": lambda **_: self.set(self.state // 2)}
        super().__init__(
            lambda **_: bars(self.state % 256), controls, alt="A number that grows.",
            play=self.advance, actions=actions, fps=200,
        )  # fmt: skip

    def set(self, state):
        self.state = state

    def advance(self, speed):
        self.set(self.state + speed)


async def until(condition):
    """Give the loop away until the condition holds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


# --- Explorers of the lessons ---------------------------------------------------------


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_control_changes_the_picture_up_to_both_ends(explorers, name):
    explorer = explorers[name]
    for control in explorer.controls.values():
        if hasattr(control, "options"):
            values = control.options
        else:
            ends = control.min, control.max
            values = [10**e for e in ends] if hasattr(control, "base") else ends
        pictures = set()
        for value in values:
            control.value = value
            pictures.add(bytes(explorer.image.value))
            assert 'role="status"' in explorer.message.value
        later = name == "minimax_game" and control is not explorer.controls["seed"]
        assert (len(pictures) > 1) != later  # what is for later steps moves nothing


def test_each_explorer_says_what_it_shows(explorers):
    said = {name: repr(explorer) for name, explorer in explorers.items()}
    assert said["shrinkage"].startswith("Twenty-five drawings of the digit 3 at")
    assert said["minimax_game"].startswith("After 0 steps V is -1.39 nats")
    assert "radius 1.00 at the start, 1.80 now" in said["spinning_game"]  # 1.04 ** 15
    assert "slope is -1.001 in D and -0.001007 in the logit" in said["saturation"]
    assert "BCELoss 40, slope -4.248e-06" in said["floats"]
    assert "makes 11 of 5" in said["convolution"]
    assert said["dashboard"].startswith("After round 20.")
    assert "at place 0 of 20 along the straight line" in said["latent_walk"]
    assert "Run C at round 1000: D's loss 0.95" in said["curve_reader"]


def test_the_game_goes_on_from_its_buttons_and_repeats_itself():
    nets = {}

    def step_d(G, D, *rest):
        nets.update(G=G, D=D)
        training.discriminator_step(G, D, *rest)

    player = widgets.minimax_game(step_d)
    first = player.image.value
    player.controls["rounds"].value = 1
    player.buttons["Step D"].click()
    for name, moved, waits in (("Step D", "D", "G"), ("Step G", "G", "D")):
        before = {k: next(net.parameters()).clone() for k, net in nets.items()}
        player.buttons[name].click()
        assert not torch.equal(before[moved], next(nets[moved].parameters()))
        assert torch.equal(before[waits], next(nets[waits].parameters()))
    assert "After 3 steps" in player.message.value
    player.buttons["Reset"].click()
    assert player.image.value == first
    player.controls["seed"].value = 1
    assert "After 0 steps" in player.message.value and player.image.value != first


def test_the_steps_handed_in_drive_the_game_k_of_d_before_one_of_g():
    calls = []

    def step(name, G, D, optimizer, *samples):
        calls.append((name, optimizer.param_groups[0]["lr"]))

    player = widgets.minimax_game(partial(step, "D"), partial(step, "G"))
    for name, value in (("k", 3), ("rounds", 2), ("lr_d", 0.2), ("lr_g", 0.05)):
        player.controls[name].value = value
    assert player._advance()
    assert calls == 2 * [*3 * [("D", 0.2)], ("G", 0.05)]
    assert "After 8 steps" in player.message.value


def test_a_weight_that_is_no_number_is_told_under_the_old_picture():
    player = widgets.minimax_game(
        generator_step=lambda G, *_: next(G.parameters()).data.fill_(math.nan)
    )
    before = player.image.value
    player.buttons["Step G"].click()
    assert "a weight of G is no longer a number" in player.message.value
    assert player.image.value == before


def test_walks_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="walks of one length"):
        widgets.latent_walk(None, {"a": torch.zeros(3, 8), "b": torch.zeros(4, 8)})


# --- The numbers under them -----------------------------------------------------------


def test_v_of_the_game_is_the_value_function_and_never_above_the_best_ds():
    game = lesson02.Game(1)
    now = lesson02.measure(game.G, game.D)
    with torch.no_grad():
        x_real = lesson02.P_DATA.sample(200_000, data.rng(0))
        answers = [torch.sigmoid(game.D(x)) for x in (x_real, game.G(lesson02.Z))]
    assert now.value == pytest.approx(losses.value_function(*answers).item(), abs=5e-3)
    for _ in range(20):
        game.train("D", 10, 0.3, training.discriminator_step)
        game.train("G", 10, 0.1, training.generator_step)
        game.record()
    _, value, best = np.array(game.history).T
    assert np.all(value < best + 1e-6) and np.all(best > -LOG4 - 1e-3)
    undecided = lesson02.measure(game.G, lambda x: torch.zeros(len(x)))
    assert undecided.value == pytest.approx(-LOG4, abs=1e-4)


@pytest.mark.parametrize("lr", [0.05, 1.0, 1.9, 2.0, 2.2])
def test_both_kinds_of_step_lie_on_the_curve_that_is_drawn(lr):
    points = lesson02.path(training.simultaneous_step, lr, 12)
    np.testing.assert_allclose(lesson02.spiral(lr, 12)[::40], points, atol=1e-9)
    curve = lesson02.conserved(lr)
    points = lesson02.path(training.alternating_step, lr, 6)
    for x, y in (curve[~np.isnan(curve[:, 0])].T, points.T):
        np.testing.assert_allclose(x**2 + y**2 - lr * x * y, 1, atol=1e-6)
    for point in points[np.abs(points).max(1) < lesson02.REACH]:
        assert np.nanmin(np.hypot(*(curve - point).T)) < 0.1


def test_a_path_that_leaves_the_picture_is_told_so():
    points = np.array([[1.0, 0.0], [0.0, 2.0], [4.0, 0.0], [0.0, 1.5]])
    assert lesson02.describe_path(points) == (
        "radius 1.00 at the start, 1.50 now\nleft the picture at step 2"
    )


@pytest.mark.parametrize(
    ("distance", "word"), [([2.0, 1.0], "none"), ([2.0, 0.4], "some"), ([0.1], "all")]
)
def test_arrivals_are_told_in_words_that_machines_agree_on(distance, word):
    assert lesson04.arrivals(torch.tensor(distance)) == word


@pytest.mark.parametrize("logit", [-1e4, -30.0, 0.0, 2.0, 1e4])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_exact_cost_is_right_without_overflow(sign, logit):
    value, slope = lesson05.exact(torch.tensor([logit]), sign)
    x, e = sign * logit, math.exp(-abs(logit))
    assert value.item() == pytest.approx(max(x, 0) + math.log1p(e))
    assert slope.item() == pytest.approx(sign * (1 if x > 0 else e) / (1 + e))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_only_forms_on_logits_are_right_at_every_logit(dtype):
    logits = torch.linspace(-120, 120, 241).to(dtype)
    right = [
        {name for name, found in widgets.survey(costs, logits, sign).items()
         if (found == codes.RIGHT).all()}
        for costs, sign in widgets.SIDES.values()
    ]  # fmt: skip
    assert right[0] & right[1] == {"softplus", "BCE with logits"}


@pytest.mark.parametrize("size", [4, 7])
@pytest.mark.parametrize("kernel", [1, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_links_of_a_convolution_are_its_matrix(size, kernel, stride):
    for padding in (0, 1):
        found = widgets.conv_arithmetic("convolution", size, kernel, stride, padding)
        wide = layers.conv_matrix(torch.ones(kernel), size + 2 * padding, stride)
        M = wide[:, padding : padding + size]
        assert sorted(found.links) == sorted((j, i) for i, j in M.nonzero().tolist())
        assert found.counts == M.sum(dim=0).int().tolist()
    found = widgets.conv_arithmetic(lesson06.TRANSPOSED, size, kernel, stride, 0)
    assert found.counts == layers.overlap_count(size, kernel, stride).tolist()


def test_a_convolution_that_cannot_be_says_why():
    found = widgets.conv_arithmetic("convolution", 2, 6, 1, 0)
    assert found.n_out == 0 and "does not fit" in found.problem


# --- The machinery --------------------------------------------------------------------


@pytest.mark.parametrize("by_name", [True, False])
def test_a_canvas_shows_what_moved_and_removes_where_it_was(by_name):
    fig, axes = codes.style.new_figure(width=3, height=2)
    (line,) = axes.plot([0, 1], [0, 1])
    canvas = Canvas(fig, moving=[line] if by_name else ())
    before = canvas.png()
    line.set_ydata([1, 0])
    assert canvas.png() != before
    line.set_ydata([0, 1])
    assert canvas.png() == before


def test_sliders_and_dropdowns_show_their_values():
    assert isinstance(slider(0, 9, 3).value, int)
    assert slider(0, 9.0, 3).readout_format == ".2f"
    assert slider(0.0, 1.0, 0, step=0.25).readout_format == ".1f"
    rate = slider(1e-4, 1e-1, 1e-2, log=True)
    assert (rate.value, rate.min, rate.max) == pytest.approx((1e-2, -4, -1))
    assert (dropdown("ab").value, dropdown("ab", "b").value) == ("a", "b")
    with pytest.raises(ValueError, match="wanted low < high and value between"):
        slider(0, 1, 2)
    with pytest.raises(ValueError, match="wanted 0 < low < high"):
        slider(0, 1, 0.5, log=True)


def test_a_cell_gets_the_still_a_caption_and_the_live_view(monkeypatch):
    shown = []
    for module in (machinery, codes.style):
        monkeypatch.setattr(module, "display", lambda x, **kw: shown.append(x | kw))
    controls = {"n_bars": slider(0, 9, 1)}
    explorer = Explorer(lambda n_bars: bars(n_bars), controls, alt="Bars & more.")
    explorer.controls["n_bars"].value = 5  # the still keeps the default setting
    explorer._ipython_display_()
    still, caption, live = shown
    assert still["image/png"] == bars(1)
    assert still["metadata"]["image/png"]["alt"] == "Bars & more."
    text = "Bars & more. Run the cell to change it: n bars."
    assert text.replace("&", "&amp;") in caption["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in live
    texts = [x["text/plain"] for x in shown]
    assert texts == ["figure: Bars & more.", text, ""]  # nothing that varies
    with pytest.raises(ValueError, match="alt text"):
        Explorer(lambda: bars(), {}, alt=" ")


def test_an_error_in_a_frame_is_told_and_the_next_picture_takes_it_away():
    def frame(n):
        if n == 5:
            raise ValueError("five is <b>too many</b>")
        return bars(n)

    explorer = Explorer(frame, {"n": slider(0, 9, 1)}, alt="Bars.")
    explorer.controls["n"].value = 5
    told = "No picture at n = 5: ValueError: five is &lt;b&gt;too many&lt;/b&gt;"
    assert told in explorer.message.value and explorer.image.value == bars(1)
    explorer.controls["n"].value = 6
    assert "alert" not in explorer.message.value and explorer.image.value == bars(6)


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

    threads = [threading.Thread(target=move, args=name) for name in "ab"]
    for do in ("start", "join"):
        for thread in threads:
            getattr(thread, do)()
    assert explorer.image.value == bars(9, 9)
    assert "alert" not in explorer.message.value


def test_a_replay_goes_to_its_end_and_plays_again_from_the_start():
    seen = []
    replay = Explorer(
        lambda step: seen.append(step) or bars(step), {"step": slider(0, 3, 1)},
        alt="Bars.", play="step", fps=200,
    )  # fmt: skip

    async def watch():
        for _ in range(2):
            replay.play()
            await until(lambda: not replay.playing)

    asyncio.run(watch())
    assert seen == [1, 2, 3, 0, 1, 2, 3]


def test_a_simulation_reads_its_sliders_and_stops_at_pause_from_any_thread():
    player = Counter()

    async def watch():
        player.play()
        assert player.buttons["Play"].description == "Pause"
        await until(lambda: player.state >= 3)
        player.controls["speed"].value = -5
        await until(lambda: player.state < 0)
        await asyncio.to_thread(player.pause)
        paused = player.state
        await asyncio.sleep(0.05)
        assert (player.state, player.image.value) == (paused, bars(paused % 256))

    asyncio.run(watch())
    assert player.buttons["Play"].description == "Play"


def test_a_button_changes_the_state_once_and_a_control_does_not():
    player = Counter()
    player.state = 5
    player.buttons["Halve"].click()
    assert (player.state, player.image.value) == (2, bars(2))
    player.controls["speed"].value = 2
    assert player.state == 2


def test_one_plays_at_a_time_and_pauses_at_an_error_or_when_forgotten(monkeypatch):
    first, second = Counter(), Counter()
    monkeypatch.setattr(machinery, "MOST_PICTURES", 3)

    async def watch():
        first.play()
        second.play()
        assert (first.playing, second.playing) == (False, True)
        Counter()  # as when a cell is run again
        assert not second.playing
        second.play()
        await until(lambda: not second.playing)
        second.set = lambda state: 1 / 0
        second.play()
        await until(lambda: not second.playing)

    asyncio.run(watch())
    assert second.state == 3
    assert "ZeroDivisionError: division by zero" in second.message.value


# --- Where no browser can be driven ---------------------------------------------------


def test_a_browser_that_is_not_there_or_lacks_a_library_is_named(tmp_path):
    pytest.importorskip("playwright")
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho error while loading shared libraries: libx >&2")
    program.chmod(0o755)
    for path, said in (("/no/such/chromium", "/no/such"), (program, "libx")):
        with pytest.raises(browser.NoBrowser, match=said):
            with browser.chromium(str(path)):
                pass


def test_a_driver_that_exits_at_once_is_named(monkeypatch):
    pytest.importorskip("playwright")
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", "/bin/false")
    with pytest.raises(browser.NoBrowser, match="driver cannot start"):
        with browser.chromium():
            pass
