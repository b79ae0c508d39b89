"""Lesson 7, first part: bytes for tanh, and the heart, one whole training step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data, training

from . import observers, steps
from .comparing import COST
from .engine import Exercise, Mistake, register
from .wording import MOVED

softplus, sigmoid = F.softplus, torch.sigmoid
BCE, BCE_LOGITS = F.binary_cross_entropy, F.binary_cross_entropy_with_logits
ones, zeros = torch.ones_like, torch.zeros_like


# ------------------------------------------------------------------ pixels


def _pixels(low: int, high: int, *shape: int) -> Callable[[], tuple]:
    def make() -> tuple:
        rng = torch.Generator().manual_seed(3)
        return (torch.randint(low, high, shape, generator=rng).to(torch.uint8),)

    return make


def _minmax(x: Tensor) -> Tensor:
    x = x.float()
    return 2 * (x - x.min()) / (x.max() - x.min()) - 1


def _minmax_each(x: Tensor) -> Tensor:
    return torch.stack([_minmax(one) for one in x]) if x.dim() > 1 else _minmax(x)


def _standardized(x: Tensor) -> Tensor:
    x = x.float()
    return (x - x.mean()) / x.std()


register(
    Exercise(
        name="to_tanh_range",
        lesson=7,
        reference=data.to_tanh_range,
        observe=observers.value,
        probes={
            "black, gray, white": lambda: (
                torch.tensor([0, 51, 102, 153, 204, 255], dtype=torch.uint8),
            ),
            "every value": lambda: (torch.arange(256).to(torch.uint8),),
            "two dim images": _pixels(60, 200, 2, 1, 4, 4),
            "a color image": _pixels(0, 256, 1, 3, 5, 5),
        },
        later={
            "a nearly black image": _pixels(0, 2, 1, 1, 4, 4),
        },
        accepts=[
            lambda pixels: pixels.float() / 255 * 2 - 1,
            lambda pixels: (pixels / 255 - 0.5) / 0.5,
            lambda pixels: (pixels.to(torch.float32) - 127.5) / 127.5,
            lambda pixels: 2 * (pixels / 255) - 1,
            lambda pixels: torch.lerp(
                torch.tensor(-1.0), torch.tensor(1.0), pixels / 255
            ),
            lambda pixels: torch.from_numpy(
                pixels.numpy().astype("float32") / 127.5 - 1
            ),
        ],
        mistakes=[
            Mistake(
                "wraps round",
                (
                    lambda pixels: 2 * pixels / 255 - 1,
                    lambda pixels: (pixels * 2 - 255) / 255,
                    lambda pixels: (pixels - 128) / 127.5,
                    lambda pixels: (pixels - 128) / 128,
                    lambda pixels: (pixels - 127) / 127.5,
                    lambda pixels: (pixels - 127) / 128,
                ),
                "uint8 holds 0 to 255 and starts over: `2 * 200` is 144 there, and "
                "`3 - 128` is 131. Make floats first, with `.float()` or a division.",
            ),
            Mistake(
                "zero to one",
                (
                    lambda pixels: pixels / 255,
                    lambda pixels: pixels.float().div(256),
                ),
                "The result lies in [0, 1]. tanh reaches from -1 to 1: against these "
                "data, D would know every fake by its negative pixels.",
            ),
            Mistake(
                "no shift",
                lambda pixels: pixels / 127.5,
                "The result lies in [0, 2]: the shift by 1 is missing.",
            ),
            Mistake(
                "half the range",
                lambda pixels: pixels / 255 - 0.5,
                "The result lies in [-0.5, 0.5], half of what tanh fills. Scale by 2.",
            ),
            Mistake(
                "128 in place of 127.5",
                (
                    lambda pixels: pixels / 128 - 1,
                    lambda pixels: (pixels.float() - 127) / 128,
                    lambda pixels: (pixels.float() - 128) / 127,
                ),
                "Close: the middle of 0 and 255 is 127.5. With a whole number one end "
                "misses its place: 255 should land on 1, and 0 on -1.",
                kind="convention",
            ),
            Mistake(
                "inverted",
                (
                    lambda pixels: 1 - pixels / 127.5,
                    lambda pixels: 1 - pixels.float() / 127.5,
                ),
                "Black and white change places: 0 should land on -1 and 255 on 1.",
            ),
            Mistake(
                "stretched",
                (_minmax, _minmax_each),
                "The contrast was stretched to the image's own darkest and brightest "
                "pixel: a dim image comes out bright. The same map for every image: "
                "0 to -1, 255 to 1.",
            ),
            Mistake(
                "standardized",
                (_standardized, lambda x: (x.float() - x.float().mean()) / 255),
                "The mean was taken off. tanh needs a fixed range, and the result of "
                "a pixel should not depend on its neighbors.",
            ),
            Mistake(
                "another type",
                (
                    lambda pixels: pixels.double() / 127.5 - 1,
                    lambda pixels: pixels.half() / 127.5 - 1,
                    lambda pixels: pixels.bfloat16() / 127.5 - 1,
                    lambda pixels: torch.from_numpy(pixels.numpy() / 127.5 - 1),
                ),
                "The numbers are right in another float type (NumPy divides into "
                "float64). The networks' weights are float32: end with `.float()`.",
            ),
            Mistake(
                "whole numbers",
                (
                    lambda pixels: (pixels / 127.5 - 1).round(),
                    lambda pixels: pixels // 128 * 2.0 - 1,
                    lambda pixels: (pixels / 127.5 - 1).to(torch.uint8),
                    lambda pixels: (pixels / 127.5 - 1).int(),
                ),
                "The grays were rounded away. Divide with `/`, and keep floats.",
            ),
            Mistake(
                "not scaled",
                (lambda pixels: pixels.float(), lambda pixels: pixels.float() - 127.5),
                "The range is still 255 wide. Divide by half of it, 127.5.",
            ),
            Mistake(
                "scale guessed from the image",
                (
                    lambda pixels: (
                        (pixels / 255 if pixels.max() > 1 else pixels) * 2.0 - 1
                    ),
                    lambda pixels: pixels / 127.5 - (1 if pixels.max() > 1 else 0),
                ),
                "A nearly black image, whose bytes are all 0 and 1, is scaled another "
                "way than the rest. What comes in is bytes, whatever they show: one "
                "map for all.",
            ),
        ],
        hints=[
            "Where should 0 land, and where 255? A line goes through both.",
            "A uint8 minus 128 stays a uint8. When does it become a float?",
        ],
        answer="return pixels / 127.5 - 1",
        because="0 goes to -1 and 255 to 1; dividing a uint8 tensor makes float32.",
        praise="Data and fakes now live in one range, so D has to look at content.",
        same=1e-3,
    )
)


# ------------------------------------------------------------------ watching a round


def _normalized_players(*, junk: float, sure: float, seed: int) -> steps.Players:
    """The two of `steps.players` with batch normalization in each."""
    weights = torch.Generator().manual_seed(seed)
    G = nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3))
    D = nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0)
    )
    with torch.no_grad():
        for parameter in [*G.parameters(), *D.parameters()]:
            parameter.add_(0.8 * torch.randn(parameter.shape, generator=weights))
            parameter.grad = torch.full_like(parameter, junk) if junk else None
        D[-2].bias += sure
    optimizers = (torch.optim.SGD(net.parameters(), lr=0.1) for net in (G, D))
    return steps.Players(G, D, *optimizers)


def _remembering(
    G: nn.Module, D: nn.Module
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Two optimizers with a memory each, of different rates."""
    return (
        torch.optim.SGD(G.parameters(), lr=0.2, momentum=0.5),
        torch.optim.SGD(D.parameters(), lr=0.05, momentum=0.9),
    )


