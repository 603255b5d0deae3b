"""An explorer in a real JupyterLab: pointer and keys, messages to the kernel, Python's side, no kernel, dark theme."""

import pytest

from .conftest import changed, controls, move_each_control, pixels, readout, settle, wait_until_drawn, watched
from .servers import Notebook, jupyter_lab, write_notebook

LOAD, EXPLORER, SLIDERS, PRINT, SET = range(5)
CELLS = [
    "from vae_helpers import LatentExplorer, load_codes, load_pretrained\n"
    "vae, codes = load_pretrained('vae'), load_codes('vae')",
    "explorer = LatentExplorer(vae, codes.mu, codes.labels, sample=True)\nexplorer",
    "explorer.sliders()",
    "print(explorer.readout)",
    "explorer.z = (1.5, -0.7)",
]
FIRST_PICTURE = 1000  # ms
MESSAGE = 500  # ms in which a message would have been sent
CONTRAST = 4.5  # WCAG 2 AA


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with jupyter_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def open_notebook(browser, lab):
    """``open_notebook(name)``: the small notebook under a name of its own, in a new page, no cell run yet."""
    opened = []

    def open_(name):
        write_notebook(lab.root / name, *CELLS)
        page = watched(browser.new_context(viewport={"width": 1280, "height": 1400}).new_page())
        opened.append(page)
        return Notebook(page, lab, name)

    yield open_
    errors = [error for page in opened for error in page.errors]
    for page in opened:
        page.context.close()
    assert errors == []


@pytest.fixture(scope="module")
def shared(browser, lab):
    """The small notebook in one page for many tests: loaded, the explorer shown, nothing else run."""
    write_notebook(lab.root / "shared.ipynb", *CELLS)
    page = watched(browser.new_context(viewport={"width": 1280, "height": 1400}).new_page())
    notebook = Notebook(page, lab, "shared.ipynb")
    notebook.run(LOAD)
    notebook.run(EXPLORER)
    yield notebook
    page.context.close()


@pytest.fixture
def notebook(shared):
    """The shared notebook with z = (0, 0); at the end there must be no error in its page."""
    root = explorer_of(shared)
    plane = root.locator(".steered")
    box = plane.bounding_box()
    plane.click(position={"x": 52 + (box["width"] - 62) / 2, "y": 8 + (box["width"] - 62) / 2})
    shared.page.wait_for_timeout(MESSAGE)
    shared.messages.clear()
    yield shared
    assert shared.page.errors == []
    assert shared.errors() == []


def explorer_of(notebook):
    root = notebook.page.locator("div.vae-explorer").first
    wait_until_drawn(root)
    return root


def panels(root):
    """The pixels that move on each panel, as text that can be compared."""
    return pixels(root)[1::2]


def drag(notebook, root, steps=20):
    """Drag on the plane and return the messages sent while the button was down, and those at its end."""
    page, box = notebook.page, root.locator(".steered").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    notebook.messages.clear()
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.3 * box["height"], steps=steps)
    page.wait_for_timeout(MESSAGE)
    during = len(notebook.messages)
    page.mouse.up()
    page.wait_for_timeout(MESSAGE)
    return during, len(notebook.messages) - during


def test_the_token_is_on(lab, browser):
    page = browser.new_page()
    assert page.request.get(f"{lab.url}api/contents").status == 403
    assert page.request.get(f"{lab.url}api/contents?token={lab.token}").status == 200
    page.close()


def test_first_picture(open_notebook):
    """From the start of the cell's run to the first pixels of the decoded image; modules and weights are loaded."""
    notebook = open_notebook("first.ipynb")
    notebook.run(LOAD)
    milliseconds = notebook.page.evaluate(
        f"""async () => {{
          {notebook.PANEL}.content.activeCellIndex = {EXPLORER};
          const start = performance.now();
          jupyterapp.commands.execute("notebook:run-cell");
          const drawn = () => {{
            const canvas = document.querySelectorAll(".vae-explorer .box")[1]?.querySelectorAll("canvas")[1];
            const pixels = canvas?.width && canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return pixels && pixels.data.some((value) => value > 0);
          }};
          while (!drawn() && performance.now() < start + 20000) await new Promise(requestAnimationFrame);
          return performance.now() - start;
        }}"""
    )
    print(f"first picture after {milliseconds:.0f} ms")
    assert milliseconds < FIRST_PICTURE


