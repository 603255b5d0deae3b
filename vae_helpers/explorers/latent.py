"""Explorers of a trained model: its latent plane, its posteriors, its walks, and what beta does to it."""

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from ..figures import DIGIT_COLORS, INK, name_digit, plot_latent_space, spread
from ..models import as_pixels
from ..pretrained import BETA_SNAPSHOTS, load_codes, load_pretrained
from .base import Explorer, slider


def _mean_image(model, z):
    with torch.no_grad():
        return torch.sigmoid(model.decode(torch.as_tensor(z, dtype=torch.float32))).reshape(-1, 28, 28).numpy()


def _digit(ax, title):
    """An empty 28 × 28 picture to be filled by ``set_data``, ink dark on white."""
    image = ax.imshow(np.zeros((28, 28)), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)
    return image


class LatentExplorer(Explorer):
    """Two sliders move a point z over the plane of codes; beside it stands what the decoder draws there.

    ``model`` has two latent dimensions; ``codes`` (n, 2) and ``labels`` (n,) are the background.
    Controls: ``z1``, ``z2``.
    """

    def __init__(self, model, codes, labels, title="the latent plane"):
        fig = Figure(figsize=(8.6, 4.6), layout="constrained")
        plane, picture = fig.subplots(1, 2, width_ratios=[1.35, 1])
        plot_latent_space(codes, labels, title, ax=plane)
        (cursor,) = plane.plot([], [], "o", ms=11, mfc="none", mec=INK, mew=2.5)
        image = _digit(picture, "mean of p(x|z)")
        nearest = torch.as_tensor(codes, dtype=torch.float32)
        labels = np.asarray(labels)

        def update(z1, z2):
            cursor.set_data([z1], [z2])
            image.set_data(_mean_image(model, [[z1, z2]])[0])
            distance, index = (nearest - torch.tensor([z1, z2])).norm(dim=1).min(dim=0)
            return f"z = ({z1:.2f}, {z2:.2f}); the nearest code, {distance:.2f} away, is of a {labels[index]}"

        low, high = plane.get_xlim()
        step = 0.05 if high < 10 else round(high / 100, 1)
        controls = {name: slider(label, 0.0, low, high, step) for name, label in (("z1", "z₁"), ("z2", "z₂"))}
        super().__init__(fig, [cursor, image], controls, update)


class PosteriorExplorer(Explorer):
    """One image, its distribution q(z|x) on the plane, one draw of z from it, and that z decoded.

    ``images``: uint8 (n, 28, 28), ``codes`` (m, 2) and ``labels`` (m,) the background.
    Controls: ``image``, the position in ``images``; ``draw``, which ε is used. The ellipse holds 95 % of q(z|x).
    """

    def __init__(self, model, images, codes, labels):
        x = as_pixels(images)
        with torch.no_grad():
            mu, log_var = model.encode(x)
        sigma = torch.exp(log_var / 2)
        eps = torch.randn(30, mu.shape[1], generator=torch.Generator().manual_seed(0))
        fig = Figure(figsize=(9.6, 4.2), layout="constrained")
        left, plane, right = fig.subplots(1, 3, width_ratios=[1, 1.7, 1])
        source, decoded = _digit(left, "the image x"), _digit(right, "decoded z")
        plot_latent_space(codes, labels, "q(z|x) on the plane", ax=plane)
        ellipse = plane.add_patch(Ellipse((0, 0), 1, 1, fc="none", ec=INK, lw=2))
        (point,) = plane.plot([], [], "o", ms=4, color=INK)

        def update(image, draw):
            z = mu[image] + sigma[image] * eps[draw]
            source.set_data(x[image].reshape(28, 28).numpy())
            ellipse.set_center(mu[image].tolist())
            ellipse.set_width(2 * 2.448 * float(sigma[image, 0]))
            ellipse.set_height(2 * 2.448 * float(sigma[image, 1]))
            point.set_data([z[0].item()], [z[1].item()])
            decoded.set_data(_mean_image(model, z[None])[0])
            (m1, m2), (s1, s2) = mu[image], sigma[image]
            return f"μ = ({m1:.2f}, {m2:.2f}), σ = ({s1:.3f}, {s2:.3f}); this draw is z = ({z[0]:.2f}, {z[1]:.2f})"

        controls = {
            "image": widgets.IntSlider(description="image", min=0, max=len(x) - 1),
            "draw": widgets.IntSlider(description="draw of ε", min=0, max=len(eps) - 1),
        }
        super().__init__(fig, [source, ellipse, point, decoded], controls, update)


