"""Seven invariants of a sound VAE, tried on anybody's model in a second: ``vh.checks.sanity(model, images)``.

They must hold whatever a model has learned. Most are exact: the model's ``encode`` is replaced by planted codes that
lie wide apart, or its ``decode`` by one that ignores z, so that neither luck nor the weights decide. Notebook 09 takes
each of them apart.
"""

import copy
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Normal
from torch.distributions import kl_divergence as exact_kl

from ..models import as_pixels, as_tensor
from ..objectives import importance_weighted_bound, negative_elbo
from .verdict import hint, one_line

IMAGES = 64  # so many of the images are looked at
REPEATS = 100  # and so many draws of z for each
ERRORS = 6  # standard errors that are left to chance


class Fault(Exception):
    """An invariant is broken; the message says how, and what that usually means."""


class DoesNotApply(Exception):
    """The model has nothing that the invariant could be about."""


class Finding(NamedTuple):
    """What one invariant says: ``passed`` is True, False, or None where it does not apply."""

    name: str
    passed: bool | None
    message: str


def sanity(model, images, loss=negative_elbo, bound=importance_weighted_bound, labels=None):
    """Print a line for each invariant: ✔ it holds, ✘ it does not and what that usually means, – it does not apply.

    ``model``: a network with ``encode(x) -> (mu, log_var)``, ``decode(z) -> logits`` and ``model(x) -> (logits, mu,
    log_var)``, in train or eval mode as it is (try both); its pixels are Gaussian where it has a ``noise_log_var`` that
    is not None. ``images``: (n, 28, 28) or (n, pixels). ``loss(model, x)``: what is minimized, in nats: a number for
    each image, their mean, or a tuple that begins with one of these. It is compared for one draw of z an image, with
    the exact KL and β = 1. Other losses may be sound and get a ✘ all the same: the mean of several draws, a KL
    estimated by log q − log p, a β-VAE's. ``bound(model, x, k)``: lower bounds on log p(x), (n,). ``labels``: (n,),
    for a model that is told them. The model, its gradients and the random state stay as they were. Never raises.
    """
    for name, passed, message in findings(model, images, loss, bound, labels):
        mark = {True: "✔", False: "✘", None: "–"}[passed]
        print(f"{mark} {name}: {message}")


def findings(model, images, loss=negative_elbo, bound=importance_weighted_bound, labels=None):
    """What ``sanity`` prints, as a list of ``Finding``s, one for each of ``INVARIANTS`` in their order."""
    found = []
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        seed_draws(0)
        for name, invariant in INVARIANTS.items():
            try:
                passed, message = True, invariant(Subject(model, images, loss, bound, labels))
            except DoesNotApply as reason:
                passed, message = None, str(reason)
            except Fault as fault:
                passed, message = False, str(fault)
            except Exception as error:  # whatever was passed
                passed, message = False, f"this stopped with {one_line(error)}{hint(error)}"
            found.append(Finding(name, passed, message))
    return found


def seed_draws(seed):
    """Seed what the copies draw by; ``torch.manual_seed`` would seed the GPUs, too, whose state is not kept."""
    torch.default_generator.manual_seed(seed)


class Subject:
    """A copy of the model in double precision and a few images, on which an invariant may do as it likes."""

    def __init__(self, model, images, loss, bound, labels):
        self.model = copy.deepcopy(model).cpu().double().requires_grad_(True)
        if not hasattr(self.model, "noise_log_var"):
            self.model.noise_log_var = None  # Bernoulli pixels
        self.x = as_pixels(images[:IMAGES]).double()
        self.loss, self.bound = loss, bound
        self.labels = None if labels is None else as_tensor(labels[:IMAGES]).cpu().long()
        self.noise_log_var = self.model.noise_log_var

    def told(self, rows=slice(None)):
        """What the model is told beside the images: nothing, or their labels."""
        return () if self.labels is None else (self.labels[rows],)

    def codes(self):
        """mu and log_var of the images; log_var is None for an autoencoder."""
        return self.model.encode(self.x, *self.told())

    def replace(self, name, function):
        """Put ``function`` in the place of a method, or of a module, of the copy."""
        vars(self.model)[name] = function

    def plant(self, times=1):
        """From now on ``encode`` answers with codes planted wide apart; returns them, (images · times, latent)."""
        mu, log_var = self.codes()
        self.x = self.x.repeat(times, 1)
        self.labels = None if self.labels is None else self.labels.repeat(times)
        planted = torch.empty(len(self.x), mu.shape[1]).double()
        mu = planted.clone().uniform_(-3, 3)
        log_var = None if log_var is None else planted.clone().uniform_(-4, 1)
        self.replace("encode", lambda x, *told: (mu[: len(x)], None if log_var is None else log_var[: len(x)]))
        return mu, log_var

    def watch(self):
        """From now on ``decode`` notes each z that it is asked for in the list returned."""
        seen, decode = [], self.model.decode

        def watched(z, *told):
            seen.append(z)
            return decode(z, *told)

        self.replace("decode", watched)
        return seen

    def losses(self, rows=slice(None)):
        """What the loss gives for these rows: a number for each image, or their mean."""
        more = {} if self.labels is None else {"labels": self.labels[rows]}
        result = self.loss(self.model, self.x[rows], **more)
        return torch.as_tensor(result[0] if isinstance(result, tuple) else result)

    def bounds(self, k):
        """What the bound gives for the images."""
        more = {} if self.labels is None else {"labels": self.labels}
        return torch.as_tensor(self.bound(self.model, self.x, k, **more)).detach()

    def parts(self, rows=slice(None)):
        """−log p(x|z) for the z that the model draws, and the KL, (images,) each, by torch.distributions alone."""
        logits, mu, log_var = self.model(self.x[rows], *self.told(rows))
        recon = -self.pixels(logits).log_prob(self.x[rows]).sum(dim=-1)
        if log_var is None:
            return recon, torch.zeros_like(recon)
        return recon, exact_kl(Normal(mu, torch.exp(log_var / 2)), Normal(0.0, 1.0)).sum(dim=-1)

    def pixels(self, logits):
        """p(x|z), one distribution a pixel."""
        if self.noise_log_var is None:
            return Bernoulli(logits=logits, validate_args=False)  # grey pixels are outside its support
        return Normal(logits, torch.exp(torch.as_tensor(self.noise_log_var) / 2))


