"""Lesson 2, games: D's step, G's step, the loop of both, and the game x * y."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import training

from . import observers, steps
from .engine import Exercise, Mistake, register
from .lesson02 import NO_EPSILON
from .wording import CHANGED, MOVED

log, sigmoid = torch.log, torch.sigmoid
BCE, BCE_LOGITS = F.binary_cross_entropy, F.binary_cross_entropy_with_logits
ones, zeros = torch.ones_like, torch.zeros_like


MOMENTUM = {"lr": 0.03, "momentum": 0.9}  # of an optimizer that remembers
LOSS = {"the returned loss": (2e-5, 2e-7)}  # sigmoid and log written out lose digits


def _tuned(
    net: Any, optimizer: torch.optim.Optimizer, group: dict[str, float], scale: float
) -> None:
    """Another step size; inputs `scale` times as large mean what they meant before."""
    optimizer.param_groups[0].update(group)
    with torch.no_grad():
        net[0].weight /= scale


def _untouched(
    seen: Iterator[tuple[str, Any]], *given: Tensor
) -> Iterator[tuple[str, Any]]:
    """Also whether batches, and the global random state, are left alone."""
    kept, state = [x.clone() for x in given], torch.get_rng_state()
    yield from seen
    unchanged = all(map(torch.equal, given, kept))
    yield "its inputs", "unchanged" if unchanged else CHANGED
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED


def _epsilons(step_with: Callable[[Any], Any], least: float, lowest: float) -> tuple:
    """Steps with another log: epsilons down to `least`, clamps down to `lowest`."""
    tiny = [10.0**-k for k in range(2, 13)]
    logs = [lambda p, e=e: log(p + e) for e in tiny if e > 0.9 * least]
    for e in tiny:
        if e > 0.9 * lowest:
            logs += [lambda p, e=e, top=top: log(p.clamp(e, top)) for top in (1 - e, 1)]
    return tuple(map(step_with, logs))


# ------------------------------------------------------------------ D's step


def _d_probe(
    n_real: int = 6,
    n_fake: int = 6,
    *,
    times: int = 1,
    group: dict[str, float] | None = None,
    scale: float = 1.0,
    **players: Any,
) -> Callable[[], tuple]:
    def make() -> tuple:
        G, D, _, optimizer_d = steps.players(**players)
        _tuned(D, optimizer_d, group or {}, scale)
        x_real = steps.batch(n_real, 3, 5, scale=scale)
        return G, D, optimizer_d, x_real, steps.batch(n_fake, 2, 6), times

    return make


def _watch_d(
    function: Any, G: Any, D: Any, optimizer_d: Any, x_real: Tensor, z: Tensor, n: int
) -> Iterator[tuple[str, Any]]:
    seen = steps.watch(
        lambda: function(G, D, optimizer_d, x_real, z),
        steps.Players(G, D, None, optimizer_d),
        times=n, moves="D", reached="cost: walks back through G",
    )  # fmt: skip
    return _untouched(seen, x_real, z)


def _d_loss(real: Tensor, fake: Tensor) -> Tensor:
    """From logits."""
    return -(log(sigmoid(real)).mean() + log(1 - sigmoid(fake)).mean())


def _on_probabilities(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss of probabilities as one of logits."""
    return lambda *logits: loss(*map(sigmoid, logits))


def _optimizer_of(*nets: Any) -> torch.optim.Optimizer:
    weights = [weight for net in nets for weight in net.parameters()]
    return torch.optim.SGD(weights, lr=steps.LEARNING_RATE)


def _with_its_step_size(step: Callable[..., Any]) -> Callable[..., Any]:
    """A new optimizer at each step, with the step size of the one handed in."""

    def answer(G: Any, D: Any, optimizer: Any, *batches: Tensor) -> Any:
        (group,) = optimizer.param_groups
        new = torch.optim.SGD(group["params"], lr=group["lr"])
        return step(other=lambda G, D: new)(G, D, optimizer, *batches)

    return answer


def _d_step(
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = _d_loss,
    zero: bool = True,
    zero_after: bool = False,
    detach: bool = True,
    step: bool = True,
    other: Callable[[Any, Any], torch.optim.Optimizer] | None = None,
    latent: Callable[[Tensor], Tensor] = lambda z: z,
    returns: Callable[[Tensor], Any] = Tensor.detach,
) -> Callable[..., Any]:
    """D's step with one thing changed."""

    def answer(G: Any, D: Any, optimizer_d: Any, x_real: Tensor, z: Tensor) -> Any:
        optimizer = other(G, D) if other else optimizer_d
        if zero:
            optimizer.zero_grad()
        x_fake = G(latent(z))
        value = loss(D(x_real), D(x_fake.detach() if detach else x_fake))
        value.backward()
        if step:
            optimizer.step()
        if zero_after:
            optimizer.zero_grad()
        return returns(value)

    return answer


def _two_backwards(G, D, optimizer_d, x_real, z):
    optimizer_d.zero_grad()
    real = D(x_real)
    loss_real = BCE_LOGITS(real, ones(real))
    loss_real.backward()
    fake = D(G(z).detach())
    loss_fake = BCE_LOGITS(fake, zeros(fake))
    loss_fake.backward()
    optimizer_d.step()
    return (loss_real + loss_fake).item()


