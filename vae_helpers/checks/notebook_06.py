"""The checks of notebook 06's exercises."""

# ruff: noqa: F403, F405

from .words import *

Check.namespace = globals()


def patterns(g):
    """Images, their mean, and patterns of length 1 at right angles to each other."""
    for n, pixels, dims in ((1, 2, 1), (3, 3, 2), (5, 4, 2)):
        components = torch.linalg.qr(torch.randn(pixels, dims, generator=g, dtype=torch.float64))[0].T
        yield normal(g, n, pixels), normal(g, pixels), components.contiguous()


def rebuilt(centred, components):
    return centred @ components.T @ components


pca_rebuild = Check(
    "06",
    "the words on PCA in section 1",
    patterns,
    "x, mean, components",
    "mean + rebuilt(x - mean, components)",
    """
rebuilt(x - mean, components)        | the mean is missing at the end: add it after decoding
mean + rebuilt(x, components)        | the mean is not subtracted before encoding
rebuilt(x, components)               | the mean does not appear in what comes out: subtract it before, add it after
(x - mean) @ components.T            | these are the codes: decode them, and add the mean
x @ components.T                     | these are codes, and of images that still have their mean: decode them
mean - rebuilt(x - mean, components) | sign: the mean is added to the decoded codes
mean + rebuilt(x + mean, components) | sign: the mean is subtracted before encoding
x - rebuilt(x - mean, components)    | this is what PCA leaves out, plus the mean
x                                    | this gives the images back unchanged: nothing was left out
mean.expand_as(x)                    | every image becomes the mean: the codes do not appear
mean + rebuilt(x - x.mean(dim=0), components) | the mean of this batch is subtracted: use the mean that is given
mean + rebuilt(x - mean, components).mean(dim=0) | averaged over the images: each has its own codes
x.mean(dim=0) + rebuilt(x - x.mean(dim=0), components) | the mean of this batch is used: use the mean that is given
""",
)


def half_seen(g):
    for points, pixels in ((2, 1), (3, 2), (4, 6), (5, 8)):
        seen = torch.arange(pixels) < max(1, pixels // 2)
        seen = seen[torch.randperm(pixels, generator=g)]
        logits, log_prior = normal(g, points, pixels), normal(g, points)
        yield logits, between(g, 0.05, 0.95, pixels), seen, log_prior


def seen_cost(logits, x, seen):
    return recon(logits[:, seen], x[seen])


def weights(log_weights):
    return torch.softmax(log_weights, dim=0)


masked_posterior = Check(
    "06",
    "the three steps of section 2",
    half_seen,
    "logits, x, seen, log_prior",
    "weights(log_prior - seen_cost(logits, x, seen))",
    """
weights(log_prior - recon(logits, x))                 | all pixels take part: the hidden ones are not known
weights(log_prior - seen_cost(logits, x, ~seen))      | these are the hidden pixels: seen is True where a pixel is seen
weights(-seen_cost(logits, x, seen))                  | the prior does not appear: this is the likelihood, scaled
weights(log_prior)                                    | the image does not appear: this is the prior
weights(log_prior + seen_cost(logits, x, seen))       | sign: the cross-entropy is −log p(x_seen|z)
weights(-log_prior - seen_cost(logits, x, seen))      | sign of the prior: log p(z) is added to log p(x_seen|z)
weights(log_prior - recon(logits, x * seen))          | a hidden pixel was set to 0, which says "paper": leave
| it out instead
weights(log_prior - seen_cost(logits, x, seen) / max(1, int(seen.sum()))) | the likelihood is averaged over
| the pixels: their logarithms add up
weights(log_prior.exp() - seen_cost(logits, x, seen)) | log_prior is a logarithm already: add it as it is
log_prior - seen_cost(logits, x, seen)                | these are logarithms of weights: softmax makes them add up to 1
(log_prior - seen_cost(logits, x, seen)).exp()        | these weights do not add up to 1: divide by their sum
(log_prior - seen_cost(logits, x, seen)).log_softmax(dim=0) | these are the logarithms of the weights
weights(seen_cost(logits, x, seen))                   | sign, and the prior does not appear
""",
    extreme=[
        (
            (
                torch.tensor([[900.0, 0.0], [901.0, 0.0]]).double(),
                torch.tensor([0.0, 1.0]).double(),
                torch.tensor([True, False]),
                torch.zeros(2).double(),
            ),
            "log weights like −900 give 0/0: let softmax take the exponentials",
        )
    ],
)

spoiled_comparison = Choice(
    "06",
    "B",
    """
A | no label is used there: it must be said, and it is the idea of learning from images without labels
B | the test images take part in a choice there, and the highest of many test accuracies is partly luck
C | the same images for both make the comparison paired: that is a strength
D | the same rule may well end at different rates: the labels kept aside may choose, the test images may not
""",
)


def label_costs(g):
    for n, labels in ((1, 2), (2, 3), (4, 10)):
        prior = torch.rand(labels, generator=g, dtype=torch.float64) + 0.1
        yield normal(g, n, labels, scale=2) - 8, (prior / prior.sum()).log()


label_posterior = Check(
    "06",
    "section 4",
    label_costs,
    "log_px_given_y, log_prior",
    "(log_px_given_y + log_prior).softmax(dim=1)",
    """
log_px_given_y.softmax(dim=1)                     | the prior does not appear: p(y) belongs in Bayes' rule
(log_px_given_y + log_prior).softmax(dim=0)       | this adds up to 1 over the images: it must over the labels, dim 1
(log_px_given_y - log_prior).softmax(dim=1)       | sign of the prior: log p(y) is added
(log_prior - log_px_given_y).softmax(dim=1)       | sign of log p(x|y): the more probable image wins
(log_px_given_y + log_prior).log_softmax(dim=1)   | these are logarithms: p(y|x) itself is asked for
(log_px_given_y + log_prior).exp()                | this is p(x, y): divide by the sum over the labels
log_px_given_y + log_prior                        | this is log p(x, y): take the exponential and divide by the sum
(log_px_given_y + log_prior.exp()).softmax(dim=1) | the prior is not a logarithm there: add log p(y)
(log_px_given_y * log_prior).softmax(dim=1)       | logarithms of factors add up
(log_px_given_y + log_prior).argmax(dim=1)        | this is the best label: the probabilities of all are asked for
(log_px_given_y + log_prior).logsumexp(dim=1)     | this is log p(x): the denominator alone
log_prior.exp().expand_as(log_px_given_y)         | the images do not appear: this is the prior
log_px_given_y.exp() * log_prior.exp()            | this is p(x, y): divide by the sum over the labels
""",
    extreme=[
        (
            (torch.tensor([[-1000.0, -1001.0]]).double(), torch.tensor([0.5, 0.5]).double().log()),
            "log p(x|y) like −1000 gives 0/0: let softmax take the exponentials",
        )
    ],
)
