"""Checks of the exercises: ``vh.checks.kl_divergence(my_kl)`` prints one verdict and, where it can, names the mistake.

Each exercise is one entry: where it is taught, its inputs (small ones first), the right expression, and a table
of ``mistake | its name``. How they are used is in ``verdict.py``. Expressions may use every name of this module.
"""

# ruff: noqa: F401 (the tables use what is imported)

import math

import torch
from torch import exp, log, sigmoid
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits

from vae_helpers.objectives import kl_divergence as kl
from vae_helpers.objectives import reconstruction_loss as recon
from vae_helpers.objectives import reparameterize as draw
from vae_helpers.verdict import TODO, Check, Choice, between, is_stub, normal, one_line, outcome, same

Check.namespace = globals()


def progress(notebook):
    """Print how many of the notebook's exercises (``"02"``) are solved in this session."""
    checks = [check for check in globals().values() if isinstance(check, Check) and check.notebook == notebook]
    print(f"{sum(check.solved for check in checks)} of {len(checks)} solved")


# Notebook 01

which_cloud = Choice(
    "01",
    "B",
    """
A | P is exactly the prior: it says nothing about its image. Which loss wants that?
B | P is the prior (KL only), R is nearly a point (reconstruction only), Q lies between (both)
C | P costs no KL at all. Would a network that must also rebuild its image choose it?
D | R has a tiny σ, so a large KL. Would a network that pays for the KL choose it?
""",
)


def ellipse_cases(g):
    for n in (1, 2, 200, 200, 200):
        mu, log_var, angle, radius = (
            normal(g, 2),
            between(g, -1.5, 1.5, 2),
            between(g, 0, 6.28, n),
            between(g, 1.5, 3.5, n),
        )
        unit = torch.stack([angle.cos(), angle.sin()], dim=1)
        yield mu + exp(log_var / 2) * (radius[:, None] + 0.003) * unit, mu, log_var  # never at 1.96 or 2.45


def far2(z, mu, sigma):
    return (((z - mu) / sigma) ** 2).sum(dim=-1)


R2 = -2 * math.log(0.05)  # the squared radius of the circle that holds 95 % of N(0, I), 2.45²
_inside = "z, mu, log_var", "far2(z, mu, exp(log_var / 2)) <= R2"
inside_ellipse = Check(
    "01",
    "the half-axes of the ellipse in section 3",
    ellipse_cases,
    *_inside,
    """
far2(z, mu, exp(log_var)) <= R2        | exp(log_var) is the variance; measure in standard deviations, exp(log_var / 2)
far2(z, mu, log_var) <= R2             | log_var was taken for σ itself: undo the logarithm
far2(z, mu, exp(log_var / 2)) <= 2.45  | a squared distance is compared with 2.45: square the radius as well
far2(z, mu, 1) <= R2                   | this is a circle: measure each axis in units of its own σ
far2(z, 0, exp(log_var / 2)) <= R2     | the cloud stands at mu: subtract it first
far2(z, 0, 1) <= R2                    | this is the circle of the prior: the cloud stands at mu and has its own σ
(((z - mu) / exp(log_var / 2)) ** 2 <= R2).all(dim=-1) | this is a rectangle: add the squares of both coordinates first
((z - mu) / exp(log_var / 2)).abs().sum(dim=-1) <= R2 ** 0.5 | this is a diamond: add squares, not absolute values
far2(z, mu, exp(log_var / 2)) > R2     | the answer is turned round: True must mean inside
far2(z, mu, exp(log_var / 2)) <= 1.96 ** 2 | 1.96 holds 95 % on a line; in the plane the radius is 2.45
((z - mu) / exp(log_var / 2)) ** 2 <= R2   | one answer for each coordinate: add up the two squares of a point
""",
)

beta_limits = Choice(
    "01",
    "C",
    """
A | a small β makes the KL cheap, so the encoder may spend it: the clouds shrink, they do not widen
B | half right: β → 0 gives an autoencoder. But for large β only the KL counts, and where is it 0?
C | β → 0: only the reconstruction counts, σ → 0. β → ∞: only the KL counts, each cloud is the prior
D | at the limits one term alone is left: what does it want, by itself?
""",
)

_betas = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 100.0)
winner = Check(
    "01",
    "the loss in section 4",
    lambda g: [(between(g, 100, 150, m), between(g, 0, 40, m), beta) for m in (2, 8, 8, 8, 8, 8) for beta in _betas],
    "recon, kl, beta",
    "(recon + beta * kl).argmin()",
    """
(recon + beta * kl).argmax()   | this is the network with the highest loss: lower is better
(recon + kl).argmin()          | β does not appear: it multiplies the KL
(beta * recon + kl).argmin()   | β multiplies the reconstruction: it belongs to the KL
kl.argmin()                    | only the KL is looked at: add the reconstruction
recon.argmin()                 | only the reconstruction is looked at: add β times the KL
(recon - beta * kl).argmin()   | the KL is subtracted: both terms are costs
(recon + beta * kl).min()      | this is the lowest loss; asked for is its place in the list (argmin)
recon + beta * kl              | these are the losses; asked for is the place of the lowest (argmin)
""",
)


