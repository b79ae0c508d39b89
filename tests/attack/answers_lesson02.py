"""Answers to the exercises of lesson 2 that stand in no list of the bank.

Each: the exercise, "passes", "refused" or the mistake that is named, the source.
"""

ANSWERS = [
    (
        "binary_cross_entropy",
        "refused",
        """
import torch
def binary_cross_entropy(probability, target):
    return -torch.log(torch.abs(probability - (1 - target))).mean()
""",
    ),
    (
        "value_function",
        "refused",
        """
import torch
import numpy as np
def value_function(real_probability, fake_probability):
    real, fake = real_probability.detach().numpy(), fake_probability.detach().numpy()
    return torch.tensor(np.log(real).mean() + np.log(1 - fake).mean())
""",
    ),
    (
        "value_function",
        "log of the product",
        """
import torch
def value_function(real_probability, fake_probability):
    real = torch.log(torch.prod(real_probability)) / len(real_probability)
    return real + torch.log(torch.prod(1 - fake_probability)) / len(fake_probability)
""",
    ),
    (
        "optimal_discriminator",
        "missing parentheses",
        """

def optimal_discriminator(p_data, p_g):
    d = p_data / p_data + p_g
    return d
""",
    ),
    (
        "optimal_discriminator",
        "refused",
        """
import torch
def optimal_discriminator(p_data, p_g):
    return torch.nan_to_num(p_data / (p_data + p_g)).round(decimals=2)
""",
    ),
    (
        "jensen_shannon",
        "through 1 - D*",
        """
import torch
import math
def jensen_shannon(p, q, dx):
    d = p / (p + q)
    v = (p * torch.log(d) + q * torch.log(1 - d)).sum() * dx
    return (v + math.log(4)) / 2
""",
    ),
    (
        "jensen_shannon",
        "p log p is missing",
        """
import torch
def jensen_shannon(p, q, dx):
    m = 0.5 * (p + q)
    return 0.5 * dx * (torch.xlogy(p, m).sum() + torch.xlogy(q, m).sum())
""",
    ),
    (
        "jensen_shannon",
        "refused",
        """
import torch
def jensen_shannon(p, q, dx):
    m = 0.5 * (p + q)
    return 0.5 * dx * (torch.xlogy(p, p / m).sum() + torch.xlogy(q, q / m).sum())
""",
    ),
    (
        "jensen_shannon",
        "passes",
        """
import torch
def jensen_shannon(p, q, dx):
    m = 0.5 * (p + q)
    total = torch.zeros((), dtype=p.dtype)
    for density in (p, q):
        inside = density > 0
        total += (density[inside] * torch.log(density[inside] / m[inside])).sum() * dx
    return total / 2
""",
    ),
    (
        "jensen_shannon",
        "passes",
        """
import torch
def jensen_shannon(p, q, dx):
    of_p = torch.nan_to_num(p * torch.log(2 * p / (p + q)))
    of_q = torch.nan_to_num(q * torch.log(2 * q / (p + q)))
    return (of_p + of_q).sum() * dx / 2
""",
    ),
    (
        "discriminator_step",
        "passes",
        """
from course_utils.losses import value_function
def discriminator_step(G, D, optimizer_d, x_real, z):
    def closure():
        optimizer_d.zero_grad()
        loss = -value_function(D(x_real).sigmoid(), D(G(z).detach()).sigmoid())
        loss.backward()
        return loss
    return optimizer_d.step(closure).detach()
""",
    ),
    (
        "discriminator_step",
        "refused",
        """
from course_utils.losses import value_function
def discriminator_step(G, D, optimizer_d, x_real, z):
    optimizer_d.zero_grad()
    loss = -value_function(D(x_real).sigmoid(), D(G(z).detach()).sigmoid())
    loss.backward()
    for p in D.parameters():
        p.data -= 0.1 * p.grad
    return loss.item()
""",
    ),
    (
        "discriminator_step",
        "cleared before the step",
        """
from course_utils.losses import value_function
def discriminator_step(G, D, optimizer_d, x_real, z):
    loss = -value_function(D(x_real).sigmoid(), D(G(z).detach()).sigmoid())
    loss.backward()
    optimizer_d.zero_grad()
    optimizer_d.step()
    return loss.item()
""",
    ),
    (
        "generator_step",
        "passes",
        """
from course_utils import training
def generator_step(G, D, optimizer_g, z):
    with training.frozen(D):
        optimizer_g.zero_grad()
        loss = (1 - D(G(z)).sigmoid()).log().mean()
        loss.backward()
    optimizer_g.step()
    return loss.detach()
""",
    ),
    (
        "generator_step",
        "refused",
        """
import torch
def generator_step(G, D, optimizer_g, z):
    G.eval()
    optimizer_g.zero_grad()
    loss = torch.log(1 - torch.sigmoid(D(G(z)))).mean()
    loss.backward()
    optimizer_g.step()
    return loss.detach()
""",
    ),
    (
        "play_game",
        "the sampler itself",
        """
from course_utils.training import discriminator_step, generator_step
def play_game(
    G, D, optimizer_g, optimizer_d, sample_real, sample_latent, rounds,
    n_discriminator_steps=1,
):
    out = []
    for _ in range(rounds):
        for _ in range(n_discriminator_steps):
            loss = discriminator_step(G, D, optimizer_d, sample_real, sample_latent())
        generator_step(G, D, optimizer_g, sample_latent())
        out.append(loss.item())
    return out
""",
    ),
    (
        "play_game",
        "refused",
        """
from course_utils.training import discriminator_step, generator_step
def play_game(
    G, D, optimizer_g, optimizer_d, sample_real, sample_latent, rounds,
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
""",
    ),
    (
        "play_game",
        "passes",
        """
import torch
from course_utils.training import discriminator_step, generator_step
def play_game(
    G, D, optimizer_g, optimizer_d, sample_real, sample_latent, rounds,
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
""",
    ),
    (
        "alternating_step",
        "refused",
        """

def alternating_step(x, y, lr):
    x -= lr * y
    y += lr * x
    x -= lr * y
    return x, y
""",
    ),
]
