"""The pages that ``save_html`` writes: opened from disk, offline, on a phone, zoomed, by keyboard, by touch."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import changed, controls, move_each_control, pixels, readout, save, settle, wait_until_drawn

WIDE = {"viewport": {"width": 1000, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 3, "has_touch": True, "is_mobile": True}
ZOOMED = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}  # 200 % of a window of 1280 × 800


@pytest.fixture
def open_saved(new_page, tmp_path):
    """``open_saved(explorer, **context options)``: the explorer's own page, drawn, as ``.root`` of the page."""

    def open_(explorer, **options):
        page = new_page(**(options or WIDE))
        page.requests = []
        page.on("request", lambda request: page.requests.append(request.url))
        page.context.set_offline(True)
        url = save(explorer, tmp_path / "a teacher's page.html").as_uri()
        page.goto(url)
        page.root = page.locator("div.vae-explorer")
        wait_until_drawn(page.root)
        assert page.requests == [url]
        return page

    return open_


def test_every_control_moves_pixels_with_the_network_off(explorer, open_saved):
    page = open_saved(explorer)
    move_each_control(page.root)
    assert len(page.requests) == 1


def test_the_pointer_moves_what_it_steers(explorer, open_saved):
    page = open_saved(explorer)
    for plane in page.root.locator(".steered").all():
        before, box = pixels(page.root), plane.bounding_box()
        plane.click(position={"x": 0.7 * box["width"], "y": 0.3 * box["height"]})
        clicked = pixels(page.root)
        assert any(changed(clicked, before))
        page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"])
        assert not any(changed(pixels(page.root), clicked))  # no button down: nothing is dragged
        page.mouse.down()
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
        page.mouse.up()
        assert any(changed(pixels(page.root), clicked))
    for slider in page.root.locator('input[type="range"]').all():
        before, box = pixels(page.root), slider.bounding_box()
        for end in (0.2, 0.9):
            slider.click(position={"x": end * box["width"], "y": box["height"] / 2})
        assert any(changed(pixels(page.root), before))


# Layout


BOXES = ".control > label, .control > input, legend, fieldset label, .value, .title, .box, .readout, h1"
OVERLAPS = """(root, query) => {
  const nodes = [...document.querySelectorAll(query)], problems = [];
  const boxes = nodes.map((node) => node.getBoundingClientRect());
  const say = (node) => `${node.tagName} ${node.className} ${node.textContent.slice(0, 30)}`;
  const cut = ({ scrollWidth, clientWidth }) => clientWidth && scrollWidth > clientWidth + 1;
  boxes.forEach((a, i) => {
    if (a.left < 0 || a.right > document.documentElement.clientWidth) problems.push(`${say(nodes[i])} leaves the page`);
    if (cut(nodes[i])) problems.push(`${say(nodes[i])} is cut`);
    boxes.slice(0, i).forEach((b, j) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 1) problems.push(`${say(nodes[i])} overlaps ${say(nodes[j])}`);
    });
  });
  return problems;
}"""


def assert_laid_out(page):
    """No scroll bar across, nothing cut or overlapping, and canvases at the resolution of the screen."""
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.root.evaluate(OVERLAPS, BOXES) == []
    sizes = page.root.locator("canvas").evaluate_all(
        """(canvases) => canvases.map((canvas) => [[canvas.width, canvas.height], [canvas.clientWidth,
             canvas.clientHeight].map((length) => Math.round(length * window.devicePixelRatio))])"""
    )
    assert all(found == expected and min(found) >= 45 for found, expected in sizes), sizes


@pytest.mark.parametrize("screen", [PHONE, ZOOMED], ids=["phone", "zoomed"])
def test_layout(explorer, screen, open_saved):
    assert_laid_out(open_saved(explorer, **screen))


def test_canvases_follow_the_window(explorers, open_saved):
    page = open_saved(explorers["LatentExplorer"])
    assert_laid_out(page)
    wide = page.root.locator("canvas").evaluate_all("(canvases) => canvases.map((canvas) => canvas.width)")
    page.set_viewport_size({"width": 360, "height": 740})
    assert_laid_out(page)
    wait_until_drawn(page.root)
    assert wide != page.root.locator("canvas").evaluate_all("(canvases) => canvases.map((canvas) => canvas.width)")


