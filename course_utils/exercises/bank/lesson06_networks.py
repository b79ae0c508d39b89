"""Lesson 6: initial weights, and the two networks of the DCGAN.

A network is judged by what it does once the check has set its weights, by shape and
role, whatever their names.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..comparing import COST
from ..text import entry

Seen = Iterator[tuple[str, Any]]
NAMES = {"torch": torch, "nn": nn, "F": nn.functional}
exercise = partial(entry, names=NAMES, lesson=6)
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
FAR_TOO_MANY = 100_000  # parameters at 2 base channels: running it would take long


# ------------------------------------------------------------------ initial weights


def small_network() -> tuple[nn.Module]:
    """Every kind of layer; wide ones, since the spread of few weights is uncertain."""
    up, down = partial(nn.ConvTranspose2d, bias=False), partial(nn.Conv2d, bias=False)
    layers = up(64, 64, 4), nn.BatchNorm2d(64), nn.ReLU(), up(64, 64, 4), nn.Tanh()
    layers += down(64, 32, 4), nn.BatchNorm2d(256), nn.LeakyReLU(0.2), down(2048, 1, 4)
    return (nn.Sequential(*layers),)


def drawn(function: Any, network: nn.Module) -> Seen:
    """The distribution of each layer's weights after `network.apply(function)`."""
    network.apply(function)
    convolutions = [m for m in network.modules() if isinstance(m, CONVOLUTIONS)]
    weights = [layer.weight.detach().flatten() for layer in convolutions]
    spreads = _list(map(torch.std, weights))
    yield "standard deviation of a convolution's weights", spreads
    errors = [w.mean() / 0.02 * len(w) ** 0.5 for w in weights]
    yield "mean of a convolution's weights, in standard errors", _list(errors)
    fourth = [(((w - w.mean()) / w.std()) ** 4).mean() for w in weights]
    yield "their fourth moment", _list(fourth)
    pairs = itertools.combinations([w[:999] for w in weights], 2)
    yield "two layers start equal", any(torch.equal(*pair) for pair in pairs)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    yield "batch norm's weights are near 1", all(map(_near_one, norms))
    yield "batch norm's biases are 0", not any(norm.bias.any() for norm in norms)
    learns = all(p.requires_grad and p.is_leaf for p in network.parameters())
    yield "all parameters can still learn", learns
    norm, linear = nn.BatchNorm2d(64), nn.Linear(8, 8)
    norm.weight.data *= 0.5
    kept = linear.weight.clone()
    nn.Sequential(norm, linear).apply(function)
    yield f"{COST}batch normalization's weights are set", _near_one(norm)
    yield f"{COST}nn.Linear is left as it is", torch.equal(linear.weight, kept)


def _list(numbers: Any) -> Tensor:
    return torch.tensor([float(number) for number in numbers])


def _near_one(norm: nn.BatchNorm2d) -> bool:
    return bool((norm.weight - 1).abs().max() < 0.15)


