"""More answers that the bank does not list: the minimax loss and its slopes."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("minimax_generator_loss", "refused", """
def minimax_generator_loss(p):
    return ((1 - p) ** 2).mean()
"""),
("minimax_generator_loss", "refused", """
def minimax_generator_loss(p):
    return torch.log(1 - p).min()
"""),
("minimax_generator_loss", "refused", """
def minimax_generator_loss(p):
    return torch.log(1 - p.double()).mean()
"""),
("minimax_generator_loss", "refused", """
def minimax_generator_loss(p):
    return -nn.BCELoss()(p, torch.zeros(len(p)))
"""),
("minimax_generator_loss", "refused", """
def minimax_generator_loss(p):
    return torch.log(1 - p.clamp(min=1e-6)).mean()
"""),
("minimax_generator_loss", "passes", """
def minimax_generator_loss(p):
    return -torch.log(1 / (1 - p)).mean()
"""),
("minimax_generator_loss", "passes", """
def minimax_generator_loss(p):
    return F.logsigmoid(-torch.logit(p)).mean()
"""),
("slope_in_probability", "refused", """
def slope_in_probability(p):
    return -1 / (1 + p)
"""),
("slope_in_probability", "refused", """
def slope_in_probability(p):
    return 1 / (p * (1 - p))
"""),
("slope_in_probability", "refused", """
def slope_in_probability(p):
    return (-1 / (1 - p)).clamp(min=-20)
"""),
("slope_in_probability", "refused", """
def slope_in_probability(p):
    return torch.round(-1 / (1 - p), decimals=4)
"""),
("slope_in_probability", "refused", """
def slope_in_probability(x):
    return (-1 / (1 - x.flatten().sort().values)).reshape(x.shape)
"""),
("slope_in_logit", "refused", """
def slope_in_logit(x):
    return -torch.tanh(x)
"""),
("slope_in_logit", "refused", """
def slope_in_logit(x):
    return torch.zeros_like(x)
"""),
("slope_in_logit", "refused", """
def slope_in_logit(x):
    return -torch.sigmoid(2 * x)
"""),
("slope_in_logit", "refused", """
def slope_in_logit(x):
    return (F.softplus(x) - F.softplus(x + 0.01)) / 0.01
"""),
("slope_in_logit", "refused", """
def slope_in_logit(x):
    return (1 / (1 + torch.exp(x.double())) - 1).float()
"""),
("slope_in_logit", "passes", """
def slope_in_logit(x):
    return torch.expm1(-F.softplus(x))
"""),
("slope_in_logit", "passes", """
def slope_in_logit(x):
    return -torch.exp(-F.softplus(-x))
"""),
("pretrain_discriminator", "refused", """
def pretrain_discriminator(G, D, optimizer_d, sample_real, sample_latent, steps):
    torch.manual_seed(5)
    training.pretrain_discriminator(
        G, D, optimizer_d, sample_real, sample_latent, steps
    )
"""),
("pretrain_discriminator", "refused", """
def pretrain_discriminator(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        x_real, x_fake = sample_real(), G(sample_latent()).detach()
        loss = losses.discriminator_loss(D(x_real), D(x_fake))
        acts = {
            "z": optimizer_d.zero_grad,
            "b": loss.backward,
            "s": optimizer_d.step,
            "c": lambda: nn.utils.clip_grad_norm_(D.parameters(), 1.0),
        }
        for act in "zbcs":
            acts[act]()
    for act in "":
        acts[act]()
"""),
("pretrain_discriminator", "passes", """
def pretrain_discriminator(G, D, optimizer_d, sample_real, sample_latent, steps):
    bce, step = nn.BCELoss(), 0
    while step < steps:
        real = torch.sigmoid(D(sample_real()))
        with torch.no_grad():
            x_fake = G(sample_latent())
        fake = torch.sigmoid(D(x_fake))
        optimizer_d.zero_grad(set_to_none=False)
        loss = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
        loss.backward()
        optimizer_d.step()
        step += 1
"""),
("pretrain_discriminator", "passes", """
def pretrain_discriminator(G, D, optimizer_d, sample_real, sample_latent, steps):
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
        pretrain_discriminator(G, D, optimizer_d, *rest)
"""),
("generator_gradient_norm", "refused", """
def generator_gradient_norm(G, D, z, loss):
    value = loss(torch.sigmoid(D(G(z))))
    gradients = torch.autograd.grad(value, list(G.parameters()))
    return float(torch.cat([g.double().flatten() for g in gradients]).norm() + 1e-8)
"""),
("generator_gradient_norm", "refused", """
def generator_gradient_norm(G, D, z, loss):
    value = loss(torch.sigmoid(D(G(z)))[:, None])
    gradients = torch.autograd.grad(value, list(G.parameters()))
    return float(torch.cat([g.double().flatten() for g in gradients]).norm())
"""),
("generator_gradient_norm", "refused", """
def generator_gradient_norm(G, D, z, loss):
    value = loss(torch.sigmoid(D(G(z))))
    gradients = torch.autograd.grad(value, list(G.parameters()))
    return float(
        torch.cat([g.double().flatten() for g in gradients]).norm().clamp(max=1)
    )
"""),
("generator_gradient_norm", "refused", """
def generator_gradient_norm(G, D, z, loss):
    def one(row):
        value = loss(torch.sigmoid(D(G(row[None]))))
        gradients = torch.autograd.grad(value, list(G.parameters()))
        return torch.cat([g.flatten() for g in gradients]).norm()

    return torch.stack([one(row) for row in z]).mean().item()
"""),
("generator_gradient_norm", "passes", """
def generator_gradient_norm(G, D, z, loss):
    x = G(z)
    y = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss(torch.sigmoid(D(y))), y)
    gradients = torch.autograd.grad(x, list(G.parameters()), slope)
    vector = nn.utils.parameters_to_vector(gradients)
    largest = vector.abs().max()
    return largest * (vector / largest).norm()
"""),
("js_of_shifted_uniforms", "refused", """
def js_of_shifted_uniforms(s):
    return s.abs().clamp(max=1)
"""),
("js_of_shifted_uniforms", "refused", """
def js_of_shifted_uniforms(s):
    return min(math.log(2) * abs(s), 1)
"""),
("js_of_shifted_uniforms", "refused", """
def js_of_shifted_uniforms(s):
    return math.log(2) * min(abs(s) / 2, 1)
"""),
("js_of_shifted_uniforms", "refused", """
def js_of_shifted_uniforms(s):
    return math.log(2) * (1 - math.exp(-abs(s)))
"""),
("js_of_shifted_uniforms", "passes", """
def js_of_shifted_uniforms(s):
    return np.log(2) * np.clip(abs(s), 0, 1)
"""),
("js_of_shifted_uniforms", "passes", """
def js_of_shifted_uniforms(s):
    return (1 - max(1 - abs(s), 0)) * math.log(2)
"""),
]
