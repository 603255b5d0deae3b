"""The same cell in Voilà, which shows a notebook as a page without its code."""

import pytest

from .conftest import changed, move_each_control, pixels, readout, wait_until_drawn
from .servers import BIN, free_port, listens, serving, write_notebook


@pytest.fixture
def voila(tmp_path):
    """The address of a Voilà that serves one small notebook."""
    write_notebook(
        tmp_path / "small.ipynb",
        "from vae_helpers import LatentExplorer, load_codes, load_pretrained\n"
        "vae, codes = load_pretrained('vae'), load_codes('vae')\n"
        "LatentExplorer(vae, codes.mu, codes.labels, sample=True)",
    )
    port = free_port()
    command = [BIN / "voila", tmp_path / "small.ipynb", "--no-browser", f"--port={port}"]
    with serving(command, tmp_path, lambda: listens(port)):
        yield f"http://localhost:{port}/"


def test_explorer_in_voila(voila, new_page):
    page = new_page(viewport={"width": 1000, "height": 900})
    # Voilà's own page takes its icons from a CDN; the explorer needs none of them.
    page.route("https://cdn.jsdelivr.net/**", lambda route: route.fulfill(body="", content_type="text/css"))
    page.goto(voila, timeout=60_000)
    root = page.locator("div.vae-explorer")
    wait_until_drawn(root)
    before, words = pixels(root), readout(root)
    box = root.locator(".steered").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"], steps=10)
    assert all(changed(pixels(root)[1::2], before[1::2]))
    page.mouse.up()
    assert readout(root) != words
    move_each_control(root)
