"""Lesson 6: initial weights, and the two networks of the DCGAN.

A network is judged by what it does once the check has set its weights, by shape and
role, whatever their names and however they are held.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
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
FAR_TOO_MANY = 300_000  # parameters at 4 base channels: running it would take long


# ------------------------------------------------------------------ initial weights


def small_network() -> tuple[nn.Module]:
    """Every kind of layer of the two networks, and some that have no weights.

    Wide ones: a spread measured on few weights would differ from draw to draw.
    """
    up, down = partial(nn.ConvTranspose2d, bias=False), partial(nn.Conv2d, bias=False)
    return (
        nn.Sequential(
            up(64, 64, 4), nn.BatchNorm2d(64), nn.ReLU(), up(64, 64, 4), nn.Tanh(),
            down(64, 64, 4), nn.BatchNorm2d(256), nn.LeakyReLU(0.2),
            down(64, 32, 4), down(64, 64, 3), down(2048, 1, 4), nn.Flatten(0),
        ),
    )  # fmt: skip


def drawn(function: Any, network: nn.Module) -> Seen:
    """The distribution of each layer's weights after `network.apply(function)`."""
    network.apply(function)
    convolutions = [m for m in network.modules() if isinstance(m, CONVOLUTIONS)]
    weights = [layer.weight.detach().flatten() for layer in convolutions]
    white = [(w - w.mean()) / w.std() for w in weights]
    spreads = [w.std() for w in weights]
    yield "standard deviation of a convolution's weights", _list(spreads)
    errors = [w.mean() / 0.02 * len(w) ** 0.5 for w in weights]
    yield "mean of a convolution's weights, in standard errors", _list(errors)
    yield "their fourth moment", _list((w**4).mean() for w in white)
    pairs = itertools.combinations([w[:999] for w in weights], 2)
    yield "two layers start equal", any(torch.equal(*pair) for pair in pairs)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    yield "mean of batch norm's weights", _list(norm.weight.mean() for norm in norms)
    yield "batch norm's weights are near 1", all(map(_near_one, norms))
    yield "batch norm's biases are 0", not any(norm.bias.any() for norm in norms)
    learns = all(p.requires_grad and p.is_leaf for p in network.parameters())
    yield "all parameters can still learn", learns
    norm, linear = nn.BatchNorm2d(64), nn.Linear(8, 8)
    norm.weight.data.fill_(0.5)
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

    because: Convolutions of both kinds are drawn from N(0, 0.02); batch normalization
      starts by changing almost nothing.
    praise: Written is not called: a network has these weights only after
      `network.apply(init_weights)`.
    hint: `apply` hands you every layer, one after the other. Which three kinds have to
      be told apart? `isinstance(module, nn.Conv2d)`.
    hint: `nn.init.normal_(weight, mean, std)`: which mean suits what multiplies?
    right: nn.init.normal_(module.weight, 1.0, 0.02) -> nn.init.ones_(module.weight)
    right: nn.init.normal_(module.weight, 0.0, 0.02) ->
      nn.init.trunc_normal_(module.weight, std=0.02)
    right: nn.init.normal_(module.weight, 0.0, 0.02) ->
      module.weight = nn.Parameter(0.02 * torch.randn(module.weight.shape))
    right:
      | name = module.__class__.__name__
      | if name.find("Conv") != -1:
      |     module.weight.data.normal_(0.0, 0.02)
      | elif name.find("BatchNorm") != -1:
      |     module.weight.data.normal_(1.0, 0.02)
      |     module.bias.data.fill_(0)

    * not assigned: The weights are still PyTorch's: your condition meets none of these
      layers, or what you make is thrown away. `nn.init.normal_(module.weight, ...)`
      writes *into* them.
        nn.init.normal_(module.weight, 0.0, 0.02) -> module.weight * 0.02
        pass
    * batch norm centered at 0: Batch normalization's weight *multiplies*: it starts
      near 1, its bias at 0.
        nn.init.normal_(module.weight, 1.0 -> nn.init.normal_(module.weight, 0.0
        nn.init.normal_(module.weight, 1.0, 0.02) -> nn.init.zeros_(module.weight)
    * one kind of convolution forgotten: One network keeps PyTorch's weights:
      nn.ConvTranspose2d is no nn.Conv2d, nor the other way round. Ask for both.
        (nn.Conv2d, nn.ConvTranspose2d) -> nn.{Conv2d|ConvTranspose2d}
    * variance for standard deviation: 0.02 is the standard deviation itself, and
      `normal_` wants that: no square, no root.
        0.0, 0.02 -> 0.0, 0.02**{2|0.5}
    * another rule: Wanted is a normal distribution of standard deviation 0.02, in every
      layer: not a uniform one, and none whose spread depends on the layer's size.
        nn.init.normal_(module.weight, 0.0, 0.02) -> module.weight.data *= 0.02
        normal_(module.weight, 0.0, 0.02) -> uniform_(module.weight, -0.02, 0.02)
        normal_(module.weight, 0.0, 0.02) -> uniform_(module.weight, -0.0346, 0.0346)
        normal_(module.weight, 0.0, 0.02) ->
          {kaiming_normal_|xavier_normal_|xavier_uniform_|orthogonal_}(module.weight)
    * mean for standard deviation: `normal_(weight, mean, std)`: a convolution has mean
      0 and std 0.02.
        0.0, 0.02) -> {0.02)|0.02, 1)|0.0, 1)|1.0, 0.02)}
    * a constant: Equal weights make units that stay copies of one another. Draw them.
        normal_(module.weight, 0.0 -> constant_(module.weight, 0.0 && 0.0, 0.02 -> 0.02
        nn.init.normal_(module.weight, 0.0, 0.02) -> nn.init.zeros_(module.weight)
    * every module has a weight: `apply` calls you with every part: ReLU, too, which has
      no weight. Ask first what kind of layer it is.
        nn.init.normal_(module.weight, 0.0, 0.02)
    * a bias that is not there: These convolutions have no bias: `module.bias` is None.
      Leave it, or ask first.
        0.0, 0.02) -> 0.0, 0.02)\n    nn.init.zeros_(module.bias)
        0.0, 0.02) -> 0.0, 0.02)\n    module.bias.data.zero_()
    * in place with a gradient: Autograd watches that parameter and refuses. Writing
      into it is right, but unwatched: `nn.init.normal_` does that, or the same line
      under `torch.no_grad()`.
        /nn.init.normal_.module.weight, ({0|.}.0, 0.02)/ -> module.weight.normal_(\1
    * one seed for each layer: Seeded in the function, layers start equal. Seed once,
      before `apply`.
        /^if/ -> torch.manual_seed(0)\nif
    * a bias other than 0: Batch normalization's bias starts at exactly 0.
        zeros_(module.bias) -> ones_(module.bias)
    * frozen: The parameters no longer ask for a gradient: they could not learn.
        /\Z/ -> \nmodule.requires_grad_(False)
    + batch normalization left alone: Right for a new network: PyTorch starts batch
      normalization at weight 1 and bias 0. On a network that has been trained, your
      function would leave its old numbers.
        /(?s)\nelif.*/ ->
    + nn.Linear drawn as well: Right for DCGAN, which has no nn.Linear. Every other kind
      of layer was to be left as it is, and yours draws nn.Linear, too.
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
        "mean of batch norm's weights": (0.0, 0.02),
    },
)


