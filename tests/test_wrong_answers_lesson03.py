"""Answers to lesson 3 that no bank lists: wrong ones are refused, right ones pass.

Beside each wrong answer stand words that the message must hold where it is told what is
wrong, and None where the card can only show the numbers.
"""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import losses, training
from course_utils.exercises import judge

MINIMAX = "minimax_generator_loss"
IN_D, IN_LOGIT = "slope_in_probability", "slope_in_logit"
PRETRAIN, NORM = "pretrain_discriminator", "generator_gradient_norm"
UNIFORMS = "js_of_shifted_uniforms"
log, sigmoid = torch.log, torch.sigmoid


# ---------------------------------------------------------------- slopes


def by_backward(function, *, clone=False):
    """The slope of a sum, read from `.grad`, in the input itself or in a clone."""

    def slope(x):
        x = x.clone() if clone else x
        x.requires_grad_()
        function(x).sum().backward()
        return x.grad

    return slope


def by_autograd(function):
    def slope(x):
        return torch.autograd.grad(function(x.requires_grad_()).sum(), x)[0]

    return slope


def without_order(slope):
    return lambda x: slope(x.flatten().sort().values).reshape(x.shape)


# ---------------------------------------------------------------- pre-training


def school(loss, *, detach=True):
    """A pre-training written out, correct but for what `loss` or `detach` spoils."""

    def pretrain(G, D, optimizer_d, sample_real, sample_latent, steps):
        for _ in range(steps):
            x_real, z = sample_real(), sample_latent()
            x_fake = G(z).detach() if detach else G(z)
            value = loss(D(x_real), D(x_fake))
            optimizer_d.zero_grad()
            value.backward()
            optimizer_d.step()

    return pretrain


def moves_g_too(G, D, optimizer_d, sample_real, sample_latent, steps):
    training.pretrain_discriminator(
        G, D, optimizer_d, sample_real, sample_latent, steps
    )
    with torch.no_grad():
        for parameter in G.parameters():
            parameter.mul_(0.99)


