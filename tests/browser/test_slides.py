"""The slides of each notebook, made by nbconvert and stepped through in a browser of 1280×720: nothing is cut.

reveal.js and MathJax come from packages of ``tests/requirements.txt``, not from the network: reveal.js 5.2.0 for 4.0.2,
and MathJax with the renderer that ``slides_config.py`` asks for (HTML-CSS), but with STIX fonts for TeX fonts.
"""

import subprocess
import sys
from pathlib import Path

import jupyter_server_mathjax
import nbformat
import pytest
import sphinx_revealjs

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
CONFIG = NOTEBOOKS[0].parent / "slides_config.py"
HOST = "http://slides.test"  # no such host: every request is answered here
LOCAL = {
    "reveal.js": Path(sphinx_revealjs.__file__).parent / "_static/revealjs",
    "mathjax": Path(jupyter_server_mathjax.__file__).parent / "static",
    "require": Path(sys.prefix) / "share/jupyter/voila/templates/base/static",
}
SCREEN = {"viewport": {"width": 1280, "height": 720}}
FONT = (
    """window.MathJax = {"HTML-CSS": {availableFonts: [], imageFont: null, preferredFont: null, webFont: "STIX-Web"}}"""
)

# Of each slide: the box around all it shows, the boxes in it that cut something off, and whether its text runs under
# the arrows in the corner. Left out: the speaker's notes, and what MathJax keeps for itself.
MEASURE = """async () => {
  const found = [], buttons = [...document.querySelectorAll(".controls button")];
  for (const slide of Reveal.getSlides()) {
    const { h, v } = Reveal.getIndices(slide);
    Reveal.slide(h, v, 99);  // which typesets its formulas again
    const waits = ({ MathJax: formula }) => formula.state !== formula.elementJax.STATE.PROCESSED;
    do await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    while (slide.querySelector(".MathJax_Processing")
           || [...slide.querySelectorAll('script[type^="math/tex"]')].some(waits));

    const seen = [slide, ...slide.querySelectorAll("*")].filter((element) =>
      !element.closest("aside.notes, .MathJax_Preview, .MJX_Assistive_MathML, script, style")
      && element.getBoundingClientRect().width > 1 && element.getBoundingClientRect().height > 1);
    const rects = seen.map((element) => element.getBoundingClientRect()), range = document.createRange();
    const texts = seen.flatMap((element) => [...element.childNodes]).filter((node) => node.nodeType === 3);
    const lines = texts.flatMap((text) => (range.selectNodeContents(text), [...range.getClientRects()]));
    const words = slide.innerText.trim().split(/\\s+/).slice(0, 8);
    found.push({
      name: [`${h}.${v}`, ...words].join(" "),
      left: Math.min(...rects.map((rect) => rect.left)), right: Math.max(...rects.map((rect) => rect.right)),
      top: Math.min(...rects.map((rect) => rect.top)), bottom: Math.max(...rects.map((rect) => rect.bottom)),
      cut: seen.filter((element) => element.matches("pre, table, .jp-OutputArea-output, .jp-RenderedMarkdown")
        && element.scrollWidth > element.clientWidth + 1).map((element) => element.className || element.tagName),
      covered: buttons.map((button) => button.getBoundingClientRect()).some((button) => lines.some((line) =>
        line.right > button.left && line.left < button.right && line.bottom > button.top && line.top < button.bottom)),
    });
  }
  return found;
}"""


def convert(paths, folder):
    """The command of the README, with reveal.js and MathJax at ``HOST``."""
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "slides", "--config", CONFIG]
    command += ["--output-dir", folder, f"--SlidesExporter.reveal_url_prefix={HOST}/reveal.js"]
    command += [f"--SlidesExporter.mathjax_url={HOST}/mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe"]
    command += [f"--SlidesExporter.require_js_url={HOST}/require/require.min.js"]
    result = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    convert(NOTEBOOKS, folder)
    return folder


def open_slides(page, folder, name):
    """Open FOLDER/NAME.slides.html with no network, and wait until reveal.js stands and the formulas are typeset."""

    def answer(route):
        address = route.request.url.split("?")[0]
        place, _, rest = address.removeprefix(f"{HOST}/").partition("/")
        if place in LOCAL and (LOCAL[place] / rest).exists():
            route.fulfill(path=LOCAL[place] / rest)
        elif place.endswith(".html"):
            route.fulfill(path=folder / place)
        elif "/fonts/HTML-CSS/TeX/" in address:  # looked for beside the fonts that the package has
            route.fulfill(content_type="font/otf", body="")
        elif "fonts.googleapis.com" in address:  # fonts of the theme's headings; without them, the browser's own
            route.fulfill(content_type="text/css", body="")
        elif "mermaid" in address:  # nbconvert loads two libraries that the slides do not use
            route.fulfill(content_type="text/javascript", body="export default { initialize() {} }")
        elif "jquery" in address:
            route.fulfill(content_type="text/javascript", body="")
        else:
            route.abort()  # an error in the console: no other file may come from the network

    page.route("**/*", answer)
    page.add_init_script(FONT)  # the one that the package has
    page.goto(f"{HOST}/{name}.slides.html")
    page.locator(".reveal.ready").wait_for()
    page.evaluate(f"window.Reveal = require('{HOST}/reveal.js/dist/reveal.js')")
    page.wait_for_function("MathJax.isReady")
    page.evaluate("new Promise((done) => MathJax.Hub.Queue(done))")
    page.errors[:] = [error for error in page.errors if "about:blank" not in error]  # MathJax tries a font from there


def overfull(slide):
    """Why the slide does not fit, or nothing."""
    outside = slide["left"] < 0 or slide["top"] < 0 or slide["right"] > 1280 or slide["bottom"] > 720
    edges = {side: round(slide[side]) for side in ("left", "top", "right", "bottom")}
    reasons = [f"it fills {edges}"] * outside + [f"cut off: {cut}" for cut in slide["cut"]]
    return [f"{slide['name']}: {reason}" for reason in reasons + ["under the arrows"] * slide["covered"]]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_slides_fit_their_frame(path, slides, new_page):
    page = new_page(**SCREEN)
    open_slides(page, slides, path.stem)
    assert page.locator(".MathJax, .MathJax_Display").count() > 0 and page.locator(".MathJax_Error").count() == 0
    found = page.evaluate(MEASURE)
    assert len(found) >= 10
    assert [reason for slide in found for reason in overfull(slide)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_knows_its_place(path):
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in nbformat.read(path, as_version=4).cells]
    assert set(kinds) <= {"slide", "subslide", "fragment", "-", "notes", "skip"}
    assert kinds[0] == "slide"


def test_an_overfull_slide_is_found(tmp_path, new_page):
    """More lines than fit; a formula, and a line of code, that are too long; text under the arrows; one that fits."""
    texts = ["line\n\n" * 60, f"$$\\text{{{'wide ' * 60}}}$$", "line\n\n" * 14 + "long " * 140, "$x$ fits"]
    cells = [nbformat.v4.new_markdown_cell(text) for text in texts]
    cells.insert(2, nbformat.v4.new_code_cell(f"text = '{'wide ' * 60}'"))
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "full.ipynb")
    convert([tmp_path / "full.ipynb"], tmp_path)
    page = new_page(**SCREEN)
    open_slides(page, tmp_path, "full")
    found = [" ".join(overfull(slide)) for slide in page.evaluate(MEASURE)]
    assert "it fills" in found[0] and "it fills" in found[1] and "cut off" in found[2] and "arrows" in found[3], found
    assert found[4:] == [""]
