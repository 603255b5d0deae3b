"""Mistakes planted in the exercises of notebook 06, and right answers written otherwise; see ``test_checks.py``."""

BCE = "F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction='none')"
SEEN = "vh.reconstruction_loss(logits[:, seen], x[seen])"

PLANTED = {
    "pca_rebuild": [
        ("mean is missing at the end", "(x - mean) @ components.T @ components"),
        ("not subtracted", "mean + x @ components.T @ components"),
        ("subtract it before, add it after", "(x @ components.T) @ components"),
        ("these are the codes", "(x - mean) @ components.T"),
        ("still have their mean", "x @ components.T"),
        ("sign", "-((x - mean) @ components.T @ components) + mean"),
        ("leaves out", "x - (x - mean) @ components.T @ components"),
        ("mean of this batch", "mean + (x - x.mean(0)) @ components.T @ components"),
        ("use the mean that is given", "x.mean(0) + (x - x.mean(0)) @ components.T @ components"),
        ("shapes", "mean + (x - mean) @ components @ components.T"),
        ("unchanged", "mean + (x - mean)"),
    ],
    "masked_posterior": [
        ("all pixels take part", f"torch.softmax(log_prior - {BCE}.sum(1), 0)"),
        ("hidden pixels", "torch.softmax(log_prior - vh.reconstruction_loss(logits[:, ~seen], x[~seen]), 0)"),
        ("prior does not appear", f"torch.softmax(-{SEEN}, dim=0)"),
        ("sign", f"torch.softmax({SEEN} + log_prior, dim=0)"),
        ("sign of the prior", f"torch.softmax(-{SEEN} - log_prior, dim=0)"),
        ('says "paper"', "torch.softmax(log_prior - vh.reconstruction_loss(logits, torch.where(seen, x, 0.0)), 0)"),
        ("averaged", f"torch.softmax(log_prior - {BCE}[:, seen].mean(1), 0)"),
        ("add up to 1", f"log_prior - {SEEN}"),
        ("do not add up to 1", f"torch.exp(log_prior - {SEEN})"),
        ("logarithms of the weights", f"torch.log_softmax(log_prior - {SEEN}, 0)"),
        ("already", f"torch.softmax(log_prior.exp() - {SEEN}, 0)"),
        ("−900", f"(lambda w: w / w.sum())((log_prior - {SEEN}).exp())"),
    ],
    "label_posterior": [
        ("prior does not appear", "torch.softmax(log_px_given_y, dim=1)"),
        ("over the images", "torch.softmax(log_px_given_y + log_prior, dim=0)"),
        ("sign of the prior", "torch.softmax(log_px_given_y - log_prior, dim=1)"),
        ("more probable image", "torch.softmax(-log_px_given_y + log_prior, dim=1)"),
        ("these are logarithms", "torch.log_softmax(log_px_given_y + log_prior, dim=1)"),
        ("divide by the sum", "torch.exp(log_px_given_y + log_prior)"),
        ("add log p(y)", "torch.softmax(log_px_given_y + log_prior.exp(), dim=1)"),
        ("best label", "(log_px_given_y + log_prior).argmax(1)"),
        ("denominator", "torch.logsumexp(log_px_given_y + log_prior, 1)"),
        ("−1000", "(lambda w: w / w.sum(1, keepdim=True))((log_px_given_y + log_prior).exp())"),
    ],
}

VARIANTS = {
    "pca_rebuild": [
        "torch.stack([mean + sum(((row - mean) @ c) * c for c in components) for row in x])",
        "x @ (components.T @ components) + mean - mean @ components.T @ components",
    ],
    "masked_posterior": [
        f"torch.softmax(log_prior - ({BCE} * seen).sum(1), 0)",
        "torch.softmax(log_prior + logits[:, seen] @ x[seen] - F.softplus(logits[:, seen]).sum(1), 0)",
        "torch.softmax(log_prior - vh.reconstruction_loss(logits * seen, x * seen), 0)",  # log 2 at all points alike
    ],
    "label_posterior": [
        "(lambda j: torch.exp(j - torch.logsumexp(j, 1, keepdim=True)))(log_px_given_y + log_prior)",
        "(lambda j: torch.stack([torch.softmax(row, 0) for row in j]))(log_px_given_y + log_prior)",
    ],
}