def _no_grad_for_g(G, D, optimizer_d, x_real, z):
    with torch.no_grad():
        x_fake = G(z)
    loss = _d_loss(D(x_real), D(x_fake))
    D.zero_grad()
    loss.backward()
    optimizer_d.step()
    return loss.detach()


def _freezing_g(G, D, optimizer_d, x_real, z):
    G.requires_grad_(False)
    loss = _d_step()(G, D, optimizer_d, x_real, z)
    G.requires_grad_(True)
    return loss


def _g_stays_frozen(G, D, optimizer_d, x_real, z):
    G.requires_grad_(False)
    return _d_step()(G, D, optimizer_d, x_real, z)


def _after_the_step(G, D, optimizer_d, x_real, z):
    _d_step()(G, D, optimizer_d, x_real, z)
    with torch.no_grad():
        return _d_loss(D(x_real), D(G(z)))


_D_MISTAKES = [
    Mistake(
        "sigmoid forgotten",
        (
            _d_step(loss=lambda r, f: -(log(r).mean() + log(1 - f).mean())),
            _d_step(loss=lambda r, f: BCE(r, ones(r)) + BCE(f, zeros(f))),
        ),
        "The module D returns logits, any number; the log of a negative one is NaN (or "
        "an error). Put `torch.sigmoid(...)` around D's output first.",
    ),
    Mistake(
        "double sigmoid",
        _d_step(
            loss=_on_probabilities(
                lambda r, f: BCE_LOGITS(r, ones(r)) + BCE_LOGITS(f, zeros(f))
            )
        ),
        "The sigmoid is applied twice: `..._with_logits` has one inside. D's loss "
        "could never fall below 1.006.",
    ),
    Mistake(
        "climbs down",
        _d_step(loss=lambda r, f: -_d_loss(r, f)),
        "The optimizer *descends* what you hand it, and here that is V: D unlearns. "
        "Hand it -V.",
    ),
    Mistake(
        "returns V",
        _d_step(returns=lambda loss: -loss.detach()),
        "The step is right; the number returned is V. The course returns what the "
        "optimizer descends, D's loss -V.",
        kind="convention",
    ),
    Mistake(
        "both real",
        _d_step(loss=_on_probabilities(lambda r, f: -(log(r).mean() + log(f).mean()))),
        "Fakes are taught to D as real ones: their term is log(1 - D), with target 0.",
    ),
    Mistake(
        "swapped",
        _d_step(
            loss=_on_probabilities(lambda r, f: -(log(1 - r).mean() + log(f).mean()))
        ),
        "D is taught that data is fake and fakes are real. log D goes with data.",
    ),
    Mistake(
        "reals only",
        _d_step(loss=_on_probabilities(lambda r, f: -log(r).mean())),
        "D sees no fakes here; saying real to everything is its best answer.",
    ),
    Mistake(
        "fakes only",
        _d_step(loss=_on_probabilities(lambda r, f: -log(1 - f).mean())),
        "D sees no data here; saying fake to everything is its best answer.",
    ),
    Mistake(
        "one mean over both",
        tuple(
            _d_step(
                loss=_on_probabilities(
                    lambda r, f, c=c: -c * torch.cat([log(r), log(1 - f)]).mean()
                )
            )
            for c in (1, 2)
        ),
        "One mean over real and generated coins together: the larger batch counts "
        "more. Two expectations, two means, and their sum.",
    ),
    Mistake(
        "verdict detached",
        _d_step(loss=lambda r, f: _d_loss(r, f.detach())),
        "The verdict on the fakes is cut off, so D learns from the real coins only. "
        "Detach the *coins*, `D(G(z).detach())`, not what D says of them.",
    ),
    Mistake(
        "half",
        _d_step(loss=lambda r, f: _d_loss(r, f) / 2),
        "Right, up to a factor 1/2: it halves D's steps too. The course sums the two "
        "means.",
        kind="convention",
    ),
    Mistake(
        "sum",
        _d_step(
            loss=_on_probabilities(lambda r, f: -(log(r).sum() + log(1 - f).sum()))
        ),
        "Summed over the batch: D's step grows with the batch. Take means.",
    ),
    Mistake(
        "G moves too",
        (
            _d_step(other=lambda G, D: _optimizer_of(D, G), detach=False),
            _d_step(other=lambda G, D: _optimizer_of(G), detach=False),
        ),
        "G moved in D's step, and toward worse fakes. Step with `optimizer_d`, which "
        "holds D's parameters alone.",
    ),
    Mistake(
        "own optimizer",
        (
            _d_step(other=lambda G, D: torch.optim.Adam(D.parameters(), lr=2e-4)),
            _d_step(other=lambda G, D: torch.optim.Adam(D.parameters())),
            _d_step(other=lambda G, D: torch.optim.SGD(D.parameters(), lr=0.01)),
            _d_step(other=lambda G, D: _optimizer_of(D)),
            _with_its_step_size(_d_step),
        ),
        "This is not the step that `optimizer_d` makes: an optimizer of your own, or "
        "another step size? Use the one handed in, as it is: others keep a memory.",
    ),
    Mistake(
        "nothing moved",
        (_d_step(step=False), _d_step(step=False, zero_after=True)),
        "D did not move. Is `backward()` or `optimizer_d.step()` missing, are the two "
        "in the wrong order, or were the gradients cleared in between?",
    ),
    Mistake(
        "gradients pile up",
        (_d_step(zero=False), _d_step(zero=False, detach=False)),
        "What stood in `.grad` before was added to this step's gradient (G's step "
        "fills D's gradients, too). Clear with `optimizer_d.zero_grad()` before "
        "`backward()`.",
    ),
    Mistake(
        "cleared at the end",
        (
            _d_step(zero=False, zero_after=True),
            _d_step(zero=False, zero_after=True, detach=False),
        ),
        "`zero_grad()` at the end comes too late: G's step runs in between and leaves "
        "its gradients in D. Clear right before `backward()`.",
    ),
    Mistake(
        "own latents",
        (
            _d_step(latent=torch.randn_like),
            _d_step(latent=lambda z: torch.randn(z.shape)),
        ),
        "The fakes come from latents that you drew yourself. Use the `z` handed in, so "
        "that the loop decides what is drawn.",
    ),
    Mistake(
        "epsilon",
        _epsilons(
            lambda safe: _d_step(
                loss=_on_probabilities(
                    lambda r, f: -safe(r).mean() - safe(1 - f).mean()
                )
            ),
            least=1e-12,
            lowest=1e-9,
        ),
        NO_EPSILON,
    ),
    Mistake(
        "G stays frozen",
        _g_stays_frozen,
        "`requires_grad_(False)` was never undone: G can no longer learn. `G(z)"
        ".detach()` keeps G out of this step without touching it.",
    ),
    Mistake(
        "loss after the step",
        _after_the_step,
        "The step is right; the loss was computed again afterwards, with the new D. "
        "Return the one that you descended.",
        kind="convention",
    ),
    Mistake(
        "no detach",
        _d_step(detach=False),
        "Right, and more work than needed: the gradient also runs back through G, "
        "where nobody uses it. `G(z).detach()` cuts that off.",
        kind="waste",
    ),
    Mistake(
        "returns the graph",
        _d_step(returns=lambda loss: loss),
        "Right. The returned loss still holds its whole graph: who collects losses "
        "fills the memory. Return `loss.detach()` or `loss.item()`.",
        kind="waste",
    ),
    Mistake(
        "no detach, returns the graph",
        _d_step(detach=False, returns=lambda loss: loss),
        "Right. Two detaches would save work and memory: `G(z).detach()` keeps the "
        "gradient out of G, and `loss.detach()` lets go of the graph.",
        kind="waste",
    ),
]

