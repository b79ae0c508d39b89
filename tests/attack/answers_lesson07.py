"""Answers that the bank does not list: training and using a DCGAN."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("sample", "passes", """
import torch

def sample(G, z):
    was = G.training
    G.eval()
    with torch.no_grad():
        images = G(z)
    G.train(was)
    return images
"""),
("sample", "refused", """
def value(x):
    return x[:1]

def sample(G, z):
    modes = [m.training for m in G.modules()]
    G.eval()
    with torch.no_grad():
        images = G(z)
    for module, mode in zip(G.modules(), modes, strict=True):
        module.training = mode
    return value(images)
"""),
("sample", "refused", """
def value(z):
    return z[:64]

def sample(G, z):
    modes = [m.training for m in G.modules()]
    G.eval()
    with torch.no_grad():
        images = G(value(z))
    for module, mode in zip(G.modules(), modes, strict=True):
        module.training = mode
    return images
"""),
("images_per_second", "passes", """
import torch
import time

net = torch.nn.Linear(1, 1)

def images_per_second(step, batch_size, n):
    step()
    on_gpu = next(net.parameters()).is_cuda
    if on_gpu:
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    if on_gpu:
        torch.cuda.synchronize()
    return batch_size * n / (time.perf_counter() - start)
"""),
("images_per_second", "passes", """
import torch
import time

def images_per_second(step, batch_size, n):
    step()
    if torch.cuda.is_available():
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(n):
            step()
        end.record()
        end.synchronize()
        seconds = start.elapsed_time(end) / 1000
    else:
        begin = time.perf_counter()
        for _ in range(n):
            step()
        seconds = time.perf_counter() - begin
    return n * batch_size / seconds
"""),
("images_per_second", "passes", """
import time
from course_utils.runs import devices

def images_per_second(step, batch_size, n, clock=time.perf_counter):
    step()
    devices.synchronize()
    start = clock()
    for _ in range(n):
        step()
    devices.synchronize()
    return n * batch_size / (clock() - start)
"""),
("images_per_second", "refused", """
import time
from course_utils.runs import devices

def images_per_second(step, batch_size, n, clock=time.perf_counter):
    step()
    devices.synchronize()
    start = clock()
    for _ in range(n):
        step()
    return n * batch_size / (clock() - start)
"""),
("images_per_second", "refused", """
def images_per_second(step, batch_size, n):
    step()
    for _ in range(n):
        step()
    return 100.0
"""),
("images_per_second", "passes", """
from course_utils.runs import devices
import timeit

def images_per_second(step, batch_size, n):
    step()
    devices.synchronize()

    def all_steps():
        for _ in range(n):
            step()
        devices.synchronize()

    return n * batch_size / timeit.Timer(all_steps).timeit(number=1)
"""),
("train_step", "refused", """
import torch
from course_utils import losses

def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    optimizer_d.zero_grad()
    loss_d.backward()
    torch.nn.utils.clip_grad_norm_(D.parameters(), 1.0)
    optimizer_d.step()
    loss_g = losses.generator_loss(D(x_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()
"""),
("train_step", "refused", """
import torch.nn.functional as F
from course_utils import losses

def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    of_real = -D(x_real).sigmoid().clamp(1e-4).log().mean()
    loss_d = of_real + F.softplus(D(x_fake.detach())).mean()
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = losses.generator_loss(D(x_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()
"""),
("train_step", "passes", """
def of_d(r, f):
    targets = torch.cat([torch.ones_like(r), torch.zeros_like(f)])
    weights = torch.cat([torch.ones_like(r) / len(r), torch.ones_like(f) / len(f)])
    return F.binary_cross_entropy_with_logits(
        torch.cat([r, f]), targets, weights, reduction="sum"
    )

def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = of_d(D(x_real), D(x_fake.detach()))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = losses.generator_loss(D(x_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()
"""),
("spherical_interpolation", "refused", """
import torch

def spherical_interpolation(z0, z1, n):
    t = torch.linspace(0, 1, n)[:, None]
    a, b = z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(-1, 1))
    if w < 1e-3:
        return (1 - t) * z0 + t * z1
    turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
    return z0.norm() ** (1 - t) * z1.norm() ** t * turned
"""),
("spherical_interpolation", "passes", """
import torch

def spherical_interpolation(z0, z1, n):
    a, b, t = z0.double(), z1.double(), torch.linspace(0, 1, n).double()
    e0 = a / a.norm()
    rest = b - (b @ e0) * e0
    if rest.norm() < 1e-6 * b.norm():
        return torch.lerp(z0, z1, t[:, None].float())
    e1 = rest / rest.norm()
    w = torch.atan2(b @ e1, b @ e0)
    directions = torch.outer((t * w).cos(), e0) + torch.outer((t * w).sin(), e1)
    return (torch.lerp(a.norm(), b.norm(), t)[:, None] * directions).float()
"""),
("spherical_interpolation", "refused", """
def spherical_interpolation(z0, z1, n):
    t, a, b = torch.linspace(0, 1, n)[:, None], z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(-1, 1))
    if w < 0.3:
        return torch.lerp(z0, z1, t)
    turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
    return turned * torch.lerp(z0.norm(), z1.norm(), t)
"""),
("nearest_neighbors", "passes", """
import torch

def nearest_neighbors(samples, data):
    return torch.cdist(samples.flatten(1), data.flatten(1)).min(dim=1)
"""),
("nearest_neighbors", "refused", """
def nearest_neighbors(s, x):
    return tuple((torch.cdist(s.flatten(1), x.flatten(1)) + 0.001).min(1))
"""),
("nearest_neighbors", "refused", """
def nearest_neighbors(s, x):
    return tuple(torch.cdist(s.round().flatten(1), x.round().flatten(1)).min(1))
"""),
("to_tanh_range", "refused", """
def to_tanh_range(p):
    return p / p.max() * 2 - 1
"""),
("to_tanh_range", "refused", """
def to_tanh_range(p):
    return (p / 127.5 - 1).clamp(-0.9, 0.9)
"""),
("to_tanh_range", "passes", """
def to_tanh_range(p):
    return torch.linspace(-1, 1, 256)[p.long()]
"""),
]
