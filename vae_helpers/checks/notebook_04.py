"""The checks of notebook 04's exercises."""

# ruff: noqa: F403, F405

from .words import *

Check.namespace = globals()


def bce(logits, x):
    return binary_cross_entropy_with_logits(logits, x, reduction="none")


def batches(g):
    for n, pixels, latent in ((1, 1, 1), (1, 3, 2), (4, 3, 2), (3, 7, 5)):
        logits = normal(g, n, pixels, scale=2)
        logits = logits if pixels > 1 else logits.abs() + 1.1  # the first could not be a probability
        yield logits, between(g, 0, 1, n, pixels), normal(g, n, latent), normal(g, n, latent)


vae_loss = Check(
    "04",
    "the cross-entropy above this exercise and the KL in notebook 02, section 5",
    batches,
    "logits, x, mu, log_var",
    "(recon(logits, x) + kl(mu, log_var)).mean()",
    """
(bce(logits, x).mean(-1) + kl(mu, log_var)).mean() | mean for sum: with a mean over pixels the KL gets a hidden β of 784
bce(logits, x).mean() + kl(mu, log_var).mean() / mu.shape[-1] | mean for sum: sum over pixels and latent dimensions
(recon(logits, x) + kl(mu, log_var) / mu.shape[-1]).mean() | mean for sum in the KL: independent dimensions add up
(recon(logits, x) + kl(mu, log_var)).sum()         | this sums over the batch: the loss must not grow with its size
recon(logits, x).mean() + kl(mu, log_var).sum()    | the KL is summed over the batch and the reconstruction is not
recon(logits, x).sum() + kl(mu, log_var).mean()    | the reconstruction is summed over the batch and the KL is not
recon(logits, x) + kl(mu, log_var)                 | one number for each image; training needs their mean
recon(logits, x).mean()                            | the KL is missing: this is an autoencoder's loss
kl(mu, log_var).mean()                             | the reconstruction is missing
(recon(logits, x) - kl(mu, log_var)).mean()        | the KL is subtracted: in −ELBO both terms are costs
-(recon(logits, x) + kl(mu, log_var)).mean()       | the sign is turned: this is the ELBO, and a loss is its negative
(kl(mu, log_var) - recon(logits, x)).mean()        | the reconstruction has the wrong sign
(recon(logits, x) + 2 * kl(mu, log_var)).mean()    | the ½ of the KL is missing
(recon(sigmoid(logits), x) + kl(mu, log_var)).mean() | sigmoid twice: the function with_logits applies it already
(binary_cross_entropy(logits.clamp(0, 1), x, reduction="none").sum(-1) + kl(mu, log_var)).mean()
| | logits were taken for probabilities
(bce(x, logits).sum(-1) + kl(mu, log_var)).mean()  | prediction and target are exchanged: the order is (logits, x)
(((sigmoid(logits) - x) ** 2).sum(-1) + kl(mu, log_var)).mean() | this is a squared error: the pixels are Bernoulli
(recon(logits, x) + kl(mu, 2 * log_var)).mean()    | this is the KL for log σ: σ² is exp(log_var)
(recon(logits, x) + kl(mu, log_var) + 0.5 * (exp(log_var / 2) - exp(log_var)).sum(-1)).mean() | σ for σ² in the KL
(recon(logits, x) + kl(log_var, mu)).mean()        | mu and log_var are exchanged in the KL
""",
    grad="logits mu log_var",
    extreme=[
        (
            (torch.tensor([[200.0, -200.0]]).double(), torch.eye(2)[1:].double(), *torch.zeros(2, 1, 2).double()),
            "at logits of ±200 it is wrong or not finite: a rounded probability has no logarithm; use the logits",
        )
    ],
)

collapse = Choice(
    "04",
    "B",
    """
A | β is 1 only if both terms are treated alike: over how many numbers is each averaged?
B | reconstruction / 784 against KL / 2: multiplied by 784 this is β = 784/2 = 392, still a collapse
C | that is β before the second change: dividing the KL by 2 helps a little
D | averaging the KL makes it cheaper, so β falls
""",
)

