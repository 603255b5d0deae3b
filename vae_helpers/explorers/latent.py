"""Explorers of a trained model: its latent plane, its posteriors, its walks, what beta and a label do to it."""

import numpy as np
import torch
from torch import nn

from ..figures import DIGIT_COLORS, INK, RADIUS, spread
from ..models import as_pixels
from ..objectives import reparameterize
from ..pretrained import BETA_SNAPSHOTS, load_codes, load_pretrained, recipe
from .base import Explorer, choice, curve, ellipse, number, panel, picture, points, slider, text

ACTIVATIONS = {  # what the page can run between linear layers, and the same in numpy; `ACTIVATIONS` in latent.js
    nn.ReLU: ("relu", lambda a: np.maximum(a, 0)),
    nn.Tanh: ("tanh", np.tanh),
    nn.Sigmoid: ("sigmoid", lambda a: (1 + np.tanh(a / 2)) / 2),  # never overflows
    nn.Softplus: ("softplus", lambda a: np.logaddexp(0, a)),
    nn.Identity: ("none", lambda a: a),
}

CIRCLE = ellipse(0, 0, RADIUS, RADIUS, INK, width=1, dash=True)  # of the prior: 95 % of it lie inside


class Decoder:
    """A model's decoder as layers that the page can run: ``mean(z)`` is what the page shows for z.

    ``model.decoder`` must be an ``nn.Linear``, or an ``nn.Sequential`` of ``nn.Linear`` and the activations listed in
    ``ACTIVATIONS``, from 2 latent dimensions to 784 pixels, and ``model.decode`` must do no more than call it. With
    ``classes`` > 0 the label follows z as so many numbers, one-hot: ``mean(z, digits)``. ``layers``: one dictionary a
    linear layer, with 16-bit weights where they give the same images to 1/510 for z up to ``limit``, else with 32 bits.

    Raises ``ValueError`` for any other decoder and for weights that are not finite.
    """

    def __init__(self, model, limit=4.0, classes=0):
        self.classes, self.layers = classes, _layers(model, classes)
        z = limit * torch.tensor([[0, 0], [1, -1], [-1, 0.5], [0.1, 1], [0.3, 0.2], [-0.2, -0.6], [1, 1], [-1, -1]])
        labels = [torch.arange(len(z)) % classes] if classes else []
        expected = _mean_image(model, z, *labels).numpy()

        def error():
            return np.abs(self.mean(z.numpy(), *labels) - expected).max()

        if not error() < 1e-3:
            raise ValueError(
                f"expected model.decode(z) to be model.decoder(z) and no more, images differ by {error():.3f}; "
                "the page runs the layers of model.decoder"
            )
        full = self.layers
        with np.errstate(over="ignore", invalid="ignore"):  # too large for 16 bits: not the same images
            self.layers = [_halved(layer) for layer in full]
            if not error() < 1 / 510:
                self.layers = full

    def mean(self, z, digits=None):
        """Mean images (n, 784) for z (n, 2) and labels (n,), cut to [0, 1], as the page computes them."""
        run = dict(ACTIVATIONS.values())
        values = np.asarray(z, dtype=np.float32)
        if self.classes:
            values = np.hstack([values, np.eye(self.classes, dtype=np.float32)[np.asarray(digits)]])
        for layer in self.layers:
            values = values @ layer["weight"].astype(np.float32).T + layer["bias"].astype(np.float32)
            values = run[layer["activation"]](values)
        return np.clip(values, 0, 1)


def _layers(model, classes):
    modules = model.decoder if isinstance(model.decoder, nn.Sequential) else [model.decoder]
    layers = []
    for module in modules:
        if isinstance(module, nn.Linear):
            weight, bias = (_finite(parameter) for parameter in (module.weight, module.bias))
            layers.append({"weight": weight, "bias": bias, "activation": "none"})
        elif type(module) in ACTIVATIONS and layers and layers[-1]["activation"] == "none":
            layers[-1]["activation"] = ACTIVATIONS[type(module)][0]
        else:
            known = ", ".join(kind.__name__ for kind in ACTIVATIONS)
            raise ValueError(
                f"expected a decoder of Linear layers, each with at most one of {known} after it, found {module}; "
                "the page can run no other layer. plot_manifold(model) draws any decoder"
            )
    widths = (layers[0]["weight"].shape[1], len(layers[-1]["bias"]))
    if widths != (2 + classes, 784):
        label = f" and {classes} numbers of the label" if classes else ""
        advice = "ConditionalExplorer shows it" if hasattr(model, "classes") else "a plane has two dimensions"
        raise ValueError(
            f"expected a decoder from 2 latent dimensions{label} to 784 pixels, found {widths[0]} to {widths[1]}; "
            + advice
        )
    if model.noise_log_var is None:  # Bernoulli pixels; the mean of Gaussian ones is the output itself
        layers[-1]["activation"] = "sigmoid"
    return layers


