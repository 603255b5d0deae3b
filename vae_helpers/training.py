"""One loop that trains every model of the course, and one function that measures them."""

import itertools
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from tqdm.auto import tqdm

from .models import as_pixels, as_tensor, binarize
from .objectives import negative_elbo


@dataclass
class History:
    """What ``fit`` saw: one entry an epoch, in nats per image (mean over the epoch's images, or the test set).

    ``loss`` = ``recon`` + beta · ``kl`` on the training images while they were being learned;
    ``test`` holds one ``Evaluation`` an epoch, with the same beta, when test images were given; ``seconds`` counts
    from the start.
    """

    loss: list = field(default_factory=list)
    recon: list = field(default_factory=list)
    kl: list = field(default_factory=list)
    test: list = field(default_factory=list)
    seconds: list = field(default_factory=list)


@dataclass(frozen=True)
class Evaluation:
    """``loss`` = ``recon`` + beta · ``kl`` of ``n`` images in nats per image, and the ``standard_error`` of the loss.

    With beta = 1 the loss is −ELBO; an autoencoder has no KL (0) and its loss is the reconstruction. A single image has
    no standard error (NaN).
    """

    loss: float
    recon: float
    kl: float
    standard_error: float
    n: int

    def __str__(self):
        parts = f"reconstruction {self.recon:.2f}, KL {self.kl:.2f}"
        if self.n == 1:
            return f"loss {self.loss:.2f} nats ({parts}), one image: no standard error"
        return f"loss {self.loss:.2f} ± {self.standard_error:.2f} nats per image ({parts}), {self.n:,} images"


