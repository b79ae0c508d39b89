"""Lesson 6's checks on answers that the bank does not know: wrong ones are refused, a
named mistake fits what was typed, and right ones written differently pass."""

import functools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from unlisted import listed

from course_utils.exercises import bank, judge


def overwrite_x(x, weight, bias, eps):
    x -= x.mean((0, 2, 3), keepdim=True)
    x /= (x.var((0, 2, 3), correction=0, keepdim=True) + eps).sqrt()
    return x * weight[:, None, None] + bias[:, None, None]


def momentum(parameter, gradient, state, lr, betas, eps):
    state["m"] = betas[0] * state.get("m", 0) + gradient
    return parameter - lr * state["m"]


def rms_prop(parameter, gradient, state, lr, betas, eps):
    state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * gradient**2
    return parameter - lr * gradient / (state["v"].sqrt() + eps)


def sign_descent(parameter, gradient, state, lr, betas, eps):
    return parameter - lr * gradient.sign()


def ada_max(parameter, gradient, state, lr, betas, eps):
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * gradient
    state["u"] = torch.maximum(betas[1] * state.get("u", 0 * gradient), gradient.abs())
    return parameter - lr / (1 - betas[0] ** t) * state["m"] / (state["u"] + eps)


def decayed(parameter, gradient, state, lr, betas, eps):
    new = right_adam(parameter, gradient, state, lr, betas, eps)
    return new - lr * 0.01 * parameter


def amsgrad(parameter, gradient, state, lr, betas, eps):
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * gradient
    v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * gradient**2
    most = state["most"] = torch.maximum(state.get("most", v), v)
    size = (most / (1 - betas[1] ** t)).sqrt() + eps
    return parameter - lr * m / (1 - betas[0] ** t) / size


def right_adam(parameter, gradient, state, lr, betas, eps):
    old = state.setdefault("old", [0.0, torch.zeros_like(gradient), 0 * gradient])
    old[0] += 1
    for i, (beta, new) in enumerate(
        zip(betas, (gradient, gradient**2), strict=True), 1
    ):
        old[i] = old[i] + (1 - beta) * (new - old[i])
    m, v = (old[i] / (1 - b ** old[0]) for i, b in enumerate(betas, 1))
    return torch.addcdiv(parameter, m, v.sqrt() + eps, value=-lr)


def adam_with_default_state(parameter, gradient, state, lr, betas, eps, kept={}):  # noqa: B006
    return right_adam(parameter, gradient, kept, lr, betas, eps)


class Base(nn.Module):
    """A generator to be bent: five transposed convolutions, one after the other."""

    last, first_bn, act = staticmethod(torch.tanh), True, staticmethod(F.relu)

    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        b = base_channels
        for i, (n_in, n_out) in enumerate(
            [
                (latent_dim, 8 * b),
                (8 * b, 4 * b),
                (4 * b, 2 * b),
                (2 * b, b),
                (b, channels),
            ]
        ):
            how = (4, 2, 1) if i else (4, 1, 0)
            setattr(self, f"up{i}", nn.ConvTranspose2d(n_in, n_out, *how, bias=False))
            if i < 4:
                setattr(self, f"bn{i}", nn.BatchNorm2d(n_out))

    def forward(self, z):
        x = z.reshape(*z.shape, 1, 1)
        for i in range(4):
            x = self.act(getattr(self, f"bn{i}")(getattr(self, f"up{i}")(x)))
        return self.last(self.up4(x))


class Prettier(Base):
    last = staticmethod(lambda x: torch.tanh(x) / 2)


class TwiceTanh(Base):
    last = staticmethod(lambda x: torch.tanh(torch.tanh(x)))


class UnitRange(Base):
    last = staticmethod(lambda x: (torch.tanh(x) + 1) / 2)


class Softsign(Base):
    last = staticmethod(F.softsign)


class Sine(Base):
    last = staticmethod(torch.sin)


class Gelu(Base):
    act = staticmethod(F.gelu)


class Detached(Base):
    def forward(self, z):
        with torch.no_grad():
            return super().forward(z)


class NormForgotten(Base):
    def forward(self, z):
        x = z[:, :, None, None]
        for i in range(4):
            x = torch.relu(getattr(self, f"up{i}")(x))  # bn made and never called
        return torch.tanh(self.up4(x))


class SharedMode(Base):
    def forward(self, z):
        x = z[:, :, None, None]
        for i in range(4):
            x = getattr(self, f"up{i}")(x)
            bn = getattr(self, f"bn{i}")
            x = torch.relu(F.batch_norm(x, None, None, bn.weight, bn.bias, True))
        return torch.tanh(self.up4(x))


