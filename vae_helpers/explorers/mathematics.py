"""Explorers of the mathematics in notebooks 02 to 04: Gaussians, their KL, the ELBO, the ε cloud, baselines."""

import math

import numpy as np
import torch

from ..objectives import kl_divergence
from .base import (
    BLUE,
    BLUE_WORDS,
    GREY,
    INK,
    ORANGE,
    ORANGE_WORDS,
    RED,
    Explorer,
    area,
    bar,
    curve,
    number,
    panel,
    points,
    slider,
    text,
)

GRID = np.linspace(-20, 20, 2001)  # wide enough for the widest q
STEP = 0.02
ZEROS = np.zeros_like(GRID)
DARK_GREY = "#666666"  # for words: GREY is too light to read


def _log_normal(z, mu, variance):
    return -0.5 * (math.log(2 * math.pi * variance) + (z - mu) ** 2 / variance)


def _density(mu, variance):
    return np.exp(_log_normal(GRID, mu, variance))


def _kl_to_prior(mu, log_var):
    return kl_divergence(*torch.tensor([[mu], [log_var]], dtype=torch.float64)).item()


def _integral(values):
    return values.sum() * STEP


class GaussianKLExplorer(Explorer):
    """KL(N(μ, σ²) ‖ N(0, 1)) as an area: the integrand q(z) log(q(z)/p(z)), counted negative below the axis.

    Controls: ``mu``, ``log_var``.
    """

    def __init__(self):
        prior = [curve(GRID, _density(0, 1), GREY), text(-1.3, 0.36, "p(z) = N(0, 1)", DARK_GREY, "right")]
        top = panel(
            "Density of q, which moves, and of the standard normal p",
            *((-5, 5), (0, 1.7)),
            *(7.6, 2.3),
            marks=prior,
            ylabel="density",
        )
        bottom = panel(
            "The integrand q log(q/p): blue where it is positive, red where it is negative",
            *((-5, 5), (-0.6, 2.6)),
            *(7.6, 2.5),
            marks=[curve(GRID, ZEROS, INK, width=1)],
            xlabel="z",
            ylabel="q log(q/p)",
        )
        controls = [slider("mu", "μ", 1.0, -3, 3), slider("log_var", "log σ²", 0.0, -4, 2)]
        super().__init__("KL divergence from a Gaussian q to N(0, 1)", controls, [top, bottom], stacked=True)

    def update(self, mu, log_var):
        q = _density(mu, math.exp(log_var))
        integrand = q * (_log_normal(GRID, mu, math.exp(log_var)) - _log_normal(GRID, 0, 1))
        plus, minus = np.maximum(integrand, 0), np.minimum(integrand, 0)
        gain, loss = _integral(plus), _integral(minus)
        exact = _kl_to_prior(mu, log_var)
        marks = [
            [curve(GRID, q, BLUE), text(mu + 0.15, min(q.max(), 1.55) + 0.07, "q(z)", BLUE_WORDS)],
            [area(GRID, ZEROS, plus, BLUE), area(GRID, minus, ZEROS, RED)],
        ]
        readout = (
            f"blue area {number(gain, 3)} − red area {number(-loss, 3)} = {number(gain + loss, 3)}; "
            f"closed form {number(exact, 3)} nats"
        )
        return marks, readout


class TwoBumpsExplorer(Explorer):
    """One Gaussian q fitted by hand to a density p with two bumps, judged by KL(q‖p) and by KL(p‖q).

    p = ½ N(−2, 0.5²) + ½ N(2, 0.5²). Controls: ``mu``, ``sigma``.
    """

    def __init__(self):
        self._log_p = np.logaddexp(_log_normal(GRID, -2, 0.25), _log_normal(GRID, 2, 0.25)) - math.log(2)
        bumps = [area(GRID, ZEROS, np.exp(self._log_p), ORANGE, 0.3), text(-2, 0.46, "p(z)", ORANGE_WORDS, "center")]
        curves = panel(
            "The density p with two bumps, and one Gaussian q",
            *((-6, 6), (0, 0.95)),
            *(6.0, 3.6),
            marks=bumps,
            xlabel="z",
            ylabel="density",
        )
        bars = panel(
            "Two bars: KL of q from p, and KL of p from q",
            *((-0.6, 1.6), (0, 9)),
            *(3.0, 3.6),
            ylabel="nats",
            xticks=[[0, "KL(q‖p)"], [1, "KL(p‖q)"]],
        )
        controls = [slider("mu", "μ", 0.0, -3, 3), slider("sigma", "σ", 1.0, 0.45, 3)]
        super().__init__("One Gaussian fitted to two bumps", controls, [curves, bars])

    def update(self, mu, sigma):
        q = _density(mu, sigma**2)
        clue = _log_normal(GRID, mu, sigma**2) - self._log_p
        kls = [_integral(q * clue), _integral(-np.exp(self._log_p) * clue)]
        bars = [bar(i - 0.3, 0, 0.6, min(kl, 8), color) for i, (kl, color) in enumerate(zip(kls, (BLUE, ORANGE)))]
        values = [
            text(i, min(kl, 8) + 0.3, f"{number(kl, 2)}{' (cut)' if kl > 8 else ''}", align="center")
            for i, kl in enumerate(kls)
        ]
        marks = [[curve(GRID, q, BLUE), text(mu + 0.1, q.max() + 0.03, "q(z)", BLUE_WORDS)], [*bars, *values]]
        return marks, f"KL(q‖p) = {number(kls[0], 3)} nats, KL(p‖q) = {number(kls[1], 3)} nats"


