"""Explorers of notebooks 07 to 09: rate and distortion, collapse, the bound with K draws, a bug by its symptom."""

import math
import textwrap

import numpy as np

from ..pretrained import BETA_SNAPSHOTS, recipe
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
    choice,
    curve,
    nice_ticks,
    number,
    panel,
    picture,
    points,
    slider,
    text,
)
from .latent import _side_by_side, rows_of, snapshot_rows
from .mathematics import DARK_GREY, GRID, ZEROS, _density, _kl_to_prior, _log_normal


class RateDistortionExplorer(Explorer):
    """Rate (KL) against distortion (recon) of the shipped snapshots, and the images behind each point.

    The dashed line through the current point has slope −β: along it recon + β·KL, what training lowers, is the same.
    ``images``: a few images, uint8 (n, 28, 28). Rate and distortion are the manifest's, in nats per test image of
    MNIST. Control: ``beta``, a key of ``BETA_SNAPSHOTS``. Alemi et al. 2018, arXiv:1711.00464.
    """

    XLIM = (-1.5, 46)
    # Where each name stands from its point, in nats: beside the curve, away from its neighbours.
    NAMES = {0: (0, 5), 0.1: (0.3, 5), 0.3: (-0.3, -5.5), 1: (0.7, 4.5), 3: (0.8, 3), 10: (0.9, 2)}
    NAMES |= {30: (0.9, -1.5), 1000: (0.9, 5)}

    def __init__(self, images):
        panel_of_rows, rows = snapshot_rows(images)
        self._snapshots = [{"rows": rows[name], "test": recipe(name)["test"]} for name in BETA_SNAPSHOTS.values()]
        rates, distortions = ([now["test"][key] for now in self._snapshots] for key in ("kl", "recon"))
        marks = [curve(rates, distortions, GREY, width=1), points(rates, distortions, BLUE, 8)]
        for beta, x, y in zip(BETA_SNAPSHOTS, rates, distortions):
            right, up = self.NAMES[beta]
            words = f"β = {beta}" if beta in (0, 1000) else f"{beta}"
            marks.append(text(x + right, y + up, words, BLUE_WORDS, "left" if beta >= 1 else "center"))
        plane = panel(
            "Distortion against rate of eight models, each named by its β; a dashed line of slope −β through one",
            *(self.XLIM, (128, 216)),
            *(5.2, 4.2),
            marks=marks,
            title="eight models on MNIST's test images",
            xlabel="rate: KL, nats per image",
            ylabel="distortion: recon, nats per image",
        )
        super().__init__(
            "Rate and distortion of eight models",
            [choice("beta", "β", 1, BETA_SNAPSHOTS)],
            [plane, panel_of_rows],
            snapshots=self._snapshots,
        )

    def update(self, beta):
        now = self._snapshots[list(BETA_SNAPSHOTS).index(beta)]
        rate, distortion = now["test"]["kl"], now["test"]["recon"]
        line = [distortion - beta * (x - rate) for x in self.XLIM]
        total = number(distortion + beta * rate, 1)
        words = f"dashed: slope {'−' if beta else ''}{beta:g}; where it\ncrosses rate 0, recon + β·KL = {total}"
        marks = [
            curve(self.XLIM, line, RED, width=1.5, dash=True),
            points([rate], [distortion], RED, 16, hollow=True),
            text(45, 190, words, RED, "right"),
        ]
        readout = (
            f"β = {beta:g}: rate (KL) {number(rate, 1)}, distortion (recon) {number(distortion, 1)}; "
            f"recon + KL = {number(distortion + rate, 1)}, recon + β·KL = {total} "
            "nats per test image"
        )
        return [marks, rows_of(now["rows"])], readout


