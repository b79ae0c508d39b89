"""The slopes of the minimax loss, and what a trained D leaves of them."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from course_utils import losses, training

from .. import families, observers
from ..comparing import COST, as_number
from ..rounds import Stream, left_as_found, parameters_of, round_of
from ..text import entry
from ..wording import CHANGED, MOVED

NAMES = {"torch": torch, "F": F, "math": math, "losses": losses, "training": training}
ALMOST_1 = 1 - 2.0**-20  # exact in float32, and so is its distance from 1


def given(*values, shape=(-1,), dtype=torch.float32):
    """A probe: one tensor of these numbers."""
    return lambda: (torch.tensor(values, dtype=dtype).reshape(shape),)


entry(
    """
    minimax_generator_loss(fake_probability)
        return torch.log(1 - fake_probability).mean()

    because: V's second expectation, by a batch mean; the first has no G in it.
    praise: Next: how steep is it, and against what? The question of this lesson.
    hint: Which term of V(D, G) = E log D(x) + E log(1 - D(G(z))) can G move?
    hint: G minimizes that term as it stands. Estimate it by a mean over the batch.
    edge: Right, but not where D is nearly sure or nearly fooled. Is there an epsilon,
      or a clamp? The formula has none: D(G(z)) stays below 1 here, and a later lesson
      makes the log safe.
    right: return torch.log1p(-fake_probability).mean()
    right: return (1 - fake_probability).log().sum() / len(fake_probability)
    right: return -F.binary_cross_entropy(
        fake_probability, torch.zeros_like(fake_probability))

    * the flipped target: This is -log D(G(z)), the non-saturating loss: G asks for the
      answer `real`. The minimax G's only goal is D's failure: it minimizes log(1 -
      D(G(z))).
        torch.log(1 - fake_probability) -> -torch.log(fake_probability)
    * D's side of the game: That is what D minimizes on fakes, -log(1 - D). In a
      zero-sum game G minimizes its opposite: no minus sign, and the value is negative.
        return -> return -
    * no log: There is no logarithm in it. The game is played in log-probabilities:
      log(1 - D).
        return {(1 - fake_probability)|-fake_probability}.mean()
    * targets of a fixed type: The target is float32 whatever the input is, and this
      lesson's curves are drawn in float64. `torch.zeros_like(fake_probability)` fits
      always.
        return -F.binary_cross_entropy(fake_probability,
          torch.zeros(len(fake_probability)))
    """,
    names=NAMES,
    families=families.LOGS + families.MEANS,
    without=("sign turned",),  # D's side of the game
    lesson=3,
    reference=losses.minimax_generator_loss,
    observe=observers.value_and_slope,
    probes={
        "D undecided (1/2)": given(0.5),
        "D(G(z)) = 0.1, 0.5, 0.9": given(0.1, 0.5, 0.9),
        "the same three twice": given(0.1, 0.5, 0.9, 0.1, 0.5, 0.9),
    },
    later={
        "200 fakes": lambda: (torch.linspace(0.5, 0.9, 200),),
        "in float64": given(0.2, 0.7, dtype=torch.float64),
    },
    edge={
        "D sure of two fakes": given(1e-3, 1e-4),
        "D very sure once (5e-7)": given(5e-7, 0.5),
        "D fooled altogether once (0.999999)": given(0.5, ALMOST_1),
    },
)


def slope(function, x):
    """The slope, and whether the caller's tensor is as it was."""
    yield from observers.value(function, x)
    yield "the input's .grad", "none" if x.grad is None else "left behind"
    yield f"{COST}the input", "asks for gradients" if x.requires_grad else "as before"


# Mistakes in both slopes; FUNCTION is log(1 - D) of x.
SLOPES = """
+ the input asks for gradients: Right. One remark: requires_grad_() changes the caller's
  tensor, which asks for gradients from then on. `.clone().requires_grad_()` leaves it
  as it was.
    | x = INPUT.requires_grad_()
    | return torch.autograd.grad(FUNCTION.sum(), x)[0]
* a gradient left in the input: Right once. backward() leaves its result in the input's
  own `.grad`, and a second call would add to it. Work on `.clone().requires_grad_()`,
  or use torch.autograd.grad.
    | x = INPUT.requires_grad_()
    | FUNCTION.sum().backward()
    | return x.grad
* slope of the mean: This is the slope of the batch mean: each number is divided by how
  many there are. Wanted is the slope at each number by itself.
    | x = INPUT.clone().requires_grad_()
    | return torch.autograd.grad(FUNCTION.mean(), x)[0]

    | x = INPUT.requires_grad_()
    | FUNCTION.mean().backward()
    | return x.grad
"""