register(
    Exercise(
        name="discriminator_step",
        lesson=2,
        reference=training.discriminator_step,
        observe=_watch_d,
        probes={
            "one step": _d_probe(),
            "junk left in .grad": _d_probe(junk=3.0),
            "two steps": _d_probe(times=2),
            "9 real, 4 fake": _d_probe(9, 4),
            "a D that says real": _d_probe(sure=2.0, seed=4),
        },
        later={
            "a D that is sure of real": _d_probe(sure=4.5),
            "a D that is sure of fake": _d_probe(sure=-22.0),
            "an optimizer with momentum": _d_probe(times=2, group=MOMENTUM),
            "large gradients": _d_probe(scale=50.0),
        },
        accepts=[
            _d_step(loss=lambda r, f: BCE_LOGITS(r, ones(r)) + BCE_LOGITS(f, zeros(f))),
            _d_step(loss=lambda r, f: F.softplus(-r).mean() + F.softplus(f).mean()),
            _d_step(returns=Tensor.item),
            _two_backwards,
            _no_grad_for_g,
            _freezing_g,
        ],
        mistakes=_D_MISTAKES,
        hints=[
            "What does D maximize, and what does an optimizer do with what it gets?",
            "Five things in turn: fakes, two probabilities, the loss -V, the gradients "
            "(cleared, then computed), the step.",
            "`G(z).detach()` is a batch of fakes without a way back to G.",
        ],
        answer=(
            "x_fake = G(z).detach()\n"
            "real_probability = torch.sigmoid(D(x_real))\n"
            "fake_probability = torch.sigmoid(D(x_fake))\n"
            "loss = -value_function(real_probability, fake_probability)\n"
            "optimizer_d.zero_grad()\n"
            "loss.backward()\n"
            "optimizer_d.step()\n"
            "return loss.detach()"
        ),
        because="D climbs V by descending -V; G's part of the graph is cut off.",
        praise="The shopkeeper learns, and the forger has not moved.",
        rtol=1e-4,
        tolerance=LOSS,
        same=1e-5,  # an epsilon differs from another small change by little
    )
)


# ------------------------------------------------------------------ G's step


def _g_probe(
    n: int = 6,
    *,
    times: int = 1,
    group: dict[str, float] | None = None,
    scale: float = 1.0,
    **players: Any,
) -> Callable[[], tuple]:
    def make() -> tuple:
        G, D, optimizer_g, _ = steps.players(**players)
        _tuned(G, optimizer_g, group or {}, scale)
        return G, D, optimizer_g, steps.batch(n, 2, 6, scale=scale), times

    return make


