"""The exercises: solutions are accepted, mistakes are rejected by name, stubs say so, nothing is disturbed.

Exercises are read from the notebooks: a code cell whose id ends in ``-stub`` and, after it, a cell ``-help`` with
three folded blocks, the last of which holds the solution as Python. ``pytest -s -k table`` prints every planted
mistake with its verdict.
"""

import ast
import contextlib
import functools
import io
import itertools
import random
import re

import nbformat
import numpy as np
import planted_06
import planted_07
import planted_08
import planted_09
import pytest
import torch
from conftest import NOTEBOOKS
from torch import nn

import vae_helpers as vh
from vae_helpers import checks
from vae_helpers.checks import verdict as verdicts
from vae_helpers.checks.verdict import TODO, Check, Choice, outcome, same

ALL = {name: thing for name, thing in vars(checks).items() if isinstance(thing, Check)}
CODING = [name for name, check in ALL.items() if not isinstance(check, Choice)]
CHOICES = [name for name, check in ALL.items() if isinstance(check, Choice)]


@pytest.fixture(autouse=True)
def inputs_that_can_be_repeated(monkeypatch):
    """A check draws new inputs at each call; here from seeds 0, 1, 2, …, so that a failure can be looked into."""
    seeds = itertools.count()
    monkeypatch.setattr(verdicts, "fresh_generator", lambda: torch.Generator().manual_seed(next(seeds)))


def verdict(check, attempt):
    """What the check prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        check(attempt)
    return said.getvalue().rstrip("\n")


# The exercises as the notebooks have them.


def definitions(cells):
    """The imports, functions and classes of a notebook: what a solution may use."""
    namespace = {}
    for cell in cells:
        if cell.cell_type == "code" and not cell.id.endswith("-stub"):
            kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
            nodes = [node for node in ast.parse(cell.source).body if isinstance(node, kinds)]
            exec(compile(ast.Module(nodes, []), cell.id, "exec"), namespace)
    return namespace


@functools.cache
def exercises():
    """name of the check → (number of the notebook, source of the stub cell, source of the solution, namespace)."""
    found = {}
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        for cell, answers in itertools.pairwise(cells):
            if cell.cell_type == "code" and cell.id.endswith("-stub"):
                (name,) = re.findall(r"^vh\.checks\.(\w+)\(\w+\)$", cell.source, re.M)
                assert answers.id == cell.id.replace("-stub", "-help"), cell.id
                blocks = re.findall(r"<details>.*?</details>", answers.source, re.S)
                assert len(blocks) == 3, cell.id
                (solution,) = re.findall(r"```python\n(.*?)```", blocks[2], re.S)
                assert name not in found
                found[name] = path.name[:2], cell.source, solution, definitions(cells)
    return found


def run(source, namespace):
    """Run a cell's source and return what it prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(source, {**namespace, "vh": vh})
    return said.getvalue().strip()


def in_the_stubs_place(stub, solution):
    """The stub cell with the solution in place of the definition that it makes unfinished."""
    old, new = ast.parse(stub).body, ast.parse(solution).body
    assert getattr(old[0], "name", None) == getattr(new[0], "name", None)
    return ast.unparse(ast.Module([*new, *old[1:]], []))


def solution_of(name):
    """The function of the notebook's solution."""
    _, _, solution, namespace = exercises()[name]
    own = dict(namespace)
    exec(solution, own)
    return own[ast.parse(solution).body[0].name]


def test_every_check_has_its_exercise_and_every_notebook_enough_of_them():
    assert set(exercises()) == set(ALL)
    numbers = [number for number, *_ in exercises().values()]
    assert all(numbers.count(path.name[:2]) >= (4 if path.name.startswith("02") else 3) for path in NOTEBOOKS)
    assert all(ALL[name].notebook == number for name, (number, *_) in exercises().items())


@pytest.mark.parametrize("name", ALL)
def test_stub_says_so_and_solution_is_accepted(name):
    number, stub, solution, namespace = exercises()[name]
    assert run(stub, namespace) == TODO
    for _ in range(5):  # new inputs each time
        assert run(in_the_stubs_place(stub, solution), namespace).startswith("✔")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_progress_counts(path):
    number = path.name[:2]
    mine = [name for name, check in ALL.items() if check.notebook == number]
    for name in mine:
        ALL[name].solved = False
    assert run(f'vh.checks.progress("{number}")', {}) == f"0 of {len(mine)} solved"
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells[-1].source == f'vh.checks.progress("{number}")'
    for name in mine[:2]:
        ALL[name](ALL[name].right if isinstance(ALL[name], Choice) else solution_of(name))
    assert run(f'vh.checks.progress("{number}")', {}).startswith("2 of ")


# Planted mistakes, written as a learner would write them: a word that the verdict must contain, and the code.