def slopes(argument, function):
    """The family above for one argument and one way, or more, to write the function."""
    return SLOPES.replace("INPUT", argument).replace("FUNCTION", function)


entry(
    """
    slope_in_probability(probability)
        return -1 / (1 - probability)

    because: d log(u)/du = 1/u with u = 1 - D, and du/dD = -1.
    praise: At D = 0 it is -1, not 0: the log is not flat where D is sure.
    hint: What is the derivative of log u, and what does the 1 - D inside add?
    hint: Chain rule: 1 / (1 - D), times the derivative of 1 - D, which is -1.
    edge: Right, but not where D is nearly 1. Is there an epsilon, a clamp or a
      rounding? D stays below 1 here, so nothing is divided by 0: leave it out.
    right: return 1 / (probability - 1)
    right: return -((1 - probability) ** -1)
    right: return -torch.exp(-torch.log1p(-probability))
    right: | x = probability.clone().requires_grad_()
      | return torch.autograd.grad(torch.log(1 - x).sum(), x)[0]
    right: | x = probability.clone().requires_grad_()
      | torch.log(1 - x).sum().backward()
      | return x.grad

    * sign: The size is right, the sign is not: where D rises, 1 - D falls, so the inner
      derivative is -1.
        -1 -> 1
    * the value: This is the value of the loss, up to its sign. Its slope is asked for:
      d/dD log(1 - D).
        -1 / (1 - probability) -> {|-}torch.log(1 - probability)
    * slope of log D: 1/D is the slope of log D. Here the log is of 1 - D.
        -1 / (1 - probability) -> {1|-1} / probability
    * not turned over: The derivative of log u is 1/u: the 1 - D belongs below the line.
        -1 / (1 - probability) -> {|-}(1 - probability)
    * slope in the logit: -D is the slope in the *logit*, which is the next exercise.
      Here D itself is the variable, and no sigmoid takes part.
        -1 / (1 - probability) -> -probability
    * a sigmoid's slope too many: D (1 - D) is the sigmoid's slope. Here D itself is the
      variable: only the log and the 1 - D take part.
        -1 / (1 - probability) -> {|-}probability * (1 - probability)
    * a second sigmoid: The input is a probability already; it goes through one more
      sigmoid.
        -1 / (1 - probability) -> -1 / (1 - torch.sigmoid(probability))
        -1 / (1 - probability) -> -torch.sigmoid(probability)
    * flat at zero: This says that the loss is flat at D = 0. Put D = 0 into the
      formula: the log of 1 - D falls as fast as D rises.
        -1 / (1 - probability) -> torch.zeros_like(probability)
        return torch.where(probability > 0, -1 / (1 - probability), 0.0)
    * brackets: A division binds tighter than a minus: `-1 / 1 - x` is `-1 - x`. Put
      brackets around all that stands below the line.
        (1 - probability) -> 1 - probability
    """,
    names=NAMES,
    families=slopes("probability", "torch.log(1 - x)"),
    lesson=3,
    observe=slope,
    elementwise=True,
    probes={
        "D = 0": given(0.0),
        "D = 1/2": given(0.5),
        "D = 0.001, 0.5, 0.9": given(0.001, 0.5, 0.9),
        "a table of D": given(0.7, 0.1, 0.3, 0.8, shape=(2, 2)),
    },
    edge={"almost 1 (0.999999)": given(ALMOST_1, 0.99)},
)


def slope_unless_fooled(function, logit):
    """Above logit 16 only whether the result is finite: a remark, no failure."""
    if logit.max() <= 16:
        yield from slope(function, logit)
    else:
        finite = bool(torch.as_tensor(function(logit)).isfinite().all())
        yield f"{COST}at logit 20", "finite" if finite else "NaN"


