"""The checks of notebook 07's exercises."""

# ruff: noqa: F403, F405

from .words import *

Check.namespace = globals()


def curves(g):
    """Points of a rate–distortion curve by rising β: the rate falls, the distortion rises."""
    for n in (2, 3, 5):
        yield between(g, 0.2, 2, n).cumsum(0).flip(0), 40 + between(g, 0.1, 5, n).cumsum(0)


chord_slopes = Check(
    "07",
    "the chords above this exercise",
    curves,
    "rate, distortion",
    "distortion.diff() / -rate.diff()",
    """
distortion.diff() / rate.diff()      | the sign: dD/dR is negative, and asked is what one nat of rate *saves*, −dD/dR
-rate.diff() / distortion.diff()     | turned over: this is the rate that one nat of distortion buys
rate.diff() / distortion.diff()      | turned over, and with the sign of dD/dR: distortion stands above, rate below
distortion.diff()                    | the change of the distortion alone: divide by the change of the rate
-rate.diff()                         | the change of the rate alone: the change of the distortion stands above it
distortion / rate                    | the quotient at each point; a slope needs the *differences* between neighbours
(distortion[1:] - distortion[0]) / (rate[0] - rate[1:]) | every chord starts at the first point: join neighbours
(distortion[-1] - distortion[0]) / (rate[0] - rate[-1]) | one chord from end to end: join neighbours
(distortion.diff() / -rate.diff()).mean() | one number; a slope for each pair of neighbours is asked
(distortion + rate).diff() / -rate.diff() | this is the change of −ELBO, D + R; take the distortion alone
distortion.diff() / rate[:-1]        | divided by the rate itself: divide by its change
distortion.diff() / rate[1:]         | divided by the rate itself: divide by its change
""",
)


def codes(g):
    """Means of codes whose dimensions differ in centre and spread: a dead unit may sit away from 0."""
    kinds = [(0, 1), (1, 0.03), (0, 0.03), (-1, 0.5), (2, 0.001), (0, 0.2)]
    for n, places in ((40, (0, 2)), (40, (0, 3, 5, 1)), (30, range(6)), (25, (0, 3, 5, 0, 2))):
        columns = [kinds[places[i]] for i in torch.randperm(len(places), generator=g)]
        mean, sigma = torch.tensor(columns, dtype=torch.float64).T
        eps = torch.randn(n, len(columns), generator=g, dtype=torch.float64)
        mu = mean + sigma * (eps - eps.mean(dim=0))
        yield (mu.mul(1e4).round().div(1e4),)


active_units = Check(
    "07",
    "the definition of A_k in section 3",
    codes,
    "mu",
    "(mu.var(dim=0) > 0.01).sum()",
    """
(mu.std(dim=0) > 0.01).sum()         | standard deviation for variance: 0.01 is the limit of the variance
((mu**2).mean(dim=0) > 0.01).sum()   | the mean square for the variance: an unused unit may sit away from 0
(mu.abs().mean(dim=0) > 0.01).sum()  | the size of mu for its spread: take the variance over the images
(mu.mean(dim=0).abs() > 0.01).sum()  | where the unit sits on average, not how far it moves: take the variance
(mu.var(dim=1) > 0.01).sum()         | the variance over the units: the images are the rows, dim 0
(mu.var() > 0.01).sum()              | one variance of all numbers together: each unit has its own
(mu.var(dim=0) > 0.1).sum()          | the limit is 0.01, not 0.1
(mu.var(dim=0) > 0.01)               | which units are active; their number is asked
(mu.var(dim=0) > 0.01).double().mean() | the share of active units; their number is asked
(mu.var(dim=0) <= 0.01).sum()        | these are the unused ones: active means *above* 0.01
mu.var(dim=0)                        | the variances themselves: count those above 0.01
mu.var(dim=0).sum()                  | the variances are added up: count those above 0.01
""",
    also_right="(mu.var(dim=0, correction=0) > 0.01).sum()",
)


def spectra(g):
    """Eigenvalues, the largest first, and a noise variance (never 1) with some of them above and some below it."""
    for n in (1, 2, 6):
        noise = between(g, 1.2, 2, 1).item()
        yield between(g, 2.5, 9, n).sort(descending=True).values, noise
        both = torch.cat([between(g, 2.5, 9, n), between(g, 0.2, 1, n)])
        yield both.sort(descending=True).values, noise