class CollapseExplorer(Explorer):
    """The best linear model with Gaussian pixels of fixed variance σ²: which latent dimensions it uses.

    ``eigenvalues``: all of the data's covariance, the largest first. A dimension with λ > σ² costs ½ log(λ/σ²) nats
    of KL, averaged over the data; one with λ ≤ σ² collapses: its best q(z|x) is the prior. Ten latent dimensions (or as
    many as there are). Control: ``noise``, σ², one of about 60 round numbers. Tipping & Bishop 1999; Lucas et al. 2019,
    arXiv:1911.02469.

    Raises ``ValueError`` for what are no eigenvalues of a covariance in descending order.
    """

    ROUND = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.2, 2.5, 2.8, 3, 3.2, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 9)
    SHOWN = 20  # eigenvalues drawn

    def __init__(self, eigenvalues):
        values = np.asarray(eigenvalues, dtype=np.float64)
        if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all() or values[0] <= 0:
            raise ValueError(
                "expected the eigenvalues of a covariance, a row of finite numbers of which the first is positive, "
                f"found shape {values.shape}; np.linalg.eigvalsh(covariance)[::-1] gives them"
            )
        if (np.diff(values) > 0).any():
            raise ValueError(
                f"expected the largest eigenvalue first, found {values[0]:.3g} to {values[-1]:.3g} in another order; "
                "turn them round with [::-1], as np.linalg.eigvalsh gives the smallest first"
            )
        if values[-1] < -1e-4 * values[0]:  # rounding may bring it a little below 0
            raise ValueError(f"expected no negative eigenvalue, found {values[-1]:.3g}; is this a covariance?")
        self._values = np.maximum(values, 0)
        self._dims = min(10, len(values))
        first, shown = values[0], min(self.SHOWN, len(values))
        options = [float(f"{m}e{power}") for power in range(-12, 13) for m in self.ROUND]
        options = [noise for noise in options if first / 300 < noise < 1.3 * first]
        default = min(options, key=lambda noise: abs(math.log(2 * noise / first)))
        spectrum = panel(
            "The largest eigenvalues as bars; a line at the noise variance: what lies below it is noise to the model",
            *((0.3, max(shown, 6) + 0.7), (0, 1.6 * first)),
            *(5.2, 3.6),
            title="eigenvalues λ of the data's covariance",
            xlabel="dimension k, the largest λ first",
            ylabel="variance",
            xticks=[[k, str(k)] for k in range(1, shown + 1) if k == 1 or k % 5 == 0],
        )
        top = 1.18 * 0.5 * math.log(first / options[0])
        kls = panel(
            "The KL of each latent dimension as a bar, zero where the eigenvalue is below the noise variance",
            *((0.3, self._dims + 0.7), (0, top)),
            *(4.4, 3.6),
            title="KL of each latent dimension",
            xlabel="latent dimension k",
            ylabel="½ log(λ/σ²), nats",
            xticks=[[k, str(k)] for k in range(1, self._dims + 1)],
        )
        super().__init__(
            "Collapse in the linear model: eigenvalues against the noise variance",
            [choice("noise", "noise σ²", default, options)],
            [spectrum, kls],
            eigenvalues=self._values,
            dims=self._dims,
            written=[f"{noise:g}" for noise in options],
        )

    def update(self, noise):
        values, dims = self._values, self._dims
        shown = min(self.SHOWN, len(values))
        active = int((values[:dims] > noise).sum())
        kl = 0.5 * np.log(np.maximum(values[:dims], noise) / noise)
        variances = np.full(len(values), noise)  # of the model, in the direction of each eigenvector
        variances[:dims] = np.maximum(values[:dims], noise)
        log_px = -0.5 * (math.log(2 * math.pi) + np.log(variances) + values / variances).sum()
        right, top = self.panels[0]["xlim"][1], self.panels[0]["ylim"][1]
        bars = [bar(k + 0.6, 0, 0.8, min(values[k], noise), GREY) for k in range(shown)]
        bars += [bar(k + 0.6, noise, 0.8, values[k] - noise, BLUE) for k in range(active)]
        bars += [
            bar(k + 0.6, noise, 0.8, values[k] - noise, ORANGE, 0.5) for k in range(dims, shown) if values[k] > noise
        ]
        beside = noise - 0.05 * top if noise > values[0] else max(noise, values[max(shown - 5, 0)]) + 0.05 * top
        line = [
            curve([0.3, right], [noise, noise], RED),
            text(right - 0.5, beside, f"σ² = {noise:g}", RED, "right"),
            text(right - 0.5, 0.95 * top, "blue: what an active dimension carries", BLUE_WORDS, "right"),
        ]
        if shown > dims and values[dims] > noise:
            line.append(text(right - 0.5, 0.87 * top, "orange: no latent dimension left for it", ORANGE_WORDS, "right"))
        high = self.panels[1]["ylim"][1]
        heights = [bar(k + 0.6, 0, 0.8, kl[k], BLUE) for k in range(active)]
        heights += [text(k + 1, kl[k] + 0.04 * high, number(kl[k]), BLUE_WORDS, "center", 11) for k in range(active)]
        heights += [text(k + 1, 0.04 * high, "0", RED, "center", 11) for k in range(active, dims)]
        readout = (
            f"σ² = {noise:g}: {active} of {dims} latent dimensions active, {dims - active} collapsed; "
            f"KL {number(kl.sum(), 2)} nats in all; exact log p(x) {number(log_px, 1)} nats per image"
        )
        return [bars + line, heights], readout


