"""Answers that the bank does not list: the value function and its game."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("binary_cross_entropy", "refused", """
import torch

def binary_cross_entropy(probability, target):
    return -torch.log(torch.abs(probability - (1 - target))).mean()
"""),
("binary_cross_entropy", "refused", """
def binary_cross_entropy(p, t):
    return -(t * torch.log(p) + (1 - t) * torch.log(1 - p)).mean().detach()
"""),
("binary_cross_entropy", "passes", """
def binary_cross_entropy(p, t):
    return F.binary_cross_entropy_with_logits(torch.logit(p), t)
"""),
("value_function", "refused", """
import torch
import numpy as np

def value_function(real_probability, fake_probability):
    real, fake = real_probability.detach().numpy(), fake_probability.detach().numpy()
    return torch.tensor(np.log(real).mean() + np.log(1 - fake).mean())
"""),
("value_function", "refused", """
def value_function(r, f):
    return torch.log(r).mean() + torch.log(1 - f).sum() / len(r)
"""),
("value_function", "passes", """
def value_function(r, f):
    return (torch.log(r)[:, None] + torch.log(1 - f)).mean()
"""),
("optimal_discriminator", "refused", """
import torch

def optimal_discriminator(p_data, p_g):
    return torch.nan_to_num(p_data / (p_data + p_g)).round(decimals=2)
"""),
("optimal_discriminator", "refused", """
def optimal_discriminator(p, q):
    return p.div_(p + q)
"""),
("optimal_discriminator", "passes", """
def optimal_discriminator(p, q):
    return (torch.log(p) - torch.logaddexp(torch.log(p), torch.log(q))).exp()
"""),
("jensen_shannon", "passes", """
import torch

def jensen_shannon(p, q, dx):
    m = 0.5 * (p + q)
    total = torch.zeros((), dtype=p.dtype)
    for density in (p, q):
        inside = density > 0
        total += (density[inside] * torch.log(density[inside] / m[inside])).sum() * dx
    return total / 2
"""),
("jensen_shannon", "refused", """
def jensen_shannon(p, q, dx):
    return max(
        (torch.xlogy(v, v) - torch.xlogy(v, (p + q) / 2)).sum() * dx for v in (p, q)
    )
"""),
("jensen_shannon", "refused", """
def jensen_shannon(p, q, dx):
    return (
        (
            (torch.xlogy(p, p) - torch.xlogy(p, (p + q) / 2)).sum() * dx
            + (torch.xlogy(q, q) - torch.xlogy(q, (p + q) / 2)).sum() * dx
        )
        / 2
        * dx
    )
"""),
("discriminator_step", "passes", """
from course_utils.losses import value_function

def discriminator_step(G, D, optimizer_d, x_real, z):
    def closure():
        optimizer_d.zero_grad()
        loss = -value_function(D(x_real).sigmoid(), D(G(z).detach()).sigmoid())
        loss.backward()
        return loss

    return optimizer_d.step(closure).detach()
"""),
("discriminator_step", "refused", """
def discriminator_step(G, D, optimizer_d, x_real, z):
    total = F.softplus(-D(x_real)).mean() + F.softplus(D(G(z).detach())).mean()
    optimizer_d.zero_grad()
    total.backward()
    optimizer_d.step()
    return total.item() + 0.0001
"""),
("discriminator_step", "refused", """
def discriminator_step(G, D, optimizer_d, x_real, z):
    total = F.softplus(-D(x_real)).mean() + F.softplus(D(G(z).detach())).mean()
    optimizer_d.zero_grad()
    total.backward()
    optimizer_d.step()
    return round(float(total), 4)
"""),
("generator_step", "refused", """
import torch

def generator_step(G, D, optimizer_g, z):
    G.eval()
    optimizer_g.zero_grad()
    loss = torch.log(1 - torch.sigmoid(D(G(z)))).mean()
    loss.backward()
    optimizer_g.step()
    return loss.detach()
"""),
("generator_step", "refused", """
def generator_step(G, D, o, z):
    return (-F.softplus(D(G(z))).mean()).item()
"""),
("generator_step", "passes", """
def generator_step(G, D, optimizer_g, z):
    total = torch.log(torch.sigmoid(-D(G(z)))).mean()
    optimizer_g.zero_grad()
    total.backward()
    optimizer_g.step()
    D.zero_grad()
    return float(total)
"""),
("play_game", "refused", """
from course_utils.training import discriminator_step, generator_step

def play_game(
    G,
    D,
    optimizer_g,
    optimizer_d,
    sample_real,
    sample_latent,
    rounds,
    n_discriminator_steps=1,
):
    out = []
    for _ in range(rounds):
        losses_d = [
            discriminator_step(G, D, optimizer_d, sample_real(), sample_latent())
            for _ in range(n_discriminator_steps)
        ]
        generator_step(G, D, optimizer_g, sample_latent())
        out.append(float(sum(losses_d)) / n_discriminator_steps)
    return out
"""),
("play_game", "passes", """
import torch
from course_utils.training import discriminator_step, generator_step

def play_game(
    G,
    D,
    optimizer_g,
    optimizer_d,
    sample_real,
    sample_latent,
    rounds,
    n_discriminator_steps=1,
):
    out = torch.zeros(rounds)
    for r in range(rounds):
        k = 0
        while k < n_discriminator_steps:
            loss = discriminator_step(G, D, optimizer_d, sample_real(), sample_latent())
            k += 1
        generator_step(G, D, optimizer_g, sample_latent())
        out[r] = loss
    return out.tolist()
"""),
("play_game", "refused", """
def play_game(G, D, og, od, real, latent, rounds, n_discriminator_steps=2):
    k = n_discriminator_steps
    return training.play_game(G, D, og, od, real, latent, rounds, k)
"""),
("alternating_step", "refused", """
def alternating_step(x, y, lr):
    x -= lr * y
    y += lr * x
    x -= lr * y
    return x, y
"""),
("alternating_step", "refused", """
def alternating_step(x, y, lr):
    return x - lr * y, y + lr * (x + lr * y)
"""),
("alternating_step", "passes", """
def by_autograd(x, y, lr):
    x, y = (torch.tensor(v, requires_grad=True) for v in (x, y))
    slope_x, slope_y = torch.autograd.grad(x * y, (x, y))
    return [x - lr * slope_x, y + lr * slope_y]

def alternating_step(x, y, lr):
    return by_autograd(x, y, lr)[0], (x - lr * y, y + lr * (x - lr * y))[1]
"""),
("simultaneous_step", "refused", """
def simultaneous_step(x, y, lr):
    return x + lr * y, y + lr * (x + lr * y)
"""),
("simultaneous_step", "refused", """
def simultaneous_step(x, y, lr):
    return tuple(v + 1e-8 for v in (x - lr * y, y + lr * x))
"""),
("simultaneous_step", "passes", """
def simultaneous_step(x, y, lr):
    x, y = (torch.tensor(v, requires_grad=True) for v in (x, y))
    slope_x, slope_y = torch.autograd.grad(x * y, (x, y))
    return [x - lr * slope_x, y + lr * slope_y]
"""),
]