exercise(
    r"""
    init_weights(module)
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)

    because: Convolutions come from N(0, 0.02); batch norm starts by changing little.
    praise: A network has these weights only after `network.apply(init_weights)`.
    hint: `apply` hands you every layer. Which three kinds have to be told apart?
    hint: `nn.init.normal_(weight, mean, std)`: which mean suits what multiplies?
    right: nn.init.normal_(module.weight, 1.0, 0.02) -> nn.init.ones_(module.weight)
    right: nn.init.normal_(module.weight, 0.0, 0.02) ->
      nn.init.trunc_normal_(module.weight, std=0.02)
    right:
      | name = module.__class__.__name__
      | if name.find("Conv") != -1:
      |     module.weight.data.normal_(0.0, 0.02)
      | elif name.find("BatchNorm") != -1:
      |     module.weight.data.normal_(1.0, 0.02)
      |     module.bias.data.fill_(0)

    * not assigned: The weights are still PyTorch's. Your condition meets none of these
      layers, or what you make is thrown away: `nn.init.normal_` writes *into* them.
        nn.init.normal_(module.weight, 0.0, 0.02) -> module.weight * 0.02
        pass
    * batch norm centered at 0: A weight that *multiplies* starts near 1.
        nn.init.normal_(module.weight, 1.0 -> nn.init.normal_(module.weight, 0.0
        nn.init.normal_(module.weight, 1.0, 0.02) -> nn.init.zeros_(module.weight)
    * one kind of convolution forgotten: Ask for nn.Conv2d and nn.ConvTranspose2d.
        (nn.Conv2d, nn.ConvTranspose2d) -> nn.{Conv2d|ConvTranspose2d}
    * variance for standard deviation: 0.02 is the standard deviation: take it as it is.
        0.0, 0.02 -> 0.0, 0.02**{2|0.5}
    * another rule: Wanted is N(0, 0.02) in every layer, whatever its size.
        nn.init.normal_(module.weight, 0.0, 0.02) -> module.weight.data *= 0.02
        normal_(module.weight, 0.0, 0.02) -> uniform_(module.weight, -0.0346, 0.0346)
        normal_(module.weight, 0.0, 0.02) -> uniform_(module.weight, -0.02, 0.02)
        normal_(module.weight, 0.0, 0.02) ->
          {kaiming_normal_|xavier_normal_|xavier_uniform_|orthogonal_}(module.weight)
    * mean for standard deviation: The mean is 0, the spread 0.02: (weight, mean, std).
        0.0, 0.02) -> {0.02)|0.02, 1)|0.0, 1)|1.0, 0.02)}
    * a constant: Equal weights make units that stay copies of one another. Draw them.
        normal_(module.weight, 0.0, 0.02) -> constant_(module.weight, {0.02|0.0})
    * every module has a weight: `apply` hands you ReLU, too: ask first what it is.
        nn.init.normal_(module.weight, 0.0, 0.02)
    * a bias that is not there: These convolutions have no bias: `module.bias` is None.
        0.0, 0.02) -> 0.0, 0.02)\n    {nn.init.zeros_(module.bias)|module.bias.zero_()}
    * in place with a gradient: Autograd watches that parameter and refuses. Use
      `nn.init.normal_`, or the same line under `torch.no_grad()`.
        /nn.init.normal_.module.weight, ({0|.}.0, 0.02)/ -> module.weight.normal_(\1
    * a bias other than 0: Batch normalization's bias starts at exactly 0.
        zeros_(module.bias) -> ones_(module.bias)
    + batch normalization left alone: Right for a new network: PyTorch starts batch
      normalization so. In a trained one your function leaves its old numbers.
        /(?s)\nelif.*/ ->
    + nn.Linear drawn as well: Right for DCGAN, but nn.Linear was to be left as it is.
        nn.ConvTranspose2d) -> nn.ConvTranspose2d, nn.Linear)
    """,
    observe=drawn,
    probes={
        "a convolution": lambda: (nn.Conv2d(32, 64, 4, bias=False),),
        "a transposed one": lambda: (nn.ConvTranspose2d(64, 32, 4, bias=False),),
        "batch normalization": lambda: (nn.BatchNorm2d(256),),
        "a whole network": small_network,
    },
    tolerance={
        "standard deviation of a convolution's weights": (0.03, 0.0),
        "mean of a convolution's weights, in standard errors": (0.0, 8.0),
        "their fourth moment": (0.0, 0.5),
    },
)


# ------------------------------------------------------------------ watching a network