BCE = "F.binary_cross_entropy_with_logits(logits, x, reduction='none')"
KL = "(0.5 * (log_var.exp() + mu**2 - 1 - log_var).sum(-1))"
SQ = "(((z - mu) / torch.exp(0.5 * log_var)) ** 2).sum(1)"
Q, P = "torch.distributions.Normal(mu, (log_var / 2).exp())", "torch.distributions.Normal(0.0, 1.0)"
CLUES = f"(lambda z: {Q}.log_prob(z) - {P}.log_prob(z))(mu + (log_var / 2).exp() * eps)"
MODEL = "lambda pixels, hidden, latent: Net(pixels, hidden, latent, "

PLANTED = {
    "inside_ellipse": [
        ("variance", "(((z - mu) / log_var.exp()) ** 2).sum(1) <= 5.991464547"),
        ("square the radius", f"{SQ} <= 2.4477468"),
        ("circle", "((z - mu) ** 2).sum(1) <= 5.991464547"),
        ("subtract", "((z / (log_var / 2).exp()) ** 2).sum(1) <= 5.991464547"),
        ("rectangle", "(((z - mu) / (log_var / 2).exp()).abs() <= 2.4477468).all(1)"),
        ("turned round", f"{SQ} > 5.991464547"),
        ("1.96", f"{SQ} <= 3.8416"),
        ("undo the logarithm", "(((z - mu) / log_var) ** 2).sum(1) <= 5.991464547"),
    ],
    "winner": [
        ("highest", "torch.argmax(recon + kl * beta)"),
        ("β does not appear", "torch.argmin(recon + kl)"),
        ("belongs to the KL", "torch.argmin(beta * recon + kl)"),
        ("only the KL", "torch.argmin(kl)"),
        ("only the reconstruction", "torch.argmin(recon)"),
        ("both terms are costs", "(recon - beta * kl).argmin()"),
        ("argmin", "min(recon + beta * kl)"),
    ],
    "interpolate": [
        ("backwards", "torch.stack([t * z_a + (1 - t) * z_b for t in torch.linspace(0, 1, steps)])"),
        ("never arrives", "torch.stack([(1 - i / steps) * z_a + i / steps * z_b for i in range(steps)])"),
        ("starts too late", "torch.stack([z_a + i / steps * (z_b - z_a) for i in range(1, steps + 1)])"),
        ("fades", "torch.stack([z_a + t * z_b for t in torch.linspace(0, 1, steps)])"),
        ("exchanged", "torch.stack([(1 - t) * z_a + t * z_b for t in torch.linspace(0, 1, steps)], dim=1)"),
        ("too many", "torch.stack([z_a + i / steps * (z_b - z_a) for i in range(steps + 1)])"),
        ("z_b − z_a", "torch.stack([z_a + t * (z_a - z_b) for t in torch.linspace(0, 1, steps)])"),
    ],
    "monte_carlo_kl": [
        ("sign", f"(lambda c: (-c.mean(), c.std() / len(c) ** 0.5))({CLUES})"),
        ("divide by √n", f"(lambda c: (c.mean(), c.std()))({CLUES})"),
        ("divided by n", f"(lambda c: (c.mean(), c.std() / len(c)))({CLUES})"),
        ("variance for standard deviation", f"(lambda c: (c.mean(), c.var() / len(c)))({CLUES})"),
        ("drawn from p", f"(lambda c: (c.mean(), c.std() / len(c) ** 0.5))({Q}.log_prob(eps) - {P}.log_prob(eps))"),
        (
            "exp(log_var) is the variance",
            "(lambda c: (c.mean(), c.std() / len(c) ** 0.5))"
            f"((lambda z: {Q}.log_prob(z) - {P}.log_prob(z))(mu + log_var.exp() * eps))",
        ),
        ("order", f"(lambda c: (c.std() / len(c) ** 0.5, c.mean()))({CLUES})"),
        ("closed form", f"(lambda c: (0.5 * (log_var.exp() + mu**2 - 1 - log_var), c.std() / len(c) ** 0.5))({CLUES})"),
    ],
    "kl_divergence": [
        ("KL for log σ", "0.5 * (torch.exp(2 * log_var) + mu**2 - 1 - 2 * log_var).sum(1)"),
        ("standard deviation for variance", "0.5 * (torch.exp(log_var / 2) + mu**2 - 1 - log_var).sum(1)"),
        ("taken for the variance", "0.5 * (log_var + mu**2 - 1 - torch.log(log_var)).sum(1)"),
        ("½ is missing", "(torch.exp(log_var) + mu**2 - 1 - log_var).sum(1)"),
        ("sign", "0.5 * (1 + log_var - mu**2 - torch.exp(log_var)).sum(1)"),
        ("mean for sum", "0.5 * (torch.exp(log_var) + mu**2 - 1 - log_var).mean(1)"),
        ("sums over the batch", "0.5 * (torch.exp(log_var) + mu**2 - 1 - log_var).sum()"),
        ("averages over the batch", "0.5 * (torch.exp(log_var) + mu**2 - 1 - log_var).sum(1).mean()"),
        ("nothing is added up", "0.5 * (torch.exp(log_var) + mu**2 - 1 - log_var)"),
        ("over the images", "0.5 * (torch.exp(log_var) + mu**2 - 1 - log_var).sum(0)"),
        ("exchanged", "0.5 * (torch.exp(mu) + log_var**2 - 1 - mu).sum(1)"),
        ("−1 is missing", "0.5 * (torch.exp(log_var) + mu**2 - log_var).sum(1)"),
        ("not squared", "0.5 * (torch.exp(log_var) + mu - 1 - log_var).sum(1)"),
        ("mu does not appear", "0.5 * (torch.exp(log_var) - 1 - log_var).sum(1)"),
        ("wrong sign", "0.5 * (torch.exp(log_var) + mu**2 - 1 + log_var).sum(1)"),
        ("other direction", f"torch.distributions.kl_divergence({P.replace('0.0, 1.0', '0*mu, 1+0*mu')}, {Q}).sum(1)"),
        ("keepdim", "0.5 * (torch.exp(log_var) + mu**2 - 1 - log_var).sum(1, keepdim=True)"),
        ("not finite", f"torch.distributions.kl_divergence({Q}, {P}).sum(1)"),
        ("in place", "0.5 * (log_var.exp() + mu.pow_(2) - 1 - log_var).sum(1)"),
        ("gradient of `log_var`", "0.5 * (log_var.detach().exp() + mu**2 - 1 - log_var.detach()).sum(1)"),
        ("dtype", "0.5 * (log_var.float().exp() + mu.float()**2 - 1 - log_var.float()).sum(1)"),
        ("it stopped with", "0.5 * (np.exp(log_var) + mu**2 - 1 - log_var).sum(2)"),
    ],
    "linear_elbo": [
        ("width of the cloud", f"-0.5*(len(x)*(2*np.pi*s2).log() + ((x-b-W@mu)**2).sum()/s2) - {KL}"),
        (
            "rows of W",
            "-0.5*(len(x)*(2*np.pi*s2).log() + (((x-b-W@mu)**2).sum()"
            f" + (log_var.exp()*(W**2).sum(1)).sum())/s2) - {KL}",
        ),
        ("squared once more", f"ell(x, mu, log_var, W, b, s2**2) - {KL}"),
        ("constant is missing", f"ell(x, mu, log_var, W, b, s2) + len(x)/2*torch.log(2*np.pi*s2) - {KL}"),
        ("there once", f"ell(x, mu, log_var, W, b, s2) + (len(x)-1)/2*torch.log(2*np.pi*s2) - {KL}"),
        ("KL is added", f"ell(x, mu, log_var, W, b, s2) + {KL}"),
        ("KL is missing", "ell(x, mu, log_var, W, b, s2)"),
        ("−ELBO", f"{KL} - ell(x, mu, log_var, W, b, s2)"),
        ("b does not appear", f"ell(x, mu, log_var, W, 0, s2) - {KL}"),
        ("½ of the KL", f"ell(x, mu, log_var, W, b, s2) - 2 * {KL}"),
        ("standard deviation for variance", f"ell(x, mu, log_var / 2, W, b, s2) - {KL}"),
    ],
    "isotropic_variance": [
        ("averages the variances", "(s2 / (W.T @ W + s2 * torch.eye(W.shape[1])).diagonal()).mean()"),
        ("factor D", "s2 / ((W**2).sum() + s2 * W.shape[1])"),
        ("prior is missing", "s2 * W.shape[1] / (W**2).sum()"),
        ("precision", "((W**2).sum() / W.shape[1] + s2) / s2"),
        ("standard deviation", "(s2 * W.shape[1] / ((W**2).sum() + s2 * W.shape[1])).sqrt()"),
        ("log-variance", "(s2 * W.shape[1] / ((W**2).sum() + s2 * W.shape[1])).log()"),
        ("rows of W", "s2 * W.shape[0] / ((W**2).sum() + s2 * W.shape[0])"),
        ("best diagonal q", "s2 / ((W**2).sum(0) + s2)"),
    ],
    "reparameterize": [
        ("variance for standard deviation", "mu + log_var.exp() * eps"),
        ("order of operations", "(mu + eps) * (log_var / 2).exp()"),
        ("undo the logarithm", "mu + log_var * eps"),
        ("log σ", "mu + 0.5 * log_var * eps"),
        ("standardizes", "(eps - mu) / (0.5 * log_var).exp()"),
        ("1/σ", "mu + torch.exp(-0.5 * log_var) * eps"),
        ("no noise", "mu + 0 * log_var * eps"),
        ("mu and eps are exchanged", "eps + (log_var / 2).exp() * mu"),
        ("gradient of `log_var`", "mu + (log_var / 2).exp().detach() * eps"),
        ("gradient of `mu`", "(mu + (log_var / 2).exp() * eps).detach()"),
        ("in place", "mu.add_((log_var / 2).exp() * eps)"),
    ],
    "looks_right": [
        ("spread is right, its mean is not", "abs(draw(1.5, 0.6, eps).std() - 0.6) < 0.03"),
        ("mean is right, its spread is not", "abs(draw(1.5, 0.6, eps).mean() - 1.5) < 0.03"),
        ("sigma = 1", "abs(draw(3.0, 1.0, eps).mean() - 3) < 0.05 and abs(draw(3.0, 1.0, eps).std() - 1) < 0.05"),
        ("mu = 0", "abs(draw(0.0, 0.4, eps).mean()) < 0.05 and abs(draw(0.0, 0.4, eps).std() - 0.4) < 0.05"),
        ("E[z²]", "abs((draw(1.5, 0.6, eps) ** 2).mean() - 1.5**2 - 0.36) < 0.05"),
        ("−eps is as good", "torch.allclose(draw(1.5, 0.6, eps), 1.5 + 0.6 * eps)"),
        ("passes everything", "draw(1.5, 0.6, eps).isfinite().all()"),
        ("passes nothing", "bool(abs(draw(1.5, 0.6, eps).std() - 0.6) < 1e-9)"),
    ],
    "score_gradient": [
        ("divided by σ only", "f(mu + sigma * eps) * eps"),
        ("division is missing", "f(mu + sigma * eps) * sigma * eps"),
        ("once too often", "f(mu + sigma * eps) * eps / sigma**2"),
        ("pathwise", "torch.func.vmap(torch.func.grad(f))(mu + sigma * eps)"),
        ("read at eps", "f(eps) * eps / sigma"),
        ("sign", "f(mu + sigma * eps) * (mu - (mu + sigma * eps)) / sigma**2"),
        ("leave the mean", "(f(mu + sigma * eps) * eps / sigma).mean()"),
        ("f does not appear", "eps / sigma"),
        ("gradient by σ", "f(mu + sigma * eps) * (eps**2 - 1) / sigma"),
    ],
    "cubic_variance": [
        ("variance of z²", "(2 * mu * sigma) ** 2 + 2 * sigma**4"),
        ("9, not 3", "3 * ((2 * mu * sigma) ** 2 + 2 * sigma**4)"),
        ("subtract the square", "9 * ((mu**2 + sigma**2) ** 2 + 4 * mu**2 * sigma**2 + 2 * sigma**4)"),
        ("E[ε⁴] = 3", "9 * (2 * mu * sigma) ** 2"),
        ("standard deviation", "3 * ((2 * mu * sigma) ** 2 + 2 * sigma**4) ** 0.5"),
        ("mean of the estimate", "3 * mu**2 + 3 * sigma**2"),
        ("= 2, not 3", "9 * ((2 * mu * sigma) ** 2 + 3 * sigma**4)"),
    ],
    "vae_loss": [
        ("mean for sum", f"({BCE}.mean(-1) + {KL}).mean()"),
        ("mean for sum", f"F.binary_cross_entropy_with_logits(logits, x) + {KL}.mean()"),
        (
            "mean for sum",
            "F.binary_cross_entropy_with_logits(logits, x) + 0.5 * (log_var.exp() + mu**2 - 1 - log_var).mean()",
        ),
        ("mean for sum in the KL", f"({BCE}.sum(-1) + 0.5 * (log_var.exp() + mu**2 - 1 - log_var).mean(-1)).mean()"),
        ("sums over the batch", f"{BCE}.sum() + {KL}.sum()"),
        ("KL is summed over the batch", f"{BCE}.sum(-1).mean() + {KL}.sum()"),
        ("reconstruction is summed over the batch", f"{BCE}.sum() + {KL}.mean()"),
        ("one number for each image", f"{BCE}.sum(-1) + {KL}"),
        ("KL is missing", f"{BCE}.sum(-1).mean()"),
        ("reconstruction is missing", f"{KL}.mean()"),
        ("KL is subtracted", f"({BCE}.sum(-1) - {KL}).mean()"),
        ("ELBO", f"(-{BCE}.sum(-1) - {KL}).mean()"),
        ("½", f"({BCE}.sum(-1) + 2 * {KL}).mean()"),
        ("sigmoid twice", f"({BCE.replace('logits,', 'torch.sigmoid(logits),')}.sum(-1) + {KL}).mean()"),
        ("probabilities", f"(F.binary_cross_entropy(logits, x, reduction='none').sum(-1) + {KL}).mean()"),
        ("exchanged", f"({BCE.replace('(logits, x', '(x, logits')}.sum(-1) + {KL}).mean()"),
        ("squared error", f"(((torch.sigmoid(logits) - x) ** 2).sum(-1) + {KL}).mean()"),
        ("KL for log σ", f"({BCE}.sum(-1) + 0.5 * (torch.exp(2*log_var) + mu**2 - 1 - 2*log_var).sum(-1)).mean()"),
        ("σ for σ²", f"({BCE}.sum(-1) + 0.5 * (torch.exp(log_var/2) + mu**2 - 1 - log_var).sum(-1)).mean()"),
        (
            "±200",
            "(lambda p: (F.binary_cross_entropy(p, x, reduction='none').sum(-1)"
            f" + {KL}).mean())(torch.sigmoid(logits))",
        ),
        ("gradient of `mu`", f"({BCE}.sum(-1) + {KL.replace('mu', 'mu.detach()')}).mean()"),
        ("gradient of `logits`", f"float(({BCE}.sum(-1) + {KL}).mean())"),
    ],
    "hidden_beta": [
        ("turned over", "recon_weight * (pixels if averaged else 1) / kl_weight"),
        ("divided by the pixels", "kl_weight / recon_weight / (pixels if averaged else 1)"),
        ("pixels do not appear", "kl_weight / recon_weight"),
        ("only where", "kl_weight * pixels / recon_weight"),
        ("two cases", "kl_weight / recon_weight * (pixels if not averaged else 1)"),
        ("recon_weight does not appear", "kl_weight * (pixels if averaged else 1)"),
        ("weights are multiplied", "kl_weight * recon_weight * (pixels if averaged else 1)"),
    ],
    "deeper_vae": [
        ("one more in each half", "Net(pixels, hidden, latent, depth=1)"),
        ("ReLU between", "Net(pixels, hidden, latent, activation=nn.Identity)"),
        ("mu is never negative", "Net(pixels, hidden, latent, after_mu=torch.relu)"),
        ("log_var is never negative", "Net(pixels, hidden, latent, after_log_var=nn.functional.softplus)"),
        ("logits are asked for", "Net(pixels, hidden, latent, end=torch.sigmoid)"),
        ("no noise", "Net(pixels, hidden, latent, draw=lambda mu, log_var: mu)"),
        ("sampling step cuts", "Net(pixels, hidden, latent, draw=lambda mu, lv: vh.reparameterize(mu, lv).detach())"),
        ("batch normalization", "Net(pixels, hidden, latent, activation=lambda: nn.BatchNorm1d(hidden))"),
        ("shapes do not fit", "Net(pixels, hidden, latent + 1)"),
        ("network (nn.Module)", "'a VAE'"),
    ],
    "square_share": [
        ("dims does not appear", "1 - 2 * N.cdf(torch.tensor(-edge))"),
        ("below −edge", "N.cdf(torch.tensor(edge)) ** dims"),
        ("multiplied by dims", "dims * (1 - 2 * N.cdf(torch.tensor(-edge)))"),
        ("outside", "1 - (1 - 2 * N.cdf(torch.tensor(-edge))) ** dims"),
        ("circle", "1 - np.exp(-(edge**2) / 2)"),
        ("at least one", "1 - (2 * N.cdf(torch.tensor(-edge))) ** dims"),
        ("height of the density", "N.log_prob(torch.tensor(edge)).exp() ** dims"),
    ],
    "nearest_vote": [
        ("farthest", "labels[torch.cdist(z, codes).topk(k).indices].mode(1).values"),
        ("averaged", "labels[torch.cdist(z, codes).argsort(1)[:, :k]].float().mean(1)"),
        ("averaged", "labels[torch.cdist(z, codes).argsort(1)[:, :k]].float().mean(1).round().long()"),
        ("median", "labels[torch.cdist(z, codes).argsort(1)[:, :k]].median(1).values"),
        ("only the nearest", "labels[torch.cdist(z, codes).argmin(1)]"),
        (
            "places in the list",
            "torch.cdist(z, codes).argsort(1)[:, :k].mode(1).values",
        ),
        ("count the votes", "labels[torch.cdist(z, codes).argsort(1)[:, :k]]"),
        ("inner product", "labels[(z @ codes.T).argsort(1, descending=True)[:, :k]].mode(1).values"),
        ("dtype", "labels[torch.cdist(z, codes).argsort(1)[:, :k]].float().mode(1).values"),
    ],
    "paired_gain": [
        (
            "not paired yet",
            "((loss_a - loss_b).mean(), (loss_a.var() / len(loss_a) + loss_b.var() / len(loss_a)) ** 0.5)",
        ),
        ("added up", "((loss_a - loss_b).mean(), (loss_a.std() + loss_b.std()) / len(loss_a) ** 0.5)"),
        ("divide by √n", "((loss_a - loss_b).mean(), (loss_a - loss_b).std())"),
        ("divided by n", "((loss_a - loss_b).mean(), (loss_a - loss_b).std() / len(loss_a))"),
        ("variance for standard deviation", "((loss_a - loss_b).mean(), (loss_a - loss_b).var() / len(loss_a))"),
        ("sign", "((loss_b - loss_a).mean(), (loss_a - loss_b).std() / len(loss_a) ** 0.5)"),
        ("order", "((loss_a - loss_b).std() / len(loss_a) ** 0.5, (loss_a - loss_b).mean())"),
    ],
    "log_mean_exp": [
        ("ELBO", "log_w.mean(0)"),
        ("− log k is missing", "torch.logsumexp(log_w, 0)"),
        ("averages over the images", "torch.logsumexp(log_w, 1) - np.log(log_w.shape[1])"),
        ("number of images", "torch.logsumexp(log_w, 0) - np.log(log_w.shape[1])"),
        ("the images too", "torch.log(torch.exp(log_w).mean())"),
        ("not put back", "torch.log(torch.exp(log_w - log_w.max(0).values).mean(0))"),
        ("mean weight", "torch.exp(log_w).mean(0)"),
        ("−inf", "torch.log(torch.exp(log_w).mean(0))"),
        ("each needs its own", "log_w.max() + torch.log(torch.exp(log_w - log_w.max()).mean(0))"),
    ],
}

