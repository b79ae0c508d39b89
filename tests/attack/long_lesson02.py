"""More answers that the bank does not list: the value function and its game."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("binary_cross_entropy", "refused", """
def binary_cross_entropy(p, t):
    return F.cross_entropy(p, t)
"""),
("binary_cross_entropy", "refused", """
def binary_cross_entropy(p, t):
    return F.binary_cross_entropy_with_logits(p.logit(eps=1e-6), t)
"""),
("binary_cross_entropy", "refused", """
def binary_cross_entropy(p, t):
    return -(t * torch.log(p + 1e-9) + (1 - t) * torch.log(1 - p)).mean()
"""),
("binary_cross_entropy", "refused", """
def binary_cross_entropy(p, t):
    return -(t * torch.log(p) + (1 - t) * torch.log(1 - p)).mean().double()
"""),
("binary_cross_entropy", "refused", """
def binary_cross_entropy(p, t):
    return -(t * torch.log(p) + (1 - t) * torch.log(1 - p)).clamp(min=-30).mean()
"""),
("binary_cross_entropy", "passes", """
binary_cross_entropy = nn.BCELoss()
"""),
("binary_cross_entropy", "passes", """
def binary_cross_entropy(p, t):
    return -torch.log(p**t * (1 - p) ** (1 - t)).mean()
"""),
("value_function", "refused", """
def value_function(r, f):
    return r.log_().mean() + (1 - f).log_().mean()
"""),
("value_function", "refused", """
def value_function(r, f):
    return torch.log(r).mean() + torch.log(1 - f + 3e-7).mean()
"""),
("value_function", "refused", """
def value_function(r, f):
    return 0.999 * torch.log(r).mean() + torch.log(1 - f).mean()
"""),
("value_function", "refused", """
def value_function(r, f):
    return torch.log(r[:5]).mean() + torch.log(1 - f[:5]).mean()
"""),
("value_function", "refused", """
def value_function(r, f):
    return torch.log(r).mean() + torch.log(1 - f[: len(r)]).mean()
"""),
("optimal_discriminator", "refused", """
def optimal_discriminator(p, q):
    return p / (p + q + 1e-25)
"""),
("optimal_discriminator", "refused", """
def optimal_discriminator(p, q):
    return (p / (p + q)).flatten()
"""),
("optimal_discriminator", "refused", """
def optimal_discriminator(p, q):
    return p.float() / (p + q).float()
"""),
("optimal_discriminator", "refused", """
def optimal_discriminator(p, q):
    return p.numpy() / (p + q).numpy()
"""),
("optimal_discriminator", "refused", """
def optimal_discriminator(p, q):
    return p / (p + q).clamp(min=1e-8)
"""),
("jensen_shannon", "refused", """
def jensen_shannon(p, q, dx):
    return (F.kl_div((p + q) / 2, p) + F.kl_div((p + q) / 2, q)) / 2
"""),
("jensen_shannon", "refused", """
def jensen_shannon(p, q, dx):
    return (
        (
            (torch.xlogy(p, p) - torch.xlogy(p, (p + q) / 2)).sum() * dx
            + (torch.xlogy(q, q) - torch.xlogy(q, (p + q) / 2)).sum() * dx
        )
        / 2
    ).round(decimals=3)
"""),
("jensen_shannon", "refused", """
def jensen_shannon(p, q, dx):
    return (
        (
            (torch.xlogy(p, p) - torch.xlogy(p, (p + q) / 2)).sum() * dx
            + (torch.xlogy(q, q) - torch.xlogy(q, (p + q) / 2)).sum() * dx
        )
        / 2
    ).round(decimals=4)
"""),
("jensen_shannon", "refused", """
def jsd(p, q, dx):
    return (
        (torch.xlogy(p, p) - torch.xlogy(p, (p + q) / 2)).sum() * dx
        + (torch.xlogy(q, q) - torch.xlogy(q, (p + q) / 2)).sum() * dx
    ) / 2

def jensen_shannon(p, q, dx):
    return jsd(p.clamp_(min=1e-12), q, dx)
"""),
("jensen_shannon", "refused", """
def jsd(p, q, dx):
    return (
        (torch.xlogy(p, p) - torch.xlogy(p, (p + q) / 2)).sum() * dx
        + (torch.xlogy(q, q) - torch.xlogy(q, (p + q) / 2)).sum() * dx
    ) / 2

def jensen_shannon(p, q, dx):
    return jsd(p[p * q > 0], q[p * q > 0], dx)
"""),
("jensen_shannon", "passes", """
def jensen_shannon(p, q, dx):
    total = 0.0
    for a, b in zip(p.tolist(), q.tolist(), strict=True):
        total += sum(v * math.log(2 * v / (a + b)) for v in (a, b) if v > 0)
    return torch.tensor(total * dx / 2, dtype=p.dtype)
"""),
("jensen_shannon", "passes", """
def jensen_shannon(p, q, dx):
    p, q = p.numpy(), q.numpy()
    with np.errstate(all="ignore"):
        terms = [np.nan_to_num(v * np.log(2 * v / (p + q))) for v in (p, q)]
    return torch.as_tensor(dx / 2 * (terms[0] + terms[1]).sum())
"""),
("discriminator_step", "refused", """
def discriminator_step(G, D, o, x, z):
    return (F.softplus(-D(x)).mean() + F.softplus(D(G(z))).mean()).item()