def path(a, b, t):
    return (1 - t[:, None]) * a + t[:, None] * b


def even(n, low=0.0, high=1.0):
    return torch.linspace(low, high, n, dtype=torch.float64)


interpolate = Check(
    "01",
    "z(t) in section 5",
    lambda g: [(normal(g, n), normal(g, n), steps) for n, steps in ((1, 2), (1, 3), (2, 3), (2, 5), (3, 8))],
    "z_a, z_b, steps",
    "path(z_a, z_b, even(steps))",
    """
path(z_b, z_a, even(steps))               | the walk runs backwards: at t = 0 it must stand on z_a
path(z_a, z_b, torch.arange(steps) / steps) | the walk never arrives: t must reach 1, so the steps are 1/(steps − 1)
| wide
path(z_a, z_b, (torch.arange(steps) + 1) / steps) | the walk starts too late: the first t is 0
path(z_a, z_b, even(steps + 2)[1:-1])     | both ends are missing: t runs from 0 to 1
path(z_a, z_b, even(steps + 1))           | one point too many: steps counts the points, both ends included
path(z_a, z_b, even(steps) ** 2)          | the steps are not equal: the weight is t itself
z_a + even(steps)[:, None] * z_b          | z_a never fades: its weight is 1 − t
z_a + even(steps)[:, None] * (z_a - z_b)  | the way from z_a to z_b is z_b − z_a
path(z_a, z_b, even(steps)).T             | steps and coordinates are exchanged: one row for each step
""",
)

# Notebook 02

which_direction = Choice(
    "02",
    "C",
    """
A | the average is taken over the draws of the first density: do both kinds of draws fall in the same places?
B | turn it round: whose draws can fall where the other density is 0?
C | q's draws lie where p is ½: log 1 − log ½ = log 2 each. Half of p's draws lie where q is 0: infinite
D | a KL divergence is never negative (Jensen), however high a density may be
""",
)


def clues(mu, log_var, eps, z=None):
    """log q(z) − log p(z) for q = N(mu, exp(log_var)) and p = N(0, 1), at z = mu + sigma eps or at another z."""
    z = draw(mu, log_var, eps) if z is None else z
    return 0.5 * (z**2 - log_var - (z - mu) ** 2 / exp(log_var))


def mean_error(values):
    return values.mean(), values.std() / len(values) ** 0.5


def spread(values, power):
    return values.mean(), values.std() / len(values) ** power


monte_carlo_kl = Check(
    "02",
    "the Monte Carlo cell of section 3 and mean_and_error at the top",
    lambda g: [(normal(g), normal(g), normal(g, n)) for n in (2, 3, 50)],
    "mu, log_var, eps",
    "mean_error(clues(mu, log_var, eps))",
    """
mean_error(-clues(mu, log_var, eps))          | the sign is turned: a clue is log q − log p
spread(clues(mu, log_var, eps), 0)            | this error is the spread of single terms: divide by √n
spread(clues(mu, log_var, eps), 1)            | the error is divided by n: the standard deviation of a mean goes with √n
(clues(mu, log_var, eps).mean(), clues(mu, log_var, eps).var() / len(eps)) | variance for standard deviation in the
| error
mean_error(clues(mu, log_var, eps, eps))      | z is drawn from p: move eps to q first, z = mu + σ eps
mean_error(clues(mu, log_var, eps, mu + exp(log_var) * eps)) | exp(log_var) is the variance: z = mu + exp(log_var /
| 2) eps
mean_error(clues(mu, log_var, eps) + log_var / 2) | log q lacks its −½ log σ²
mean_error(clues(mu, log_var, eps) - log_var / 2) | log q has log σ² where ½ log σ² belongs
mean_error(clues(mu, log_var, eps))[::-1]     | the order is (estimate, standard error)
(kl(mu[None], log_var[None]), mean_error(clues(mu, log_var, eps))[1]) | this is the closed form: estimate it from the
| draws
""",
    also_right="(clues(mu, log_var, eps).mean(), clues(mu, log_var, eps).std(correction=0) / len(eps) ** 0.5)",
)


def gaussians(g):
    first = normal(g, 1, 1), normal(g, 1, 1).abs() + 0.1  # its log_var could be a variance
    return [first, *((normal(g, *shape), normal(g, *shape)) for shape in ((1, 3), (3, 1), (4, 3)))]