for more in (planted_06, planted_07, planted_08, planted_09):
    PLANTED |= more.PLANTED


def ell(x, mu, log_var, W, b, s2):
    """E_q[log p(x|z)] of the linear-Gaussian model, as a learner might write it."""
    squares = ((x - b - W @ mu) ** 2).sum() + (torch.exp(log_var) * (W**2).sum(dim=0)).sum()
    return -0.5 * (len(x) * torch.log(2 * np.pi * s2) + squares / s2)


class Net(nn.Module):
    """A VAE with the parts that a mistake may exchange."""

    def __init__(
        self,
        pixels,
        hidden,
        latent,
        depth=2,
        activation=nn.ReLU,
        after_mu=None,
        after_log_var=None,
        end=None,
        draw=None,
    ):
        super().__init__()
        sizes = [hidden] * depth
        self.encoder = nn.Sequential(
            *(m for a, b in zip([pixels, *sizes], sizes) for m in (nn.Linear(a, b), activation()))
        )
        self.to_mu, self.to_log_var = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        hiddens = (m for a, b in zip([latent, *sizes], sizes) for m in (nn.Linear(a, b), activation()))
        self.decoder = nn.Sequential(*hiddens, nn.Linear(hidden, pixels))
        same_as = nn.Identity()
        self.after_mu, self.after_log_var, self.end = after_mu or same_as, after_log_var or same_as, end or same_as
        self.draw = draw or vh.reparameterize

    def encode(self, x):
        h = self.encoder(x)
        return self.after_mu(self.to_mu(h)), self.after_log_var(self.to_log_var(h))

    def decode(self, z):
        return self.end(self.decoder(z))

    def forward(self, x):
        mu, log_var = self.encode(x)
        return self.decode(self.draw(mu, log_var)), mu, log_var


