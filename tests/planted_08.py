"""Mistakes planted in the exercises of notebook 08, and right answers written otherwise; see ``test_checks.py``."""

GROUPS = "log_w.view(-1, k, log_w.size(1))"
S2 = "eigenvalues[latent:].mean()"
KEPT = "eigenvalues[:latent].log().sum()"
N = "len(eigenvalues)"
CONSTANT = f"{N} * np.log(2 * np.pi)"

PLANTED = {
    "bound_from_draws": [
        ("one group", "torch.logsumexp(log_w, 0) - np.log(log_w.shape[0])"),
        ("wasted", "torch.logsumexp(log_w[:k], 0) - np.log(k)"),
        ("k = 1", "log_w.mean(0)"),
        ("− log k is missing", f"{GROUPS}.logsumexp(1).mean(0)"),
        ("a group has k draws", f"({GROUPS}.logsumexp(1) - np.log(len(log_w))).mean(0)"),
        ("over the groups", f"({GROUPS}.logsumexp(0) - np.log(k)).mean(0)"),
        ("take their mean", f"({GROUPS}.logsumexp(1) - np.log(k)).sum(0)"),
        ("mean over the groups", f"{GROUPS}.logsumexp(1) - np.log(k)"),
        ("images are mixed", "(log_w.reshape(-1, k).logsumexp(1) - np.log(k)).mean()"),
        ("outside the logarithm", f"({GROUPS}.logsumexp(1) / k).mean(0)"),
        ("−1000", f"{GROUPS}.exp().mean(1).log().mean(0)"),
    ],
    "combine_chunks": [
        ("mean of the logarithms", "bounds.mean(0)"),
        ("mean of the logarithms", "(counts[:, None] * bounds).sum(0) / counts.sum()"),
        ("sizes of the chunks", "torch.logsumexp(bounds, 0) - np.log(bounds.shape[0])"),
        ("− log of all draws is missing", "(bounds + counts.double().log().reshape(-1, 1)).logsumexp(0)"),
        ("multiply by counts", "torch.logsumexp(bounds, 0) - counts.sum().double().log()"),
        (
            "number of draws",
            "(bounds + counts.double().log().reshape(-1, 1)).logsumexp(0) - np.log(len(counts))",
        ),
        ("multiply the logarithm", "(bounds * counts[:, None]).logsumexp(0) - counts.sum().double().log()"),
        ("last logarithm", "(counts[:, None] * bounds.exp()).sum(0) / counts.sum()"),
        ("best chunk", "bounds.max(dim=0).values"),
        ("−1000", "((counts[:, None] * bounds.exp()).sum(0) / counts.sum()).log()"),
    ],
    "exact_maximum": [
        ("not of all", f"-0.5*({CONSTANT} + {KEPT} + ({N} - latent)*eigenvalues.mean().log() + {N})"),
        ("added up", f"-0.5*({CONSTANT} + {KEPT} + ({N} - latent)*eigenvalues[latent:].sum().log() + {N})"),
        ("smallest", f"-0.5*({CONSTANT} + {KEPT} + ({N} - latent)*eigenvalues.min().log() + {N})"),
        ("first discarded", f"-0.5*({CONSTANT} + {KEPT} + ({N} - latent)*eigenvalues[latent].log() + {N})"),
        ("2π is missing", f"-0.5*({KEPT} + ({N} - latent)*{S2}.log() + {N})"),
        ("last term is missing", f"-0.5*({CONSTANT} + {KEPT} + ({N} - latent)*{S2}.log())"),
        ("counted once", f"-0.5*({CONSTANT} + {KEPT} + {S2}.log() + {N})"),
        ("for all pixels", f"-0.5*({CONSTANT} + {KEPT} + {N}*{S2}.log() + {N})"),
        ("½ is missing", f"-({CONSTANT} + {KEPT} + ({N} - latent)*{S2}.log() + {N})"),
        ("sign", f"0.5*({CONSTANT} + {KEPT} + ({N} - latent)*{S2}.log() + {N})"),
        ("full Gaussian", f"-0.5*({CONSTANT} + eigenvalues.log().sum() + {N})"),
        ("standard deviation", f"-0.5*({CONSTANT} + {KEPT} + ({N} - latent)*{S2}.sqrt().log() + {N})"),
    ],
}

VARIANTS = {
    "bound_from_draws": [
        "torch.stack([torch.logsumexp(g, 0) - np.log(k) for g in log_w.split(k)]).mean(0)",
        "torch.logsumexp(log_w.unflatten(0, (k, -1)) - np.log(k), 0).mean(0)",
    ],
    "combine_chunks": [
        "torch.logsumexp(bounds + torch.log(counts / counts.sum())[:, None], 0)",
        "torch.stack([torch.cat([b.expand(n) for b, n in zip(column, counts)]).logsumexp(0) for column in bounds.T])"
        " - np.log(int(counts.sum()))",
    ],
    "exact_maximum": [
        "torch.distributions.Normal(0.0, torch.cat([eigenvalues[:latent], "
        f"{S2}.expand({N} - latent)]).sqrt()).log_prob(torch.cat([eigenvalues[:latent], "
        f"{S2}.expand({N} - latent)]).sqrt()).sum()",
    ],
}
