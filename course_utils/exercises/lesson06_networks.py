"""Lesson 6, third part: initial weights, and the two networks of the DCGAN.

A network is judged by what it does once the check has set its weights, by shape and
role, whatever their names and however they are held.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import models

from .engine import Exercise, Mistake, register

Seen = Iterator[tuple[str, Any]]
LOUD = "with weights several times as large"
FAR_TOO_MANY = 1_000_000  # parameters at 8 base channels: running it would take long


# ------------------------------------------------------------- initial weights


def init_weights(module: nn.Module) -> None:
    """DCGAN's initial weights for one layer, drawn from the global random state."""
    models.init_weights(module)


def _seeded(make: Callable[..., nn.Module], *sizes: int, **options: Any):
    """A probe with a new network, the same each time."""
    return lambda: (make(*sizes, **options),)


def _small_network() -> nn.Module:
    """Every kind of layer of the two networks, and some that have no weights.

    Wide ones: a spread measured on few weights would differ from draw to draw.
    """
    return nn.Sequential(
        nn.ConvTranspose2d(64, 64, 4, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 64, 4, bias=False), nn.Tanh(),
        nn.Conv2d(64, 64, 4), nn.BatchNorm2d(64), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 32, 4, bias=False), nn.Flatten(0),
        nn.Conv2d(64, 64, 3, bias=False), nn.Conv2d(2048, 1, 4, bias=False),
    )  # fmt: skip


def _rest(network: nn.Module) -> dict[str, Any]:
    """What initial weights leave alone."""
    parameters = [(n, p.shape, p.dtype) for n, p in network.named_parameters()]
    return {
        "layers and their settings": repr(network),
        "modes, training or eval": [m.training for m in network.modules()],
        "parameters, by name, shape and type": parameters,
        "running statistics": [float(b.double().sum()) for b in network.buffers()],
        "gradients": [p.grad is None for p in network.parameters()],
    }


def _neighbors(weight: Tensor) -> float:
    """How a weight goes with the next one; 0 if all are drawn independently."""
    x = (weight - weight.mean()).flatten()
    return float((x[1:] * x[:-1]).mean() / x.square().mean())


def _near_one(weight: Tensor) -> bool:
    """1 or N(1, 0.02); from few numbers a spread is not told."""
    if (weight - 1).abs().max() >= 0.15:
        return False
    return len(weight) < 256 or _narrow(float(weight.std()))


def _narrow(std: float) -> bool:
    return std < 1e-6 or 0.7 < std / models.STD < 1.3


def drawn(function: Any, network: nn.Module) -> Seen:
    """Each layer's law after `network.apply(function)`."""
    rest = _rest(network)
    network.apply(function)
    for i, layer in enumerate(network.modules()):
        if isinstance(layer, nn.BatchNorm2d):
            weight = layer.weight
            yield f"batch norm {i}: mean of the weights", float(weight.mean())
            yield f"batch norm {i}: weights 1 or N(1, 0.02)", _near_one(weight)
            yield f"batch norm {i}: largest bias", float(layer.bias.abs().max())
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            weight = layer.weight.detach()
            yield f"layer {i}: standard deviation", float(weight.std())
            error = models.STD / weight.numel() ** 0.5
            yield f"layer {i}: mean, in standard errors", float(weight.mean() / error)
            shape = float(((weight - weight.mean()) / weight.std()).pow(4).mean())
            yield f"layer {i}: fourth moment", shape
            yield f"layer {i}: each weight with the next", _neighbors(weight)
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    layers = [m for m in network.modules() if isinstance(m, kinds)]
    heads = [layer.weight.flatten()[:999] for layer in layers]
    twins = any(torch.equal(*pair) for pair in itertools.combinations(heads, 2))
    yield "two layers start equal", twins
    for name, now in _rest(network).items():
        yield name, "as before" if now == rest[name] else "changed"
    learns = all(p.requires_grad and p.is_leaf for p in network.parameters())
    yield "all parameters can still learn", learns