entry(
    """
    slope_in_logit(logit)
        return -torch.sigmoid(logit)

    because: -1/(1 - D) times D (1 - D) is -D, and D = sigmoid(logit).
    praise: -D: the surer D is of a fake, the smaller the gradient that G gets.
    hint: In the table above, compare the last column with the first. The logit moves D,
      D moves the loss: what do two slopes in a row make?
    hint: The sigmoid's slope is D (1 - D). Multiply it by -1 / (1 - D) and cancel.
    edge: Right, but not where D is very sure, or fooled: at logits of -20 and below the
      slope is tiny and not 0, at 10 and above it is all but -1. Are digits lost in a
      difference from 1, or does an epsilon or a clamp decide? Cancel 1 - D on paper,
      and write what is left directly.
    right: return -1 / (1 + torch.exp(-logit))
    right: return -torch.exp(logit) / (1 + torch.exp(logit))
    right: return -torch.exp(F.logsigmoid(logit))
    right: return -torch.softmax(torch.stack([logit, torch.zeros_like(logit)]), 0)[0]
    right: | x = logit.clone().requires_grad_()
      | return torch.autograd.grad(-F.softplus(x).sum(), x)[0]

    + chain rule, NaN when fooled: Right. One remark: multiplied out in the machine it
      is NaN from logit 17 on, where 1 - D rounds to 0 in float32 and infinity meets
      zero. Cancel 1 - D on paper first, and what is left is -D.
        | D = torch.sigmoid(logit)
        | return -1 / (1 - D) * (D * (1 - D))

        | x = logit.clone().requires_grad_()
        | return torch.autograd.grad(torch.log(1 - torch.sigmoid(x)).sum(), x)[0]
    * stopped at the probability: This is the slope in D. The logit moves D through the
      sigmoid: multiply by the sigmoid's own slope, D (1 - D).
        -torch.sigmoid(logit) -> -1 / (1 - torch.sigmoid(logit))
    * the logit taken for D: The input is a logit, and here it is used as if it were D.
      D = sigmoid(logit) comes first.
        -torch.sigmoid(logit) -> {-1 / (1 - logit)|-logit}
    * the sigmoid's slope alone: D (1 - D) is one factor of the chain rule. The other is
      the slope of the log, -1 / (1 - D).
        -torch.sigmoid -> {|-}torch.sigmoid(logit) * torch.sigmoid(-logit) #
    * sign: The size is right, the sign is not: a higher logit lowers log(1 - D).
        -torch -> torch
    * the flipped target: 1 - D (up to sign) is the slope of log D, the other loss of G.
      For log(1 - D) it is the other share of the 1: D.
        -torch.sigmoid(logit) -> {-|}torch.sigmoid(-logit)
    * the value: This is the loss itself, its height. Its slope in the logit is asked
      for.
        -torch.sigmoid(logit) -> {-F.softplus(logit)|torch.log(torch.sigmoid(-logit))}
    """,
    names=NAMES,
    families=slopes("logit", "{(-F.softplus(x))|torch.log(1 - torch.sigmoid(x))}"),
    lesson=3,
    observe=slope_unless_fooled,
    elementwise=True,
    atol=0.0,
    probes={
        "undecided (logit 0)": given(0.0),
        "sure of a fake (-5)": given(-5.0),
        "logits -3, 0, 4": given(-3.0, 0.0, 4.0),
        "a table of logits": given(1.0, -2.0, -1.0, 2.0, shape=(2, 2)),
    },
    later={"very much fooled (20)": given(20.0)},
    edge={
        "very sure (-20)": given(-20.0),
        "logits -80, -40, 10": given(-80.0, -40.0, 10.0),
        "fooled (15)": given(15.0),
    },
)


def gradients_of(net):
    """All that `.grad` holds, in one vector; None where there is none."""
    gradients = [p.grad for p in net.parameters()]
    if any(gradient is None for gradient in gradients):
        return None
    return torch.cat([gradient.flatten() for gradient in gradients])


def since(old, net):
    """What became of a network's gradients."""
    new = gradients_of(net)
    if new is None or not new.any():
        return "cleared"
    return "unchanged" if torch.equal(new, old) else "changed"


def left_alone(name, net, parameters):
    """Whether a network can be used as before; `parameters` are those it had."""
    still = torch.equal(parameters_of(net), parameters)
    yield f"{name}'s parameters", "unchanged" if still else "its weights moved"
    yield from left_as_found(name, net)


