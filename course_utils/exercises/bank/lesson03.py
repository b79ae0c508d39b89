"""The slopes of the minimax loss, and what a trained D leaves of them."""

import math

import torch
import torch.nn.functional as F

from course_utils import losses, training

from .. import families, observers
from ..comparing import COST, as_number
from ..rounds import Stream, left_as_found, parameters_of, round_of, watch_call
from ..text import entry

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
      or a clamp? D(G(z)) stays below 1 here: leave it out.
    right: return torch.log1p(-fake_probability).mean()
    right: return (1 - fake_probability).log().sum() / len(fake_probability)
    right: return -F.binary_cross_entropy(
        fake_probability, torch.zeros_like(fake_probability))

    * the flipped target: This is the non-saturating loss: G asks for the answer `real`.
      The minimax G's only goal is D's failure: it minimizes log(1 - D(G(z))).
        torch.log(1 - fake_probability) -> -torch.log(fake_probability)
    * D's side of the game: That is what D minimizes on fakes. In a zero-sum game G
      minimizes its opposite: no minus sign, and the value is negative.
        return -> return -
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


# Mistakes in both slopes; FUNCTION is log(1 - D) of x.
SLOPES = """
* a gradient left in the input: Right once. backward() leaves its result in the input's
  `.grad`, and a second call adds to it. Work on `.clone().requires_grad_()`.
    | x = INPUT.requires_grad_()
    | FUNCTION.sum().backward()
    | return x.grad
* slope of the mean: This is the slope of the batch mean: each number is divided by how
  many there are. Wanted is the slope at each number by itself.
    | x = INPUT.clone().requires_grad_()
    | return torch.autograd.grad(FUNCTION.mean(), x)[0]
"""


def slopes(argument, function):
    """The family above for one argument and one way to write the function."""
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
    right: | x = probability.clone().requires_grad_()
      | torch.log(1 - x).sum().backward()
      | return x.grad

    * sign: The size is right, the sign is not: where D rises, 1 - D falls.
        -1 -> 1
    * the value: This is the loss, up to its sign. Its slope is asked for.
        -1 / (1 - probability) -> {|-}torch.log(1 - probability)
    * slope of log D: 1/D is the slope of log D. Here the log is of 1 - D.
        -1 / (1 - probability) -> {1|-1} / probability
    * not turned over: The derivative of log u is 1/u: the 1 - D belongs below the line.
        -1 / (1 - probability) -> {|-}(1 - probability)
    * slope in the logit: -D is the slope in the *logit*. Here D itself is the variable.
        -1 / (1 - probability) -> -probability
    * a sigmoid's slope too many: D (1 - D) is a sigmoid's slope; no sigmoid is here.
        -1 / (1 - probability) -> {|-}probability * (1 - probability)
    * a second sigmoid: The input is a probability already, and needs no sigmoid.
        -1 / (1 - probability) -> -1 / (1 - torch.sigmoid(probability))
        -1 / (1 - probability) -> -torch.sigmoid(probability)
    * flat at zero: Put D = 0 into the formula: the log of 1 - D is not flat there.
        -1 / (1 - probability) -> torch.zeros_like(probability)
        return torch.where(probability > 0, -1 / (1 - probability), 0.0)
    * brackets: `-1 / 1 - x` is `-1 - x`. Put brackets around what is below the line.
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
        result = torch.as_tensor(function(logit))
        yield f"{COST}all is finite", bool(result.isfinite().all())