def _probe(
    n_real: int = 6,
    n_fake: int = 6,
    *,
    times: int = 1,
    normalized: bool = False,
    junk: float = 0.0,
    sure: float = 0.0,
    steep: float = 1.0,
    memory: bool = False,
    seed: int = 1,
) -> Callable[[], tuple]:
    def make() -> tuple:
        build = _normalized_players if normalized else steps.players
        pair = build(junk=junk, sure=sure, seed=seed)
        with torch.no_grad():
            pair.D[-2].weight *= steep
        if memory:
            pair = steps.Players(pair.G, pair.D, *_remembering(pair.G, pair.D))
        # Data away from where G is, so that real and fake differ in their statistics.
        x_real = 1.5 + steps.batch(n_real, 3, 5)
        return *pair, x_real, steps.batch(n_fake, 2, 6), times

    return make


def _watch(
    function: Any, G: Any, D: Any, optimizer_g: Any, optimizer_d: Any,
    x_real: Tensor, z: Tensor, times: int,
) -> Iterator[tuple[str, Any]]:  # fmt: skip
    nets = {"D": D, "G": G}
    before = {name: steps._flat(net) for name, net in nets.items()}
    walked, passes = _walks_back(G, D), _passes(G)
    given, state = (x_real.clone(), z.clone()), torch.get_rng_state()
    try:
        for _ in range(times):
            result = function(G, D, optimizer_g, optimizer_d, x_real, z)
    except Exception:  # how far it came tells one error from another
        yield from _changes(nets, before)
        raise
    yield "the returned losses", _two(result)
    yield from _changes(nets, before)
    yield "a gradient reaches G after D's step", any(walked)
    yield from steps.left_as_found(nets)
    parts = [module for net in nets.values() for module in net.modules()]
    yield "every part in training mode", all(part.training for part in parts)
    counted = _counted(D) >= 2 * times and _counted(G) >= times
    yield "running averages follow", counted
    pairs = zip((x_real, z), given, strict=True)
    kept = all(torch.equal(a, b) and not a.requires_grad for a, b in pairs)
    yield "x_real and z", "unchanged" if kept else "changed"
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    held = isinstance(result, (tuple, list)) and any(map(steps.has_graph, result))
    yield f"{COST}the losses keep their graph", held
    yield f"{COST}gradients that walked back through G", len(walked)
    yield f"{COST}passes of G", len(passes)


def _changes(
    nets: dict[str, nn.Module], before: dict[str, Tensor]
) -> Iterator[tuple[str, Any]]:
    for name, net in nets.items():
        change = steps._flat(net) - before[name]
        yield f"change of {name}'s parameters", change
        # NaN throughout would name nothing.
        yield f"{name}'s parameters are numbers", bool(change.isfinite().all())


