"""The one training loop: what it learns, what it promises and how it fails."""

import numpy as np
import pytest
import torch
from test_objectives import exact_elbo, exact_log_p

import vae_helpers as vh
from vae_helpers.training import _scheduler


def eigenvalues_of(images):
    """The eigenvalues of the pixels' covariance, the largest first."""
    x = images.reshape(len(images), -1) / 255
    return np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]


def exact_maximum(eigenvalues, latent):
    """Largest mean log p(x) of probabilistic PCA with ``latent`` dimensions, in nats per image.

    Tipping & Bishop 1999: the noise variance is the mean of the discarded eigenvalues of the covariance.
    """
    pixels, noise = len(eigenvalues), eigenvalues[latent:].mean()
    log_det = np.log(eigenvalues[:latent]).sum() + (pixels - latent) * np.log(noise)
    return -0.5 * (pixels * np.log(2 * np.pi) + log_det + pixels)


def test_linear_vae_climbs_to_the_exact_maximum_and_not_above(digits):
    best = exact_maximum(eigenvalues_of(digits.train_images), latent=2)
    if digits.name == "MNIST":
        assert best == pytest.approx(12.4277, abs=1e-4)
    torch.manual_seed(0)
    model = vh.LinearVAE(latent=2)
    epochs = max(30, 1_500_000 // len(digits.train_images))
    vh.fit(model, digits.train_images, epochs, 250, lr=1e-2, schedule="one_cycle", progress=False)
    model, x = model.double(), vh.as_pixels(digits.train_images[::10]).double()
    with torch.no_grad():
        gap = (exact_log_p(model, x) - exact_elbo(model, x)).mean().item()
    reached = -vh.evaluate(model.float(), digits.train_images).loss
    print(f"exact maximum {best:.4f}, reached {reached:.4f}, gap to its own log p(x) {gap:.4f} nats per image")
    assert best - 0.3 < reached <= best
    assert 0 <= gap < 0.3


def test_fit_learns_and_records_each_epoch(digits):
    torch.manual_seed(0)
    model, seen = vh.VAE(), []
    before = vh.evaluate(model, digits.test_images[:200])
    history = vh.fit(
        model, digits.train_images[:1000], 3, test_images=digits.test_images[:200], on_epoch=seen.append, progress=False
    )
    assert before.loss == pytest.approx(784 * np.log(2), rel=0.02)
    assert len(history.loss) == len(history.recon) == len(history.kl) == len(history.test) == len(history.seconds) == 3
    assert history.loss[-1] < 0.6 * before.loss and history.test[-1].loss < 0.6 * before.loss
    assert history.loss[-1] == pytest.approx(history.recon[-1] + history.kl[-1], rel=1e-5)
    assert seen == [history] * 3 and history.seconds == sorted(history.seconds)


def test_fit_repeats_with_its_seed_and_leaves_the_random_state_alone(digits):
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        model = vh.VAE(hidden=32)
        state = torch.get_rng_state()
        losses.append(vh.fit(model, digits.train_images[:300], 2, seed=7, progress=False).loss)
        assert torch.equal(state, torch.get_rng_state())
    assert losses[0] == losses[1]


def test_loss_per_image_does_not_depend_on_the_batch_size(digits):
    torch.manual_seed(0)
    model = vh.Autoencoder()
    a, b = (vh.evaluate(model, digits.test_images[:200], batch_size=size) for size in (200, 7))
    assert a.loss == pytest.approx(b.loss, rel=1e-5)


def test_the_last_short_batch_counts_as_its_images(digits):
    torch.manual_seed(0)
    model = vh.Autoencoder()
    history = vh.fit(model, digits.train_images[:105], 1, batch_size=50, lr=0.0, progress=False)
    assert history.loss[0] == pytest.approx(vh.evaluate(model, digits.train_images[:105]).loss, rel=1e-5)


def test_one_cycle_rises_for_a_tenth_and_falls_to_almost_nothing():
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    scheduler, rates = _scheduler("one_cycle", optimizer, 3e-3, steps=100), []
    for _ in range(100):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    top = int(np.argmax(rates))
    assert max(rates) == pytest.approx(3e-3) and 8 <= top <= 11
    assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] < 1e-4 * max(rates)