class ElboExplorer(Explorer):
    """q against the posterior in a model where everything is exact: z ~ N(0, 1), x|z ~ N(z, 1), x = 1.

    The posterior is N(½, ½) and log p(x) = log N(1; 0, 2). The ELBO's bar reaches that line when q is the
    posterior; what is missing is KL(q ‖ p(z|x)). Controls: ``mu``, ``var``.
    """

    X = 1.0
    FLOOR = -5  # where the bar starts

    def __init__(self):
        self._log_px = _log_normal(self.X, 0, 2)
        known = [
            curve(GRID, _density(0, 1), GREY),
            text(-1.2, 0.3, "prior p(z)", DARK_GREY, "right"),
            area(GRID, ZEROS, _density(0.5, 0.5), ORANGE, 0.3),
            text(1.3, 0.42, "posterior\np(z|x)", ORANGE_WORDS),
        ]
        curves = panel(
            "The prior, the posterior, and q, which moves",
            *((-4, 4), (0, 1.3)),
            *(5.6, 3.8),
            marks=known,
            xlabel="z",
            ylabel="density",
        )
        line = [
            curve([-0.5, 1.75], [self._log_px] * 2, INK, width=1, dash=True),
            text(-0.45, self._log_px + 0.14, f"log p(x) = {number(self._log_px, 3)}"),
        ]
        bars = panel(
            "The ELBO as a bar, and the gap up to the line of log p(x)",
            *((-0.5, 1.75), (self.FLOOR, -1)),
            *(3.2, 3.8),
            marks=line,
            ylabel="nats",
            xticks=[],
        )
        controls = [slider("mu", "mean of q", -1.0, -2, 2), slider("var", "variance of q", 1.0, 0.05, 2)]
        super().__init__("The ELBO and log p(x)", controls, [curves, bars])

    def update(self, mu, var):
        recon = 0.5 * (math.log(2 * math.pi) + (self.X - mu) ** 2 + var)
        kl = _kl_to_prior(mu, math.log(var))
        elbo = -recon - kl
        gap = self._log_px - elbo
        top = max(elbo, self.FLOOR)
        bars = [
            bar(-0.22, self.FLOOR, 0.44, top - self.FLOOR, BLUE),
            bar(-0.22, top, 0.44, self._log_px - top, RED, 0.5),
        ]
        words = "ELBO" if elbo > self.FLOOR else f"ELBO {number(elbo, 1)}:\nbelow this axis"
        bars.append(text(0.26, max((top + self.FLOOR) / 2, self.FLOOR + 0.25), words, BLUE_WORDS))
        if gap > 0.15:
            bars.append(text(0.26, (self._log_px + top) / 2, "gap =\nKL(q(z|x)‖p(z|x))", RED))
        name = text(mu + 0.1, min(0.4 / math.sqrt(var) + 0.04, 1.24), "q(z|x)", BLUE_WORDS)
        touch = ": they touch, q is the posterior" if gap < 1e-9 else ""
        readout = f"ELBO {number(elbo, 4)} + gap {number(gap, 4)} = log p(x) {number(self._log_px, 4)}{touch}"
        return [[curve(GRID, _density(mu, var), BLUE), name], bars], readout


