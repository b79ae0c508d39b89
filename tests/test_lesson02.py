"""Lesson 2: what its widgets compute and show, and the claims of its text."""

import doctest
import math

import numpy as np
import pytest
import torch

from course_utils import data, losses, training
from course_utils.widgets import lesson02 as widget
from course_utils.widgets import minimax_game, spinning_game

LOG4 = math.log(4)


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_examples_in_docstrings_are_true():
    result = doctest.testmod(widget)
    assert result.attempted and not result.failed


# --- The minimax game: what is computed -----------------------------------------------


def test_even_latents_are_a_standard_normal():
    z = widget.even_latents(2000)
    assert z.shape == (2000, 1)
    assert z.mean().abs() < 1e-4 and abs(z.std() - 1) < 5e-3


class Constant(torch.nn.Module):
    """A discriminator that has one answer."""

    def __init__(self, logit):
        super().__init__()
        self.logit = logit

    def forward(self, x):
        return torch.full((len(x),), self.logit)


def test_value_of_an_undecided_d_is_minus_log_4_whatever_g_does():
    view = widget.look(widget.new_game(0).G, Constant(0.0))
    assert view.value == pytest.approx(-LOG4, abs=1e-4)
    assert torch.all(view.d == 0.5)


def test_value_is_the_value_function_of_an_even_sample():
    game = widget.new_game(1)
    view = widget.look(game.G, game.D)
    with torch.no_grad():
        x_real = data.two_gaussians().sample(200_000, data.rng(0))
        answers = [torch.sigmoid(game.D(x)) for x in (x_real, game.G(widget.Z))]
    want = losses.value_function(*answers).item()
    assert view.value == pytest.approx(want, abs=5e-3)