TOOLS = {
    "torch": torch,
    "nn": nn,
    "np": np,
    "F": nn.functional,
    "vh": vh,
    "ell": ell,
    "Net": Net,
    "N": torch.distributions.Normal(0.0, 1.0),
}


def arguments(name):
    check = ALL[name]
    return ", ".join(check.names) if hasattr(check, "names") else "pixels, hidden, latent"


def planted(name, code):
    if name == "reparameterize":
        return eval(f"lambda mu, log_var, eps=None: {code}", dict(TOOLS))
    return eval(f"lambda {arguments(name)}: {code}", dict(TOOLS))


def test_there_are_enough_planted_mistakes():
    assert set(PLANTED) == set(CODING)
    for name, mistakes in PLANTED.items():
        assert len(mistakes) >= (10 if name in ("kl_divergence", "vae_loss") else 5), name


@pytest.mark.parametrize("name", PLANTED)
def test_planted_mistakes_are_named(name):
    for word, code in PLANTED[name]:
        for _ in range(5):  # new inputs each time
            said = verdict(ALL[name], planted(name, code))
            assert said.startswith("✘ ") and word in said and "\n" not in said, (word, code, said)


def test_table_of_exercises_and_mistakes():
    """``pytest -s -k table``: every planted mistake and its verdict."""
    for name, mistakes in PLANTED.items():
        print(f"\n{ALL[name].notebook} {name}: {len(mistakes)} planted")
        for word, code in mistakes:
            print(f"    {verdict(ALL[name], planted(name, code))}")