class BoundExplorer(Explorer):
    """The bound with K draws of q in a model where log p(x) is exact: z ~ N(0, 1), x|z ~ N(z, 1), x = 1.

    L_K is the mean over 300 groups of the logarithm of the mean of K weights p(x, z)/q(z|x), from the same ε at every
    setting; the band is one standard error each way. Controls: ``mu``, ``log_var`` of q, and ``k``. Burda, Grosse &
    Salakhutdinov 2016, arXiv:1509.00519.
    """

    X = 1.0
    KS = (1, 2, 4, 8, 16, 32, 64)
    FLOOR, TOP = -5.0, -1.0  # of the axis

    def __init__(self):
        self._eps = np.random.default_rng(0).standard_normal((300, self.KS[-1]))
        self._log_px = _log_normal(self.X, 0, 2)
        posterior = [
            area(GRID, ZEROS, _density(0.5, 0.5), ORANGE, 0.3),
            text(1.5, 0.4, "posterior\np(z|x)", ORANGE_WORDS),
        ]
        curves = panel(
            "The posterior and q, which moves; dots on the axis: the K draws of one group",
            *((-4, 5), (0, 1.5)),
            *(4.8, 3.8),
            marks=posterior,
            title="q(z|x) and K draws of one group",
            xlabel="z",
            ylabel="density",
        )
        line = [
            curve([-0.4, 6.4], [self._log_px] * 2, INK, width=1, dash=True),
            text(-0.3, self._log_px + 0.13, f"log p(x) = {number(self._log_px, 4)}"),
        ]
        bounds = panel(
            "The bound against K with its standard error, below a dashed line at log p(x); the chosen K ringed",
            *((-0.4, 6.4), (self.FLOOR, self.TOP)),
            *(4.8, 3.8),
            marks=line,
            title="the bound with K draws",
            xlabel="K",
            ylabel="nats",
            xticks=[[i, str(k)] for i, k in enumerate(self.KS)],
        )
        controls = [
            slider("mu", "μ of q", -1.0, -2, 3),
            slider("log_var", "log σ² of q", 0.0, -4, 2),
            choice("k", "K", 1, self.KS),
        ]
        super().__init__("The bound with K draws and log p(x)", controls, [curves, bounds], eps=self._eps)

    def update(self, mu, log_var, k):
        variance = math.exp(log_var)
        z = mu + math.sqrt(variance) * self._eps
        log_w = _log_normal(z, 0, 1) + _log_normal(self.X, z, 1) - _log_normal(z, mu, variance)
        largest = log_w.max(axis=1, keepdims=True)
        total = np.cumsum(np.exp(log_w - largest), axis=1)[:, np.array(self.KS) - 1]
        groups = largest + np.log(total / self.KS)  # (300, 7): log of the mean of K weights
        bound, error = groups.mean(axis=0), groups.std(axis=0, ddof=1) / math.sqrt(len(groups))
        i, log_k = self.KS.index(k), np.arange(len(self.KS))
        marks = [area(log_k, bound - error, bound + error, BLUE, 0.3), curve(log_k, bound, BLUE)]
        marks.append(points(log_k, bound, BLUE, 5))
        if bound[i] > self.FLOOR:
            marks.append(points([i], [bound[i]], RED, 16, hollow=True))
        else:
            words = f"K = {k}: {number(bound[i])}, below this axis"
            marks.append(text(6.2, self.FLOOR + 0.2, words, RED, "right"))
        density = _density(mu, variance)
        name = text(mu + 0.25, min(density.max() + 0.05, 1.42), "q(z|x)", BLUE_WORDS)
        draws = points(z[0, :k], np.full(k, 0.03), RED, 6, 0.7)
        elbo = -0.5 * (math.log(2 * math.pi) + (self.X - mu) ** 2 + variance) - _kl_to_prior(mu, log_var)
        known = f" (K = 1 is the ELBO, exactly {number(elbo, 3)})" if k == 1 else ""
        readout = (
            f"K = {k}: bound {number(bound[i], 3)} ± {number(error[i], 3)} nats{known}; "
            f"gap to log p(x) {number(self._log_px - bound[i], 3)}"
        )
        return [[curve(GRID, density, BLUE), name, draws], marks], readout


