"""Answers that the bank does not list: the minimax loss and its slopes."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("minimax_generator_loss", "passes", """
def minimax_generator_loss(fake_probability):
    return -F.softplus(torch.logit(fake_probability)).mean()
"""),
("minimax_generator_loss", "refused", """
def minimax_generator_loss(fake_probability):
    return F.binary_cross_entropy(fake_probability, 0)
"""),
("minimax_generator_loss", "at the edge", """
def minimax_generator_loss(fake_probability):
    return torch.log(1 - fake_probability + 1e-8).mean()
"""),
("minimax_generator_loss", "refused", """
def minimax_generator_loss(fake_probability):
    return torch.log(1 - fake_probability).median()
"""),
("slope_in_probability", "passes", """
def slope_in_probability(probability):
    return torch.autograd.functional.jacobian(
        lambda p: torch.log(1 - p).sum(), probability
    )
"""),
("slope_in_probability", "refused", """
def slope_in_probability(probability):
    h = 1e-4
    return (torch.log(1 - probability - h) - torch.log(1 - probability)) / h
"""),
("slope_in_probability", "refused", """
def slope_in_probability(probability):
    return -1 / (1 - probability).clamp(min=1e-3)
"""),
("slope_in_logit", "at the edge", """
def slope_in_logit(logit):
    return 1 - torch.sigmoid(-logit) - 2 * torch.sigmoid(logit)
"""),
("slope_in_logit", "refused", """
def slope_in_logit(logit):
    return (
        -torch.sigmoid(logit)
        * (1 - torch.sigmoid(logit))
        / (1 - torch.sigmoid(logit) + 1e-7)
    )
"""),
("slope_in_logit", "passes", """
def slope_in_logit(x):
    return -torch.exp(x - torch.logaddexp(x, torch.zeros_like(x)))
"""),
("pretrain_discriminator", "passes", """
def pretrain_discriminator(G, D, optimizer_d, sample_real, sample_latent, steps):
    for i in range(steps):
        optimizer_d.zero_grad()
        logits = D(sample_real())
        loss_real = F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
        logits = D(G(sample_latent()).detach())
        loss_fake = F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))
        (loss_real + loss_fake).backward()
        optimizer_d.step()
    return D
"""),
("pretrain_discriminator", "refused", """
def pretrain_discriminator(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        training.discriminator_step(G, D, optimizer_d, sample_real, sample_latent)
"""),
("pretrain_discriminator", "refused", """
def pretrain_discriminator(G, D, optimizer_d, sample_real, sample_latent, steps):
    batches = [(sample_real(), sample_latent()) for _ in range(steps)]
    for _ in range(steps):
        training.discriminator_step(G, D, optimizer_d, *batches[-1])
"""),
("generator_gradient_norm", "passes", """
def generator_gradient_norm(G, D, z, loss):
    G.zero_grad()
    loss(torch.sigmoid(D(G(z)))).backward()
    norm = torch.cat([p.grad.flatten() for p in G.parameters()]).norm().item()
    G.zero_grad(set_to_none=False)
    return norm
"""),
("generator_gradient_norm", "refused", """
def generator_gradient_norm(G, D, z, loss):
    grads = torch.autograd.grad(loss(torch.sigmoid(D(G(z)))), list(G.parameters()))
    return torch.cat([g.flatten() for g in grads]).norm().item() / len(z)
"""),
("generator_gradient_norm", "refused", """
def generator_gradient_norm(G, D, z, loss):
    loss(torch.sigmoid(D(G(z)))).backward()
"""),
("js_of_shifted_uniforms", "passes", """
def js_of_shifted_uniforms(shift):
    x = torch.linspace(-4, 5, 90001)
    p = ((x >= 0) & (x < 1)).float()
    q = ((x >= shift) & (x < shift + 1)).float()
    m = (p + q) / 2
    kl = lambda a: torch.where(a > 0, a * torch.log(a / m), 0).sum() * 1e-4
    return (kl(p) + kl(q)) / 2
"""),
("js_of_shifted_uniforms", "refused", """
def js_of_shifted_uniforms(shift):
    return math.log(1 + abs(shift)) if abs(shift) < 1 else math.log(2)
"""),
("js_of_shifted_uniforms", "refused", """
def js_of_shifted_uniforms(s):
    return s / 2 * math.log(4)
"""),
]