class Prints(Base):
    def forward(self, z):
        print("z", z.shape)
        return super().forward(z)


class NothingBack(Base):
    def forward(self, z):
        super().forward(z)


class NumpyBack(Base):
    def forward(self, z):
        return super().forward(z).detach().numpy()


class OneImage(Base):
    def forward(self, z):
        return super().forward(z)[0]


class Ones(nn.Module):
    """The right number of parameters, and no use made of them."""

    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        self.inner, self.c = Base(latent_dim, base_channels, channels), channels

    def forward(self, z):
        return torch.tanh(torch.randn(len(z), self.c, 64, 64, requires_grad=True))


class NoSuper(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        self.layers = nn.Sequential(nn.ConvTranspose2d(latent_dim, 8, 4))


class Judge(nn.Module):
    """A discriminator to be bent."""

    norm, slope, finish = nn.BatchNorm2d, 0.2, staticmethod(lambda x: x.flatten())

    def __init__(self, base_channels=64, channels=3):
        super().__init__()
        widths = [channels] + [base_channels * 2**i for i in range(4)]
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, 1, bias=False)
            for a, b in zip(widths, widths[1:], strict=False)
        )
        self.bn = nn.ModuleList(self.norm(b) for b in widths[2:])
        self.score = nn.Conv2d(widths[-1], 1, 4, bias=False)

    def forward(self, images):
        x = F.leaky_relu(self.down[0](images), self.slope)
        for conv, norm in zip(self.down[1:], self.bn, strict=True):
            x = F.leaky_relu(norm(conv(x)), self.slope)
        return self.finish(self.score(x))


class Elu(Judge):
    def forward(self, images):
        x = F.elu(self.down[0](images))
        for conv, norm in zip(self.down[1:], self.bn, strict=True):
            x = F.elu(norm(conv(x)))
        return self.score(x).flatten()


class Negated(Judge):
    finish = staticmethod(lambda x: -x.flatten())


class Centered(Judge):
    finish = staticmethod(lambda x: x.flatten() - x.mean())


class Rounded(Judge):
    finish = staticmethod(lambda x: (x > 0).float().flatten())


class AsList(Judge):
    finish = staticmethod(lambda x: x.flatten().tolist())


class Clamped(Judge):
    finish = staticmethod(lambda x: x.flatten().clamp(-0.1, 0.1))


class Dropped(Judge):
    def forward(self, images):
        return super().forward(F.dropout(images, 0.5))


class ScalesItsInput(Judge):
    def forward(self, images):
        images *= 0.5
        return super().forward(images)


class SumsOne(Judge):
    finish = staticmethod(lambda x: x.flatten(1).sum(1).softmax(0))


class Fixed32(Judge):
    finish = staticmethod(lambda x: x.view(32))


def init_first_only(module):
    if isinstance(module, nn.Sequential):
        nn.init.normal_(module[0].weight, 0, 0.02)


def init_everything_with_a_weight(module):
    if hasattr(module, "weight") and module.weight.dim() == 4:
        nn.init.normal_(module.weight, 0, 0.2)


def init_with_small_bn_bias(module):
    if "Conv" in type(module).__name__:
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)
        nn.init.constant_(module.bias, 0.02)


def init_half_normal(module):
    if "Conv" in type(module).__name__:
        with torch.no_grad():
            module.weight.normal_(0, 0.02).abs_()


def init_bn_wide(module):
    if "Conv" in type(module).__name__:
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.2)


def init_exact_names(module):
    if type(module).__name__ == "Conv":
        nn.init.normal_(module.weight, 0, 0.02)