# ------------------------------------------------------------------ watching a network


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


def watched(
    answer: Any, *sizes: int, names: Sequence[str], given: Callable, shape: Callable
) -> Seen:
    """What a network is and makes; at full size its parameters are only counted.

    What PyTorch can tell of the layers comes first, and ends the look where it is
    wrong: whatever else is wrong then, its reason is said.

    Args:
        names: of the sizes.
        given, shape: sizes -> a batch, and the shape of what it becomes.
    """
    with torch.device("cpu" if sizes else "meta"):
        network = answer(**dict(zip(names, sizes, strict=False)))
    yield "it is an nn.Module", isinstance(network, nn.Module)
    if not isinstance(network, nn.Module):
        return
    yield "layers in a plain list", _hidden(network)
    if _hidden(network):
        return
    parts = [m for m in network.modules() if isinstance(m, (*CONVOLUTIONS, nn.Linear))]
    biased = any(layer.bias is not None for layer in parts)
    yield "a layer has a bias", biased
    count = sum(parameter.numel() for parameter in network.parameters())
    if biased:
        return
    # A text: 1 % off is another number.
    yield "number of parameters: of convolutions and batch norms", f"{count:,}"
    if not sizes or count > FAR_TOO_MANY:
        return
    fill(network)
    batch = given(*sizes)
    yield from _training(network, parts, batch, shape(*sizes))