def test_notebook_runs_whole(open_notebook):
    notebook = open_notebook("whole.ipynb")
    notebook.run_all()
    assert [cell["count"] for cell in notebook.cells()] == [1, 2, 3, 4, 5]
    assert notebook.errors() == []
    root = explorer_of(notebook)
    notebook.page.wait_for_timeout(MESSAGE)
    assert readout(root).startswith("z = (1.50, −0.70)")


def test_click_drag_and_keys_change_the_right_pixels(notebook):
    root = explorer_of(notebook)
    plane, box = root.locator(".steered"), root.locator(".steered").bounding_box()
    z = "z = (0.00, 0.00)"
    moves = {
        "click": lambda: plane.click(position={"x": 0.3 * box["width"], "y": 0.4 * box["height"]}),
        "drag": lambda: drag(notebook, root),
        "arrow key": lambda: plane.press("ArrowLeft"),
        "big step": lambda: plane.press("Shift+ArrowDown"),
        "slider": lambda: root.get_by_role("slider", name="z₁").press("ArrowRight"),
    }
    for name, move in moves.items():
        before = panels(root)
        move()
        after = panels(root)
        assert changed(after[:1], before[:1]) == [True] and after[1] != before[1], name  # cursor and mean
        assert after[2] != before[2] or name in ("arrow key", "slider"), name  # a small step may not change the sample
        assert readout(root).startswith("z = (") and not readout(root).startswith(z), name
        z = readout(root).partition(";")[0]
    before = panels(root)
    root.get_by_role("slider", name="draw").press("ArrowRight")
    assert changed(panels(root), before) == [False, False, True]  # another draw at the same z


def test_keys_pressed_on_an_explorer_are_not_jupyterlabs(notebook):
    root = explorer_of(notebook)
    notebook.command("notebook:enter-command-mode")
    for control in controls(root).all():
        control.focus()
        before = notebook.state()
        assert before[1] == "command"
        for key in ("ArrowDown", "ArrowUp", "Shift+ArrowDown", "Shift+ArrowUp", *"jkabcxvmy", "d", "d", "0", "0"):
            notebook.page.keyboard.press(key)
        settle(notebook.page)
        assert notebook.state() == before


def test_dragging_sends_one_message_at_its_end_and_python_knows_z(notebook):
    root = explorer_of(notebook)
    assert drag(notebook, root) == (0, 1)
    assert notebook.run(PRINT).strip() == readout(root)


def test_a_slider_sends_at_most_one_message_a_step(notebook):
    root = explorer_of(notebook)
    slider = root.get_by_role("slider", name="z₂")
    for _ in range(5):
        slider.press("ArrowRight")
    notebook.page.wait_for_timeout(MESSAGE)
    assert 1 <= len(notebook.messages) <= 5
    assert notebook.run(PRINT).strip() == readout(root)

    notebook.messages.clear()
    box = slider.bounding_box()
    notebook.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2)
    notebook.page.mouse.down()
    notebook.page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2, steps=20)
    notebook.page.wait_for_timeout(MESSAGE)
    assert len(notebook.messages) == 0
    notebook.page.mouse.up()
    notebook.page.wait_for_timeout(MESSAGE)
    assert len(notebook.messages) == 1
    assert notebook.run(PRINT).strip() == readout(root)


def test_python_moves_the_picture(notebook):
    root = explorer_of(notebook)
    before = panels(root)
    notebook.run(SET)
    notebook.page.wait_for_timeout(MESSAGE)
    assert all(changed(panels(root), before))
    assert readout(root).startswith("z = (1.50, −0.70)")
    sliders = root.get_by_role("slider").evaluate_all("(inputs) => inputs.map((input) => Number(input.value))")
    assert sliders[:2] == pytest.approx([1.5, -0.7])