"""),
("discriminator_step", "refused", """
def discriminator_step(G, D, optimizer_d, x_real, z):
    optimizer_d.state.clear()
    total = F.softplus(-D(x_real)).mean() + F.softplus(D(G(z).detach())).mean()
    optimizer_d.zero_grad()
    total.backward()
    optimizer_d.step()
    return float(total)
"""),
("discriminator_step", "refused", """
def discriminator_step(G, D, optimizer_d, x_real, z):
    total = (
        F.softplus(-D(x_real).clamp(-10, 10)).mean()
        + F.softplus(D(G(z).detach()).clamp(-10, 10)).mean()
    )
    optimizer_d.zero_grad()
    total.backward()
    optimizer_d.step()
    return float(total)
"""),
("discriminator_step", "refused", """
def discriminator_step(G, D, optimizer_d, x_real, z):
    total = (
        -torch.log(torch.sigmoid(D(x_real))).mean()
        + torch.log(1 - torch.sigmoid(D(G(z).detach()))).mean()
    )
    optimizer_d.zero_grad()
    total.backward()
    optimizer_d.step()
    return float(total)
"""),
("discriminator_step", "refused", """
def loss(r, f):
    return F.softplus(-r).mean() + F.softplus(f).mean() + 0.0001 * r.mean()

def discriminator_step(G, D, optimizer_d, x_real, z):
    total = loss(D(x_real), D(G(z).detach()))
    optimizer_d.zero_grad()
    total.backward()
    optimizer_d.step()
    return float(total)
"""),
("generator_step", "refused", """
def generator_step(G, D, optimizer_g, z):
    total = -F.softplus(D(G(z))).mean()
    optimizer_g.zero_grad()
    total.backward()
    optimizer_g.step()
    return round(float(total), 4)
"""),
("generator_step", "refused", """
def generator_step(G, D, optimizer_g, z):
    total = -F.softplus(D(G(z)).clamp(-5, 5)).mean()
    optimizer_g.zero_grad()
    total.backward()
    optimizer_g.step()
    return float(total)
"""),
("generator_step", "refused", """
def generator_step(G, D, optimizer_g, z):
    total = torch.log(1 - torch.sigmoid(D(G(z))) + 3e-6).mean()
    optimizer_g.zero_grad()
    total.backward()
    optimizer_g.step()
    return float(total)
"""),
("generator_step", "refused", """
def loss(f):
    return -F.softplus(f).mean() + 0.0001 * f.mean()

def generator_step(G, D, optimizer_g, z):
    total = loss(D(G(z)))
    optimizer_g.zero_grad()
    total.backward()
    optimizer_g.step()
    return float(total)
"""),
("play_game", "refused", """
def play_game(*given):
    torch.manual_seed(1)
    return training.play_game(*given)
"""),
("play_game", "refused", """
def play_game(G, D, og, od, real, latent, rounds, k=1):
    step = training.discriminator_step
    history = [float(step(G, D, od, real(), latent())) for _ in range(rounds * k)]
    for _ in range(rounds):
        training.generator_step(G, D, og, latent())
    return history[k - 1 :: k]
"""),
("play_game", "refused", """
def play_game(G, D, og, od, sample_real, sample_latent, rounds, k=1):
    history = []
    for _ in range(int(rounds)):
        of_d = []
        for _ in range(int(k)):
            z, x = sample_latent(), sample_real()
            of_d.append(training.discriminator_step(G, D, od, x, z).item())
        training.generator_step(G, D, og, sample_latent())
        history.append(of_d[0])
    return list(history)
"""),
("play_game", "refused", """
def play_game(G, D, og, od, sample_real, sample_latent, rounds, k=1):
    history = []
    for _ in range(int(rounds)):
        of_d = []
        for _ in range(min(k, 3)):
            z, x = sample_latent(), sample_real()
            of_d.append(training.discriminator_step(G, D, od, x, z).item())
        training.generator_step(G, D, og, sample_latent())
        history.append(of_d[-1])
    return list(history)
"""),
("alternating_step", "refused", """
def alternating_step(x, y, lr):
    return y - lr * x, x + lr * (y - lr * x)
"""),
("alternating_step", "refused", """
def alternating_step(x, y, lr):
    return tuple(v + 1e-8 for v in (x - lr * y, y + lr * (x - lr * y)))
"""),
("alternating_step", "refused", """
def alternating_step(x, y, lr):
    return tuple(round(v, 2) for v in (x - lr * y, y + lr * (x - lr * y)))
"""),
("alternating_step", "refused", """
def alternating_step(x, y, lr):
    return tuple(max(-10.0, min(10.0, v)) for v in (x - lr * y, y + lr * (x - lr * y)))
"""),
("alternating_step", "passes", """
def alternating_step(x, y, lr):
    return (np.array([[1, -lr], [lr, 1 - lr * lr]]) @ [x, y]).tolist()
"""),
("simultaneous_step", "refused", """
def simultaneous_step(x, y, lr):
    return y - lr * x, x + lr * y
"""),
("simultaneous_step", "refused", """
def simultaneous_step(x, y, lr):
    return tuple(round(v, 2) for v in (x - lr * y, y + lr * x))
"""),
("simultaneous_step", "refused", """
def simultaneous_step(x, y, lr):
    return tuple(max(-10.0, min(10.0, v)) for v in (x - lr * y, y + lr * x))
"""),
("simultaneous_step", "passes", """
def simultaneous_step(x, y, lr):
    return (np.array([[1, -lr], [lr, 1]]) @ [x, y]).tolist()
"""),
]
