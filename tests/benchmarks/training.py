"""How long training takes: ``vh.fit`` beside the peers and beside the matrix products that no program can do without.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install -r tests/benchmarks/requirements.txt
    /tmp/peers/bin/python tests/benchmarks/training.py [--rounds 7] [--threads 1] [--target 152] [--plot training.png]

All train the note's network (784–512–2–512–784, Bernoulli pixels) in batches of 50 by Adam with rate 0.001:

- *vh.fit*: the course's loop;
- *item by item*: a loop as in PyTorch's VAE example, with a ``DataLoader`` that turns each image into a tensor by
  itself (what torchvision's ``MNIST`` with ``ToTensor`` does for one item is written out here);
- *pythae*: its trainer with its default network, which is this one (Chadebec et al. 2022, arXiv:2206.08309);
- *Pyro*: its SVI with ``Trace_ELBO`` as in its VAE tutorial, but on batches cut from memory as ours are; and *Pyro,
  item by item*: with the tutorial's loader, which is that of the loop above;
- *products*: the fourteen matrix products of a step and nothing else; *products, Adam*: Adam's update as well.

First part: they take turns, one epoch of 10,000 images each, in random order, so that whatever else the machine does
hits all alike; a ratio is that of one turn, printed with its median and range. Set-up and a first epoch are not
counted. Second part, a race on all training images: after each epoch −ELBO of the 10,000 test images (one z an image,
the same measure for all; the clock stands still) until it is at most the target. The last in the race is the faster
recipe of notebook 04. About a quarter of an hour on one core. This is a benchmark, not a test: it says which targets
were met.
"""

import argparse
import contextlib
import functools
import logging
import os
import random
import statistics
import tempfile
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import patheffects
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import vae_helpers as vh

BATCH, RATE = 50, 1e-3
NOTE = {"batch_size": BATCH, "lr": RATE}
FAST = {"batch_size": 200, "lr": 2e-2, "schedule": "one_cycle"}
FAST_EPOCHS = 7


# Each rival: train(images, epochs, on_epoch); it calls on_epoch(encode, decode) after every epoch.


def ours(recipe):
    def train(images, epochs, on_epoch):
        model = vh.VAE()
        vh.fit(model, images, epochs, on_epoch=lambda _: on_epoch(model.encode, model.decode), progress=False, **recipe)

    return train


class Items(Dataset):
    """One image at a time, array → PIL image → float tensor (1, 28, 28), with a label, as torchvision gives them."""

    def __init__(self, images):
        self.images = torch.as_tensor(np.array(images))
        self.labels = torch.zeros(len(images), dtype=torch.int64)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        picture = Image.fromarray(self.images[index].numpy())
        pixels = torch.from_numpy(np.array(picture, copy=True)).view(28, 28, 1).permute(2, 0, 1).contiguous()
        return pixels.to(torch.float32).div(255), int(self.labels[index])


def item_by_item(images, epochs, on_epoch):
    model = vh.VAE()
    loader = DataLoader(Items(images), batch_size=BATCH, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(epochs):
        total = 0
        for x, _ in loader:
            x = x.view(-1, 784)
            optimizer.zero_grad()
            logits, mu, log_var = model(x)
            reconstruction = F.binary_cross_entropy(torch.sigmoid(logits), x, reduction="sum")
            loss = reconstruction - 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
            loss.backward()
            total += loss.item()
            optimizer.step()
        on_epoch(model.encode, model.decode)


def pythae(images, epochs, on_epoch):
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    model = VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=2, reconstruction_loss="bce"))
    logits_of = torch.nn.Sequential(model.decoder.layers[0], model.decoder.layers[1][0])  # without the last sigmoid

    class AfterEpoch(TrainingCallback):
        def on_epoch_end(self, training_config, **_):
            on_epoch(lambda x: tuple(model.encoder(x)[key] for key in ("embedding", "log_covariance")), logits_of)

    x = vh.as_pixels(images).view(-1, 1, 28, 28)
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        recipe = BaseTrainerConfig(
            output_dir=folder, num_epochs=epochs, per_device_train_batch_size=BATCH, learning_rate=RATE, no_cuda=True
        )
        with contextlib.redirect_stderr(nowhere), contextlib.redirect_stdout(nowhere):  # its progress bar
            data = BaseDataset(x, torch.zeros(len(x)))
            BaseTrainer(model, data, training_config=recipe, callbacks=[AfterEpoch()]).train()