def test_touch_moves_z_and_does_not_scroll(explorers, open_saved):
    page = open_saved(explorers["LatentExplorer"], **PHONE)
    plane = page.root.locator(".steered")
    before, seen = readout(page.root), pixels(page.root)
    plane.tap(position={"x": 200, "y": 100})
    tapped = readout(page.root)
    assert tapped != before and any(changed(pixels(page.root), seen))

    plane.scroll_into_view_if_needed()
    box, scrolled = plane.bounding_box(), page.evaluate("window.scrollY")
    touch = page.context.new_cdp_session(page)
    for kind, y in (("touchStart", 200), ("touchMove", 150), ("touchMove", 90), ("touchEnd", None)):
        places = [] if y is None else [{"x": box["x"] + 150, "y": box["y"] + y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
        settle(page)
    dragged = readout(page.root)
    assert dragged != tapped and page.evaluate("window.scrollY") == scrolled
    z1, z2 = (float(value.replace("−", "-")) for value in re.search(r"\((.+?), (.+?)\)", dragged).groups())
    width = box["width"] - 52 - 10  # of the axes: right of their numbers
    limit = explorers["LatentExplorer"].controls["z1"]["high"]
    assert z1 == pytest.approx(limit * (2 * (150 - 52) / width - 1), abs=0.1)
    assert z2 > z1  # the finger ended in the upper part


# Accessibility


def test_axe_finds_nothing(explorer, open_saved):
    results = Axe().run(open_saved(explorer))
    assert results.violations_count == 0, results.generate_report()


def test_names_roles_and_live_readout(explorer, open_saved):
    page = open_saved(explorer)
    for control in explorer.controls.values():
        if control.get("buttons"):
            group = page.get_by_role("group", name=control["label"], exact=True)
            for option in control["options"]:
                assert group.get_by_role("radio", name=str(option), exact=True).count() == 1
        else:
            slider = page.get_by_role("slider", name=control["label"], exact=True)
            assert slider.count() == 1
            shown = page.root.locator(".control", has=slider).locator(".value").inner_text()
            assert slider.get_attribute("aria-valuetext") == shown
    planes = [panel["alt"] for panel in explorer.panels if panel.get("steers")]
    images = [panel["alt"] for panel in explorer.panels if not panel.get("steers")]
    assert [page.get_by_role("application", name=alt, exact=True).count() for alt in planes] == [1] * len(planes)
    assert [page.get_by_role("img", name=alt, exact=True).count() for alt in images] == [1] * len(images)
    live = page.root.locator(".readout[aria-live=polite]").element_handle()
    before = live.inner_text()
    assert before == explorer.readout
    controls(page.root).first.press("ArrowRight")
    settle(page)
    assert live.inner_text() != before  # the same element: a screen reader follows it


FOCUS = """(root) => { const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(document.activeElement);
  return [outlineStyle, parseFloat(outlineWidth), outlineColor]; }"""


def test_tab_reaches_every_control_in_order_with_a_visible_focus(explorer, open_saved):
    page = open_saved(explorer)
    stops = controls(page.root).element_handles()
    assert len(stops) == len(explorer.controls) + sum("steers" in panel for panel in explorer.panels)
    for stop in stops:
        unfocused = page.screenshot()
        page.keyboard.press("Tab")
        assert stop.evaluate("(stop) => stop === document.activeElement")
        style, width, color = page.root.evaluate(FOCUS)
        assert style == "solid" and width >= 2 and color not in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
        assert page.screenshot() != unfocused
    for stop in reversed(stops[:-1]):
        page.keyboard.press("Shift+Tab")
        assert stop.evaluate("(stop) => stop === document.activeElement")


def test_arrow_keys_on_the_plane(explorers, open_saved):
    page = open_saved(explorers["LatentExplorer"])
    plane, step = page.root.locator(".steered"), explorers["LatentExplorer"].controls["z1"]["step"]

    def z():
        return [float(value.replace("−", "-")) for value in re.findall(r"\((.+?), (.+?)\)", readout(page.root))[0]]

    keys = {"ArrowRight": (1, 0), "ArrowUp": (0, 1), "ArrowLeft": (-1, 0), "ArrowDown": (0, -1)}
    keys |= {f"Shift+{key}": (10 * x, 10 * y) for key, (x, y) in keys.items()}
    for key, by in keys.items():
        before = z()
        plane.press(key)
        assert z() == pytest.approx([a + step * b for a, b in zip(before, by)], abs=0.011)
    for _ in range(20):
        plane.press("Shift+ArrowRight")
    assert z()[0] == pytest.approx(explorers["LatentExplorer"].controls["z1"]["high"], abs=0.006)  # and no further