kl_divergence = Check(
    "02",
    "the KL in one dimension, section 5, which adds up over the latent dimensions",
    gaussians,
    "mu, log_var",
    "kl(mu, log_var)",
    """
kl(mu, 2 * log_var)      | this is the KL for log σ; did you pass the log-variance? σ² is exp(log_var)
kl(mu, log_var) + 0.5 * (exp(log_var / 2) - exp(log_var)).sum(-1) | standard deviation for variance: exp(log_var / 2)
| is σ
kl(mu, log_var) + 0.5 * (log_var - exp(log_var)).sum(-1) | log_var was taken for the variance: σ² is exp(log_var)
0.5 * (log_var + mu**2 - 1 - log(log_var)).sum(-1) | log_var was taken for the variance: σ² is exp(log_var)
2 * kl(mu, log_var)      | the ½ is missing
-kl(mu, log_var)         | the sign is turned: a KL is never negative
kl(mu, log_var) / mu.shape[-1] | mean for sum: the KLs of independent dimensions add up
kl(mu, log_var).sum()    | this sums over the batch: one number for each image is asked for
kl(mu, log_var).mean()   | this averages over the batch: one number for each image is asked for
kl(mu[..., None], log_var[..., None]) | nothing is added up: sum over the latent dimensions, the last ones
kl(mu.T, log_var.T)      | this sums over the images: sum over the latent dimensions, dim=-1
kl(log_var, mu)          | mu and log_var are exchanged
kl(mu, log_var) + 0.5 * mu.shape[-1] | the −1 is missing
kl(mu, log_var) + 0.5 * (mu - mu**2).sum(-1) | mu is not squared
kl(0 * mu, log_var)      | mu does not appear: moving away from 0 costs ½ mu²
kl(mu, log_var) + log_var.sum(-1) | log_var has the wrong sign: a narrow cloud must cost more
kl(mu * exp(-log_var / 2), -log_var) | this is the other direction, KL(N(0, I) ‖ q)
kl(mu, log_var)[..., None] | keepdim is one too many: the shape is (batch,)
""",
    grad="mu log_var",
    extreme=[
        (
            (torch.zeros(1, 1).double(), torch.full((1, 1), -800.0).double()),
            "at log_var = −800 it is not finite: use log_var as it is, not the logarithm of its exponential",
        )
    ],
)


def log_lik(x, mu, var, W, b, s2, constants=None, rows=0):
    """E[log p(x|z)] of the linear-Gaussian model, with as many ½ log(2π s²) as pixels, or as ``constants``."""
    squares = ((x - b - W @ mu) ** 2).sum() + (var * (W**2).sum(dim=rows)).sum()
    return -0.5 * ((len(x) if constants is None else constants) * log(2 * math.pi * s2) + squares / s2)


def linear_models(g):
    return [(normal(g, d, k) + 0.05, between(g, 0.2, 0.9)) for d, k in ((1, 1), (2, 2), (3, 2), (4, 3))]


_elbo = "log_lik(x, mu, exp(log_var), W, b, s2) - kl(mu, log_var)"
linear_elbo = Check(
    "02",
    "E|x − b − Wz|² above this exercise, the density in section 2, the KL in section 3",
    lambda g: [
        (*(normal(g, size) for size in (len(W), len(W.T), len(W.T))), W, normal(g, len(W)), s2)
        for W, s2 in linear_models(g)
    ],
    "x, mu, log_var, W, b, s2",
    _elbo,
    """
log_lik(x, mu, 0 * mu, W, b, s2) - kl(mu, log_var) | the width of the cloud is missing: E of a square = square of E +
| variance
log_lik(x, mu, exp(log_var), W, b, s2, rows=1) - kl(mu, log_var) | the rows of W are squared: w_k is its k-th column
log_lik(x, mu, exp(log_var), W, b, s2**2) - kl(mu, log_var) | s2 is the variance s² already: it was squared once more
log_lik(x, mu, exp(log_var), W, b, s2, 0) - kl(mu, log_var) | the constant is missing: each pixel has ½ log(2π s²)
log_lik(x, mu, exp(log_var), W, b, s2, 1) - kl(mu, log_var) | the constant is there once: each pixel has ½ log(2π s²)
log_lik(x, mu, exp(log_var), W, b, s2) + kl(mu, log_var) | the KL is added: the ELBO subtracts it
log_lik(x, mu, exp(log_var), W, b, s2)                   | the KL is missing
kl(mu, log_var) - log_lik(x, mu, exp(log_var), W, b, s2) | the sign is turned: this is −ELBO
log_lik(x, mu, log_var, W, b, s2) - kl(mu, log_var)      | log_var was taken for the variance
log_lik(x, mu, exp(log_var / 2), W, b, s2) - kl(mu, log_var) | standard deviation for variance: σ² is exp(log_var)
log_lik(x, mu, exp(log_var), W, 0 * b, s2) - kl(mu, log_var) | b does not appear: the mean of a pixel is (W z + b)
log_lik(x, mu, exp(log_var), W, b, s2) - 2 * kl(mu, log_var) | the ½ of the KL is missing
2 * log_lik(x, mu, exp(log_var), W, b, s2, len(x) / 2) - kl(mu, log_var) | the ½ in front of the squares is missing
""",
    grad="mu log_var",
)


def precisions(W, s2):
    """M_kk of section 4: the diagonal of WᵀW + s² I."""
    return (W**2).sum(dim=0) + s2