def in_memory(images):
    """A loader for Pyro: an epoch of batches, cut from memory in a new order."""
    images = torch.as_tensor(np.array(images))
    while True:
        yield (vh.as_pixels(images[indices]) for indices in torch.randperm(len(images)).split(BATCH))


def from_items(images):
    """A loader for Pyro: an epoch of batches, collected item by item."""
    loader = DataLoader(Items(images), batch_size=BATCH, shuffle=True)
    while True:
        yield (x.view(-1, 784) for x, _ in loader)


def pyro(images, epochs, on_epoch, loader=in_memory):
    import pyro
    import pyro.distributions as dist

    pyro.clear_param_store()
    vae = vh.VAE()

    def model(x):
        pyro.module("vae", vae)
        with pyro.plate("data", len(x)):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(x), 2), torch.ones(len(x), 2)).to_event(1))
            pyro.sample("x", dist.Bernoulli(logits=vae.decode(z), validate_args=False).to_event(1), obs=x)

    def guide(x):
        pyro.module("vae", vae)
        with pyro.plate("data", len(x)):
            mu, log_var = vae.encode(x)
            pyro.sample("z", dist.Normal(mu, torch.exp(log_var / 2)).to_event(1))

    svi = pyro.infer.SVI(model, guide, pyro.optim.Adam({"lr": RATE}), pyro.infer.Trace_ELBO())
    for _, batches in zip(range(epochs), loader(images)):
        for x in batches:
            svi.step(x)
        on_epoch(vae.encode, vae.decode)