# The invariants: each returns what it saw, or raises Fault or DoesNotApply.


def shapes(subject):
    """Pixels in [0, 1]; logits as wide as images, mu and log_var alike, everything finite."""
    x, (logits, mu, log_var) = subject.x, subject.model(subject.x, *subject.told())
    if logits.shape != x.shape:
        raise Fault(f"expected logits of the images' shape {tuple(x.shape)}, found {tuple(logits.shape)}")
    if mu.ndim != 2 or len(mu) != len(x) or (log_var is not None and log_var.shape != mu.shape):
        found = f"{tuple(mu.shape)} and {None if log_var is None else tuple(log_var.shape)}"
        raise Fault(f"expected mu and log_var of one shape ({len(x)}, latent), found {found}")
    if not all(part.isfinite().all() for part in (logits, mu, log_var) if part is not None):
        raise Fault("expected finite numbers, found NaN or infinity among logits, mu, log_var: has training diverged?")
    return f"{len(x)} images with pixels in [0, 1], {mu.shape[1]} latent dimensions"


def company(subject):
    """An image's code does not depend on the other images of its batch."""
    subject.model.eval()  # batch norm and dropout may depend on the batch, or on chance, in training
    together, rows = subject.codes(), slice(1, 4)  # from the middle: a running sum leaves the first images alone
    alone = subject.model.encode(subject.x[rows], *subject.told(rows))
    for name, one, all_ in zip(("mu", "log_var"), alone, together):
        if one is not None and not torch.allclose(one, all_[rows], rtol=1e-6, atol=1e-8):
            raise Fault(f"{name} of an image depends on the other images of its batch (a wrong dim, batch statistics?)")
    return "an image has the same code in any batch"


def noise(subject):
    """(z − mu) / sigma has mean 0 and standard deviation 1, and each number is a draw of its own."""
    subject.plant(REPEATS)
    seen = subject.watch()
    with torch.no_grad():
        _, mu, log_var = subject.model(subject.x, *subject.told())
    if log_var is None:
        raise DoesNotApply("no q(z|x), so nothing is drawn")
    if not seen:
        raise DoesNotApply("model(x) does not call model.decode(z): what it draws cannot be seen")
    difference, n = seen[-1] - mu, mu.numel()
    eps = difference * torch.exp(-log_var / 2)
    sound = abs(eps.mean()) < ERRORS / n**0.5 and abs(eps.std() - 1) < ERRORS / n**0.5
    silent = eps.abs().amax(dim=0) == 0
    if silent.any():
        where = "" if silent.all() else f" in {silent.sum()} of {len(silent)} dimensions"
        raise Fault(f"z is mu itself{where}: no noise is drawn")
    if eps.std(dim=0).min() < 1e-3 or (eps.shape[1] > 1 and eps.std(dim=1).max() < 1e-3):
        raise Fault("numbers of one batch share a random number: eps needs one for each entry of mu (randn_like)")
    if sound:
        return f"(z − mu) / sigma has mean {eps.mean():.2f} and standard deviation {eps.std():.2f} over {n:,} draws"
    for name, power in (("exp(log_var), the variance", 1.0), ("exp(2 · log_var)", 2.0), ("1, whatever log_var", 0.0)):
        if abs((difference * torch.exp(-power * log_var)).std() - 1) < ERRORS / n**0.5:
            raise Fault(f"the noise is scaled by {name}: sigma is exp(log_var / 2)")
    unmoved = seen[-1] * torch.exp(-log_var / 2) - mu
    if abs(unmoved.mean()) < ERRORS / n**0.5 and abs(unmoved.std() - 1) < ERRORS / n**0.5:
        raise Fault("z is (eps + mu) · sigma: stretch first, then shift")
    raise Fault(f"(z − mu) / sigma has mean {eps.mean():.2f} and standard deviation {eps.std():.2f}, not 0 and 1")