@pytest.mark.parametrize("name", [name for name in CODING if hasattr(ALL[name], "mistakes")])
def test_every_row_of_the_tables_is_reached(name):
    """Each mistake in a check's own table is rejected under its own name."""
    for words, wrong in ALL[name].mistakes:
        assert verdict(ALL[name], wrong) == f"✘ {words}."


VARIANTS = {  # the same mathematics, written differently
    "inside_ellipse": [f"{SQ}.sqrt() < 2.45"],
    "kl_divergence": [
        "torch.stack([0.5 * (v.exp() + m * m - 1 - v).sum() for m, v in zip(mu, log_var)])",
        "-0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp(), dim=1)",
        "torch.einsum('bk->b', (torch.expm1(log_var) + mu.square() - log_var) / 2)",
    ],
    "monte_carlo_kl": [
        f"(lambda c: (c.mean(), c.std() / np.sqrt(len(c))))({CLUES})",
        f"(lambda c: (c.mean().item(), c.std(correction=0).item() / len(c) ** 0.5))({CLUES})",
    ],
    "linear_elbo": [f"ell(x, mu, log_var, W, b, s2) - torch.distributions.kl_divergence({Q}, {P}).sum()"],
    "reparameterize": [
        "torch.distributions.Normal(mu, (0.5 * log_var).exp()).rsample() if eps is None else"
        " torch.addcmul(mu, (log_var * 0.5).exp(), eps)"
    ],
    "vae_loss": [
        f"torch.mean(-torch.distributions.Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(1) + {KL})",
        f"F.binary_cross_entropy_with_logits(logits, x, reduction='sum') / len(x) + {KL}.sum() / len(x)",
    ],
    "score_gradient": ["f(mu + sigma * eps) * eps / sigma"],
    "square_share": ["torch.erf(torch.tensor(edge / 2**0.5)) ** dims"],
    "interpolate": ["torch.stack([torch.lerp(z_a, z_b, t.item()) for t in torch.linspace(0, 1, steps)])"],
    "log_mean_exp": ["torch.logsumexp(log_w - np.log(len(log_w)), dim=0)"],
    "nearest_vote": [
        "torch.stack([torch.bincount(y).argmax() for y in labels[((z[:, None] - codes)**2).sum(2).argsort(1)[:, :k]]])"
    ],
    "deeper_vae": [
        "Net(pixels, hidden, latent)",
        "Net(pixels, hidden, latent, depth=3, activation=nn.Tanh)",
        "Net(pixels, hidden, latent, activation=lambda: nn.ReLU(inplace=True))",
    ],
    "winner": ["int(np.argmin((recon + beta * kl).numpy()))"],
    "looks_right": [
        "bool(abs(draw(-3.0, 2.0, eps).mean() + 3) < 0.1) and bool(abs(draw(-3.0, 2.0, eps).var() - 4) < 0.3)"
    ],
}
for more in (planted_06, planted_07, planted_08, planted_09):
    VARIANTS |= more.VARIANTS