linear_rate = Check(
    "07",
    "the rate of a dimension in section 4",
    spectra,
    "eigenvalues, noise",
    "0.5 * log((eigenvalues / noise).clamp(min=1))",
    """
0.5 * log(eigenvalues / noise)       | negative where λ < σ², which no KL is: that dimension collapses, KL 0
log((eigenvalues / noise).clamp(min=1)) | the ½ is missing
0.5 * torch.log2((eigenvalues / noise).clamp(min=1)) | these are bits: nats need the natural logarithm
0.5 * torch.log10((eigenvalues / noise).clamp(min=1)) | logarithm to base 10: nats need the natural one
0.5 * log((noise / eigenvalues).clamp(min=1)) | turned over: λ stands above, σ² below
0.5 * log((eigenvalues / noise).clamp(min=1)).sum() | the total; one number for each dimension is asked
0.5 * log(1 + eigenvalues / noise)   | this takes w² = λ; the best is w² = λ − σ², so that w² + σ² = λ
0.5 * log(1 + (eigenvalues - noise).clamp(min=0)) | the division by σ² is missing
0.5 * log(eigenvalues.clamp(min=1))  | σ² does not appear
0.5 * log(eigenvalues.clamp(min=noise)) | σ² is missing below the logarithm: divide by it
0.5 * log((eigenvalues / noise**2).clamp(min=1)) | squared once more: `noise` is the variance σ² already
(1 - noise / eigenvalues).clamp(min=0) | this is A_k, the variance of mu; asked is the KL
0.5 * (eigenvalues / noise - 1).clamp(min=0) | the logarithm is missing
0.5 * log((eigenvalues - noise).clamp(min=1)) | λ and σ² are subtracted; the logarithm takes their quotient
""",
)


def kl_of_units(g):
    """The KL of every image and unit: some units below the floor, some above it on average but not for every image."""
    for n, latent in ((1, 1), (1, 2), (4, 3), (3, 6)):
        kl = between(g, 0, 0.25, n, latent)
        kl[::2, 1::3] += 2.5
        yield kl, between(g, 0.3, 0.9, 1).item() + 0.005


free_bits = Check(
    "07",
    "the formula above this exercise",
    kl_of_units,
    "kl, floor",
    "kl.mean(dim=0).clamp(min=floor).sum()",
    """
kl.clamp(min=floor).sum(dim=1).mean() | the floor is applied to every image: average over the batch first
kl.clamp(min=floor).mean(dim=0)      | the floor is applied to every image, and the sum over the units is missing
kl.sum(dim=1).mean().clamp(min=floor) | the floor is applied to the total: each unit has its own
kl.mean(dim=0).clamp(max=floor).sum() | this is the smaller of KL and floor; the larger is asked
(kl.mean(dim=0) - floor).clamp(min=0).sum()
| | the floor is subtracted: the same gradient, another number; max(floor, KL) is asked
kl.mean(dim=0).clamp(min=floor).mean() | mean for sum: the units' KL add up
kl.mean(dim=0).clamp(min=floor)      | one number for each unit: their sum is asked
kl.mean(dim=1).clamp(min=floor).sum() | averaged over the units: average over the images, dim 0
kl.sum(dim=0).clamp(min=floor).sum() | summed over the batch: average over the images
kl.mean(dim=0).clamp(min=floor).sum() * kl.shape[0] | multiplied by the batch size
kl.mean(dim=0).sum()                 | the floor does not appear: this is the plain KL
kl.mean(dim=0).sum() + floor         | the floor is added: take the larger of the two
(kl.mean(dim=0) + floor).sum()       | the floor is added: take the larger of the two
(kl.mean(dim=0) * (kl.mean(dim=0) > floor)).sum() | a unit below the floor counts 0 here; it counts as the floor
""",
    grad="kl",
)

which_repair = Choice(
    "07",
    "C",
    """
A | unused units cost nothing: their KL is 0, the decoder ignores them, and −ELBO is as low as that of 20 units
B | all units work and −ELBO is in the range that section 3 printed for 20 units; nothing is wrong
C | a KL of 0.00 and a reconstruction of 206, the average image: the code says nothing at all
D | σ² is learned and ends at 1: one eigenvalue lies above it, so one unit is the maximum of the likelihood
""",
)
