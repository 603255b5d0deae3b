"""The networks of the course: plain ``nn.Module``s with one interface.

``encode(x) -> (mu, log_var)``, ``decode(z) -> logits``, ``model(x) -> (logits, mu, log_var)``; images ``x``
are (batch, pixels) with values in [0, 1], ``z``, ``mu`` and ``log_var`` are (batch, latent). The logits are
what the decoder says before the sigmoid; ``noise_log_var`` is None where the pixels are Bernoulli.
"""

import numpy as np
import torch
from torch import nn

from .objectives import reparameterize


def as_pixels(images):
    """Images as the models take them: uint8 (n, 28, 28), 0 to 255 → float32 tensor (n, 784), 0 to 1.

    A float array or tensor of that many pixels with values in [0, 1] is only reshaped. Raises
    ``ValueError`` for another shape or range.
    """
    images = torch.as_tensor(np.array(images) if isinstance(images, np.ndarray) else images)
    if images.ndim < 2 or images.numel() == 0:
        raise ValueError(f"expected a non-empty batch of images (n, 28, 28) or (n, 784), found {tuple(images.shape)}")
    x = images.flatten(start_dim=1)
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    if not (x.min() >= 0 and x.max() <= 1):  # also false for NaN
        raise ValueError(
            f"expected pixels in [0, 1], or uint8 from 0 to 255, found {x.min():.3g} to {x.max():.3g} "
            f"({images.dtype}); divide by the largest value a pixel can have"
        )
    return x


class Autoencoder(nn.Module):
    """784–512–2–512–784 without any chance in it: one image, one code. ``log_var`` is None."""

    noise_log_var = None

    def __init__(self, latent=2, hidden=512, pixels=784):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def encode(self, x):
        return self.encoder(x), None

    def decode(self, z):
        return self.decoder(z)

    def forward(self, x):
        z, _ = self.encode(x)
        return self.decode(z), z, None


class VAE(nn.Module):
    """The learning note's network, 784–512–(2, 2) and 2–512–784, written out in notebook 04.

    ``latent``, ``hidden``, ``pixels`` are the widths. Bernoulli pixels: ``sigmoid(logits)`` is the mean image.
    """

    noise_log_var = None

    def __init__(self, latent=2, hidden=512, pixels=784):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU())
        self.to_mu = nn.Linear(hidden, latent)
        self.to_log_var = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def encode(self, x):
        h = self.encoder(x)
        return self.to_mu(h), self.to_log_var(h)

    def decode(self, z):
        return self.decoder(z)

    def forward(self, x):
        mu, log_var = self.encode(x)
        z = reparameterize(mu, log_var)
        return self.decode(z), mu, log_var


class LinearVAE(nn.Module):
    """A VAE whose encoder and decoder are linear and whose pixels are Gaussian with one learned variance.

    p(x|z) = N(W z + b, exp(noise_log_var) I), so p(x), the posterior and the best ELBO are known exactly:
    this is probabilistic PCA (Tipping & Bishop 1999; as a VAE: Lucas et al. 2019, arXiv:1911.02469).
    The posterior's variance does not depend on x, so ``log_var`` is one learned vector.
    """

    def __init__(self, latent=2, pixels=784):
        super().__init__()
        self.encoder = nn.Linear(pixels, latent)
        self.log_var = nn.Parameter(torch.zeros(latent))
        self.decoder = nn.Linear(latent, pixels)
        self.noise_log_var = nn.Parameter(torch.zeros(()))

    def encode(self, x):
        mu = self.encoder(x)
        return mu, self.log_var.expand_as(mu)

    def decode(self, z):
        return self.decoder(z)

    def forward(self, x):
        mu, log_var = self.encode(x)
        z = reparameterize(mu, log_var)
        return self.decode(z), mu, log_var