class ReparameterizationExplorer(Explorer):
    """The ε cloud stays; μ and σ move the z cloud: z = μ + σ ε, point by point.

    Controls: ``mu1``, ``mu2``, ``log_var1``, ``log_var2``. ``eps``: the cloud, (n, 2); six of its points are named.
    """

    def __init__(self, n=250):
        self._eps = np.random.default_rng(0).standard_normal((n, 2))
        angle = np.arange(6) * np.pi / 3 + 0.3
        ring = 1.4 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        self._letters = self._eps[[np.argmin(np.linalg.norm(self._eps - place, axis=1)) for place in ring]]
        limits = {"xlim": (-6, 6), "ylim": (-6, 6), "width": 4.4, "height": 4.6, "equal": True}
        left = panel(
            "The cloud of epsilon, which never moves",
            **limits,
            marks=self._cloud(np.zeros(2), np.ones(2)),
            title="ε ~ N(0, I): drawn once",
            xlabel="ε₁",
            ylabel="ε₂",
        )
        right = panel(
            "The cloud of z = mu + sigma times epsilon",
            **limits,
            title="z = μ + σ ε: moves",
            xlabel="z₁",
            ylabel="z₂",
            steers=["mu1", "mu2"],
        )
        controls = [
            slider("mu1", "μ₁", 0.0, -3, 3),
            slider("mu2", "μ₂", 0.0, -3, 3),
            slider("log_var1", "log σ₁²", 0.0, -4, 2),
            slider("log_var2", "log σ₂²", 0.0, -4, 2),
        ]
        clouds = {"eps": self._eps, "letters": self._letters}
        super().__init__("A cloud moved by μ and σ", controls, [left, right], **clouds)

    def _cloud(self, mu, sigma):
        (x, y), (a, b) = (mu + sigma * self._eps).T, (mu + sigma * self._letters).T
        names = [text(place[0] + 0.2, place[1] + 0.2, letter, bold=True) for letter, place in zip("abcdef", zip(a, b))]
        return [points(x, y, GREY, 3), points(a, b, BLUE, 7), *names]

    def update(self, mu1, mu2, log_var1, log_var2):
        mu, sigma = np.array([mu1, mu2]), np.exp(np.array([log_var1, log_var2]) / 2)
        centre = [curve([mu1 - 0.3, mu1 + 0.3], [mu2, mu2], RED), curve([mu1, mu1], [mu2 - 0.3, mu2 + 0.3], RED)]
        readout = f"μ = ({number(mu1)}, {number(mu2)}), σ = ({number(sigma[0])}, {number(sigma[1])}); ε has not changed"
        return [[], [*self._cloud(mu, sigma), *centre]], readout


class BaselineExplorer(Explorer):
    """Score-function estimates (z² − b)(z − μ) of d/dμ E[z²] = 2 at μ = σ = 1, as the baseline b moves.

    The variance of one estimate is 30 − 8b + b². Control: ``b``.
    """

    def __init__(self, draws=150):
        self._z = 1 + np.random.default_rng(0).standard_normal(draws)
        self._line = np.linspace(-2, 4, 200)
        truth = [
            curve([-2, 4], [2, 2], DARK_GREY, width=1, dash=True),
            text(3.9, 3.3, "truth: 2", DARK_GREY, "right"),
        ]
        axes = panel(
            "Estimates against draws: dots on a curve that b bends; a dashed line at the truth, 2",
            *((-2, 4), (-15, 25)),
            *(7.0, 3.6),
            marks=truth,
            xlabel="draw z",
            ylabel="estimate (z² − b)(z − μ)",
        )
        super().__init__(
            "A baseline for the score-function gradient",
            [slider("b", "baseline b", 0.0, 0, 8, 0.1, 1)],
            [axes],
            z=self._z,
        )

    def update(self, b):
        def estimate(z):
            return (z**2 - b) * (z - 1)

        marks = [curve(self._line, estimate(self._line), ORANGE), points(self._z, estimate(self._z), BLUE, 5)]
        variance = number(30 - 8 * b + b**2, 2)
        return [marks], f"b = {number(b, 1)}: one-sample variance 30 − 8b + b² = {variance}"


class SwappedCrossEntropyExplorer(Explorer):
    """The cross-entropy of one pixel x against the prediction p, and what is computed when the two are exchanged.

    Control: ``x``.
    """

    def __init__(self):
        self._p = 1 / (1 + np.exp(-np.linspace(-12, 12, 601)))
        names = [
            text(0.5, 3.15, "right order: target x", BLUE_WORDS, "center"),
            text(0.5, 2.8, "exchanged: target p", ORANGE_WORDS, "center"),
        ]
        axes = panel(
            "Cross-entropy against the prediction p: a valley in the right order, a straight line when exchanged",
            *((-0.02, 1.02), (0, 3.5)),
            *(7.0, 3.6),
            marks=names,
            xlabel="prediction p",
            ylabel="nats",
        )
        super().__init__(
            "The cross-entropy, and with its arguments exchanged", [slider("x", "pixel x", 0.3, 0.05, 0.95)], [axes]
        )

    def update(self, x):
        p = self._p
        losses = [-(x * np.log(p) + (1 - x) * np.log(1 - p)), -(p * math.log(x) + (1 - p) * math.log(1 - x))]
        best = [int(loss.argmin()) for loss in losses]
        flat = abs(x - 0.5) < 1e-6
        marks = [curve(p, loss, color) for loss, color in zip(losses, (BLUE, ORANGE))]
        for i in (0,) if flat else (0, 1):
            marks.append(points([p[best[i]]], [losses[i][best[i]]], (BLUE, ORANGE)[i], 11))
        other = "every p is as good" if flat else f"least at p = {number(p[best[1]])}"
        return [marks], f"x = {number(x)}: least at p = {number(p[best[0]])}; exchanged: {other}"
