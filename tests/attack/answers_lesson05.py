"""Answers to lesson 5 that the bank does not list: (exercise, outcome, source)."""

WALL, ONE = "largest_safe_exponent", "neg_log_sigmoid"
ZERO = "neg_log_one_minus_sigmoid"
SOFTMAX, BCE, D = "log_softmax", "bce_with_logits", "discriminator_loss"
G, MINIMAX = "generator_loss", "minimax_generator_loss_from_logits"

ANSWERS = [
    (WALL, "passes", '''
def largest_safe_exponent(dtype):
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        fits = middle < 709.7 and math.exp(middle) <= torch.finfo(dtype).max
        low, high = (middle, high) if fits else (low, middle)
    return low if dtype != torch.float64 else math.log(torch.finfo(dtype).max)
'''),
    (WALL, "rounded", '''
def largest_safe_exponent(dtype):
    x = 0.0
    while torch.isfinite(torch.exp(torch.tensor(x + 1, dtype=dtype))):
        x += 1
    return x
'''),
    (WALL, "refused", '''
def largest_safe_exponent(dtype):
    return math.log(torch.finfo(dtype).max) / 2
'''),
    (ONE, "passes", '''
def neg_log_sigmoid(logits):
    out, right = torch.empty_like(logits), logits > 0
    out[right] = torch.log1p(torch.exp(-logits[right]))
    out[~right] = torch.log1p(torch.exp(logits[~right])) - logits[~right]
    return out
'''),
    (ONE, "passes", '''
def neg_log_sigmoid(logits):
    return -torch.distributions.Bernoulli(logits=logits).log_prob(
        torch.ones_like(logits))
'''),
    (ONE, "passes", '''
def neg_log_sigmoid(logits):
    one = torch.nn.functional.logsigmoid
    return -torch.stack([one(l) for l in logits.flatten()]).view(logits.shape)
'''),
    (ONE, "slope 0 at 0", '''
def neg_log_sigmoid(logits):
    return torch.relu(-logits) + torch.log(1 + torch.exp(-torch.abs(logits)))
'''),
    (ONE, "slope of clamp at 0", '''
def neg_log_sigmoid(logits):
    return torch.clamp(-logits, 0) + torch.log1p(torch.exp(-torch.abs(logits)))
'''),
    (ONE, "log of sigmoid", '''
def neg_log_sigmoid(logits):
    probability = 1 / (1 + math.e ** -logits)
    return -probability.log()
'''),
    (ONE, "plain where", '''
def neg_log_sigmoid(logits):
    safe = torch.log(1 + torch.exp(-logits))
    return torch.where(logits > -80, safe, -logits)
'''),
    (ONE, "clamped logits", '''
def neg_log_sigmoid(logits):
    return torch.log1p(torch.exp(-torch.clamp(logits, min=-80)))
'''),
    (ONE, "refused", '''
def neg_log_sigmoid(logits):
    cost = torch.nn.functional.softplus(-logits)
    return torch.where(logits > 50, torch.zeros_like(logits), cost)
'''),
    (ONE, "at the edge", '''
def neg_log_sigmoid(logits):
    return -torch.log(torch.sigmoid(logits) + torch.finfo(logits.dtype).tiny)
'''),
    (ZERO, "passes", '''
def neg_log_one_minus_sigmoid(logits):
    return -torch.nn.functional.logsigmoid(-logits.double()).to(logits.dtype)
'''),
    (ZERO, "digits cancelled", '''
def neg_log_one_minus_sigmoid(logits):
    return logits + neg_log_sigmoid(logits)
'''),
    (ZERO, "digits cancelled", '''
def neg_log_one_minus_sigmoid(logits):
    return torch.nn.functional.binary_cross_entropy_with_logits(
        logits, torch.zeros_like(logits), reduction="none")
'''),
    (ZERO, "log of sigmoid", '''
def neg_log_one_minus_sigmoid(logits):
    D = torch.sigmoid(logits)
    return -torch.log(1 - D)
'''),
    (ZERO, "BCELoss of sigmoid", '''
def neg_log_one_minus_sigmoid(logits):
    D = torch.sigmoid(logits)
    return torch.nn.functional.binary_cross_entropy(
        D, torch.zeros_like(D), reduction="none")
'''),
    (SOFTMAX, "passes", '''
def log_softmax(logits):
    return (logits.T - torch.logsumexp(logits, 1)).T
'''),
    (SOFTMAX, "passes", '''
def log_softmax(logits):
    m, _ = logits.max(dim=1, keepdim=True)
    return logits - (m + torch.log(torch.exp(logits - m).sum(dim=1, keepdim=True)))
'''),
    (SOFTMAX, "shift not put back", '''
def log_softmax(logits):
    m = logits.max(dim=1, keepdim=True).values
    return logits - torch.log(torch.exp(logits - m).sum(dim=1, keepdim=True))
'''),
    (SOFTMAX, "cut down to float32", '''
def log_softmax(logits):
    return torch.log_softmax(logits.float(), dim=-1)
'''),
    (SOFTMAX, "refused", '''
def log_softmax(logits):
    shifted = logits - logits.amax(dim=-1, keepdim=True)
    return shifted - torch.log(torch.exp(shifted).sum(-1, keepdim=True) + 1e-5)
'''),
    (BCE, "passes", '''
def bce_with_logits(logits, target):
    costs = torch.stack([neg_log_one_minus_sigmoid(logits), neg_log_sigmoid(logits)])
    return torch.lerp(costs[0], costs[1], target).mean()
'''),
    (BCE, "passes", '''
def bce_with_logits(logits, target):
    total = 0
    for l, t in zip(logits, target):
        total = total + t * neg_log_sigmoid(l)
        total = total + (1 - t) * neg_log_one_minus_sigmoid(l)
    return total / len(logits)
'''),
    (BCE, "a mean for each target", '''
def bce_with_logits(logits, target):
    real = neg_log_sigmoid(logits[target == 1]).mean()
    fake = neg_log_one_minus_sigmoid(logits[target == 0]).mean()
    return real + fake
'''),
    (BCE, "log of sigmoid", '''
def bce_with_logits(logits, target):
    D = torch.sigmoid(logits)
    return -(target * torch.log(D) + (1 - target) * torch.log(1 - D)).mean()
'''),
    (BCE, "double sigmoid", '''
def bce_with_logits(logits, target):
    return torch.nn.functional.binary_cross_entropy_with_logits(
        torch.sigmoid(logits), target)
'''),
    (D, "passes", '''
def discriminator_loss(real_logits, fake_logits):
    return (bce_with_logits(real_logits, torch.ones_like(real_logits))
            + bce_with_logits(fake_logits, torch.zeros_like(fake_logits)))
'''),
    (D, "added before the mean", '''
def discriminator_loss(real_logits, fake_logits):
    costs = neg_log_sigmoid(real_logits) + neg_log_one_minus_sigmoid(fake_logits)
    return torch.mean(costs)
'''),
    (D, "one mean over both", '''
def discriminator_loss(real_logits, fake_logits):
    logits = torch.cat([real_logits, fake_logits])
    target = torch.cat([torch.ones_like(real_logits), torch.zeros_like(fake_logits)])
    return 2 * bce_with_logits(logits, target)
'''),
    (D, "BCELoss of sigmoid", '''
def discriminator_loss(real_logits, fake_logits):
    bce = torch.nn.BCELoss()
    real, fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
'''),
    (D, "one term unmended", '''
def discriminator_loss(real_logits, fake_logits):
    of_real = -torch.nn.functional.logsigmoid(real_logits).mean()
    return of_real - torch.log(1 - torch.sigmoid(fake_logits)).mean()
'''),
    (D, "refused", '''
def discriminator_loss(real_logits, fake_logits):
    n = min(len(real_logits), len(fake_logits))
    real, fake = neg_log_sigmoid(real_logits), neg_log_one_minus_sigmoid(fake_logits)
    return (real[:n] + fake[:n]).mean()
'''),
    (G, "passes", '''
def generator_loss(fake_logits):
    two = torch.stack([torch.zeros_like(fake_logits), fake_logits], dim=1)
    labels = torch.ones(len(fake_logits), dtype=torch.long)
    return torch.nn.functional.cross_entropy(two, labels)
'''),
    (G, "fake label", '''
def generator_loss(fake_logits):
    return bce_with_logits(fake_logits, torch.zeros_like(fake_logits))
'''),
    (G, "log of sigmoid", '''
def generator_loss(fake_logits):
    return nonsaturating(torch.sigmoid(fake_logits))

def nonsaturating(probability):
    return -torch.log(probability).mean()
'''),
    (MINIMAX, "passes", '''
def minimax_generator_loss_from_logits(fake_logits):
    return -(generator_loss(-fake_logits))
'''),
    (MINIMAX, "sign turned", '''
def minimax_generator_loss_from_logits(fake_logits):
    return bce_with_logits(fake_logits, torch.zeros_like(fake_logits))
'''),
    (MINIMAX, "log of sigmoid", '''
def minimax_generator_loss_from_logits(fake_logits):
    return torch.log1p(-torch.sigmoid(fake_logits)).mean()
'''),
]  # fmt: skip