def _watch_g(
    function: Any, G: Any, D: Any, optimizer_g: Any, z: Tensor, n: int
) -> Iterator[tuple[str, Any]]:
    seen = steps.watch(
        lambda: function(G, D, optimizer_g, z),
        steps.Players(G, D, optimizer_g, None),
        times=n, moves="G", reached="a gradient reaches G",
    )  # fmt: skip
    return _untouched(seen, z)


def _g_loss(fake: Tensor) -> Tensor:
    """From logits."""
    return log(1 - sigmoid(fake)).mean()


def _g_step(
    *,
    loss: Callable[[Tensor], Tensor] = _g_loss,
    zero: bool = True,
    zero_after: bool = False,
    detach: bool = False,
    step: bool = True,
    other: Callable[[Any, Any], torch.optim.Optimizer] | None = None,
    latent: Callable[[Tensor], Tensor] = lambda z: z,
    returns: Callable[[Tensor], Any] = Tensor.detach,
) -> Callable[..., Any]:
    """G's step with one thing changed."""

    def answer(G: Any, D: Any, optimizer_g: Any, z: Tensor) -> Any:
        optimizer = other(G, D) if other else optimizer_g
        if zero:
            optimizer.zero_grad()
        x_fake = G(latent(z))
        value = loss(D(x_fake.detach() if detach else x_fake))
        value.backward()
        if step:
            optimizer.step()
        if zero_after:
            optimizer.zero_grad()
        return returns(value)

    return answer


def _freezing_d(G, D, optimizer_g, z):
    D.requires_grad_(False)
    loss = _g_step()(G, D, optimizer_g, z)
    D.requires_grad_(True)
    return loss


def _d_stays_frozen(G, D, optimizer_g, z):
    D.requires_grad_(False)
    return _g_step()(G, D, optimizer_g, z)


def _no_grad_for_d(G, D, optimizer_g, z):
    optimizer_g.zero_grad()
    with torch.no_grad():
        loss = _g_loss(D(G(z)))
    loss.backward()
    optimizer_g.step()
    return loss


def _no_grad_in_g(G, D, optimizer_g, z):
    optimizer_g.zero_grad()
    with torch.no_grad():
        x_fake = G(z)
    loss = _g_loss(D(x_fake))
    loss.backward()
    optimizer_g.step()
    return loss.detach()


def _g_loss_after(G, D, optimizer_g, z):
    _g_step()(G, D, optimizer_g, z)
    with torch.no_grad():
        return _g_loss(D(G(z)))


