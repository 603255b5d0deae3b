"""Explorers of the mathematics in notebooks 02 and 03: Gaussians, their KL, the ELBO, the ε cloud."""

import math

import numpy as np
import torch
from matplotlib.figure import Figure

from ..figures import DIGIT_COLORS, INK
from ..objectives import kl_divergence
from .base import Explorer, slider

BLUE, ORANGE, RED, GREY = DIGIT_COLORS[0], DIGIT_COLORS[6], DIGIT_COLORS[2], DIGIT_COLORS[3]
GRID = np.linspace(-9, 9, 3601)
STEP = GRID[1] - GRID[0]


def _log_normal(z, mu, var):
    return -0.5 * (math.log(2 * math.pi * var) + (z - mu) ** 2 / var)


def _fill(area, low, high):
    """Give a ``fill_between`` area new edges, without drawing it anew."""
    area.set_data(GRID, low, high)


def _integral(values):
    return values.sum() * STEP


class GaussianKLExplorer(Explorer):
    """KL(N(μ, σ²) ‖ N(0, 1)) as an area: the integrand q(z) log(q(z)/p(z)), counted negative below the axis.

    Controls: ``mu``, ``log_var``.
    """

    def __init__(self):
        fig = Figure(figsize=(7.6, 4.8), layout="constrained")
        top, bottom = fig.subplots(2, 1, sharex=True)
        top.plot(GRID, np.exp(_log_normal(GRID, 0, 1)), color=ORANGE)
        top.text(-2.1, 0.2, "p(z) = N(0, 1)", color=ORANGE, ha="right")
        (q_curve,) = top.plot([], [], color=BLUE)
        q_name = top.text(0, 0, "q(z)", color=BLUE)
        top.set(xlim=(-5, 5), ylim=(0, 1.7), ylabel="density")
        bottom.axhline(0, color=INK, lw=0.8)
        plus = bottom.fill_between(GRID, 0, 0, color=BLUE, alpha=0.45, lw=0)
        minus = bottom.fill_between(GRID, 0, 0, color=RED, alpha=0.45, lw=0)
        bottom.set(xlabel="z", ylabel="q log(q/p)", ylim=(-0.6, 2.6))

        def update(mu, log_var):
            log_q, log_p = _log_normal(GRID, mu, math.exp(log_var)), _log_normal(GRID, 0, 1)
            q, integrand = np.exp(log_q), np.exp(log_q) * (log_q - log_p)
            q_curve.set_data(GRID, q)
            q_name.set_position((mu + 0.15, min(q.max(), 1.6)))
            _fill(plus, 0, np.maximum(integrand, 0))
            _fill(minus, np.minimum(integrand, 0), 0)
            exact = kl_divergence(torch.tensor([mu]), torch.tensor([log_var])).item()
            gain, loss = _integral(np.maximum(integrand, 0)), _integral(np.minimum(integrand, 0))
            return f"blue area {gain:.3f} − red area {-loss:.3f} = {gain + loss:.3f};  closed form {exact:.3f} nats"

        controls = {"mu": slider("μ", 1.0, -3, 3), "log_var": slider("log σ²", 0.0, -4, 2)}
        super().__init__(fig, [q_curve, q_name, plus, minus], controls, update)


class TwoBumpsExplorer(Explorer):
    """One Gaussian q fitted by hand to a density p with two bumps, judged by KL(q‖p) and by KL(p‖q).

    p = ½ N(−2, 0.5²) + ½ N(2, 0.5²). Controls: ``mu``, ``sigma``.
    """

    def __init__(self):
        log_p = np.logaddexp(_log_normal(GRID, -2, 0.25), _log_normal(GRID, 2, 0.25)) - math.log(2)
        fig = Figure(figsize=(8.8, 3.6), layout="constrained")
        curves, bars = fig.subplots(1, 2, width_ratios=[2.2, 1])
        curves.fill_between(GRID, 0, np.exp(log_p), color=ORANGE, alpha=0.3, lw=0)
        curves.text(-2, 0.42, "p(z)", color=ORANGE, ha="center")
        (q_curve,) = curves.plot([], [], color=BLUE)
        q_name = curves.text(0, 0, "q(z)", color=BLUE)
        curves.set(xlim=(-6, 6), ylim=(0, 0.95), xlabel="z", ylabel="density")
        heights = bars.bar(["KL(q‖p)", "KL(p‖q)"], [0, 0], color=[BLUE, ORANGE], width=0.6)
        bars.set(ylim=(0, 8), ylabel="nats (cut off at 8)")

        def update(mu, sigma):
            log_q = _log_normal(GRID, mu, sigma**2)
            kls = [_integral(np.exp(a) * (a - b)) for a, b in ((log_q, log_p), (log_p, log_q))]
            q_curve.set_data(GRID, np.exp(log_q))
            q_name.set_position((mu + 0.1, np.exp(log_q).max() + 0.02))
            for bar, kl in zip(heights, kls):
                bar.set_height(min(kl, 8))
            return f"KL(q‖p) = {kls[0]:.3f} nats, KL(p‖q) = {kls[1]:.3f} nats"

        controls = {"mu": slider("μ", 0.0, -3, 3), "sigma": slider("σ", 1.0, 0.45, 3)}
        super().__init__(fig, [q_curve, q_name, *heights], controls, update)