def fit(
    model,
    images,
    epochs=10,
    batch_size=50,
    lr=1e-3,
    beta=1.0,
    seed=0,
    schedule="constant",
    test_images=None,
    on_epoch=None,
    progress=True,
    labels=None,
    test_labels=None,
    dynamic_binarization=False,
):
    """Train ``model`` in place by Adam on the mean of −ELBO over each batch, and return its ``History``.

    ``images``: uint8 (n, 28, 28), or floats in [0, 1]. All of them stay in memory as they are and are cut into
    batches there, in a new order each epoch. ``schedule``: "constant", or "one_cycle": the learning rate rises to
    ``lr`` in the first tenth of the run and falls to nearly nothing by its end (Smith & Topin 2018).
    ``labels``, integers (n,), go to a model that is told them (``ConditionalVAE``). ``dynamic_binarization``: each
    batch is ``binarize``d anew. ``seed`` fixes the order and all draws; the random state outside is left as it was.
    With ``test_images`` (and ``test_labels``) each epoch ends with ``evaluate``; ``on_epoch(history)`` is called then.
    Interrupting (Ctrl-C, the stop button) ends the training and returns the history so far.
    Raises ``ValueError`` for images of another shape or range, labels of another number, no epoch or an empty batch,
    and ``FloatingPointError`` at the first batch whose loss is not a number: it names the likely reason, its
    ``history`` holds the epochs before, and the model is left as that batch met it.
    """
    if epochs < 1 or batch_size < 1:
        raise ValueError(f"expected one epoch and one image a batch at least, found {epochs=}, {batch_size=}")
    _check(model)
    images, labels = _in_memory(images), _one_each(labels, images)
    if test_images is not None:
        test_images, test_labels = _in_memory(test_images), _one_each(test_labels, test_images)
        if (labels is None) != (test_labels is None):
            raise ValueError("expected labels for the training and the test images, or for neither, found one of both")
    steps = epochs * -(-len(images) // batch_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    scheduler = _scheduler(schedule, optimizer, lr, steps)
    history, start = History(), time.perf_counter()
    # A hundred updates of the bar at most: each is a message, and a kernel's channel holds only so many unread.
    seldom = {"miniters": max(1, steps // 100), "mininterval": 0, "maxinterval": float("inf")}
    bar = tqdm(total=steps, unit="step", leave=False, disable=not progress, **seldom)
    with bar, torch.random.fork_rng(devices=[]), _tiny_numbers_as_zero():
        torch.manual_seed(seed)
        try:
            for epoch in range(1, epochs + 1):
                totals = torch.zeros(3)
                for batch, indices in enumerate(torch.randperm(len(images)).split(batch_size), start=1):
                    x = as_pixels(images[indices])
                    if dynamic_binarization:
                        x = binarize(x)
                    elbo = negative_elbo(model, x, beta, None if labels is None else labels[indices])
                    loss = elbo.loss.mean()
                    if not torch.isfinite(loss):
                        raise _not_a_number(model, elbo, history, epoch, batch)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    scheduler.step()
                    totals += torch.stack([part.detach().sum() for part in elbo])
                    bar.update()
                _record(history, totals / len(images))
                if test_images is not None:
                    history.test.append(evaluate(model, test_images, beta, labels=test_labels))
                history.seconds.append(time.perf_counter() - start)
                if progress:
                    _print_epoch(history)
                if on_epoch is not None:
                    on_epoch(history)
        except KeyboardInterrupt:
            for values in vars(history).values():
                del values[len(history.seconds) :]
            print(f"Interrupted: the history holds {len(history.seconds)} whole epochs, the model what it has learned.")
    return history


@torch.no_grad()
def evaluate(model, images, beta=1.0, batch_size=1000, seed=0, labels=None):
    """The mean loss of ``images`` (−ELBO when beta is 1) and its standard error: an ``Evaluation``.

    One z is drawn from q(z|x) for each image, by ``seed``; the random state outside is left as it was.
    ``labels``, integers (n,), go to a model that is told them.
    """
    _check(model)
    images, labels = _in_memory(images), _one_each(labels, images)
    parts = zip(images.split(batch_size), itertools.repeat(None) if labels is None else labels.split(batch_size))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        batches = [torch.stack(negative_elbo(model, as_pixels(part), beta, told)) for part, told in parts]
    loss, recon, kl = torch.cat(batches, dim=1).double()
    standard_error = (loss.std() / len(loss) ** 0.5).item() if len(loss) > 1 else math.nan
    return Evaluation(loss.mean().item(), recon.mean().item(), kl.mean().item(), standard_error, len(loss))


def _check(model):
    if isinstance(model, type) or not callable(model):
        raise TypeError(f"expected a model first, such as VAE(), found {repr(model)[:80]}")


def _in_memory(images):
    """The images as one tensor (n, pixels) of their own type: uint8 takes a quarter of the room of floats."""
    images = as_tensor(images)
    as_pixels(images[:1] if images.dtype == torch.uint8 else images)  # now rather than in the middle of an epoch
    return images.flatten(start_dim=1)


def _one_each(labels, images):
    """The labels as int64, one for each image; None where there are none."""
    if labels is None:
        return None
    labels = as_tensor(labels)
    if labels.shape != (len(images),):
        raise ValueError(f"expected one label for each of {len(images):,} images, found {tuple(labels.shape)}")
    if (labels != labels.long()).any():
        raise ValueError(f"expected whole numbers as labels, found {labels[labels != labels.long()][0]}")
    return labels.long()


def _scheduler(schedule, optimizer, lr, steps):
    if schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    if schedule == "one_cycle":
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    raise ValueError(f'expected schedule="constant" or "one_cycle", found {schedule!r}')


@contextmanager
def _tiny_numbers_as_zero():
    """Numbers below 1e-38 become 0. Adam's averages fade into them wherever a pixel is never inked, and processors
    compute with such denormal numbers much more slowly."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _not_a_number(model, elbo, history, epoch, batch):
    """The error for a batch whose loss is infinite or not a number, with the likely reason and the history so far."""
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        reason = "the model's weights are no longer numbers, which a smaller learning rate prevents"
    elif not elbo.kl.isfinite().all():
        reason = "exp(log_var) overflows where log_var exceeds 88: try a smaller learning rate, or look at log_var"
    elif not elbo.recon.isfinite().all():
        reason = "the reconstruction overflows: look at the decoder's outputs and noise_log_var"
    else:
        reason = "beta is not a number"
    error = FloatingPointError(
        f"the loss is {elbo.loss.mean().item()} in batch {batch} of epoch {epoch} (reconstruction "
        f"{elbo.recon.mean().item():.3g}, KL {elbo.kl.mean().item():.3g}). Likely: {reason}. This error's history "
        f"holds the {len(history.seconds)} epochs before"
    )
    error.history = history
    return error


def _record(history, means):
    history.loss.append(means[0].item())
    history.recon.append(means[1].item())
    history.kl.append(means[2].item())


def _print_epoch(history):
    train = f"train {history.loss[-1]:.2f} (reconstruction {history.recon[-1]:.2f}, KL {history.kl[-1]:.2f})"
    test = f", test {history.test[-1].loss:.2f}" if history.test else ""
    print(f"epoch {len(history.loss):2d}: {train}{test}, {history.seconds[-1]:.0f} s")