_G_MISTAKES = [
    Mistake(
        "sigmoid forgotten",
        (
            _g_step(loss=lambda f: log(1 - f).mean()),
            _g_step(loss=lambda f: -BCE(f, zeros(f))),
        ),
        "The module D returns logits, any number; 1 - 3 is negative and its log NaN "
        "(or an error). Put `torch.sigmoid(...)` around D's output first.",
    ),
    Mistake(
        "double sigmoid",
        _g_step(loss=lambda f: -BCE_LOGITS(sigmoid(f), zeros(f))),
        "The sigmoid is applied twice: `..._with_logits` has one inside.",
    ),
    Mistake(
        "cut off from D",
        (_g_step(detach=True), _no_grad_in_g),
        "G did not move: no gradient reached it. It has to walk from the loss back "
        "*through D* into G: no `detach()`, `no_grad` or NumPy may cut that path here, "
        "and `loss.backward()` sends it off.",
    ),
    Mistake(
        "no_grad around D",
        _no_grad_for_d,
        "`no_grad` around D removes the graph, so there is nothing to walk back along. "
        "D stays as it is because `optimizer_g` does not hold its parameters.",
    ),
    Mistake(
        "another game",
        (
            _g_step(loss=_on_probabilities(lambda f: -log(f).mean())),
            _g_step(loss=lambda f: BCE_LOGITS(f, ones(f))),
        ),
        "That is -log D(G(z)): the *non-saturating* loss, which most programs use and "
        "lesson 4 is about. Here G minimizes its term of V itself: log(1 - D(G(z))).",
    ),
    Mistake(
        "helps D",
        (
            _g_step(loss=lambda f: -_g_loss(f)),
            _g_step(loss=lambda f: BCE_LOGITS(f, zeros(f))),
        ),
        "G was moved so that D finds its fakes *easier*: this climbs log(1 - D). G "
        "wants it small: hand the term to the optimizer as it stands, without a minus.",
    ),
    Mistake(
        "lost minus",
        _g_step(loss=_on_probabilities(lambda f: log(f).mean())),
        "Minimizing log D(G(z)) makes D say fake. G wants D(G(z)) large: minimize "
        "log(1 - D(G(z))).",
    ),
    Mistake(
        "returns the negative",
        _g_step(returns=lambda loss: -loss.detach()),
        "The step is right; the number returned has its sign turned. The course "
        "returns what the optimizer descends, a negative number.",
        kind="convention",
    ),
    Mistake(
        "no log",
        _g_step(loss=_on_probabilities(lambda f: (1 - f).mean())),
        "There is no log: G minimizes E[log(1 - D(G(z)))], the term that stands in V.",
    ),
    Mistake(
        "log of the mean",
        _g_step(loss=_on_probabilities(lambda f: log(1 - f.mean()))),
        "The mean was taken before the log. V has the mean of the logs.",
    ),
    Mistake(
        "half",
        _g_step(loss=lambda f: _g_loss(f) / 2),
        "Right, up to a factor 1/2: it halves G's steps too.",
        kind="convention",
    ),
    Mistake(
        "sum",
        _g_step(loss=_on_probabilities(lambda f: log(1 - f).sum())),
        "Summed over the batch: G's step grows with the batch. Take the mean.",
    ),
    Mistake(
        "D moves too",
        (
            _g_step(other=lambda G, D: _optimizer_of(G, D)),
            _g_step(other=lambda G, D: _optimizer_of(D)),
        ),
        "D moved in G's step, toward being fooled: the players work together. Step "
        "with `optimizer_g`, which holds G's parameters alone.",
    ),
    Mistake(
        "own optimizer",
        (
            _g_step(other=lambda G, D: torch.optim.Adam(G.parameters(), lr=2e-4)),
            _g_step(other=lambda G, D: torch.optim.Adam(G.parameters())),
            _g_step(other=lambda G, D: torch.optim.SGD(G.parameters(), lr=0.01)),
            _g_step(other=lambda G, D: _optimizer_of(G)),
            _with_its_step_size(_g_step),
        ),
        "This is not the step that `optimizer_g` makes: an optimizer of your own, or "
        "another step size? Use the one handed in, as it is: others keep a memory.",
    ),
    Mistake(
        "nothing moved",
        (_g_step(step=False), _g_step(step=False, zero_after=True)),
        "G did not move, though a gradient reached it. Is `optimizer_g.step()` missing "
        "or before `backward()`, or were the gradients cleared between the two?",
    ),
    Mistake(
        "gradients pile up",
        _g_step(zero=False),
        "What stood in `.grad` before was added to this step's gradient. Call "
        "`optimizer_g.zero_grad()` before `backward()`.",
    ),
    Mistake(
        "cleared at the end",
        _g_step(zero=False, zero_after=True),
        "`zero_grad()` at the end comes too late for whatever was in `.grad` when the "
        "step began. Clear right before `backward()`.",
    ),
    Mistake(
        "own latents",
        (
            _g_step(latent=torch.randn_like),
            _g_step(latent=lambda z: torch.randn(z.shape)),
        ),
        "The fakes come from latents that you drew yourself. Use the `z` handed in, so "
        "that the loop decides what is drawn.",
    ),
    Mistake(
        "epsilon",
        _epsilons(
            lambda safe: _g_step(loss=_on_probabilities(lambda f: safe(1 - f).mean())),
            least=1e-6,
            lowest=1e-3,
        ),
        NO_EPSILON,
    ),
    Mistake(
        "D stays frozen",
        _d_stays_frozen,
        "`requires_grad_(False)` was never undone: D can no longer learn. Undo it, or "
        "leave it: `optimizer_g` does not move D.",
    ),
    Mistake(
        "loss after the step",
        _g_loss_after,
        "The step is right; the loss was computed again afterwards, with the new G. "
        "Return the one that you descended.",
        kind="convention",
    ),
    Mistake(
        "returns the graph",
        _g_step(returns=lambda loss: loss),
        "Right. The returned loss still holds its whole graph: who collects losses "
        "fills the memory. Return `loss.detach()` or `loss.item()`.",
        kind="waste",
    ),
]

register(
    Exercise(
        name="generator_step",
        lesson=2,
        reference=training.generator_step,
        observe=_watch_g,
        probes={
            "one step": _g_probe(),
            "junk left in .grad": _g_probe(junk=3.0),
            "two steps": _g_probe(times=2),
            "three latents": _g_probe(3),
            "a D that says real": _g_probe(sure=2.0, seed=4),
        },
        later={
            "a D that is sure of real": _g_probe(sure=4.5),
            "a D that is sure of fake": _g_probe(sure=-9.0),
            "an optimizer with momentum": _g_probe(times=2, group=MOMENTUM),
            "large gradients": _g_probe(scale=50.0),
        },
        accepts=[
            _g_step(loss=lambda f: -F.softplus(f).mean()),
            _g_step(loss=lambda f: -BCE(sigmoid(f), zeros(f))),
            _g_step(loss=lambda f: F.logsigmoid(-f).mean()),
            _g_step(returns=Tensor.item),
            _freezing_d,
        ],
        mistakes=_G_MISTAKES,
        hints=[
            "Which of the two terms of V can G change at all?",
            "The gradient has to walk from the loss through D into G: nothing is "
            "detached here. Why does D stay where it is all the same?",
        ],
        answer=(
            "fake_probability = torch.sigmoid(D(G(z)))\n"
            "loss = torch.log(1 - fake_probability).mean()\n"
            "optimizer_g.zero_grad()\n"
            "loss.backward()\n"
            "optimizer_g.step()\n"
            "return loss.detach()"
        ),
        because="The gradient runs through D into G; optimizer_g moves G alone.",
        praise="G has never seen a real coin: all it knows came through D.",
        rtol=1e-4,
        tolerance=LOSS,
        same=1e-5,  # an epsilon differs from another small change by little
    )
)