class WalkExplorer(Explorer):
    """A straight walk z(t) = (1 − t) z_a + t z_b between the codes of two images, under each of several models.

    ``models``: name → model; ``pair``: two images, uint8 (2, 28, 28). Control: ``t`` from 0 to 1.
    """

    def __init__(self, models, pair, frames=9):
        with torch.no_grad():
            ends = {name: model.encode(as_pixels(pair))[0] for name, model in models.items()}
        fig = Figure(figsize=(9.6, 1.9 * len(models)), layout="constrained")
        axes = fig.subplots(len(models), 2, squeeze=False, width_ratios=[frames, 2.2])
        moving = []

        def at(name, t):
            a, b = ends[name]
            t = torch.as_tensor(t)[:, None]
            return _mean_image(models[name], (1 - t) * a + t * b)

        for (strip, now), name in zip(axes, models):
            film = at(name, np.linspace(0, 1, frames, dtype=np.float32))
            strip.imshow(
                np.hstack(film),
                cmap="gray_r",
                vmin=0,
                vmax=1,
                extent=(-0.5 / (frames - 1), 1 + 0.5 / (frames - 1), 0, 1),
                aspect="auto",
            )
            strip.set(yticks=[], xticks=[0, 0.25, 0.5, 0.75, 1], title=name)
            strip.set_xlabel("t")
            moving += [strip.axvline(0, color=DIGIT_COLORS[2], lw=2), _digit(now, "here")]

        def update(t):
            for name, line, image in zip(models, moving[::2], moving[1::2]):
                line.set_xdata([t, t])
                image.set_data(at(name, np.float32([t]))[0])
            return f"t = {t:.2f}: {1 - t:.0%} of the first code, {t:.0%} of the second"

        super().__init__(fig, moving, {"t": slider("t", 0.5, 0, 1, 0.02)}, update)


class BetaExplorer(Explorer):
    """The shipped snapshots: codes, reconstructions and samples from the prior change together with beta.

    ``images``: a few images, uint8 (n, 28, 28), to reconstruct. Control: ``beta``, a key of ``BETA_SNAPSHOTS``.
    """

    def __init__(self, images):
        x = as_pixels(images)
        generator = torch.Generator().manual_seed(0)
        prior, eps = (torch.randn(n, 2, generator=generator) for n in (2 * len(x), len(x)))
        self._models = {beta: load_pretrained(name) for beta, name in BETA_SNAPSHOTS.items()}
        self._codes = {beta: load_codes(name) for beta, name in BETA_SNAPSHOTS.items()}
        fig = Figure(figsize=(9.6, 4.4), layout="constrained")
        plane, right = fig.subplots(1, 2, width_ratios=[1, 1.25])
        labels = self._codes[1].labels[:3000].numpy()
        dots = plane.scatter(
            np.zeros(len(labels)), np.zeros(len(labels)), s=4, c=np.array(DIGIT_COLORS)[labels], alpha=0.6, linewidths=0
        )
        names = [name_digit(plane, 0, 0, digit) for digit in range(10)]
        scale = plane.text(0.02, 0.98, "", transform=plane.transAxes, va="top")
        plane.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[], yticks=[], aspect="equal", title="codes μ of test images")
        canvas = right.imshow(np.zeros((4 * 28, len(x) * 28)), cmap="gray_r", vmin=0, vmax=1)
        right.set(xticks=[], yticks=[0.5 * 28, 1.5 * 28, 3 * 28])
        right.set_yticklabels(["images", "rebuilt", "from\nthe prior"])
        right.tick_params(length=0)
        right.spines[:].set_visible(False)

        def row(pictures):
            return np.hstack(np.asarray(pictures).reshape(-1, 28, 28))

        def update(beta):
            model, codes = self._models[beta], self._codes[beta]
            limit = max(1.05 * codes.mu.abs().quantile(0.995).item(), 0.05)
            dots.set_offsets((codes.mu[:3000] / limit).numpy())
            medians = [codes.mu[codes.labels == digit].median(dim=0).values.numpy() / limit for digit in range(10)]
            for text, position in zip(names, spread(medians, gap=0.1)):
                text.set_position(position)
            scale.set_text(f"axes: −{limit:.2g} to {limit:.2g}")
            with torch.no_grad():
                mu, log_var = model.encode(x)
            rebuilt = _mean_image(model, mu + torch.exp(log_var / 2) * eps)
            drawn = _mean_image(model, prior)
            canvas.set_data(np.vstack([row(x), row(rebuilt), row(drawn[: len(x)]), row(drawn[len(x) :])]))
            sigma = torch.exp(codes.log_var / 2)
            return f"β = {beta:g}: spread of the means {codes.mu.std():.2f}, mean σ {sigma.mean():.3f}"

        control = widgets.SelectionSlider(
            options=[(f"{beta:g}", beta) for beta in BETA_SNAPSHOTS],
            value=1,
            description="β",
            layout={"width": "370px"},
        )
        super().__init__(fig, [dots, *names, scale, canvas], {"beta": control}, update)
