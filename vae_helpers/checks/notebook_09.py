"""The checks of notebook 09's exercises."""

# ruff: noqa: F403, F405

from .words import *

Check.namespace = globals()


def candidate(names, expression):
    """A function to be judged, named by its formula."""
    fn = eval(f"lambda {names}: {expression}", {"torch": torch})
    fn.__name__ = expression
    return fn


PLACES = {"prior": (0, 0), "right": (2, 0), "left": (-2, 0), "wide": (0, 2), "narrow": (0, -2)}


def fits(kl, *places):
    """Whether the candidate has one number an image, 0 at the prior and more than 0 at the other places named."""
    mu, log_var = torch.tensor([PLACES[place] for place in places if place in PLACES]).double().T[..., None]
    values = torch.as_tensor(kl(mu, log_var))
    if "shape" in places and values.shape != (len(mu),):
        return False
    signs = zip(values.flatten(), (place for place in places if place in PLACES))
    return all(abs(value) < 1e-6 if place == "prior" else value > 1e-6 for value, place in signs)


_kls = [
    "0.5 * (log_var.exp() + mu**2 - 1 - log_var).sum(-1)",
    "(log_var.exp() + mu**2 - 1 - log_var).sum(-1)",  # twice as much: it could be one
    "0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(-1)",
    "0.5 * (log_var.exp() + mu**2 - log_var).sum(-1)",
    "0.5 * (log_var.exp() - 1 - log_var).sum(-1)",
    "0.5 * (log_var.exp() + mu - 1 - log_var).sum(-1)",
    "0.5 * (log_var.exp() + mu**2 - 1 + log_var).sum(-1)",
    "0.5 * (mu**2 - log_var).sum(-1)",
    "0.5 * (log_var.exp() + mu**2 - 1 - log_var)",
]
could_be_kl = Check(
    "09",
    "the invariant of section 2",
    lambda g: [(candidate("mu, log_var", expression),) for expression in _kls],
    "kl",
    'fits(kl, "prior", "right", "left", "wide", "narrow", "shape")',
    """
fits(kl, "prior", "shape") | it looks at the prior only, and there a KL with its sign turned is 0, too
fits(kl, "right", "left", "wide", "narrow", "shape") | it never looks at the prior: a KL without its −1 passes
fits(kl, "prior", "wide", "narrow", "shape") | mu is 0 throughout: a candidate that forgets mu passes
fits(kl, "prior", "right", "left", "shape") | log_var is 0 throughout: a candidate with a wrong log_var passes
fits(kl, "prior", "right", "wide", "narrow", "shape") | mu is never negative: a mu that was not squared passes
fits(kl, "prior", "right", "left", "wide", "shape") | log_var is never negative: one that is wrong for narrow clouds
| passes
fits(kl, "prior", "right", "left", "narrow", "shape") | log_var is never positive: one that is wrong for wide clouds
| passes
fits(kl, "prior", "right", "left", "wide", "narrow") | dimensions that are not added up pass: ask for one
| number an image
not fits(kl, "prior", "right", "left", "wide", "narrow", "shape") | the answer is turned round: True must mean that it
| could be one
True | it passes everything
False | it passes nothing: allow for rounding at 0
""",
)


def draws(g):
    for n, latent in ((3, 2), (4, 3), (50, 2)):
        mu, log_var = normal(g, n, latent), normal(g, n, latent)
        yield draw(mu, log_var, 0.4 + 1.7 * normal(g, n, latent)), mu, log_var  # not quite as it should be


def standard(z, mu, log_var):
    return (z - mu) / exp(log_var / 2)


def mean_std(values, **kind):
    return values.mean(), values.std(**kind)


moments = Check(
    "09",
    "the invariant of section 4",
    draws,
    "z, mu, log_var",
    "mean_std(standard(z, mu, log_var))",
    """
mean_std((z - mu) / exp(log_var))           | divided by the variance: sigma is exp(log_var / 2)
mean_std((z - mu) / log_var)                | divided by log_var: undo the logarithm, and it is the variance's
mean_std((z - mu) / (log_var / 2))          | divided by log σ: undo the logarithm
mean_std((z - mu) * exp(log_var / 2))       | multiplied by sigma: dividing undoes the stretch
mean_std(z - mu)                            | not divided by sigma
mean_std(z / exp(log_var / 2) - mu)         | divided first, then shifted: undo the last step first
mean_std(z / exp(log_var / 2))              | mu was not taken off
mean_std(z)                                 | these are the moments of z itself: neither shift nor stretch is undone
(standard(z, mu, log_var).mean(), standard(z, mu, log_var).var()) | the second is the variance; the standard deviation
| is asked for
(standard(z, mu, log_var).std(), standard(z, mu, log_var).mean()) | the order is mean, then standard deviation
(standard(z, mu, log_var).mean(0), standard(z, mu, log_var).std(0)) | one number for each dimension: take all together
(standard(z, mu, log_var).mean(1), standard(z, mu, log_var).std(1)) | one number for each image: take all together
standard(z, mu, log_var)                    | this is eps itself; its mean and its standard deviation are asked for
standard(z, mu, log_var).mean()             | the standard deviation is missing
""",
    also_right="mean_std(standard(z, mu, log_var), correction=0)",
)


def encoders(g):
    x = normal(g, 6, 4)
    return [(candidate("x", expression), x) for expression in _encoders]


_encoders = [
    "2 * x[:, :2]",
    "torch.tanh(x - x.mean(1, keepdim=True))",  # each image's own mean
    "x - x.mean(0)",
    "x.softmax(0)",
    "x.cumsum(0)",
    "x / len(x)",
    "x + x[-1]",
]


def one_by_one(encode, x, rows=None):
    rows = range(len(x)) if rows is None else rows
    return all(torch.allclose(encode(x[i : i + 1])[0], encode(x)[i]) for i in rows)


def reordered(encode, x):
    return torch.allclose(encode(x.flip(0)), encode(x).flip(0))


same_in_any_batch = Check(
    "09",
    "the exercise's own words",
    encoders,
    "encode, x",
    "one_by_one(encode, x)",
    """
one_by_one(encode, x, [0])           | only the first image is looked at: a running sum leaves it alone
one_by_one(encode, x, [len(x) - 1])  | only the last image is looked at: what if the others depend on it?
reordered(encode, x)                 | only the order is changed: the average of a batch does not care. Take each alone
not one_by_one(encode, x)            | the answer is turned round: True must mean the same in any batch
True                                 | it passes everything, as comparing a batch with itself does
False                                | it passes nothing: allow for rounding, with torch.allclose
""",
)

eleventh_bug = Choice(
    "09",
    "C",
    """
A | shapes (100,) and (100, 1) do fit: they are broadcast. What shape comes out?
B | each KL appears 100 times, but so does each reconstruction, and the mean divides by all 10,000
C | the mean over the table is mean(recon) + mean(KL): right for training, wrong for every single image
D | the mean divides both terms alike, by the number of entries of the table
""",
)