isotropic_variance = Check(
    "02",
    "the derivative of the ELBO by σ_k² in section 4: now one σ² serves all k",
    linear_models,
    "W, s2",
    "s2 / precisions(W, s2).mean()",
    """
(s2 / precisions(W, s2)).mean()  | this averages the variances s²/M_kk; set the derivative by the common σ² to 0 instead
s2 / precisions(W, s2).sum()     | a factor D is lost: the KL has D terms −½ log σ², and all depend on the one σ²
s2 / (W**2).sum(dim=0).mean()    | the prior is missing: the KL also contributes ½ σ² in each dimension
precisions(W, s2).mean() / s2    | this is the precision 1/σ²: turn it over
(s2 / precisions(W, s2).mean()).sqrt() | this is the standard deviation
(s2 / precisions(W, s2).mean()).log()  | this is the log-variance
(s2 / precisions(W, s2)).log().mean().exp() | this averages the logarithms of the variances s²/M_kk
s2 / precisions(W.T, s2).mean()  | the rows of W are squared: w_k is its k-th column
s2 / precisions(W, s2)           | this is the best diagonal q, one variance for each k: here one serves all
s2**2 / precisions(W, s2**2).mean() | s2 is the variance s² already: it was squared once more
""",
)

# Notebook 03


def own_noise(fn):
    """What is wrong with the eps that a sampler draws for itself."""
    mu, log_var = torch.full((500, 100), 2.0).double(), torch.full((500, 100), -1.0).double()
    z = outcome(fn, (mu, log_var))
    if isinstance(z, Exception):
        return f"without eps it stopped with {one_line(z)}"
    if is_stub(z) or z[0].shape != mu.shape:
        return "without eps it must draw its own, one number for each entry of mu"
    eps = (z[0] - 2) / math.exp(-0.5)
    if min(eps.std(dim=0).max(), eps.std(dim=1).max()) < 0.1:
        return "without eps, entries share a random number: each needs its own (randn_like)"
    if max(abs(eps.mean()), abs(eps.std() - 1), abs((eps**4).mean() - 3) / 6) > 0.05:
        return (
            f"its own eps is not from N(0, 1): mean {eps.mean():.1f}, standard deviation {eps.std():.1f} (randn_like)"
        )


reparameterize = Check(
    "03",
    "z = μ + σ ⊙ ε in section 2",
    lambda g: [(mu, log_var, normal(g, *mu.shape)) for mu, log_var in gaussians(g)],
    "mu, log_var, eps",
    "draw(mu, log_var, eps)",
    """
mu + exp(log_var) * eps       | variance for standard deviation: exp(log_var) is σ², and σ = exp(log_var / 2)
mu + log_var * eps            | log_var was taken for σ: undo the logarithm
mu + log_var / 2 * eps        | log_var / 2 is log σ: undo the logarithm
(eps + mu) * exp(log_var / 2) | order of operations: this shrinks the mean as well; stretch first, then shift
(eps - mu) / exp(log_var / 2) | this standardizes: undo it, multiply by σ and add mu
mu - exp(log_var / 2) * eps   | sign: the noise is added
mu + exp(-log_var / 2) * eps  | sign: exp(−log_var / 2) is 1/σ
mu + exp(2 * log_var) * eps   | halve the log-variance, do not double it: σ = exp(log_var / 2)
mu + 0 * eps                  | no noise: every draw is mu
exp(log_var / 2) * eps        | mu does not appear
mu + eps                      | σ does not appear
draw(log_var, mu, eps)        | mu and log_var are exchanged
draw(eps, log_var, mu)        | mu and eps are exchanged
""",
    grad="mu log_var",
    then=own_noise,
)


def candidate(expression):
    """A sampler to be judged, named by its formula."""
    sampler = eval(f"lambda mu, sigma, eps: {expression}")
    sampler.__name__ = expression
    return sampler


def looks(draw, eps, mu, sigma, *moments):
    """Whether the moments named are those of N(mu, sigma²)."""
    z = draw(mu, sigma, eps)
    off = {"mean": z.mean() - mu, "spread": z.std() - sigma, "square": (z**2).mean() - mu**2 - sigma**2}
    return bool(all(abs(off[moment]) < 0.05 for moment in moments))


