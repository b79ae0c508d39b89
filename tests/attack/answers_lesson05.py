"""Answers that the bank does not list: losses on logits."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("largest_safe_exponent", "passes", """
def largest_safe_exponent(dtype):
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        fits = middle < 709.7 and math.exp(middle) <= torch.finfo(dtype).max
        low, high = (middle, high) if fits else (low, middle)
    return low if dtype != torch.float64 else math.log(torch.finfo(dtype).max)
"""),
("largest_safe_exponent", "refused", """
def largest_safe_exponent(dtype):
    return math.log(torch.finfo(dtype).max) / 2
"""),
("largest_safe_exponent", "refused", """
def largest_safe_exponent(t):
    return torch.finfo(t).resolution
"""),
("neg_log_sigmoid", "passes", """
def neg_log_sigmoid(logits):
    return -torch.distributions.Bernoulli(logits=logits).log_prob(
        torch.ones_like(logits)
    )
"""),
("neg_log_sigmoid", "refused", """
def neg_log_sigmoid(logits):
    cost = torch.nn.functional.softplus(-logits)
    return torch.where(logits > 50, torch.zeros_like(logits), cost)
"""),
("neg_log_sigmoid", "at the edge", """
def neg_log_sigmoid(logits):
    return -torch.log(torch.sigmoid(logits) + torch.finfo(logits.dtype).tiny)
"""),
("neg_log_one_minus_sigmoid", "passes", """
def neg_log_one_minus_sigmoid(logits):
    return -torch.nn.functional.logsigmoid(-logits.double()).to(logits.dtype)
"""),
("neg_log_one_minus_sigmoid", "refused", """
def neg_log_one_minus_sigmoid(x):
    return F.relu(x) + torch.log1p(torch.exp(-x.abs())) / 2
"""),
("neg_log_one_minus_sigmoid", "refused", """
def neg_log_one_minus_sigmoid(x):
    return F.softplus(1 - x)
"""),
("log_softmax", "passes", """
def log_softmax(logits):
    m, _ = logits.max(dim=1, keepdim=True)
    return logits - (m + torch.log(torch.exp(logits - m).sum(dim=1, keepdim=True)))
"""),
("log_softmax", "refused", """
def log_softmax(logits):
    shifted = logits - logits.amax(dim=-1, keepdim=True)
    return shifted - torch.log(torch.exp(shifted).sum(-1, keepdim=True) + 1e-5)
"""),
("log_softmax", "over the rows", """
def log_softmax(x):
    return x - x.exp().sum().log()
"""),
("discriminator_loss", "refused", """
def discriminator_loss(real_logits, fake_logits):
    n = min(len(real_logits), len(fake_logits))
    real, fake = neg_log_sigmoid(real_logits), neg_log_one_minus_sigmoid(fake_logits)
    return (real[:n] + fake[:n]).mean()
"""),
("discriminator_loss", "refused", """
def discriminator_loss(r, f):
    return F.softplus(-r).mean() + F.softplus(f).sum()
"""),
("discriminator_loss", "passes", """
def discriminator_loss(r, f):
    logits, target = (
        torch.cat([r, f]),
        torch.cat([torch.ones_like(r), torch.zeros_like(f)]),
    )
    weight = torch.cat([torch.ones_like(r) / len(r), torch.ones_like(f) / len(f)])
    return F.binary_cross_entropy_with_logits(
        logits, target, weight=weight, reduction="sum"
    )
"""),
("generator_loss", "passes", """
def generator_loss(fake_logits):
    two = torch.stack([torch.zeros_like(fake_logits), fake_logits], dim=1)
    labels = torch.ones(len(fake_logits), dtype=torch.long)
    return torch.nn.functional.cross_entropy(two, labels)
"""),
("generator_loss", "refused", """
def generator_loss(s):
    return F.softplus(-s[0])
"""),
("generator_loss", "refused", """
def generator_loss(s):
    return F.relu(1 - s).mean()
"""),
("bce_with_logits", "soft targets hardened", """
def bce_with_logits(x, t):
    return F.soft_margin_loss(x, 2 * t - 1)
"""),
("bce_with_logits", "refused", """
def bce_with_logits(x, t):
    return F.relu(1 - (2 * t - 1) * x).mean()
"""),
("bce_with_logits", "passes", """
def bce_with_logits(x, t):
    return F.binary_cross_entropy_with_logits(x, t, reduction="sum") / len(x)
"""),
("minimax_generator_loss_from_logits", "refused", """
def minimax_generator_loss_from_logits(s):
    return -F.softplus(s).sum() / 64
"""),
("minimax_generator_loss_from_logits", "refused", """
def minimax_generator_loss_from_logits(s):
    return -F.softplus(s, threshold=8).mean()
"""),
("minimax_generator_loss_from_logits", "passes", """
def minimax_generator_loss_from_logits(s):
    return torch.log_softmax(torch.stack([torch.zeros_like(s), s], dim=1), dim=1)[
        :, 0
    ].mean()
"""),
]