@pytest.mark.parametrize("name", VARIANTS)
def test_equal_mathematics_is_accepted(name):
    for code in VARIANTS[name]:
        for _ in range(20):
            assert verdict(ALL[name], planted(name, code)) == "✔ right", code


def test_eps_of_ones_own_must_be_standard_normal():
    check = checks.reparameterize
    sources = {"rand_like(mu)": "not from N(0, 1)", "randn(1)": "share", "randn(mu.shape[-1])": "share"}
    for source, word in sources.items():
        fn = f"vh.reparameterize(mu, log_var, torch.{source}.double().expand_as(mu) if eps is None else eps)"
        assert word in verdict(check, planted("reparameterize", fn))
    assert "without eps" in verdict(check, lambda mu, log_var, eps: vh.reparameterize(mu, log_var, eps))


@pytest.mark.parametrize("name", CHOICES)
def test_wrong_choices_are_explained(name):
    check = ALL[name]
    for letter in "ABCD":
        said = verdict(check, f" {letter.lower()} ")
        assert said.startswith("✔" if letter == check.right else "✘") and len(said) > 40
    assert verdict(check, None) == verdict(check, ...) == TODO
    assert all(verdict(check, odd).startswith('✘ choose one of "A"') for odd in ("E", "", 3, [1], check))
    assert not check.solved