_right = ["mu + sigma * eps", "mu - sigma * eps"]
_wrong = [
    "(eps + mu) * sigma",
    "mu + sigma**2 * eps",
    "mu + eps",
    "0 * eps + mu",
    "1 + mu + sigma * eps",
    "sigma * eps",
]
_sly = ["0 * eps + (mu**2 + sigma**2) ** 0.5"]  # the right E[z²], wrong in all else
looks_right = Check(
    "03",
    "the three candidates in section 2",
    lambda g: [(candidate(c), torch.randn(20_000, generator=g).double()) for c in _right + _wrong + _sly],
    "draw, eps",
    'looks(draw, eps, 2.0, 0.5, "mean", "spread")',
    """
looks(draw, eps, 2.0, 0.5, "spread")         | it lets (eps + mu) * sigma pass: its spread is right, its mean is not
looks(draw, eps, 2.0, 0.5, "mean")           | it lets mu + sigma**2 * eps pass: its mean is right, its spread is not
looks(draw, eps, 2.0, 1.0, "mean", "spread") | it tests at sigma = 1, where σ and σ² are equal and nothing shrinks
looks(draw, eps, 0.0, 0.5, "mean", "spread") | it tests at mu = 0, where (eps + mu) * sigma looks right
looks(draw, eps, 0.0, 1.0, "mean", "spread") | it tests at mu = 0 and sigma = 1, where most candidates look right
looks(draw, eps, 2.0, 0.5, "square")         | it looks at E[z²] only: errors in mean and spread can cancel there
bool(((draw(2.0, 0.5, eps) - 2 - eps / 2).abs() < 1e-6).all()) | it rejects mu − sigma eps; −eps is as good a draw as
| eps
True                                         | it passes everything
False                                        | it passes nothing: moments of n draws are off by about 1/√n, so allow
| for that
not looks(draw, eps, 2.0, 0.5, "mean", "spread") | the answer is turned round: True must mean right
""",
)

detached_sigma = Choice(
    "03",
    "B",
    """
A | the path through mu is open: z = mu + (a number) · eps, so the reconstruction still moves mu
B | the reconstruction reaches mu only. log_var hears the KL alone, and the KL wants σ = 1
C | the decoder does not need σ's gradient: it gets its own from the loss, by way of z
D | the values are the same, the gradients are not: which term still tells log_var anything?
""",
)


def square(z):
    return z**2


def wave(z):
    return torch.cos(2 * z)


def score(f, mu, sigma, eps):
    return f(mu + sigma * eps) * eps / sigma


def slope(f, z):
    return torch.autograd.functional.jvp(f, z, torch.ones_like(z))[1]


score_gradient = Check(
    "03",
    "the score-function gradient in section 3",
    lambda g: [(f, normal(g), between(g, 0.3, 0.8), normal(g, n)) for n in (1, 6) for f in (square, wave)],
    "f, mu, sigma, eps",
    "score(f, mu, sigma, eps)",
    """
score(f, mu, sigma, eps) * sigma     | the score is (z − mu)/σ²: it was divided by σ only
score(f, mu, sigma, eps) * sigma**2  | the score is (z − mu)/σ²: the division is missing
score(f, mu, sigma, eps) / sigma     | eps is (z − mu)/σ already: eps/σ² divides once too often
slope(f, mu + sigma * eps)           | this is the pathwise gradient f′(z): the score reads the height of f, not its
| slope
f(eps) * eps / sigma                 | f is read at eps: move the noise first, z = mu + σ eps
f(mu) * eps / sigma                  | f is read at mu: read it at each z
-score(f, mu, sigma, eps)            | sign: the score is (z − mu)/σ²
score(f, mu, sigma, eps).mean()      | one estimate for each draw is asked for: leave the mean to the caller
eps / sigma                          | f does not appear: the score alone has mean 0
f(mu + sigma * eps) * (eps**2 - 1) / sigma | this is the gradient by σ; for mu the score is (z − mu)/σ²
f(mu + sigma**2 * eps) * eps / sigma | variance for standard deviation: z = mu + σ eps
""",
)

cubic_variance = Check(
    "03",
    "the moments of a standard normal in section 3",
    lambda g: [(normal(g), between(g, 0.3, 2)) for _ in range(4)],
    "mu, sigma",
    "36 * mu**2 * sigma**2 + 18 * sigma**4",
    """
4 * mu**2 * sigma**2 + 2 * sigma**4   | this is the variance of z²; the estimate is 3 z², and a factor 3 counts 9 times
12 * mu**2 * sigma**2 + 6 * sigma**4  | a constant factor leaves a variance squared: 9, not 3
9 * (mu**4 + 6 * mu**2 * sigma**2 + 3 * sigma**4) | this is E[g²]: subtract the square of the mean
3 * (mu**2 + sigma**2)                | this is the mean of the estimate
36 * mu**2 * sigma**2                 | the ε² in z² is missing: it varies too, since E[ε⁴] = 3 and not 1
36 * mu**2 * sigma**2 + 27 * sigma**4 | Var[ε²] is E[ε⁴] − E[ε²]² = 2, not 3
9 * mu**2 * sigma**2 + 18 * sigma**4  | the mixed term of z² is 2 μ σ ε: square its 2 as well
(36 * mu**2 * sigma**2 + 18 * sigma**4).sqrt() | this is the standard deviation
9 * mu**4 * sigma**2 + 36 * mu**2 * sigma**4 + 15 * sigma**6 | this is the variance of z³, not of its derivative
36 * mu**2 * sigma + 18 * sigma**2    | σ was taken for σ²: the variance of μ + σ ε is σ²
""",
)

# Notebook 04


def bce(logits, x):
    return binary_cross_entropy_with_logits(logits, x, reduction="none")


