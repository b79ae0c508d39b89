"""Answers to the exercises of lesson 7 that stand in no list of the bank.

Each: the exercise, "passes", "refused" or the mistake that is named, the source.
"""

ANSWERS = [
    (
        "sample",
        "passes",
        """
import torch
def sample(G, z):
    was = G.training
    G.eval()
    with torch.no_grad():
        images = G(z)
    G.train(was)
    return images
""",
    ),
    (
        "sample",
        "refused",
        """
import torch
def sample(G, z):
    was = G.training
    G.eval()
    with torch.no_grad():
        images = G(z)
    G.training = was
    return images
""",
    ),
    (
        "sample",
        "passes",
        """
import torch
def sample(G, z):
    training_now = {name for name, module in G.named_modules() if module.training}
    G.eval()
    with torch.inference_mode(False), torch.no_grad():
        images = G(z)
    for name, module in G.named_modules():
        module.training = name in training_now
    return images
""",
    ),
    (
        "images_per_second",
        "passes",
        """
import torch
import time
device = torch.device("cpu")
def images_per_second(step, batch_size, n):
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return batch_size * n / (time.perf_counter() - start)
""",
    ),
    (
        "images_per_second",
        "passes",
        """
import torch
import time
device = "cuda" if torch.cuda.is_available() else "cpu"
def wait():
    if device == "cuda":
        torch.cuda.synchronize()
def images_per_second(step, batch_size, n):
    step()
    wait()
    start = time.time()
    for _ in range(n):
        step()
    wait()
    return batch_size * n / (time.time() - start)
""",
    ),
    (
        "images_per_second",
        "the end is not awaited",
        """
import torch
import time
device = torch.device("cpu")
def images_per_second(step, batch_size, n):
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    return batch_size * n / (time.perf_counter() - start)
""",
    ),
    (
        "images_per_second",
        "passes",
        """
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
""",
    ),
    (
        "images_per_second",
        "passes",
        """
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
""",
    ),
    (
        "images_per_second",
        "passes",
        """
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
""",
    ),
    (
        "images_per_second",
        "refused",
        """
import time
from course_utils.runs import devices
def images_per_second(step, batch_size, n, clock=time.perf_counter):
    step()
    devices.synchronize()
    start = clock()
    for _ in range(n):
        step()
    return n * batch_size / (clock() - start)
""",
    ),
    (
        "images_per_second",
        "refused",
        """

def images_per_second(step, batch_size, n):
    step()
    for _ in range(n):
        step()
    return 100.0
""",
    ),
    (
        "images_per_second",
        "passes",
        """
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
""",
    ),
    (
        "images_per_second",
        "nobody waits for the GPU",
        """
import time
from course_utils.runs import devices
def images_per_second(step, batch_size, n):
    step()
    devices.synchronize
    start = time.perf_counter()
    for _ in range(n):
        step()
    devices.synchronize
    return n * batch_size / (time.perf_counter() - start)
""",
    ),
    (
        "images_per_second",
        "the end is awaited too late",
        """
import time
from course_utils.runs import devices
def images_per_second(step, batch_size, n):
    step()
    devices.synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    stop = time.perf_counter()
    devices.synchronize()
    return n * batch_size / (stop - start)
""",
    ),
    (
        "train_step",
        "no backward",
        """
from course_utils import losses
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    optimizer_d.zero_grad()
    optimizer_d.step()
    loss_g = losses.generator_loss(D(x_fake))
    optimizer_g.zero_grad()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()
""",
    ),
    (
        "train_step",
        "cleared before the step",
        """
from course_utils import losses
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    loss_d.backward()
    optimizer_d.zero_grad()
    optimizer_d.step()
    loss_g = losses.generator_loss(D(x_fake))
    loss_g.backward()
    optimizer_g.zero_grad()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()
""",
    ),
    (
        "train_step",
        "minimax loss for G",
        """
from course_utils import losses
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    optimizer_d.zero_grad()
    loss_d = losses.discriminator_loss(D(x_real), D(G(z).detach()))
    loss_d.backward()
    optimizer_d.step()
    optimizer_g.zero_grad()
    loss_g = -losses.discriminator_loss(D(x_real), D(G(z)))
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()
""",
    ),
    (
        "train_step",
        "refused",
        """
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
""",
    ),
    (
        "train_step",
        "refused",
        """
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
""",
    ),
    (
        "train_step",
        "passes",
        """
from course_utils import losses
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    loss_g = None
    def closure():
        optimizer_d.zero_grad()
        loss_d.backward()
        return loss_d
    optimizer_d.step(closure)
    loss_g = losses.generator_loss(D(x_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()
""",
    ),
    (
        "train_step",
        "passes",
        """
import torch
import torch.nn.functional as F
def train_step(G, D, optimizer_g, optimizer_d, x_real, z):
    optimizer_d.zero_grad()
    of_real = F.softplus(-D(x_real)).mean()
    of_real.backward()
    x_fake = G(z)
    of_fake = F.softplus(D(x_fake.detach())).mean()
    of_fake.backward()
    optimizer_d.step()
    optimizer_g.zero_grad()
    fake = D(x_fake)
    loss_g = F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
    loss_g.backward()
    optimizer_g.step()
    return (of_real + of_fake).detach(), loss_g.detach()
""",
    ),
    (
        "spherical_interpolation",
        "refused",
        """
import torch
def spherical_interpolation(z0, z1, n):
    t = torch.linspace(0, 1, n)[:, None]
    a, b = z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(-1, 1))
    if w < 1e-3:
        return (1 - t) * z0 + t * z1
    turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
    return z0.norm() ** (1 - t) * z1.norm() ** t * turned
""",
    ),
    (
        "spherical_interpolation",
        "passes",
        """
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
""",
    ),
    (
        "nearest_neighbors",
        "along the last axis",
        """
import torch
def nearest_neighbors(samples, data):
    d = torch.cdist(samples, data)
    return d.min(dim=1).values, d.min(dim=1).indices
""",
    ),
    (
        "nearest_neighbors",
        "angles",
        """
import torch.nn.functional as F
def nearest_neighbors(samples, data):
    s = F.normalize(samples.flatten(1))
    x = F.normalize(data.flatten(1))
    best = (s @ x.T).max(dim=1)
    return best.values, best.indices
""",
    ),
    (
        "nearest_neighbors",
        "passes",
        """
import torch
def nearest_neighbors(samples, data):
    return torch.cdist(samples.flatten(1), data.flatten(1)).min(dim=1)
""",
    ),
]