def pretraining(steps, *, train=True, sure=0.0):
    """A probe: players with old gradients, whose D is to take this many steps."""

    def make():
        (given,) = round_of(times=steps, junk=0.2, lr=0.5, sure=sure)()
        given.G.train(train)
        return (given,)

    return make


def pretrained(function, given):
    """What was done, in numbers that say more than weights; then D's weights, and G."""
    G, D, optimizer_d = given.G, given.D, given.optimizer_d
    weights, weights_d, old = parameters_of(G), parameters_of(D), gradients_of(G)
    state, taken, drawn = torch.get_rng_state(), [], []
    optimizer_d.register_step_post_hook(lambda *_: taken.append(1))

    def sampler(name, n, dim):
        stream = Stream(n, dim, seed=n)
        return lambda: (drawn.append(name), stream())[1]

    # Unequal batches tell two means from one.
    real, latent = sampler("real", 5, 3), sampler("latent", 3, 2)
    function(G, D, optimizer_d, real, latent, given.times)
    moved = not torch.equal(parameters_of(D), weights_d)
    yield "D has moved", moved
    yield "steps of optimizer_d", len(taken)
    if taken or not moved:  # else another optimizer moved it, by whatever rule
        yield (
            "batches drawn (real, latent)",
            (drawn.count("real"), drawn.count("latent")),
        )
        yield "change of D's parameters", parameters_of(D) - weights_d
    yield from left_alone("G", G, weights)
    yield "G's gradients", since(old, G)
    yield from left_as_found("D", D)
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    yield f"{COST}drawn in this order", ", ".join(drawn)


