"""The checks of notebook 08's exercises."""

# ruff: noqa: F403, F405

from .words import *

Check.namespace = globals()


comparable_rows = Choice(
    "08",
    "C",
    """
A | R5 is grey and K = 1, R1 is black and white and K = 5,000: they answer different questions, and twenty nats mean
| nothing
B | R7 was trained on the very images it is measured on: nothing was held out, so it is no test figure
C | the same split, pixels and bound: they answer one question, and what is left is the training and its luck
D | R8 keeps one binarization for ever and stops at K = 128: other pixels and another bound than R1
""",
)


def lse(values, dim=0):
    return torch.logsumexp(values, dim=dim)


def grouped(log_w, k):
    """(n, batch) → (n/k, k, batch)."""
    return log_w.reshape(-1, k, log_w.shape[1])


bound_from_draws = Check(
    "08",
    "the K draws of section 2",
    lambda g: [(normal(g, n, batch, scale=2), k) for n, batch, k in ((4, 1, 2), (6, 3, 3), (6, 2, 2), (12, 5, 4))],
    "log_w, k",
    "(lse(grouped(log_w, k), 1) - math.log(k)).mean(dim=0)",
    """
lse(log_w) - math.log(len(log_w))          | all draws went into one group: this estimates the bound with n draws, not
| with k
lse(grouped(log_w, k).flatten(0, 1)) - math.log(k) | all draws in one logarithm, divided by k: cut them into
| groups first
lse(log_w[:k]) - math.log(k)               | only the first k draws are used: right on average, and the rest is wasted
log_w.mean(dim=0)                          | this is the mean of the logarithms, the bound with k = 1
(lse(grouped(log_w, k), 1)).mean(dim=0)    | − log k is missing: the logarithm of the sum, not of the mean
(lse(grouped(log_w, k), 1) - math.log(len(log_w))).mean(dim=0) | divided by n inside: a group has k draws
(lse(grouped(log_w, k), 0) - math.log(len(log_w) / k)).mean(dim=0) | k groups of n/k draws: a group has k draws
(lse(grouped(log_w, k), 0) - math.log(k)).mean(dim=0) | the logarithm goes over the groups: sum inside each group first
(lse(grouped(log_w, k), 1) - math.log(k)).sum(dim=0) | the estimates of the groups are added: take their mean
lse(grouped(log_w, k), 1) - math.log(k)    | one number for each group: take the mean over the groups
(lse(log_w.reshape(-1, k), 1) - math.log(k)).mean() | images are mixed: the groups are rows, the columns stay
grouped(log_w, k).amax(dim=1).mean(dim=0)  | this is the largest log weight of each group alone
(lse(grouped(log_w, k), 1) / k).mean(dim=0) | divided by k outside the logarithm: inside it becomes − log k
""",
    also_right="(lse(log_w.reshape(k, -1, log_w.shape[1]), 0) - math.log(k)).mean(dim=0)",
    extreme=[
        (
            (torch.tensor([[-1000.0], [-1001.0], [-1002.0], [-1000.0]]).double(), 2),
            "log weights like −1000 give −inf: `torch.logsumexp` keeps its way",
        )
    ],
)


def chunks(g):
    for sizes, batch in (([3], 1), ([2, 6], 1), ([10, 10, 4], 3), ([1, 5, 2, 7], 2)):
        yield normal(g, len(sizes), batch, scale=2), torch.tensor(sizes)


def weighted(bounds, counts):
    return bounds + log(counts.double())[:, None]


