"""The checks of notebook 02's exercises."""

# ruff: noqa: F403, F405

from .words import *

Check.namespace = globals()

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
