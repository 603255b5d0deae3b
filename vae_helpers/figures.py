"""One function a picture. Each returns a matplotlib Figure; ``show(fig, alt=...)`` puts it into the notebook.

Colours are matplotlib's ``petroff10`` cycle, chosen for colour-blind readers (Petroff 2021); digits are also
named on the plot, so that no figure is read by colour alone.
"""

import io

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from matplotlib import patheffects
from matplotlib.figure import Figure
from PIL import Image

DIGIT_COLORS = [
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
]
INK = "#222222"
RADIUS = 2.448  # √(−2 ln 0.05): the circle that holds 95 % of N(0, I) in two dimensions
STYLE = {
    "figure.dpi": 100,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=DIGIT_COLORS),
    "legend.frameon": False,
}
plt.rcParams.update(STYLE)


def show(fig, alt):
    """Show ``fig`` in the notebook with ``alt``, one sentence saying what there is to see, and close it.

    The sentence is stored beside the picture for screen readers and for text-only front ends.
    Raises ``ValueError`` for a sentence too short to say anything.
    """
    if len(alt) < 20:
        raise ValueError(f"expected an alt text that says what the figure shows (20 characters or more), found {alt!r}")
    display({"image/png": png(fig), "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})
    plt.close(fig)


def png(fig):
    """The figure as the bytes of a PNG file, cropped to what is drawn, in 256 colours (a third of the size)."""
    full, small = io.BytesIO(), io.BytesIO()
    fig.savefig(full, format="png", dpi=100, bbox_inches="tight", facecolor="white")
    Image.open(full).convert("RGB").quantize(256).save(small, "png", optimize=True)
    return small.getvalue()


def plot_images(images, columns=10, titles=None, row_labels=None, size=0.8):
    """Images (n, 28, 28) or (n, 784) in reading order, ink dark on white; values are not rescaled.

    uint8 is read as 0 to 255, floats as 0 to 1. ``titles``: one short text an image; ``row_labels``: one a row;
    ``size``: inches an image. Raises ``ValueError`` for no image, floats far above 1, and titles of another number.
    """
    images = np.asarray(images)
    top = 255 if images.dtype == np.uint8 else 1
    if images.size == 0 or images.max() > 2 * top:
        found = f"{images.max():.3g} ({images.dtype})" if images.size else "no image"
        raise ValueError(f"expected images of floats from 0 to 1, or of uint8 from 0 to 255, found {found}")
    images = images.reshape(-1, 28, 28)
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"expected a title for each of {len(images)} images, found {len(titles)}")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = size * (1.25 if titles is not None else 1)
    fig = Figure(figsize=(columns * size, rows * height))
    axes = fig.subplots(
        rows, columns, squeeze=False, gridspec_kw={"wspace": 0.06, "hspace": 0.45 if titles is not None else 0.06}
    )
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, image) in enumerate(zip(axes.flat, images)):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=top, interpolation="nearest")
        if titles is not None:
            ax.set_title(titles[i], fontsize=10, pad=3)
    for ax, label in zip(axes[:, 0], row_labels or []):
        ax.text(-3, 13.5, label, ha="right", va="center", fontsize=11)
    return fig


def plot_reconstructions(images, *reconstructions, labels=("image", "reconstruction")):
    """A row of images (n, 784) above one row for each array of reconstructions (n, 784), values in [0, 1]."""
    rows = [np.asarray(row).reshape(len(images), -1) for row in (images, *reconstructions)]
    return plot_images(np.concatenate(rows), columns=len(images), row_labels=list(labels))


