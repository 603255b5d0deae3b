"""What a healthy run shows: every training recipe of the notebooks over five seeds, as ranges for their result cards.

    python tests/benchmarks/expected_results.py [PART OF A NAME ...]

On MNIST: about a quarter of an hour on one core. For each recipe: the training loss after the first and the last
epoch, the test loss with its parts, and the range over the seeds, in nats per image.
"""

import argparse

import torch

import vae_helpers as vh

SEEDS = range(5)
RECIPES = {
    "01 autoencoder": (vh.Autoencoder, {"epochs": 5, "batch_size": 200, "lr": 3e-3, "schedule": "one_cycle"}),
    "04 the note's recipe": (vh.VAE, {"epochs": 10, "batch_size": 50, "lr": 1e-3}),
    "04 batch 200": (vh.VAE, {"epochs": 4, "batch_size": 200, "lr": 1e-3}),
    "04 constant 0.02": (vh.VAE, {"epochs": 7, "batch_size": 200, "lr": 2e-2}),
    "04 one cycle to 0.02": (vh.VAE, {"epochs": 7, "batch_size": 200, "lr": 2e-2, "schedule": "one_cycle"}),
    "05 ten dimensions": (
        lambda: vh.VAE(latent=10),
        {"images": 10_000, "epochs": 10, "batch_size": 200, "lr": 3e-3, "schedule": "one_cycle"},
    ),
}


def run(make, recipe, digits, seed):
    """(first training loss, last training loss, test loss, test reconstruction, test KL) of one seed."""
    torch.manual_seed(seed)
    model = make()
    recipe = dict(recipe)
    images = digits.train_images[: recipe.pop("images", None)]
    history = vh.fit(model, images, seed=seed, progress=False, **recipe)
    test = vh.evaluate(model, digits.test_images)
    return history.loss[0], history.loss[-1], test.loss, test.recon, test.kl


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help="of the names of the recipes to run (default: all)")
    parts = parser.parse_args().parts
    digits = vh.load_mnist()
    wanted = [name for name in RECIPES if not parts or any(part in name for part in parts)]
    print(f"seeds {min(SEEDS)} to {max(SEEDS)}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'recipe':22} {'first epoch':>17} {'last epoch':>17} {'test loss':>17} {'test recon':>17} {'test KL':>15}")
    for name in wanted:
        columns = zip(*(run(*RECIPES[name], digits, seed) for seed in SEEDS), strict=True)
        ranges = [f"{min(column):.2f} to {max(column):.2f}" for column in columns]
        print(f"{name:22} {ranges[0]:>17} {ranges[1]:>17} {ranges[2]:>17} {ranges[3]:>17} {ranges[4]:>15}", flush=True)


if __name__ == "__main__":
    main()
