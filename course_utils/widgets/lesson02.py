"""Lesson 2's widgets: the one-dimensional minimax game, and the game x * y."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import nn

from course_utils import data, evaluation, losses, models, training
from course_utils.figures import style

from .canvas import Canvas
from .controls import dropdown, slider
from .explorer import Explorer

# --- The minimax game ----------------------------------------------------------------

BATCH = 128
P_DATA = data.two_gaussians()
GRID = torch.linspace(-6, 6, 301, dtype=torch.float64)  # exp(-100) is 0 in float32
DX = 0.04
LIMIT = 3.4  # the pictures go from -LIMIT to LIMIT
BANDWIDTH = 0.1  # a quarter of the width of one peak of the data
LOWEST_VALUE = -math.log(4)  # V where p_g = p_data and D is the best one
FEWEST_STEPS = 1000  # the first width of the picture of V
PlayerStep = Callable[..., Any]
# The 420 latents that cut N(0, 1) into shares of equal weight, (420, 1) ...
Z = torch.special.ndtri((torch.arange(420) + 0.5) / 420)[:, None]
SHOWN = slice(10, None, 21)  # ... and those that have a line drawn from z to x


@torch.no_grad()
def measure(G: nn.Module, D: nn.Module) -> SimpleNamespace:
    """G(Z), (420,); p_g, D and D* on GRID, (301,); V and what the best D would have.

    V is the integral of p_data log D + p_g log(1 - D) over GRID, with p_g estimated
    from G(Z); D* and 2 JSD - log 4 use the same densities, so V is never above the
    latter. G maps (n, 1) to (n, 1), D to (n,) logits.
    """
    x_fake, logits = G(Z).flatten().double(), D(GRID[:, None].float()).double()
    p_data = P_DATA.density(GRID[:, None])
    p_g = evaluation.smoothed_density(x_fake, GRID, BANDWIDTH)
    gain = p_data * F.logsigmoid(logits) + p_g * F.logsigmoid(-logits)
    divergence = losses.jensen_shannon(p_data, p_g, DX).item()
    return SimpleNamespace(
        x_fake=x_fake, p_g=p_g, d=torch.sigmoid(logits),
        d_best=losses.optimal_discriminator(p_data, p_g),
        value=gain.sum().item() * DX, best_value=2 * divergence + LOWEST_VALUE,
    )  # fmt: skip


class Game:
    """Two untrained players with one latent number, and how V goes from there."""

    def __init__(self, seed: int) -> None:
        self.seed, self.draws = seed, data.rng(seed)
        self.G = models.mlp_generator(1, 1, generator=self.draws)
        self.D = models.mlp_discriminator(1, generator=self.draws)
        self.steps = 0  # of D and of G, counted together
        self.history: list[tuple] = []  # (steps, V, V of the best D)
        self.record()

    def train(self, name: str, times: int, lr: float, step: PlayerStep) -> None:
        """Steps of one player, "G" or "D", each on new latents, D's on new data too."""
        optimizer = torch.optim.SGD(getattr(self, name).parameters(), lr)
        for _ in range(times):
            x_real = [P_DATA.sample(BATCH, self.draws)] if name == "D" else []
            z = data.latent(BATCH, 1, self.draws)
            step(self.G, self.D, optimizer, *x_real, z)
        self.steps += times

    def record(self) -> None:
        """Write V down; a ValueError where a weight has come to infinity or NaN."""
        for name in ("G", "D"):
            if not all(p.isfinite().all() for p in getattr(self, name).parameters()):
                raise ValueError(
                    f"a weight of {name} is no longer a number; press Reset and try a "
                    "smaller learning rate"
                )
        self.now = measure(self.G, self.D)
        self.history.append((self.steps, self.now.value, self.now.best_value))


