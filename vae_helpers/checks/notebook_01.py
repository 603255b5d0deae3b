"""The checks of notebook 01's exercises."""

# ruff: noqa: F403, F405

from .words import *

Check.namespace = globals()

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