def batches(g):
    for n, pixels, latent in ((1, 1, 1), (1, 3, 2), (4, 3, 2), (3, 7, 5)):
        logits = normal(g, n, pixels, scale=2)
        logits = logits if pixels > 1 else logits.abs() + 1.1  # the first could not be a probability
        yield logits, between(g, 0, 1, n, pixels), normal(g, n, latent), normal(g, n, latent)


vae_loss = Check(
    "04",
    "the cross-entropy above this exercise and the KL in notebook 02, section 5",
    batches,
    "logits, x, mu, log_var",
    "(recon(logits, x) + kl(mu, log_var)).mean()",
    """
(bce(logits, x).mean(-1) + kl(mu, log_var)).mean() | mean for sum: with a mean over pixels the KL gets a hidden β of 784
bce(logits, x).mean() + kl(mu, log_var).mean() / mu.shape[-1] | mean for sum: sum over pixels and latent dimensions
(recon(logits, x) + kl(mu, log_var) / mu.shape[-1]).mean() | mean for sum in the KL: independent dimensions add up
(recon(logits, x) + kl(mu, log_var)).sum()         | this sums over the batch: the loss must not grow with its size
recon(logits, x).mean() + kl(mu, log_var).sum()    | the KL is summed over the batch and the reconstruction is not
recon(logits, x).sum() + kl(mu, log_var).mean()    | the reconstruction is summed over the batch and the KL is not
recon(logits, x) + kl(mu, log_var)                 | one number for each image; training needs their mean
recon(logits, x).mean()                            | the KL is missing: this is an autoencoder's loss
kl(mu, log_var).mean()                             | the reconstruction is missing
(recon(logits, x) - kl(mu, log_var)).mean()        | the KL is subtracted: in −ELBO both terms are costs
-(recon(logits, x) + kl(mu, log_var)).mean()       | the sign is turned: this is the ELBO, and a loss is its negative
(kl(mu, log_var) - recon(logits, x)).mean()        | the reconstruction has the wrong sign
(recon(logits, x) + 2 * kl(mu, log_var)).mean()    | the ½ of the KL is missing
(recon(sigmoid(logits), x) + kl(mu, log_var)).mean() | sigmoid twice: the function with_logits applies it already
(binary_cross_entropy(logits.clamp(0, 1), x, reduction="none").sum(-1) + kl(mu, log_var)).mean()
| | logits were taken for probabilities
(bce(x, logits).sum(-1) + kl(mu, log_var)).mean()  | prediction and target are exchanged: the order is (logits, x)
(((sigmoid(logits) - x) ** 2).sum(-1) + kl(mu, log_var)).mean() | this is a squared error: the pixels are Bernoulli
(recon(logits, x) + kl(mu, 2 * log_var)).mean()    | this is the KL for log σ: σ² is exp(log_var)
(recon(logits, x) + kl(mu, log_var) + 0.5 * (exp(log_var / 2) - exp(log_var)).sum(-1)).mean() | σ for σ² in the KL
(recon(logits, x) + kl(log_var, mu)).mean()        | mu and log_var are exchanged in the KL
""",
    grad="logits mu log_var",
    extreme=[
        (
            (torch.tensor([[200.0, -200.0]]).double(), torch.eye(2)[1:].double(), *torch.zeros(2, 1, 2).double()),
            "at logits of ±200 it is wrong or not finite: a rounded probability has no logarithm; use the logits",
        )
    ],
)

collapse = Choice(
    "04",
    "B",
    """
A | β is 1 only if both terms are treated alike: over how many numbers is each averaged?
B | reconstruction / 784 against KL / 2: multiplied by 784 this is β = 784/2 = 392, still a collapse
C | that is β before the second change: dividing the KL by 2 helps a little
D | averaging the KL makes it cheaper, so β falls
""",
)

hidden_beta = Check(
    "04",
    "the undeclared β of section 2, check 4",
    lambda g: [(n, *between(g, 1, 9, 2).tolist(), averaged) for n in (4, 784, 1024) for averaged in (False, True)],
    "pixels, recon_weight, kl_weight, averaged",
    "kl_weight / recon_weight * (pixels if averaged else 1)",
    """
recon_weight / kl_weight / (pixels if averaged else 1) | turned over: β weighs the KL, so divide by the other weight
recon_weight / kl_weight * (pixels if averaged else 1) | the ratio is turned over: β weighs the KL
kl_weight / recon_weight / (pixels if averaged else 1) | divided by the pixels: a small reconstruction makes the KL
| weigh more
kl_weight / recon_weight              | the pixels do not appear: an average is the sum divided by their number
kl_weight / recon_weight * pixels     | the pixels count only where the reconstruction is averaged
kl_weight / recon_weight * (1 if averaged else pixels) | the two cases of averaged are exchanged
kl_weight * (pixels if averaged else 1) | recon_weight does not appear: divide the whole loss by it
(pixels if averaged else 1) / recon_weight | kl_weight does not appear
kl_weight * recon_weight * (pixels if averaged else 1) | the weights are multiplied: their ratio counts
""",
)


