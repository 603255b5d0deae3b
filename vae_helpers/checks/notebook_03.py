"""The checks of notebook 03's exercises."""

# ruff: noqa: F403, F405

from .words import *

Check.namespace = globals()


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
