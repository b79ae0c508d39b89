"""Lesson 4: the flipped target, its slopes and its divergence, modes, soft targets."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from course_utils import evaluation, losses

from .. import families, observers
from ..text import entry

NAMES = {"torch": torch, "F": F, "math": math, "np": np, "losses": losses}


def given(*values, dtype=torch.float32):
    """A probe: one tensor of these numbers."""
    return lambda: (torch.tensor(values, dtype=dtype),)


LOSS = {
    "lesson": 4,
    "observe": observers.value_and_slope,
    "probes": {
        "D undecided (1/2)": given(0.5),
        "D(G(z)) = 0.1, 0.5, 0.9": given(0.1, 0.5, 0.9),
        "the same three twice": given(0.1, 0.5, 0.9, 0.1, 0.5, 0.9),
    },
    "later": {
        "200 fakes": lambda: (torch.linspace(0.1, 0.5, 200),),
        "in float64": given(0.2, 0.7, dtype=torch.float64),
    },
    "edge": {
        "D sure of two fakes": given(1e-3, 1e-4),
        "D very sure of one (2e-12)": given(2e-12, 0.5),
        "D all but fooled by one": given(0.5, 1 - 1e-9, dtype=torch.float64),
    },
    "same": 1e-4,  # a target of 0.999 differs from 1 by little
}

entry(
    r"""
    nonsaturating_generator_loss(fake_probability)
        return -torch.log(fake_probability).mean()

    because: Maximizing E[log D(G(z))] is minimizing its negative.
    praise: One line changed. The rest of this lesson is what that line does.
    hint: G wants D to say `real`. Which probability shall become large?
    hint: Make log D(G(z)) large: minimize its opposite, averaged over the batch.
    edge: Right, or nearly, while D is unsure; wrong where it is nearly sure or nearly
      fooled. Is there an epsilon or a clamp (`Bernoulli` has one), a rounding, or 1 - D
      on the way? Take the log of fake_probability as it is.
    right: return torch.log(1 / fake_probability).mean()
    right: return F.binary_cross_entropy(
        fake_probability, torch.ones_like(fake_probability))

    * the minimax loss: This is log(1 - D(G(z))), the minimax loss. Now G has a goal of
      its own, the answer `real`: -log D(G(z)).
        -torch.log(fake_probability) -> torch.log(1 - fake_probability)
    * the fake label: That is what D minimizes on fakes: G would learn to be caught. G
      wants the log of D(G(z)) itself, and large.
        (fake_probability) -> (1 - fake_probability)
    * lost minus: G wants log D(G(z)) large; an optimizer makes a loss small.
        -torch.log -> torch.log
    * no log: Without the log the slope in the logit, D (1 - D), vanishes on both sides.
        -torch.log(fake_probability) -> {-fake_probability|(1 - fake_probability)}
    """,
    names=NAMES,
    families=families.LOGS + families.MEANS,
    without=("sign turned",),  # lost minus
    reference=losses.nonsaturating_generator_loss,
    **LOSS,
)

entry(
    r"""
    flipped_target_loss(fake_probability)
        target = torch.ones_like(fake_probability)
        return losses.binary_cross_entropy(fake_probability, target)

    because: With target 1 only -log p is left of the cross-entropy.
    praise: When code labels fakes as real in G's step, it is no bug: it is this.
    hint: D's cost on a fake has target 0. Which label does G want?
    hint: The target is a tensor of ones: `torch.ones_like(fake_probability)`.
    edge: Right, or nearly, while D is unsure; wrong where it is nearly sure or nearly
      fooled. Is there an epsilon, a clamp or a rounding, 1 - D on the way, or a target
      that is not quite 1?
    right: losses.binary_cross_entropy -> {F.binary_cross_entropy|torch.nn.BCELoss()}
    right: return -torch.log(fake_probability).mean()

    * target 0: Target 0 is the truth, and D's business: G would be paid for being
      caught. Flip it: G asks for the label 1.
        ones_like -> zeros_like
    * a minus in front of target 0: Minus the cross-entropy with target 0 is the minimax
      loss, with its flat side. Flip the target, not the sign.
        ones_like -> zeros_like && return -> return -
    * sign and target flipped: Cross-entropy is a cost: with target 1 it is low where D
      says `real`. G minimizes it as it is; no minus.
        return -> return -
    * smoothed for G: A target below 1 pulls G back as soon as it convinces D by more
      than that. Soft targets are for D; G's is 1.
        torch.ones_like(fake_probability) ->
          torch.full_like(fake_probability, {0.5|0.7|0.8|0.9|0.95|0.99|0.999})
    * arguments swapped: The answer comes first and the target second: swapped, every
      D(G(z)) is taken for the truth and 1 for D's answer.
        (fake_probability, target) -> (target, fake_probability)
    * cross-entropy on logits: `..._with_logits` applies a sigmoid, and fake_probability
      has been through one: use the cross-entropy on probabilities.
        losses.binary_cross_entropy -> F.binary_cross_entropy_with_logits
    ~ sum in place of mean: A sum grows with the batch. Take the mean.
        /losses(.+)\)/ -> F\1, reduction="sum")
    """,
    names=NAMES,
    families=families.MEANS,
    without=("sign turned",),
    **LOSS,
)

entry(
    """
    slope_ratio(logit)
        return torch.exp(-logit)

    because: (1 - D) / D = exp(-l) / 1, once D = 1 / (1 + exp(-l)) is put in.
    praise: At logit -8 that is 2,981 times as strong. The race will show it.
    hint: In the logit, d(-log D) = -(1 - D) and d log(1 - D) = -D. Divide.
    hint: D = 1 / (1 + exp(-l)). What is (1 - D) / D when it is written out?
    edge: Right while D hesitates, wrong where it is sure or fooled, as D and 1 - D are
      rounded there. Cancel by hand: one exp is left, without a clamp.
    right: return torch.sigmoid(-logit) / torch.sigmoid(logit)
    right: return torch.from_numpy(np.exp(-logit.detach().numpy()))

    * upside down: This is minimax over non-saturating. Where D is sure of a fake, at
      negative logits, the new slope is the larger one.
        -logit -> logit
    * sign: Both slopes are negative, so their ratio is positive.
        return -> return -
    * one slope alone: This is one of the two slopes. Divide: -(1 - D) by -D.
        torch.exp(-logit) -> {|-}torch.sigmoid({|-}logit)
    * ratio of the losses: These are the values, log D over log(1 - D), not the slopes.
        return {|-}F.softplus(-logit) / F.softplus(logit)
    * 1 / D: That is the slope of log D in D. In the logit it is 1 - D; divide by D.
        return 1 / torch.sigmoid(logit)
    """,
    names=NAMES,
    lesson=4,
    observe=observers.value,
    elementwise=True,
    atol=0.0,
    probes={
        "undecided (logit 0)": given(0.0),
        "sure of a fake (-5)": given(-5.0),
        "half fooled (2)": given(2.0),
        "a table of logits": given([-3.0, -1.0], [0.0, 4.0]),
    },
    later={
        "with a graph, as D hands them out": lambda: (
            torch.tensor([-4.0, 1.0], requires_grad=True),
        ),
        "in float64": given(-3.0, 0.5, dtype=torch.float64),
    },
    edge={
        "very sure (-20)": given(-20.0),
        "fooled (12)": given(12.0),
        "logits -80, 80": given(-80.0, 80.0),
    },
)


# ------------------------------------------------------------------ modes

SQUARE = ((0.0, 0.0), (0.0, 4.0), (4.0, 4.0), (4.0, 0.0))
CLOUD = ((0.1, 0.0), (0.0, -0.2), (4.1, 0.1), (2.0, 2.0), (0.2, 0.2))
LINE = ((0.0, 0.0), (1.0, 0.0), (2.0, 2.0))
RIM = ((-3.0, -3.02), (3.0, -5.0), (-2.05, 4.0))  # one holds its sample


def plane(samples, centers, radius):
    """A probe: new tensors each time."""
    return lambda: (torch.tensor(samples), torch.tensor(centers), radius)


entry(
    """
    modes_covered(samples, centers, radius)
        near = torch.cdist(samples, centers) <= radius  # (n, k)
        return int(near.any(dim=0).sum())

    because: Each center asks all samples; the centers that hear a yes are summed.
    praise: Now you can see what a generator leaves out, not only what it makes.
    hint: `torch.cdist(samples, centers)` is a table (n, k). Which axis vanishes first?
    hint: For each center: is `any` sample (dim=0) within the radius? Sum those.
    right:
        | found = 0
        | for center in centers:
        |     if (samples - center).norm(dim=1).min() < radius:
        |         found += 1
        | return found
    right: return torch.cdist(samples, centers).amin(dim=0).le(radius).sum()

    * counts samples: This counts samples that are near some center. Ask each *center*
      whether any sample is near it, and count the centers.
        dim=0 -> dim=1
        near.any(dim=0) -> near
    * every sample near: `all` asks for every sample. One is enough: `any`.
        any -> all
    * no radius: Every sample is given to its nearest center, however far that is. A
      mode counts only if a sample lies within the radius.
        return len(torch.cdist(samples, centers).argmin(dim=1).unique())
    * each sample counts once: A sample that is near two centers meets both; here it is
      handed to one of them. Ask each center by itself whether any sample is near.
        | nearest = torch.cdist(samples, centers).min(dim=1)
        | return len(nearest.indices[nearest.values <= radius].unique())
    * squared on one side: One side of the comparison is squared and the other is not.
      Compare distance with radius, or both squared.
        <= radius -> <= radius**2
        centers) <= -> centers) ** 2 <=
    ~ a share: That is the share of modes, between 0 and 1. Their number is asked for.
        int(near.any(dim=0).sum()) -> near.any(dim=0).float().mean(){|.item()}
    ~ modes that are missed: Those are the modes without a sample. Count the others.
        near.any(dim=0) -> (~near.any(dim=0))
    """,
    names=NAMES,
    lesson=4,
    reference=evaluation.modes_covered,
    observe=observers.value,
    probes={
        "two modes met, one left": plane(((0.1, 0.0), (4.0, 4.1)), SQUARE[:3], 0.5),
        "two of four modes, one sample between": plane(CLOUD, SQUARE, 0.5),
        "a smaller radius": plane(CLOUD, SQUARE, 0.12),
        "a radius above 1": plane(((1.2, 0.0), (2.5, 4.0)), SQUARE, 1.3),
        "nothing near": plane(((2.0, 2.0), (2.1, 2.0)), SQUARE, 0.5),
        "outside the circles": plane(((0.4, 0.4), (4.3, 0.3)), SQUARE, 0.5),
        "one near two modes": plane(((0.5, 0.0), (0.1, 0.0), (-0.9, 0.0)), LINE, 0.7),
        "by the rims": plane(((-3.0, -4.0), (3.0, -3.96), (-1.02, 4.0)), RIM, 1.0),
    },
)


# ------------------------------------------------------------------ which divergence

EPS = torch.linspace(-8, 8, 4001, dtype=torch.float64)
GRID = {"eps": EPS, "weight": torch.softmax(-(EPS**2) / 2, dim=0)}  # the stub has them

entry(
    r"""
    nonsaturating_gradient_1d(theta)
        x = theta + eps
        slope = theta * torch.sigmoid(theta * x - theta**2 / 2)
        return (slope * weight).sum().item()

    because: Softplus has the sigmoid as its slope, and the logit has -theta.
    praise: Now you hold one side of a theorem; the next cell computes the other.
    hint: D* stands still, so only x = theta + eps moves with theta, and dx/dtheta = 1.
      What is the slope of -log D*(x) in x?
    hint: -log D* = log(1 + exp(theta x - theta^2 / 2)). Its slope in x is theta times a
      sigmoid. Then take the mean with `weight`.
    right:
        | t = torch.tensor(float(theta), dtype=torch.float64, requires_grad=True)
        | cost = F.softplus(theta * (t + eps) - theta**2 / 2)
        | (cost * weight).sum().backward()
        | return t.grad.item()
    right: sigmoid(theta * x - theta**2 / 2) -> sigmoid(theta * eps + theta**2 / 2)

    * D moves along: The dependence of D* on theta was differentiated, too. In a step of
      G the discriminator stands still, and only x = theta + eps moves.
        | t = torch.tensor(float(theta), dtype=torch.float64, requires_grad=True)
        | cost = F.softplus(t * (t + eps) - t**2 / 2)
        | (cost * weight).sum().backward()
        | return t.grad.item()
    * the minimax gradient: This is the minimax gradient, theta E[D*(x)]. (x = eps gives
      the same number.) For -log D the slope has 1 - D*.
        sigmoid(theta * x - theta**2 / 2) -> sigmoid(theta**2 / 2 - theta * x)
        x = theta + eps -> x = eps
    * sign: The size is right, the sign is not. Raising theta above 0 moves G away from
      the data at 0, so the loss must rise.
        slope = theta -> slope = -theta
    * theta forgotten: One theta stands in the logit of D*, theta^2 / 2 - theta x, and
      by the chain rule one more in front of the slope.
        slope = theta * -> slope =
        theta * x -> x
    * the offset forgotten: The border of D* lies halfway between the two distributions,
      at theta / 2. Keep the - theta^2 / 2.
        x - theta**2 / 2 -> x
    * the loss itself: This is E[-log D*(x)]. Its derivative in theta is asked for.
        slope = theta * torch.sigmoid -> slope = F.softplus
    * no weighted sum: Under N(0, 1) the eps near 0 are the likely ones: multiply by
      `weight`, then sum. `weight` sums to 1 already.
        (slope * weight).sum() -> {slope.mean|slope.sum|(slope * weight).mean}()
    """,
    names=NAMES | GRID,
    lesson=4,
    observe=observers.value,
    rtol=1e-3,
    atol=1e-3,
    probes={
        f"theta = {theta:g}": lambda theta=theta: (theta,)
        for theta in (1.0, -1.0, 0.0, 4.0, -2.5)
    },
)


# ------------------------------------------------------------------ soft targets

entry(
    """
    smoothed_targets(n, smoothing)
        return torch.full((n,), 1 - smoothing)

    because: 1 is the hard target of a real; smoothing lowers it, for all alike.
    praise: D is asked to be 90 % sure of a real, and never more.
    hint: Which target has a real without smoothing, and which way must it go?
    hint: `torch.full((n,), value)` makes n equal numbers.
    right: return torch.ones(n) - smoothing
    right: return torch.tensor([1 - smoothing] * n)

    * the smoothing itself: These are near 0: the reals would be called fake. The target
      of a real is 1, lowered by the smoothing.
        1 - smoothing -> smoothing
    * outward: No target above 1 can be met: D's logit would grow without end.
        1 - -> 1 +
    ~ half the smoothing: Classifiers split the smoothing between the two classes, 1 -
      s/2. Here the whole of it comes off the reals' target.
        smoothing) -> smoothing / 2)
    * random targets: Noisy targets are another trick: here all n targets are equal.
        return 1 - smoothing * torch.rand(n)
        return torch.empty(n).uniform_(1 - smoothing, 1)
        return 1 - smoothing + (torch.rand(n) - 0.5) * smoothing
    * both sides: Only the reals' targets are asked for; those of the fakes stay 0.
        return torch.full((n,), 1 - smoothing), torch.{full((n,), smoothing)|zeros(n)}
    * a fixed smoothing: The argument `smoothing` is not used. Take it off the target 1.
        1 - smoothing -> {1.0|0.9}
    * one number: Wanted is a target for each real: shape (n,).
        torch.full((n,), 1 - smoothing) -> {torch.tensor|}(1 - smoothing)
    * a column: Beside logits of shape (n,) that becomes a table of pairs. Make it (n,).
        (n,) -> (n, 1)
    """,
    names=NAMES,
    lesson=4,
    observe=observers.value,
    probes={
        "3 targets, smoothing 0.1": lambda: (3, 0.1),
        "no smoothing": lambda: (2, 0.0),
        "5 targets, smoothing 0.65": lambda: (5, 0.65),
    },
    same=1e-4,
)


def densities(*pairs, a, b, dtype=torch.float32):
    """A probe: densities of data and of fakes at some places, and the two targets."""
    p, q = zip(*pairs, strict=True)
    return lambda: (torch.tensor(p, dtype=dtype), torch.tensor(q, dtype=dtype), a, b)


def slope_in_float64(function, p, *more):
    """The value; in float64 the slopes, too: the next cell takes them there."""
    exact = p.dtype == torch.float64
    look = observers.value_and_slope if exact else observers.value
    yield from look(function, p, *more)


entry(
    """
    smoothed_optimal_discriminator(p_data, p_g, real_target, fake_target)
        votes = real_target * p_data + fake_target * p_g
        return votes / (p_data + p_g)

    because: Cross-entropy is lowest at the mean target, and this is that mean.
    praise: The unsmoothed D* is the special case of the targets 1 and 0.
    hint: At one place x, D pays p_data times the cost of target a, and p_g times the
      cost of target b. Cross-entropy is lowest at the mean target.
    hint: The mean of a and b, weighted by p_data and p_g.
    edge: Right, but not where one density is tiny, or both are. Is there an epsilon, a
      threshold or a clamp? The densities are never both 0 here: the formula needs none.
    right: votes / (p_data + p_g) -> (fake_target + (real_target - fake_target)
        * losses.optimal_discriminator(p_data, p_g))

    * not smoothed: This is D* for the targets 1 and 0. Derive it again with the cost
      -a log D - (1 - a) log(1 - D) on data.
        votes / -> p_data /
    * does not run from target to target: Where p_data = 0, D* must be fake_target, and
      where p_g = 0, real_target. Your answer misses one of them.
        + fake_target * p_g ->
        return real_target * p_data / (p_data + p_g) {+|-} fake_target
        return (real_target - fake_target) * p_data / (p_data + p_g)
    * parentheses missing: Division comes before addition: put each sum in parentheses.
        return real_target * p_data + fake_target * p_g / (p_data + p_g)
        (p_data + p_g) -> p_data + p_g
    * targets swapped: Data carries real_target: here the two are exchanged.
        return (fake_target * p_data + real_target * p_g) / (p_data + p_g)
    * targets below the line: Soft targets do not change how often a sample comes: they
      stay above the line, and below it the weights p_data + p_g are as before.
        (p_data + p_g) -> (votes + p_data + p_g)
        return real_target * p_data / (real_target * p_data +
          {|fake_target * |(1 - fake_target) * }p_g)
    * not divided: A weighted mean divides by the sum of the weights, p_data + p_g.
        votes / (p_data + p_g) -> votes
        (p_data + p_g) -> {2|(p_data + p_g) / 2|(p_data + p_g) * 2}
    """,
    names=NAMES,
    lesson=4,
    reference=losses.smoothed_optimal_discriminator,
    observe=slope_in_float64,
    elementwise=True,
    probes={
        "equal densities, targets 0.9 and 0": densities((0.2, 0.2), a=0.9, b=0.0),
        "targets 1 and 0": densities((0.3, 0.1), (0.05, 0.2), a=1.0, b=0.0),
        "targets 0.9 and 0.1": densities((0.3, 0.1), (0.01, 1.0), a=0.9, b=0.1),
        "targets 0.8 and 0.3": densities((0.3, 0.1), (0.0, 0.2), a=0.8, b=0.3),
        "densities above 1": densities((3.0, 1.0), (0.5, 2.0), a=0.9, b=0.2),
    },
    later={
        "in float64, and its slopes": densities(
            (0.3, 0.1), (0.1, 0.3), a=0.9, b=0.1, dtype=torch.float64
        ),
    },
    edge={
        "hardly any of one kind": densities((1.0, 1e-3), (1e-3, 1.0), a=1.0, b=0.0),
        "far out, where hardly any are": densities(
            (1e-12, 3e-12), (6e-13, 2e-13), a=0.9, b=0.1
        ),
    },
)