def _finite(parameter):
    if not torch.isfinite(parameter).all():
        raise ValueError("expected finite weights, found NaN or infinity; did the training diverge?")
    return parameter.detach().numpy().copy()


def _halved(layer):
    return layer | {name: layer[name].astype(np.float16) for name in ("weight", "bias")}


@torch.no_grad()
def _mean_image(model, z, *labels):
    """The mean of p(x|z), cut to [0, 1]: (n, latent) → (n, pixels). Bernoulli or Gaussian pixels."""
    output = model.decode(z, *labels)
    return torch.sigmoid(output) if model.noise_log_var is None else output.clamp(0, 1)


def _checked(codes, labels):
    """Codes (n, 2) as float32 and their labels (n,) as integers from 0 to 9."""
    codes, labels = np.asarray(codes, dtype=np.float32), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2 or len(codes) == 0:
        raise ValueError(f"expected codes (n, 2), the points of a plane, found shape {codes.shape}")
    if len(codes) != len(labels):
        raise ValueError(f"expected one label for each code, found {len(codes):,} codes and {len(labels):,} labels")
    if not np.isfinite(codes).all():
        raise ValueError("expected finite codes, found NaN or infinity; did the training diverge?")
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"expected labels from 0 to 9, found {labels.min()} to {labels.max()}")
    return codes, labels.astype(np.uint8)


def _names(codes, labels, gap):
    """Each digit's name at the median of its codes, or beside it where two names would overlap."""
    digits = np.unique(labels)
    medians = [np.median(codes[labels == digit], axis=0) for digit in digits]
    return [_name(x, y, digit) for digit, (x, y) in zip(digits, spread(medians, gap))]


def _name(x, y, digit):
    return text(float(x), float(y), str(digit), align="center", size=18, bold=True)


def _side_by_side(images):
    """Images (n, 784) as the pixels of one picture, n · 28 wide."""
    return images.reshape(-1, 28, 28).swapaxes(0, 1).reshape(28, -1)


def _bytes(x):
    """Pixels (n, 784) from 0 to 1 as uint8 from 0 to 255: a quarter of the size on the way to the page."""
    return np.round(x.numpy() * 255).astype(np.uint8)