def _training(network: nn.Module, parts: list, batch: Tensor, shape: tuple) -> Seen:
    """A batch in training mode, with its gradients, and then in eval mode."""
    entered: list[str] = []
    for layer in parts:
        layer.register_forward_pre_hook(
            lambda _, inputs: entered.append(str(tuple(inputs[0].shape)))
        )
    x = batch.clone().requires_grad_()
    try:
        result = network(x)
    except Exception:  # one cause has the same exception as another
        yield "what the first layer is given", entered[0] if entered else "nothing"
        raise
    yield "result", "a tensor" if isinstance(result, Tensor) else result
    if not isinstance(result, Tensor):
        return
    yield "shape of the result", str(tuple(result.shape))
    yield "its input is left as it is", torch.equal(x, batch)
    if result.shape != shape:
        return
    yield "a gradient reaches its weights", result.requires_grad
    yield "result of weights that the check has set", result
    if not result.requires_grad:
        return
    yield "in training mode", all(m.training for m in network.modules())
    (result * _normal(result.shape, "slopes")).sum().backward()
    yield "a gradient reaches its input", x.grad is not None
    slopes = [weight.grad for weight in network.parameters()]
    lost = [slope is None or not slope.any() for slope in slopes]
    yield "weights that no gradient reaches", sum(map(bool, lost))
    yield "result of one input alone, in eval mode", network.eval()(batch[:1])
    network.train()  # a layer may belong to another network, too


NETWORKS = r"""
* no module: That is a plain class. With `(nn.Module)` behind its name it gets
  `.parameters()`, `.apply()` and `.eval()`.
    (nn.Module) ->
* layers in a plain list: Your layers stand in a plain list, and PyTorch does not look
  into it: their weights are no parameters, so nobody trains or saves them. Use
  `nn.Sequential` or `nn.ModuleList`.
    nn.Sequential(*layers) -> layers
~ biases: A layer has a bias. Batch normalization subtracts it at once, and the course
  leaves it out in the other layers, too: `bias=False` in all five.
    bias=False -> bias=True
* another normalization: Batch normalization is `nn.BatchNorm2d` with its own settings:
  over the whole batch in training mode, not each image by itself, and with running
  statistics for eval mode.
    /nn.BatchNorm2d\(((2 . )?n)/ -> nn.InstanceNorm2d(\1
    /nn.BatchNorm2d\(((2 . )?n)/ -> nn.InstanceNorm2d(\1, affine=True
    /nn.BatchNorm2d\(((2 . )?n)/ -> nn.BatchNorm2d(\1, track_running_stats=False
* channels that do not fit: The channels that one layer returns are not those that the
  next one takes. First come the channels that go in, then those that come out.
    /2d\((\w+), ([\w /*]+), 4/ -> 2d(\2, \1, 4
    /2d\((latent_dim|channels|n), n, 4/ -> 2d(n, \1, 4
    /2d\(n, (n // 2|2 . n), 4/ -> 2d(\1, n, 4
    /2d\(n, (channels|1), 4/ -> 2d(\1, n, 4
    /^ +n = (n|2) .*\n/ ->
"""