# Whatever is passed, a check prints one line and disturbs nothing.


def stops(*args):
    raise ValueError("several\nlines")


ODD = [
    stops,
    lambda: None,
    lambda *args: "text",
    lambda *args: object(),
    lambda *args: [],
    lambda *args: {"a": 1},
    lambda *args: args,
    lambda *args: torch.tensor(float("nan")),
    lambda *args: torch.zeros(0),
    lambda *args: torch.zeros(2, 2) * 1j,
    lambda *args: [[1, 2], [3]],
    lambda *args: stops,
    3,
    "text",
    torch.zeros(3),
    int,
]


@pytest.mark.parametrize("name", CODING)
def test_no_check_ever_raises_and_the_random_state_stays(name):
    check, before = ALL[name], torch.get_rng_state()
    for attempt in ODD:
        said = verdict(check, attempt)
        assert said.startswith("✘") and said.count("\n") == 0, (attempt, said)
    for stub in (None, ..., lambda *args: None, lambda *args: ...):
        assert verdict(check, stub) == TODO and not check.solved
    verdict(check, solution_of(name))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", [name for name in CODING if hasattr(ALL[name], "names")])
def test_inputs_changed_in_place_are_noticed(name):
    check, right = ALL[name], solution_of(name)
    for place, argument in enumerate(check.names):

        def careless(*args, place=place):
            result = right(*args)
            if isinstance(args[place], torch.Tensor):
                args[place].logical_not_() if args[place].dtype == torch.bool else args[place].add_(1)
            return result

        said = verdict(check, careless)
        tensor = isinstance(list(check.inputs(torch.Generator()))[0][place], torch.Tensor)
        assert f"`{argument}` in place" in said if tensor else said == "✔ right"