def gradient(subject):
    """The reconstruction's gradient reaches mu and log_var."""
    subject.x.requires_grad_()
    for name, part in zip(("mu", "log_var"), subject.codes()):
        if part is None or (part == part[0]).all():
            continue  # the same for every image, as it may be
        if (
            not part.requires_grad
            or torch.autograd.grad(part.sum(), subject.x, retain_graph=True, allow_unused=True)[0] is None
        ):
            raise Fault(f"no gradient flows from {name} back through the encoder: it is cut off (detach, no_grad)")
    mu, log_var = (part if part is None else part.requires_grad_() for part in subject.plant())
    logits, own_mu, own_log_var = subject.model(subject.x, *subject.told())
    for name, part in (("mu", own_mu), ("log_var", own_log_var)):
        if part is None:
            continue
        reached = torch.autograd.grad(logits.square().sum(), part, allow_unused=True, retain_graph=True)[0]
        if reached is None or reached.abs().max() == 0:
            raise Fault(
                f"no gradient flows from the logits back to {name}: z is cut off (detach, no_grad, sample for rsample)"
                " or does not depend on it"
            )
    return "flows from the logits to mu" + ("" if own_log_var is None else " and log_var")


def freedom(subject):
    """log_var can be taught to be −2 and 1: nothing keeps sigma above or below 1."""
    _, log_var = subject.codes()
    if log_var is None:
        raise DoesNotApply("no log_var")
    for wanted, target in (("−2", -2.0), ("1", 1.0)):
        for step in range(400):
            if step in (0, 100):  # short steps first: wide networks need them, a bare parameter the long ones
                optimizer = torch.optim.Adam(subject.model.parameters(), lr=0.03 if step else 0.003)
            _, log_var = subject.codes()
            missing = (log_var.mean(dim=0) - target).abs().max()
            if missing < 0.5:
                break
            optimizer.zero_grad()
            (log_var - target).square().mean().backward()
            optimizer.step()
        else:
            raise Fault(
                f"log_var cannot be taught to be {wanted} (it stays {missing:.1f} away): it is a logarithm, so any"
                " number is allowed, without softplus, ReLU or exp at its end"
            )
    return "log_var can be taught to be −2 and to be 1"


def loss(subject):
    """The loss is −log p(x|z) + KL, as torch.distributions has them, for the same draw of z, in any batch."""
    planted = [part.requires_grad_() for part in subject.plant() if part is not None]
    weights = [*planted, *subject.model.parameters()]
    for rows in (slice(None), slice(0, 5)):
        seed_draws(1)
        recon, kl = subject.parts(rows)
        seed_draws(1)
        got = subject.losses(rows)
        want = recon + kl
        if got.ndim == 0:
            want, recon, kl = want.mean(), recon.mean(), kl.mean()
        if got.shape != want.shape:
            raise Fault(f"expected one loss for each of {len(want)} images, or their mean, found {tuple(got.shape)}")
        if not same(got, want):
            raise Fault(named(subject, rows, got, recon, kl))
        if not got.requires_grad or not all(map(same, slopes(got, weights), slopes(want, weights))):
            raise Fault("the number is right, its gradient is not: a part is cut off (detach, no_grad, item)")
    return f"equals −log p(x|z) + KL by torch.distributions ({want.mean():.1f} nats for planted codes)"


def slopes(values, weights):
    return torch.autograd.grad(values.mean(), weights, retain_graph=True, allow_unused=True, materialize_grads=True)


def same(a, b):
    return torch.allclose(a.double(), b.double(), rtol=1e-5, atol=1e-5)


