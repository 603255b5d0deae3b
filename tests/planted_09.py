"""Mistakes planted in the exercises of notebook 09, and right answers written otherwise; see ``test_checks.py``."""


def looks_at(mu, log_var, test):
    """A learner's ``could_be_kl`` that looks at these places; the shape of a number alone is not (n,)."""
    values = f"kl(torch.tensor({mu})[:, None], torch.tensor({log_var})[:, None])"
    return f"(lambda v: tuple(v.shape) == ({len(mu)},) and bool({test}))({values})"


EPS = "((z - mu) / (0.5 * log_var).exp())"

PLANTED = {
    "could_be_kl": [
        ("prior only", looks_at([0.0], [0.0], "(v.abs() < 1e-5).all()")),
        ("never looks at the prior", looks_at([2.0, -2.0, 0.0, 0.0], [0.0, 0.0, 2.0, -2.0], "(v > 0).all()")),
        ("forgets mu", looks_at([0.0, 0.0, 0.0], [0.0, 3.0, -3.0], "abs(v[0]) < 1e-5 and (v[1:] > 0).all()")),
        ("wrong log_var", looks_at([0.0, 3.0, -3.0], [0.0, 0.0, 0.0], "abs(v[0]) < 1e-5 and (v[1:] > 0).all()")),
        (
            "not squared",
            looks_at([0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0], "abs(v[0]) < 1e-5 and (v[1:] > 0).all()"),
        ),
        (
            "narrow clouds",
            looks_at([0.0, 1.0, -1.0, 0.0], [0.0, 0.0, 0.0, 1.0], "abs(v[0]) < 1e-5 and (v[1:] > 0).all()"),
        ),
        (
            "wide clouds",
            looks_at([0.0, 1.0, -1.0, 0.0], [0.0, 0.0, 0.0, -1.0], "abs(v[0]) < 1e-5 and (v[1:] > 0).all()"),
        ),
        (
            "one number an image",
            "(lambda v: bool(v[0].abs().max() < 1e-5 and (v[1:] > 0).all()))"
            "(kl(torch.tensor([0.0, 2, -2, 0, 0])[:, None], torch.tensor([0.0, 0, 0, 2, -2])[:, None]))",
        ),
        ("passes everything", "kl is not None"),
        ("passes nothing", "bool((kl(torch.zeros(2, 1), torch.zeros(2, 1)) > 1).all())"),
        ("it stopped with", "bool(kl(torch.zeros(3, 2)).abs().max() < 1e-6)"),
    ],
    "moments": [
        ("divided by the variance", "(lambda e: (e.mean(), e.std()))((z - mu) / log_var.exp())"),
        ("divided by log_var", "(lambda e: (e.mean(), e.std()))((z - mu) / log_var)"),
        ("multiplied by sigma", "(lambda e: (e.mean(), e.std()))((z - mu) * torch.exp(log_var / 2))"),
        ("not divided", "((z - mu).mean(), (z - mu).std())"),
        ("undo the last step first", "(lambda e: (e.mean(), e.std()))(z / torch.exp(log_var / 2) - mu)"),
        ("mu was not taken off", "(lambda e: (e.mean(), e.std()))(z * torch.exp(-log_var / 2))"),
        ("variance", f"({EPS}.mean(), {EPS}.var())"),
        ("order", f"({EPS}.std(), {EPS}.mean())"),
        ("each dimension", f"({EPS}.mean(0), {EPS}.std(0))"),
        ("each image", f"({EPS}.mean(dim=1), {EPS}.std(dim=1))"),
        ("moments of z itself", "(z.mean(), z.std())"),
        ("standard deviation is missing", f"{EPS}.mean()"),
    ],
    "same_in_any_batch": [
        ("first image", "torch.allclose(encode(x[:1]), encode(x)[:1])"),
        ("last image", "torch.allclose(encode(x[-1:]), encode(x)[-1:])"),
        ("order", "(lambda p: torch.allclose(encode(x[p]), encode(x)[p]))(torch.arange(len(x)).roll(1))"),
        ("batch with itself", "torch.equal(encode(x), encode(x))"),
        ("passes everything", "encode(x).shape[0] == len(x)"),
        (
            "turned round",
            "not torch.allclose(torch.cat([encode(x[i : i + 1]) for i in range(len(x))]), encode(x))",
        ),
        ("passes nothing", "bool(encode(x).std() > 1e9)"),
    ],
}

VARIANTS = {
    "could_be_kl": [
        looks_at(
            [0.0, 1.0, -1.0, 0.0, 0.0, 1.0],
            [0.0, 0.0, 0.0, 3.0, -3.0, 1.0],
            "abs(v[0]) < 1e-4 and (v[1:] > 0).all()",
        ),
    ],
    "moments": [
        "torch.std_mean((z - mu) * torch.exp(-log_var / 2))[::-1]",
        f"({EPS}.mean().item(), {EPS}.std(correction=0).item())",
    ],
    "same_in_any_batch": [
        "all(torch.allclose(encode(row[None])[0], code) for row, code in zip(x, encode(x)))",
        "bool((torch.cat([encode(x[i : i + 1]) for i in range(len(x))]) - encode(x)).abs().max() < 1e-5)",
    ],
}