class SymptomExplorer(Explorer):
    """A bug to be guessed from its symptom: first the question and the right program's curve, after a guess both.

    ``options``: about four answers → what is replied to each; ``answer``: the right one of them. ``curves``: two names
    → numbers, the right program first, the broken one second. ``pictures``: row name → (n, 784) from 0 to 1, shown
    after the guess. Control: ``guess``, "not yet" or one of the options.

    Raises ``ValueError`` where these do not fit together. The broken program's numbers may be anything: what is not
    finite or far off is said in words, and the right curve stays readable.
    """

    NOT_YET = "not yet"

    def __init__(
        self, question, options, answer, curves, pictures=None, ylabel="loss (nats per image)", xlabel="epoch"
    ):
        if answer not in options or len(options) < 2 or self.NOT_YET in options:
            raise ValueError(
                f"expected two or more options, the answer among them and none of them {self.NOT_YET!r}, found "
                f"{list(options)} and the answer {answer!r}"
            )
        (name, right), (wrong_name, wrong) = _two_curves(curves)
        self._answer, self._replies = answer, dict(options)
        self._verdicts = {
            option: textwrap.fill(f"{'✔' if option == answer else '✘'} {option}", 36) for option in options
        }
        low, high = _limits(right, wrong)
        last, gap = max(len(right), len(wrong)), 0.07 * (high - low)
        up = 1 if right[-1] >= _visible_end(wrong, low, high)[1] else -1  # names: one above its end, one below
        self._right = [
            curve(np.arange(1.0, len(right) + 1), right, BLUE),
            text(len(right), right[-1] + up * gap, name, BLUE_WORDS, "right"),
        ]
        self._wrong = [*_pieces(wrong, low, high), _end_name(wrong, wrong_name, xlabel, low, high, -up * gap)]
        self._place = [1, high - 0.11 * (high - low)]
        xlim = (1 - 0.02 * (last - 1), last + 0.02 * (last - 1))
        plot = panel(
            "The right program's curve; after a guess, the broken program's too",
            *(xlim, (low, high)),
            *(5.6, 4.2),
            xlabel=xlabel,
            ylabel=ylabel,
            xticks=[tick for tick in nice_ticks(*xlim) if tick[0] % 1 == 0],
        )
        panels, self._pictures, self._hidden = [plot], [], []
        if pictures:
            rows, self._pictures = _named_rows(pictures)
            panels.append(rows)
            self._hidden = [text(rows["xlim"][1] / 2, rows["ylim"][0] / 2, "guess first", DARK_GREY, "center")]
        super().__init__(
            "Spot the bug",
            [choice("guess", question, self.NOT_YET, [self.NOT_YET, *options], buttons=True)],
            panels,
            answer=answer,
            replies=list(self._replies.values()),  # by place: words may be anything, "dtype" too
            verdicts=list(self._verdicts.values()),
            place=self._place,
            right=self._right,
            wrong=self._wrong,
            pictures=self._pictures,
            hidden=self._hidden,
        )

    def update(self, guess):
        if guess == self.NOT_YET:
            marks = [[*self._right, text(*self._place, "guess first", DARK_GREY)]]
            pictures = self._hidden
            readout = "No guess yet: the answer, and what the broken program does, appear after it."
        else:
            color = BLUE_WORDS if guess == self._answer else RED
            marks = [[*self._wrong, *self._right, text(*self._place, self._verdicts[guess], color, bold=True)]]
            pictures = self._pictures
            readout = f"{'✔' if guess == self._answer else '✘'} {self._replies[guess]}"
        return marks + [pictures] * (len(self.panels) - 1), readout