def minimax_game(
    discriminator_step: PlayerStep = training.discriminator_step,
    generator_step: PlayerStep = training.generator_step,
) -> Explorer:
    """G bends N(0, 1) into two peaks while D looks on; play it, or move one player.

    Args:
        discriminator_step: (G, D, optimizer_d, x_real, z), changes D in place.
        generator_step: (G, D, optimizer_g, z), changes G in place.

    Source: Goodfellow et al. 2014, Algorithm 1; the picture is like their figure 1.
    """
    picture, game = _GamePicture(), Game(0)

    def both(*, k: int, rounds: int, lr_d: float, lr_g: float, **_: Any) -> None:
        for _ in range(rounds):
            game.train("D", k, lr_d, discriminator_step)
            game.train("G", 1, lr_g, generator_step)
        game.record()

    def only_d(*, rounds: int, lr_d: float, **_: Any) -> None:
        game.train("D", rounds, lr_d, discriminator_step)
        game.record()

    def only_g(*, rounds: int, lr_g: float, **_: Any) -> None:
        game.train("G", rounds, lr_g, generator_step)
        game.record()

    def reset(*, seed: int, **_: Any) -> None:
        nonlocal game
        game = Game(seed)

    def frame(*, seed: int, **_: Any) -> bytes:
        if seed != game.seed:
            reset(seed=seed)
        return picture.draw(game)

    controls = {
        "k": slider(0, 5, 1, label="k, steps of D a round (0: D waits)"),
        "rounds": slider(1, 10, 5, label="rounds a picture, steps a click"),
        "lr_d": slider(0.01, 0.5, 0.1, log=True, label="D's learning rate"),
        "lr_g": slider(0.01, 0.5, 0.1, log=True, label="G's learning rate"),
        "seed": slider(0, 9, 0),
    }
    return Explorer(
        frame, controls, alt=lambda **_: _describe_game(game), play=both, fps=12,
        actions={"Step D": only_d, "Step G": only_g, "Reset": reset},
    )  # fmt: skip


class _GamePicture:
    """Densities and D above the map from z to x; V beside them."""

    def __init__(self) -> None:
        ratios = {"width_ratios": [1.7, 1], "height_ratios": [2.6, 1]}
        self.fig, grid = style.new_figure(2, rows=2, height=4.4, **ratios)
        (upper, unused), (lower, unused_too) = grid
        unused.remove()
        unused_too.remove()
        self.beside = self.fig.add_subplot(upper.get_gridspec()[:, 1])
        self.curves, self.title = _density_panel(upper)
        self.lines, self.marks = _map_panel(lower)
        self.value, self.best = _value_panel(self.beside)
        self._widen(FEWEST_STEPS)

    def draw(self, game: Game) -> bytes:
        now = game.now
        for curve, y in zip(self.curves, (now.p_g, now.d, now.d_best), strict=True):
            curve.set_ydata(y)
        pairs = zip(Z[SHOWN, 0].tolist(), now.x_fake[SHOWN].tolist(), strict=True)
        self.lines.set_segments([[(z, 0), (x, 1)] for z, x in pairs])
        self.marks.set_xdata(now.x_fake[SHOWN])
        steps, value, best = np.array(game.history).T
        self.value.set_data(steps, value)
        self.best.set_data(steps, best)
        self.title.set_text(f"After {game.steps} steps: V = {now.value:.2f} nats")
        doublings = math.ceil(math.log2(max(1, game.steps / FEWEST_STEPS)))
        if FEWEST_STEPS * 2**doublings != self.width:
            self._widen(FEWEST_STEPS * 2**doublings)
        return self.canvas.png()

    def _widen(self, width: int) -> None:
        """New axes for V, and the background drawn anew, which is slow and rare."""
        self.width = width
        self.beside.set_xlim(0, width)
        moving = [self.lines, self.marks, *self.curves, self.title]
        self.canvas = Canvas(self.fig, moving=[*moving, self.best, self.value])


# Of D and of the best D, and of their V.
LOOK_OF_D = {"color": style.DISCRIMINATOR, "lw": 1.4}
LOOK_OF_BEST = {"color": style.CAPTION, "ls": ":", "lw": 1.8}