def linear_layers(model, output):
    """How many linear layers ``output`` depends on."""
    weights = [layer.weight for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    grads = torch.autograd.grad(output.sum(), weights, allow_unused=True, retain_graph=True)
    return sum(grad is not None for grad in grads)


def unbroken(model, x):
    """Whether a linear layer reads another one's output unchanged."""
    made, pairs, handles = [], [], []

    def hook(layer, inputs, output):
        pairs.extend(inputs[0] is old and inputs[0]._version == version for old, version in made)
        made.append((output, output._version))

    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            handles.append(layer.register_forward_hook(hook))
    model.encode(x), model.decode(model.encode(x)[0].detach().clone())
    for handle in handles:
        handle.remove()
    return any(pairs)


class DeeperCheck(Check):
    """The check of a network: what it must and must not do, one sentence each."""

    def __init__(self, notebook):
        self.notebook, self.solved = notebook, False

    def judge(self, build):
        model = build(12, 32, 8) if callable(build) else build
        if model is None or model is ...:
            return TODO
        if not isinstance(model, torch.nn.Module):
            return f"a function that returns a network (nn.Module) is asked for, not a {type(model).__name__}"
        model.double()
        x, z, wild = torch.rand(64, 12).double(), 100 * torch.randn(64, 8).double(), 100 * torch.randn(64, 12).double()
        (mu, log_var), logits, once = model.encode(x), model.decode(z), model(x)
        if [t.shape[1:].numel() for t in (mu, log_var, logits, *once)] != [8, 8, 12, 12, 8, 8]:
            return "a shape is wrong: mu, log_var (n, latent), logits (n, pixels); a pass gives (logits, mu, log_var)"
        if not same([model.encode(x[:2])[0]], [mu[:2]]):
            return "an image's code depends on the other images of its batch (batch normalization?)"
        in_encoder, in_decoder = linear_layers(model, mu), linear_layers(model, logits)
        if min(in_encoder, in_decoder) < 3:
            found = f"{in_encoder} linear layers from x to mu, {in_decoder} from z to logits"
            return f"{found}: one more in each half makes 3 (a plain Python list hides its layers from PyTorch)"
        if unbroken(model, x):
            return "a linear layer follows another directly, and two in a row are no more than one: put a ReLU between"
        if same([mu], [log_var]):
            return "mu and log_var are the same numbers: each needs a layer of its own"
        wild_mu, wild_log_var = model.encode(wild)
        if wild_mu.min() >= 0:
            return "mu is never negative: no activation after the last layer of the encoder"
        if wild_log_var.min() >= 0:
            return "log_var is never negative, so σ is never below 1: it is a logarithm, leave it free"
        if logits.min() >= 0:
            return "the decoder's output is never negative: logits are asked for, without sigmoid or ReLU at the end"
        if same([once[0]], [model(x)[0]]):
            return "two passes give the same logits: no noise is drawn"
        if linear_layers(model, once[0]) < in_encoder + 1 + in_decoder:
            return "the gradient of the logits does not reach the whole encoder: the sampling step cuts it off"


deeper_vae = DeeperCheck("04")

# Notebook 05


def below(edge):
    return 0.5 * (1 + math.erf(edge / 2**0.5))


def middle(edge):
    return math.erf(edge / 2**0.5)


square_share = Check(
    "05",
    "the share of the prior that a square covers, section 3",
    lambda g: [(between(g, 0.2, 2.5).item(), dims) for dims in (1, 2, 3, 10)],
    "edge, dims",
    "middle(edge) ** dims",
    """
middle(edge)                  | dims does not appear: all coordinates must be inside at once, so shares multiply
below(edge) ** dims           | this counts everything below edge: what lies below −edge is outside
dims * middle(edge)           | multiplied by dims: independent shares multiply with each other, to the power dims
1 - middle(edge) ** dims      | this is the share outside
1 - (1 - middle(edge)) ** dims | this is the share with at least one coordinate inside: all must be
1 - math.exp(-(edge**2) / 2)  | this is the share inside a circle, and a square is asked for
(math.exp(-(edge**2) / 2) / math.sqrt(2 * math.pi)) ** dims | this is the height of the density: a share is an area
below(edge) - below(-edge / 2) | the lower end is −edge
""",
)


def voters(codes, labels, z, k, farthest=False):
    return labels[torch.cdist(z, codes).topk(k, largest=farthest).indices]


def plane(g):
    for n, k, m in ((3, 1, 1), (40, 5, 60)):
        codes, z, labels = normal(g, n, 2), normal(g, m, 2) + 0.03, torch.randint(5, (n,), generator=g)
        codes = codes + 0.01 * torch.rand(n, 2, generator=g).double()  # no two distances are equal
        counts = torch.stack([(voters(codes, labels, z, k) == label).sum(dim=1) for label in range(5)])
        first, second = counts.sort(dim=0, descending=True).values[:2]
        yield codes, labels, z[first > second], k  # no vote is a tie


nearest_vote = Check(
    "05",
    "the vote of section 5",
    plane,
    "codes, labels, z, k",
    "voters(codes, labels, z, k).mode(dim=1).values",
    """
voters(codes, labels, z, k, True).mode(dim=1).values | these are the farthest codes: the nearest have the smallest
| distances
voters(codes, labels, z, k).double().mean(dim=1)     | labels are averaged: a 3 and a 7 make a 5 that nobody
| voted for; let them vote
voters(codes, labels, z, k).double().mean(dim=1).round() | labels are averaged: a 3 and a 7 make a 5 that nobody
| voted for; let them vote
voters(codes, labels, z, k).median(dim=1).values     | this is the median: labels are names, not amounts; let them vote
voters(codes, labels, z, 1)[:, 0]                    | only the nearest code is asked: let k of them vote
torch.cdist(z, codes).topk(k, largest=False).indices.mode(dim=1).values | these are places in the list: look up the
| labels
voters(codes, labels, z, k)                          | these are the neighbours' labels; now count the votes
voters(codes, labels, z, k + 1)[:, 1:].mode(dim=1).values | the nearest code is left out: z is a new point, so it may
| vote
labels.mode().values.expand(len(z))                  | all codes vote: only the k nearest may
labels[(z @ codes.T).topk(k).indices].mode(dim=1).values | a large inner product is not a small distance
""",
)

paired_gain = Check(
    "05",
    "the standard error at the top of section 7",
    lambda g: [(normal(g, n, scale=9) + 150, normal(g, n, scale=9) + 148) for n in (2, 3, 40)],
    "loss_a, loss_b",
    "mean_error(loss_a - loss_b)",
    """
((loss_a - loss_b).mean(), ((loss_a.var() + loss_b.var()) / len(loss_a)) ** 0.5) | the images are the same: not
| paired yet
((loss_a - loss_b).mean(), mean_error(loss_a)[1] + mean_error(loss_b)[1]) | two errors added up: not paired yet
((loss_a - loss_b).mean(), mean_error(loss_a)[1] - mean_error(loss_b)[1]) | two errors subtracted: not paired yet
spread(loss_a - loss_b, 0)                | this is the spread over images: divide by √n
spread(loss_a - loss_b, 1)                | divided by n: the standard deviation of a mean goes with √n
((loss_a - loss_b).mean(), (loss_a - loss_b).var() / len(loss_a)) | variance for standard deviation in the error
mean_error(loss_b - loss_a)               | sign: the gain is positive where model b costs less
mean_error(loss_a - loss_b)[::-1]         | the order is (gain, standard error)
(loss_a - loss_b, mean_error(loss_a - loss_b)[1]) | one gain for each image; their mean is asked for
((loss_a - loss_b).mean(), mean_error(loss_a)[1]) | this is the error of one model's mean: take the differences
""",
    also_right="((loss_a - loss_b).mean(), (loss_a - loss_b).std(correction=0) / len(loss_a) ** 0.5)",
)


def lse(log_w, dim=0):
    return torch.logsumexp(log_w, dim=dim)


log_mean_exp = Check(
    "05",
    "L_K in section 7",
    lambda g: [(normal(g, k, n),) for k, n in ((1, 1), (2, 1), (3, 2), (3, 5))],
    "log_w",
    "lse(log_w) - math.log(len(log_w))",
    """
log_w.mean(dim=0)                    | this is the mean of the logarithms, the ELBO; L_K is the logarithm of the mean
lse(log_w)                           | − log k is missing: this is the logarithm of the sum, not of the mean
lse(log_w, 1) - math.log(log_w.shape[1]) | this averages over the images: the k draws are the rows, dim 0
lse(log_w) - math.log(log_w.shape[1]) | divided by the number of images: the mean is over the k draws
lse(log_w) + math.log(len(log_w))    | sign: dividing by k subtracts log k
lse(log_w) / len(log_w)              | divided by k outside the logarithm: inside it becomes − log k
log_w.exp().mean(dim=0)              | the last logarithm is missing: this is the mean weight
lse(log_w.flatten()) - math.log(log_w.numel()) | everything is averaged, the images too: one bound for each image
lse(log_w - log_w.amax(dim=0)) - math.log(len(log_w)) | the largest log weight was taken out and not put back
log_w.amax(dim=0)                    | this is the largest log weight alone
""",
    extreme=[
        (
            (torch.tensor([[-1000.0], [-1001.0]]).double(),),
            "log weights like −1000 give −inf: take out the largest first",
        ),
        ((torch.tensor([[1000.0], [1001.0]]).double(),), "log weights like 1000 overflow: take out the largest first"),
        (
            (torch.tensor([[-2000.0, 0.0], [-2001.0, 1.0]]).double(),),
            "the largest log weight is taken over all images: each needs its own",
        ),
    ],
)

two_figures = Choice(
    "05",
    "C",
    """
A | the ± tells about other test images, and both models saw the same ones: most of it cancels
B | half a nat may be much or nothing: it depends on the error of the difference, and on the luck of training
C | the differences image by image have an error of their own, smaller; and other seeds may turn the order
D | means over the same images may be compared; the question is with which error
""",
)
