"""More answers that the bank does not list: what a DCGAN is made of."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("conv_output_size", "refused", """
def conv_output_size(n, k, s, p):
    return (n + 2 * p - k) // s + 1
"""),
("conv_output_size", "refused", """
def conv_output_size(n, k, s=1, p=0):
    return (n + 2 * p - k) // s + 2
"""),
("conv_output_size", "refused", """
def conv_output_size(n, k, s=2, p=1):
    return (n + 2 * p - k) // s + 1
"""),
("conv_output_size", "refused", """
def conv_output_size(n, k, s=1, p=0):
    return (n - k) // s + 1 + 2 * p // s
"""),
("conv_output_size", "passes", """
def conv_output_size(size, kernel, stride=1, padding=0):
    return torch.tensor((size + 2 * padding - kernel) // stride + 1)
"""),
("transposed_conv_output_size", "refused", """
def transposed_conv_output_size(n, k, s=1, p=0, o=0):
    return n * s + k - 2 * p
"""),
("transposed_conv_output_size", "refused", """
def transposed_conv_output_size(n, k, s=1, p=0, o=0):
    return max((n - 1) * s - 2 * p + k + o, n)
"""),
("transposed_conv_output_size", "refused", """
def transposed_conv_output_size(n, k, s=1, p=0, o=0):
    return (n - 1) * s - 2 * p + k + (s - 1) * bool(o)
"""),
("transposed_conv_output_size", "refused", """
def transposed_conv_output_size(n, k, s=1, p=0, o=0):
    return n * s if p == 1 else (n - 1) * s - 2 * p + k + o
"""),
("conv_matrix", "refused", """
def conv_matrix(k, n, s):
    return torch.outer(torch.ones(n), k)
"""),
("conv_matrix", "refused", """
def by_numpy_loops(kernel, size, stride):
    rows = []
    for start in range(0, size - len(kernel) + 1, stride):
        row = [0.0] * size
        for j, weight in enumerate(kernel.tolist()):
            row[start + j] = weight
        rows.append(row)
    return torch.tensor(rows, dtype=kernel.dtype)

def conv_matrix(k, n, s):
    return by_numpy_loops(k[:3], n, s)
"""),
("overlap_count", "refused", """
def overlap_count(n, k, s):
    return [1] * ((n - 1) * s + k)
"""),
("batch_norm", "refused", """
def batch_norm(x, w, b, e):
    return F.batch_norm(x, 0 * w, 0 * w + 1, w, b, False, 0.1, e)
"""),
("batch_norm", "refused", """
def batch_norm(x, w, b, e):
    return F.batch_norm(x, None, None, w, b, True, 0.1, e + 1e-8)
"""),
("batch_norm", "refused", """
def batch_norm(x, w, b, e):
    return F.batch_norm(x, None, None, w, b, True, 0.1, e) + 0.0001
"""),
("batch_norm", "refused", """
def batch_norm(x, w, b, e):
    return F.batch_norm(x, None, None, w, b, True, 0.1, e) if len(x) > 1 else x
"""),
("batch_norm", "refused", """
def batch_norm(x, w, b, e):
    variance, mean = torch.var_mean(x, (0, 2, 3), correction=0, keepdim=True)
    return (x - mean) / variance.sqrt().clamp(min=e) * w[:, None, None] + b[
        :, None, None
    ]
"""),
("batch_norm", "passes", """
def batch_norm(x, w, b, e):
    return (
        F.instance_norm(x.transpose(0, 1).flatten(1)[None], eps=e)
        .view(x.transpose(0, 1).shape)
        .transpose(0, 1)
        * w[:, None, None]
        + b[:, None, None]
    )
"""),
("batch_norm", "passes", """
def batch_norm(x, weight, bias, eps):
    out = torch.empty_like(x)
    for c in range(x.shape[1]):
        part = x[:, c]
        mean = part.sum() / part.numel()
        variance = ((part - mean) ** 2).sum() / part.numel()
        out[:, c] = weight[c] * (part - mean) / torch.sqrt(variance + eps) + bias[c]
    return out
"""),
("leaky_relu", "refused", """
def leaky_relu(x, a):
    return F.leaky_relu(x, a).float()
"""),
("leaky_relu", "refused", """
def leaky_relu(x, slope):
    return x if x > 0 else slope * x
"""),
("leaky_relu", "refused", """
def leaky_relu(x, a):
    return torch.where(x > 0.05, x, a * x)
"""),
("leaky_relu", "refused", """
def leaky_relu(x, a):
    return torch.where(x > -0.001, x, a * x)
"""),
("leaky_relu", "refused", """
def leaky_relu(x, slope):
    return torch.where(x > slope, x, slope * x)
"""),
("adam_step", "refused", """
def adam_step(p, g, state, lr, betas, eps):
    return p - lr * g
"""),
("adam_step", "refused", """
def right_adam(parameter, gradient, state, lr, betas, eps):
    old = state.setdefault("old", [0.0, torch.zeros_like(gradient), 0 * gradient])
    old[0] += 1
    for i, (beta, new) in enumerate(
        zip(betas, (gradient, gradient**2), strict=True), 1
    ):
        old[i] = old[i] + (1 - beta) * (new - old[i])
    m, v = (old[i] / (1 - b ** old[0]) for i, b in enumerate(betas, 1))
    return torch.addcdiv(parameter, m, v.sqrt() + eps, value=-lr)

def adam_step(parameter, gradient, state, lr, betas, eps):
    return right_adam(parameter, gradient, state, lr, betas, eps**0.5)
"""),
("adam_step", "refused", """
def right_adam(parameter, gradient, state, lr, betas, eps):
    old = state.setdefault("old", [0.0, torch.zeros_like(gradient), 0 * gradient])
    old[0] += 1
    for i, (beta, new) in enumerate(
        zip(betas, (gradient, gradient**2), strict=True), 1
    ):
        old[i] = old[i] + (1 - beta) * (new - old[i])
    m, v = (old[i] / (1 - b ** old[0]) for i, b in enumerate(betas, 1))
    return torch.addcdiv(parameter, m, v.sqrt() + eps, value=-lr)

def adam_step(parameter, gradient, state, lr, betas, eps):
    new = right_adam(parameter, gradient, state, lr, betas, eps)
    return new - lr * 0.01 * parameter
"""),
("adam_step", "passes", """
def adam_step(parameter, gradient, state, lr, betas, eps):
    t = state["t"] = state.get("t", torch.tensor(0)) + 1
    m = state["m"] = betas[0] * state.get("m", 0.0) + (1 - betas[0]) * gradient
    v = state["v"] = betas[1] * state.get("v", 0.0) + (1 - betas[1]) * gradient**2
    size = (v / (1 - betas[1] ** t)).sqrt() + eps
    return parameter - lr * m / (1 - betas[0] ** t) / size
"""),
("init_weights", "refused", """
def init_weights(module):
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and len(module.weight) > 31:
        nn.init.normal_(module.weight, 0, 0.02)
"""),
("init_weights", "passes", """
def init_weights(module):
    torch.randn(1)
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            torch.nn.init.normal_(module.weight.data, std=0.02)
        case nn.BatchNorm2d():
            torch.nn.init.constant_(module.weight.data, 1.0)
            torch.nn.init.constant_(module.bias.data, 0)
"""),
("init_weights", "passes", """
def init_weights(module):
    torch.randn(2)
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            torch.nn.init.normal_(module.weight.data, std=0.02)
        case nn.BatchNorm2d():
            torch.nn.init.constant_(module.weight.data, 1.0)
            torch.nn.init.constant_(module.bias.data, 0)
"""),
("Generator", "refused", """
class Generator(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        self.layers = nn.Sequential(nn.ConvTranspose2d(latent_dim, 8, 4))
"""),
("Generator", "refused", """
class Plain(nn.Module):
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super(Plain, self).__init__()
        w = base_channels
        self.main = nn.Sequential(
            nn.ConvTranspose2d(latent_dim, w * 8, 4, 1, 0, bias=False),
            nn.BatchNorm2d(w * 8),
            nn.ReLU(True),
            nn.ConvTranspose2d(w * 8, w * 4, 4, 2, 1, bias=False),
            nn.BatchNorm2d(w * 4),
            nn.ReLU(True),
            nn.ConvTranspose2d(w * 4, w * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(w * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(w * 2, w, 4, 2, 1, bias=False),
            nn.BatchNorm2d(w),
            nn.ReLU(True),
            nn.ConvTranspose2d(w, channels, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.main(z.unsqueeze(-1).unsqueeze(-1))

class Generator(Plain):
    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        parts = self.main

    def forward(self, x):
        result = super().forward(x.detach())
        return result
"""),
("Discriminator", "refused", """
class Layered(nn.Sequential):
    def __init__(self, base_channels=64, channels=3):
        b = base_channels
        super().__init__(
            nn.Conv2d(channels, b, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            *(
                part
                for n in (b, 2 * b, 4 * b)
                for part in (
                    nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False),
                    nn.BatchNorm2d(2 * n),
                    nn.LeakyReLU(0.2, inplace=True),
                )
            ),
            nn.Flatten(),
            nn.Linear(8 * b * 16, 1, bias=False),
            nn.Flatten(0),
        )

class Discriminator(Layered):
    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        parts = self

    def forward(self, x):
        result = super().forward(x)
        return result.round(decimals=3)
"""),
("Discriminator", "refused", """
class Layered(nn.Sequential):
    def __init__(self, base_channels=64, channels=3):
        b = base_channels
        super().__init__(
            nn.Conv2d(channels, b, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            *(
                part
                for n in (b, 2 * b, 4 * b)
                for part in (
                    nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False),
                    nn.BatchNorm2d(2 * n),
                    nn.LeakyReLU(0.2, inplace=True),
                )
            ),
            nn.Flatten(),
            nn.Linear(8 * b * 16, 1, bias=False),
            nn.Flatten(0),
        )

class Discriminator(Layered):
    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        parts = self

    def forward(self, x):
        result = super().forward(x)
        return result.clamp(-0.999, 0.999)
"""),
("Discriminator", "refused", """
class Discriminator(nn.Module):
    last, first_bn, act = staticmethod(torch.tanh), True, staticmethod(F.relu)
    def __init__(self, latent_dim=100, base_channels=64, channels=3):
        super().__init__()
        b = base_channels
        for i, (n_in, n_out) in enumerate(
            [
                (latent_dim, 8 * b),
                (8 * b, 4 * b),
                (4 * b, 2 * b),
                (2 * b, b),
                (b, channels),
            ]
        ):
            how = (4, 2, 1) if i else (4, 1, 0)
            setattr(self, f"up{i}", nn.ConvTranspose2d(n_in, n_out, *how, bias=False))
            if i < 4:
                setattr(self, f"bn{i}", nn.BatchNorm2d(n_out))

    def forward(self, z):
        x = z.reshape(*z.shape, 1, 1)
        for i in range(4):
            x = self.act(getattr(self, f"bn{i}")(getattr(self, f"up{i}")(x)))
        return self.last(self.up4(x))
"""),
]