@pytest.mark.parametrize("kind, told", [(vh.VAE, False), (vh.ConditionalVAE, True)])
def test_labels_reach_a_model_that_is_told_them(kind, told, digits):
    few, labels = digits.train_images[:300], digits.train_labels[:300]
    torch.manual_seed(0)
    model = kind(hidden=32)
    more = {"labels": labels, "test_labels": labels[:50]} if told else {}
    history = vh.fit(model, few, 2, test_images=few[:50], progress=False, **more)
    assert history.loss[-1] < history.loss[0] and len(history.test) == 2
    if told:
        right, wrong = (vh.evaluate(model, few, labels=given).loss for given in (labels, (labels + 1) % 10))
        assert right != wrong
        with pytest.raises(ValueError, match=r"one label for each of 300 images, found \(299,\)"):
            vh.evaluate(model, few, labels=labels[1:])


def test_dynamic_binarization_trains_on_black_and_white_drawn_anew(digits, monkeypatch):
    seen = []

    class Spy(vh.VAE):
        def forward(self, x):
            seen.append(x)
            return super().forward(x)

    one = digits.train_images[:1].repeat(40, axis=0)
    vh.fit(Spy(hidden=16), one, 2, batch_size=40, progress=False, dynamic_binarization=True)
    first, second = seen
    assert set(first.unique().tolist()) == {0.0, 1.0} and not torch.equal(first, second)
    draws = torch.cat(seen)
    error = (vh.as_pixels(one[:1]) * (1 - vh.as_pixels(one[:1])) / len(draws)).sqrt()
    assert ((draws.mean(dim=0) - vh.as_pixels(one[:1])).abs() <= 5 * error + 1e-6).all()


def test_interrupt_returns_the_history_so_far(digits, capsys):
    def interrupt(history):
        if len(history.loss) == 2:
            raise KeyboardInterrupt

    history = vh.fit(vh.VAE(hidden=16), digits.train_images[:100], 5, on_epoch=interrupt, progress=False)
    assert len(history.loss) == 2
    assert "Interrupted: the history holds 2 whole epochs" in capsys.readouterr().out


def test_a_loss_that_is_not_a_number_stops_with_the_reason(digits):
    model = vh.VAE(hidden=16)
    with torch.no_grad():
        model.to_log_var.bias.fill_(200.0)
    with pytest.raises(FloatingPointError, match="batch 1 of epoch 1 .*log_var exceeds 88") as caught:
        vh.fit(model, digits.train_images[:100], 1, progress=False)
    assert caught.value.history.loss == [] and torch.isfinite(model.to_mu.weight).all()


@pytest.mark.parametrize(
    "images, found",
    [
        (np.full((3, 28, 28), 200.0), "found 200 to 200"),
        (np.full((3, 28, 28), np.nan), "found nan to nan"),
        (np.zeros((0, 28, 28), np.uint8), r"found \(0, 28, 28\)"),
        (np.zeros(784), r"\(n, 784\), found \(784,\)"),
        (np.full((3, 28, 28), -0.5), "found -0.5 to -0.5"),
    ],
)
def test_bad_images_are_named(images, found):
    with pytest.raises(ValueError, match=found):
        vh.fit(vh.VAE(hidden=16), images, 1, progress=False)


def test_unknown_schedule_is_named(digits):
    with pytest.raises(ValueError, match="one_cycle.*found 'cosine'"):
        vh.fit(vh.VAE(hidden=16), digits.train_images[:100], 1, schedule="cosine", progress=False)


def test_test_loss_has_the_weight_of_the_training_loss(digits):
    model = vh.VAE(hidden=16)
    test = vh.fit(
        model, digits.train_images[:100], 1, beta=5.0, test_images=digits.test_images[:50], progress=False
    ).test[0]
    assert test.loss == pytest.approx(test.recon + 5 * test.kl, rel=1e-5)


def test_evaluation_reads_as_a_sentence(digits):
    evaluation = vh.evaluate(vh.VAE(), digits.test_images[:100])
    assert evaluation.n == 100 and evaluation.standard_error > 0
    assert str(evaluation).startswith("loss ") and "100 images" in str(evaluation)
