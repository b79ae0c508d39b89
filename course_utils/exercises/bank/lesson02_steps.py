"""Lesson 2, games: D's step, G's step, the loop of both, and the game x * y."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from course_utils import losses, training

from .. import families, observers, rounds
from ..text import entry

NAMES = {
    "torch": torch,
    "F": F,
    "value_function": losses.value_function,
    # Short names of the ways below, each of which is one line.
    "bce": F.binary_cross_entropy,
    "bce_logits": F.binary_cross_entropy_with_logits,
    "ones": torch.ones_like,
    "zeros": torch.zeros_like,
}
STEP_PROBES = {
    "one step": rounds.round_of(),
    "junk left in .grad": rounds.round_of(junk=3.0),
    "two steps": rounds.round_of(times=2),
    "9 real, 4 latents": rounds.round_of(9, 4),
    "a D that says real": rounds.round_of(sure=2.0, seed=4),
}
STEP_LATER = {
    "logits near 0.5": rounds.round_of(steep=0.02, sure=0.35),
    "an optimizer with momentum": rounds.round_of(times=2, lr=0.03, momentum=0.9),
}
HOW_CLOSE = {
    "rtol": 1e-4,
    # A sigmoid and a log written out lose digits.
    "tolerance": {"the returned loss": (2e-5, 2e-7)},
    "same": 1e-4,
}

entry(
    r"""
    discriminator_step(G, D, optimizer_d, x_real, z)
        x_fake = G(z).detach()
        real_probability = torch.sigmoid(D(x_real))
        fake_probability = torch.sigmoid(D(x_fake))
        loss = -value_function(real_probability, fake_probability)
        optimizer_d.zero_grad()
        loss.backward()
        optimizer_d.step()
        return loss.detach()

    because: D climbs V by descending -V; G's part of the graph is cut off.
    praise: D has learned, and G has not moved.
    hint: What does D maximize, and what does an optimizer do with what it gets?
    hint: Fakes, two probabilities, the loss -V, its gradients, the step.
      `G(z).detach()` is a batch of fakes without a way back to G.
    edge: Right, but not where D is nearly sure: there an epsilon or a clamp decides the
      log. The formula has none; a later lesson makes the log safe.
    right: /loss = .+/ -> loss = (bce(real_probability, ones(real_probability))
      + bce(fake_probability, zeros(fake_probability)))
    right: /loss = .+/ -> loss = F.softplus(-D(x_real)).mean()
      + F.softplus(D(x_fake)).mean() && loss.detach() -> loss.item()
    right: x_fake = G(z).detach() -> with torch.no_grad(): x_fake = G(z)
      && optimizer_d.zero_grad() -> D.zero_grad()

    * sigmoid forgotten: D returns logits, any number, and the log of a negative one is
      NaN. Put `torch.sigmoid(...)` around D's output first.
        /torch.sigmoid\((D\(\w+\))\)/ -> \1
    * double sigmoid: The sigmoid is applied twice: `..._with_logits` has one inside.
        /loss = .+/ -> loss = (bce_logits(real_probability, ones(real_probability))
          + bce_logits(fake_probability, zeros(fake_probability)))
    * climbs down: The optimizer *descends* what `backward()` is called on. Here that is
      V, and D unlearns: hand it -V.
        -value_function -> value_function
        loss.backward() -> (-loss).backward()
    ~ returns V: The step is right; the number returned is V. The course returns what
      the optimizer descends, D's loss -V.
        return loss -> return -loss
    * both real: Fakes are taught to D as real ones: their term is log(1 - D).
        /loss = .+/ -> loss = -(real_probability.log().mean()
          + fake_probability.log().mean())
    * swapped: D is taught that data is fake and fakes are real. log D goes with data.
        (real_probability, fake_probability) -> (fake_probability, real_probability)
    * D sees one side: D learned from one of its two batches only: a term is missing or
      cut off. Detach the *fakes*, `D(G(z).detach())`, not what D says of them.
        /loss = .+/ -> loss = -{real_probability|(1 - fake_probability)}.log().mean()
        torch.sigmoid(D(x_fake)) -> torch.sigmoid(D(x_fake)).detach()
    ~ half: Right, up to a factor 1/2: it halves D's steps too. The two means are
      summed.
        /loss = .+/ -> loss = -value_function(real_probability, fake_probability) / 2
    * G moves too: G moved in D's step, and toward worse fakes. Step with `optimizer_d`,
      which holds D's parameters alone.
        .detach() -> && optimizer_d.zero_grad() -> optimizer_d = torch.optim.SGD(
          {[*D.parameters(), *G.parameters()]|G.parameters()}, 0.1);
          optimizer_d.zero_grad()
    ~ loss after the step: The step is right; the loss was computed again with the new
      D. Return the one that you descended.
        return -> loss = -value_function(D(x_real).sigmoid(), D(x_fake).sigmoid());
          return
    + no detach: Right, and more work than needed: the gradient also runs back through
      G, where nobody uses it. `G(z).detach()` cuts that off.
        G(z).detach() -> G(z)
    """,
    names=NAMES,
    families=families.STEPS + families.PLAYERS,
    lesson=2,
    reference=training.discriminator_step,
    observe=rounds.watch("G", "D", "optimizer_d", "x_real", "z"),
    probes=STEP_PROBES,
    later=STEP_LATER,
    edge={
        "a D that is sure of real": rounds.round_of(sure=4.5),
        "a D that is sure of fake": rounds.round_of(sure=-22.0),
    },
    **HOW_CLOSE,
)

entry(
    r"""
    generator_step(G, D, optimizer_g, z)
        fake_probability = torch.sigmoid(D(G(z)))
        loss = torch.log(1 - fake_probability).mean()
        optimizer_g.zero_grad()
        loss.backward()
        optimizer_g.step()
        return loss.detach()

    because: The gradient runs through D into G; optimizer_g moves G alone.
    praise: G has never seen a real sample: all it knows came through D.
    hint: Which of the two terms of V can G change at all?
    hint: The gradient walks through D into G. Why does D stay where it is all the same?
    edge: Right, but not where D is nearly sure: there an epsilon or a clamp decides the
      log. The formula has none; a later lesson makes the log safe.
    right: /loss = .+/ -> loss = -F.softplus(D(G(z))).mean()
    right: /loss = .+/ -> loss = -bce(fake_probability, zeros(fake_probability))
    right: fake_probability = -> D.requires_grad_(False); fake_probability =
      && return -> D.requires_grad_(True); return

    * sigmoid forgotten: D returns logits, any number; 1 - 3 is negative and its log
      NaN. Put `torch.sigmoid(...)` around D's output first.
        torch.sigmoid(D(G(z))) -> D(G(z))
    * cut off from D: No gradient reached G. It has to walk from the loss back *through
      D* into G: no `detach()`, `no_grad` or NumPy may cut that path. D stays as it is
      because `optimizer_g` does not hold its parameters.
        G(z) -> G(z).detach()
        fake_probability = -> with torch.no_grad(): x_fake = G(z)\nfake_probability =
          && D(G(z)) -> D(x_fake)
        fake_probability = -> with torch.no_grad(): fake_probability =
    * another game: That is -log D(G(z)), the *non-saturating* loss of a later lesson.
      Here G minimizes its own term of V: log(1 - D(G(z))).
        torch.log(1 - fake_probability) -> -torch.log(fake_probability)
    * helps D: G was moved so that D finds its fakes *easier*: this climbs log(1 - D).
      Hand the term to the optimizer without a minus.
        torch.log(1 - -> -torch.log(1 -
        loss.backward() -> (-loss).backward()
    ~ returns the negative: The step is right; the number returned has its sign turned.
      The course returns what the optimizer descends.
        return loss -> return -loss
    * D moves too: D moved in G's step, toward being fooled: the players work together.
      Step with `optimizer_g`, which holds G's parameters alone.
        fake_probability = -> optimizer_g = torch.optim.SGD(
          {[*D.parameters(), *G.parameters()]|D.parameters()}, 0.1);
          fake_probability =
    """,
    names=NAMES,
    families=families.STEPS + families.PLAYERS + families.MEANS + families.LOGS,
    without=("sign turned", "log of the product", "no mean"),
    lesson=2,
    reference=training.generator_step,
    observe=rounds.watch("G", "D", "optimizer_g", "z"),
    probes=STEP_PROBES,
    later=STEP_LATER,
    edge={
        "a D that is sure of real": rounds.round_of(sure=6.0),
        "a D that is sure of fake": rounds.round_of(sure=-9.0),
    },
    **HOW_CLOSE,
)


def game(n: int, *k: int, **players: Any) -> Callable[[], tuple]:
    """A probe: players, samplers, rounds and, unless left to its default, k."""

    def make() -> tuple:
        (given,) = rounds.round_of(**players)()
        streams = rounds.Stream(8, 3, 100), rounds.Stream(8, 2, 200)
        return *given[:4], *streams, n, *k

    return make


def watch_game(function: Any, *arguments: Any) -> observers.Seen:
    """The losses, what became of the players, and how many batches were drawn."""
    players, (data, latents, n, *k) = arguments[:4], arguments[4:]
    # `rounds` by its name, as the lesson's next cell calls it.
    call = functools.partial(function, *players, data, latents)
    play = functools.partial(call, n, *k) if k else functools.partial(call, rounds=n)
    none = torch.empty(0)
    yield from rounds.watch_call(play, rounds.Round(*players, none, none, times=1))
    yield "batches of data drawn", data.calls
    yield "batches of latents drawn", latents.calls


entry(
    """
    play_game(G, D, optimizer_g, optimizer_d, sample_real, sample_latent, \
              rounds, n_discriminator_steps=1)
        history = []
        for _ in range(rounds):
            for _ in range(n_discriminator_steps):
                x_real, z = sample_real(), sample_latent()
                loss_d = discriminator_step(G, D, optimizer_d, x_real, z)
            generator_step(G, D, optimizer_g, sample_latent())
            history.append(float(loss_d))
        return history

    because: In each round D looks k times, then G moves once: Algorithm 1.
    praise: That is a whole GAN, and you wrote every line of it.
    hint: Two loops, one inside the other. Whose step stands in the inner one?
    hint: Each step gets a new batch: who makes one, and how often is it asked?
    right: float(loss_d) -> loss_d
    right: history.append(float(loss_d)) -> history += [loss_d.item()]

    * k ignored: D stepped once a round whatever k says. An inner loop over
      `n_discriminator_steps` is missing.
        range(n_discriminator_steps) -> range(1)
    * G in the inner loop: G stepped k times a round as well; k is D's alone. First D's
      k steps, then, outside their loop, G's one.
        /^( +)generator_step/ -> \\1    generator_step
        /^( +)(generator_step|history.append)/ -> \\1    \\2
        generator_step -> for _ in range(n_discriminator_steps): generator_step
    * G never moves: G never stepped: D plays alone. Call `generator_step` once a round.
        /^ +generator_step.+\\n/ ->
    * one batch for all: The batches were drawn once, before the loop or once a round,
      and several steps saw the same. Call the samplers at each step.
        history = [] -> x_real, z, history = sample_real(), sample_latent(), []
          && /^ +x_real, z =.+\\n/ -> && sample_latent()) -> z)
        /^ +x_real, z =.+\\n/ -> && sample_latent()) -> z) && range(rounds): ->
          range(rounds):\\n    x_real, z = sample_real(), sample_latent()
    * the sampler itself: A step got the sampler, not a batch: `sample_real` is a
      function, and `sample_real()`, with parentheses, is what it returns.
        sample_real(), sample_latent() -> sample_real, sample_latent{()|}
        sample_latent()) -> sample_latent)
        sample_latent() -> sample_latent
    ~ D's latents for G: G stepped on the latents that D had seen last. A fair game,
      which a later lesson plays; here every step draws new ones.
        sample_latent()) -> z)
    ~ every loss of D: All k losses of D are returned. Wanted is the last in each round.
        /^ +history.+\\n/ -> && x_real, z) ->
          x_real, z)\\n        history.append(float(loss_d))
    ~ G's losses: The game is right; the losses returned are G's. Return D's.
        generator_step -> loss_g = generator_step && float(loss_d) -> float(loss_g)
    """,
    names={
        **NAMES,
        "discriminator_step": training.discriminator_step,
        "generator_step": training.generator_step,
    },
    lesson=2,
    reference=training.play_game,
    observe=watch_game,
    probes={
        "one round, k = 1": game(1, 1),
        "three rounds, k = 1": game(3, 1),
        "two rounds, k = 3": game(2, 3),
        "junk left in .grad": game(2, 2, junk=3.0),
        "two rounds, k left at its default, 1": game(2),
    },
    later={
        "six rounds, k = 5": game(6, 5),
        "optimizers with momentum": game(2, 2, lr=0.03, momentum=0.9),
    },
    rtol=1e-4,
    tolerance={"the returned loss": (1e-5, 1e-7)},
    same=1e-4,
)


MOVES = {
    "from (1, 0), lr 0.1": lambda: (1.0, 0.0, 0.1),
    "from (-2, 0.5), lr 3": lambda: (-2.0, 0.5, 3.0),
    "from (0.377, -0.713), lr 0.37": lambda: (0.377, -0.713, 0.37),
    "from (0.000027, -0.000013), lr 0.37": lambda: (2.7e-5, -1.3e-5, 0.37),
    "from (3000, -2000), lr 0.2": lambda: (3000.0, -2000.0, 0.2),
}
BILINEAR = r"""
* roles turned: x *minimizes* x * y and steps against its slope, y *maximizes* and steps
  along it. Here it is the other way round.
    x - lr -> x + lr && y + lr -> y - lr