entry(
    """
    slope_in_logit(logit)
        return -torch.sigmoid(logit)

    because: -1/(1 - D) times D (1 - D) is -D, and D = sigmoid(logit).
    praise: -D: the surer D is of a fake, the smaller the gradient that G gets.
    hint: The logit moves D, and D moves the loss: what do two slopes in a row make?
    hint: The sigmoid's slope is D (1 - D). Multiply it by -1 / (1 - D) and cancel.
    edge: Right, but not where D is very sure (the slope is tiny, not 0), or fooled. Is
      there a difference from 1, an epsilon or a clamp? Cancel 1 - D on paper.
    right: return -1 / (1 + torch.exp(-logit))
    right: return -torch.exp(logit) / (1 + torch.exp(logit))
    right: | x = logit.clone().requires_grad_()
      | return torch.autograd.grad(-F.softplus(x).sum(), x)[0]

    + chain rule, NaN when fooled: Right. One remark: multiplied out in the machine it
      is NaN from logit 17 on, where 1 - D rounds to 0 in float32. Cancel 1 - D on
      paper first, and what is left is -D.
        | D = torch.sigmoid(logit)
        | return -1 / (1 - D) * (D * (1 - D))
    * stopped at the probability: This is the slope in D. Multiply by the sigmoid's own.
        -torch.sigmoid(logit) -> -1 / (1 - torch.sigmoid(logit))
    * the logit taken for D: The input is a logit: D = sigmoid(logit) comes first.
        -torch.sigmoid(logit) -> {-1 / (1 - logit)|-logit}
    * the sigmoid's slope alone: The other factor is the log's slope, -1 / (1 - D).
        -torch.sigmoid -> {|-}torch.sigmoid(logit) * torch.sigmoid(-logit) #
    * sign: The size is right, the sign is not: a higher logit lowers log(1 - D).
        -torch -> torch
    * the flipped target: 1 - D (up to sign) is the slope of log D, the other loss of G.
        -torch.sigmoid(logit) -> {-|}torch.sigmoid(-logit)
    * the value: This is the loss itself. Its slope in the logit is asked for.
        -torch.sigmoid(logit) -> {-F.softplus(logit)|torch.log(torch.sigmoid(-logit))}
    """,
    names=NAMES,
    families=slopes("logit", "(-F.softplus(x))"),
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
    if all(gradient is not None for gradient in gradients):
        return torch.cat([gradient.flatten() for gradient in gradients])


def since(old, net):
    """What became of a network's gradients."""
    new = gradients_of(net)
    if new is None or not new.any():
        return "cleared"
    return "unchanged" if torch.equal(new, old) else "changed"


def pretrained(function, given):
    """What D's steps did; unequal batches tell two means from one."""
    given.G.train(given.times != 2)  # must stay in either mode
    real, latent = Stream(5, 3, seed=5), Stream(3, 2, seed=3)
    old = gradients_of(given.G)

    def call():
        function(given.G, given.D, given.optimizer_d, real, latent, given.times)

    yield from watch_call(call, given._replace(times=1), "D")
    yield "batches drawn (real, latent)", (real.calls, latent.calls)
    yield "G's gradients", since(old, given.G)


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

    because: This is D's step of the minimax game, each time on new batches.
    praise: Now D can be made as good as you like before G takes a single step.
    hint: You have written one step of D before. What do you hand to it, `steps` times?
    hint: `training.discriminator_step(G, D, optimizer_d, x_real, z)`, on new batches.
    right: | for _ in range(steps):
      |     x_real, z = sample_real(), sample_latent()
      |     training.discriminator_step(G, D, optimizer_d, x_real, z)
    right: x_fake = G(z).detach() -> with torch.no_grad():\n        x_fake = G(z)
    right: -losses.value_function(real, fake) ->
      F.softplus(-D(x_real)).mean() + F.softplus(D(x_fake)).mean()

    * G gets gradients: D learns well, and its loss also flows back into G. Make the
      fakes under torch.no_grad(), or detach() them.
        .detach() ->
    * G's gradients cleared: D learns well, and what stood in G's `.grad` is gone. Clear
      D's gradients only; fakes that are detached leave none in G.
        optimizer_d.zero_grad() -> optimizer_d.zero_grad(); G.zero_grad()
    * no zero_grad: Old gradients are added to the new ones: `.grad` may hold anything
      when your function is called. Call optimizer_d.zero_grad() before each backward().
        /^ *optimizer_d.zero_grad.+\n/ ->{| && for _ -> optimizer_d.zero_grad()\nfor _}
        optimizer_d.zero_grad() -> && step() -> step(); optimizer_d.zero_grad()
    * no step: D has not moved. Is there a loop, and an optimizer_d.step() in it?
        optimizer_d.step() ->
        return None
    * a step without gradients: D has not moved: optimizer_d.step() finds no gradients.
      The order is zero_grad(), backward(), step().
        loss.backward() ->
        /(loss.backward\(\))\n( *)(optimizer_d.step\(\))/ -> \3\n\2\1
        optimizer_d.step() -> optimizer_d.zero_grad(); optimizer_d.step()
    * an optimizer of its own: D has moved, and not by a step of `optimizer_d`. Whoever
      calls your function chooses the optimizer: step the one you are given.
        for _ -> optimizer_d = torch.optim.Adam(D.parameters())\nfor _
    * labels swapped: High means real: the data's target is 1, the fakes' is 0.
        real, fake) -> 1 - real, 1 - fake)
    * wrong direction: D should climb V: an optimizer minimizes, so hand it -V.
        -losses -> losses
    * everything is real: D is rewarded for calling fakes real. Use log(1 - D).
        real, fake) -> real, 1 - fake)
    * reals only: D learns from the data only, and comes to call everything real. The
      second term, on fakes, is missing, or detach() cuts off D's answers.
        -losses.value_function(real, fake) -> -torch.log(real).mean()
    * fakes only: D learns from fakes only. The first term, on data, is missing.
        -losses.value_function(real, fake) -> -torch.log(1 - fake).mean()
    * one mean over both: In one mean over both batches the larger batch counts for
      more. Two expectations are two means, added.
        -losses.value_function(real, fake) -> -torch.cat([real, 1 - fake]).log().mean()
    ~ half: Right up to a factor 1/2, which halves D's steps. The course adds the means.
        real, fake) -> real, fake) / 2
    ~ sum in place of mean: Sums make the step grow with the batch. Take means.
        /-losses.+/ -> -real.log().sum() - (1 - fake).log().sum()
    * two sigmoids: The sigmoid is applied twice: a loss `with_logits` has one inside.
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
    * a network left otherwise: A network comes back in another mode, or frozen. Leave
      the mode and requires_grad of both alone: it is enough to detach G's samples.
        for _ -> {G.eval()|G.requires_grad_(False)|D.eval()}\nfor _
        optimizer_d.step() -> optimizer_d.step()\n{G.train()|D.requires_grad_(False)}
    """,
    names=NAMES,
    lesson=3,
    reference=training.pretrain_discriminator,
    observe=pretrained,
    rtol=1e-4,
    atol=1e-6,
    probes={
        "1 step": round_of(junk=0.2, lr=0.5),
        "3 steps": round_of(times=3, junk=0.2, lr=0.5),
        "2 steps, G in eval mode": round_of(times=2, junk=0.2, lr=0.5, sure=-2.0),
    },
)


def measured(loss, **players):
    """A probe: players with old gradients in G, latents, and a loss of D(G(z))."""
    return lambda: (*round_of(junk=0.2, **players)(), loss)


def tiny(probability):
    """So flat that squares of its gradients leave float32."""
    return 1e-25 * probability.mean()


def gradient_norm(function, given, loss):
    """The norm, and what is left behind in both networks."""
    G, D, z = given.G, given.D, given.z
    if loss is tiny:
        lost = as_number(function(G, D, z, loss), whole=False) == 0
        yield f"{COST}gradients of 1e-25", "lost" if lost else "seen"
        return
    old, weights = gradients_of(G), {"G": parameters_of(G), "D": parameters_of(D)}
    yield from observers.value(function, G, D, z, loss)
    clean = since(old, G) != "changed"
    yield "G's gradients afterwards", "as before, or none" if clean else "changed"
    for name, net in {"G": G, "D": D}.items():
        yield f"change of {name}'s parameters", parameters_of(net) - weights[name]
        yield from left_as_found(name, net)


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
    hint: torch.autograd.grad(value, parameters) gives the gradients. Of what, in what?
    hint: Of loss(torch.sigmoid(D(G(z)))), in G.parameters(). Then the
      norm is the root of the sum of all squares.
    edge: Right, until D is very sure of a fake: the gradient is tiny there, and not 0.
      Is there an epsilon, a clamp, a rounding or a difference of larger numbers?
    right: /return .+/ -> return sum(g.double().pow(2).sum().item() for g in gradients)
      ** 0.5
    right: /return .+/ -> return torch.stack([g.double().norm() for g in
      gradients]).norm()

    + squares underflow: Right. One remark: gradients of 1e-25 give 0, because their
      squares leave float32. To read that far down, sum the squares of g.double().
        .double() ->
    * old gradients added: backward() adds to what stands in G's `.grad`. Zero it first,
      or use torch.autograd.grad, which never touches `.grad`.
        /gradients = .+/ -> {TAKEN|TAKEN; G.zero_grad()}
    * a gradient is left behind: The norm is right, and the gradient stays in G's
      `.grad`, where the next step would find it. Clear it, or use torch.autograd.grad.
        /gradients = .+/ -> G.zero_grad(); TAKEN
    * a sum of norms: The norms of the tensors are added up or averaged. The length of
      one long vector is the root of the sum of all squares.
        /return .+/ -> return sum(g.norm() for g in gradients).item(){| / 4} && ANYHOW
    * the root of a sum of norms: `.norm()` has taken roots already. Add the squares,
      `g.square().sum()`, and take one root at the end.
        /return .+/ -> return sum(g.norm() for g in gradients).sqrt().item() && ANYHOW
    * no root: The sum of the squares is there, and its root is missing.
        .sqrt() -> && ANYHOW
    * not the Euclidean length: This is the sum of absolute values, or the largest part
      alone. Wanted is the root of the sum of the squares of all numbers.
        .square() -> .abs() && .sqrt() -> && ANYHOW
        /return .+/ -> return max(g.{abs().max|norm}() for g in gradients).item()
          && ANYHOW
    * root mean square: The sum is divided by the number of parameters. Leave that out.
        .sqrt() -> .div(sum(p.numel() for p in G.parameters())).sqrt() && ANYHOW
    * one tensor only: Only some of G's parameters are counted. All of them are wanted,
      weights and biases of every layer.
        in gradients -> in gradients[{:1|::2|1::2|:2|-2:|:4}] && ANYHOW
    * D's parameters: D's weights are counted. The question is what reaches G's.
        G.parameters() -> {D.parameters()|[*G.parameters(), *D.parameters()]}
    * logits given to the loss: D returns logits, and the loss wants a probability: the
      sigmoid between them is missing.
        torch.sigmoid(D(G(z))) -> D(G(z)) && ANYHOW
    * a loss of its own: The minimax loss is written into the function. Use the `loss`
      you are given, so that any loss can be measured.
        loss( -> losses.minimax_generator_loss( && ANYHOW
    * two sigmoids: There are two sigmoids between D and the loss. One is enough.
        torch.sigmoid(D(G(z))) -> torch.sigmoid(torch.sigmoid(D(G(z))))
    * D left otherwise: D comes back in eval mode, or frozen. Leave D alone.
        value = -> D.{eval()|requires_grad_(False)}; value =
    * detached: The graph is cut between D and G, so nothing can reach G's weights.
      Here the gradient has to pass through D: no detach() and no no_grad().
        G(z) -> G(z).detach()
        G(z) -> G(z).detach() && /gradients = .+/ -> TAKEN
    * stopped at the samples: This is the gradient at G's samples. It has one more step
      to go: into G's weights.
        | x = G(z)
        | return torch.autograd.grad(loss(torch.sigmoid(D(x))), x)[0].norm().item()
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
        "the minimax loss": measured(losses.minimax_generator_loss, n_fake=4),
        "-log D": measured(losses.nonsaturating_generator_loss),
        "the mean of D, one latent": measured(lambda p: p.sum() / len(p), n_fake=1),
        "a loss 1e-25 times as steep": measured(tiny),
    },
    later={
        "more layers in G": measured(losses.minimax_generator_loss, deep=True),
        "a loss 1,000 times as steep": measured(lambda p: 1000 * p.mean()),
    },
    edge={"logits near -25": measured(losses.minimax_generator_loss, sure=-25.0)},
)


entry(
    r"""
    js_of_shifted_uniforms(shift)
        return math.log(2) * min(abs(shift), 1.0)

    because: Overlap costs 0; the rest, |shift| of each, costs log 2 a point.
    praise: From shift 1 on it is flat: separated by 1 or by 10, the same answer.
    hint: Draw both uniforms, moved by 1/4. Which parts of them does the JSD count?
    hint: Where only one lives, each point costs log 2. How long is that part, at most?
    right: return torch.tensor(abs(shift)).clamp(max=1) * math.log(2)
    right: return math.log(2) if abs(shift) >= 1 else abs(shift) * math.log(2)

    * negative shifts: A shift to the left separates as well: |shift| counts.
        min(abs(shift), 1.0) -> {min(shift, 1)|min(max(shift, 0.0), 1)}
        min(abs(shift), 1.0) -> {max(-1, min(shift, 1))|abs(min(shift, 1))}
    * constant: Right from shift 1 on. At shift 0 the two distributions are the same.
        return math.log(2)
    * all or nothing: Between 0 and 1 they overlap in part: count the part where
      only one of them lives.
        return math.log(2) if {abs(shift)|shift} >= 1 else 0.0
    * it keeps growing: Once the distributions no longer overlap, at shift 1, it stays
      at log 2. (How far the mass has to travel is the earth mover's distance.)
        return {|math.log(2) * }abs(shift)
    ~ bits: Right in bits: log base 2. The course measures in nats: log 2 = 0.693.
        math.log(2) -> math.log2(2)
    * twice: V(D*, G) = 2 JSD - log 4, and this is that, or its first part. JSD itself
      has a factor 1/2 before each of its two KL terms.
        /return (.+)/ -> return 2 * \1{| - 2 * math.log(2)}
    * the overlap: This measures the overlap: largest where the distributions agree. JSD
      is 0 there, and counts what does *not* overlap.
        return {math.log(2) * |}max(0.0, 1 - abs(shift))
    * half: Both distributions have such a part, and each part costs 1/2 log 2 a point.
        /return (.+)/ -> return \1 / 2
    * KL, not JSD: KL is infinite as soon as one distribution is absent where the other
      is not. JSD compares each with the mixture of both, which is absent nowhere.
        return 0.0 if shift == 0 else math.inf
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