hidden_beta = Check(
    "04",
    "the undeclared β of section 2, check 4",
    lambda g: [(n, *between(g, 1, 9, 2).tolist(), averaged) for n in (4, 784, 1024) for averaged in (False, True)],
    "pixels, recon_weight, kl_weight, averaged",
    "kl_weight / recon_weight * (pixels if averaged else 1)",
    """
recon_weight / kl_weight / (pixels if averaged else 1) | turned over: β weighs the KL, so divide by the other weight
recon_weight / kl_weight * (pixels if averaged else 1) | the ratio is turned over: β weighs the KL
kl_weight / recon_weight / (pixels if averaged else 1) | divided by the pixels: a small reconstruction makes the KL
| weigh more
kl_weight / recon_weight              | the pixels do not appear: an average is the sum divided by their number
kl_weight / recon_weight * pixels     | the pixels count only where the reconstruction is averaged
kl_weight / recon_weight * (1 if averaged else pixels) | the two cases of averaged are exchanged
kl_weight * (pixels if averaged else 1) | recon_weight does not appear: divide the whole loss by it
(pixels if averaged else 1) / recon_weight | kl_weight does not appear
kl_weight * recon_weight * (pixels if averaged else 1) | the weights are multiplied: their ratio counts
""",
)


def linear_layers(model, output):
    """How many linear layers ``output`` depends on."""
    weights = [layer.weight for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    grads = torch.autograd.grad(output.sum(), weights, allow_unused=True, retain_graph=True)
    return sum(grad is not None for grad in grads)


def unbroken(model, x):
    """Whether a linear layer reads another one's output unchanged."""
    made, pairs, handles = [], [], []

    def hook(layer, inputs, output):
        pairs.extend(inputs[0] is old and inputs[0]._version == version for old, version in made)
        made.append((output, output._version))

    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            handles.append(layer.register_forward_hook(hook))
    model.encode(x), model.decode(model.encode(x)[0].detach().clone())
    for handle in handles:
        handle.remove()
    return any(pairs)


class DeeperCheck(Check):
    """The check of a network: what it must and must not do, one sentence each."""

    def __init__(self, notebook):
        self.notebook, self.solved = notebook, False

    def judge(self, build):
        model = build(12, 32, 8) if callable(build) else build
        if model is None or model is ...:
            return TODO
        if not isinstance(model, torch.nn.Module):
            return f"a function that returns a network (nn.Module) is asked for, not a {type(model).__name__}"
        model.double()
        x, z, wild = torch.rand(64, 12).double(), 100 * torch.randn(64, 8).double(), 100 * torch.randn(64, 12).double()
        (mu, log_var), logits, once = model.encode(x), model.decode(z), model(x)
        if [t.shape[1:].numel() for t in (mu, log_var, logits, *once)] != [8, 8, 12, 12, 8, 8]:
            return "a shape is wrong: mu, log_var (n, latent), logits (n, pixels); a pass gives (logits, mu, log_var)"
        if not same([model.encode(x[:2])[0]], [mu[:2]]):
            return "an image's code depends on the other images of its batch (batch normalization?)"
        in_encoder, in_decoder = linear_layers(model, mu), linear_layers(model, logits)
        if min(in_encoder, in_decoder) < 3:
            found = f"{in_encoder} linear layers from x to mu, {in_decoder} from z to logits"
            return f"{found}: one more in each half makes 3 (a plain Python list hides its layers from PyTorch)"
        if unbroken(model, x):
            return "a linear layer follows another directly, and two in a row are no more than one: put a ReLU between"
        if same([mu], [log_var]):
            return "mu and log_var are the same numbers: each needs a layer of its own"
        wild_mu, wild_log_var = model.encode(wild)
        if wild_mu.min() >= 0:
            return "mu is never negative: no activation after the last layer of the encoder"
        if wild_log_var.min() >= 0:
            return "log_var is never negative, so σ is never below 1: it is a logarithm, leave it free"
        if logits.min() >= 0:
            return "the decoder's output is never negative: logits are asked for, without sigmoid or ReLU at the end"
        if same([once[0]], [model(x)[0]]):
            return "two passes give the same logits: no noise is drawn"
        if linear_layers(model, once[0]) < in_encoder + 1 + in_decoder:
            return "the gradient of the logits does not reach the whole encoder: the sampling step cuts it off"


deeper_vae = DeeperCheck("04")
