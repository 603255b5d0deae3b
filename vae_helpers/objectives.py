"""The mathematics of a VAE, one function a formula. Everything is in nats per image.

Shapes: a batch of images ``x`` is (batch, pixels) with values in [0, 1]; ``mu``, ``log_var`` and a latent
``z`` are (batch, latent). Sums run over pixels and latent dimensions, never over the batch: each function
returns one number an image. Derived in notebooks 02 and 03; Kingma & Welling 2014, arXiv:1312.6114.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

LOG_2PI = math.log(2 * math.pi)


def reparameterize(mu, log_var, eps=None):
    """Draw z = mu + sigma · eps from N(mu, diag sigma²), with sigma = exp(log_var / 2).

    ``mu``, ``log_var``: (..., latent); ``eps``: the same shape, drawn from N(0, I) when not given.
    The gradient flows to ``mu`` and ``log_var``, not into ``eps``. Kingma & Welling 2014, section 2.4.
    """
    if eps is None:
        eps = torch.randn_like(mu)
    return mu + torch.exp(log_var / 2) * eps


def kl_divergence(mu, log_var):
    """KL(N(mu, diag exp(log_var)) ‖ N(0, I)) in nats: (batch, latent) twice → (batch,).

    ½ Σ_k (exp(log_var) + mu² − 1 − log_var); Kingma & Welling 2014, appendix B.
    """
    return 0.5 * (torch.exp(log_var) + mu**2 - 1 - log_var).sum(dim=-1)


def reconstruction_loss(logits, x, noise_log_var=None):
    """−log p(x|z) in nats, summed over the pixels: (..., pixels) twice → (...).

    Without ``noise_log_var``: Bernoulli pixels, ``logits`` before the sigmoid (binary cross-entropy).
    With it (a number, a 0-d tensor, or one for each pixel): Gaussian pixels, ``logits`` being their mean and
    exp(noise_log_var) their variance. Kingma & Welling 2014, appendix C.
    """
    if noise_log_var is None:
        return F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(dim=-1)
    noise_log_var = torch.as_tensor(noise_log_var, dtype=x.dtype)
    return 0.5 * (LOG_2PI + noise_log_var + (x - logits) ** 2 * torch.exp(-noise_log_var)).sum(dim=-1)


class Elbo(NamedTuple):
    """The parts of −ELBO, in nats, each (batch,): ``loss`` = ``recon`` + beta · ``kl``."""

    loss: torch.Tensor
    recon: torch.Tensor
    kl: torch.Tensor


def negative_elbo(model, x, beta=1.0, labels=None):
    """One-sample estimate of −ELBO for each image: (batch, pixels) → ``Elbo`` of three (batch,) tensors.

    E_q(z|x)[−log p(x|z)] is estimated with the one z that ``model(x)`` draws; the KL to the prior is
    exact. ``beta`` weighs the KL (1: the ELBO; other values: Higgins et al. 2017). For an autoencoder,
    which has no distribution over z (``log_var`` is None), the loss is the reconstruction alone. ``labels``,
    int64 (batch,), go to a model that is told them: a bound on log p(x|y).
    """
    told = () if labels is None else (labels,)
    logits, mu, log_var = model(x, *told)
    recon = reconstruction_loss(logits, x, model.noise_log_var)
    if log_var is None:
        return Elbo(recon, recon, torch.zeros_like(recon))
    kl = kl_divergence(mu, log_var)
    return Elbo(recon + beta * kl, recon, kl)


@torch.no_grad()
def importance_weighted_bound(model, x, k, chunk=100, labels=None):
    """The importance-weighted lower bound on log p(x), in nats (higher is better): (batch, pixels) → (batch,).

    log 1/k Σ_i p(x|z_i) p(z_i) / q(z_i|x) with z_1 … z_k drawn from q(z|x). In expectation it equals the
    ELBO at k = 1, rises with k and never exceeds log p(x) (Burda, Grosse & Salakhutdinov 2016, eq. 8).
    At most ``chunk`` samples are held at a time: this bounds the memory and does not change the estimator.
    ``labels``: as in ``negative_elbo``. Raises ``ValueError`` for no draw and for a model without
    ``log_var``.
    """
    if k < 1 or chunk < 1:
        raise ValueError(f"expected one draw at least, and one at a time, found {k=}, {chunk=}")
    told = () if labels is None else (labels,)
    mu, log_var = model.encode(x, *told)
    if log_var is None:
        raise ValueError("expected a model whose encoder gives log_var, found none: an autoencoder has no such bound")
    total = torch.full(mu.shape[:1], -math.inf, dtype=mu.dtype)  # log of the sum of the weights so far
    for start in range(0, k, chunk):
        count = min(chunk, k - start)
        eps = torch.randn(count, *mu.shape, dtype=mu.dtype)
        z = reparameterize(mu, log_var, eps)
        log_likelihood = -reconstruction_loss(model.decode(z, *told), x, model.noise_log_var)
        log_prior = -0.5 * (z**2 + LOG_2PI).sum(dim=-1)
        log_q = -0.5 * (eps**2 + log_var + LOG_2PI).sum(dim=-1)
        total = torch.logaddexp(total, torch.logsumexp(log_likelihood + log_prior - log_q, dim=0))
    return total - math.log(k)
