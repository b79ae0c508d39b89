"""Lesson 7, first part: bytes for tanh, and one whole training step."""

import torch
import torch.nn.functional as F

from course_utils import data, losses, training

from .. import families, observers, rounds
from ..text import entry


def random_bytes(low: int, high: int, *shape: int):
    """A probe: an image of bytes from low to below high."""
    rng = torch.Generator().manual_seed(3)
    pixels = torch.randint(low, high, shape, generator=rng).to(torch.uint8)
    return lambda: (pixels.clone(),)


entry(
    """
    to_tanh_range(pixels)
        return pixels / 127.5 - 1

    because: 0 goes to -1 and 255 to 1; dividing a uint8 tensor makes float32.
    praise: Data and fakes now live in one range, so D has to look at content.
    hint: Where should 0 land, and where 255? A line goes through both.
    hint: A uint8 minus 128 stays a uint8. When does it become a float?
    right: return pixels.float() / 255 * 2 - 1
    right: return (pixels.to(torch.float32) - 127.5) / 127.5
    right: return torch.from_numpy(pixels.numpy().astype("float32") / 127.5 - 1)

    * wraps around: uint8 holds 0 to 255 and starts over: `2 * 200` is 144 there, and `3
      - 128` is 131. Make floats first, with `.float()` or a division.
        return {2 * pixels / 255 - 1|(pixels * 2 - 255) / 255}
        return (pixels - {128|127}) / {127.5|128|127|255}
    * zero to one: The result lies in [0, 1]. tanh reaches from -1 to 1: against these
      data, D would know every fake by its negative pixels.
        return pixels / {255|256}
    * another range: Scale or shift is missing: the result should fill -1 to 1, as tanh
      does. Divide by half of 255, and take 1 off.
        return pixels / 127.5
        return pixels / 255 - 0.5
        return pixels.float()
        return pixels.float() - 127.5
    ~ 128 in place of 127.5: Close: the middle of 0 and 255 is 127.5. With a whole
      number one end misses its place: 255 should land on 1, and 0 on -1.
        return pixels / 128 - 1
        return (pixels.float() - {127) / 128|128) / 127}
    * inverted: Black and white change places: 0 should land on -1 and 255 on 1.
        return 1 - pixels / 127.5
    * scale guessed from the image: The scale depends on what the image shows: its mean,
      its extremes, or whether it is nearly black. One map for all: 0 to -1, 255 to 1.
        | x = pixels.float()
        | return 2 * (x - x.min()) / (x.max() - x.min()) - 1

        return (pixels.float() - pixels.float().mean()) / {pixels.float().std()|255}
        return (pixels / 255 if pixels.max() > 1 else pixels) * 2.0 - 1
        return pixels / 127.5 - (1 if pixels.max() > 1 else 0)
    * another type: The numbers are right in another float type (NumPy divides into
      float64). The networks' weights are float32: end with `.float()`.
        return (pixels / 127.5 - 1).{double|half|bfloat16}()
    * whole numbers: The grays were rounded away. Divide with `/`, and keep floats.
        return (pixels / 127.5 - 1).{round()|to(torch.uint8)|to(torch.int32)}
        return pixels // {128|255} * 2.0 - 1
    """,
    names={"torch": torch},
    lesson=7,
    reference=data.to_tanh_range,
    observe=observers.value,
    probes={
        "black, gray, white": lambda: (
            torch.tensor([0, 51, 102, 153, 204, 255], dtype=torch.uint8),
        ),
        "every value": lambda: (torch.arange(256).to(torch.uint8),),
        "two dim images": random_bytes(60, 200, 2, 1, 4, 4),
        "a color image": random_bytes(0, 256, 1, 3, 5, 5),
    },
    later={"a nearly black image": random_bytes(0, 2, 1, 1, 4, 4)},
    same=1e-3,
)

NAMES = {"torch": torch, "F": F, "losses": losses, "training": training}