# ------------------------------------------------------------------ the generator

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
    hint: Which kernel, stride and padding take 1 pixel to 4? Which take 4 to 8?
    hint: Five transposed convolutions: latent_dim -> 8b -> 4b -> 2b -> b -> channels.
      Behind each but the last: nn.BatchNorm2d, then nn.ReLU.
    hint: Collect the layers in a list, `nn.Sequential(*layers)`; in `forward` make z a
      map of one pixel, `z[:, :, None, None]`.
    right: z[:, :, None, None] -> z.view(len(z), -1, 1, 1)
    right: nn.ReLU() -> nn.ReLU(inplace=True)
    right: , nn.Tanh()] -> ] && return self.layers(z[:, :, None, None]) ->
      return torch.tanh(self.layers(z.unsqueeze(2).unsqueeze(3)))
    right:
      | class Generator(nn.Module):
      |     def __init__(self, latent_dim=100, base_channels=64, channels=3):
      |         super().__init__()
      |         self.widths = w = [8 * base_channels // 2**i for i in range(4)]
      |         self.project = nn.Linear(latent_dim, 16 * w[0], bias=False)
      |         self.norms = nn.ModuleList(map(nn.BatchNorm2d, w))
      |         self.ups = nn.ParameterList(
      |             nn.Parameter(torch.randn(a, b, 4, 4))
      |             for a, b in zip(w, [*w[1:], channels])
      |         )
      |     def forward(self, z):
      |         x = self.project(z).reshape(len(z), self.widths[0], 4, 4)
      |         for norm, weight in zip(self.norms, self.ups):
      |             x = F.conv_transpose2d(norm(x).clamp(min=0), weight, None, 2, 1)
      |         return x.tanh()

    * the latent is no map: A convolution wants (n, channels, height, width); z is (n,
      latent_dim). Make it a map of one pixel: `z[:, :, None, None]`.
        z[:, :, None, None] -> {z|z[:, None, None]|z.unsqueeze(2)|z[None, None]}
    * no batch normalization: Batch normalization is missing. It follows each
      convolution but the last.
        nn.BatchNorm2d(n), ->
        self.layers = -> del layers[{1|4|7|10}]; self.layers =
    * batch normalization at the end: The last layer is normalized, too: every batch
      would get the same mean color.
        nn.Tanh() -> nn.BatchNorm2d(channels), nn.Tanh()
          {|&& self.layers = -> del layers[1]; self.layers =}
    * normalized after ReLU: The order is convolution, batch normalization, ReLU.
        nn.BatchNorm2d(n), nn.ReLU() -> nn.ReLU(), nn.BatchNorm2d(n)
    * another end: tanh alone belongs behind the last layer, since the data lie in [-1,
      1]. A sigmoid makes [0, 1], a clamp has slope 0 outside, a ReLU removes every
      pixel below 0.
        , nn.Tanh() ->
        nn.Tanh() -> nn.{Sigmoid()|Hardtanh()|ReLU()}
        nn.Tanh() -> nn.{ReLU(), nn.Tanh()|Tanh(), nn.ReLU()}
    * another activation: Behind each of the four batch normalizations stands a plain
      ReLU. (Leaky ReLU is for D, tanh for the image; without any, linear maps in a row
      are one.)
        , nn.ReLU() ->
        self.layers = -> del layers[{2|5|8|11}]; self.layers =
        ReLU -> {Tanh|LeakyReLU}
        ReLU() -> LeakyReLU(0.2)
    * sizes that do not double: The sizes are not 1, 4, 8, 16, 32, 64. Put your numbers
      into `transposed_conv_output_size`, those of the first layer and those of the
      others.
        4, 1, 0 -> 4, {2|1}, 1
        4, 2, 1 -> {3, 2, 1|4, 2, 0|4, 1, 1}
    * the number of stages: From 4 to 64 pixels it takes four doublings: five transposed
      convolutions in all.
        range(3) -> range({2|4})
        range(3) -> range(2) && 8 * -> 4 *
        range(3) -> range(4) && 8 * -> 16 *
    * other widths: The channels are not 8b, 4b, 2b, b: as the map doubles, its channels
      halve.
        n // 2 -> n
        8 * base_channels -> base_channels && n // 2 -> n{| * 2}
        8 * -> {4|16} *
    * another kernel: The sizes fit, the kernel is not 4. (3 and 5 make checkerboards.)
        4, 2, 1 -> {3, 2, 1, 1|5, 2, 2, 1|2, 2, 0}
    * a number typed in: A size is typed in. Take all three from the arguments.
        (latent_dim, -> (100,
        8 * base_channels -> 512
        (n, channels, -> (n, {3|1},
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
        "latent_dim 20, base_channels 4, channels 3": lambda: (20, 4, 3),
        "latent_dim 12, base_channels 4, channels 1": lambda: (12, 4, 1),
    },
    rtol=1e-4,
    atol=1e-5,
    same=2e-3,
)

# ------------------------------------------------------------------ the discriminator

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
    hint: Four convolutions, channels -> b -> 2b -> 4b -> 8b, then one to a single
      number. Leaky ReLU behind the first four, batch normalization before it in three
      of them.
    hint: `nn.Flatten(0)` at the end makes (n,) of (n, 1, 1, 1).
    right: , nn.Flatten(0)] -> ] && (images) -> (images).{view(-1)|reshape(len(images))}
    right: nn.Flatten(0)] -> nn.Flatten()] && (images) -> (images)[:, 0]
    right: LeakyReLU(0.2) -> LeakyReLU(0.2, inplace=True) && nn.Conv2d(n, 1, 4, 1, 0, ->
      nn.Flatten(), nn.Linear(16 * n, 1,

    * a map for a number: Your logits have axes left over, (n, 1, 1, 1) or (n, 1).
      Wanted is (n,): beside a target (n,) anything else would broadcast to a table.
        , nn.Flatten(0) ->{| , nn.Flatten()| , nn.Flatten(2)}
    * squeezed too far: `squeeze()` removes the batch's axis too, where it holds a
      single image.
        , nn.Flatten(0) -> && self.layers(images) -> self.layers(images).squeeze()
    * one number for the batch: The whole batch gets one number. Each image has its own
      logit.
        self.layers(images) -> self.layers(images).mean(){|.view(1)}
    * sigmoid at the end: Those are probabilities. The losses on logits contain the
      sigmoid; with two of them G's loss never falls below 0.313. Return the logit.
        nn.Flatten(0) -> nn.Flatten(0), nn.Sigmoid()
    * an activation at the end: An activation follows the last layer. The logits go out
      as they are.
        nn.Flatten(0) -> nn.Flatten(0), nn.{Tanh()|ReLU()|LeakyReLU(0.2)|LogSigmoid()}
    * first layer normalized: The first layer is normalized, too: D could not see how
      bright the batch is.
        1, bias=False), nn.L -> 1, bias=False), nn.BatchNorm2d(n), nn.L
    * batch normalization at the end: The logits themselves are normalized: their mean
      over a batch would be fixed, whatever the pictures. Leave that one out.
        nn.Flatten(0) -> nn.BatchNorm2d(1), nn.Flatten(0)
          {|&& 1, bias=False), nn.L -> 1, bias=False), nn.BatchNorm2d(n), nn.L}
    * no batch normalization: Batch normalization is missing: the three layers between
      the first and the last have one each, before the activation.
        nn.BatchNorm2d(2 * n), ->
        self.layers = -> del layers[{3|6|9}]; self.layers =
    * normalized after the activation: The order is convolution, batch normalization,
      leaky ReLU.
        /(nn.Batch.*), (nn.Leaky.*)]/ -> \2, \1]
    * images detached: The images are cut off inside D: D can learn, G cannot, since its
      gradient comes back through D's input. In D's step it is the caller who detaches.
        self.layers(images) -> self.layers(images.detach())
    * another activation: Behind each of the first four layers stands
      `nn.LeakyReLU(0.2)`. (PyTorch's default slope is 0.01; plain ReLU passes no
      gradient where its input is negative.)
        nn.LeakyReLU(0.2) -> nn.{ReLU()|LeakyReLU()|LeakyReLU(0.1)|LeakyReLU(0.02)}
        , nn.LeakyReLU(0.2) ->
        self.layers = -> del layers[{1|4|7|10}]; self.layers =
    * pooled: You shrink by pooling. DCGAN's D shrinks by its convolutions' stride.
        4, 2, 1 -> 3, 1, 1 && LeakyReLU(0.2) -> LeakyReLU(0.2), nn.MaxPool2d(2)
    * another last layer: The last convolution has to weigh the whole 4 x 4 map into one
      number: kernel 4, stride 1, no padding, and no average behind it.
        4, 1, 0, bias=False) -> {1, 1, 0|3, 1, 1}, bias=False), nn.AdaptiveAvgPool2d(1)
        4, 1, 0 -> {4, 1, 1|4, 2, 1|1, 1, 0}
    * the number of layers: From 64 to 4 it takes four halvings: five convolutions in
      all.
        range(3) -> range(2){| && = b -> = 2 * b| && 4, 1, 0 -> 8, 1, 0}
        range(3) -> range(4)
    * other widths: The channels are not b, 2b, 4b, 8b: as the map halves, its channels
      double.
        n = base_channels -> n = 8 * base_channels && 2 * n -> n{| // 2}
        2 * n -> n
    * another kernel: The sizes fit, the kernel is not 4.
        4, 2, 1 -> {3, 2, 1|5, 2, 2}
    * a number typed in: A size is typed in. Take `base_channels` and `channels` from
      the arguments.
        (channels, -> ({3|1},
        n = base_channels -> n = 64
    ''',
    families=NETWORKS,
    observe=partial(
        watched,
        names=("base_channels", "channels"),
        given=lambda _, channels: torch.tanh(_normal((3, channels, 64, 64), "images")),
        shape=lambda *_: (3,),
    ),
    probes={
        "at full size": lambda: (),  # soon told, so first
        "base_channels 4, channels 3": lambda: (4, 3),
        "base_channels 4, channels 1": lambda: (4, 1),
    },
    rtol=1e-4,
    atol=1e-5,
    same=2e-3,
)
