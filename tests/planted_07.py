"""Mistakes planted in the exercises of notebook 07, and right answers written otherwise; see ``test_checks.py``."""

PLANTED = {
    "chord_slopes": [
        ("sign", "(distortion[1:] - distortion[:-1]) / (rate[1:] - rate[:-1])"),
        ("turned over", "(rate[:-1] - rate[1:]) / (distortion[1:] - distortion[:-1])"),
        ("divide by the change", "distortion[1:] - distortion[:-1]"),
        ("quotient at each point", "distortion / rate"),
        ("first point", "(distortion[1:] - distortion[0]) / (rate[0] - rate[1:])"),
        ("end to end", "(distortion[-1] - distortion[0]) / (rate[0] - rate[-1])"),
        ("one number", "((distortion[1:] - distortion[:-1]) / (rate[:-1] - rate[1:])).mean()"),
        ("−ELBO", "torch.diff(rate + distortion) / (rate[:-1] - rate[1:])"),
        ("rate itself", "(distortion[1:] - distortion[:-1]) / rate[:-1]"),
    ],
    "active_units": [
        ("standard deviation", "int((mu.std(0) > 0.01).sum())"),
        ("mean square", "(mu.pow(2).mean(0) > 0.01).sum()"),
        ("how far it moves", "(mu.mean(0).abs() > 0.01).sum()"),
        ("images are the rows", "(mu.var(1) > 0.01).sum()"),
        ("each unit has its own", "int(mu.var() > 0.01)"),
        ("not 0.1", "(mu.var(0) > 0.1).sum().item()"),
        ("number is asked", "mu.var(0) > 0.01"),
        ("share", "(mu.var(0) > 0.01).double().mean().item()"),
        ("unused", "sum(bool(v < 0.01) for v in mu.var(0))"),
        ("variances themselves", "mu.var(0)"),
        ("dtype", "(mu.var(0) > 0.01).float().sum()"),
    ],
    "linear_rate": [
        ("collapses", "0.5 * torch.log(eigenvalues / noise)"),
        ("½", "torch.log(torch.clamp(eigenvalues / noise, min=1))"),
        ("bits", "0.5 * torch.log2(torch.clamp(eigenvalues / noise, min=1))"),
        ("turned over", "0.5 * torch.log(torch.clamp(noise / eigenvalues, min=1))"),
        ("total", "torch.relu(0.5 * torch.log(eigenvalues / noise)).sum()"),
        ("w² = λ − σ²", "0.5 * torch.log1p(eigenvalues / noise)"),
        ("σ² does not appear", "torch.relu(0.5 * torch.log(eigenvalues))"),
        ("already", "torch.relu(0.5 * torch.log(eigenvalues / noise**2))"),
        ("A_k", "torch.relu(1 - noise / eigenvalues)"),
        ("logarithm is missing", "torch.relu(0.5 * (eigenvalues / noise - 1))"),
    ],
    "free_bits": [
        ("every image", "torch.clamp(kl, min=floor).sum(1).mean()"),
        ("applied to the total", "torch.clamp(kl.sum(1).mean(), min=floor)"),
        ("larger is asked", "torch.clamp(kl.mean(0), max=floor).sum()"),
        ("subtracted", "torch.relu(kl.mean(0) - floor).sum()"),
        ("mean for sum", "torch.clamp(kl.mean(0), min=floor).mean()"),
        ("one number for each unit", "torch.clamp(kl.mean(0), min=floor)"),
        ("dim 0", "torch.clamp(kl.mean(1), min=floor).sum()"),
        ("average over the images", "torch.clamp(kl.sum(0), min=floor).sum()"),
        ("plain KL", "kl.sum(1).mean()"),
        ("added", "kl.sum(1).mean() + floor"),
        ("gradient of `kl`", "torch.clamp(kl.detach().mean(0), min=floor).sum()"),
    ],
}

VARIANTS = {
    "chord_slopes": [
        "torch.stack([-(d - c) / (b - a) for a, b, c, d in zip(rate, rate[1:], distortion, distortion[1:])])"
    ],
    "active_units": [
        "int((((mu - mu.mean(0)) ** 2).mean(0) > 0.01).sum())",
        "sum(bool(v > 0.01) for v in mu.T.var(1))",
        "len([k for k in range(mu.shape[1]) if np.var(mu[:, k].numpy()) > 0.01])",
    ],
    "linear_rate": [
        "torch.relu(0.5 * torch.log(eigenvalues / noise))",
        "torch.where(eigenvalues > noise, 0.5 * (torch.log(eigenvalues) - np.log(noise)), 0.0)",
        "torch.stack([torch.log(torch.sqrt(e / noise)) if e > noise else 0 * e for e in eigenvalues])",
    ],
    "free_bits": [
        "torch.maximum(kl.mean(0), torch.tensor(floor)).sum()",
        "floor * kl.shape[1] + torch.relu(kl.mean(0) - floor).sum()",
        "sum(max(unit.mean(), torch.tensor(floor, dtype=kl.dtype)) for unit in kl.T)",
    ],
}