def test_a_sure_d_leaves_the_value_a_number():
    view = widget.look(widget.new_game(0).G, Constant(1e4))
    assert view.value == pytest.approx(-1e4, rel=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_no_d_is_better_than_the_best_one_at_any_time_of_the_game(seed):
    game = widget.new_game(seed)
    for _ in range(20):
        widget.move_d(game, 10, 0.3, training.discriminator_step)
        widget.move_g(game, 10, 0.1, training.generator_step)
        widget.record(game)
    history = np.array(game.history)
    assert len(history) == 21
    assert np.all(history[:, 1] < history[:, 2] + 1e-6)
    assert np.all(history[:, 2] > -LOG4 - 1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_at_the_default_both_peaks_are_found_and_v_comes_to_minus_log_4(seed):
    game = widget.new_game(seed)
    for _ in range(1000):
        widget.move_d(game, 1, 0.1, training.discriminator_step)
        widget.move_g(game, 1, 0.1, training.generator_step)
    view = widget.look(game.G, game.D)
    assert abs(view.value + LOG4) < 0.05
    for center in (-1.5, 1.5):
        assert 0.3 < ((view.x_fake - center).abs() < 1.2).double().mean() < 0.7


# --- The minimax game: its buttons ----------------------------------------------------


def buttons(player):
    return {b.description: b for b in player.children[0].children}


def test_step_d_moves_d_alone_and_step_g_moves_g_alone():
    player = minimax_game()
    for name, moved, still in (("Step D", "D", "G"), ("Step G", "G", "D")):
        nets = {"G": player.state.G, "D": player.state.D}
        before = {key: weights(net) for key, net in nets.items()}
        buttons(player)[name].click()
        assert torch.equal(weights(nets[still]), before[still])
        assert not torch.equal(weights(nets[moved]), before[moved])
    assert player.state.steps == 2 * player.controls["rounds"].value


def test_with_k_0_d_waits():
    player = minimax_game()
    player.controls["k"].value = 0
    before = weights(player.state.D)
    player.step()
    assert torch.equal(weights(player.state.D), before)
    assert player.state.steps == 5


def test_the_steps_handed_in_drive_the_game_k_of_d_before_one_of_g():
    calls, rates = [], set()

    def step_d(G, D, optimizer_d, x_real, z):
        assert x_real.shape == z.shape == (128, 1)
        calls.append("D")
        rates.add(optimizer_d.param_groups[0]["lr"])

    def step_g(G, D, optimizer_g, z):
        assert z.shape == (128, 1)
        calls.append("G")
        rates.add(optimizer_g.param_groups[0]["lr"])

    player = minimax_game(step_d, step_g)
    player.controls["k"].value = 3
    player.controls["rounds"].value = 2
    player.controls["lr_d"].value, player.controls["lr_g"].value = 0.2, 0.05
    player.step()
    assert "".join(calls) == "DDDGDDDG"
    assert rates == {0.2, 0.05}
    assert player.state.steps == 8


def test_the_game_repeats_itself_from_its_seed():
    player = minimax_game()
    first = player.image.value
    player.step()
    moved = player.image.value
    player.reset()
    assert player.image.value == first != moved
    player.step()
    assert player.image.value == moved
    player.controls["seed"].value = 1
    assert player.state.steps == 0 and player.image.value != first


def test_the_picture_of_v_widens_when_the_game_goes_on():
    picture, game = widget._GamePicture(), widget.new_game(0)
    for steps, want in ((1000, 1000), (1001, 2000), (4001, 8000), (0, 1000)):
        game.steps = steps
        picture.draw(game)
        assert picture.beside.get_xlim() == (0, want)


def test_a_weight_that_is_no_number_is_said_under_the_old_picture():
    def explode(G, D, optimizer_g, z):
        with torch.no_grad():
            next(G.parameters()).fill_(math.nan)

    player = minimax_game(generator_step=explode)
    before = player.image.value
    player.step()
    assert "a weight of G is no longer a number" in player.message.value
    assert player.image.value == before
    player.reset()
    assert "After 0 steps" in player.message.value


def test_the_game_says_in_words_what_it_shows():
    player = minimax_game()
    assert repr(player).startswith("After 0 steps V is -1.39 nats")
    player.step()
    assert "After 10 steps" in player.message.value


def test_lines_from_z_to_x_end_where_g_sends_them():
    z = widget.Z[10::21].flatten()
    assert len(z) == 20 and torch.allclose(z, -z.flip(0), atol=1e-5)
    segments = widget._segments(2 * z)
    assert segments[3] == [(z[3].item(), 0), (2 * z[3].item(), 1)]


# --- The game x * y -------------------------------------------------------------------

SIZES = [0.05, 0.3, 1.0, 1.9, 2.0, 2.2]


@pytest.mark.parametrize("lr", SIZES)
def test_simultaneous_steps_lie_on_the_spiral(lr):
    points = widget.path(training.simultaneous_step, lr, 12)
    np.testing.assert_allclose(
        widget.spiral(lr, 12)[::40], points, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("lr", SIZES)
def test_alternating_steps_lie_on_the_curve_that_is_drawn(lr):
    def level(points):
        x, y = points.T
        return x**2 + y**2 - lr * x * y

    curve = widget.conserved(lr)
    curve = curve[~np.isnan(curve[:, 0])]
    np.testing.assert_allclose(level(curve), 1, atol=1e-6)
    points = widget.path(training.alternating_step, lr, 6)
    np.testing.assert_allclose(level(points), 1, atol=1e-6)
    for point in points[np.abs(points).max(1) < widget.REACH]:
        assert np.hypot(*(curve - point).T).min() < 0.1


@pytest.mark.parametrize("lr", SIZES)
def test_alternating_steps_stay_within_the_ellipse_exactly_below_step_size_2(lr):
    radius = np.hypot(*widget.path(training.alternating_step, lr, 200).T)
    if lr < 2:
        assert radius.max() <= math.sqrt(1 / (1 - lr / 2)) + 1e-9
    else:
        assert radius[-1] > 100


def test_the_verdict_tells_radii_and_the_step_that_left():
    points = np.array([[1.0, 0.0], [0.0, 2.0], [4.0, 0.0], [0.0, 1.5]])
    assert widget._verdict(points[:2]) == "radius 1.00 at the start, 2.00 now"
    assert widget._verdict(points) == (
        "radius 1.00 at the start, 1.50 now\nleft the picture at step 2"
    )


@pytest.mark.parametrize("method", ["simultaneous", "alternating"])
@pytest.mark.parametrize("lr", [0.05, 2.2])
def test_every_corner_of_the_spinning_game_has_a_picture(method, lr):
    explorer = spinning_game()
    before = explorer.image.value
    for name, value in (("method", method), ("lr", lr), ("steps", 100)):
        explorer.controls[name].value = value
    assert explorer.image.value != before
    assert 'role="status"' in explorer.message.value
    assert f"100 {method} steps of size {lr:.2f}" in explorer.message.value


def test_the_spinning_game_starts_with_no_step_taken():
    explorer = spinning_game()
    explorer.controls["steps"].value = 0
    assert "radius 1.00 at the start, 1.00 now" in explorer.message.value


def test_the_spinning_game_is_driven_by_the_steps_handed_in():
    explorer = spinning_game(simultaneous_step=lambda x, y, lr: (x, y))
    assert "radius 1.00 at the start, 1.00 now" in repr(explorer)
    assert "1.80 now" in repr(spinning_game())  # 1.04 ** 15