def _counted(net: nn.Module) -> float:
    """The fewest batches that a batch normalization in the network has met."""
    counts = (b for n, b in net.named_buffers() if n.endswith("num_batches_tracked"))
    return min(map(float, counts), default=math.inf)


def _walks_back(G: nn.Module, D: nn.Module) -> list[bool]:
    """Grows each time a gradient reaches G's output; True where D had moved by then."""
    start, walked = steps._flat(D), []

    def listen(module: nn.Module, inputs: Any, output: Tensor) -> None:
        if output.requires_grad:
            output.register_hook(
                lambda _: walked.append(not torch.equal(steps._flat(D), start))
            )

    G.register_forward_hook(listen)
    return walked


def _passes(net: nn.Module) -> list[int]:
    seen: list[int] = []
    net.register_forward_hook(lambda *_: seen.append(1))
    return seen


def _two(result: Any) -> Any:
    """Two plain numbers; anything else as it is."""
    if isinstance(result, (tuple, list)):
        return tuple(map(steps.plain, result))
    return steps.plain(result)


# ------------------------------------------------------------------ answers by parts


def _loss_d(real: Tensor, fake: Tensor) -> Tensor:
    return softplus(-real).mean() + softplus(fake).mean()


def _loss_g(fake: Tensor) -> Tensor:
    return softplus(-fake).mean()


class _How(NamedTuple):
    """A round, one choice at a time; the defaults are right."""

    loss_d: Callable[[Tensor, Tensor], Tensor] = _loss_d
    loss_g: Callable[[Tensor], Tensor] = _loss_g
    d_sees: str = "detached"  # "detached", "graph"
    g_sees: str = "graph"  # "graph", "detached"
    again: bool = False  # G runs a second time, for its own step
    z_d: Callable[[Tensor], Tensor] = lambda z: z
    z_g: Callable[[Tensor], Tensor] | None = None  # None: the same images
    one_batch: bool = False  # D sees data and images in one pass
    zero_d: bool = True
    zero_g: bool = True
    zero_after: bool = False
    step_d: int = 1
    step_g: int = 1
    optimizer_of_d: Callable[..., Any] = lambda G, D, og, od: od
    optimizer_of_g: Callable[..., Any] = lambda G, D, og, od: og
    around_d: Callable[[Any, Any], None] = lambda G, D: None
    around_g: Callable[[Any, Any], None] = lambda G, D: None
    at_end: Callable[[Any, Any], None] = lambda G, D: None
    returns: Callable[[Tensor, Tensor], Any] = lambda d, g: (d.detach(), g.detach())


def _round(**changes: Any) -> Callable[..., Any]:
    """A round of D and G with some choices changed."""
    how = _How(**changes)

    def answer(G, D, optimizer_g, optimizer_d, x_real, z):
        players = G, D, optimizer_g, optimizer_d
        for_d, for_g = how.optimizer_of_d(*players), how.optimizer_of_g(*players)
        how.around_d(G, D)
        x_fake = G(how.z_d(z))
        loss_d = _judge(D, x_real, x_fake, how)
        if how.zero_d:
            for_d.zero_grad()
        loss_d.backward(retain_graph=how.d_sees == "graph")
        for _ in range(how.step_d):
            for_d.step()
        how.around_g(G, D)
        if how.again or how.z_g:
            x_fake = G((how.z_g or how.z_d)(z))
        loss_g = how.loss_g(D(x_fake.detach() if how.g_sees == "detached" else x_fake))
        if how.zero_g:
            for_g.zero_grad()
        loss_g.backward()
        for _ in range(how.step_g):
            for_g.step()
        if how.zero_after:
            optimizer_d.zero_grad()
            optimizer_g.zero_grad()
        how.at_end(G, D)
        return how.returns(loss_d, loss_g)

    return answer


def _judge(D: Any, x_real: Tensor, x_fake: Tensor, how: _How) -> Tensor:
    x_fake = x_fake.detach() if how.d_sees == "detached" else x_fake
    if how.one_batch:
        n = len(x_real)
        logits = D(torch.cat([x_real, x_fake]))
        return how.loss_d(logits[:n], logits[n:])
    return how.loss_d(D(x_real), D(x_fake))


def _of(*nets: str, **options: Any) -> Callable[..., torch.optim.Optimizer]:
    """An optimizer made inside the step."""

    def make(G, D, og, od):
        named = {"G": G, "D": D}
        weights = [w for name in nets for w in named[name].parameters()]
        return options.get("kind", torch.optim.SGD)(weights, lr=options.get("lr", 0.1))

    return make


def _both_before_any_step(*, clean: bool, shared: bool = True) -> Callable[..., Any]:
    """Both losses against the old players, then both steps."""

    def answer(G, D, optimizer_g, optimizer_d, x_real, z):
        x_fake = G(z)
        optimizer_d.zero_grad()
        optimizer_g.zero_grad()
        loss_d = _loss_d(D(x_real), D(x_fake.detach()))
        loss_d.backward()
        kept = [w.grad.clone() for w in D.parameters()]
        loss_g = _loss_g(D(x_fake if shared else G(z)))
        loss_g.backward()
        if clean:
            for weight, gradient in zip(D.parameters(), kept, strict=True):
                weight.grad = gradient
        optimizer_d.step()
        optimizer_g.step()
        return loss_d.item(), loss_g.item()

    return answer