entry(
    r"""
    train_step(G, D, optimizer_g, optimizer_d, x_real, z)
        x_fake = G(z)
        loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = losses.generator_loss(D(x_fake))
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        return loss_d.detach(), loss_g.detach()

    because: D learns from images cut off from G; G learns through the new D.
    praise: This is the whole of GAN training. What follows repeats it.
    hint: Two halves with the same five moves: images, logits, loss, gradients, step.
      Whose turn comes first, and what must the other half see then?
    hint: In D's half the images are a fact: where does their graph end? In G's half the
      gradient comes *through D*: what must not be cut, and what stands in `.grad`?
    right: /return .+/ -> return loss_d.item(), loss_g.item()
    right: /loss_g = .+/ -> with training.frozen(D): loss_g =
      F.binary_cross_entropy_with_logits(D(x_fake), torch.ones(len(z)))
    right: /loss_d = .+/ -> loss_d = -F.logsigmoid(D(x_real)).mean()
      - (1 - D(x_fake.detach()).sigmoid()).log().mean()

    ~ G's loss first: The round is right; the two losses change places: D's first.
        /return .+/ -> return loss_g.item(), loss_d.item()
    ~ losses after the update: The round is right; a loss was computed again after its
      own update. Return the one that you descended.
        return -> loss_g = losses.generator_loss(D(G(z))); return
        loss_g = -> loss_d = losses.discriminator_loss(D(x_real), D(x_fake)); loss_g =
        return -> loss_d = losses.discriminator_loss(D(x_real), D(G(z)));
          loss_g = losses.generator_loss(D(G(z))); return

    * sigmoid forgotten: D returns logits, any number, and a log wants probabilities.
      Use the losses that take logits, such as `losses.discriminator_loss`.
        /loss_d = .+/ -> loss_d = -D(x_real).log().mean()
          - (1 - D(x_fake.detach())).log().mean()
          && /loss_g = .+/ -> loss_g = -D(x_fake).log().mean()
    * sigmoid twice: D's logits went through a sigmoid before a loss that has one
      inside, so D can never be sure. Hand over the logits as they come.
        /\bD\((x_real|x_fake.detach\(\))\)/ -> D(\1).sigmoid()
        /\bD\((x_fake)\)/ -> D(\1).sigmoid()
        /\bD\((x_real|x_fake|x_fake.detach\(\))\)/ -> D(\1).sigmoid()
    * minimax loss for G: G minimizes log(1 - D(G(z))) here, which leaves next to no
      gradient while D wins. Take the non-saturating loss: -log D(G(z)).
        losses.generator_loss -> losses.minimax_generator_loss_from_logits
        /loss_g = .+/ -> loss_g = -losses.discriminator_loss(D(x_real), D(x_fake))
    * G learns to be found out: G was moved so that D(G(z)) goes to 0. G wants D to say
      real: minimize -log D(G(z)), with target 1.
        losses.generator_loss -> -losses.minimax_generator_loss_from_logits
        losses.generator_loss -> -losses.generator_loss
    * labels swapped for D: D is taught that data is fake and fakes are real. Logits on
      data come first, with target 1; logits on G's images second, with target 0.
        D(x_real), D(x_fake.detach()) -> D(x_fake.detach()), D(x_real)
    * both real for D: D is taught that everything is real. G's images have target 0 in
      *D's* step; they are called real in G's step only.
        D(x_real), D(x_fake.detach()) -> D(x_real), -D(x_fake.detach())
    * D climbs: D went up its own loss: an optimizer descends, so D's loss is -V.
        loss_d.backward() -> (-loss_d).backward()
        losses.discriminator_loss -> -losses.discriminator_loss
    * D sees one side: D learned from one of its two batches only: a term is missing or
      cut off. Detach the *images*, not what D says of them.
        D(x_real), -> D(x_real).detach(),
        D(x_fake.detach()) -> D(x_fake).detach()
        /loss_d = .+/ -> loss_d = F.softplus({-D(x_real)|D(x_fake.detach())}).mean()
    * one mean over both: With one mean over data and fakes the larger batch counts
      more. Two expectations are two means, and their sum.
        /loss_d = .+/ -> loss_d = {1|2} * F.softplus(
          torch.cat([-D(x_real), D(x_fake.detach())])).mean()
    * summed over the batch: With a sum the step grows with the batch. Take means.
        /(loss_g = .+)/ -> \1 * len(z)
        /(loss_g = .+)/ -> \1 * len(z) && /loss_d = .+/ -> loss_d =
          F.softplus(-D(x_real)).sum() + F.softplus(D(x_fake.detach())).sum()

    * G is cut off: No gradient of its own loss reached G. It runs from
      `loss_g.backward()` back *through D* into G, and a `detach()` in G's step cuts
      that path. Detach in D's step only.
        (D(x_fake)) -> (D(x_fake.detach()))
        x_fake = G(z) -> x_fake = G(z).detach()
        D(x_fake.detach()) -> D(x_fake) && (D(x_fake)) -> (D(x_fake.detach()))
    * no_grad around D: `no_grad` around D removes the way from the loss into G. D stays
      put because `optimizer_g` does not hold its weights.
        /(loss_g = .+)/ -> with torch.no_grad(): \1
    * one graph, walked twice: D's `backward()` walked through G and freed the graph
      that G's step needs. Give D `x_fake.detach()`.
        x_fake.detach() -> x_fake
    * output of the old D: G's loss was computed with weights that D's step has changed
      since, 'modified by an inplace operation'. After `optimizer_d.step()` ask D again.
        /(?s)(loss_d = .+\n)(loss_g = [^\n]+\n)/ -> \2\1
        D(x_fake.detach()) -> fake{.detach()|} && (D(x_fake)) -> (fake)
          && x_fake = G(z) -> fake = D(G(z))
          && loss_d.backward() -> loss_d.backward(retain_graph=True)
    * both at once: Each player answered where the other was *before* this round: a
      simultaneous step. Here D steps first and G answers the new D.
        optimizer_d.step() -> && optimizer_g.step() -> optimizer_d.step();
          optimizer_g.step()
        /(?s)(loss_d = .+)(loss_g = .+\n)return/ -> \2\1return
    * G first: G stepped against a D that had not seen this batch. D goes first.
        /(?s)(loss_d = .+)(loss_g = .+\n)return/ -> \2x_fake = G(z)\n\1return
    * real and fake in one pass: Data and fakes went through D in *one* batch. With
      batch normalization what D says of an image depends on the others. Two
      distributions, two passes: `D(x_real)` and `D(x_fake)`.
        /loss_d = .+/ -> both = D(torch.cat([x_real, x_fake.detach()]));
          loss_d = losses.discriminator_loss(both[:len(x_real)], both[len(x_real):])
    * new latents for G: G's step drew latents of its own. A fair game too, but here the
      loop decides what is drawn: use `z`.
        (D(x_fake)) -> (D(G(torch.randn_like(z))))
    * eval mode: A network was in eval mode during a step, so batch normalization used
      its running averages. Both train in training mode.
        x_fake = G(z) -> {G.eval()|D.eval()|G.eval(), D.eval()}; x_fake = G(z)
          && return -> G.train(), D.train(); return
        x_fake = G(z) -> G.eval(); x_fake = G(z); G.train()
    * left in eval mode: A network came back in eval mode: from the next round on batch
      normalization uses its running averages. The step leaves modes alone.
        return -> {G.eval()|D.eval()|G.eval(), D.eval()}; return
        x_fake = G(z) -> {G.eval()|D.eval()|G.eval(), D.eval()}; x_fake = G(z)
    * D stays frozen: D came back with `requires_grad_(False)` and can no longer learn.
      Undo it, or leave it out: `optimizer_g` does not move D.
        loss_g = -> D.requires_grad_(False); loss_g =
    * the other player's optimizer: After one player's loss the other player's optimizer
      stepped: `optimizer_d` belongs to D's loss, `optimizer_g` to G's.
        optimizer_g -> optimizer_d
        optimizer_g.step() -> optimizer_d.step()
        optimizer_d.step() -> optimizer_g.step()
        x_fake = G(z) -> optimizer_d, optimizer_g = optimizer_g, optimizer_d;
          x_fake = G(z)
    * one optimizer for both: Both networks stepped after one player's loss: both slide
      down it. Each loss moves its own player alone.
        optimizer_g.step() -> optimizer_g.step(); optimizer_d.step()
        x_fake = G(z) -> optimizer_g = torch.optim.SGD(
          [*G.parameters(), *D.parameters()], 0.1); x_fake = G(z)
    * one player never steps: One of the players did not move: after `loss_d.backward()`
      belongs `optimizer_d.step()`, after `loss_g.backward()` `optimizer_g.step()`.
        optimizer_{d|g}.step() ->
    * gradients pile up: What stood in a player's `.grad` was added to this round's
      gradient; G's step fills D's. Call `zero_grad()` before each `backward()`.
        /.+zero_grad\(\)/ ->
        optimizer_{d|g}.zero_grad() ->
    * D's gradients left in G: D's `backward()` ran on through G, and what it left there
      was added to G's own gradient: G also helps D. Stop it with `x_fake.detach()`.
        /.+zero_grad\(\)/ -> && x_fake = G(z) -> G.zero_grad(), D.zero_grad();
          x_fake = G(z) && x_fake.detach() -> x_fake
          && loss_d.backward() -> loss_d.backward(retain_graph=True)
    + no detach: Right, and more work than needed: D's gradient also runs back through
      G, where it is thrown away. `x_fake.detach()` in D's step stops it at the image.
        x_fake.detach() -> x_fake && loss_d.backward() ->
          loss_d.backward(retain_graph=True)
    + G runs twice: Right, but G made the same images twice. Use `x_fake` for both.
        (D(x_fake)) -> (D(G(z)))
        (D(x_fake)) -> (D(G(z))) && x_fake.detach() -> x_fake
    """,
    names=NAMES,
    families=families.STEPS + families.PLAYERS,
    lesson=7,
    reference=training.train_step,
    observe=rounds.watch("G", "D", "optimizer_g", "optimizer_d", "x_real", "z"),
    probes={
        "one step": rounds.round_of(),
        "junk left in .grad": rounds.round_of(junk=3.0),
        "two steps": rounds.round_of(times=2),
        "9 real, 4 latents": rounds.round_of(9, 4),
        "a D that says real": rounds.round_of(sure=2.0, seed=4),
        "batch normalization": rounds.round_of(norm=True, times=2),
    },
    later={
        "optimizers with momentum": rounds.round_of(times=2, momentum=0.9),
        "one image, one latent": rounds.round_of(1, 1),
        "a steep D that calls all fake": rounds.round_of(sure=-15.0, steep=5.0, seed=3),
        "a D that calls all real": rounds.round_of(sure=6.0, seed=4),
        "a D that wins": rounds.round_of(steep=4.0, seed=19),
        "70 images, 80 latents": rounds.round_of(70, 80),
    },
    rtol=1e-4,
)