def _numbers(parameter: Tensor) -> Tensor:
    """Numbers that a parameter's shape and role decide, not its name."""
    shape = parameter.shape
    if len(shape) == 1:  # a scale starts at 1, a shift anywhere else
        scale = bool(parameter.mean() > 0.5)
        return float(scale) + 0.3 * _normal(shape, f"scale {scale}")
    if len(shape) == 2 and shape[0] % 16 == 0:  # projected, then reshaped: the same map
        return _numbers(torch.empty(shape[1], shape[0] // 16, 4, 4)).flatten(1).T
    if len(shape) == 2 and shape[1] % 16 == 0:  # flattened, then projected
        return _numbers(torch.empty(shape[0], shape[1] // 16, 4, 4)).flatten(1)
    # So wide that a logit, and a pixel before its tanh, is about 1 in size.
    return _normal(shape, "weight") / max(shape[1:].numel(), 1) ** 0.5


def _normal(shape: Sequence[int], role: str) -> Tensor:
    seed = zlib.crc32(f"{role} {tuple(shape)}".encode())
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _hidden(network: nn.Module) -> bool:
    """Whether layers with weights stand in a plain list, out of PyTorch's sight."""
    boxes = [x for x in vars(network).values() if isinstance(x, list | tuple)]
    lost = nn.ModuleList(x for box in boxes for x in box if isinstance(x, nn.Module))
    return not set(lost.parameters()) <= set(network.parameters())


def watched(
    answer: Any, *sizes: int, names: Sequence[str], given: Callable, shape: Callable
) -> Seen:
    """What a network is and makes; at full size its parameters are only counted.

    What PyTorch can tell of the layers comes first, and ends the look where it is
    wrong: whatever else is wrong then, its reason is said. `names` are those of the
    sizes, which decide what is `given`, and the `shape` of what it becomes.
    """
    with nullcontext() if sizes else torch.device("meta"):
        network = answer(**dict(zip(names, sizes, strict=False)))
    yield "it is an nn.Module", isinstance(network, nn.Module)
    if not isinstance(network, nn.Module):
        return
    hidden = _hidden(network)
    yield "layers in a plain list", hidden
    if hidden:
        return
    parts = [m for m in network.modules() if isinstance(m, (*CONVOLUTIONS, nn.Linear))]
    biased = any(layer.bias is not None for layer in parts)
    yield "a layer has a bias", biased
    if biased:
        return
    count = sum(parameter.numel() for parameter in network.parameters())
    # A text: 1 % off is another number.
    yield "number of parameters: of convolutions and batch norms", f"{count:,}"
    if not sizes or count > FAR_TOO_MANY:
        return
    for parameter in network.parameters():
        parameter.data.copy_(_numbers(parameter))
    yield from _training(network, parts, given(*sizes), shape(*sizes), sizes[-1] > 1)


def _training(
    network: nn.Module, parts: list, x: Tensor, shape: tuple, whole: bool
) -> Seen:
    """A batch in training mode; if `whole`, its gradients, and one input in eval mode.

    Without them most mistakes are told apart in half the time.
    """
    entered: list[torch.Size] = []
    for layer in parts:
        layer.register_forward_pre_hook(lambda _, x: entered.append(x[0].shape))
    x.requires_grad_()
    try:
        result = network(x)
    except Exception:  # one cause has the same exception as another
        yield "what the first layer is given", str(entered[:1])
        raise
    yield "result", "a tensor" if isinstance(result, Tensor) else result
    if not isinstance(result, Tensor):
        return
    yield "shape of the result", str(tuple(result.shape))
    if result.shape != shape:
        return
    yield "a gradient reaches its weights", result.requires_grad
    yield "result of weights that the check has set", result
    if not (whole and result.requires_grad):
        return
    (result * _normal(result.shape, "slopes")).sum().backward()
    yield "a gradient reaches its input", x.grad is not None
    slopes = [weight.grad for weight in network.parameters()]
    lost = sum(slope is None or not bool(slope.any()) for slope in slopes)
    yield "weights that no gradient reaches", lost
    yield "result of one input alone, in eval mode", network.eval()(x[:1])


NETWORKS = r"""
* no module: Write `(nn.Module)` behind the class's name: it gives `.parameters()`.
    (nn.Module) ->
* layers in a plain list: PyTorch does not look into a plain list: the weights of these
  layers are nobody's parameters. Use `nn.Sequential` or `nn.ModuleList`.
    nn.Sequential(*layers) -> layers
~ biases: A layer has a bias. Batch normalization subtracts it at once, and the course
  leaves it out in the other layers, too: `bias=False` in all five.
    bias=False -> bias=True
* no batch normalization: Batch normalization is missing: G has it behind each layer but
  the last, D behind each but the first and the last, before the activation.
    /nn.BatchNorm2d\((2 . )?n\), / ->
    self.layers = -> norms = [x for x in layers if "Batch" in str(x)]
      ; layers.remove(norms[{0|1|2|-1}]); self.layers =
* normalized after the activation: The activation comes after batch normalization.
    /(nn.Batch.*), (nn.(Leaky)?ReLU.*)]/ -> \2, \1]
* another normalization: Wanted is `nn.BatchNorm2d` with its own settings.
    /nn.BatchNorm2d\(((2 . )?n)/ -> nn.InstanceNorm2d(\1
    /nn.BatchNorm2d\(((2 . )?n)/ -> nn.BatchNorm2d(\1, track_running_stats=False
* channels that do not fit: The channels that one layer returns are not those that the
  next one takes. First come the channels that go in, then those that come out.
    /2d\((\w+), ([\w /*]+), 4/ -> 2d(\2, \1, 4
    /2d\((latent_dim|channels|n), n, 4/ -> 2d(n, \1, 4
    /2d\(n, (n // 2|2 . n), 4/ -> 2d(\1, n, 4
    /^ +n = (n|2) .*\n/ ->
* a number typed in: A size is typed in. Take all of them from the arguments.
    (latent_dim, -> (100,
    {8 * base_channels -> 512|n = base_channels -> n = 64}
    {n, channels, 4 -> n, 3, 4|n, channels, 4 -> n, 1, 4}
    {(channels, n -> (3, n|(channels, n -> (1, n}
"""

exercise(
    r'''
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
            return self.layers(z[:, :, None, None])

    because: One pixel becomes 4 x 4, and four doublings make 64.
    praise: From 100 numbers to 12,288, with 3.6 million weights at full size.
    hint: Five transposed convolutions, latent_dim -> 8b -> 4b -> 2b -> b -> channels:
      which kernel, stride and padding take 1 pixel to 4? Which take 4 to 8?
    hint: Behind each but the last: nn.BatchNorm2d, then nn.ReLU. Collect all in a list,
      `nn.Sequential(*layers)`, and make z a map of one pixel, `z[:, :, None, None]`.
    right: nn.ReLU() -> nn.ReLU(inplace=True)
    right: , nn.Tanh()] -> ] && return self.layers(z[:, :, None, None]) ->
      return torch.tanh(self.layers(z.view(len(z), -1, 1, 1)))
    right: nn.ConvTranspose2d(latent_dim, n, 4, 1, 0, bias=False)] ->
      nn.Linear(latent_dim, 16 * n, bias=False), nn.Unflatten(1, (n, 4, 4))]
      && z[:, :, None, None] -> z

    * the latent is no map: z has to be a map of one pixel: `z[:, :, None, None]`.
        z[:, :, None, None] -> {z|z[:, None, None]|z.unsqueeze(2)|z[None, None]}
    * batch normalization at the end: The last layer is normalized, too: every batch
      would get the same mean color.
        nn.Tanh() -> nn.BatchNorm2d(channels), nn.Tanh()
          {|&& self.layers = -> del layers[1]; self.layers =}
    * another end: Behind the last layer stands tanh alone: the data lie in [-1, 1].
        , nn.Tanh() ->
        nn.Tanh() -> nn.{Sigmoid()|Hardtanh()|ReLU()|ReLU(), nn.Tanh()}
    * another activation: Behind each of the four batch normalizations stands nn.ReLU.
        , nn.ReLU() ->
        self.layers = -> del layers[{2|5|8|11}]; self.layers =
        ReLU() -> {Tanh()|LeakyReLU()|LeakyReLU(0.2)}
    * sizes that do not double: The sizes are not 1, 4, 8, 16, 32, 64. Put your numbers
      into `transposed_conv_output_size`.
        4, 1, 0 -> 4, {2|1}, 1
        4, 2, 1 -> {3, 2, 1|4, 2, 0|4, 1, 1}
    * the number of stages: It takes five transposed convolutions: 1, 4, 8, 16, 32, 64.
        range(3) -> range({2|4})
        {range(3) -> range(2) && 8 * -> 4 *|range(3) -> range(4) && 8 * -> 16 *}
    * other widths: The channels are not 8b, 4b, 2b, b: as the map doubles, they halve.
        n // 2 -> n
        8 * base_channels -> base_channels && n // 2 -> n{| * 2}
        8 * -> {4|16} *
    * another kernel: The sizes fit, the kernel is not 4. (3 and 5 make checkerboards.)
        4, 2, 1 -> {3, 2, 1, 1|5, 2, 2, 1|2, 2, 0}
    ''',
    families=NETWORKS,
    observe=partial(
        watched,
        names=("latent_dim", "base_channels", "channels"),
        given=lambda latent_dim, *_: _normal((2, latent_dim), "latents"),
        shape=lambda latent_dim, base_channels, channels: (2, channels, 64, 64),
    ),
    probes={
        "at full size": lambda: (),  # soon told, so first
        "latent_dim 12, base_channels 2, channels 1": lambda: (12, 2, 1),
    },
    later={"latent_dim 20, base_channels 2, channels 3": lambda: (20, 2, 3)},
    rtol=1e-4,
    atol=1e-5,
    same=2e-3,
)

exercise(
    r'''
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
            return self.layers(images)

    because: Four halvings bring 64 to 4, and a last kernel of 4 makes one number.
    praise: It ends in a logit: the losses on logits know what to do with it.
    hint: G backward: which kernel, stride and padding halve 64? How often, down to 4?
    hint: Convolutions channels -> b -> 2b -> 4b -> 8b -> 1, leaky ReLU behind the first
      four, batch normalization before it in the middle three, nn.Flatten(0) at the end.
    right: , nn.Flatten(0)] -> ] && (images) -> (images).view(-1)
    right: nn.Flatten(0)] -> nn.Flatten()] && (images) -> (images)[:, 0]
    right: LeakyReLU(0.2) -> LeakyReLU(0.2, inplace=True) && nn.Conv2d(n, 1, 4, 1, 0, ->
      nn.Flatten(), nn.Linear(16 * n, 1,

    * a map for a number: (n, 1) beside a target (n,) becomes a table. Return (n,).
        , nn.Flatten(0) ->{| , nn.Flatten()}
    * squeezed too far: `squeeze()` also removes the axis of a batch of one image.
        , nn.Flatten(0) -> && self.layers(images) -> self.layers(images).squeeze()
    * one number for the batch: Each image has a logit of its own.
        self.layers(images) -> self.layers(images).mean(){|.view(1)}
    * sigmoid at the end: The losses on logits contain the sigmoid. Return the logit.
        nn.Flatten(0) -> nn.Flatten(0), nn.Sigmoid()
    * an activation at the end: The logits go out as they are.
        nn.Flatten(0) -> nn.Flatten(0), nn.{Tanh()|ReLU()|LeakyReLU(0.2)|LogSigmoid()}
    * normalized too often: Batch normalization stands where none belongs: behind the
      first layer, so that D cannot see how bright the batch is, or on the logits.
        1, bias=False), nn.L -> 1, bias=False), nn.BatchNorm2d(n), nn.L
        nn.Flatten(0) -> nn.BatchNorm2d(1), nn.Flatten(0)
          {|&& 1, bias=False), nn.L -> 1, bias=False), nn.BatchNorm2d(n), nn.L}
    * images detached: G learns through D's input. It is the caller who detaches.
        self.layers(images) -> self.layers(images.detach())
    * another activation: Each of the first four layers has `nn.LeakyReLU(0.2)` behind.
        nn.LeakyReLU(0.2) -> nn.{ReLU()|LeakyReLU()|LeakyReLU(0.1)}
        , nn.LeakyReLU(0.2) ->
        self.layers = -> del layers[{1|4|7|10}]; self.layers =
    * another last layer: It has kernel 4, stride 1, no padding, and no average behind.
        4, 1, 0, bias=False) -> {1, 1, 0|3, 1, 1}, bias=False), nn.AdaptiveAvgPool2d(1)
        4, 1, 0 -> {4, 1, 1|4, 2, 1|1, 1, 0}
    * the number of layers: From 64 to 4, and to 1, it takes five convolutions.
        range(3) -> range(2){| && = b -> = 2 * b| && 4, 1, 0 -> 8, 1, 0}
        range(3) -> range(4)
    * other widths: The channels are not b, 2b, 4b, 8b: as the map halves, they double.
        n = base_channels -> n = 8 * base_channels && 2 * n -> n{| // 2}
        2 * n -> n
    * another kernel: D halves with kernel 4, stride 2, padding 1, and does not pool.
        4, 2, 1 -> {3, 2, 1|5, 2, 2}
        4, 2, 1 -> 3, 1, 1 && LeakyReLU(0.2) -> LeakyReLU(0.2), nn.MaxPool2d(2)
    ''',
    families=NETWORKS,
    observe=partial(
        watched,
        names=("base_channels", "channels"),
        given=lambda _, channels: torch.tanh(_normal((2, channels, 64, 64), "images")),
        shape=lambda *_: (2,),
    ),
    probes={
        "at full size": lambda: (),  # soon told, so first
        "base_channels 2, channels 1": lambda: (2, 1),
    },
    later={"base_channels 2, channels 3": lambda: (2, 3)},
    rtol=1e-4,
    atol=1e-5,
    same=2e-3,
)