# ------------------------------------------------------------------ the game


def _game_probe(
    rounds: int, *k: int, group: dict[str, float] | None = None, **players: Any
) -> Callable[[], tuple]:
    """Without k it is left to the default."""

    def make() -> tuple:
        pair = steps.players(**players)
        for optimizer in (pair.optimizer_g, pair.optimizer_d):
            optimizer.param_groups[0].update(group or {})
        sample_real, sample_latent = steps.Stream(8, 3, 100), steps.Stream(8, 2, 200)
        return *pair, sample_real, sample_latent, rounds, *k

    return make


def _watch_game(
    function: Any, G: Any, D: Any, optimizer_g: Any, optimizer_d: Any,
    sample_real: Any, sample_latent: Any, rounds: int, *k: int,
) -> Iterator[tuple[str, Any]]:  # fmt: skip
    players, samplers = (G, D, optimizer_g, optimizer_d), (sample_real, sample_latent)
    losses: list[Any] = []

    def move() -> list[Any]:
        if k:
            losses.append(function(*players, *samplers, rounds, *k))
        else:  # as the lesson's next cell calls it
            losses.append(function(*players, *samplers, rounds=rounds))
        return losses[0]

    watched = steps.watch(move, steps.Players(*players), times=1, moves="D")
    seen = list(_untouched(watched))
    yield "batches of data drawn", sample_real.calls
    yield "batches of latents drawn", sample_latent.calls
    yield from seen[2:-3]
    result = losses[0]
    if isinstance(result, (list, tuple)):
        yield "returned", "a list"
        yield "the returned losses", tuple(map(steps.plain, result))
        yield "cost: the result keeps its graph", any(map(steps.has_graph, result))
        tensors = any(isinstance(loss, Tensor) for loss in result)
        yield "cost: the losses are tensors", tensors
    else:
        yield "returned", None if result is None else type(result).__name__
    yield seen[-1]


def _game(
    *,
    k_of_d: Callable[[int], int] = lambda k: k,
    k_of_g: Callable[[int], int] = lambda k: 1,
    g_first: bool = False,
    g_inside: bool = False,
    fresh: str = "every step",
    share: bool = False,
    every: bool = False,
    swap: bool = False,
    record: Callable[[Any], Any] = float,
    records_g: bool = False,
) -> Callable[..., Any]:
    """The loop with one thing changed."""

    def answer(G, D, og, od, sample_real, sample_latent, rounds, k=1):
        og, od = (od, og) if swap else (og, od)
        history: list[Any] = []
        pools = _Pools(sample_real, sample_latent, fresh)

        def g_steps() -> Any:
            for _ in range(k_of_g(k)):
                z = pools.z if share else pools.latent()
                loss_g = training.generator_step(G, D, og, z)
            return loss_g if k_of_g(k) else None

        for _ in range(rounds):
            pools.new_round()
            if g_first:
                g_steps()
            for _ in range(k_of_d(k)):
                x = pools.real()
                loss_d = training.discriminator_step(G, D, od, x, pools.latent())
                if every:
                    history.append(record(loss_d))
                if g_inside:
                    g_steps()
            loss_g = None if g_first or g_inside else g_steps()
            if not every:
                history.append(record(loss_g if records_g else loss_d))
        return history

    return answer


class _Pools:
    """Batches that are new at each step, in each round, or once for all."""

    def __init__(self, real: Any, latent: Any, fresh: str) -> None:
        self._real, self._latent, self.fresh = real, latent, fresh
        self.x = self.z = None
        if fresh == "once":
            self.x, self.z = real(), latent()

    def new_round(self) -> None:
        if self.fresh == "every round":
            self.x, self.z = self._real(), self._latent()

    def real(self) -> Tensor:
        if self.fresh == "every step":
            self.x = self._real()
        return self.x

    def latent(self) -> Tensor:
        if self.fresh == "every step":
            self.z = self._latent()
        return self.z


def _comprehension(
    G, D, optimizer_g, optimizer_d, sample_real, sample_latent, rounds, k=1
):
    def one_round():
        d_losses = [
            training.discriminator_step(
                G, D, optimizer_d, sample_real(), sample_latent()
            )
            for _ in range(k)
        ]
        training.generator_step(G, D, optimizer_g, sample_latent())
        return d_losses[-1].item()

    return [one_round() for _ in range(rounds)]


