"""The checks of notebook 05's exercises."""

# ruff: noqa: F403, F405

from .words import *

Check.namespace = globals()


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