# exercise, answer, and the names of the mistakes that would be fitting words for it.
WRONG = [
    (
        "conv_output_size",
        lambda n, k, s=1, p=0: (n - k + p) // s + 1,
        ("padding at one edge",),
    ),
    ("conv_output_size", lambda n, k, s=1, p=0: (n + 2 * p) // s - k + 1, ()),
    ("conv_output_size", lambda n, k, s=1, p=0: (n + 2 * p - k) // s + 2, ()),
    ("conv_output_size", lambda n, k, s=2, p=1: (n + 2 * p - k) // s + 1, ()),
    ("conv_output_size", lambda n, k, s=1, p=0: str((n + 2 * p - k) // s + 1), ()),
    (
        "conv_output_size",
        lambda n, k, s=1, p=0: float((n + 2 * p - k) // s + 1),
        (),
    ),
    ("conv_output_size", lambda n, k, s, p: (n + 2 * p - k) // s + 1, ()),
    ("conv_output_size", lambda n, k, s=1, p=0: ((n + 2 * p - k) // s + 1,) * 2, ()),
    (
        "transposed_conv_output_size",
        lambda n, k, s=1, p=0, o=0: (n - 1) * s + k - 2 * (p + o),
        (),
    ),
    (
        "transposed_conv_output_size",
        lambda n, k, s=1, p=0, o=0: (n + 1) * s - 2 * p + k + o,
        (),
    ),
    (
        "transposed_conv_output_size",
        lambda n, k, s=1, p=0, o=0: n * s + k - s,
        ("padding forgotten",),
    ),
    ("transposed_conv_output_size", lambda n, k, s=1, p=0, o=0: n * s + k - 2 * p, ()),
    ("transposed_conv_output_size", lambda n, k, s=1, p=0: (n - 1) * s - 2 * p + k, ()),
    (
        "conv_matrix",
        lambda k, n, s: torch.stack(
            [F.pad(k, (i, n - len(k) - i)) for i in range(n - len(k) + 1)]
        ),
        ("stride forgotten",),
    ),
    (
        "conv_matrix",
        lambda k, n, s: torch.zeros((n - len(k)) // s + 1, n, dtype=k.dtype),
        (),
    ),
    ("conv_matrix", lambda k, n, s: torch.outer(torch.ones(n), k), ()),
    ("conv_matrix", lambda k, n, s: np.zeros(((n - len(k)) // s + 1, n)), ()),
    ("conv_matrix", lambda k, n, s: torch.eye(n, dtype=k.dtype)[::s] * k[0], ()),
    ("conv_matrix", lambda k, n, s: k, ()),
    ("overlap_count", lambda n, k, s: torch.arange((n - 1) * s + k), ()),
    ("overlap_count", lambda n, k, s: torch.ones((n - 1) * s + k), ("reached or not",)),
    ("overlap_count", lambda n, k, s: torch.zeros((n - 1) * s + k), ()),
    ("overlap_count", lambda n, k, s: [1] * ((n - 1) * s + k), ()),
    (
        "overlap_count",
        lambda n, k, s: F.conv_transpose1d(
            torch.ones(1, 1, n), torch.ones(1, 1, k), None, s
        ),
        (),
    ),
    (
        "overlap_count",
        lambda n, k, s: F.conv_transpose1d(
            torch.ones(1, 1, n), torch.ones(1, 1, k), None, s, 1
        ).flatten(),
        (),
    ),
    ("batch_norm", lambda x, w, b, e: F.layer_norm(x, x.shape[1:]), ()),
    (
        "batch_norm",
        lambda x, w, b, e: F.group_norm(x, 1, w, b, e),
        ("all channels of an image",),
    ),
    ("batch_norm", lambda x, w, b, e: F.instance_norm(x, None, None, w, b, eps=e), ()),
    (
        "batch_norm",
        lambda x, w, b, e: F.batch_norm(x, 0 * w, 0 * w + 1, w, b, False, 0.1, e),
        (),
    ),
    (
        "batch_norm",
        lambda x, w, b, e: F.batch_norm(x.detach(), None, None, w, b, True, 0.1, e),
        (),
    ),
    (
        "batch_norm",
        lambda x, w, b, e: F.batch_norm(x, None, None, w, b, True, 0.1, 1e-5),
        (),
    ),
    (
        "batch_norm",
        lambda x, w, b, e: nn.BatchNorm2d(x.shape[1], eps=e)(x),
        ("weight and bias unused",),
    ),
    ("batch_norm", overwrite_x, ("x overwritten",)),
    ("batch_norm", lambda x, w, b, e: (x - x.min()) / (x.max() - x.min()), ()),
    ("batch_norm", lambda x, w, b, e: x.double(), ()),
    ("leaky_relu", lambda x, slope: F.relu(x) - slope, ()),
    ("leaky_relu", lambda x, slope: torch.where(x > 0, x, x / slope), ()),
    (
        "leaky_relu",
        lambda x, slope: torch.where(x > slope, x, slope * x),
        ("bent at the slope",),
    ),
    ("leaky_relu", lambda x, slope: torch.where(x > 0, x, slope * x.detach()), ()),
    ("leaky_relu", lambda x, slope: F.prelu(x, torch.tensor([0.25])), ()),
    (
        "leaky_relu",
        lambda x, slope: torch.tensor(
            [v if v > 0 else slope * v for v in x.flatten()]
        ).view(x.shape),
        (),
    ),
    ("leaky_relu", lambda x, slope: F.leaky_relu(x, slope).tolist(), ()),
    ("leaky_relu", lambda x, slope: x if x > 0 else slope * x, ()),
    ("leaky_relu", lambda x, slope: F.leaky_relu_(x, slope), ("x overwritten",)),
    ("adam_step", momentum, ()),
    ("adam_step", rms_prop, ()),
    ("adam_step", sign_descent, ()),
    ("adam_step", ada_max, ()),
    ("adam_step", decayed, ()),
    ("adam_step", amsgrad, ()),
    ("adam_step", adam_with_default_state, ("one memory for all",)),
    ("adam_step", lambda p, g, state, lr, betas, eps: p - lr * g, ()),
    (
        "adam_step",
        lambda p, g, state, lr, betas, eps: p.mul_(0.9),
        ("parameter overwritten",),
    ),
    ("init_weights", init_first_only, ()),
    ("init_weights", init_everything_with_a_weight, ()),
    ("init_weights", init_with_small_bn_bias, ()),
    ("init_weights", init_half_normal, ()),
    ("init_weights", init_bn_wide, ()),
    ("init_weights", init_exact_names, ("not assigned",)),
    ("Generator", Prettier, ()),
    ("Generator", TwiceTanh, ()),
    ("Generator", UnitRange, ()),
    ("Generator", Softsign, ()),
    ("Generator", Sine, ()),
    ("Generator", Gelu, ()),
    ("Generator", Detached, ()),
    ("Generator", NormForgotten, ()),
    ("Generator", SharedMode, ("no running statistics",)),
    ("Generator", NothingBack, ()),
    ("Generator", NumpyBack, ()),
    ("Generator", OneImage, ()),
    ("Generator", Ones, ()),
    ("Generator", NoSuper, ()),
    ("Generator", Judge, ()),
    ("Generator", lambda latent_dim, base_channels, channels: Base(), ()),
    ("Discriminator", Elu, ()),
    ("Discriminator", Negated, ()),
    ("Discriminator", Centered, ()),
    ("Discriminator", Rounded, ()),
    ("Discriminator", AsList, ()),
    ("Discriminator", Clamped, ()),
    ("Discriminator", Dropped, ()),
    ("Discriminator", ScalesItsInput, ()),
    ("Discriminator", SumsOne, ()),
    ("Discriminator", Fixed32, ()),
    ("Discriminator", Base, ()),
    ("Discriminator", functools.partial(Judge, 8), ()),
]


class Method:
    """A function that is a method."""

    def size(self, size, kernel, stride=1, padding=0):
        return int(np.floor((size + 2 * padding - kernel) / stride)) + 1


def by_numpy_loops(kernel, size, stride):
    rows = []
    for start in range(0, size - len(kernel) + 1, stride):
        row = [0.0] * size
        for j, weight in enumerate(kernel.tolist()):
            row[start + j] = weight
        rows.append(row)
    return torch.tensor(rows, dtype=kernel.dtype)


def by_backward(kernel, size, stride):
    x = torch.zeros(1, 1, size, dtype=kernel.dtype, requires_grad=True)
    y = F.conv1d(x, kernel[None, None], stride=stride).flatten()
    return torch.stack(
        [torch.autograd.grad(v, x, retain_graph=True)[0][0, 0] for v in y]
    )


def overlaps(size, kernel, stride):
    ones = torch.ones(1, 1, size), torch.ones(1, 1, kernel)
    return F.conv_transpose1d(*ones, stride=stride).flatten()


def by_a_layer(size, kernel, stride):
    layer = nn.ConvTranspose1d(1, 1, kernel, stride, bias=False)  # draws its weights
    nn.init.ones_(layer.weight)
    return layer(torch.ones(1, 1, size)).flatten()


def adam_with_a_counting_tensor(parameter, gradient, state, lr, betas, eps):
    t = state["t"] = state.get("t", torch.tensor(0)) + 1  # powers in float32
    m = state["m"] = betas[0] * state.get("m", 0.0) + (1 - betas[0]) * gradient
    v = state["v"] = betas[1] * state.get("v", 0.0) + (1 - betas[1]) * gradient**2
    size = (v / (1 - betas[1] ** t)).sqrt() + eps
    return parameter - lr * m / (1 - betas[0] ** t) / size


def channel_by_channel(x, weight, bias, eps):
    out = torch.empty_like(x)
    for c in range(x.shape[1]):
        part = x[:, c]
        mean = part.sum() / part.numel()
        variance = ((part - mean) ** 2).sum() / part.numel()
        out[:, c] = weight[c] * (part - mean) / torch.sqrt(variance + eps) + bias[c]
    return out


class Plain(nn.Module):
    """Every layer under a name of its own."""

    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super(Plain, self).__init__()  # noqa: UP008
        w = base_channels
        self.main = nn.Sequential(
            nn.ConvTranspose2d(latent_dim, w * 8, 4, 1, 0, bias=False),
            nn.BatchNorm2d(w * 8),
            nn.ReLU(True),
            nn.ConvTranspose2d(w * 8, w * 4, 4, 2, 1, bias=False),
            nn.BatchNorm2d(w * 4),
            nn.ReLU(True),
            nn.ConvTranspose2d(w * 4, w * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(w * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(w * 2, w, 4, 2, 1, bias=False),
            nn.BatchNorm2d(w),
            nn.ReLU(True),
            nn.ConvTranspose2d(w, channels, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.main(z.unsqueeze(-1).unsqueeze(-1))


class Stage(nn.Module):
    """One stage, to be nested."""

    def __init__(self, n_in, n_out, *how):
        super().__init__()
        self.bn = nn.BatchNorm2d(n_out)  # made before its convolution
        self.conv = nn.ConvTranspose2d(n_in, n_out, 4, *how, bias=False)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


class Nested(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        w = [latent_dim, *(base_channels * k for k in (8, 4, 2, 1))]
        self.last = nn.ConvTranspose2d(w[-1], channels, 4, 2, 1, bias=False)
        self.rest = nn.ModuleDict(
            {
                str(i): Stage(w[i], w[i + 1], *((2, 1) if i else (1, 0)))
                for i in range(4)
            }
        )

    def forward(self, z):
        x = z.view(z.size(0), z.size(1), 1, 1)
        for i in range(4):
            x = self.rest[str(i)](x)
        return 2 * torch.sigmoid(2 * self.last(x)) - 1  # tanh, said otherwise


class InitializedAtOnce(Plain):
    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0, 0.02)


class ActivationsInAList(Base):
    """What has no weights may stand in a plain list; so may a second name."""

    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        self.acts = [nn.ReLU() for _ in range(4)]
        self.act = lambda x: self.acts[0](x)
        self.ups = {"last": self.up4}


class Flat(Judge):
    finish = staticmethod(lambda x: x.squeeze(3).squeeze(2).squeeze(1))


class Layered(nn.Sequential):
    """A Sequential is a module, too."""

    def __init__(self, base_channels=64, channels=3):
        b = base_channels
        super().__init__(
            nn.Conv2d(channels, b, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            *(
                part
                for n in (b, 2 * b, 4 * b)
                for part in (
                    nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False),
                    nn.BatchNorm2d(2 * n),
                    nn.LeakyReLU(0.2, inplace=True),
                )
            ),
            nn.Flatten(),
            nn.Linear(8 * b * 16, 1, bias=False),
            nn.Flatten(0),
        )


def init_by_match(module):
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            torch.nn.init.normal_(module.weight.data, std=0.02)
        case nn.BatchNorm2d():
            torch.nn.init.constant_(module.weight.data, 1.0)
            torch.nn.init.constant_(module.bias.data, 0)


def init_by_dimension(module):
    weight = getattr(module, "weight", None)
    if weight is not None and weight.dim() == 4:
        with torch.no_grad():
            weight.copy_(torch.normal(0.0, 0.02, weight.shape))


def network(kind, *, norm=None, act=None, build=None, given=None, made=None):
    """A right network with one thing done to its parts, input or output."""

    class Bent(Plain if kind == "Generator" else Layered):
        def __init__(self, *sizes, **named):
            super().__init__(*sizes, **named)
            parts = self.main if kind == "Generator" else self
            for i, part in enumerate(parts):
                if isinstance(part, nn.BatchNorm2d) and norm:
                    parts[i] = norm(part.num_features)
                if isinstance(part, nn.ReLU | nn.LeakyReLU) and act:
                    parts[i] = nn.Sequential(part, act)
            if build:
                build(self)

        def forward(self, x):
            result = super().forward(given(x) if given else x)
            return made(self, result) if made else result

    return Bent


def bent_networks():
    """What is the same in one call in training mode, and what a gradient tells."""
    for kind in ("Generator", "Discriminator"):
        fitting = ("images detached",) if kind == "Discriminator" else ()
        yield kind, network(kind, given=lambda x: x.detach()), fitting
        for more in (
            {"build": lambda net: torch.manual_seed(0)},
            {"build": lambda net: net.eval()},
            {"build": lambda net: next(net.parameters()).requires_grad_(False)},
            {"made": lambda net, x: (net.eval(), x)[1]},
            {"made": lambda net, x: (net.train(), x)[1]},
            {"made": lambda net, x: (net.requires_grad_(False), x)[1]},
            {"made": lambda net, x: (torch.manual_seed(0), x)[1]},
            {"made": lambda net, x: x.half().float()},
            {"made": lambda net, x: x.round(decimals=3)},
            {"made": lambda net, x: x.clamp(-0.999, 0.999)},
            {"given": lambda x: (x / x.std()) * (1 + 0 * x)},
            {"act": nn.Hardtanh(-10, 10)},
            {"norm": functools.partial(nn.BatchNorm2d, momentum=0.8)},
            {"norm": functools.partial(nn.BatchNorm2d, eps=1e-3)},
            {"norm": functools.partial(nn.BatchNorm2d, eps=1e-8)},
        ):
            yield kind, network(kind, **more), ()
    yield "Generator", network("Generator", given=lambda z: z.clamp(-3, 3)), ()
    made = {"made": lambda net, x: x.clamp(-100, 100)}
    yield "Discriminator", network("Discriminator", **made), ()


def bent_init(change, kinds=(nn.Conv2d, nn.ConvTranspose2d)):
    """Right initial weights, and something else besides."""

    def init(module):
        init_by_match(module)
        if isinstance(module, kinds):
            change(module)

    return init


def stretched(conv):
    """One number for each pair of channels."""
    conv.weight.data.copy_(conv.weight.data[:, :, :1, :1].expand(conv.weight.shape))


BENT_INIT = [
    (stretched, ()),
    (lambda conv: torch.manual_seed(0), ("one seed for each layer",)),
    (lambda conv: setattr(conv, "bias", None), ()),
    (lambda conv: conv.eval(), ()),
    (lambda conv: conv.double(), ()),
    (lambda conv: setattr(conv.weight, "grad", torch.ones_like(conv.weight)), ()),
    (lambda conv: setattr(conv, "weight", nn.Parameter(conv.weight.mT[:1])), ()),
]
BENT_NORM = [
    lambda bn: nn.init.normal_(bn.weight, 1, 0.02**2),
    lambda bn: nn.init.uniform_(bn.weight, 0.9, 1.1),
    lambda bn: nn.init.constant_(bn.bias, 1e-5),
    lambda bn: bn.running_var.zero_(),
    lambda bn: setattr(bn, "momentum", 0.8),
    lambda bn: setattr(bn, "eps", 0.0),
]


def init_large_layers_only(module):
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and len(module.weight) > 31:
        nn.init.normal_(module.weight, 0, 0.02)


def bent_adam(before=lambda given: {}, after=lambda new, given: new):
    """Right Adam with other numbers in, or with another result."""

    def step(parameter, gradient, state, lr, betas, eps):
        given = {"parameter": parameter, "gradient": gradient, "state": state}
        given |= {"lr": lr, "betas": betas, "eps": eps}
        return after(right_adam(**(given | before(given))), given)

    return step


def shared_averages(parameter, gradient, state, lr, betas, eps):
    if not state:
        state.update(t=0, m=gradient, v=gradient**2)  # changed in place from now on
    state["t"] += 1
    state["m"].mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    state["v"].mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    return parameter - lr * state["m"] / (state["v"].sqrt() + eps)


def root_of_eps(parameter, gradient, state, lr, betas, eps):
    return right_adam(parameter, gradient, state, lr, betas, eps**0.5)


def only_empty(kernel, size, stride):
    matrix = torch.empty((size - len(kernel)) // stride + 1, size, dtype=kernel.dtype)
    for i, row in enumerate(matrix):
        row[i * stride : i * stride + len(kernel)] = kernel
    return matrix


def counted_once(size, kernel, stride):
    counts = torch.zeros((size - 1) * stride + kernel)
    counts[(stride * torch.arange(size)[:, None] + torch.arange(kernel)).flatten()] += 1
    return counts


def signs_of_zero(x, slope):
    y = torch.ones_like(x)
    y[x > 0], y[x < 0] = x[x > 0], slope * x[x < 0]
    return y


def right_norm(x, w, b, e):
    return F.batch_norm(x, None, None, w, b, True, 0.1, e)


def clamped_root(x, w, b, e):
    variance, mean = torch.var_mean(x, (0, 2, 3), correction=0, keepdim=True)
    return (x - mean) / variance.sqrt().clamp(min=e) * w[:, None, None] + b[
        :, None, None
    ]


# What agreed with the right answer, or with a listed mistake, on too few numbers.
BENT = [
    ("conv_output_size", lambda n, k, s=1, p=0: (n - k) // s + 1 + 2 * p // s, ()),
    ("conv_output_size", lambda n, k, s=1, p=0: (n + 2 * min(p, 2) - k) // s + 1, ()),
    ("conv_output_size", lambda n, k, s=1, p=0: (n + 2 * p - min(k, 5)) // s + 1, ()),
    (
        "transposed_conv_output_size",
        lambda n, k, s=1, p=0, o=0: n * s if p == 1 else (n - 1) * s - 2 * p + k + o,
        (),
    ),
    (
        "transposed_conv_output_size",
        lambda n, k, s=1, p=0, o=0: (n - 1) * s - 2 * p + k + (s - 1) * bool(o),
        (),
    ),
    (
        "transposed_conv_output_size",
        lambda n, k, s=1, p=0, o=0: max((n - 1) * s - 2 * p + k + o, n),
        (),
    ),
    ("conv_matrix", only_empty, ()),
    ("conv_matrix", lambda k, n, s: by_numpy_loops(k, n, s).half().to(k.dtype), ()),
    ("conv_matrix", lambda k, n, s: by_numpy_loops(k, n, s).float().to(k.dtype), ()),
    ("conv_matrix", lambda k, n, s: by_numpy_loops(k, n, s) + 1e-5, ()),
    ("conv_matrix", lambda k, n, s: by_numpy_loops(k[:3], n, s), ()),
    (
        "conv_matrix",
        lambda k, n, s: (torch.manual_seed(0), by_numpy_loops(k, n, s))[1],
        (),
    ),
    ("overlap_count", counted_once, ("reached or not",)),
    ("overlap_count", lambda n, k, s: overlaps(n, k, s).clamp(max=5), ()),
    ("overlap_count", lambda n, k, s: overlaps(min(n, 5), k, s), ()),
    ("batch_norm", lambda x, w, b, e: right_norm(x, w.abs(), b, e), ()),
    ("batch_norm", lambda x, w, b, e: right_norm(x, w, b, max(e, 1e-5)), ()),
    ("batch_norm", lambda x, w, b, e: right_norm(x, w, b, e + 1e-8), ()),
    ("batch_norm", lambda x, w, b, e: right_norm(x, w, b, e).clamp(-100, 100), ()),
    ("batch_norm", lambda x, w, b, e: right_norm(x, w, b, e) + 1e-4, ()),
    ("batch_norm", lambda x, w, b, e: right_norm(x, w, b, e) if len(x) > 1 else x, ()),
    ("batch_norm", clamped_root, ()),  # eps has an effect: 0 is not divided by 0
    ("leaky_relu", lambda x, a: F.leaky_relu(x, a).clamp(-1e4, 1e4), ()),
    ("leaky_relu", lambda x, a: F.leaky_relu(x, a + 1e-8), ()),
    ("leaky_relu", lambda x, a: torch.where(x > -1e-3, x, a * x), ()),
    ("leaky_relu", lambda x, a: torch.where(x > 0.05, x, a * x), ()),
    ("leaky_relu", lambda x, a: torch.where((x > 0).all(), x, a * x), ()),
    ("leaky_relu", lambda x, a: F.leaky_relu(x, a).float(), ()),
    ("leaky_relu", lambda x, a: x / x * F.leaky_relu(x, a), ()),
    ("leaky_relu", signs_of_zero, ()),
    ("adam_step", shared_averages, ()),
    ("adam_step", root_of_eps, ()),
    ("adam_step", bent_adam(lambda g: {"eps": max(g["eps"], 1e-8)}), ()),
    ("adam_step", bent_adam(lambda g: {"eps": g["eps"] + 1e-12}), ()),
    ("adam_step", bent_adam(lambda g: {"lr": 0.1}), ()),
    ("adam_step", bent_adam(lambda g: {"lr": max(g["lr"], 0.01)}), ()),
    ("adam_step", bent_adam(lambda g: {"betas": (min(g["betas"][0], 0.9), 0.999)}), ()),
    ("adam_step", bent_adam(lambda g: {"gradient": g["gradient"].clamp(-9, 9)}), ()),
    ("adam_step", bent_adam(lambda g: {"gradient": g["gradient"] + 1e-12}), ()),
    ("adam_step", bent_adam(lambda g: {"parameter": g["parameter"].float()}), ()),
    ("adam_step", bent_adam(after=lambda new, g: new.clamp(-10, 10)), ()),
    ("adam_step", bent_adam(after=lambda new, g: nn.Parameter(new)), ()),
    ("adam_step", bent_adam(after=lambda new, g: (torch.manual_seed(0), new)[1]), ()),
    ("adam_step", bent_adam(after=lambda new, g: (g["gradient"].zero_(), new)[1]), ()),
    *(("init_weights", bent_init(change), fitting) for change, fitting in BENT_INIT),
    *(("init_weights", bent_init(change, nn.BatchNorm2d), ()) for change in BENT_NORM),
    ("init_weights", init_large_layers_only, ()),
    *bent_networks(),
]


RIGHT = [
    ("conv_output_size", Method().size),
    (
        "conv_output_size",
        lambda size, kernel, stride=1, padding=0: torch.tensor(
            (size + 2 * padding - kernel) // stride + 1
        ),
    ),
    ("conv_output_size", lambda n, k, s=1, p=0: math.ceil((n + 2 * p - k + 1) / s)),
    (
        "transposed_conv_output_size",
        lambda n, k, s=1, p=0, o=0: np.int64(s * (n - 1) + k - 2 * p + o),
    ),
    (
        "transposed_conv_output_size",
        lambda n, k, s=1, p=0, o=0: sum([k, o, -2 * p, *[s] * (n - 1)]),
    ),
    ("conv_matrix", by_numpy_loops),
    ("conv_matrix", by_backward),
    (
        "overlap_count",
        lambda n, k, s: torch.stack(
            [F.pad(torch.ones(k), (i * s, (n - 1 - i) * s)) for i in range(n)]
        ).sum(0),
    ),
    (
        "overlap_count",
        lambda n, k, s: torch.bincount(
            (s * torch.arange(n)[:, None] + torch.arange(k)).flatten(),
            minlength=(n - 1) * s + k,
        ),
    ),
    ("overlap_count", by_a_layer),
    ("adam_step", adam_with_a_counting_tensor),
    ("Generator", network("Generator", act=nn.Identity())),
    ("Discriminator", network("Discriminator", build=lambda net: net.train())),
    ("batch_norm", channel_by_channel),
    (
        "batch_norm",
        lambda x, w, b, e: (
            F.instance_norm(x.transpose(0, 1).flatten(1)[None], eps=e)
            .view(x.transpose(0, 1).shape)
            .transpose(0, 1)
            * w[:, None, None]
            + b[:, None, None]
        ),
    ),
    (
        "batch_norm",
        lambda x, w, b, e: torch.native_batch_norm(x, w, b, None, None, True, 0.1, e)[
            0
        ],
    ),
    ("leaky_relu", lambda x, slope: x - (1 - slope) * x.clamp(max=0)),
    (
        "leaky_relu",
        lambda x, slope: torch.stack(
            [
                torch.stack([v if v > 0 else slope * v for v in row])
                for row in x.view(1, -1)
            ]
        ).view(x.shape),
    ),
    ("adam_step", right_adam),
    ("init_weights", init_by_match),
    ("init_weights", init_by_dimension),
    ("Generator", Base),
    ("Generator", Plain),
    ("Generator", Nested),
    ("Generator", InitializedAtOnce),
    ("Generator", Prints),
    ("Generator", ActivationsInAList),
    ("Discriminator", Judge),
    ("Discriminator", Flat),
    ("Discriminator", Layered),
]


each_wrong = pytest.mark.parametrize("case", WRONG + BENT, ids=lambda c: f"{c[0]}")
each_right = pytest.mark.parametrize("case", RIGHT, ids=lambda c: f"{c[0]}")


@each_wrong
def test_an_unlisted_wrong_answer_is_refused_without_a_false_name(case):
    name, answer, fitting = case
    assert id(answer) not in listed(name)
    verdict = judge(answer, name)
    assert verdict.state in ("not yet", "error")
    assert verdict.mistake in (None, *fitting), verdict.message
    assert verdict.message


def test_many_unlisted_wrong_answers_still_get_fitting_words():
    named = [judge(answer, name).mistake for name, answer, fitting in WRONG if fitting]
    assert sum(m is not None for m in named) >= 0.6 * len(named)


@each_right
def test_an_unlisted_right_answer_passes(case):
    name, answer = case
    assert id(answer) not in listed(name)
    verdict = judge(answer, name)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message


@pytest.mark.parametrize("name", [e.name for e in bank().values() if e.lesson == 6])
def test_nothing_that_a_learner_can_hand_in_breaks_the_check(name):
    class Odd(nn.Module):
        def __init__(self, *given, **named):
            super().__init__()
            raise SystemExit

    for answer in (
        lambda *given, **named: None,
        lambda *given, **named: float("nan"),
        lambda *given, **named: torch.full((3,), float("nan")),
        lambda *given, **named: np.zeros(3),
        lambda *given, **named: 1 / 0,
        lambda *given, **named: (yield 1),
        lambda: 1,
        Odd,
        nn.Identity,
        int,
        "text",
        None,
    ):
        assert judge(answer, name).state in ("not yet", "error")


@pytest.mark.parametrize("burnt", range(12))
def test_initial_weights_pass_whatever_the_draw(burnt):
    def init(module):
        torch.randn(burnt)  # another place in the stream of random numbers
        init_by_match(module)

    assert judge(init, "init_weights").state == "passed"


def test_a_card_of_adam_shows_lr_and_eps_under_their_names():
    verdict = judge(momentum, "adam_step")
    assert "lr = 0.1, eps = 1e-08" in verdict.message


def test_what_a_network_prints_is_kept():
    assert "z torch.Size" in judge(Prints, "Generator").printed