def _two_curves(curves):
    """The names and numbers of the right program and the broken one."""
    sizes = ", ".join(f"{name!r} with {len(values)} numbers" for name, values in curves.items()) or "none"
    if len(curves) != 2 or min(map(len, curves.values())) < 2:
        raise ValueError(
            f"expected two curves of two or more numbers, the right program's and the broken one's, found {sizes}"
        )
    both = [(name, np.asarray(values, dtype=np.float64)) for name, values in curves.items()]
    name, right = both[0]
    if not np.isfinite(right).all():
        raise ValueError(
            f"expected finite numbers of the right program, found NaN or infinity in {name!r}; "
            "the first of the two curves is the right program's"
        )
    return both


def _limits(right, wrong):
    """Limits of the vertical axis: the right curve, what of the other is not too far off, and space for words."""
    low, high = right.min(), right.max()
    span = max(high - low, 0.05 * abs(high), 1e-9)
    seen = wrong[np.isfinite(wrong)].clip(low - span, high + span)
    low, high = min([low, *seen]), max([high, *seen])
    height = max(high - low, span)
    return float(low - 0.18 * height), float(high + 0.36 * height)


def _pieces(values, low, high):
    """The finite parts of a curve, far values brought nearer, each as a curve, or as a point where it is but one."""
    x, far = np.arange(1.0, len(values) + 1), 10 * (high - low)
    finite = np.isfinite(values)
    parts = np.split(np.arange(len(values)), np.flatnonzero(np.diff(finite)) + 1)
    parts = [(x[part], values[part].clip(low - far, high + far)) for part in parts if finite[part[0]]]
    return [curve(a, b, ORANGE) if len(a) > 1 else points(a, b, ORANGE, 7) for a, b in parts]


def _visible_end(values, low, high):
    """Index and height of the last value that the picture shows; (None, edge where the curve is) if it shows none."""
    seen = np.flatnonzero((values >= low) & (values <= high))
    if len(seen):
        return int(seen[-1]), float(values[seen[-1]])
    return None, low if (values < low).any() else high


def _end_name(values, name, unit, low, high, up):
    """The curve's name at its end, or where it leaves the picture or the numbers."""
    last, y = _visible_end(values, low, high)
    if last is None:
        words = "lies below this picture ↓" if y == low else "lies above this picture ↑"
        words = words if np.isfinite(values).any() else "is not a number at all"
        return text(1, high - 0.3 * (high - low), f"{name}\n{words}", ORANGE_WORDS)
    after = values[last + 1 :]
    if len(after) == 0:
        words = ""
    elif not np.isfinite(after[0]):
        words = f":\nnot a number from {unit} {last + 2} on"
    else:
        words = "\nleaves the picture " + ("↑" if after[0] > high else "↓")
        words += "" if np.isfinite(after).all() else "\nand ends as no number"
    y = min(max(y + up, low + abs(up)), high - 4 * abs(up))
    late, aside = 2 * last > len(values), 0.015 * len(values) if words else 0
    x = last + 1 - aside if late else last + 1 + aside
    return text(x, y, name + words, ORANGE_WORDS, "right" if late else "left")


def _named_rows(pictures):
    """A panel for rows of images, and the marks: each row's name and below it the row. Pixels are cut to [0, 1]."""
    rows = {name: np.asarray(pixels, dtype=np.float64) for name, pixels in pictures.items()}
    for name, pixels in rows.items():
        if pixels.ndim != 2 or len(pixels) == 0 or pixels.shape[1] != 784:
            raise ValueError(f"expected pictures (n, 784), found shape {pixels.shape} in {name!r}; flatten the images")
    width = 28 * max(map(len, rows.values()))
    line = width / 18  # the height of a name, so that it can be read on a phone
    marks, top = [], 0
    for name, pixels in rows.items():
        strip = _side_by_side(np.round(255 * np.nan_to_num(pixels).clip(0, 1)).astype(np.uint8))
        marks += [text(0, top + line / 2, name), picture(strip, 0, top + line, *strip.shape[::-1], strip.shape[1])]
        top += line + 32
    alt = f"After a guess, rows of images: {', '.join(rows)}"
    return panel(alt, (0, width), (top, 0), 4.2, 4.2 * top / width, bare=True), marks