register(
    Exercise(
        name="play_game",
        lesson=2,
        reference=training.play_game,
        observe=_watch_game,
        probes={
            "one round, k = 1": _game_probe(1, 1),
            "three rounds, k = 1": _game_probe(3, 1),
            "two rounds, k = 3": _game_probe(2, 3),
            "junk left in .grad": _game_probe(2, 2, junk=3.0),
            "two rounds, k left at its default, 1": _game_probe(2),
        },
        later={
            "six rounds, k = 5": _game_probe(6, 5),
            "optimizers with momentum": _game_probe(2, 2, group=MOMENTUM),
        },
        accepts=[_game(), _comprehension, _game(record=lambda loss: loss)],
        mistakes=[
            Mistake(
                "k ignored",
                _game(k_of_d=lambda k: 1),
                "D stepped once a round whatever k says. An inner loop over "
                "`n_discriminator_steps` is missing.",
            ),
            Mistake(
                "G steps k times too",
                _game(k_of_g=lambda k: k),
                "G stepped k times a round as well. It steps once; k is D's alone.",
            ),
            Mistake(
                "G in the inner loop",
                (_game(g_inside=True), _game(g_inside=True, every=True)),
                "G's step stands inside the inner loop, so both step k times. Move it "
                "one level out: first D's k steps, then G's one.",
            ),
            Mistake(
                "k for G",
                _game(k_of_d=lambda k: 1, k_of_g=lambda k: k),
                "The roles of k are turned: D is to step k times, G once.",
            ),
            Mistake(
                "G first",
                _game(g_first=True),
                "G stepped before D in each round: it listened to a D that had not "
                "looked at it yet. D goes first.",
            ),
            Mistake(
                "G never moves",
                _game(k_of_g=lambda k: 0),
                "G never stepped: the forger watches. Call `generator_step` once a "
                "round.",
            ),
            Mistake(
                "one batch for ever",
                _game(fresh="once"),
                "The batches were drawn once, before the loop, so the players know "
                "these few by heart and no others. Call the samplers at each step.",
            ),
            Mistake(
                "one batch a round",
                _game(fresh="every round"),
                "Data and latents were drawn once a round, and all steps of the round "
                "saw the same. Call the samplers at each step.",
            ),
            Mistake(
                "D's latents for G",
                _game(share=True),
                "G stepped on the latents that D had seen last. That is a fair game "
                "(lesson 7 plays it); here every step draws new ones.",
                kind="convention",
            ),
            Mistake(
                "optimizers swapped",
                _game(swap=True),
                "D's step got G's optimizer and the other way round: G was moved to be "
                "found out. One optimizer for each player, its own.",
            ),
            Mistake(
                "every loss of D",
                _game(every=True),
                "All k losses of D in each round are returned. One number a round is "
                "wanted: the last.",
                kind="convention",
            ),
            Mistake(
                "tensors kept",
                (
                    _game(record=lambda loss: loss),
                    _game(record=lambda x: x + torch.zeros(1)[0].requires_grad_()),
                ),
                "Right. The losses are still tensors; `float(loss)` keeps the number "
                "and lets go of everything behind it.",
                kind="waste",
            ),
            Mistake(
                "G's losses",
                _game(records_g=True),
                "The game is right; the losses returned are G's. Return D's, one a "
                "round.",
                kind="convention",
            ),
        ],
        hints=[
            "Two loops, one inside the other. Whose step stands in the inner one?",
            "Each step gets a new batch: call `sample_real()` and `sample_latent()`.",
        ],
        answer=(
            "history = []\n"
            "for _ in range(rounds):\n"
            "    for _ in range(n_discriminator_steps):\n"
            "        x_real, z = sample_real(), sample_latent()\n"
            "        loss_d = discriminator_step(G, D, optimizer_d, x_real, z)\n"
            "    generator_step(G, D, optimizer_g, sample_latent())\n"
            "    history.append(float(loss_d))\n"
            "return history"
        ),
        because="In each round D looks k times, then G moves once: Algorithm 1.",
        praise="That is a whole GAN, and you wrote every line of it.",
        rtol=1e-4,
        tolerance={"the returned losses": (1e-5, 1e-7)},
        same=1e-5,  # an epsilon differs from another small change by little
    )
)


# ------------------------------------------------------------------ the game x * y

_MOVES = {
    "from (1, 0), lr 0.1": lambda: (1.0, 0.0, 0.1),
    "from (0, 1), lr 0.1": lambda: (0.0, 1.0, 0.1),
    "from (1, 2), lr 0.5": lambda: (1.0, 2.0, 0.5),
    "from (-2, 0.5), lr 3": lambda: (-2.0, 0.5, 3.0),
    "from (0.377, -0.713), lr 0.37": lambda: (0.377, -0.713, 0.37),
    "from (0.000027, -0.000013), lr 0.37": lambda: (2.7e-5, -1.3e-5, 0.37),
    "from (3000, -2000), lr 0.2": lambda: (3000.0, -2000.0, 0.2),
}
_SIGNS = (
    "Both players were turned round: x *minimizes* x * y and steps against its slope, "
    "y *maximizes* and steps along it."
)
_BOTH_DOWN = (
    "Both players descend: now they work together and x * y runs to minus infinity. y "
    "maximizes: plus."
)
_OWN_SLOPE = (
    "The slope of x * y in x is y, and in y it is x: each player moves by the *other* "
    "one's position."
)
_PRODUCT = (
    "You stepped by the value x * y. A gradient step goes by the slope: y for x, and x "
    "for y."
)


def _named(function: Any, x: float, y: float, lr: float) -> observers.Seen:
    """The step as the lesson's next cell calls it: lr by its name."""
    return observers.value(lambda x, y, lr: function(x, y, lr=lr), x, y, lr)


def _simultaneous(x: float, y: float, lr: float) -> tuple[float, float]:
    return x - lr * y, y + lr * x