def test_two_views_of_one_explorer_move_together(open_notebook):
    notebook = open_notebook("views.ipynb")
    notebook.run(LOAD)
    notebook.run(EXPLORER)
    notebook.command("notebook:create-output-view")
    roots = notebook.page.locator("div.vae-explorer")
    notebook.page.wait_for_function("document.querySelectorAll('div.vae-explorer').length === 2")
    for root in roots.all():
        wait_until_drawn(root)
    visible = [root for root in roots.all() if root.is_visible()]
    visible[0].get_by_role("slider", name="z₁").press("ArrowRight")
    assert [readout(root)[:11] for root in roots.all()] == ["z = (0.05, "] * 2


def test_explorer_and_sliders_go_on_without_a_kernel(open_notebook, lab):
    notebook = open_notebook("no kernel.ipynb")
    for cell in (LOAD, EXPLORER, SLIDERS):
        notebook.run(cell)
    root = explorer_of(notebook)
    handles = notebook.page.locator(".widget-slider .noUi-handle")
    handles.first.wait_for()

    def moves_everywhere():
        for handle in (handles.nth(0), handles.nth(1)):
            before, at = panels(root), readout(root)
            handle.focus()
            notebook.page.keyboard.press("ArrowRight")
            plane, mean = panels(root)[:2]
            assert changed([plane], before[:1]) == [True] and mean != before[1]
            assert readout(root) != at
        at, drawn = handles.nth(0).get_attribute("aria-valuenow"), panels(root)
        drag(notebook, root, steps=5)
        plane, mean = panels(root)[:2]
        assert changed([plane], drawn[:1]) == [True] and mean != drawn[1]
        assert handles.nth(0).get_attribute("aria-valuenow") != at  # joined both ways
        move_each_control(root)

    moves_everywhere()
    assert notebook.page.errors == []
    notebook.command("kernelmenu:shutdown")
    assert "no kernel.ipynb" not in [session["path"] for session in lab.rest("sessions")]
    moves_everywhere()
    # JupyterLab's widget manager reports in the console each message that it could not deliver; nothing else is there.
    assert [error for error in notebook.page.errors if not error.startswith("Could not send widget sync message")] == []
    notebook.page.errors.clear()


# The least contrast of the words in the explorer with what lies behind them.
WORDS = """(root) => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => rgb(color).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    const color = getComputedStyle(node).backgroundColor, [, , , opacity = 1] = rgb(color);
    return opacity === 0 ? behind(node.parentElement) : color;
  };
  return [...root.querySelectorAll("label, legend, .value, .title, .readout")].filter((n) => n.textContent.trim())
    .map((node) => {
      const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => b - a);
      return [node.textContent, (a + 0.05) / (b + 0.05)];
    });
}"""


def change_theme(notebook, name):
    notebook.command("apputils:change-theme", f"{{ theme: 'JupyterLab {name}' }}")
    light = "true" if name == "Light" else "false"
    notebook.page.wait_for_function(f"document.body.dataset.jpThemeLight === '{light}'")
    notebook.page.locator("#jupyterlab-splash").wait_for(state="detached")
    settle(notebook.page)


def test_dark_theme(notebook):
    root = explorer_of(notebook)
    drawn = pixels(root)
    change_theme(notebook, "Dark")
    try:
        words = root.evaluate(WORDS)
        assert len(words) == 3 + 3 + 3 + 1
        assert min(contrast for _, contrast in words) >= CONTRAST, words
        assert not any(changed(pixels(root), drawn))
        move_each_control(root)
        # Numbers and names at the axes are ink on the card, which stays white.
        assert root.evaluate("(root) => getComputedStyle(root).backgroundColor") == "rgb(255, 255, 255)"
    finally:
        change_theme(notebook, "Light")