def named(subject, rows, got, recon, kl):
    """The usual mistake that gives this loss, or what was found and expected."""
    pixels, n, latent = subject.x.shape[1], len(subject.x[rows]), subject.codes()[0].shape[1]
    mistakes = {
        "the reconstruction is averaged over the pixels, the KL is not: β is their number": recon / pixels + kl,
        "everything is averaged over the pixels: it is −ELBO divided by their number": (recon + kl) / pixels,
        "reconstruction and KL are both averaged: β is pixels / latent dimensions": recon / pixels + kl / latent,
        "the KL is averaged over the latent dimensions: sum over them": recon + kl / latent,
        "the KL is subtracted: both terms are costs": recon - kl,
        "the reconstruction has the wrong sign": kl - recon,
        "the KL is missing": recon,
        "the reconstruction is missing": kl,
        "the factor ½ of the KL is missing": recon + 2 * kl,
        "the sum over the batch is missing its division: the loss grows with the batch": (recon + kl) * n,
        "the KL is summed over the batch, the reconstruction is not: β grows with the batch": recon + kl * n,
        "the KL is divided by the batch once too often": recon + kl / n,
    }
    for words, value in mistakes.items():
        if same(got, value):
            return words
    seed_draws(1)
    with torch.no_grad():
        logits, *_ = subject.model(subject.x[rows], *subject.told(rows))
    if subject.noise_log_var is None and logits.min() > 0 and logits.max() < 1:
        return "decode seems to give probabilities: it must give logits, which the sigmoid makes probabilities of"
    beta = weight_of_kl(subject)
    if beta is not None:
        return f"the KL is weighed by {beta:.3g}: the loss of a β-VAE, not −ELBO"
    for edge in (0, 1e-7):  # as they are, or cut as Keras cuts them
        target = subject.x[rows].clamp(edge, 1 - edge)
        swapped = F.binary_cross_entropy(target, torch.sigmoid(logits), reduction="none").sum(dim=-1)
        if same(got.mean(), swapped.mean() + kl.mean()):
            return "image and prediction are exchanged in the cross-entropy"
    return (
        f"expected −log p(x|z) + KL = {(recon + kl).mean():.4g} nats per image, found {got.double().mean():.4g}"
        " (the mean of several draws of z, or a KL estimated by sampling, cannot be compared)"
    )


def weight_of_kl(subject):
    """β, if the mean loss of two batches is recon + β · KL with the same β."""
    weights = []
    for rows in (slice(0, 2), slice(0, 5)):
        seed_draws(1)
        recon, kl = subject.parts(rows)
        seed_draws(1)
        weights.append((subject.losses(rows).mean() - recon.mean()) / kl.mean())
    return weights[0].item() if torch.allclose(*weights, rtol=1e-4, atol=1e-5) else None


def bound(subject):
    """With a decoder that ignores z, log p(x) is known: the bound is exact for q = prior, and the ELBO for K = 1."""
    mu, log_var = subject.plant()
    if log_var is None:
        raise DoesNotApply("no q(z|x), so no bound")
    logits = torch.linspace(-1, 1, subject.x.shape[1]).double()
    subject.replace("decode", lambda z, *told: logits.expand(*z.shape[:-1], -1))
    log_p = subject.pixels(logits).log_prob(subject.x).sum(dim=-1).detach()
    subject.replace("encode", lambda x, *told: (torch.zeros_like(mu[: len(x)]), torch.zeros_like(mu[: len(x)])))
    for k in (1, 10):
        got = subject.bounds(k)
        if got.shape != log_p.shape:
            raise Fault(f"expected one bound for each of {len(log_p)} images, found {tuple(got.shape)}")
        if not same(got, log_p):
            over = (got - log_p).mean()
            why = ", log K: divide the sum of weights by K" if abs(over - torch.tensor(k).log()) < 1e-4 else ""
            raise Fault(f"where log p(x) is known exactly, the bound for K = {k} is {over:+.3f} nats from it{why}")
    subject.replace("encode", lambda x, *told: (mu[: len(x)], log_var[: len(x)]))
    kl = exact_kl(Normal(mu, torch.exp(log_var / 2)), Normal(0.0, 1.0)).sum(dim=-1)
    draws = [subject.bounds(1) - (log_p - kl) for _ in range(REPEATS)]
    gap = torch.stack(draws)
    error = gap.std() / gap.numel() ** 0.5
    if abs(gap.mean()) > ERRORS * error:
        raise Fault(f"for K = 1 the mean bound must be the ELBO: it is {gap.mean():+.3f} ± {error:.3f} nats from it")
    near, wide = mu / 10, log_var * 0 + 0.2  # weights that are never far from 1
    subject.replace("encode", lambda x, *told: (near[: len(x)], wide[: len(x)]))
    draws = [(subject.bounds(10) - log_p).exp() for _ in range(REPEATS)]
    mean = torch.stack(draws)
    mean, off = mean.mean(), mean.std() / mean.numel() ** 0.5
    if abs(mean - 1) > ERRORS * off:
        raise Fault(f"the mean of K = 10 weights must be p(x) on average: it is {mean:.3f} ± {off:.3f} times p(x)")
    return f"exact where log p(x) is known; for K = 1 it is the ELBO ({gap.mean():+.3f} ± {error:.3f} nats)"


INVARIANTS = {invariant.__name__: invariant for invariant in (shapes, company, noise, gradient, freedom, loss, bound)}