def _density_panel(axes: Axes) -> tuple[list[Any], Any]:
    p_data = P_DATA.density(GRID[:, None])
    axes.plot(GRID, p_data, color=style.DATA, lw=2, label="p_data")
    look_of_g = {"color": style.GENERATED, "ls": "--", "lw": 2}
    looks = {"p_g": look_of_g, "D": LOOK_OF_D, "D*": LOOK_OF_BEST}
    nothing = torch.zeros_like(GRID)
    curves = [axes.plot(GRID, nothing, label=k, **look)[0] for k, look in looks.items()]
    axes.set(xlim=(-LIMIT, LIMIT), ylim=(0, 1.1), yticks=[0, 0.5, 1])
    axes.set_ylabel("density; probability")
    axes.legend(ncols=4, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9.5,
                handlelength=1.8, columnspacing=1.2, borderaxespad=0)  # fmt: skip
    return curves, axes.set_title(" ", pad=24)  # above the legend


def _map_panel(axes: Axes) -> tuple[Any, Any]:
    """z below, x above, a line from each z to its G(z); lines carry equal weight."""
    z = Z[SHOWN].flatten()
    look = {"colors": style.GENERATED, "linewidths": 0.8, "alpha": 0.7}
    lines = axes.add_collection(LineCollection([], **look))
    axes.plot(z, torch.zeros_like(z), "|", color=style.DISCRIMINATOR, ms=7)
    (marks,) = axes.plot(z, torch.ones_like(z), "^", color=style.GENERATED, ms=4)
    axes.set(xlim=(-LIMIT, LIMIT), ylim=(-0.15, 1.2))
    axes.set_yticks([0, 1], ["z", "x = G(z)"])
    axes.set_xlabel("place on the line (z below, x above)")
    return lines, marks


def _level(axes: Axes, height: float, text: str) -> None:
    """A reference line, its name below the right end, where curves come last."""
    look = style.AT_THE_RIGHT | {"offset": (-2, -3), "va": "top"}
    style.reference_line(axes, height, text, **look)


def _value_panel(axes: Axes) -> tuple[Any, Any]:
    _level(axes, LOWEST_VALUE, "-log 4")
    (value,) = axes.plot([], [], label="V(D, G)", **LOOK_OF_D)
    (best,) = axes.plot([], [], label="V(D*, G)", **LOOK_OF_BEST)
    axes.set(ylim=(-2.2, 0.1), ylabel="V (nats)", xlabel="steps of D and G")
    axes.set_title("D pushes up, G down")
    axes.legend(loc="upper right", fontsize=9.5, handlelength=1.8)
    return value, best


def _describe_game(game: Game) -> str:
    now = game.now
    near = [(now.x_fake - c).abs() < 1.2 for c in P_DATA.centers.flatten()]
    left, right = (100 * share.double().mean().item() for share in near)
    return (
        f"After {game.steps} steps V is {now.value:.2f} nats, the best D would have "
        f"{now.best_value:.2f}, and a perfect G would leave it {LOWEST_VALUE:.2f}. Of "
        f"G's samples {left:.0f}% lie near the data's left peak, {right:.0f}% near "
        "the right one."
    )


# --- The game x * y ------------------------------------------------------------------

START = (1.0, 0.0)
REACH = 3.0  # the picture goes from -REACH to REACH
FAR = 1000.0  # where a path is no longer drawn
MOST_STEPS = 100
ScalarStep = Callable[[float, float, float], tuple[float, float]]


def path(step: ScalarStep, lr: float, n: int) -> np.ndarray:
    """START and where n steps lead from it: (n + 1, 2).

    >>> path(training.simultaneous_step, 1.0, 2).tolist()
    [[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]]
    """
    points = [START]
    for _ in range(n):
        points.append(step(*points[-1], lr))
    return np.array(points)


def spiral(lr: float, n: int) -> np.ndarray:
    """The curve that n simultaneous steps of size lr lie on: (m, 2) points.

    Each step turns by atan(lr) and makes the radius sqrt(1 + lr^2) times as long.
    """
    t = np.linspace(0, n, 40 * n + 1)
    radius, angle = (1 + lr**2) ** (t / 2), t * math.atan(lr)
    return (radius * [np.cos(angle), np.sin(angle)]).T