class ElboExplorer(Explorer):
    """q against the posterior in a model where everything is exact: z ~ N(0, 1), x|z ~ N(z, 1), x = 1.

    The posterior is N(½, ½) and log p(x) = log N(1; 0, 2). The ELBO's bar reaches that line when q is the
    posterior; what is missing is KL(q ‖ p(z|x)). Controls: ``mu``, ``var``.
    """

    X = 1.0

    def __init__(self):
        log_px = _log_normal(self.X, 0, 2)
        fig = Figure(figsize=(8.8, 3.8), layout="constrained")
        curves, bars = fig.subplots(1, 2, width_ratios=[1.8, 1])
        curves.plot(GRID, np.exp(_log_normal(GRID, 0, 1)), color=GREY)
        curves.text(-1.3, 0.26, "prior p(z)", color="#717581", ha="right")
        curves.fill_between(GRID, 0, np.exp(_log_normal(GRID, 0.5, 0.5)), color=ORANGE, alpha=0.3, lw=0)
        curves.text(1.3, 0.42, "posterior p(z|x)", color=ORANGE)
        (q_curve,) = curves.plot([], [], color=BLUE, lw=2)
        q_name = curves.text(0, 0, "q(z|x)", color=BLUE)
        curves.set(xlim=(-4, 4), ylim=(0, 1.3), xlabel="z", ylabel="density")
        bars.axhline(log_px, color=INK, ls="--", lw=1)
        bars.text(-0.45, log_px + 0.06, f"log p(x) = −{-log_px:.3f}", color=INK)
        (elbo_bar,) = bars.bar([0], [0], bottom=-5, color=BLUE, width=0.45)
        (gap_bar,) = bars.bar([0], [0], color=RED, alpha=0.5, width=0.45)
        gap_name = bars.text(0.26, -3, "gap = KL(q(z|x)‖p(z|x))", color=RED, va="center")
        elbo_name = bars.text(0.26, -3, "ELBO", color=BLUE, va="center")
        bars.set(xlim=(-0.5, 1.75), ylim=(-5, -1), xticks=[], ylabel="nats")

        def update(mu, var):
            recon = 0.5 * (math.log(2 * math.pi) + (self.X - mu) ** 2 + var)
            kl_prior = 0.5 * (var + mu**2 - 1 - math.log(var))
            elbo, gap = -recon - kl_prior, round(log_px + recon + kl_prior, 12) + 0.0  # never −0
            q_curve.set_data(GRID, np.exp(_log_normal(GRID, mu, var)))
            q_name.set_position((mu + 0.1, min(0.4 / math.sqrt(var) + 0.02, 1.2)))
            elbo_bar.set_height(max(elbo, -5) + 5)
            gap_bar.set_y(max(elbo, -5))
            gap_bar.set_height(log_px - max(elbo, -5))
            elbo_name.set_y(max((elbo - 5) / 2, -4.85))
            gap_name.set_y((log_px + max(elbo, -5)) / 2)
            gap_name.set_alpha(1 if gap > 0.15 else 0)
            touch = " — they touch: q is the posterior" if gap < 1e-9 else ""
            return f"ELBO {elbo:.4f} + gap {gap:.4f} = log p(x) {log_px:.4f}{touch}"

        controls = {"mu": slider("mean of q", -1.0, -2, 2), "var": slider("variance of q", 1.0, 0.05, 2)}
        super().__init__(fig, [q_curve, q_name, elbo_bar, gap_bar, gap_name, elbo_name], controls, update)


class ReparameterizationExplorer(Explorer):
    """The ε cloud stays; μ and σ move the z cloud: z = μ + σ ε, point by point.

    Controls: ``mu1``, ``mu2``, ``log_var1``, ``log_var2``.
    """

    def __init__(self, n=250):
        eps = torch.randn(n, 2, generator=torch.Generator().manual_seed(0)).numpy()
        angle = np.arange(6) * np.pi / 3 + 0.3
        ring = 1.4 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        named = eps[[np.argmin(np.linalg.norm(eps - point, axis=1)) for point in ring]]
        fig = Figure(figsize=(8.8, 4.4), layout="constrained")
        left, right = fig.subplots(1, 2)
        moving = []
        for ax, title in ((left, "ε ~ N(0, I): drawn once"), (right, "z = μ + σ ε: moves")):
            ax.set(xlim=(-6, 6), ylim=(-6, 6), aspect="equal", title=title)
        left.set(xlabel="$\\epsilon_1$", ylabel="$\\epsilon_2$")
        right.set(xlabel="$z_1$", ylabel="$z_2$")
        left.plot(*eps.T, ".", ms=4, color=GREY)
        left.plot(*named.T, "o", ms=6, color=BLUE)
        (cloud,) = right.plot([], [], ".", ms=4, color=GREY)
        (marked,) = right.plot([], [], "o", ms=6, color=BLUE)
        (centre,) = right.plot([], [], "+", ms=14, mew=2, color=RED)
        names = [right.text(0, 0, letter) for letter in "abcdef"]
        for letter, (e1, e2) in zip("abcdef", named):
            left.text(e1 + 0.2, e2 + 0.1, letter)

        def update(mu1, mu2, log_var1, log_var2):
            mu, sigma = np.array([mu1, mu2]), np.exp(np.array([log_var1, log_var2]) / 2)
            cloud.set_data(*(mu + sigma * eps).T)
            marked.set_data(*(mu + sigma * named).T)
            centre.set_data([mu1], [mu2])
            for text, z in zip(names, mu + sigma * named):
                text.set_position(z + [0.2, 0.1])
            return f"μ = ({mu1:.2f}, {mu2:.2f}), σ = ({sigma[0]:.2f}, {sigma[1]:.2f}); ε has not changed"

        moving = [cloud, marked, centre, *names]
        controls = {
            "mu1": slider("μ₁", 0.0, -3, 3),
            "mu2": slider("μ₂", 0.0, -3, 3),
            "log_var1": slider("log σ₁²", 0.0, -4, 2),
            "log_var2": slider("log σ₂²", 0.0, -4, 2),
        }
        super().__init__(fig, moving, controls, update)