# Random functions are never accepted.

UNARY = [
    torch.exp,
    torch.square,
    torch.neg,
    torch.abs,
    torch.tanh,
    torch.sqrt,
    lambda t: t / 2,
    lambda t: t + 1,
]
BINARY = [torch.add, torch.sub, torch.mul, torch.div, torch.maximum]
REDUCE = [
    lambda t: t,
    lambda t: t.sum(),
    lambda t: t.mean(),
    lambda t: t.sum(-1),
    lambda t: t.mean(-1),
    lambda t: t.sum(0),
]
REDUCE += [lambda t: t.mean(0), lambda t: t.argmin(), lambda t: t > 0, lambda t: (t.mean(), t.std()), lambda t: t.std()]


def random_function(choose):
    """A composition of a few random operations on the arguments (functions among them are called), then a reduction."""

    def tree(depth):
        if depth == 0 or choose.random() < 0.2:
            place = choose.randrange(10)
            return lambda args: args[place % len(args)]
        if choose.random() < 0.5:
            op, inner = choose.choice(UNARY), tree(depth - 1)
            return lambda args: op(inner(args))
        op, left, right = choose.choice(BINARY), tree(depth - 1), tree(depth - 1)
        return lambda args: op(left(args), right(args))

    top, reduce = tree(choose.randint(1, 4)), choose.choice(REDUCE)
    number = choose.choice([0.3, 0.5, 1.0, 2.0])

    def fn(*args):
        values = [torch.as_tensor(value, dtype=torch.float64) for value in args if not callable(value)]
        for f in args:
            if callable(f):  # a function to integrate, or a candidate to judge
                values.append(f(values[-1]) if len(args) == 4 else f(number, 0.5, values[-1]))
        return reduce(top(values))

    return fn


def random_network(choose):
    """A network with random parts, at least one of them wrong."""
    wrong = {
        "depth": lambda: choose.choice([0, 1]),
        "activation": lambda: choose.choice([nn.Identity, lambda: nn.BatchNorm1d(32), lambda: nn.Linear(32, 32)]),
        "after_mu": lambda: choose.choice([torch.relu, torch.sigmoid, torch.abs, torch.exp]),
        "after_log_var": lambda: choose.choice([torch.relu, nn.functional.softplus, torch.square, torch.exp]),
        "end": lambda: choose.choice([torch.sigmoid, torch.relu, torch.exp, nn.functional.softplus]),
        "draw": lambda: choose.choice(
            [lambda m, v: m, lambda m, v: torch.randn_like(m), lambda m, v: (m + v).detach()]
        ),
    }
    parts = choose.sample(list(wrong), choose.randint(1, 3))
    return lambda pixels, hidden, latent: Net(pixels, hidden, latent, **{part: wrong[part]() for part in parts})


@pytest.mark.parametrize("name", CODING)
def test_random_functions_are_never_accepted(name, monkeypatch, tries=10_000):
    check, choose, accepted = ALL[name], random.Random(name), 0
    if not hasattr(check, "inputs"):
        with torch.random.fork_rng(devices=[]):
            accepted = sum(outcome(check.judge, (random_network(choose),)) == [None] for _ in range(tries))
        assert accepted == 0
        return
    smallest = list(check.inputs(torch.Generator()))[:1]
    with monkeypatch.context() as patch:  # for speed: first the smallest input only, and no search for the mistake
        patch.setattr(check, "inputs", lambda g: smallest)
        patch.setattr(check, "extreme", ())
        patch.setattr(check, "_name", lambda *args: "wrong")
        suspects = [fn for fn in (random_function(choose) for _ in range(tries)) if check.judge(fn) is None]
    fresh = [args for seed in range(20) for args in check.inputs(torch.Generator().manual_seed(seed))]
    monkeypatch.setattr(check, "_name", lambda *args: "wrong")
    for fn in suspects:  # the whole check; a function that happens to be right is right on other inputs, too
        if check.judge(fn) is None:
            accepted += not all(same(outcome(fn, args), outcome(check.right, args)) for args in fresh)
    assert accepted == 0
    monkeypatch.undo()
    for _ in range(30):
        assert verdict(check, random_function(choose)).startswith(("✘", "✔ right"))