combine_chunks = Check(
    "08",
    "the memory in section 2",
    chunks,
    "bounds, counts",
    "lse(weighted(bounds, counts)) - log(counts.sum().double())",
    """
bounds.mean(dim=0)                        | this is the mean of the logarithms: average the weights themselves
(bounds * counts[:, None]).sum(dim=0) / counts.sum() | this is a mean of the logarithms: average the weights themselves
lse(bounds) - math.log(len(bounds))       | the sizes of the chunks do not appear: a chunk of 4 counts as much as one of
| 10
lse(weighted(bounds, counts))             | − log of all draws is missing: this is the logarithm of the sum
lse(bounds) - log(counts.sum().double())  | a chunk's mean stands for counts draws: multiply by counts before adding up
lse(weighted(bounds, counts)) - math.log(len(bounds)) | divided by the number of chunks: divide by the number of draws
lse(bounds * counts[:, None]) - log(counts.sum().double()) | counts multiply the logarithm: inside it they are + log
| counts
lse(bounds + counts[:, None]) - log(counts.sum().double()) | counts are added to a logarithm: add log counts
lse(weighted(bounds, counts)) / counts.sum() | divided outside the logarithm: inside it becomes − log of all draws
(bounds.exp() * counts[:, None]).sum(dim=0) / counts.sum() | the last logarithm is missing: this is the mean weight
lse((weighted(bounds, counts) - log(counts.sum().double())).flatten()) | the images are added up too: one bound for each
bounds.amax(dim=0)                        | the best chunk alone: that is no mean, and no bound
bounds[-1]                                | the last chunk alone
""",
    extreme=[
        (
            (torch.tensor([[-1000.0], [-1001.0]]).double(), torch.tensor([2, 3])),
            "bounds like −1000 give −inf: keep to logarithms, `torch.logsumexp`",
        )
    ],
)


def spectra(g):
    for size, latent in ((3, 1), (5, 2), (8, 3), (6, 0)):
        yield between(g, 0.1, 4, size).sort(descending=True).values, latent


def best(eigenvalues, latent, s2=None, two_pi=1, trace=1, times=None):
    """The maximum, or what comes out when a part is forgotten."""
    n = len(eigenvalues)
    s2 = eigenvalues[latent:].mean() if s2 is None else s2
    noise = (n - latent if times is None else times) * log(s2)
    return -0.5 * (two_pi * n * math.log(2 * math.pi) + log(eigenvalues[:latent]).sum() + noise + trace * n)


exact_maximum = Check(
    "08",
    "the formula at the top of section 3",
    spectra,
    "eigenvalues, latent",
    "best(eigenvalues, latent)",
    """
best(eigenvalues, latent, eigenvalues.mean()) | the noise variance is the mean of the *discarded* eigenvalues, not of
| all
best(eigenvalues, latent, eigenvalues[latent:].sum()) | the discarded eigenvalues are added up: their mean is the noise
| variance
best(eigenvalues, latent, eigenvalues[latent]) | the first discarded eigenvalue is taken for the noise variance: it is
| their mean
best(eigenvalues, latent, eigenvalues[-1])    | the smallest eigenvalue is taken for the noise variance: it is the mean
| of all that were discarded
best(eigenvalues, latent, eigenvalues[:latent].mean()) | this is the mean of the eigenvalues that are kept: take the
| others
best(eigenvalues, latent, two_pi=0)           | the constant with 2π is missing: it belongs to a density
best(eigenvalues, latent, two_pi=1 / len(eigenvalues)) | log 2π is there once: each pixel has one
best(eigenvalues, latent, trace=0)            | the last term is missing: the data's own spread costs ½ for each pixel
best(eigenvalues, latent, trace=1 / len(eigenvalues)) | + 1 in place of + the number of pixels at the end
best(eigenvalues, latent, times=1)            | log s² is counted once: every discarded direction has it
best(eigenvalues, latent, times=len(eigenvalues)) | log s² is counted for all pixels: only for the discarded directions
2 * best(eigenvalues, latent)                 | the ½ is missing
-best(eigenvalues, latent)                    | sign: this is −log p(x), and the maximum of log p(x) is asked for
best(eigenvalues, latent) / len(eigenvalues)  | divided by the number of pixels: nats per image are asked for
best(eigenvalues, latent, eigenvalues[latent:].mean().sqrt()) | standard deviation for variance
best(eigenvalues, len(eigenvalues), 1 + 0 * eigenvalues[0]) | every eigenvalue is kept: this is the best full Gaussian
best(eigenvalues, latent + 1)                 | one direction too many is kept
""",
)