def _alternating(x: float, y: float, lr: float) -> tuple[float, float]:
    x = x - lr * y
    return x, y + lr * x


def _y_first(x: float, y: float, lr: float) -> tuple[float, float]:
    y = y + lr * x
    return x - lr * y, y


def _simultaneous_complex(x: float, y: float, lr: float) -> tuple[float, float]:
    z = complex(x, y) * complex(1, lr)
    return z.real, z.imag


def _by_autograd(x: float, y: float, lr: float, *, alternate: bool) -> tuple:
    a, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, y))
    slope_a, slope_b = torch.autograd.grad(a * b, (a, b))
    a = (a - lr * slope_a).detach()
    return a.item(), (b + lr * (a if alternate else slope_b)).item()


register(
    Exercise(
        name="simultaneous_step",
        lesson=2,
        reference=training.simultaneous_step,
        observe=_named,
        probes=_MOVES,
        accepts=[
            _simultaneous,
            _simultaneous_complex,
            lambda x, y, lr: _by_autograd(x, y, lr, alternate=False),
            lambda x, y, lr: tuple(
                (torch.tensor([x, y]) + lr * torch.tensor([-y, x])).tolist()
            ),
        ],
        mistakes=[
            Mistake(
                "alternating",
                _alternating,
                "y already answers the *new* x: that is the alternating step. Here "
                "both decide before either has moved; keep the old x for y.",
            ),
            Mistake(
                "alternating, y first",
                _y_first,
                "x already answers the *new* y. Here both decide before either has "
                "moved; keep the old y for x.",
            ),
            Mistake("roles turned", lambda x, y, lr: (x + lr * y, y - lr * x), _SIGNS),
            Mistake(
                "both descend", lambda x, y, lr: (x - lr * y, y - lr * x), _BOTH_DOWN
            ),
            Mistake(
                "both climb",
                lambda x, y, lr: (x + lr * y, y + lr * x),
                "Both players climb: x minimizes, so it steps against its slope.",
            ),
            Mistake("own slope", lambda x, y, lr: (x - lr * x, y + lr * y), _OWN_SLOPE),
            Mistake(
                "the value",
                lambda x, y, lr: (x - lr * x * y, y + lr * x * y),
                _PRODUCT,
            ),
            Mistake(
                "no step size",
                lambda x, y, lr: (x - y, y + x),
                "The step has size 1 whatever `lr` says: multiply the slope by lr.",
            ),
            Mistake(
                "order of the results",
                lambda x, y, lr: (y + lr * x, x - lr * y),
                "The two numbers are right and change places: return x first, then y.",
            ),
        ],
        hints=[
            "What is the slope of x * y in x, and what in y?",
            "x goes against its slope, y along its own. Both use the *old* values.",
        ],
        answer="return x - lr * y, y + lr * x",
        because="The slope of x * y in x is y, in y it is x; one descends, one climbs.",
        praise="One line, and it already does not do what gradient descent promises.",
        rtol=1e-6,
        atol=1e-10,
    )
)

register(
    Exercise(
        name="alternating_step",
        lesson=2,
        reference=training.alternating_step,
        observe=_named,
        probes=_MOVES,
        accepts=[
            _alternating,
            lambda x, y, lr: (x - lr * y, (1 - lr * lr) * y + lr * x),
            lambda x, y, lr: _by_autograd(x, y, lr, alternate=True),
        ],
        mistakes=[
            Mistake(
                "simultaneous",
                _simultaneous,
                "y still answers the *old* x: that is the simultaneous step. Move x "
                "first, then let y see where it went.",
            ),
            Mistake(
                "y first",
                _y_first,
                "The order is turned: x moves first, and y answers. (It is a fair game "
                "too, on the mirrored ellipse.)",
                kind="convention",
            ),
            Mistake(
                "roles turned",
                lambda x, y, lr: (x + lr * y, y - lr * (x + lr * y)),
                _SIGNS,
            ),
            Mistake(
                "both descend",
                lambda x, y, lr: (x - lr * y, y - lr * (x - lr * y)),
                _BOTH_DOWN,
            ),
            Mistake("own slope", lambda x, y, lr: (x - lr * x, y + lr * y), _OWN_SLOPE),
            Mistake(
                "the value",
                lambda x, y, lr: (x - lr * x * y, y + lr * (x - lr * x * y) * y),
                _PRODUCT,
            ),
            Mistake(
                "no step size",
                lambda x, y, lr: (x - y, y + x - y),
                "The step has size 1 whatever `lr` says: multiply the slope by lr.",
            ),
            Mistake(
                "returns the old x",
                lambda x, y, lr: (x, y + lr * (x - lr * y)),
                "y answered the new x, but the old x is returned: x did not move.",
            ),
            Mistake(
                "order of the results",
                lambda x, y, lr: _alternating(x, y, lr)[::-1],
                "The two numbers are right and change places: return x first, then y.",
            ),
        ],
        hints=["Which x does y see when its turn comes?"],
        answer="x = x - lr * y\nreturn x, y + lr * x",
        because="x has moved by the time y looks: the same formulas, in turn.",
        praise="Two lines in another order. Does it matter? Guess next.",
        rtol=1e-6,
        atol=1e-10,
    )
)