def _scores_of_the_old_d(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    real, fake = D(x_real), D(x_fake)
    loss_d = _loss_d(real, fake)
    optimizer_d.zero_grad()
    loss_d.backward(retain_graph=True)
    optimizer_d.step()
    loss_g = _loss_g(fake)
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def _two_losses_at_the_top(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = _loss_d(D(x_real), D(x_fake.detach()))
    loss_g = _loss_g(D(x_fake))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def _old_scores_detached_for_d(G, D, optimizer_g, optimizer_d, x_real, z):
    fake = D(G(z))
    loss_d = _loss_d(D(x_real), fake.detach())
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = _loss_g(fake)
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def _cleared_at_the_top(G, D, optimizer_g, optimizer_d, x_real, z):
    optimizer_g.zero_grad()
    optimizer_d.zero_grad()
    x_fake = G(z)
    loss_d = _loss_d(D(x_real), D(x_fake))
    loss_d.backward(retain_graph=True)
    optimizer_d.step()
    loss_g = _loss_g(D(x_fake))
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def _cleared_at_the_top_new_images(G, D, optimizer_g, optimizer_d, x_real, z):
    optimizer_g.zero_grad()
    optimizer_d.zero_grad()
    loss_d = _loss_d(D(x_real), D(G(z)))
    loss_d.backward()
    optimizer_d.step()
    loss_g = _loss_g(D(G(z)))
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def _graph_used_twice(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = _loss_d(D(x_real), D(x_fake))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = _loss_g(D(x_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def _g_first(G, D, optimizer_g, optimizer_d, x_real, z):
    loss_g = training.generator_step_on_logits(D, optimizer_g, G(z))
    x_fake = G(z).detach()
    loss_d = training.discriminator_step_on_logits(D, optimizer_d, x_real, x_fake)
    return loss_d, loss_g


def _g_first_old_images(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_g = training.generator_step_on_logits(D, optimizer_g, x_fake)
    x_fake = x_fake.detach()
    loss_d = training.discriminator_step_on_logits(D, optimizer_d, x_real, x_fake)
    return loss_d, loss_g


def _no_grad_for_d(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = training.discriminator_step_on_logits(
        D, optimizer_d, x_real, x_fake.detach()
    )
    with torch.no_grad():
        loss_g = _loss_g(D(x_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d, loss_g.detach()


def _after(which: str) -> Callable[..., Any]:
    """A right round whose losses are computed again afterwards."""

    def answer(G, D, optimizer_g, optimizer_d, x_real, z):
        x_fake = G(z)
        before_d = training.discriminator_step_on_logits(
            D, optimizer_d, x_real, x_fake.detach()
        )
        with torch.no_grad():
            after_d = _loss_d(D(x_real), D(x_fake))
        before_g = training.generator_step_on_logits(D, optimizer_g, x_fake)
        with torch.no_grad():
            fake = D(G(z))
            if which == "all at the end":
                return _loss_d(D(x_real), fake), _loss_g(fake)
        loss_d = after_d if "D" in which else before_d
        return loss_d, _loss_g(fake) if "G" in which else before_g

    return answer


# ------------------------------------------------------------------ right answers


def _no_grad_for_g(G, D, optimizer_g, optimizer_d, x_real, z):
    with torch.no_grad():
        x_fake = G(z)
    loss_d = BCE_LOGITS(D(x_real), torch.ones(len(x_real)))
    loss_d = loss_d + BCE_LOGITS(D(x_fake), torch.zeros(len(z)))
    D.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    G.zero_grad()
    loss_g = BCE_LOGITS(D(G(z)), torch.ones(len(z)))
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def _two_backwards(G, D, optimizer_g, optimizer_d, x_real, z):
    optimizer_d.zero_grad()
    real = D(x_real)
    of_real = BCE_LOGITS(real, ones(real))
    of_real.backward()
    x_fake = G(z)
    fake = D(x_fake.detach())
    of_fake = BCE_LOGITS(fake, zeros(fake))
    of_fake.backward()
    optimizer_d.step()
    fake = D(x_fake)
    loss_g = BCE_LOGITS(fake, ones(fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return (of_real + of_fake).detach(), loss_g.detach()


def _slopes_asked_for(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = _loss_d(D(x_real), D(x_fake.detach()))
    slopes = torch.autograd.grad(loss_d, list(D.parameters()))
    for weight, slope in zip(D.parameters(), slopes, strict=True):
        weight.grad = slope
    optimizer_d.step()
    loss_g = _loss_g(D(x_fake))
    slopes = torch.autograd.grad(loss_g, list(G.parameters()))
    for weight, slope in zip(G.parameters(), slopes, strict=True):
        weight.grad = slope
    optimizer_g.step()
    return [loss_d.item(), loss_g.item()]


def _freezing_and_undoing(G, D, optimizer_g, optimizer_d, x_real, z):
    return _round(
        around_g=lambda G, D: D.requires_grad_(False),
        at_end=lambda G, D: D.requires_grad_(True),
    )(G, D, optimizer_g, optimizer_d, x_real, z)


# ------------------------------------------------------------------ mistakes


def _with_d_frozen(G: Any, D: Any) -> None:
    D.requires_grad_(False)


def _with_d_thawed(G: Any, D: Any) -> None:
    D.requires_grad_(True)


def _turned(*names: str, training_mode: bool = False) -> Callable[[Any, Any], None]:
    def turn(G: Any, D: Any) -> None:
        for name in names:
            {"G": G, "D": D}[name].train(training_mode)

    return turn


def _only(names: str) -> dict[str, Any]:
    """The networks in eval mode during the round, and in training mode after it."""
    return {
        "around_d": _turned(*names),
        "at_end": _turned("G", "D", training_mode=True),
    }


def _without_memory(names: str) -> Callable[..., Any]:
    """Plain steps at the rate of each player's own optimizer."""

    def plain(name: str) -> Callable[..., Any]:
        def make(G, D, og, od):
            given = {"G": og, "D": od}[name]
            return _of(name, lr=given.param_groups[0]["lr"])(G, D, og, od)

        return make

    return _round(**{f"optimizer_of_{name.lower()}": plain(name) for name in names})


def _both_once(G: Any, D: Any, og: Any, od: Any) -> Any:
    return _of("G", "D")(G, D, og, od)


_FRESH = (torch.randn_like, lambda z: torch.randn(z.shape))
_SUM_D = lambda r, f: softplus(-r).sum() + softplus(f).sum()  # noqa: E731

_WHICH_LOSS = [
    Mistake(
        "sigmoid forgotten",
        (
            _round(
                loss_d=lambda r, f: -(r.log().mean() + (1 - f).log().mean()),
                loss_g=lambda f: -f.log().mean(),
            ),
            _round(
                loss_d=lambda r, f: BCE(r, ones(r)) + BCE(f, zeros(f)),
                loss_g=lambda f: BCE(f, ones(f)),
            ),
        ),
        "D returns logits, any number, and a log wants probabilities. Use the losses "
        "that take logits: `losses.discriminator_loss` and `losses.generator_loss`.",
    ),
    Mistake(
        "sigmoid twice",
        (
            _round(
                loss_d=lambda r, f: _loss_d(sigmoid(r), sigmoid(f)),
                loss_g=lambda f: _loss_g(sigmoid(f)),
            ),
            _round(loss_d=lambda r, f: _loss_d(sigmoid(r), sigmoid(f))),
            _round(loss_g=lambda f: _loss_g(sigmoid(f))),
        ),
        "D's logits went through a sigmoid before a loss that has one inside. Every "
        "probability is squeezed into 1/2 to 0.73, and D can never be sure of a fake. "
        "Hand over the logits as they come.",
    ),
    Mistake(
        "minimax loss for G",
        _round(loss_g=lambda f: -softplus(f).mean()),
        "G minimizes log(1 - D(G(z))) here, which falls silent while D wins (lesson "
        "3). Take the non-saturating loss of lesson 4: -log D(G(z)).",
    ),
    Mistake(
        "G is paid for fake",
        _round(loss_g=lambda f: softplus(f).mean()),
        "G was moved so that D finds its images *easier*: target 0 in G's step. G "
        "wants D to say real, target 1.",
    ),
    Mistake(
        "lost minus",
        _round(loss_g=lambda f: -softplus(-f).mean()),
        "G minimizes +log D(G(z)), so D(G(z)) goes to 0. The optimizer descends: hand "
        "it *minus* log D(G(z)).",
    ),
    Mistake(
        "labels swapped for D",
        (
            _round(loss_d=lambda r, f: _loss_d(f, r)),
            _round(loss_d=lambda r, f: softplus(r).mean() + softplus(-f).mean()),
        ),
        "D is taught that data is fake and fakes are real. Logits on data come first, "
        "with target 1; logits on G's images second, with target 0.",
    ),
    Mistake(
        "both real for D",
        _round(loss_d=lambda r, f: softplus(-r).mean() + softplus(-f).mean()),
        "D is taught that everything is real. G's images are fakes in *D's* step: "
        "target 0. They are called real in G's step only.",
    ),
    Mistake(
        "D climbs",
        _round(loss_d=lambda r, f: -_loss_d(r, f)),
        "D went up its own loss: V was handed to an optimizer that descends. D's loss "
        "is -V.",
    ),
    Mistake(
        "D sees one side",
        (
            _round(loss_d=lambda r, f: softplus(-r).mean()),
            _round(loss_d=lambda r, f: softplus(f).mean()),
            _round(loss_d=lambda r, f: _loss_d(r, f.detach())),
            _round(loss_d=lambda r, f: _loss_d(r.detach(), f)),
        ),
        "D learned from one of its two batches only: a term is missing or cut off. "
        "Detach the *images*, not what D says of them; both terms move D.",
    ),
    Mistake(
        "halved",
        (
            _round(loss_d=lambda r, f: _loss_d(r, f) / 2),
            _round(
                loss_d=lambda r, f: _loss_d(r, f) / 2, loss_g=lambda f: _loss_g(f) / 2
            ),
            _round(loss_g=lambda f: _loss_g(f) / 2),
        ),
        "Right, up to a factor 1/2, which halves a step as well. The course sums D's "
        "two means (2 log 2 when fooled) and takes G's mean as it is.",
        kind="convention",
    ),
    Mistake(
        "one mean over both",
        tuple(
            _round(
                loss_d=lambda r, f, c=c: (
                    c * torch.cat([softplus(-r), softplus(f)]).mean()
                )
            )
            for c in (1, 2)
        ),
        "One mean over data and fakes together: the larger batch counts more. Two "
        "expectations are two means, and their sum.",
    ),
    Mistake(
        "summed over the batch",
        (
            _round(loss_d=_SUM_D, loss_g=lambda f: softplus(-f).sum()),
            _round(loss_d=_SUM_D),
            _round(loss_g=lambda f: softplus(-f).sum()),
        ),
        "A sum over the batch: the step grows with the batch. Take means.",
    ),
    Mistake(
        "targets of the other batch",
        _round(loss_d=lambda r, f: BCE_LOGITS(r, ones(r)) + BCE_LOGITS(f, zeros(r))),
        "Targets and logits are not of one number. The two batches may differ in size: "
        "take the shape of the targets from the logits that they belong to.",
    ),
]

_WHO_SEES_WHAT = [
    Mistake(
        "G is cut off",
        (
            _round(g_sees="detached"),
            _round(g_sees="detached", again=True),
            _round(g_sees="detached", d_sees="graph"),
            _round(g_sees="detached", d_sees="graph", zero_g=False),
        ),
        "G did not move: no gradient of its own loss reached it. It goes from "
        "`loss_g.backward()` back *through D* into G, and a `detach()` in G's step "
        "cuts that path. Detach in D's step only.",
    ),
    Mistake(
        "no_grad around D",
        _no_grad_for_d,
        "`no_grad` around D removes the graph, and with it the way from the loss into "
        "G. D stays put because `optimizer_g` does not hold its weights; "
        "`training.frozen(D)` saves the work without closing the way.",
    ),
    Mistake(
        "one graph, walked twice",
        _graph_used_twice,
        "D's `backward()` walked through G and freed the graph that G's own step "
        "needs. Give D `x_fake.detach()`: then G's graph is still whole. "
        "(`retain_graph=True` would hide the question.)",
    ),
    Mistake(
        "verdict of the old D",
        (
            _scores_of_the_old_d,
            _old_scores_detached_for_d,
            _two_losses_at_the_top,
        ),
        "G's loss was computed with D's old weights, and D's step has changed them "
        "since: autograd finds them 'modified by an inplace operation'. After "
        "`optimizer_d.step()` ask D again: `D(x_fake)`.",
    ),
    Mistake(
        "both at once",
        (
            _both_before_any_step(clean=True),
            _both_before_any_step(clean=False),
            _both_before_any_step(clean=False, shared=False),
            _g_first_old_images,
        ),
        "Each player answered where the other was *before* this round: a simultaneous "
        "step (and in some forms G's loss also left its gradients in D). It is a game "
        "of its own; here D steps first and G answers the new D.",
    ),
    Mistake(
        "G first",
        _g_first,
        "G stepped before D, so it listened to a D that had not seen this batch. D "
        "goes first.",
    ),
    Mistake(
        "real and fake in one pass",
        (
            _round(one_batch=True),
            _round(one_batch=True, d_sees="graph"),
        ),
        "Data and fakes went through D in *one* batch. Where D has batch "
        "normalization, it then sees by the company's statistics who is who. Two "
        "laws, two passes: `D(x_real)` and `D(x_fake)`.",
    ),
    Mistake(
        "new latents for G",
        tuple(_round(z_g=fresh) for fresh in _FRESH),
        "G's step drew latents of its own. That is a fair game too, but here both "
        "players meet over the images of the `z` handed in, and the loop decides what "
        "is drawn.",
    ),
    Mistake(
        "own latents",
        (
            *(_round(z_d=fresh) for fresh in _FRESH),
            _round(z_d=torch.rand_like),
            _round(z_d=torch.randn_like, again=True),
        ),
        "The latents were drawn inside the step. Use the `z` handed in, so that the "
        "loop decides what is drawn, and from which law.",
    ),
    Mistake(
        "eval mode",
        (
            _round(**_only("G")),
            _round(**_only("D")),
            _round(**_only("GD")),
            _round(around_g=_turned("D"), at_end=_turned("D", training_mode=True)),
            _round(
                around_d=_turned("G"),
                around_g=_turned("G", training_mode=True),
                again=True,
            ),
            _round(
                around_d=_turned("G"),
                again=True,
                around_g=lambda G, D: (G.train(), D.eval()),
                at_end=_turned("D", training_mode=True),
            ),
        ),
        "A network was in eval mode during a step: batch normalization used its "
        "running averages in place of the batch. Both train in training mode; to hold "
        "one still it is enough that the other's optimizer steps.",
    ),
    Mistake(
        "left in eval mode",
        (
            _round(at_end=_turned("G")),
            _round(at_end=_turned("D")),
            _round(at_end=_turned("G", "D")),
            _round(around_d=_turned("G")),
            _round(around_d=_turned("G", "D")),
            _round(around_g=_turned("D")),
        ),
        "A network came back in eval mode: from the next round on batch normalization "
        "uses running averages that nobody updates. The step leaves modes alone.",
    ),
    Mistake(
        "D stays frozen",
        (
            _round(around_g=_with_d_frozen),
            _round(at_end=_with_d_frozen),
            _round(around_d=_with_d_thawed, around_g=_with_d_frozen),
        ),
        "D came back with `requires_grad_(False)`: whoever trains it next finds a D "
        "that cannot learn. Undo it before you return; `with training.frozen(D):` "
        "does. Or leave it: `optimizer_g` does not move D.",
    ),
]

_WHO_STEPS = [
    Mistake(
        "G's step with D's optimizer",
        (
            _round(optimizer_of_g=lambda G, D, og, od: od),
            _round(optimizer_of_g=_of("D")),
            _round(optimizer_of_g=lambda G, D, og, od: od, zero_g=False),
        ),
        "After G's loss D was stepped, to be fooled more easily, and G never moved. "
        "One optimizer for each player: here `optimizer_g`.",
    ),
    Mistake(
        "D's step with G's optimizer",
        (_round(optimizer_of_d=lambda G, D, og, od: og, d_sees="graph"),),
        "After D's loss G's optimizer stepped, and D never moved. One optimizer for "
        "each player: here `optimizer_d`.",
    ),
    Mistake(
        "optimizers swapped",
        tuple(
            _round(
                optimizer_of_d=lambda G, D, og, od: og,
                optimizer_of_g=lambda G, D, og, od: od,
                d_sees=sees,
            )
            for sees in ("detached",)
        ),
        "Each player was stepped after the other's loss. The arguments come as "
        "`optimizer_g, optimizer_d`, G's first.",
    ),
    Mistake(
        "one optimizer for both",
        (
            _round(optimizer_of_g=_both_once),
            _round(
                optimizer_of_d=_both_once,
                optimizer_of_g=_both_once,
                d_sees="graph",
                again=True,
            ),
        ),
        "An optimizer over both networks stepped: whoever's loss it is, both slide "
        "down it, and the players cooperate. Use the two that are handed in.",
    ),
    Mistake(
        "own optimizer",
        tuple(
            _round(
                optimizer_of_d=_of("D", kind=kind, lr=lr),
                optimizer_of_g=_of("G", kind=kind, lr=lr),
            )
            for kind, lr in (
                (torch.optim.Adam, 2e-4),
                (torch.optim.Adam, 1e-3),
                (torch.optim.SGD, 0.01),
                (torch.optim.SGD, 0.1),
            )
        )
        + (_without_memory("GD"), _without_memory("D"), _without_memory("G")),
        "The steps are not those of the optimizers handed in, which have rates of "
        "their own and a memory (Adam's too) that one made anew has not. Call "
        "`optimizer_d.step()` and `optimizer_g.step()`.",
    ),
    Mistake(
        "D never steps",
        _round(step_d=0),
        "D's loss was computed and D did not move. `optimizer_d.step()` is missing, or "
        "it found nothing in `.grad`: clear, then `backward()`, then step.",
    ),
    Mistake(
        "G never steps",
        _round(step_g=0),
        "G's gradient came and G did not move. `optimizer_g.step()` is missing, or it "
        "found nothing in `.grad`: clear, then `backward()`, then step.",
    ),
    Mistake(
        "nobody steps",
        _round(step_d=0, step_g=0),
        "Neither player moved: `backward()` only fills `.grad`; `step()` of the "
        "player's own optimizer, right after it, does the moving.",
    ),
    Mistake(
        "two updates of one player",
        (_round(step_d=2), _round(step_g=2)),
        "A player moved twice as far as one step takes it: `step()` ran twice, or its "
        "loss was doubled. One update of each a round; more are the loop's business.",
    ),
    Mistake(
        "D's gradients pile up",
        (_round(zero_d=False), _round(zero_d=False, d_sees="graph")),
        "What stood in D's `.grad` was added to this round's gradient, and G's step "
        "fills it every time. `optimizer_d.zero_grad()` belongs before D's "
        "`backward()`.",
    ),
    Mistake(
        "G's gradients pile up",
        (_round(zero_g=False), _round(zero_g=False, d_sees="graph")),
        "What stood in G's `.grad` was added to this round's gradient. "
        "`optimizer_g.zero_grad()` belongs before G's `backward()`.",
    ),
    Mistake(
        "D's lesson left in G",
        (_cleared_at_the_top, _cleared_at_the_top_new_images),
        "D's `backward()` ran on through G, and what it left in G's `.grad` was added "
        "to G's own gradient: G also helps D. Stop it with `x_fake.detach()`, and "
        "clear G right before its own `backward()`.",
    ),
    Mistake(
        "nothing is cleared",
        (
            _round(zero_d=False, zero_g=False),
            _round(zero_d=False, zero_g=False, d_sees="graph"),
        ),
        "Neither player's `.grad` was cleared: gradients of all rounds add up. Call "
        "each optimizer's `zero_grad()` before its `backward()`.",
    ),
    Mistake(
        "cleared at the end",
        _round(zero_d=False, zero_g=False, zero_after=True),
        "Gradients are cleared at the end of the round, too late for what was there "
        "when it began. Clear right before each `backward()`.",
    ),
]

_RETURNED = [
    Mistake(
        "G's loss first",
        _round(returns=lambda d, g: (g.detach(), d.detach())),
        "The round is right; the two losses change places. Return D's first.",
        kind="convention",
    ),
    Mistake(
        "one number",
        (
            _round(returns=lambda d, g: (d + g).detach()),
            _round(returns=lambda d, g: (d + g).item()),
            _round(returns=lambda d, g: d.detach()),
            _round(returns=lambda d, g: g.detach()),
        ),
        "One number came back. Two are wanted, `(loss_d, loss_g)`: their sum says "
        "nothing about who is winning.",
        kind="convention",
    ),
    Mistake(
        "nothing returned",
        _round(returns=lambda d, g: None),
        "The round is right and nothing is returned. End with "
        "`return loss_d.detach(), loss_g.detach()`.",
    ),
    Mistake(
        "stacked",
        (
            _round(returns=lambda d, g: torch.stack([d, g]).detach()),
            _round(returns=lambda d, g: {"loss_d": d.item(), "loss_g": g.item()}),
        ),
        "The round is right; the losses come in a container of your own. Return a "
        "pair: `loss_d.detach(), loss_g.detach()`.",
        kind="convention",
    ),
    Mistake(
        "losses after the update",
        tuple(map(_after, ("D", "G", "DG", "all at the end"))),
        "The round is right; a loss was computed again after its own update. Return "
        "the one that you descended: it is there already, and costs nothing.",
        kind="convention",
    ),
]

_WASTE = [
    Mistake(
        "the graph kept",
        _round(returns=lambda d, g: (d, g)),
        "Right. The returned losses hold their graphs: who collects losses fills the "
        "memory. Return `loss.detach()` or `loss.item()`.",
        kind="waste",
    ),
    Mistake(
        "no detach",
        (
            _round(d_sees="graph"),
            _round(d_sees="graph", returns=lambda d, g: (d, g)),
        ),
        "Right, and more work than needed: D's gradient also runs back through G, "
        "where it is thrown away. `x_fake.detach()` in D's step stops it at the image.",
        kind="waste",
    ),
    Mistake(
        "G runs twice",
        (
            _round(again=True),
            _round(again=True, d_sees="graph"),
            _round(again=True, returns=lambda d, g: (d, g)),
            _no_grad_for_g,
        ),
        "Right. G made the same images twice (and its batch normalization counted "
        "them twice). Keep `x_fake`: D gets it detached, G as it is.",
        kind="waste",
    ),
]

register(
    Exercise(
        name="train_step",
        lesson=7,
        reference=training.train_step,
        observe=_watch,
        probes={
            "one step": _probe(),
            "junk left in .grad": _probe(junk=3.0),
            "two steps": _probe(times=2),
            "9 real, 4 latents": _probe(9, 4),
            "a D that says real": _probe(sure=2.0, seed=4),
            "batch normalization": _probe(normalized=True, times=2),
        },
        later={
            "optimizers with momentum": _probe(times=2, memory=True),
            "one image, one latent": _probe(1, 1),
            "a steep D that calls all fake": _probe(sure=-15.0, steep=5.0, seed=3),
            "a D that calls all real": _probe(sure=6.0, seed=4),
            "a D that wins": _probe(steep=4.0, seed=19),
            "70 images, 80 latents": _probe(70, 80),
        },
        accepts=[
            _round(),
            _round(returns=lambda d, g: (d.item(), g.item())),
            _no_grad_for_g,
            _two_backwards,
            _slopes_asked_for,
            _freezing_and_undoing,
            _round(again=True),
            _round(
                loss_d=lambda r, f: -F.logsigmoid(r).mean() - F.logsigmoid(-f).mean(),
                loss_g=lambda f: -F.logsigmoid(f).mean(),
            ),
            _round(
                loss_d=lambda r, f: (
                    -(sigmoid(r).log().mean() + (1 - sigmoid(f)).log().mean())
                ),
                loss_g=lambda f: -sigmoid(f).log().mean(),
            ),
            lambda G, D, og, od, x, z: _round(
                optimizer_of_d=lambda *_: od, optimizer_of_g=lambda *_: og
            )(G, D, og, od, x, z),
        ],
        mistakes=[*_RETURNED, *_WHICH_LOSS, *_WHO_SEES_WHAT, *_WHO_STEPS, *_WASTE],
        hints=[
            "Two halves with the same five moves: images, logits, loss, gradients, "
            "step. Whose turn comes first, and what must the other half see then?",
            "In D's half the images are a fact: where does their graph end? In G's "
            "half the gradient comes from the loss *through D*: what must not be cut?",
            "D has changed by the time G moves, so G's loss needs a new verdict, "
            "`D(x_fake)`. And what stands in `.grad` before each `backward()`?",
        ],
        answer=(
            "x_fake = G(z)\n"
            "loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))\n"
            "optimizer_d.zero_grad()\n"
            "loss_d.backward()\n"
            "optimizer_d.step()\n"
            "loss_g = losses.generator_loss(D(x_fake))\n"
            "optimizer_g.zero_grad()\n"
            "loss_g.backward()\n"
            "optimizer_g.step()\n"
            "return loss_d.detach(), loss_g.detach()"
        ),
        because="D learns from images that are cut off from G; G learns through the "
        "new D, and `optimizer_g` moves G alone.",
        praise="This is the whole of GAN training. What follows repeats it.",
        rtol=1e-4,
    )
)