entry(
    r"""
    pretrain_discriminator(G, D, optimizer_d, sample_real, sample_latent, steps)
        for _ in range(steps):
            x_real = sample_real()
            z = sample_latent()
            x_fake = G(z).detach()
            real = torch.sigmoid(D(x_real))
            fake = torch.sigmoid(D(x_fake))
            loss = -losses.value_function(real, fake)
            optimizer_d.zero_grad()
            loss.backward()
            optimizer_d.step()

    because: This is D's step of the minimax game, on new batches; everything after the
      two draws is what `training.discriminator_step(G, D, optimizer_d, x_real, z)`
      does.
    praise: Now D can be made as good as you like before G takes a single step.
    hint: You have written one step of D before. What do you hand to it, `steps` times?
    hint: `training.discriminator_step(G, D, optimizer_d, x_real, z)` in a loop, on new
      batches each time. (Written out: fakes without a graph, the two means of -V,
      zero_grad, backward, step.)
    right: | for _ in range(steps):
      |     x_real, z = sample_real(), sample_latent()
      |     training.discriminator_step(G, D, optimizer_d, x_real, z)
    right: x_fake = G(z).detach() -> with torch.no_grad():\n        x_fake = G(z)
    right: -losses.value_function(real, fake) ->
      F.binary_cross_entropy(real, torch.ones_like(real)) +
      F.binary_cross_entropy(fake, torch.zeros_like(fake))
    right: -losses.value_function(real, fake) ->
      F.softplus(-D(x_real)).mean() + F.softplus(D(x_fake)).mean()

    + latents first: Right. The course draws the real batch first, then the latents, in
      each step. Where both come from one random generator, your numbers differ a
      little.
        /(x_real = .+)\n( *)(z = .+)/ -> \3\n\2\1
    * G gets gradients: D learns well, and its loss also flows back through G and leaves
      gradients there. Make the fakes under torch.no_grad(), or detach() them.
        .detach() ->
        .detach() -> && for _ -> G.zero_grad()\nfor _
    * G's gradients cleared: D learns well, and what stood in G's `.grad` is gone. Clear
      D's gradients only; fakes that are detached leave none in G.
        optimizer_d.zero_grad() -> optimizer_d.zero_grad(); G.zero_grad()
    * no zero_grad: Old gradients are added to the new ones: `.grad` may hold anything
      when your function is called. Call optimizer_d.zero_grad() before each backward().
        /^ *optimizer_d.zero_grad\(\)\n/ ->
        /^ *optimizer_d.zero_grad\(\)\n/ -> && for _ -> optimizer_d.zero_grad()\nfor _
        /^ *optimizer_d.zero_grad\(\)\n/ ->
          && optimizer_d.step() -> optimizer_d.step(); optimizer_d.zero_grad()
    * no step: D has not moved. Is there a loop, and an optimizer_d.step() in it?
        optimizer_d.step() ->
        return None
    * a step without gradients: D has not moved: optimizer_d.step() finds no gradients.
      The order is zero_grad(), backward(), step().
        loss.backward() ->
        /(loss.backward\(\))\n( *)(optimizer_d.step\(\))/ -> \3\n\2\1
        optimizer_d.step() -> optimizer_d.zero_grad(); optimizer_d.step()
    * the step behind the loop: D takes a single step, after the loop. Move
      optimizer_d.step() into it, as far to the right as backward().
        /^    optimizer_d.step/ -> optimizer_d.step
    * an optimizer of its own: D has moved, and not by a step of `optimizer_d`: by
      another optimizer, or by hand? Whoever calls your function chooses the optimizer:
      step the one you are given.
        for _ -> optimizer_d = torch.optim.Adam(D.parameters())\nfor _
    * labels swapped: D learns to call data generated and fakes real. High means real:
      the data's target is 1, the fakes' is 0.
        real, fake) -> 1 - real, 1 - fake)
    * wrong direction: D walks downhill on V, which it should climb: an optimizer
      minimizes, so hand it -V.
        -losses -> losses
    * everything is real: Both batches are given the target 1: D is rewarded for calling
      fakes real. Fakes enter as log(1 - D).
        real, fake) -> real, 1 - fake)
    * reals only: D learns from the data only, and the best it can do is to call
      everything real. The second term, on fakes, is missing or cut off: detach()
      belongs to G's samples, not to D's answers.
        -losses.value_function(real, fake) -> -torch.log(real).mean()
    * fakes only: D sees fakes only, and the best it can do is to call everything
      generated. The first term, on data, is missing or cut off.
        -losses.value_function(real, fake) -> -torch.log(1 - fake).mean()
    * one mean over both: One mean over both batches: the larger batch counts for more,
      and the posterior tilts toward it. Two expectations are two means, added.
        -losses.value_function(real, fake) ->
          -torch.log(torch.cat([real, 1 - fake])).mean()
    ~ half: Right up to a factor 1/2, which halves D's steps. This course adds the two
      means and leaves the sum as it is.
        real, fake) -> real, fake) / 2
    ~ sum in place of mean: Sums over the batch: the step grows with the batch. Take
      means.
        -losses.value_function(real, fake) ->
          -torch.log(real).sum() - torch.log(1 - fake).sum()
    * two sigmoids: The sigmoid is applied twice: a loss `with_logits` has one inside.
      Hand it the logits as D returns them.
        real, fake) -> torch.sigmoid(real), torch.sigmoid(fake))
    * one batch for ever: What is drawn before the loop is drawn once, and D learns that
      batch by heart. Call both samplers in every step.
        /^    x_real = .+\n/ -> && for _ -> x_real = sample_real()\nfor _
        /^    z = .+\n/ -> && for _ -> z = sample_latent()\nfor _
        /^    (x_real|z) = .+\n/ ->
          && for _ -> x_real, z = sample_real(), sample_latent()\nfor _
    * another number of steps: D does not take `steps` steps. `for _ in range(steps)`
      counts from 0 to steps - 1; the update stands in that loop.
        range(steps) -> range({1|steps + 1|1, steps})
    * G left otherwise: G's mode changed, or its parameters stay frozen after you.
      Neither is needed: it is enough to detach G's samples.
        for _ -> G.{eval()|requires_grad_(False)}\nfor _
        for _ -> G.eval()\nfor _ && optimizer_d.step() -> optimizer_d.step()\nG.train()
    * D left otherwise: D comes back in eval mode, or frozen. It learns here, and will
      again: leave its mode and requires_grad alone.
        for _ -> D.eval()\nfor _
        optimizer_d.step() -> optimizer_d.step()\nD.requires_grad_(False)
    """,
    names=NAMES,
    lesson=3,
    reference=training.pretrain_discriminator,
    observe=pretrained,
    rtol=1e-4,
    atol=1e-6,
    probes={
        "1 step": pretraining(1),
        "3 steps": pretraining(3),
        "2 steps, G in eval mode, D sure": pretraining(2, train=False, sure=-2.0),
    },
)