* both descend: Both players descend. y maximizes, so it steps along its slope.
    y + lr -> y - lr
* both climb: Both players climb: x minimizes, so it steps against its slope.
    x - lr -> x + lr
* own slope: The slope of x * y in x is y: each moves by the *other* one's position.
    x - lr * y -> x - lr * x && y + lr * x -> y + lr * y
* the value: That steps by the value x * y. The slope is y for x, and x for y.
    lr * -> lr * x * y + 0 *
* no step size: The step has size 1 whatever `lr` says: multiply the slope by lr.
    lr * ->
* order of the results: The two numbers are right and change places: x first, then y.
    /return (.+), (.+)/ -> return \2, \1
"""


BILINEAR_GAME = {
    "names": NAMES,
    "families": BILINEAR,
    "lesson": 2,
    # As the lesson's next cell calls it: lr by its name.
    "observe": lambda f, x, y, lr: observers.value(
        lambda x, y, lr: f(x, y, lr=lr), x, y, lr
    ),
    "probes": MOVES,
    "rtol": 1e-6,
    "atol": 1e-10,
}

entry(
    """
    simultaneous_step(x, y, lr)
        return x - lr * y, y + lr * x

    because: The slope of x * y in x is y, in y it is x; one descends, one climbs.
    praise: One line, and it already does not do what gradient descent promises.
    hint: How fast does x * y change if only x moves, and how fast if only y moves?
    hint: Which player goes against its slope? Has anybody moved when the other looks?
    right:
      | z = complex(x, y) * complex(1, lr)
      | return z.real, z.imag
    right:
      | a = torch.tensor(x, dtype=torch.float64, requires_grad=True)
      | b = torch.tensor(y, dtype=torch.float64, requires_grad=True)
      | (a * b).backward()
      | return (a - lr * a.grad).item(), (b + lr * b.grad).item()

    * alternating: One player answers the other's *new* position: that is the
      alternating step. Here both decide before either has moved: keep the old position.
        | x = x - lr * y
        | return x, y + lr * x

        | y = y + lr * x
        | return x - lr * y, y
    """,
    reference=training.simultaneous_step,
    **BILINEAR_GAME,
)

entry(
    """
    alternating_step(x, y, lr)
        x = x - lr * y
        return x, y + lr * x

    because: x has moved by the time y looks: the same formulas, in turn.
    praise: Two lines in another order. Does it matter? Guess next.
    hint: What does y know of x when its turn comes, that it did not know before?
    right: return x - lr * y, (1 - lr * lr) * y + lr * x
    right: return x - lr * y, y + lr * (x - lr * y)

    * simultaneous: y still answers the *old* x: the simultaneous step. Move x first,
      then let y see where it went.
        return x - lr * y, y + lr * x
    ~ y first: The order is turned: x moves first, and y answers.
        | y = y + lr * x
        | return x - lr * y, y
    """,
    reference=training.alternating_step,
    **BILINEAR_GAME,
)