def without_a_graph(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        with torch.no_grad():
            real, fake = D(sample_real()), D(G(sample_latent()))
        optimizer_d.zero_grad()
        (F.softplus(-real).mean() + F.softplus(fake).mean()).backward()
        optimizer_d.step()


def latents_for_samples(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        real, fake = D(sample_real()), D(sample_latent())
        optimizer_d.zero_grad()
        (F.softplus(-real).mean() + F.softplus(fake).mean()).backward()
        optimizer_d.step()


def samplers_not_called(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        training.discriminator_step(G, D, optimizer_d, sample_real, sample_latent)


def never_steps(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        fake = D(G(sample_latent()).detach())
        losses.discriminator_loss(D(sample_real()), fake).backward()


def only_the_last_batch(G, D, optimizer_d, sample_real, sample_latent, steps):
    batches = [(sample_real(), sample_latent()) for _ in range(steps)]
    for _ in range(steps):
        training.discriminator_step(G, D, optimizer_d, *batches[-1])


def two_steps_for_one(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        x_real, z = sample_real(), sample_latent()
        for _ in range(2):
            training.discriminator_step(G, D, optimizer_d, x_real, z)


def a_step_for_each_term(G, D, optimizer_d, sample_real, sample_latent, steps):
    bce = nn.BCEWithLogitsLoss()
    for _ in range(steps):
        x_real, z = sample_real(), sample_latent()
        for x, target in ((x_real, 1.0), (G(z).detach(), 0.0)):
            optimizer_d.zero_grad()
            logits = D(x)
            bce(logits, torch.full_like(logits, target)).backward()
            optimizer_d.step()


def in_order(order, *, last="", clip=None):
    """A pre-training with its last acts in another order."""

    def pretrain(G, D, optimizer_d, sample_real, sample_latent, steps):
        for _ in range(steps):
            x_real, x_fake = sample_real(), G(sample_latent()).detach()
            loss = losses.discriminator_loss(D(x_real), D(x_fake))
            acts = {
                "z": optimizer_d.zero_grad, "b": loss.backward, "s": optimizer_d.step,
                "c": lambda: nn.utils.clip_grad_norm_(D.parameters(), 1.0),
            }  # fmt: skip
            for act in order:
                acts[act]()
        for act in last:
            acts[act]()

    return pretrain


def by_hand(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        x_real, x_fake = sample_real(), G(sample_latent()).detach()
        loss = losses.discriminator_loss(D(x_real), D(x_fake))
        parameters = list(D.parameters())
        slopes = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, slope in zip(parameters, slopes, strict=True):
                parameter -= optimizer_d.param_groups[0]["lr"] * slope


def with_adam(G, D, optimizer_d, sample_real, sample_latent, steps):
    adam = torch.optim.Adam(D.parameters(), lr=1e-3)
    training.pretrain_discriminator(G, D, adam, sample_real, sample_latent, steps)


def one_batch_of_latents(G, D, optimizer_d, sample_real, sample_latent, steps):
    z = sample_latent()
    for _ in range(steps):
        training.discriminator_step(G, D, optimizer_d, sample_real(), z)


def batches_in_advance(G, D, optimizer_d, sample_real, sample_latent, steps):
    real = [sample_real() for _ in range(steps)]
    latent = [sample_latent() for _ in range(steps)]
    for x_real, z in zip(real, latent, strict=True):
        training.discriminator_step(G, D, optimizer_d, x_real, z)


def after_school(change):
    """A right pre-training, and then something is done to D."""

    def pretrain(G, D, *rest):
        training.pretrain_discriminator(G, D, *rest)
        change(D)

    return pretrain


def reseeded(*arguments):
    torch.manual_seed(5)
    training.pretrain_discriminator(*arguments)


def school_in_eval_mode(*, back):
    def pretrain(G, *rest):
        G.eval()
        training.pretrain_discriminator(G, *rest)
        if back:
            G.train()

    return pretrain


# ---------------------------------------------------------------- gradient norms


def straight_to_backward(G, D, z, loss):
    loss(D(G(z))).backward()
    return torch.cat([p.grad.flatten() for p in G.parameters()]).norm().item()


def norms_added_up(G, D, z, loss):
    loss(sigmoid(D(G(z)))).backward()
    return sum(p.grad.norm() for p in G.parameters()).item()


def a_loss_of_its_own(G, D, z, loss):
    value = losses.minimax_generator_loss(sigmoid(D(G(z))))
    gradients = torch.autograd.grad(value, list(G.parameters()))
    return torch.cat([g.flatten() for g in gradients]).norm().item()


def only_the_first_weight(G, D, z, loss):
    loss(sigmoid(D(G(z)))).backward()
    return G[0].weight.grad.norm().item()


def one_norm_each(G, D, z, loss):
    gradients = torch.autograd.grad(loss(sigmoid(D(G(z)))), list(G.parameters()))
    return [g.norm().item() for g in gradients]


def mean_over_samples(G, D, z, loss):
    def one(row):
        value = loss(sigmoid(D(G(row[None]))))
        gradients = torch.autograd.grad(value, list(G.parameters()))
        return torch.cat([g.flatten() for g in gradients]).norm()

    return torch.stack([one(row) for row in z]).mean().item()


def nothing_comes_back(G, D, z, loss):
    loss(sigmoid(D(G(z)))).backward()


def a_step_as_well(G, D, z, loss):
    norm = training.generator_gradient_norm(G, D, z, loss)
    torch.optim.SGD(G.parameters(), lr=0.1).step()
    return norm


def norm_of(of=lambda v: v.norm(), *, output=sigmoid, before=None, after=None):
    """A norm of one long float64 vector, correct but for what the options spoil."""

    def norm(G, D, z, loss):
        if before:
            before(G, D, z)
        value = loss(output(D(G(z))))
        gradients = torch.autograd.grad(value, list(G.parameters()))
        if after:
            after(G, D, z)
        return float(of(torch.cat([g.double().flatten() for g in gradients])))

    return norm


def by_name(G, D, z, loss):
    value = loss(sigmoid(D(G(z))))
    weights = [G[0].weight, G[0].bias, G[2].weight, G[2].bias]
    gradients = torch.autograd.grad(value, weights)
    return torch.cat([g.double().flatten() for g in gradients]).norm().item()


def no_root_and_left_behind(G, D, z, loss):
    G.zero_grad()
    loss(sigmoid(D(G(z)))).backward()
    return sum((p.grad**2).sum().item() for p in G.parameters())


def old_subtracted(G, D, z, loss):
    old = [p.grad.clone() for p in G.parameters()]
    loss(sigmoid(D(G(z)))).backward()
    pairs = list(zip(G.parameters(), old, strict=True))
    norm = torch.cat([(p.grad - g).flatten() for p, g in pairs]).norm().item()
    for p, g in pairs:
        p.grad = g
    return norm


# ---------------------------------------------------------------- uniforms


def zero_times_log_zero(shift):
    x = torch.linspace(-4, 5, 9001)
    p, q = ((x >= a) & (x <= a + 1) for a in (0, shift))
    m = (p.float() + q) / 2
    return float((p * log(p / m) + q * log(q / m)).sum() / 2 * 0.001)


WRONG = [
    (MINIMAX, "NumPy", lambda p: np.log(1 - p.numpy()).mean(), "NumPy"),
    (MINIMAX, "a Python float", lambda p: log(1 - p).mean().item(), "NumPy"),
    (MINIMAX, "cut off", lambda p: log(1 - p.detach()).mean(), "cut off"),
    (MINIMAX, "a plus", lambda p: log(1 + p).mean(), None),
    (MINIMAX, "both terms", lambda p: (log(p) + log(1 - p)).mean(), None),
    (MINIMAX, "the worst sample", lambda p: log(1 - p).min(), None),
    (MINIMAX, "squared error", lambda p: ((1 - p) ** 2).mean(), None),
    (MINIMAX, "nothing returned", lambda p: None, "Is there a `return`?"),
    (MINIMAX, "float64", lambda p: log(1 - p.double()).mean(), "The type is float64"),
    (MINIMAX, "coarse clamp", lambda p: log((1 - p).clamp(min=0.05)).mean(), None),
    (MINIMAX, "in place", lambda p: p.neg_().add_(1).log().mean(), "in place"),
    (IN_D, "one plus", lambda p: -1 / (1 + p), None),
    (IN_D, "an average", lambda p: -1 / (1 - p).mean(), "The shape is"),
    (IN_D, "another type", lambda p: -1 / (1 - p.double()), "The type is float64"),
    (IN_D, "an epsilon", lambda p: -1 / (1 - p + 0.01), "Your epsilon"),
    (IN_D, "logit's slope of D", lambda p: 1 / (p * (1 - p)), None),
    (IN_D, "a list", lambda p: [-1 / (1 - v) for v in p.flatten()], "A tensor is"),
    (IN_D, "the argument misspelled", lambda p: -1 / (1 - prob), "has no value here"),  # noqa: F821
    (IN_LOGIT, "squared", lambda x: -(sigmoid(x) ** 2), None),
    (IN_LOGIT, "twice as steep", lambda x: -sigmoid(2 * x), None),
    (IN_LOGIT, "tanh", lambda x: -torch.tanh(x), None),
    (IN_LOGIT, "centered", lambda x: 0.5 - sigmoid(x), None),
    (
        IN_LOGIT, "a difference quotient",
        lambda x: (F.softplus(x) - F.softplus(x + 1e-2)) / 1e-2, None,
    ),
    (IN_LOGIT, "nothing at all", lambda x: torch.zeros_like(x), None),
    (PRETRAIN, "G moves", moves_g_too, "its weights moved"),
    (PRETRAIN, "no graph", without_a_graph, "does not require grad"),
    (PRETRAIN, "latents shown to D", latents_for_samples, "shapes do not fit"),
    (PRETRAIN, "samplers not called", samplers_not_called, "and got `_Sampler`"),
    (PRETRAIN, "the last batch again", only_the_last_batch, None),
    (PRETRAIN, "two steps for one", two_steps_for_one, None),
    (
        PRETRAIN, "hinge",
        school(lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean()), None,
    ),
    (
        PRETRAIN, "sign of one term",
        school(lambda r, f: F.softplus(-r).mean() - F.softplus(f).mean()), None,
    ),
    (
        PRETRAIN, "BCE on logits",
        school(lambda r, f: F.binary_cross_entropy(r, torch.ones_like(r))),
        "probabilities",
    ),
    (
        PRETRAIN, "the graph left whole",
        school(lambda r, f: F.softplus(-r).mean() + F.softplus(f).mean(), detach=False),
        "flows back through G",
    ),
    (PRETRAIN, "never steps", never_steps, "has not moved"),
    (IN_D, "the loss, D's side", lambda p: -torch.log1p(-p), "with a minus"),
    (PRETRAIN, "eval", school_in_eval_mode(back=False), "G's mode changed"),
    (PRETRAIN, "eval and back", school_in_eval_mode(back=True), "G's mode changed"),
    (NORM, "the first try", straight_to_backward, "Two things"),
    (NORM, "norms added up", norms_added_up, "A norm for each tensor"),
    (NORM, "a loss of its own", a_loss_of_its_own, "Use the `loss` you are given"),
    (NORM, "one weight", only_the_first_weight, "Only some of G's"),
    (NORM, "a list", one_norm_each, None),
    (NORM, "a mean over samples", mean_over_samples, None),
    (NORM, "nothing comes back", nothing_comes_back, "Is there a `return`?"),
    (NORM, "a step as well", a_step_as_well, "its weights moved"),
    (NORM, "negative", lambda *a: -training.generator_gradient_norm(*a), "-1 times"),
    (NORM, "halved", lambda *a: training.generator_gradient_norm(*a) / 2, "0.5 times"),
    (MINIMAX, "clamped", lambda p: log((1 - p).clamp(min=1e-6)).mean(), "Your epsilon"),
    (MINIMAX, "sure, clamped", lambda p: log(1 - p.clamp(min=1e-6)).mean(), "Your ep"),
    (
        MINIMAX, "the type's epsilon",
        lambda p: log(1 - p + torch.finfo(p.dtype).eps).mean(), "Your epsilon",
    ),
    (MINIMAX, "a product", lambda p: log((1 - p).cumprod(0)[-1]) / len(p), "product"),
    (MINIMAX, "zeros", lambda p: -nn.BCELoss()(p, torch.zeros(len(p))), "zeros_like"),
    (
        MINIMAX, "always float32", lambda p: log(1 - p.double()).mean().float(),
        "wanted is float64",
    ),
    (IN_D, "backward() on D", by_backward(lambda p: log(1 - p)), "second call"),
    (IN_D, "sorted", without_order(lambda p: -1 / (1 - p)), None),
    (IN_D, "rounded", lambda p: torch.round(-1 / (1 - p), decimals=4), None),
    (IN_D, "at most 20 steep", lambda p: (-1 / (1 - p)).clamp(min=-20), None),
    (IN_D, "1 - D bounded", lambda p: 1 / (p.clamp(max=1 - 1e-6) - 1), "Your epsilon"),
    (IN_D, "no brackets", lambda p: -torch.ones_like(p) / 1 - p, "brackets"),
    (
        IN_LOGIT, "backward() on the logits",
        by_backward(lambda x: log(1 - sigmoid(x))), "second call",
    ),
    (IN_LOGIT, "sorted", without_order(lambda x: -sigmoid(x)), None),
    (
        IN_LOGIT, "an epsilon in the log, by autograd",
        by_autograd(lambda x: log(1 - sigmoid(x) + 1e-6)), "Your epsilon",
    ),
    (
        IN_LOGIT, "digits, in float64",
        lambda x: (1 / (1 + torch.exp(x.double())) - 1).float(), "float64 only",
    ),
    (
        PRETRAIN, "D's answers detached",
        school(lambda r, f: F.softplus(-r).mean() + F.softplus(f.detach()).mean()),
        "not to D's answers",
    ),
    (PRETRAIN, "step too early", in_order("zsb"), "finds no gradients"),
    (PRETRAIN, "zero too late", in_order("bzs"), "finds no gradients"),
    (PRETRAIN, "one step behind the loop", in_order("zb", last="s"), "into it"),
    (PRETRAIN, "clipped", in_order("zbcs"), None),
    (PRETRAIN, "a step for each term", a_step_for_each_term, "Two steps for one"),
    (PRETRAIN, "by hand", by_hand, "steps of optimizer_d"),
    (PRETRAIN, "with Adam", with_adam, "another optimizer"),
    (PRETRAIN, "latents once", one_batch_of_latents, "by heart"),
    (PRETRAIN, "D in eval mode", after_school(nn.Module.eval), "D comes back"),
    (
        PRETRAIN, "D frozen", after_school(lambda D: D.requires_grad_(False)),
        "D's parameters stay frozen",
    ),
    (PRETRAIN, "a seed", reseeded, "global random state moves"),
    (NORM, "plus epsilon", norm_of(lambda v: v.norm() + 1e-8), "An epsilon"),
    (NORM, "below the root", norm_of(lambda v: (v @ v + 1e-12) ** 0.5), "An epsilon"),
    (NORM, "rounded", norm_of(lambda v: round(v.norm().item(), 6)), "exactly 0"),
    (NORM, "the old subtracted", old_subtracted, "exactly 0"),
    (
        NORM, "clamped", norm_of(output=lambda x: sigmoid(x).clamp(1e-6, 1 - 1e-6)),
        "exactly 0",
    ),
    (NORM, "at most 1", norm_of(lambda v: v.norm().clamp(max=1)), None),
    (NORM, "(n, 1)", norm_of(output=lambda x: sigmoid(x)[:, None]), "(4, 1)"),
    (NORM, "squeezed", norm_of(output=lambda x: sigmoid(x).squeeze()), "of a 0-d"),
    (NORM, "weights by name", by_name, "Only some of G's"),
    (NORM, "no root, left behind", no_root_and_left_behind, "without its root"),
    (NORM, "D in eval", norm_of(before=lambda G, D, z: D.eval()), "D is not as it was"),
    (
        NORM, "D frozen", norm_of(before=lambda G, D, z: D.requires_grad_(False)),
        "D is not as it was",
    ),
    (NORM, "z overwritten", norm_of(after=lambda G, D, z: z.zero_()), "in place"),
    (NORM, "dice", norm_of(before=lambda G, D, z: torch.rand(1)), "random state moves"),
    (UNIFORMS, "left beyond 1", lambda s: math.log(2) * abs(min(s, 1)), "to the left"),
    (UNIFORMS, "the end", lambda s: min(math.log(2) * abs(s), 1), "`min` is taken"),
    (UNIFORMS, "NaN", zero_times_log_zero, None),
    (UNIFORMS, "separated at 2", lambda s: math.log(2) * min(abs(s) / 2, 1), None),
    (UNIFORMS, "smooth", lambda s: math.log(2) * (1 - math.exp(-abs(s))), None),
    (UNIFORMS, "log(1 + shift)", lambda s: math.log(1 + min(abs(s), 1)), None),
    (UNIFORMS, "a constant tensor", lambda s: log(torch.tensor(2.0)), "At shift 0"),
    (
        UNIFORMS, "a step at 1",
        lambda s: 0.0 if -1 < s < 1 else math.log(2), "overlap in part",
    ),
    (UNIFORMS, "an odd line", lambda s: s / 2 * math.log(4), "Two things"),
    (UNIFORMS, "a tensor's method", lambda s: s.abs().clamp(max=1), "no attribute"),
]  # fmt: skip


# ---------------------------------------------------------------- right answers


def by_functional_grad(p):
    slope = torch.func.grad(lambda q: log(1 - q))
    return torch.vmap(slope)(p.flatten()).reshape(p.shape)


def by_bce_with_logits(x):
    x = x.clone().requires_grad_()
    zeros = torch.zeros_like(x)
    cost = F.binary_cross_entropy_with_logits(x, zeros, reduction="sum")
    return torch.autograd.grad(-cost, x)[0]


def with_targets(G, D, optimizer_d, sample_real, sample_latent, steps):
    bce, step = nn.BCELoss(), 0
    while step < steps:
        real = sigmoid(D(sample_real()))
        with torch.no_grad():
            x_fake = G(sample_latent())
        fake = sigmoid(D(x_fake))
        optimizer_d.zero_grad(set_to_none=False)
        loss = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
        loss.backward()
        optimizer_d.step()
        step += 1


def two_backward_passes(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        optimizer_d.zero_grad()
        F.softplus(-D(sample_real())).mean().backward()
        F.softplus(D(G(sample_latent()).detach())).mean().backward()
        optimizer_d.step()


def freezing_and_thawing(G, D, optimizer_d, sample_real, sample_latent, steps):
    G.requires_grad_(False)
    for _ in range(steps):
        x_real, x_fake = sample_real(), G(sample_latent())
        optimizer_d.zero_grad()
        losses.discriminator_loss(D(x_real), D(x_fake)).backward()
        optimizer_d.step()
    G.requires_grad_(True)


def with_a_closure(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        x_real, z = sample_real(), sample_latent()

        def loss(x_real=x_real, z=z):
            optimizer_d.zero_grad()
            value = losses.value_function(sigmoid(D(x_real)), sigmoid(D(G(z).detach())))
            value.neg().backward(retain_graph=True)

        optimizer_d.step(loss)


def gradients_written(G, D, optimizer_d, sample_real, sample_latent, steps):
    if steps:
        x = torch.cat([sample_real(), G(sample_latent()).data])
        real, fake = D(x).split([5, len(x) - 5])
        loss = -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()
        parameters = list(D.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        for p, grad in zip(parameters, gradients, strict=True):
            p.grad = grad
        optimizer_d.step()
        rest = sample_real, sample_latent, steps - 1
        gradients_written(G, D, optimizer_d, *rest)


def eval_and_as_it_was(G, *rest):
    was = G.training
    training.pretrain_discriminator(G.eval(), *rest)
    G.train(was)


def functional(G, D, z, loss):
    def of(weights):
        return loss(sigmoid(D(torch.func.functional_call(G, weights, (z,)))))

    gradients = torch.func.grad(of)({k: v.detach() for k, v in G.named_parameters()})
    return math.hypot(*(x for g in gradients.values() for x in g.flatten().tolist()))


def in_two_stages(G, D, z, loss):
    x = G(z)
    y = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss(sigmoid(D(y))), y)
    gradients = torch.autograd.grad(x, list(G.parameters()), slope)
    vector = nn.utils.parameters_to_vector(gradients)
    largest = vector.abs().max()
    return largest * (vector / largest).norm()


def on_a_copy(G, D, z, loss):
    twin = copy.deepcopy(G)
    twin.zero_grad()
    loss(sigmoid(D(twin(z)))).backward()
    return sum((p.grad.double() ** 2).sum().item() for p in twin.parameters()) ** 0.5


def grads_put_back(G, D, z, loss):
    kept = [p.grad for p in G.parameters()]
    for p in G.parameters():
        p.grad = None
    loss(sigmoid(D(G(z)))).backward()
    vector = nn.utils.parameters_to_vector([p.grad for p in G.parameters()])
    for p, grad in zip(G.parameters(), kept, strict=True):
        p.grad = grad
    return torch.linalg.vector_norm(vector, dtype=torch.float64)


RIGHT = [
    (MINIMAX, "a loop", lambda p: sum(log(1 - v) for v in p) / len(p)),
    (MINIMAX, "minus log of 1/(1-D)", lambda p: -log(1 / (1 - p)).mean()),
    (MINIMAX, "xlog1py", lambda p: torch.special.xlog1py(1.0, -p).mean(dim=0)),
    (MINIMAX, "dot product", lambda p: log(1 - p) @ torch.full_like(p, 1 / len(p))),
    (
        MINIMAX, "a distribution",
        lambda p: torch.distributions.Bernoulli(p).log_prob(torch.zeros_like(p)).mean(),
    ),
    (MINIMAX, "from logits", lambda p: F.logsigmoid(-torch.logit(p)).mean()),
    (MINIMAX, "log2", lambda p: torch.log2(1 - p).mean() * math.log(2)),
    (MINIMAX, "in place, its own", lambda p: p.neg().add_(1).log_().mean()),
    (IN_D, "backward() on a clone", by_backward(lambda p: log(1 - p), clone=True)),
    (IN_D, "NumPy and back", lambda p: torch.from_numpy(1 / (p.numpy() - 1))),
    (IN_D, "a loop", lambda p: p.clone().apply_(lambda v: -1 / (1 - v))),
    (IN_LOGIT, "backward()", by_backward(lambda x: -F.softplus(x), clone=True)),
    (
        IN_LOGIT, "logaddexp",
        lambda x: -torch.exp(x - torch.logaddexp(x, torch.zeros_like(x))),
    ),
    (IN_LOGIT, "expm1", lambda x: torch.expm1(-F.softplus(x))),
    (IN_LOGIT, "shares", lambda x: -1 / sigmoid(-x) * sigmoid(x) * sigmoid(-x)),
    (PRETRAIN, "a closure", with_a_closure),
    (PRETRAIN, "gradients written, by recursion", gradients_written),
    (PRETRAIN, "eval mode, and as it was", eval_and_as_it_was),
    (NORM, "torch.func", functional),
    (NORM, "in two stages", in_two_stages),
    (IN_D, "reciprocal", lambda p: -torch.reciprocal(1 - p)),
    (IN_D, "torch.func", by_functional_grad),
    (IN_D, "divided ones", lambda p: -torch.ones_like(p).div(1 - p)),
    (IN_LOGIT, "expit", lambda x: torch.special.expit(x).neg()),
    (IN_LOGIT, "softplus in an exponent", lambda x: -torch.exp(-F.softplus(-x))),
    (IN_LOGIT, "BCE by autograd", by_bce_with_logits),
    (PRETRAIN, "targets", with_targets),
    (PRETRAIN, "two backward passes", two_backward_passes),
    (PRETRAIN, "frozen and thawed", freezing_and_thawing),
    (NORM, "on a copy", on_a_copy),
    (NORM, "gradients put back", grads_put_back),
    (UNIFORMS, "the part outside", lambda s: np.log(2) * np.clip(abs(s), 0, 1)),
    (UNIFORMS, "from the overlap", lambda s: (1 - max(1 - abs(s), 0)) * math.log(2)),
]  # fmt: skip


REMARKED = [
    (IN_D, "D asks for gradients", by_autograd(lambda p: log(1 - p)), "clone()"),
    (IN_LOGIT, "so do logits", by_autograd(lambda x: -F.softplus(x)), "clone()"),
    (PRETRAIN, "batches in advance", batches_in_advance, "the real batch first"),
]


def names(cases):
    return [f"{case[0]}: {case[1]}" for case in cases]


@pytest.mark.parametrize("case", WRONG, ids=names(WRONG))
def test_an_unlisted_wrong_answer_is_refused(case):
    name, _, answer, words = case
    verdict = judge(answer, name)
    assert verdict.state in ("not yet", "error"), verdict.message
    assert verdict.message
    if words:
        assert words in verdict.message


@pytest.mark.parametrize("case", RIGHT, ids=names(RIGHT))
def test_an_unlisted_right_answer_passes(case):
    name, _, answer = case
    verdict = judge(answer, name)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message


@pytest.mark.parametrize("case", REMARKED, ids=names(REMARKED))
def test_an_unlisted_right_answer_passes_with_a_remark(case):
    name, _, answer, words = case
    verdict = judge(answer, name)
    assert verdict.state == "passed"
    assert words in verdict.message


def test_no_wrong_answer_is_given_the_name_of_another_mistake():
    """Where nothing listed fits, the card shows numbers and guesses nothing."""
    named = [
        judge(answer, name).mistake for name, _, answer, words in WRONG if not words
    ]
    assert set(named) == {None}, named