def measured(loss, n=4, *, deeper=False, sure=0.0):
    """A probe: players with old gradients in G, latents, and a loss of D(G(z))."""

    def make():
        (given,) = round_of(n_fake=n, junk=0.2, sure=sure)()
        if deeper:
            given.G.insert(2, nn.Linear(5, 5))
            for p in given.G.parameters():
                p.grad = torch.full_like(p, 0.2)
        return given, loss

    return make


def tiny(probability):
    """So flat that squares of its gradients leave float32."""
    return 1e-25 * probability.mean()


def gradient_norm(function, given, loss):
    """The norm, and what is left behind in both networks."""
    G, D, z = given.G, given.D, given.z
    old, z_before, state = gradients_of(G), z.clone(), torch.get_rng_state()
    weights, weights_d = parameters_of(G), parameters_of(D)
    value = function(G, D, z, loss)
    if loss is tiny:
        lost = as_number(value, whole=False) == 0
        yield f"{COST}gradients of 1e-25", "lost" if lost else "seen"
        return
    yield "value", value
    clean = since(old, G) != "changed"
    yield "G's gradients afterwards", "as before, or none" if clean else "changed"
    yield from left_alone("G", G, weights)
    yield from left_alone("D", D, weights_d)
    yield "z", "unchanged" if torch.equal(z, z_before) else CHANGED
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED


# Gradients come from torch.autograd.grad, or from backward(), which adds to `.grad`,
# whether or not that is cleared before, or afterwards: mistakes below are made ANYHOW.
TAKEN = r"value.backward()\ngradients = [p.grad for p in G.parameters()]"
BACKWARD = f"{TAKEN}|G.zero_grad(); {TAKEN}|{TAKEN}; G.zero_grad()"
ANYHOW = r"/gradients = .+/ -> {\g<0>;|" + BACKWARD + "}"


