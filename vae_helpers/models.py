"""The networks of the course: plain ``nn.Module``s with one interface.

``encode(x) -> (mu, log_var)``, ``decode(z) -> logits``, ``model(x) -> (logits, mu, log_var)``; images ``x``
are (batch, pixels) with values in [0, 1], ``z``, ``mu`` and ``log_var`` are (batch, latent). The logits are
what the decoder says before the sigmoid; ``noise_log_var`` is None where the pixels are Bernoulli.
"""

import numpy as np
import torch
from torch import nn

from .objectives import reparameterize


def as_tensor(values):
    """An array (or list of numbers) as a tensor on the same memory; a copy only where torch asks for one.

    Raises ``TypeError`` for what does not hold numbers.
    """
    if isinstance(values, torch.Tensor):
        return values
    array = np.require(values, requirements="CW")
    if array.dtype.kind not in "buif":
        raise TypeError(f"expected an array or tensor of numbers, found {type(values).__name__} ({array.dtype})")
    return torch.as_tensor(array)


def as_pixels(images):
    """Images as the models take them: uint8 (n, 28, 28), 0 to 255 → float32 tensor (n, 784), 0 to 1.

    A float array or tensor of that many pixels with values in [0, 1] is only reshaped. Raises ``ValueError`` for
    another shape or range, and for ink that is fainter than 1/255: divided twice, or 0 and 1 in uint8.
    """
    images = as_tensor(images)
    if images.ndim < 2 or images.numel() == 0 or images[0].numel() != 784:
        found = f"{tuple(images.shape)} (one image alone is images[:1])"
        raise ValueError(f"expected a non-empty batch of grey images (n, 28, 28) or (n, 784), found {found}")
    x = images.flatten(start_dim=1)
    x = x / 255 if x.dtype == torch.uint8 else x.float()
    low, high = x.aminmax()
    if not (low >= 0 and high <= 1):  # also true for NaN
        finite = (high - low).isfinite()
        advice = "scale them so that paper is 0 and ink is 1" if finite else "find out where these come from"
        found = f"{low:.3g} to {high:.3g} ({images.dtype})"
        raise ValueError(f"expected pixels in [0, 1], or uint8 from 0 to 255, found {found}; {advice}")
    if 0 < high < 0.004:
        raise ValueError(
            f"expected ink near 1, or near 255 in uint8, found no pixel above 1/255 ({images.dtype}); "
            "divide by 255 only once, and make 0 and 1 floats"
        )
    return x


def binarize(x, generator=None):
    """Pixels that are 0 or 1, drawn from grey ones: a pixel ``x`` in [0, 1] becomes 1 with probability ``x``.

    Drawn anew each time an image is used, this is dynamic binarization (Salakhutdinov & Murray 2008; Burda et al.
    2016); drawn once and kept, a fixed one. ``generator``: torch's, for draws that can be repeated.
    """
    return (torch.rand(x.shape, generator=generator, dtype=x.dtype) < x).to(x.dtype)


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


class DeepVAE(VAE):
    """The one-layer network of Burda, Grosse & Salakhutdinov 2016: two hidden tanh layers of 200 units each way.

    784–200–200–(50, 50) and 50–200–200–784; Bernoulli pixels. Otherwise a ``VAE``.
    """

    def __init__(self, latent=50, hidden=200, pixels=784):
        super().__init__(latent, hidden, pixels)
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, pixels)
        )


class ConditionalVAE(VAE):
    """A VAE told which digit it sees: p(x|z, y) and q(z|x, y), so that z is left with the style.

    The label ``y``, int64 (batch,) from 0 to ``classes`` − 1, enters encoder and decoder as ten numbers, one of
    them 1 (one-hot): ``encode(x, y)``, ``decode(z, y)``, ``model(x, y)``. The prior of z is N(0, I) for every digit.
    Raises ``ValueError`` for a label outside that range.
    Sohn, Lee & Yan 2015; Kingma et al. 2014 (M2, with every label given), arXiv:1406.5298.
    """

    def __init__(self, latent=2, hidden=512, pixels=784, classes=10):
        super().__init__(latent, hidden, pixels)
        self.classes = classes
        self.encoder[0] = nn.Linear(pixels + classes, hidden)
        self.decoder[0] = nn.Linear(latent + classes, hidden)

    def _with_label(self, values, y):
        y = as_tensor(y)
        if not (0 <= y.min() and y.max() < self.classes):
            raise ValueError(f"expected labels from 0 to {self.classes - 1}, found {y.min()} to {y.max()}")
        one_hot = nn.functional.one_hot(y.long(), self.classes).to(values.dtype)
        return torch.cat([values, one_hot.expand(*values.shape[:-1], -1)], dim=-1)

    def encode(self, x, y):
        return super().encode(self._with_label(x, y))

    def decode(self, z, y):
        return super().decode(self._with_label(z, y))

    def forward(self, x, y):
        mu, log_var = self.encode(x, y)
        z = reparameterize(mu, log_var)
        return self.decode(z, y), mu, log_var


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