def conserved(lr: float) -> np.ndarray:
    """The curve x^2 + y^2 - lr x y = 1 through START, for alternating steps.

    Along the diagonals u = (x + y) / sqrt 2, v = (y - x) / sqrt 2 it reads
    (1 - lr / 2) u^2 + (1 + lr / 2) v^2 = 1: an ellipse for lr < 2, two lines for
    lr = 2, a hyperbola above. (m, 2) points; a row of NaN parts the two halves.
    """
    slim, wide = 1 - lr / 2, 1 + lr / 2
    reach = math.sqrt(1 / slim) if slim > 0 else 4 * REACH
    u = min(reach, 4 * REACH) * np.sin(np.linspace(-np.pi / 2, np.pi / 2, 400))
    v = np.sqrt(np.clip(1 - slim * u**2, 0, None) / wide)
    u, v = np.r_[u, np.nan, u[::-1]], np.r_[v, np.nan, -v[::-1]]
    return np.stack([u - v, u + v], axis=1) / math.sqrt(2)


def spinning_game() -> Explorer:
    """The game x * y: step size, kind of step, number of steps -> the path.

    Source: Goodfellow 2016, section 7.2; Mescheder et al. 2018.
    """
    kinds = "simultaneous", "alternating"
    methods = {kind: getattr(training, f"{kind}_step") for kind in kinds}
    fig, (plane, beside) = style.new_figure(2, height=3.7)
    theory, trail, now, title = _plane_panel(plane)
    _level(beside, 1.0, "at the start")
    (radius,) = beside.plot([], [], "-o", color=style.NOTICE, lw=1.2, ms=3)
    beside.set(xlim=(0, MOST_STEPS), yscale="log", ylim=(0.3, 100))
    beside.set(xlabel="step", ylabel="distance from the equilibrium")
    canvas = Canvas(fig, moving=[theory, trail, now, title, radius])

    def frame(method: str, lr: float, steps: int) -> bytes:
        points = path(methods[method], lr, steps)
        r = np.hypot(*points.T)
        drawn = points[: np.argmax(r > FAR) if (r > FAR).any() else None]
        curve = conserved(lr) if method == "alternating" else spiral(lr, steps)
        theory.set_data(*curve[~(np.hypot(*curve.T) > FAR)].T)
        trail.set_data(*drawn.T)
        now.set_data(*points[-1:].T)
        radius.set_data(range(len(r)), r)
        title.set_text(describe_path(points))
        return canvas.png()

    def alt(method: str, lr: float, steps: int) -> str:
        told = describe_path(path(methods[method], lr, steps)).replace("\n", ", ")
        return f"The game x * y, {steps} {method} steps of size {lr:.2f}: {told}."

    controls = {
        "method": dropdown(list(methods), label="kind of step"),
        "lr": slider(0.05, 2.2, 0.2, step=0.05, label="step size"),
        "steps": slider(0, MOST_STEPS, 30),
    }
    return Explorer(frame, controls, alt=alt, play="steps", fps=12)


def describe_path(points: np.ndarray) -> str:
    """The radius at the start and now, and whether the path left the picture."""
    r = np.hypot(*points.T)
    now = f"{r[-1]:.2f}" if r[-1] < 1000 else f"{r[-1]:.1e}"
    text = f"radius {r[0]:.2f} at the start, {now} now"
    outside = np.abs(points).max(1) > REACH
    if outside.any():
        text += f"\nleft the picture at step {outside.argmax()}"
    return text


def _plane_panel(axes: Axes) -> tuple[Any, ...]:
    x, y = np.meshgrid(*2 * [np.linspace(-REACH, REACH, 13)])
    axes.quiver(x, y, -y, x, color=style.REFERENCE, width=0.004, scale=60)
    axes.plot(0, 0, "+", color=style.DISCRIMINATOR, ms=10)
    (theory,) = axes.plot([], [], color=style.CAPTION, ls=":", lw=1.6)
    (trail,) = axes.plot([], [], "-o", color=style.NOTICE, lw=1.2, ms=3)
    (now,) = axes.plot([], [], "D", color=style.NOTICE, ms=8)
    axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
    axes.set(xlabel="x, which minimizes x y", ylabel="y, which maximizes x y")
    return theory, trail, now, axes.set_title(" \n ")