entry(
    r"""
    generator_gradient_norm(G, D, z, loss)
        value = loss(torch.sigmoid(D(G(z))))
        gradients = torch.autograd.grad(value, list(G.parameters()))
        return sum(g.double().square().sum() for g in gradients).sqrt().item()

    because: One long vector's length; autograd.grad leaves no `.grad` behind.
    praise: This is what the lesson measures with: what does D let through to G?
    hint: torch.autograd.grad(value, parameters) returns the gradients and leaves
      `.grad` alone. What are `value` and `parameters` here?
    hint: value = loss(torch.sigmoid(D(G(z)))), parameters = list(G.parameters()). Then
      the root of the sum of all squares.
    edge: Right, until D is very sure of a fake: the gradient is tiny there, and not 0.
      What loses it? An epsilon in the norm, a clamp of the probability, a rounding, or
      a difference of larger numbers?
    right: | G.zero_grad()
      | loss(torch.sigmoid(D(G(z)))).backward()
      | norm = torch.cat([p.grad.double().flatten() for p in G.parameters()]).norm()
      | G.zero_grad()
      | return norm.item()
    right: /return .+/ -> return sum(g.double().pow(2).sum().item() for g in gradients)
      ** 0.5
    right: /return .+/ -> return torch.stack([g.double().norm() for g in
      gradients]).norm()
    right: | weights = {k: v.detach() for k, v in G.named_parameters()}
      | value = lambda w: loss(torch.sigmoid(D(torch.func.functional_call(G, w, z))))
      | gradients = torch.func.grad(value)(weights).values()
      | return torch.cat([g.double().flatten() for g in gradients]).norm().item()

    + squares underflow: Right. One remark: gradients of 1e-25 give 0 here, because
      their squares leave float32. Where a norm has to be read that far down, sum the
      squares of gradient.double().
        .double() ->
        | G.zero_grad()
        | loss(torch.sigmoid(D(G(z)))).backward()
        | norm = torch.nn.utils.clip_grad_norm_(G.parameters(), math.inf)
        | G.zero_grad()
        | return norm.item()
    * old gradients added: G's old `.grad` is added to the new one: backward()
      accumulates. Zero it first, or use torch.autograd.grad, which never touches
      `.grad`.
        /gradients = .+/ -> {TAKEN|TAKEN; G.zero_grad()}
    * a gradient is left behind: The norm is right, and the gradient stays in G's
      `.grad`, where the next step would find it. Clear it, or use torch.autograd.grad.
        /gradients = .+/ -> G.zero_grad(); TAKEN
    * a sum of norms: A norm for each tensor, added up or averaged. The length of one
      long vector is the root of the sum of all squares.
        /return .+/ -> return sum(g.norm() for g in gradients).item(){| / 4}
          && ANYHOW
    * the root of a sum of norms: The norms are added and the root is taken of that, but
      `.norm()` has taken roots already. Add the squares, `g.square().sum()`, and take
      one root at the end.
        /return .+/ -> return sum(g.norm() for g in gradients).sqrt().item() && ANYHOW
    * no root: The sum of the squares, without its root.
        .sqrt() -> && ANYHOW
    * absolute values: The sum of absolute values. Wanted is the Euclidean length: the
      root of the sum of squares.
        .square() -> .abs() && .sqrt() -> && ANYHOW
    * the largest only: Only the largest part is read, a single entry or one tensor's
      norm. Wanted is the Euclidean length over all numbers together.
        /return .+/ -> return max({g.abs().max()|g.norm()} for g in gradients).item()
          && ANYHOW
    * root mean square: A root *mean* square: divided by the number of parameters.
      Wanted is the root of the sum.
        .sqrt() -> .div(sum(p.numel() for p in G.parameters())).sqrt() && ANYHOW
    * one tensor only: Only some of G's parameters are counted. All of them are wanted,
      weights and biases of every layer.
        in gradients -> in gradients[{:1|::2|1::2|:2|-2:|:4}] && ANYHOW
    * D's parameters: D's weights are counted here. The question is what reaches G's.
        G.parameters() -> {D.parameters()|[*G.parameters(), *D.parameters()]}
    * logits given to the loss: D returns logits, and the loss wants a probability: the
      sigmoid between them is missing. It is the very thing this lesson is about.
        torch.sigmoid(D(G(z))) -> D(G(z))
    * logits given to the loss, and backward(): Two things: D returns logits, so a
      sigmoid is missing before the loss; and backward() adds to what `.grad` holds and
      leaves the result there.
        torch.sigmoid(D(G(z))) -> D(G(z)) && /gradients = .+/ -> {BACKWARD}
    * a loss of its own: The minimax loss is written into the function. Use the `loss`
      you are given, so that any loss can be measured.
        loss( -> losses.minimax_generator_loss( && ANYHOW
    * two sigmoids: Two sigmoids between D and the loss. D returns logits: one is
      enough.
        torch.sigmoid(D(G(z))) -> torch.sigmoid(torch.sigmoid(D(G(z))))
    * D left otherwise: D is not as it was: in eval mode, or frozen, it would learn
      differently from now on, or not at all. Leave D alone.
        value = -> D.{eval()|requires_grad_(False)}; value =
    * detached: The graph is cut between D and G, so nothing can reach G's weights.
      detach() and no_grad() are for D's step; here the gradient has to pass through D.
        G(z) -> G(z).detach()
        G(z) -> G(z).detach() && /gradients = .+/ -> TAKEN
    * stopped at the samples: The gradient at G's samples or latents. It has one more
      step to go: into G's weights.
        | x = G(z)
        | return torch.autograd.grad(loss(torch.sigmoid(D(x))), x)[0].norm().item()

        | z = z.clone().requires_grad_()
        | return torch.autograd.grad(loss(torch.sigmoid(D(G(z)))), z)[0].norm().item()
    * not the gradient: No gradient is taken here: this is the size of the weights, or
      the loss itself.
        return loss(torch.sigmoid(D(G(z)))).item()
        return torch.cat([p.flatten() for p in G.parameters()]).norm().item()
    """.replace("ANYHOW", ANYHOW)
    .replace("BACKWARD", BACKWARD)
    .replace("TAKEN", TAKEN),
    names=NAMES,
    lesson=3,
    reference=training.generator_gradient_norm,
    observe=gradient_norm,
    rtol=1e-4,
    atol=0.0,
    probes={
        # These losses, and len(p), refuse what is not (n,).
        "the minimax loss": measured(losses.minimax_generator_loss),
        "-log D": measured(losses.nonsaturating_generator_loss, 6),
        "the mean of D, one latent": measured(lambda p: p.sum() / len(p), 1),
        "a loss 1e-25 times as steep": measured(tiny),
    },
    later={
        "more layers in G": measured(losses.minimax_generator_loss, deeper=True),
        "a loss 1,000 times as steep": measured(lambda p: 1000 * p.mean()),
    },
    edge={
        "D sure, logits near -25": measured(losses.minimax_generator_loss, sure=-25.0)
    },
)


