"""A real chromium, pages opened in it, every explorer once, and a screenshot of each test that fails."""

import base64
import io
import os
import re
import shutil
from pathlib import Path

import matplotlib.image as mpimg
import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from vae_helpers.explorers import __all__ as PUBLIC

FAILURES = Path(__file__).parent / "failures"
NAMES = [name for name in PUBLIC if name.endswith("Explorer") and name != "Explorer"]


@pytest.fixture(scope="session")
def browser():
    """Chromium. Without it the tests are skipped, but never in CI: there they fail."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("no chromium on the PATH; on Debian or Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        # One way to draw on canvases: else chromium changes to another while it is read, and edges differ a little.
        args = ["--no-sandbox", "--disable-accelerated-2d-canvas"]
        browser = playwright.chromium.launch(executable_path=path, args=args)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser):
    """``new_page(**options of the context)``: a page whose ``errors`` collects the console's errors and its own.

    At the end of the test there must be none; a test that expects some takes them out.
    """
    pages = []

    def new(**options):
        pages.append(watched(browser.new_context(**options).new_page()))
        return pages[-1]

    yield new
    errors = [error for page in pages for error in page.errors]
    for page in pages:
        page.context.close()
    assert errors == []


def watched(page):
    """The page, with the list ``errors``, which grows with each error in it."""
    page.errors = []

    def hear(message):
        if message.type == "error":
            page.errors.append(f"{message.text} ({message.location['url']})")

    page.on("console", hear)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.set_default_timeout(20_000)
    return page


@pytest.fixture(params=NAMES)
def explorer(request, explorers):
    """Each explorer in turn."""
    return explorers[request.param]


def save(explorer, path, expose=False):
    """Write the explorer's own page; with ``expose``, its ``model`` and functions are open to the test."""
    explorer.save_html(path)
    if expose:  # open it in a context with bypass_csp=True: the script is no longer the one that its hash promises
        page, end = path.read_text(encoding="utf-8"), "</script>\n</body>"
        assert page.count(end) == 1
        more = "\nObject.assign(window, { model, EXPLORERS, number, data: unpack(model.get('data')) });"
        path.write_text(page.replace(end, more + end), encoding="utf-8")
    return path


# What a test asks of the page. ``root``: a locator of one explorer.


def settle(page):
    """Wait until what was changed has been drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))")


def wait_until_drawn(root):
    """Wait until each panel of the explorer shows something."""
    root.locator("canvas").first.wait_for()
    root.page.wait_for_function(
        """(root) => [...root.querySelectorAll(".box")].every((box) => [...box.querySelectorAll("canvas")].some(
             (canvas) => canvas.width && canvas.height && canvas.getContext("2d")
               .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)))""",
        arg=root.element_handle(),
    )


def pixels(root):
    """The pixels of each of the explorer's canvases, as text that can be compared."""
    settle(root.page)
    return root.locator("canvas").evaluate_all("(canvases) => canvases.map((canvas) => canvas.toDataURL())")


def changed(new, old):
    """For each canvas of ``pixels``: does a pixel differ clearly? Edges may be smoothed otherwise each time."""

    def decode(url):
        return mpimg.imread(io.BytesIO(base64.b64decode(url.partition(",")[2])), format="png")

    def differs(a, b):
        if a == b:
            return False
        a, b = decode(a), decode(b)
        return a.shape != b.shape or np.abs(a - b).max() > 0.4

    return [differs(a, b) for a, b in zip(new, old, strict=True)]


def readout(root):
    settle(root.page)
    return root.locator(".readout").inner_text()


def controls(root):
    """What a keyboard stops at: sliders, the chosen button of each group, planes."""
    return root.locator('input[type="range"], input[type="radio"]:checked, .steered')


def move_each_control(root, keys=("ArrowRight", "ArrowLeft")):
    """Move each control with the keyboard and demand that pixels change."""
    for control in controls(root).all():
        handle = control.element_handle()  # the button chosen changes with the choice
        before = pixels(root)
        handle.focus()
        root.page.keyboard.press(keys[0])
        if not any(changed(pixels(root), before)):  # it stood at its end
            root.page.keyboard.press(keys[1])
        assert any(changed(pixels(root), before)), f"{handle.get_attribute('aria-label') or handle} moves nothing"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.failed and browser:
        FAILURES.mkdir(exist_ok=True)
        name = re.sub(r"[^\w.-]+", "_", item.name)
        pages = [page for context in browser.contexts for page in context.pages]
        for i, page in enumerate(pages):
            page.screenshot(path=FAILURES / f"{name}{f'_{i}' if i else ''}.png")
    return report