def products(batch, with_adam=False):
    """No rival: the matrix products of a step, forward and backward (no gradient is wanted for the images)."""
    model = vh.VAE()
    into, out = model.encoder[0].weight.detach(), model.decoder[2].weight.detach()  # (512, 784), (784, 512)
    to_code, from_code = model.to_mu.weight.detach(), model.decoder[0].weight.detach()  # (2, 512), (512, 2)
    x, h, z, pixels = torch.rand(batch, 784), torch.rand(batch, 512), torch.rand(batch, 2), torch.rand(batch, 784)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-9, fused=True)

    def train(images, epochs, on_epoch):
        for _ in range(epochs):
            for _ in range(-(-len(images) // batch)):
                x @ into.T, h @ to_code.T, h @ to_code.T, z @ from_code.T, h @ out.T
                pixels @ out, pixels.T @ h, h @ from_code, h.T @ z
                z @ to_code, z.T @ h, z @ to_code, z.T @ h, h.T @ x
                if with_adam:
                    optimizer.step()
            on_epoch(None, None)

    return train


def run(train, images, epochs, measure=lambda encode, decode: None):
    """[(seconds, measured)] at the end of each epoch; the clock stands still while ``measure`` works."""
    log, start, paused = [], time.perf_counter(), 0.0

    def tick(encode, decode):
        nonlocal paused
        now = time.perf_counter()
        log.append((now - start - paused, measure(encode, decode)))
        paused += time.perf_counter() - now

    train(images, epochs, tick)
    return log


@torch.no_grad()
def negative_elbo(encode, decode, x):
    """Mean −ELBO of the images ``x`` with one z each, in nats; the same draws for every rival."""
    mu, log_var = encode(x)
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(0))
    recon = vh.reconstruction_loss(decode(vh.reparameterize(mu, log_var, eps)), x)
    return (recon + vh.kl_divergence(mu, log_var)).mean().item()


def take_turns(rivals, images, rounds):
    """Milliseconds a step of one epoch, by rival: a list of ``rounds`` turns. The first epoch of a turn warms up."""
    steps = -(-len(images) // BATCH)
    turns = {name: [] for name in rivals}
    for _ in range(rounds):
        for name in random.sample(list(rivals), len(rivals)):
            (first, _), (second, _) = run(rivals[name], images, 2)
            turns[name].append(1000 * (second - first) / steps)
    return turns


def show_turns(turns):
    """Print each rival beside ours; return the medians of our time over theirs."""
    print(f"\n{'one epoch of 10,000 images':28} {'ms for 50 images':>16}   vh.fit / this: median (range)")
    medians = {}
    for name, times in turns.items():
        ratios = [ours / this for ours, this in zip(turns["vh.fit"], times, strict=True)]
        medians[name] = statistics.median(ratios)
        print(
            f"{name:28} {statistics.median(times):16.2f}   {medians[name]:.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
            flush=True,
        )
    return medians


def show_race(name, log, target):
    """Print one rival's way to the target; return the seconds it took, or None."""
    reached = next(((i, s) for i, (s, loss) in enumerate(log, 1) if loss <= target), None)
    words = f"{reached[1]:6.1f} s, {reached[0]:2} epochs" if reached else "not reached"
    print(f"{name:28} {words:>19}   {log[-1][1]:.2f} after {len(log)} epochs, {log[-1][0]:.1f} s", flush=True)
    return reached[1] if reached else None


def plot_race(logs, target, path):
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, log in logs.items():
        seconds, losses = zip(*log, strict=True)
        (line,) = ax.plot(seconds, losses, marker="o", markersize=3)
        words = ax.annotate(
            name, (seconds[-1], losses[-1]), (4, -12), textcoords="offset points", color=line.get_color()
        )
        words.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])
    ax.axhline(target, color="0.6", linewidth=0.8)
    ax.set(xlabel="seconds of training", ylabel="test −ELBO (nats per image)", ylim=(target - 3, target + 25))
    ax.spines[["top", "right"]].set_visible(False)
    ax.margins(x=0.15)
    fig.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each rival (default 7)")
    parser.add_argument("--threads", type=int, default=1, help="torch threads (default 1)")
    parser.add_argument("--epochs", type=int, default=12, help="epochs of the race; 0 leaves it out (default 12)")
    parser.add_argument("--target", type=float, default=152, help="test −ELBO to reach, in nats (default 152)")
    parser.add_argument("--plot", default="training.png", help="where the race is drawn (default training.png)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    logging.disable(logging.WARNING)  # pythae tells what it does
    random.seed(0)
    torch.manual_seed(0)
    digits = vh.load_mnist()
    print(f"torch {torch.__version__}, {options.threads} thread(s), {os.cpu_count()} processors")

    peers = {"vh.fit": ours(NOTE), "item by item": item_by_item, "pythae": pythae, "Pyro": pyro}
    floors = {"products": products(BATCH), "products, Adam": products(BATCH, with_adam=True)}
    at_200 = {"vh.fit, batches of 200": ours({"batch_size": 200, "lr": RATE}), "products, 200": products(200)}
    more = {"Pyro, item by item": functools.partial(pyro, loader=from_items)}
    turns = take_turns(peers | more | floors | at_200, digits.train_images[:10_000], options.rounds)
    ratios = show_turns(turns)
    own = [a / b for a, b in zip(turns["vh.fit, batches of 200"], turns["products, 200"], strict=True)]
    print(f"in batches of 200, vh.fit / products: {statistics.median(own):.2f} ({min(own):.2f}–{max(own):.2f})")

    for name, most in {"item by item": 0.5, "pythae": 0.6, "Pyro": 0.4, "products": 1.3}.items():
        verdict = "met" if ratios[name] <= most else "NOT met"
        print(f"vh.fit / {name} at most {most}: {verdict} ({ratios[name]:.2f})")
    if options.epochs == 0:
        return

    print(f"\n{'all training images':28} {f'to {options.target:g} nats':>19}   test −ELBO")
    test = vh.as_pixels(digits.test_images)
    races = {name: (train, options.epochs) for name, train in peers.items()}
    races["vh.fit, faster recipe"] = ours(FAST), FAST_EPOCHS
    logs, to_target = {}, {}
    for name, (train, epochs) in races.items():
        torch.manual_seed(0)
        logs[name] = run(train, digits.train_images, epochs, lambda *model: negative_elbo(*model, test))
        to_target[name] = show_race(name, logs[name], options.target)
    plot_race(logs, options.target, options.plot)
    finals = [logs[name][-1][1] for name in peers]
    print(f"test −ELBO of the four after {options.epochs} epochs: within {max(finals) - min(finals):.2f} nats")
    quick, slow = to_target["vh.fit, faster recipe"], to_target["item by item"]
    if quick and slow:
        verdict = "met" if quick / slow <= 0.25 else "NOT met"
        print(f"faster recipe / item by item at most 0.25: {verdict} ({quick / slow:.2f})")
    else:
        print("faster recipe / item by item: the target was not reached by both; give more epochs")


if __name__ == "__main__":
    main()