entry(
    """
    js_of_shifted_uniforms(shift)
        return math.log(2) * min(abs(shift), 1.0)

    because: Overlap costs 0; the rest, |shift| of each distribution, costs log 2 a
      point.
    praise: From shift 1 on it is flat: separated by 1 or by 10, the same answer.
    hint: Draw both uniforms, moved by 1/4. Where are they equal, and what does the JSD
      get from there? What does it get from where only one of them has any density?
    hint: Where only one lives, D* is sure, and each point costs log 2. How long is that
      part, at most? (On a grid, 0 log 0 counts as 0: torch.xlogy.)
    right: | n, low = 4000, min(0.0, shift)
      | cell = (abs(shift) + 1) / n
      | x = low + (torch.arange(n).double() + 0.5) * cell
      | p, q = [((x >= a) & (x <= a + 1)).double() for a in (0.0, shift)]
      | m = (p + q) / 2
      | return 0.5 * (torch.xlogy(p, p / m) + torch.xlogy(q, q / m)).nansum() * cell
    right: return (1 - max(0.0, 1 - abs(shift))) * math.log(2)
    right: return torch.tensor(abs(shift)).clamp(max=1) * math.log(2)
    right: return math.log(2) if abs(shift) >= 1 else abs(shift) * math.log(2)

    * negative shifts: A shift to the left separates the distributions as well as one to
      the right: |shift| counts. (And no divergence is negative.)
        min(abs(shift), 1.0) -> {min(shift, 1)|min(max(shift, 0.0), 1)}
        min(abs(shift), 1.0) -> {max(-1, min(shift, 1))|abs(min(shift, 1))}
    * constant: Right from shift 1 on. At shift 0 the two distributions are the same.
        return math.log(2)
    * all or nothing: Right from shift 1 on, and at 0. Between 0 and 1 they overlap in
      part: count the part where only one of them lives.
        return math.log(2) if {abs(shift)|shift} >= 1 else 0.0
    * it keeps growing: It grows beyond log 2. Once the distributions no longer overlap,
      at shift 1, there is nothing left to tell apart better: it stays at log 2.
        min(abs(shift), 1.0) -> abs(shift)
    * the end at the wrong place: `min` is taken of the wrong number. |shift| counts up
      to 1, where the distributions no longer overlap; the divergence is log 2 times
      that.
        return min({math.log(2) * abs(shift), 1.0|abs(shift), math.log(2)})
    ~ bits: Right in bits: log base 2. The course measures in nats, where two separated
      distributions are log 2 = 0.693 apart.
        math.log(2) -> math.log2(2)
    * twice: Twice the divergence, with or without - log 4: that is V(D*, G) = 2 JSD -
      log 4 and its first part. JSD itself has a factor 1/2 before each of its two KL
      terms.
        /return (.+)/ -> return 2 * \\1{| - 2 * math.log(2)}
    * earth mover's distance: |shift| without an end is how far the mass has to travel:
      the earth mover's distance. JSD does not measure how far.
        return abs(shift)
    * the overlap: This measures the overlap: largest where the distributions agree. JSD
      is 0 there, and counts what does *not* overlap.
        return {math.log(2) * |}max(0.0, 1 - abs(shift))
    * half: Half of it. Both distributions have a part of length |shift| where the other
      is absent: two parts, each with weight 1/2, each costing log 2.
        /return (.+)/ -> return \\1 / 2
    * KL, not JSD: KL is infinite as soon as one distribution is absent where the other
      is not. JSD compares each with the mixture of both, which is absent nowhere.
        return 0.0 if shift == 0 else math.inf
        return -math.log(1 - abs(shift)) if abs(shift) < 1 else math.inf
    * sign: The size is right, the sign is not: a divergence is never negative.
        return -> return -
    """,
    names=NAMES,
    lesson=3,
    observe=observers.value,
    rtol=0.0,
    atol=2e-3,
    probes={
        f"shift {v:g}": lambda v=v: (v,) for v in (0.0, 1.0, 0.5, 0.1, -0.25, 2.0, -3.0)
    },
)