def _some(codes, dots):
    return slice(None, None, -(-len(codes) // dots))


def _plane(codes, labels, title, limit=None, width=4.8, dots=4000, **more):
    """The panel of a latent plane: at most ``dots`` codes, each digit's name, the circle of the prior."""
    limit = limit or _limit(codes)
    some = _some(codes, dots)
    marks = [points(*codes[some].T, labels[some], 3, 0.6), CIRCLE, *_names(codes, labels, 0.1 * limit)]
    words = (
        "The latent plane: codes coloured by digit, each digit's name among its codes, a dashed circle for the prior"
    )
    return _square(words, limit, width, marks, title=title, **more)


def _limit(codes):
    """How far a plane reaches, so that it holds the prior and nearly all codes."""
    return round(1.05 * max(float(np.quantile(np.abs(codes), 0.998)), 2.5), 1)


def _square(alt, limit, width, marks, **more):
    axes = {"xlim": (-limit, limit), "ylim": (-limit, limit), "width": width, "height": width, "equal": True}
    return panel(alt, **axes, marks=marks, xlabel="z₁", ylabel="z₂", **more)


def _frame(left, top):
    """The edge of a picture of 28 × 28."""
    return curve([left, left + 28, left + 28, left, left], [top, top, top + 28, top + 28, top], DIGIT_COLORS[2])


def _ring(z1, z2):
    """The place on a plane that the controls move."""
    return [points([z1], [z2], "white", 24, hollow=True), points([z1], [z2], INK, 20, hollow=True)]


def _pictures(alt, title, width, height, size):
    """A panel without axes, ``width`` × ``height`` pixels of images, ``size`` inches wide, y counted downwards."""
    return panel(alt, (0, width), (height, 0), size, size * height / width, title=title, bare=True)


class LatentExplorer(Explorer):
    """A point z on the plane of codes, and beside it what the decoder draws there. Drag, click, arrow keys, sliders.

    ``model``: a ``VAE``, ``Autoencoder`` or ``LinearVAE`` with two latent dimensions; ``codes`` (n, 2) and ``labels``
    (n,) are the background. With ``sample=True`` a draw from p(x|z) stands beside its mean (Bernoulli pixels only).
    Controls: ``z1``, ``z2`` (and ``draw``, which of ten sets of uniform numbers decides the sample).

    Raises ``ValueError`` for a decoder that the page cannot run, codes that are no plane, labels that do not fit.
    """

    def __init__(self, model, codes, labels, title="the latent plane", sample=False):
        self._codes, self._labels = _checked(codes, labels)
        if sample and model.noise_log_var is not None:
            raise ValueError("expected a model with Bernoulli pixels for sample=True, found Gaussian ones")
        plane = _plane(self._codes, self._labels, title, steers=["z1", "z2"])
        high = plane["xlim"][1]
        self._decoder = Decoder(model, high)
        step = 0.05 if high < 10 else round(high / 100, 1)
        controls = [slider(name, label, 0.0, -high, high, step) for name, label in (("z1", "z₁"), ("z2", "z₂"))]
        panels = [plane, _pictures("The mean image decoded at z", "mean of p(x|z)", 28, 28, 3.2)]
        self._uniform = None
        if sample:
            self._uniform = np.random.default_rng(0).random((10, 784), dtype=np.float32)
            controls.append(slider("draw", "draw", 0, 0, 9, 1, 0))
            panels.append(_pictures("A sample of black and white pixels", "one draw from p(x|z)", 28, 28, 3.2))
        super().__init__(
            "Latent explorer: a point on the plane and its decoded image",
            controls,
            panels,
            layers=self._decoder.layers,
            codes=self._codes,
            labels=self._labels,
            uniform=self._uniform,
        )

    @property
    def z(self):
        """The point, (z1, z2); set it to move there."""
        return self.z1, self.z2

    @z.setter
    def z(self, point):
        self.at(**dict(zip(("z1", "z2"), map(float, point), strict=True)))

    def update(self, z1, z2, draw=0):
        distance = np.hypot(self._codes[:, 0] - z1, self._codes[:, 1] - z2)
        nearest = int(distance.argmin())
        mean = self._decoder.mean([[z1, z2]])[0]
        marks = [_ring(z1, z2), [picture(mean, 0, 0, 28, 28)]]
        if self._uniform is not None:
            marks.append([picture((self._uniform[draw] < mean).astype(np.float32), 0, 0, 28, 28)])
        readout = (
            f"z = ({number(z1)}, {number(z2)}); the nearest code, {number(distance[nearest])} away, "
            f"is of a {self._labels[nearest]}"
        )
        return marks, readout


class ConditionalExplorer(Explorer):
    """A digit and a style z: the codes of that digit, the image decoded at z, and the same z for all ten digits.

    ``model``: a ``ConditionalVAE`` with two latent dimensions; ``codes`` (n, 2) and ``labels`` (n,): codes of images
    and their digits, at least one of each. Controls: ``digit`` (or click on one of the ten), ``z1``, ``z2``.

    Raises ``ValueError`` as ``LatentExplorer`` does, and for a model that takes no label.
    """

    def __init__(self, model, codes, labels, dots=600):
        if getattr(model, "classes", None) != 10:
            raise ValueError(
                f"expected a model that is told the digit (ConditionalVAE, 10 classes), found {type(model).__name__}; "
                "LatentExplorer shows a model that takes no label"
            )
        codes, labels = _checked(codes, labels)
        missing = sorted(set(range(10)) - set(labels.tolist()))
        if missing:
            raise ValueError(f"expected codes of every digit, found none of {', '.join(map(str, missing))}")
        self._codes = [codes[labels == digit] for digit in range(10)]
        self._dots = dots
        limit = _limit(codes)
        self._decoder = Decoder(model, limit, classes=10)
        words = "The plane of styles: codes of the chosen digit, a dashed circle for the prior, a ring at z"
        ten = _pictures(
            "The image decoded at z for each digit, the chosen one framed", "the same z for every digit", 150, 84, 4
        )
        ten |= {"steers": ["digit"], "picks": {"x": [x + 14 for x, _ in self._places()]}}
        ten["picks"]["y"] = [y + 14 for _, y in self._places()]
        ten["marks"] = [text(x + 14, y - 5, str(i), align="center") for i, (x, y) in enumerate(self._places())]
        panels = [
            _square(words, limit, 4.4, [CIRCLE], title="codes of this digit", steers=["z1", "z2"]),
            _pictures("The mean image of the digit at z", "mean of p(x|z, y)", 28, 28, 3),
            ten,
        ]
        controls = [slider("digit", "digit y", 2, 0, 9, 1, 0)]
        step = 0.05 if limit < 10 else round(limit / 100, 1)
        controls += [slider(name, label, 0.0, -limit, limit, step) for name, label in (("z1", "z₁"), ("z2", "z₂"))]
        super().__init__(
            "Conditional explorer: a digit, a style, and the image decoded from both",
            controls,
            panels,
            layers=self._decoder.layers,
            codes=self._codes,
            dots=dots,
        )

    @staticmethod
    def _places():
        """Left and top edge of each digit's image: two rows of five, its name above it."""
        return [(1 + 30 * (i % 5), 12 + 42 * (i // 5)) for i in range(10)]

    def update(self, digit, z1, z2):
        codes = self._codes[digit]
        nearest = np.hypot(codes[:, 0] - z1, codes[:, 1] - z2).min()
        decoded = self._decoder.mean([[z1, z2]] * 10, range(10))
        places = self._places()
        marks = [
            [points(*codes[_some(codes, self._dots)].T, DIGIT_COLORS[digit], 4, 0.8), *_ring(z1, z2)],
            [picture(decoded[digit], 0, 0, 28, 28)],
            [*(picture(decoded[i], x, y, 28, 28) for i, (x, y) in enumerate(places)), _frame(*places[digit])],
        ]
        readout = (
            f"digit {digit} at z = ({number(z1)}, {number(z2)}); the nearest code of a {digit} is "
            f"{number(nearest)} away"
        )
        return marks, readout


class PosteriorExplorer(Explorer):
    """One image, its distribution q(z|x) on the plane, ten draws of z from it, and what they decode to.

    ``images``: uint8 (n, 28, 28), ``codes`` (m, 2) and ``labels`` (m,) the background. The ellipse holds 95 % of
    q(z|x). Controls: ``image``, the position in ``images`` (or click on the plane: the image coded nearest);
    ``draw``, which ε is shown large.

    Raises ``ValueError`` as ``LatentExplorer`` does, and for a model without q(z|x), an autoencoder.
    """

    def __init__(self, model, images, codes, labels):
        codes, labels = _checked(codes, labels)
        x = as_pixels(images)
        with torch.no_grad():
            mu, log_var = model.encode(x)
        if log_var is None:
            raise ValueError("expected a model that encodes an image as mu and log_var, found one without log_var")
        self._decoder = Decoder(model)
        self._x = _bytes(x)
        self._mu, self._sigma = mu.numpy(), torch.exp(log_var / 2).numpy()
        self._eps = np.random.default_rng(0).standard_normal((10, 2))
        picks = {"x": self._mu[:, 0], "y": self._mu[:, 1]}
        panels = [
            _pictures("The image x", "the image x", 28, 28, 2.2),
            _plane(codes, labels, "q(z|x) on the plane", width=4.4, steers=["image"], picks=picks),
            _pictures(
                "The draw decoded, and below it all ten draws decoded", "decoded z; below, ten draws", 144, 156, 3
            ),
        ]
        controls = [slider("image", "image", 0, 0, len(x) - 1, 1, 0), slider("draw", "draw of ε", 0, 0, 9, 1, 0)]
        super().__init__(
            "Posterior explorer: an image, its q(z|x), and draws from it",
            controls,
            panels,
            layers=self._decoder.layers,
            x=self._x,
            mu=self._mu,
            sigma=self._sigma,
            eps=self._eps,
        )

    def update(self, image, draw):
        mu, sigma = self._mu[image], self._sigma[image]
        z = mu + sigma * self._eps
        decoded = self._decoder.mean(z)
        z1, z2 = z[draw]
        row, column = divmod(draw, 5)
        small = [picture(decoded[i], 2 + 28 * (i % 5), 98 + 28 * (i // 5), 28, 28) for i in range(10)]
        frame = _frame(2 + 28 * column, 98 + 28 * row)
        marks = [
            [picture(self._x[image], 0, 0, 28, 28)],
            [
                ellipse(*mu, *(RADIUS * sigma), "white", 5),
                ellipse(*mu, *(RADIUS * sigma), INK, 2),
                points(z[:, 0], z[:, 1], INK, 2.5),
                points([z1], [z2], DIGIT_COLORS[2], 6),
            ],
            [picture(decoded[draw], 30, 4, 84, 84), *small, frame],
        ]
        readout = (
            f"μ = ({number(mu[0])}, {number(mu[1])}), σ = ({number(sigma[0], 3)}, {number(sigma[1], 3)}); "
            f"this draw is z = ({number(z1)}, {number(z2)})"
        )
        return marks, readout


class WalkExplorer(Explorer):
    """A straight walk z(t) = (1 − t) z_a + t z_b between the codes of two images, under each of several models.

    ``models``: name → model (of any architecture and latent size: Python decodes the steps of the walk);
    ``pair``: two images, uint8 (2, 28, 28). Control: ``t`` from 0 to 1.
    """

    STEPS = 40

    def __init__(self, models, pair):
        t = torch.linspace(0, 1, self.STEPS + 1)[:, None]
        self._walks = []
        for model in models.values():
            with torch.no_grad():
                a, b = model.encode(as_pixels(pair))[0]
            self._walks.append(_bytes(_mean_image(model, (1 - t) * a + t * b)))
        panels = []
        for name, walk in zip(models, self._walks):
            strip = _pictures(f"{name}: nine pictures along the walk, and the one at t", name, 9 * 28 + 80, 62, 8.6)
            film = _side_by_side(walk[:: self.STEPS // 8])
            ends = [text(14, 54, "t = 0", align="center"), text(9 * 28 - 14, 54, "t = 1", align="center")]
            panels.append(strip | {"marks": [picture(film, 0, 14, 9 * 28, 28, columns=9 * 28), *ends]})
        controls = [slider("t", "t", 0.5, 0, 1, 1 / self.STEPS, 3)]
        super().__init__("A walk between two codes", controls, panels, stacked=True, walks=self._walks)

    def update(self, t):
        place = 14 + t * 8 * 28
        marker = [curve([place, place], [10, 46], DIGIT_COLORS[2]), text(place, 5, "t", DIGIT_COLORS[2], "center")]
        now = [picture(walk[int(t * self.STEPS + 0.5)], 9 * 28 + 18, 0, 62, 62) for walk in self._walks]
        readout = (
            f"t = {number(t, 3)}: {number(100 * (1 - t), 1)} % of the first code, {number(100 * t, 1)} % of the second"
        )
        return [[*marker, image] for image in now], readout


def snapshot_rows(images):
    """A panel of rows (images, the same rebuilt, two of samples from the prior) and the moving rows, by snapshot."""
    x = as_pixels(images)
    generator = torch.Generator().manual_seed(0)
    prior, eps = (torch.randn(n, 2, generator=generator) for n in (2 * len(x), len(x)))
    rows = {}
    for name in BETA_SNAPSHOTS.values():
        model = load_pretrained(name)
        with torch.no_grad():
            mu, log_var = model.encode(x)
        pictures = _bytes(_mean_image(model, torch.cat([reparameterize(mu, log_var, eps), prior])))
        rows[name] = [_side_by_side(row) for row in np.split(pictures, 3)]
    alt = "Rows: images, the same rebuilt, two rows of samples from the prior"
    names = ((14, "images"), (46, "rebuilt"), (92, "from\nthe prior"))
    marks = [text(56, y, words, align="right") for y, words in names] + [_row(_side_by_side(_bytes(x)), 0)]
    return _pictures(alt, "", 28 * len(x) + 60, 124, 5.4) | {"marks": marks}, rows


def rows_of(rows):
    """The rows that move, as pictures below that of the images."""
    return [_row(row, 32 + 30 * i) for i, row in enumerate(rows)]


def _row(pictures, top):
    return picture(pictures, 60, top, pictures.shape[1], 28, columns=pictures.shape[1])


class BetaExplorer(Explorer):
    """The shipped snapshots: codes, reconstructions, samples from the prior, rate and distortion change with beta.

    ``images``: a few images, uint8 (n, 28, 28), to reconstruct. Control: ``beta``, a key of ``BETA_SNAPSHOTS``.
    The plane is stretched to the codes; its range is written in it. Rate (KL) and distortion (reconstruction) are
    the manifest's, in nats per test image.
    """

    def __init__(self, images, dots=2000):
        labels = load_codes("vae").labels.numpy()
        some = _some(labels, dots)
        self._labels = labels[some].astype(np.uint8)
        panel_of_rows, rows = snapshot_rows(images)
        self._snapshots = [
            self._codes(name, labels, some) | {"rows": rows[name], "test": recipe(name)["test"]}
            for name in BETA_SNAPSHOTS.values()
        ]
        plane = panel(
            "Codes of test images, coloured by digit and stretched to the panel",
            *((-1, 1), (-1, 1)),
            *(4.2, 4.2),
            title="codes μ of test images",
            equal=True,
            xticks=[],
            yticks=[],
        )
        control = choice("beta", "β", 1, BETA_SNAPSHOTS)
        super().__init__(
            "Beta explorer: codes, reconstructions and samples for eight weights of the KL",
            [control],
            [plane, panel_of_rows],
            labels=self._labels,
            snapshots=self._snapshots,
        )

    @staticmethod
    def _codes(name, labels, some):
        codes = load_codes(name)
        limit = max(1.05 * codes.mu.abs().quantile(0.995).item(), 0.05)
        scaled = (codes.mu / limit).numpy()
        medians = [np.median(scaled[labels == digit], axis=0) for digit in range(10)]
        return {
            "limit": limit,
            "codes": scaled[some],
            "names": spread(medians, gap=0.1),
            "spread": codes.mu.std().item(),
            "sigma": torch.exp(codes.log_var / 2).mean().item(),
        }

    def update(self, beta):
        now = self._snapshots[list(BETA_SNAPSHOTS).index(beta)]
        plane = [
            points(*now["codes"].T, self._labels, 3, 0.6),
            *(_name(x, y, digit) for digit, (x, y) in enumerate(now["names"])),
            text(-0.97, 0.95, f"axes: {number(-now['limit'])} to {number(now['limit'])}"),
        ]
        test = now["test"]
        readout = (
            f"β = {beta:g}: rate (KL) {number(test['kl'], 1)}, distortion (reconstruction) {number(test['recon'], 1)}, "
            f"together {number(test['loss'], 1)} nats per test image; spread of the means {number(now['spread'])}, "
            f"mean σ {number(now['sigma'], 3)}"
        )
        return [plane, rows_of(now["rows"])], readout


class AggregatedPosteriorExplorer(Explorer):
    """All codes of MNIST's test images on one plane of fixed scale: their means, or one sample of each q(z|x).

    For the shipped models trained with β = 1, 10 and 30. Controls: ``shown`` ("means" or "samples"), ``beta``.
    The read-out's variances are over all 10,000 images; at most ``dots`` of them are drawn.
    """

    BETAS = (1, 10, 30)

    def __init__(self, dots=800):
        labels = load_codes("vae").labels.numpy()
        noise = np.random.default_rng(0).standard_normal((len(labels), 2), dtype=np.float32)
        self._planes = []
        for beta in self.BETAS:
            codes = load_codes(BETA_SNAPSHOTS[beta])
            mu, sigma = codes.mu.numpy(), torch.exp(codes.log_var / 2).numpy()
            self._planes += [self._plane(codes, labels, dots, beta) for codes in (mu, mu + sigma * noise)]
        self._labels = labels[_some(labels, dots)].astype(np.uint8)
        words = "Means or samples of the codes, coloured by digit; a dashed circle for the prior"
        plane = _square(words, 4.2, 4.8, [CIRCLE])
        controls = [
            choice("shown", "show", "means", ["means", "samples"], buttons=True),
            choice("beta", "β", 1, self.BETAS, buttons=True),
        ]
        label = "Means and samples of the codes, for three weights of the KL"
        super().__init__(label, controls, [plane], labels=self._labels, planes=self._planes)

    @staticmethod
    def _plane(codes, labels, dots, beta):
        digits = range(10) if beta < 30 else range(2)  # at 30 all names would fall on one another
        medians = [np.median(codes[labels == digit], axis=0) for digit in digits]
        names = spread(medians, gap=0.4) if beta < 30 else np.array(medians)
        return {"codes": codes[_some(labels, dots)], "names": names, "variance": codes.var(axis=0).tolist()}

    def update(self, shown, beta):
        now = self._planes[2 * self.BETAS.index(beta) + (shown == "samples")]
        names = [_name(x, y, digit) for digit, (x, y) in enumerate(now["names"])]
        names.append(text(-4, 3.9, f"β = {beta}: {shown}"))
        v1, v2 = now["variance"]
        readout = f"β = {beta}, {shown}: variance {number(v1)} in dimension 1, {number(v2)} in dimension 2"
        return [[points(*now["codes"].T, self._labels, 3, 0.6), *names]], readout