def _init(
    convolution: Callable[[Tensor], Any] | None = lambda w: nn.init.normal_(w, 0, 0.02),
    weight: Callable[[Tensor], Any] | None = lambda w: nn.init.normal_(w, 1, 0.02),
    bias: Callable[[Tensor], Any] | None = nn.init.zeros_,
    kinds: tuple = (nn.Conv2d, nn.ConvTranspose2d),
) -> Callable[[nn.Module], None]:
    """Initial weights with one part changed."""

    def init(module: nn.Module) -> None:
        if isinstance(module, kinds) and convolution:
            convolution(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            if weight:
                weight(module.weight)
            if bias:
                bias(module.bias)

    return init


def _by_name(module: nn.Module) -> None:
    name = module.__class__.__name__
    if name.find("Conv") != -1:
        module.weight.data.normal_(0.0, 0.02)
    elif name.find("BatchNorm") != -1:
        module.weight.data.normal_(1.0, 0.02)
        module.bias.data.fill_(0)


def _new_parameters(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        module.weight = nn.Parameter(0.02 * torch.randn(module.weight.shape))


def _whole_tree(module: nn.Module) -> None:
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                layer.weight.normal_(0, 0.02)
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.fill_(1)
                layer.bias.fill_(0)


def _everything(module: nn.Module) -> None:
    nn.init.normal_(module.weight, 0.0, 0.02)


def _with_bias(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        nn.init.zeros_(module.bias)


def _assigned(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        module.weight = torch.randn(module.weight.shape) * 0.02


def _one_seed(module: nn.Module) -> None:
    torch.manual_seed(0)
    models.init_weights(module)


def _frozen(module: nn.Module) -> None:
    models.init_weights(module)
    for parameter in module.parameters():
        parameter.requires_grad_(False)


def _scaled(weight: Tensor) -> None:
    with torch.no_grad():
        weight.mul_(0.02)


STATISTICS = {
    f"layer {i}: {what}": tolerance
    for i in range(16)
    for what, tolerance in {
        "standard deviation": (0.03, 0.0),
        "mean, in standard errors": (0.0, 8.0),
        "fourth moment": (0.0, 0.5),
        "each weight with the next": (0.0, 0.05),
    }.items()
}
for i in range(16):
    STATISTICS[f"batch norm {i}: mean of the weights"] = (0.0, 0.02)
    STATISTICS[f"batch norm {i}: largest bias"] = (0.0, 0.0)

register(
    Exercise(
        name="init_weights",
        lesson=6,
        reference=init_weights,
        observe=drawn,
        probes={
            "a convolution": _seeded(nn.Conv2d, 32, 64, 4, bias=False),
            "a transposed convolution": _seeded(
                nn.ConvTranspose2d, 64, 32, 4, bias=False
            ),
            "batch normalization": _seeded(nn.BatchNorm2d, 256),
            "a whole network": _seeded(_small_network),
        },
        accepts=[
            _by_name,
            _new_parameters,  # batch normalization starts at 1 and 0 by itself
            _whole_tree,
            _init(weight=None, bias=None),
            _init(weight=nn.init.ones_),
            _init(lambda w: nn.init.trunc_normal_(w, std=0.02)),
            _init(lambda w: w.data.copy_(torch.randn_like(w) * 0.02)),
        ],
        mistakes=[
            Mistake(
                "not assigned",
                (
                    _init(lambda w: w * 0.02, lambda w: w),
                    _init(lambda w: torch.randn_like(w) * 0.02, None),
                    _init(lambda w: nn.init.normal_(w.clone(), 0, 0.02), None),
                    lambda module: None,
                ),
                "The weights are still PyTorch's: either your condition meets none of "
                "these layers, or what you make is thrown away. Write *into* the "
                "weight, as `nn.init.normal_(module.weight, ...)` does.",
            ),
            Mistake(
                "batch norm centered at 0",
                (
                    _init(weight=lambda w: nn.init.normal_(w, 0, 0.02)),
                    _init(weight=nn.init.zeros_),
                ),
                "Batch normalization's weight *multiplies*: near 0 it switches the "
                "signal off. It starts near 1, its bias at 0.",
            ),
            Mistake(
                "transposed forgotten",
                _init(kinds=(nn.Conv2d,)),
                "The generator's layers keep PyTorch's weights: nn.ConvTranspose2d is "
                "no nn.Conv2d. Ask for both.",
            ),
            Mistake(
                "convolutions forgotten",
                _init(kinds=(nn.ConvTranspose2d,)),
                "The discriminator's layers keep PyTorch's weights: ask for nn.Conv2d, "
                "too.",
            ),
            Mistake(
                "variance for standard deviation",
                (
                    _init(lambda w: nn.init.normal_(w, 0, 0.02**2)),
                    _init(lambda w: nn.init.normal_(w, 0, 0.02**0.5)),
                ),
                "0.02 is the standard deviation itself, and `normal_` wants that: no "
                "square, no root.",
            ),
            Mistake(
                "not normal",
                (
                    _init(lambda w: nn.init.uniform_(w, -0.02, 0.02)),
                    _init(lambda w: nn.init.uniform_(w, -0.0346, 0.0346)),
                ),
                "Those numbers are uniform. Wanted is a normal law, which has a tail.",
            ),
            Mistake(
                "another rule",
                (
                    _init(nn.init.kaiming_normal_),
                    _init(nn.init.xavier_normal_),
                    _init(nn.init.xavier_uniform_),
                    _init(nn.init.orthogonal_),
                ),
                "That rule takes the spread from the layer's size. DCGAN takes 0.02 "
                "for every layer.",
            ),
            Mistake(
                "mean for standard deviation",
                (
                    _init(lambda w: nn.init.normal_(w, 0.02)),
                    _init(lambda w: nn.init.normal_(w, 0.02, 1)),
                    _init(lambda w: nn.init.normal_(w)),
                ),
                "`normal_(weight, mean, std)`: the mean is 0 and the standard "
                "deviation 0.02; yours is 1.",
            ),
            Mistake(
                "convolutions around 1",
                _init(lambda w: nn.init.normal_(w, 1, 0.02)),
                "The mean 1 is for batch normalization. Convolutions' weights have "
                "mean 0.",
            ),
            Mistake(
                "scaled",
                _init(_scaled),
                "You multiply PyTorch's weights by 0.02. Wanted are new ones with a "
                "standard deviation of 0.02.",
            ),
            Mistake(
                "a constant",
                (
                    _init(lambda w: nn.init.constant_(w, 0.02)),
                    _init(nn.init.zeros_),
                ),
                "All weights of a layer are equal, so its units would stay copies of "
                "one another for ever. Draw them.",
            ),
            Mistake(
                "every module has a weight",
                (
                    _everything,
                    lambda module: module.weight.data.normal_(0, 0.02),
                ),
                "`apply` calls you with every part: ReLU, too, which has no weight, "
                "and batch normalization, whose weight belongs near 1. Look first at "
                "what kind of layer it is.",
            ),
            Mistake(
                "a bias that is not there",
                _with_bias,
                "These convolutions have no bias: `module.bias` is None. Leave it, or "
                "ask first.",
            ),
            Mistake(
                "a tensor for a parameter",
                _assigned,
                "PyTorch takes only an nn.Parameter in that place. Write into the one "
                "that is there: `nn.init.normal_(module.weight, ...)`.",
            ),
            Mistake(
                "in place with a gradient",
                _init(lambda w: w.normal_(0, 0.02)),
                "Autograd watches that parameter and refuses. `nn.init.normal_` does "
                "it without being watched; so does `torch.no_grad()`.",
            ),
            Mistake(
                "one seed for each layer",
                _one_seed,
                "You seed inside the function, so that layers start equal. Seed once, "
                "before `apply`.",
            ),
            Mistake(
                "a random bias",
                (
                    _init(bias=lambda b: nn.init.normal_(b, 0, 0.02)),
                    _init(bias=nn.init.ones_),
                ),
                "Batch normalization's bias starts at exactly 0.",
            ),
            Mistake(
                "frozen",
                _frozen,
                "The parameters no longer ask for a gradient: they could not learn.",
            ),
        ],
        hints=[
            "`apply` hands you every layer, one after the other. Which three kinds "
            "have to be told apart? `isinstance(module, nn.Conv2d)`.",
            "`nn.init.normal_(module.weight, mean, std)` writes into a weight. Which "
            "mean has a weight that multiplies?",
        ],
        answer="""\
if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
    nn.init.normal_(module.weight, 0.0, 0.02)
elif isinstance(module, nn.BatchNorm2d):
    nn.init.normal_(module.weight, 1.0, 0.02)
    nn.init.zeros_(module.bias)""",
        because="Convolutions of both kinds are drawn from N(0, 0.02); batch "
        "normalization begins by changing nothing, about.",
        praise="Written is not called: a network has these weights only after "
        "`network.apply(init_weights)`.",
        tolerance=STATISTICS,
        rtol=1e-3,
        atol=1e-3,
    )
)


# ------------------------------------------------------------- watching a network


def fill(network: nn.Module) -> None:
    """Give each parameter numbers that its shape and role decide, not its name."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(_numbers(parameter))


def _numbers(parameter: Tensor) -> Tensor:
    shape = tuple(parameter.shape)
    if len(shape) == 1:  # a scale starts at 1, a shift anywhere else
        scale = bool(parameter.mean() > 0.5)
        return float(scale) + 0.3 * _normal(shape, f"scale {scale}")
    if len(shape) == 2 and shape[0] % 16 == 0:  # projected, then reshaped: the same map
        n_out, n_in = shape
        return _spread((n_in, n_out // 16, 4, 4)).reshape(n_in, n_out).T
    if len(shape) == 2 and shape[1] % 16 == 0:  # flattened, then projected
        return _spread((shape[0], shape[1] // 16, 4, 4)).reshape(shape)
    return _spread(shape)


def _spread(shape: tuple[int, ...]) -> Tensor:
    """Wide enough that a logit, and a pixel before its tanh, is about 1 in size."""
    fan = torch.Size(shape[1:]).numel()
    return _normal(shape, "weight") / max(fan, 1) ** 0.5


def _normal(shape: Sequence[int], role: str) -> Tensor:
    seed = zlib.crc32(f"{role} {tuple(shape)}".encode())
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _hidden(network: nn.Module) -> bool:
    """Whether layers with weights stand in a plain list, out of PyTorch's sight."""
    known, found = set(network.modules()), []
    for box in vars(network).values():
        if isinstance(box, dict | list | tuple):
            found += box.values() if isinstance(box, dict) else box
    lost = [m for m in found if isinstance(m, nn.Module) and m not in known]
    return any(True for m in lost for _ in m.parameters())


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _made(build: Callable[[], Any], full_size: bool) -> Any:
    """A network; at full size without memory: its parameters are only counted."""
    if not full_size:
        return build()
    with torch.device("meta"):
        return build()


def _as_built(build: Callable[[], nn.Module], example: Tensor) -> Seen:
    """What building and calling a network sets besides its weights."""
    ends = []
    for seed in (1, 2):
        torch.default_generator.manual_seed(seed)
        network = build()
        training = all(m.training for m in network.modules())
        network(example.clone())
        ends.append(torch.get_rng_state())
    yield "the global seed is set", torch.equal(*ends)
    yield "a new network is in training mode", training


def _afterwards(network: nn.Module, result: Tensor, x: Tensor) -> Seen:
    """Which gradients arrive, and whether the mode is as it was."""
    yield "training mode after a call", all(m.training for m in network.modules())
    weights = list(network.parameters())
    yield "all its weights ask for gradients", all(p.requires_grad for p in weights)
    wanted = [t for t in (x, *weights) if t.requires_grad]
    total = (result * _normal(result.shape, "slopes")).sum()
    slopes = torch.autograd.grad(total, wanted, allow_unused=True)
    yield "a gradient reaches its input", slopes[0] is not None
    lost = sum(s is None or not bool(s.any()) for s in slopes[1:])
    yield "weights that no gradient reaches", lost
    yield "gradients left behind in .grad", any(p.grad is not None for p in weights)


def _in_eval(network: nn.Module, batch: Tensor, what: str) -> Seen:
    """With stored statistics; the mode has to stay."""
    network.eval()
    with torch.no_grad():
        yield f"{what} in eval mode", network(batch.clone())
    still = not any(m.training for m in network.modules())
    yield "eval mode after a call", still


def _louder(network: nn.Module, factor: float) -> nn.Module:
    """All parameters several times as large: what clamps inside, shows."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(factor)
    return network.train()


def images(answer: Any, *options: int) -> Seen:
    """What a generator is and makes; options: latent_dim, base_channels, channels."""
    names = ("latent_dim", "base_channels", "channels")
    given = dict(zip(names, options, strict=False))
    G = _made(lambda: answer(**given), not options)
    yield "it is an nn.Module", isinstance(G, nn.Module)
    if not isinstance(G, nn.Module):
        return
    yield "layers in a plain list", _hidden(G)
    if _hidden(G):
        return
    yield "number of parameters", f"{_count(G):,}"  # a text: 1 % off is another
    if not options or _count(G) > FAR_TOO_MANY:
        return
    fill(G)
    z = _normal((2, options[0]), "latents")
    kept = z.clone()
    x = G.train()(z)
    yield "its images", x if not isinstance(x, Tensor) else "a tensor"
    if not isinstance(x, Tensor):
        return
    yield "shape of its images", str(tuple(x.shape))
    yield "its latents", z.shape == kept.shape and torch.equal(z, kept)
    if x.shape != (2, options[2], 64, 64):
        return
    yield "darkest and brightest are -1 and 1 at most", bool(x.abs().max() <= 1)
    yield "some pixels are below 0", bool(x.min() < 0)
    yield "a gradient reaches its weights", x.requires_grad
    yield "images of weights that the check has set", x
    if not x.requires_grad:
        return
    z = kept.clone().requires_grad_()
    yield from _afterwards(G, G(z), z)
    yield from _in_eval(G, kept, "images")
    yield "in eval mode an image depends on its company", _sociable(G.eval(), kept)
    yield "images of faint latents", G.train()(1e-3 * kept)
    yield "images of large latents", G.train()(5 * kept)
    yield LOUD, _louder(G, 4.0)(kept.clone())
    yield from _as_built(lambda: answer(**given), kept)


def logits(answer: Any, *options: int) -> Seen:
    """What a discriminator is and says; options: base_channels, channels."""
    given = dict(zip(("base_channels", "channels"), options, strict=False))
    D = _made(lambda: answer(**given), not options)
    yield "it is an nn.Module", isinstance(D, nn.Module)
    if not isinstance(D, nn.Module):
        return
    yield "layers in a plain list", _hidden(D)
    if _hidden(D):
        return
    yield "number of parameters", f"{_count(D):,}"  # a text: 1 % off is another
    if not options or _count(D) > FAR_TOO_MANY:
        return
    fill(D)
    x = torch.tanh(_normal((3, options[1], 64, 64), "images"))
    kept = x.clone()
    said = D.train()(x)
    yield "its logits", said if not isinstance(said, Tensor) else "a tensor"
    if not isinstance(said, Tensor):
        return
    yield "shape of its logits", str(tuple(said.shape))
    yield "its images are left as they are", torch.equal(x, kept)
    if said.shape != (3,):
        return
    like_probabilities = bool(said.min() >= 0 and said.max() <= 1)
    yield "all within [0, 1], like probabilities", like_probabilities
    yield "a gradient reaches its weights", said.requires_grad
    yield "logits of weights that the check has set", said
    yield "shape for a single image", str(tuple(D(kept[:1]).shape))
    if not said.requires_grad:
        return
    x = kept.clone().requires_grad_()
    yield from _afterwards(D, D(x), x)
    yield from _in_eval(D, kept, "logits")
    yield "in eval mode a logit depends on its company", _sociable(D.eval(), kept)
    yield "logits of faint images", D.train()(1e-2 * kept)
    yield LOUD, _louder(D, 20.0)(kept.clone())
    yield from _as_built(lambda: answer(**given), kept)


def _sociable(network: nn.Module, batch: Tensor) -> bool:
    with torch.no_grad():
        alone, in_company = network(batch[:1]), network(batch)[:1]
    near = alone.shape == in_company.shape
    return not (near and torch.allclose(alone, in_company, atol=1e-3))


# ------------------------------------------------------------- the generator


class Generator(models.Generator):
    """DCGAN's generator at 64 pixels."""

    def __init__(
        self, latent_dim: int = 100, base_channels: int = 64, channels: int = 3
    ) -> None:
        super().__init__(latent_dim, base_channels, channels)


def _as_map(z: Tensor) -> Tensor:
    return z[:, :, None, None]


def _generator(
    *, widths: Sequence[int] = (8, 4, 2, 1), bias: bool = False, last_bias=False,
    normed: Sequence[int] = (0, 1, 2, 3), norm: Any = nn.BatchNorm2d, after=False,
    activation: Callable = nn.ReLU, end: Sequence[Callable] = (nn.Tanh,),
    last_norm=False, kernel: int = 4, layer: Any = nn.ConvTranspose2d,
    reshape: Callable = _as_map, finish: Callable = lambda x: x, **typed: int,
) -> type:  # fmt: skip
    """DCGAN's generator with one thing changed."""
    stride = {4: (2, 1), 3: (2, 1, 1), 5: (2, 2, 1), 2: (2, 0)}[kernel]

    class Changed(nn.Module):
        def __init__(self, latent_dim=100, base_channels=64, channels=3):
            super().__init__()
            n = typed.get("latent_dim", latent_dim)
            b = typed.get("base_channels", base_channels)
            steps: list[nn.Module] = []
            for i, width in enumerate(widths):
                how = (kernel, *stride) if i else (4, 1, 0)
                steps.append(layer(n, b * width, *how, bias=bias))
                n = b * width
                parts = [norm(n)] if i in normed else []
                steps += [activation(), *parts] if after else [*parts, activation()]
            c = typed.get("channels", channels)
            steps.append(layer(n, c, kernel, *stride, bias=bias or last_bias))
            steps += [norm(c)] if last_norm else []
            self.steps = nn.Sequential(*steps, *(part() for part in end))

        def forward(self, z: Tensor) -> Tensor:
            return finish(self.steps(reshape(z)))

    return Changed


class _Projected(nn.Module):
    """The first layer as a matrix, the others in a list, everything by hand."""

    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        self.width = 8 * base_channels
        self.project = nn.Linear(latent_dim, 16 * self.width, bias=False)
        widths = [self.width, self.width // 2, self.width // 4, base_channels, channels]
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in widths[:-1])
        self.ups = nn.ParameterList(
            nn.Parameter(torch.randn(a, b, 4, 4))
            for a, b in zip(widths, widths[1:], strict=False)
        )

    def forward(self, z: Tensor) -> Tensor:
        x = self.project(z).reshape(len(z), self.width, 4, 4)
        for norm, weight in zip(self.norms, self.ups, strict=True):
            x = F.conv_transpose2d(norm(x).clamp(min=0), weight, stride=2, padding=1)
        return x.tanh()


class _Enlarged(nn.Module):
    """Resize, then convolve: no checkerboard, another network."""

    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        widths = [8 * base_channels // 2**i for i in range(4)] + [channels]
        steps = [nn.ConvTranspose2d(latent_dim, widths[0], 4, bias=False)]
        for a, b in zip(widths, widths[1:], strict=False):
            steps += [nn.BatchNorm2d(a), nn.ReLU(), nn.Upsample(scale_factor=2)]
            steps += [nn.Conv2d(a, b, 3, 1, 1, bias=False)]
        self.steps = nn.Sequential(*steps, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.steps(_as_map(z))


class _NoModule:
    """Layers in a plain class."""

    def __init__(self, *sizes: int, **named: int) -> None:
        self.steps = nn.Sequential(nn.Conv2d(3, 8, 4))

    def __call__(self, x: Tensor) -> Tensor:
        return self.steps(x)


class _Listed(nn.Module):
    """Layers in a plain list: nobody sees their parameters."""

    box: Callable = list

    def __init__(self, *sizes: int, **named: int) -> None:
        super().__init__()
        self.steps = self.box([nn.Conv2d(3, 8, 4), nn.ReLU()])


class _ListedNorms(_Listed):
    """Only some of the layers in a plain box."""

    box = tuple

    def __init__(self, *sizes: int, **named: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(8, 1, 4)


LISTED = (
    "Your layers stand in a plain list, and PyTorch does not look into it: their "
    "weights are no parameters, so nobody trains or saves them. Use `nn.Sequential` "
    "or `nn.ModuleList`."
)


def _leaky(slope: float = 0.2) -> Callable[[], nn.Module]:
    return lambda: nn.LeakyReLU(slope)


def _unsure(width: int) -> nn.Module:
    return nn.BatchNorm2d(width, track_running_stats=False)


def _each_image(width: int) -> nn.Module:
    return nn.InstanceNorm2d(width, affine=True)


register(
    Exercise(
        name="Generator",
        lesson=6,
        reference=Generator,
        observe=images,
        probes={
            "at full size": lambda: (),  # soon told, so first
            "latent_dim 20, base_channels 8, channels 3": lambda: (20, 8, 3),
            "latent_dim 12, base_channels 8, channels 1": lambda: (12, 8, 1),
        },
        accepts=[
            _generator(),
            _generator(reshape=lambda z: z.view(len(z), -1, 1, 1)),
            _generator(activation=lambda: nn.ReLU(inplace=True)),
            _generator(end=(), finish=torch.tanh),
            _Projected,
        ],
        mistakes=[
            Mistake(
                "no module",
                _NoModule,
                "That is a plain class: write `class Generator(nn.Module):`, so that "
                "`.parameters()`, `.apply()` and `.eval()` are there.",
            ),
            Mistake("layers in a plain list", (_Listed, _ListedNorms), LISTED),
            Mistake(
                "the latent is no map",
                (
                    _generator(reshape=lambda z: z),
                    _generator(reshape=lambda z: z[:, None, None]),
                    _generator(reshape=lambda z: z.unsqueeze(2)),
                    _generator(reshape=lambda z: z[None, None]),
                ),
                "A convolution wants (n, channels, height, width); z is (n, "
                "latent_dim). Make it a map of one pixel: `z[:, :, None, None]`.",
            ),
            Mistake(
                "biases",
                (_generator(bias=True), _generator(last_bias=True)),
                "The convolutions have biases. Batch normalization subtracts them at "
                "once, and the course leaves the last one out, too: `bias=False`.",
                kind="convention",
            ),
            Mistake(
                "no batch normalization",
                _generator(normed=()),
                "There is no batch normalization: each layer but the last has one, "
                "between convolution and ReLU.",
            ),
            Mistake(
                "batch normalization at the end",
                (
                    _generator(last_norm=True),
                    _generator(last_norm=True, normed=(1, 2, 3)),
                ),
                "The last layer is normalized, too: every batch would get the same "
                "mean color. DCGAN leaves that one out.",
            ),
            Mistake(
                "one stage not normalized",
                (
                    _generator(normed=(1, 2, 3)),
                    _generator(normed=(0, 1, 2)),
                    _generator(normed=(0, 2, 3)),
                ),
                "One stage lacks its batch normalization. Only the last layer, which "
                "makes the image, goes without.",
            ),
            Mistake(
                "normalized after ReLU",
                _generator(after=True),
                "You normalize what ReLU has left over. The order is convolution, "
                "batch normalization, ReLU.",
            ),
            Mistake(
                "another normalization",
                (_generator(norm=_each_image), _generator(norm=nn.InstanceNorm2d)),
                "That normalizes each image by itself, and removes what differs "
                "between images. Batch normalization is `nn.BatchNorm2d`, with the "
                "whole batch at once.",
            ),
            Mistake(
                "no running statistics",
                _generator(norm=_unsure),
                "Without running statistics an image depends on its company even in "
                "eval mode. Keep nn.BatchNorm2d's own settings.",
            ),
            Mistake(
                "sigmoid at the end",
                _generator(end=(nn.Sigmoid,)),
                "A sigmoid makes pixels in [0, 1]; the data lie in [-1, 1]. D would "
                "need nothing but the sign of a pixel. End in tanh.",
            ),
            Mistake(
                "nothing at the end",
                _generator(end=()),
                "Pixels leave [-1, 1]: the last layer's numbers go out as they are. "
                "End in tanh.",
            ),
            Mistake(
                "clamped",
                (
                    _generator(end=(nn.Hardtanh,)),
                    _generator(end=(), finish=lambda x: x.clamp(-1, 1)),
                ),
                "Clamping keeps pixels in [-1, 1], with slope 0 outside: they would "
                "get no gradient back. End in tanh.",
            ),
            Mistake(
                "ReLU before the end",
                (
                    _generator(end=(nn.ReLU, nn.Tanh)),
                    _generator(end=(nn.Tanh, nn.ReLU)),
                    _generator(end=(nn.ReLU,)),
                ),
                "A ReLU behind the last layer removes every pixel below 0, half of "
                "the range. tanh alone belongs there.",
            ),
            Mistake(
                "leaky ReLU",
                (_generator(activation=_leaky()), _generator(activation=_leaky(0.01))),
                "Leaky ReLU is D's. G's layers have plain ReLU.",
            ),
            Mistake(
                "no activation",
                _generator(activation=nn.Identity),
                "Nothing bends between the layers: linear maps in a row are one "
                "linear map. ReLU belongs behind each batch normalization.",
            ),
            Mistake(
                "tanh everywhere",
                _generator(activation=nn.Tanh),
                "tanh is for the image alone; ReLU stands behind the other layers.",
            ),
            Mistake(
                "one stage too few",
                (
                    _generator(widths=(8, 4, 2), normed=(0, 1, 2)),
                    _generator(widths=(4, 2, 1), normed=(0, 1, 2)),
                ),
                "Your images have 32 pixels: one doubling is missing. From 4 to 64 it "
                "takes four.",
            ),
            Mistake(
                "one stage too many",
                (
                    _generator(widths=(8, 4, 2, 1, 1), normed=(0, 1, 2, 3, 4)),
                    _generator(widths=(16, 8, 4, 2, 1), normed=(0, 1, 2, 3, 4)),
                ),
                "Your images have 128 pixels: one doubling too many. From 4 to 64 it "
                "takes four.",
            ),
            Mistake(
                "other widths",
                (
                    _generator(widths=(1, 2, 4, 8)),
                    _generator(widths=(8, 8, 8, 8)),
                    _generator(widths=(1, 1, 1, 1)),
                    _generator(widths=(16, 8, 4, 2)),
                ),
                "The channels are not 8b, 4b, 2b, b: as the map doubles, its channels "
                "halve.",
            ),
            Mistake(
                "another kernel",
                (_generator(kernel=3), _generator(kernel=5), _generator(kernel=2)),
                "The sizes fit, the kernel is not 4. (An odd kernel with stride 2 "
                "makes the checkerboard of this lesson.)",
            ),
            Mistake(
                "resized, then convolved",
                _Enlarged,
                "Enlarging first and convolving then is a good cure for checkerboards, "
                "and another network. Use transposed convolutions here.",
            ),
            Mistake(
                "a number typed in",
                (
                    _generator(latent_dim=100),
                    _generator(base_channels=64),
                    _generator(channels=3),
                    _generator(channels=1),
                ),
                "A size is typed in. Take `latent_dim`, `base_channels` and `channels` "
                "from the arguments.",
            ),
            Mistake(
                "convolutions that shrink",
                _generator(layer=nn.Conv2d),
                "nn.Conv2d shrinks, and a map of one pixel has no room for it. "
                "nn.ConvTranspose2d enlarges.",
            ),
        ],
        hints=[
            "`transposed_conv_output_size`: which kernel, stride and padding take 1 to "
            "4? Which take 4 to 8?",
            "Five transposed convolutions: latent_dim -> 8b -> 4b -> 2b -> b -> "
            "channels. Behind each but the last: nn.BatchNorm2d, then nn.ReLU.",
            "Collect the layers in a list, `nn.Sequential(*layers)`; in `forward` make "
            "z a map of one pixel, `z[:, :, None, None]`.",
        ],
        answer='''\
class Generator(nn.Module):
    """z (n, latent_dim) -> images (n, channels, 64, 64) in [-1, 1]."""

    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        n = 8 * base_channels
        layers = [nn.ConvTranspose2d(latent_dim, n, 4, 1, 0, bias=False)]
        for _ in range(3):
            layers += [nn.BatchNorm2d(n), nn.ReLU()]
            layers += [nn.ConvTranspose2d(n, n // 2, 4, 2, 1, bias=False)]
            n = n // 2
        layers += [nn.BatchNorm2d(n), nn.ReLU()]
        layers += [nn.ConvTranspose2d(n, channels, 4, 2, 1, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z):
        return self.layers(z[:, :, None, None])''',
        because="One pixel becomes 4 x 4, and four doublings make 64; the channels "
        "halve each time.",
        praise="From 100 numbers to 12,288, with 3.6 million weights at full size. "
        "Lesson 7 teaches them.",
        rtol=1e-4,
        atol=1e-5,
        same=2e-3,
        tolerance={LOUD: (0.0, 1e-3), "images of faint latents": (0.0, 1e-3)},
    )
)


# ------------------------------------------------------------- the discriminator


class Discriminator(models.Discriminator):
    """DCGAN's discriminator at 64 pixels."""

    def __init__(self, base_channels: int = 64, channels: int = 3) -> None:
        super().__init__(base_channels, channels)


LEAKY = _leaky()


def _discriminator(
    *, widths: Sequence[int] = (1, 2, 4, 8), bias: bool = False, last_bias=False,
    normed: Sequence[int] = (1, 2, 3), norm: Any = nn.BatchNorm2d, after=False,
    activation: Callable = LEAKY, end: Sequence[Callable] = (), last_norm=False,
    kernel: int = 4, pooled=False, last: tuple = (4, 1, 0), answers: int = 1,
    finish: Callable = torch.flatten, **typed: int,
) -> type:  # fmt: skip
    """DCGAN's discriminator with one thing changed."""
    stride = {4: (2, 1), 3: (2, 1), 5: (2, 2)}[kernel]

    class Changed(nn.Module):
        def __init__(self, base_channels=64, channels=3):
            super().__init__()
            n = typed.get("channels", channels)
            b = typed.get("base_channels", base_channels)
            steps: list[nn.Module] = []
            for i, width in enumerate(widths):
                how = (3, 1, 1) if pooled else (kernel, *stride)
                steps.append(nn.Conv2d(n, b * width, *how, bias=bias))
                n = b * width
                parts = [norm(n)] if i in normed else []
                steps += [activation(), *parts] if after else [*parts, activation()]
                steps += [nn.MaxPool2d(2)] if pooled else []
            steps.append(nn.Conv2d(n, answers, *last, bias=bias or last_bias))
            steps += [norm(answers)] if last_norm else []
            self.steps = nn.Sequential(*steps, *(part() for part in end))

        def forward(self, x: Tensor) -> Tensor:
            return finish(self.steps(x))

    return Changed


class _Halves(nn.Module):
    """One method a layer, the last one as a matrix."""

    def __init__(self, base_channels=64, channels=3):
        super().__init__()
        b = base_channels
        sizes = [(channels, b), (b, 2 * b), (2 * b, 4 * b), (4 * b, 8 * b)]
        self.convs = nn.ModuleList(nn.Conv2d(*s, 4, 2, 1, bias=False) for s in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(s[1]) for s in sizes[1:])
        self.score = nn.Linear(16 * 8 * b, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.convs[0](x), 0.2)
        for conv, norm in zip(self.convs[1:], self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        return self.score(x.flatten(1)).squeeze(1)


class _Deaf(_Halves):
    """Its images are detached: no gradient comes out of its input."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach())


register(
    Exercise(
        name="Discriminator",
        lesson=6,
        reference=Discriminator,
        observe=logits,
        probes={
            "at full size": lambda: (),  # soon told, so first
            "base_channels 8, channels 3": lambda: (8, 3),
            "base_channels 8, channels 1": lambda: (8, 1),
        },
        accepts=[
            _discriminator(),
            _discriminator(finish=lambda x: x.view(-1)),
            _discriminator(finish=lambda x: x.reshape(len(x))),
            _discriminator(finish=lambda x: x[:, 0, 0, 0]),
            _Halves,
        ],
        mistakes=[
            Mistake(
                "no module",
                _NoModule,
                "That is a plain class: write `class Discriminator(nn.Module):`, so "
                "that `.parameters()`, `.apply()` and `.eval()` are there.",
            ),
            Mistake("layers in a plain list", (_Listed, _ListedNorms), LISTED),
            Mistake(
                "a map for a number",
                (
                    _discriminator(finish=lambda x: x),
                    _discriminator(finish=lambda x: x.flatten(1)),
                    _discriminator(finish=lambda x: x[:, :, 0]),
                ),
                "Your logits have axes left over, (n, 1, 1, 1) or (n, 1). Wanted is "
                "(n,): beside a target (n,) anything else would broadcast to a table.",
            ),
            Mistake(
                "squeezed too far",
                _discriminator(finish=lambda x: x.squeeze()),
                "`squeeze()` removes the batch's axis too, where it holds a single "
                "image. Flatten, or `view(-1)`.",
            ),
            Mistake(
                "one number for the batch",
                (
                    _discriminator(finish=lambda x: x.mean()),
                    _discriminator(finish=lambda x: x.mean().view(1)),
                ),
                "The whole batch gets one number. Each image has its own logit; means "
                "are the loss's business.",
            ),
            Mistake(
                "sigmoid at the end",
                (
                    _discriminator(end=(nn.Sigmoid,)),
                    _discriminator(finish=lambda x: x.sigmoid().flatten()),
                ),
                "Those are probabilities. The losses of lesson 5 contain the sigmoid; "
                "with two of them G's loss never falls below 0.313. Return the logit.",
            ),
            Mistake(
                "an activation at the end",
                (
                    _discriminator(end=(nn.Tanh,)),
                    _discriminator(end=(nn.ReLU,)),
                    _discriminator(end=(_leaky(),)),
                    _discriminator(end=(nn.LogSigmoid,)),
                ),
                "An activation follows the last layer, which squeezes or bends the "
                "logits. They go out as they are.",
            ),
            Mistake(
                "two answers",
                (
                    _discriminator(answers=2, finish=lambda x: x.flatten(1)),
                    _discriminator(answers=2),
                ),
                "Two numbers for each image, as for two classes. One logit is enough: "
                "high means real.",
            ),
            Mistake(
                "biases",
                (_discriminator(bias=True), _discriminator(last_bias=True)),
                "The convolutions have biases. The course's have none, with or without "
                "batch normalization behind them: `bias=False`.",
                kind="convention",
            ),
            Mistake(
                "first layer normalized",
                _discriminator(normed=(0, 1, 2, 3)),
                "The first layer is normalized, too: D could no longer see how bright "
                "the batch is. DCGAN leaves that one out.",
            ),
            Mistake(
                "batch normalization at the end",
                (
                    _discriminator(last_norm=True),
                    _discriminator(last_norm=True, normed=(0, 1, 2, 3)),
                ),
                "The logits themselves are normalized: their mean over a batch would "
                "be fixed, whatever the pictures. Leave that one out.",
            ),
            Mistake(
                "no batch normalization",
                _discriminator(normed=()),
                "There is no batch normalization: the layers between the first and the "
                "last have one, before the activation.",
            ),
            Mistake(
                "one layer not normalized",
                (_discriminator(normed=(1, 2)), _discriminator(normed=(2, 3))),
                "One of the three layers in the middle lacks its batch normalization.",
            ),
            Mistake(
                "normalized after the activation",
                _discriminator(after=True),
                "The order is convolution, batch normalization, leaky ReLU.",
            ),
            Mistake(
                "another normalization",
                (
                    _discriminator(norm=_each_image),
                    _discriminator(norm=nn.InstanceNorm2d),
                ),
                "That normalizes each image by itself. Batch normalization is "
                "`nn.BatchNorm2d`, with the whole batch at once.",
            ),
            Mistake(
                "no running statistics",
                _discriminator(norm=_unsure),
                "Without running statistics a logit depends on its company even in "
                "eval mode. Keep nn.BatchNorm2d's own settings.",
            ),
            Mistake(
                "images detached",
                _Deaf,
                "The images are cut off inside D: D can learn, G cannot, since its "
                "gradient comes back through D's input. In D's step it is the caller "
                "who detaches.",
            ),
            Mistake(
                "plain ReLU",
                _discriminator(activation=nn.ReLU),
                "ReLU passes nothing back where it says no. D's layers leak: slope "
                "0.2.",
            ),
            Mistake(
                "another slope",
                (
                    _discriminator(activation=nn.LeakyReLU),
                    _discriminator(activation=_leaky(0.1)),
                    _discriminator(activation=_leaky(0.02)),
                ),
                "The leak's slope is not 0.2 (PyTorch's default is 0.01): "
                "`nn.LeakyReLU(0.2)`.",
            ),
            Mistake(
                "no activation",
                _discriminator(activation=nn.Identity),
                "Nothing bends between the layers: linear maps in a row are one "
                "linear map.",
            ),
            Mistake(
                "pooled",
                _discriminator(pooled=True),
                "You shrink by pooling. DCGAN's D shrinks by its convolutions' stride: "
                "kernel 4, stride 2, padding 1.",
            ),
            Mistake(
                "averaged at the end",
                (
                    _discriminator(last=(1, 1, 0), finish=lambda x: x.mean((1, 2, 3))),
                    _discriminator(last=(3, 1, 1), finish=lambda x: x.mean((1, 2, 3))),
                ),
                "You average a map of logits. DCGAN weighs its 4 x 4 places: the last "
                "convolution has kernel 4, stride 1 and no padding.",
            ),
            Mistake(
                "a patch each",
                (
                    _discriminator(last=(4, 1, 1)),
                    _discriminator(last=(4, 2, 1)),
                    _discriminator(last=(1, 1, 0)),
                ),
                "Several logits come out for each image: the last convolution has to "
                "cover the whole 4 x 4 map, kernel 4 and no padding.",
            ),
            Mistake(
                "one layer too few",
                (
                    _discriminator(widths=(1, 2, 4), normed=(1, 2)),
                    _discriminator(widths=(2, 4, 8), normed=(1, 2)),
                    _discriminator(widths=(1, 2, 4), normed=(1, 2), last=(8, 1, 0)),
                ),
                "One halving is missing: from 64 to 4 it takes four.",
            ),
            Mistake(
                "other widths",
                (
                    _discriminator(widths=(8, 4, 2, 1)),
                    _discriminator(widths=(1, 1, 1, 1)),
                    _discriminator(widths=(8, 8, 8, 8)),
                ),
                "The channels are not b, 2b, 4b, 8b: as the map halves, its channels "
                "double.",
            ),
            Mistake(
                "another kernel",
                (_discriminator(kernel=3), _discriminator(kernel=5)),
                "The sizes fit, the kernel is not 4.",
            ),
            Mistake(
                "a number typed in",
                (
                    _discriminator(channels=3),
                    _discriminator(channels=1),
                    _discriminator(base_channels=64),
                ),
                "A size is typed in. Take `base_channels` and `channels` from the "
                "arguments.",
            ),
        ],
        hints=[
            "G backward: which kernel, stride and padding halve 64? How often, down to "
            "4?",
            "Four convolutions, channels -> b -> 2b -> 4b -> 8b, then one to a single "
            "number with kernel 4. Leaky ReLU behind the first four, batch "
            "normalization before it in three of them.",
            "`nn.Flatten(0)` at the end makes (n,) of (n, 1, 1, 1).",
        ],
        answer='''\
class Discriminator(nn.Module):
    """Images (n, channels, 64, 64) -> logits (n,), high means real."""

    def __init__(self, base_channels=64, channels=3):
        super().__init__()
        n = base_channels
        layers = [nn.Conv2d(channels, n, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        for _ in range(3):
            layers += [nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False)]
            layers += [nn.BatchNorm2d(2 * n), nn.LeakyReLU(0.2)]
            n = 2 * n
        layers += [nn.Conv2d(n, 1, 4, 1, 0, bias=False), nn.Flatten(0)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images):
        return self.layers(images)''',
        because="Four halvings bring 64 to 4, and a last kernel of 4 weighs what is "
        "left into one number.",
        praise="It ends in a logit: the losses of lesson 5 know what to do with it.",
        rtol=1e-4,
        atol=1e-5,
        same=2e-3,
        tolerance={LOUD: (1e-3, 0.0), "logits of faint images": (1e-3, 0.0)},
    )
)