def plot_latent_space(codes, labels, title="", ax=None, limit=None, dots=4000):
    """Codes (n, 2) coloured by ``labels`` (n,), each digit's name at the median of its codes
    (or beside it, where two names would overlap).

    Of many codes only every k-th is drawn, at most ``dots``, so that they stay apart. The dashed circle holds
    95 % of the prior N(0, I) (radius √(−2 ln 0.05) ≈ 2.45). ``limit``: half the axes' width; chosen from the codes
    when not given. Raises ``ValueError`` for codes of another shape and labels that are no digits or too few.
    """
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"expected codes (n, 2), which a plane can show, found {codes.shape}")
    if not np.isin(labels, range(10)).all():
        raise ValueError(f"expected digits from 0 to 9 as labels, found {labels.min()} to {labels.max()}")
    if len(codes) != len(labels):
        raise ValueError(f"expected one label for each code, found {len(codes):,} codes and {len(labels):,} labels")
    if ax is None:
        ax = Figure(figsize=(5.4, 5.4)).subplots()
    if limit is None:
        limit = 1.05 * max(np.quantile(np.abs(codes), 0.998), 2.5)
    some = slice(None, None, -(-len(codes) // dots))
    ax.scatter(*codes[some].T, s=5, c=np.array(DIGIT_COLORS)[labels[some]], alpha=0.6, linewidths=0)
    angle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(RADIUS * np.cos(angle), RADIUS * np.sin(angle), color=INK, lw=1, ls="--")
    names = np.unique(labels)
    medians = [np.median(codes[labels == digit], axis=0) for digit in names]
    for digit, (x, y) in zip(names, spread(medians, gap=0.1 * limit)):
        name_digit(ax, x, y, digit)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="$z_1$", ylabel="$z_2$", title=title)
    return ax.figure


def spread(points, gap):
    """Points (n, 2) moved as little as it takes to keep them ``gap`` apart, so that no name covers another."""
    points = np.array(points, dtype=float)
    points += 1e-3 * gap * np.stack([np.cos(range(len(points))), np.sin(range(len(points)))], axis=1)  # no two equal
    for _ in range(200):
        away = points[:, None] - points[None]
        distance = np.linalg.norm(away, axis=2) + np.eye(len(points)) * gap
        push = np.maximum(gap - distance, 0) / distance / 4
        points += (push[:, :, None] * away).sum(axis=1)
    return points


def name_digit(ax, x, y, digit):
    """Write the digit at (x, y) with a white halo, so that it reads on any colour; returns the text."""
    text = ax.text(x, y, str(digit), fontsize=15, fontweight="bold", ha="center", va="center", color=INK)
    text.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])
    return text


@torch.no_grad()
def plot_manifold(model, n=15, coverage=0.95):
    """Mean images p(x|z) on an n × n grid of z, spaced by the quantiles of the prior and oriented as the plane is.

    z₁ grows to the right, z₂ upwards; the grid spans the central ``coverage`` of the prior in each dimension.
    """
    tail = (1 - coverage) / 2
    values = torch.distributions.Normal(0, 1).icdf(torch.linspace(tail, 1 - tail, n))
    z = torch.cartesian_prod(values.flip(0), values).flip(1)  # rows from the top: z2 falls, z1 rises
    mean = torch.sigmoid(model.decode(z)).reshape(n, n, 28, 28)
    ax = Figure(figsize=(6.4, 6.4)).subplots()
    ax.imshow(mean.permute(0, 2, 1, 3).reshape(n * 28, n * 28).numpy(), cmap="gray_r", vmin=0, vmax=1)
    ticks = np.round(np.linspace(0, n - 1, 5)).astype(int)
    ax.set_xticks(ticks * 28 + 14, [f"{values[i]:.1f}".replace("-", "−") for i in ticks])
    ax.set_yticks((n - 1 - ticks) * 28 + 14, [f"{values[i]:.1f}".replace("-", "−") for i in ticks])
    ax.spines[:].set_visible(False)
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    return ax.figure


def plot_history(history):
    """Training loss, and test loss where it was measured, in nats per image against the epoch.

    Raises ``ValueError`` for a history without an epoch.
    """
    if not history.loss:
        raise ValueError("expected a history of one whole epoch at least, found none: train longer")
    ax = Figure(figsize=(6, 3.4)).subplots()
    epochs = np.arange(1, len(history.loss) + 1)
    curves = {"train": history.loss}
    if history.test:
        curves["test"] = [evaluation.loss for evaluation in history.test]
    highest = max(values[-1] for values in curves.values())
    for (name, values), color in zip(curves.items(), (DIGIT_COLORS[0], DIGIT_COLORS[6])):
        ax.plot(epochs[: len(values)], values, marker="o", ms=4, color=color)
        ax.annotate(
            f"{name} {values[-1]:.1f}",
            (epochs[-1], values[-1]),
            color=color,
            va="bottom" if values[-1] == highest else "top",
            xytext=(8, 0),
            textcoords="offset points",
            annotation_clip=False,
        )
    ax.set(xlabel="epoch", ylabel="loss (nats per image)", xticks=epochs[:: max(1, len(epochs) // 10)])
    return ax.figure
