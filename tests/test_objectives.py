"""Each formula against an independent computation: a closed form, torch.distributions, Monte Carlo."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

import vae_helpers as vh

E2 = {  # the linear-Gaussian model whose log p(x), posterior and best diagonal q are known exactly
    "W": [[1.0, 0.5], [0.0, 1.0], [0.5, -0.5]],
    "b": [0.1, -0.2, 0.3],
    "noise_var": 0.25,
    "x": [1.0, -1.0, 0.5],
}


@pytest.mark.parametrize(
    "mu, var, nats", [(1, 1, 0.5), (0, 4, 0.80685282), (2, 0.25, 2.31814718), (0, math.exp(-6), 2.50123938), (0, 1, 0)]
)
def test_kl_of_known_gaussians(mu, var, nats):
    kl = vh.kl_divergence(torch.tensor([[mu]], dtype=torch.float64), torch.tensor([[var]], dtype=torch.float64).log())
    assert kl.shape == (1,) and kl.item() == pytest.approx(nats, abs=1e-6)


def test_kl_equals_torch_distributions_on_random_gaussians():
    torch.manual_seed(0)
    mu, log_var = 2 * torch.randn(10_000, 3, dtype=torch.float64), 2 * torch.randn(10_000, 3, dtype=torch.float64)
    expected = kl_divergence(Normal(mu, torch.exp(log_var / 2)), Normal(0, 1)).sum(dim=1)
    torch.testing.assert_close(vh.kl_divergence(mu, log_var), expected)


@pytest.mark.parametrize("mu, var", [(1.0, 1.0), (0.0, 4.0), (2.0, 0.25), (0.0, math.exp(-6))])
def test_kl_agrees_with_monte_carlo(mu, var):
    torch.manual_seed(0)
    q, p = Normal(torch.tensor(mu, dtype=torch.float64), math.sqrt(var)), Normal(0.0, 1.0)
    z = q.sample((100_000,))
    draws = q.log_prob(z) - p.log_prob(z)
    error = (draws.mean() - vh.kl_divergence(torch.tensor([mu]), torch.tensor([var]).log())).abs().item()
    assert error < 4 * draws.std().item() / math.sqrt(len(z))
    assert draws.var().item() == pytest.approx(0.5 * (var - 1) ** 2 + mu**2 * var, rel=0.05)


def test_reparameterize_has_the_right_moments_and_gradients():
    torch.manual_seed(0)
    mu, log_var = torch.tensor([1.0, -2.0]), torch.tensor([0.0, math.log(4.0)])
    z = vh.reparameterize(mu.expand(200_000, 2), log_var.expand(200_000, 2))
    torch.testing.assert_close(z.mean(dim=0), mu, atol=4 * 2 / math.sqrt(200_000), rtol=0)
    torch.testing.assert_close(z.var(dim=0), torch.tensor([1.0, 4.0]), rtol=0.02, atol=0)
    mu.requires_grad_(), log_var.requires_grad_()
    eps = torch.tensor([0.5, -1.5])
    vh.reparameterize(mu, log_var, eps).sum().backward()
    torch.testing.assert_close(mu.grad, torch.ones(2))
    torch.testing.assert_close(log_var.grad, eps * torch.tensor([1.0, 2.0]) / 2)


def test_bernoulli_reconstruction_equals_torch_distributions():
    torch.manual_seed(0)
    logits, x = 3 * torch.randn(5, 784), torch.randint(0, 2, (5, 784)).float()
    torch.testing.assert_close(vh.reconstruction_loss(logits, x), -Bernoulli(logits=logits).log_prob(x).sum(dim=1))


def test_gaussian_reconstruction_equals_torch_distributions():
    torch.manual_seed(0)
    mean, x = torch.randn(5, 784), torch.rand(5, 784)
    expected = -Normal(mean, math.exp(-0.7 / 2)).log_prob(x).sum(dim=1)
    torch.testing.assert_close(vh.reconstruction_loss(mean, x, -0.7), expected)


def linear_vae(W, b, noise_var, encoder_weight, encoder_bias, log_var):
    """A LinearVAE in float64 with everything set by hand."""
    W = torch.tensor(W, dtype=torch.float64)
    model = vh.LinearVAE(latent=W.shape[1], pixels=W.shape[0]).double()
    values = (encoder_weight, encoder_bias, log_var, W, b, math.log(noise_var))
    parameters = (
        model.encoder.weight,
        model.encoder.bias,
        model.log_var,
        model.decoder.weight,
        model.decoder.bias,
        model.noise_log_var,
    )
    for parameter, value in zip(parameters, values, strict=True):
        parameter.data = torch.as_tensor(value, dtype=torch.float64)
    return model


def exact_linear_vae():
    """E2's model with the best diagonal q: posterior means M⁻¹W'(x − b), variances noise_var / M_kk."""
    W, b = np.array(E2["W"]), np.array(E2["b"])
    M = W.T @ W + E2["noise_var"] * np.eye(2)
    weight = np.linalg.solve(M, W.T)
    return linear_vae(E2["W"], E2["b"], E2["noise_var"], weight, -weight @ b, np.log(E2["noise_var"] / np.diag(M)))


def exact_elbo(model, x):
    """E_q log p(x|z) of a linear Gaussian decoder in closed form, minus the KL: (batch,)."""
    mu, log_var = model.encode(x)
    recon = vh.reconstruction_loss(model.decode(mu), x, model.noise_log_var)
    spread = (log_var.exp() * model.decoder.weight.pow(2).sum(dim=0)).sum(dim=1) / (2 * model.noise_log_var.exp())
    return -(recon + spread) - vh.kl_divergence(mu, log_var)


def exact_log_p(model, x):
    """log N(x; b, W W' + noise I): (batch,)."""
    W = model.decoder.weight
    cov = W @ W.T + model.noise_log_var.exp() * torch.eye(W.shape[0], dtype=W.dtype)
    return torch.distributions.MultivariateNormal(model.decoder.bias, covariance_matrix=cov).log_prob(x)


@torch.no_grad()
def test_linear_gaussian_truth():
    model, x = exact_linear_vae(), torch.tensor([E2["x"]], dtype=torch.float64)
    log_p, elbo = exact_log_p(model, x).item(), exact_elbo(model, x).item()
    assert log_p == pytest.approx(-3.73562351, abs=1e-6)
    assert elbo == pytest.approx(-3.74767228, abs=1e-6)
    assert log_p - elbo == pytest.approx(0.01204878, abs=1e-6)
    mu, log_var = model.encode(x)
    assert mu[0].tolist() == pytest.approx([0.72682927, -0.36097561], abs=1e-6)
    assert log_var[0].exp().tolist() == pytest.approx([1 / 6, 1 / 7], abs=1e-6)


@torch.no_grad()
def test_negative_elbo_of_the_linear_model_agrees_with_the_closed_form():
    torch.manual_seed(0)
    model, x = exact_linear_vae(), torch.tensor([E2["x"]], dtype=torch.float64)
    draws = vh.negative_elbo(model, x.expand(200_000, 3))
    assert abs(draws.loss.mean() + exact_elbo(model, x)).item() < 4 * (draws.loss.std() / math.sqrt(200_000)).item()
    torch.testing.assert_close(draws.loss, draws.recon + draws.kl)
    prior = linear_vae(E2["W"], E2["b"], E2["noise_var"], np.zeros((2, 3)), np.zeros(2), np.zeros(2))
    assert exact_elbo(prior, x).item() == pytest.approx(-9.15737406, abs=1e-6)


def scalar_model():
    """z ~ N(0, 1), x|z ~ N(z, 1), q = the prior: log p(1) = −1.51551212, ELBO = −1.91893853."""
    return linear_vae([[1.0]], [0.0], 1.0, [[0.0]], [0.0], [0.0])


@pytest.mark.parametrize("k, gap", [(1, 0.40342641), (2, 0.136), (5, 0.042), (10, 0.0193), (50, 0.0035)])
def test_importance_weighted_bound_closes_its_gap(k, gap):
    torch.manual_seed(k)
    bounds = vh.importance_weighted_bound(scalar_model(), torch.ones(200_000, 1, dtype=torch.float64), k, chunk=10)
    standard_error = (bounds.std() / math.sqrt(len(bounds))).item()
    rounding = 0 if k == 1 else {2: 5e-4, 5: 5e-4, 10: 5e-5, 50: 5e-5}[k]
    assert abs(-1.51551212 - bounds.mean().item() - gap) < 4 * standard_error + rounding


def test_importance_weighted_bound_does_not_depend_on_the_chunk():
    x = torch.ones(160, 1, dtype=torch.float64)  # torch draws normal numbers in blocks of 16: both runs see the same
    bounds = []
    for chunk in (20, 7, 1):
        torch.manual_seed(0)
        bounds.append(vh.importance_weighted_bound(scalar_model(), x, 20, chunk))
    torch.testing.assert_close(bounds[0], bounds[1])
    torch.testing.assert_close(bounds[0], bounds[2])


def test_beta_weighs_the_kl_only():
    torch.manual_seed(0)
    model, x = vh.VAE(), torch.rand(4, 784)
    elbo = vh.negative_elbo(model, x, beta=3.0)
    torch.testing.assert_close(elbo.loss, elbo.recon + 3 * elbo.kl)
    assert all(part.shape == (4,) for part in elbo)


def test_autoencoder_loss_is_its_reconstruction():
    elbo = vh.negative_elbo(vh.Autoencoder(), torch.rand(4, 784))
    assert torch.equal(elbo.loss, elbo.recon) and elbo.kl.abs().sum() == 0


# The score-function and pathwise gradients of d/dmu E[z²], as notebook 03 measures them.


def variance_with_error(draws):
    """Sample variance of each column and its standard error: (draws, columns) → two (columns,)."""
    centred = (draws - draws.mean(dim=0)) ** 2
    return centred.mean(dim=0), centred.std(dim=0) / math.sqrt(len(draws))


def test_gradient_variances_are_4_30_and_14():
    torch.manual_seed(0)
    mu = sigma = 1.0
    eps = torch.randn(2_000_000, dtype=torch.float64)
    z = mu + sigma * eps
    score = (z - mu) / sigma**2
    baseline = mu**2 + 3 * sigma**2
    draws = torch.stack([2 * z, z**2 * score, (z**2 - baseline) * score], dim=1)
    variances, errors = variance_with_error(draws)
    mean_errors = draws.std(dim=0) / math.sqrt(len(draws))
    assert ((draws.mean(dim=0) - 2).abs() < 4 * mean_errors).all()
    assert ((variances - torch.tensor([4.0, 30.0, 14.0], dtype=torch.float64)).abs() < 4 * errors).all()


@pytest.mark.parametrize("dimensions", [1, 2, 10, 100])
def test_score_variance_grows_with_the_dimension_and_the_pathwise_one_does_not(dimensions):
    torch.manual_seed(dimensions)
    z = torch.randn(200_000, dimensions, dtype=torch.float64)
    first = z[:, :1]
    draws = torch.cat([2 * first, z.pow(2).sum(dim=1, keepdim=True) * first], dim=1)
    variances, errors = variance_with_error(draws)
    expected = torch.tensor([4.0, (dimensions + 2) * (dimensions + 4)], dtype=torch.float64)
    assert ((variances - expected).abs() < 4 * errors).all()
