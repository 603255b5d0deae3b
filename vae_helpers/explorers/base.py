"""What the explorers share: controls, panels, marks to draw on them, a still picture, a page of their own.

An explorer computes in the browser. Python sends what stands still once; what moves is computed by the function of
the same name in the JavaScript beside (``latent.js``, …), and a control that moves needs no kernel. The Python
``update`` computes the same marks for the still picture; a test in a real browser holds the two equal.
"""

import base64
import hashlib
import html
import json
import math
import re
import warnings
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import anywidget
import ipywidgets as widgets
import numpy as np
from matplotlib import patches, patheffects
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from traitlets import Dict, TraitType

from ..figures import DIGIT_COLORS, INK, plot_history, png

FOLDER = Path(__file__).parent
BLUE, ORANGE, RED, GREY = DIGIT_COLORS[0], DIGIT_COLORS[6], DIGIT_COLORS[2], DIGIT_COLORS[3]
BLUE_WORDS, ORANGE_WORDS = "#1f6fb8", "#b84e00"  # the same colours, dark enough to read: contrast 4.5 or more
JAVASCRIPT = "".join(
    (FOLDER / name).read_text(encoding="utf-8") for name in ("base.js", "mathematics.js", "latent.js", "experiments.js")
)
CSS = (FOLDER / "explorer.css").read_text(encoding="utf-8")


def number(x, digits=2):
    """A number as the read-outs write it: a real minus sign, and no negative zero."""
    rounded = Decimal(float(x)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)  # as toFixed does in the page
    text = f"{rounded:f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


# Controls and panels, as plain data for the page.


def slider(name, label, value, low, high, step=0.05, digits=2):
    """A control with a number from ``low`` to ``high``; ``label`` is what is written and read out beside it."""
    return {"name": name, "label": label, "value": value, "low": low, "high": high, "step": step, "digits": digits}


def choice(name, label, value, options, buttons=False):
    """A control with one of ``options``: a slider over them, or radio buttons."""
    return {"name": name, "label": label, "value": value, "options": list(options), "buttons": buttons}


def panel(alt, xlim, ylim, width, height, marks=(), title="", xlabel="", ylabel="", equal=False, **more):
    """Axes and the ``marks`` that stand still on them. ``width`` and ``height``: inches of the still picture.

    ``alt``: what a screen reader says of it. ``bare=True`` draws no axes; ``xticks`` and ``yticks``: (place, name)
    pairs. ``steers``: names of the controls that pointer and arrow keys move, the horizontal one first;
    ``picks``: {"x", "y"}, places of which the nearest one's index becomes the value of the control steered.
    """
    ticks = {"xticks": nice_ticks(*xlim), "yticks": nice_ticks(*ylim)}
    if more.get("bare"):
        ticks = {"xticks": [], "yticks": []}
    return {
        "alt": alt,
        "xlim": list(xlim),
        "ylim": list(ylim),
        "width": width,
        "height": height,
        "marks": list(marks),
        "title": title,
        "xlabel": xlabel,
        "ylabel": ylabel,
        "equal": equal,
        **ticks,
        **more,
    }


def nice_ticks(low, high):
    """About five round places from ``low`` to ``high`` and how they are written."""
    places = [place for place in MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= place <= high]
    digits = max((len(f"{place:g}".partition(".")[2]) for place in places), default=0)
    return [[float(place), number(place, digits)] for place in places]


# Marks: what can be drawn on a panel, as plain data; ``base.js`` has the same functions.


def curve(x, y, color, width=2, dash=False):
    return {"type": "curve", "x": x, "y": y, "color": color, "width": width, "dash": dash}


def area(x, low, high, color, opacity=0.45):
    return {"type": "area", "x": x, "low": low, "high": high, "color": color, "opacity": opacity}


def points(x, y, color, size=4, opacity=1, hollow=False):
    """``color``: one for all, or an array of digits, each drawn in its own colour. ``size``: pixels across."""
    return {"type": "points", "x": x, "y": y, "color": color, "size": size, "opacity": opacity, "hollow": hollow}


def text(x, y, words, color=INK, align="left", size=12, bold=False):
    return {
        "type": "text",
        "x": x,
        "y": y,
        "words": words,
        "color": color,
        "align": align,
        "size": size,
        "bold": bold,
    }


def ellipse(x, y, rx, ry, color=INK, width=2, dash=False):
    return {"type": "ellipse", "x": x, "y": y, "rx": rx, "ry": ry, "color": color, "width": width, "dash": dash}


def bar(x, y, width, height, color, opacity=1):
    return {"type": "bar", "x": x, "y": y, "width": width, "height": height, "color": color, "opacity": opacity}


def picture(pixels, x, y, width, height, columns=28):
    """Grey values, ink dark on white: floats from 0 to 1 or uint8. ``y`` is the top edge: for axes counting down."""
    return {
        "type": "picture",
        "pixels": pixels,
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "columns": columns,
    }


def draw(ax, mark, zorder):
    """Draw one mark with matplotlib, as the page draws it on its canvas; a mark of higher ``zorder`` covers others."""
    kind, color, over = mark["type"], mark.get("color"), {"zorder": zorder}
    line = {"lw": 0.72 * mark.get("width", 1), "ls": (0, (5, 4)) if mark.get("dash") else "-"}  # 100 pixels an inch
    line |= over
    if kind == "curve":
        ax.plot(mark["x"], mark["y"], color=color, **line)
    elif kind == "area":
        ax.fill_between(mark["x"], mark["low"], mark["high"], color=color, alpha=mark["opacity"], lw=0, **over)
    elif kind == "points":
        colors = color if isinstance(color, str) else np.array(DIGIT_COLORS)[color]
        face, edge = ("none", colors) if mark["hollow"] else (colors, "none")
        size = (0.72 * mark["size"]) ** 2
        ax.scatter(mark["x"], mark["y"], size, facecolors=face, edgecolors=edge, lw=1.8, alpha=mark["opacity"], **over)
    elif kind == "text":
        weight = "bold" if mark["bold"] else "normal"
        place, align = (mark["x"], mark["y"]), {"ha": mark["align"], "va": "center"}
        words = ax.text(*place, mark["words"], color=color, **align, clip_on=True, parse_math=False, **over)
        words.set(fontsize=0.8 * mark["size"], fontweight=weight)
        words.set_path_effects([patheffects.withStroke(linewidth=2, foreground="white")])
    elif kind == "ellipse":
        center, size = (mark["x"], mark["y"]), (2 * mark["rx"], 2 * mark["ry"])
        ax.add_patch(patches.Ellipse(center, *size, fc="none", ec=color, **line))
    elif kind == "bar":
        corner = (mark["x"], mark["y"])
        size = (mark["width"], mark["height"])
        ax.add_patch(patches.Rectangle(corner, *size, color=color, alpha=mark["opacity"], lw=0, **over))
    else:  # a picture
        pixels = np.asarray(mark["pixels"]).reshape(-1, mark["columns"])
        x, y, top = mark["x"], mark["y"], 255 if pixels.dtype == np.uint8 else 1
        extent = (x, x + mark["width"], y + mark["height"], y)
        gray = {"cmap": "gray_r", "vmin": 0, "vmax": top, "interpolation": "nearest", "aspect": "auto"}
        ax.imshow(pixels, extent=extent, **gray, **over)


class Setting(TraitType):
    """The value of one control: a number of its range or one of its options."""

    def __init__(self, control):
        super().__init__(control["value"])
        self.control = control

    def validate(self, explorer, value):
        name, options = self.control["name"], self.control.get("options")
        if options:
            if value not in options:
                raise ValueError(f"{name}: expected one of {', '.join(map(str, options))}, found {value!r}")
            return value
        try:
            value = float(value)
        except (TypeError, ValueError):
            value = math.nan
        low, high = self.control["low"], self.control["high"]
        if not math.isfinite(value):
            raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, found none")
        if not low <= value <= high:
            inside = min(max(value, low), high)
            warnings.warn(f"{name} = {value:g} lies outside {low:g} to {high:g}: set to {inside:g}", stacklevel=2)
            value = inside
        return int(value) if isinstance(self.control["step"], int) else value


class Explorer(anywidget.AnyWidget):
    """Controls and panels that move in the page, whether or not a kernel runs.

    Each control is an attribute: set it in Python and the page follows, move it in the page and Python knows once the
    movement has ended. A subclass hands ``label`` (what the explorer is, for screen readers), ``controls`` and
    ``panels`` to this class, together with the arrays that its function in the page needs, and defines
    ``update(**values) -> (marks, readout)``: a list of marks for each panel and one line of text.

    Raises ``ValueError`` for a value that is no number or no option; a number out of range is moved to the
    nearest end, with a warning.
    """

    _esm = JAVASCRIPT + "\nexport default { render };\n"
    _css = CSS
    data = Dict().tag(sync=True)

    def __init__(self, label, controls, panels, stacked=False, **data):
        self.add_traits(**{control["name"]: Setting(control).tag(sync=True) for control in controls})
        self.controls = {control["name"]: control for control in controls}
        self.panels, self.stacked, self.label = panels, stacked, label
        self._plain = {
            "explorer": type(self).__name__,
            "label": label,
            "controls": controls,
            "panels": panels,
            "stacked": stacked,
            **data,
        }
        super().__init__(data=packed(self._plain, bytes))

    def update(self, **values):
        """The marks that move, one list a panel, and the read-out, for these values of the controls."""
        raise NotImplementedError

    @property
    def values(self):
        """The controls' values, by name."""
        return {name: getattr(self, name) for name in self.controls}

    @property
    def readout(self):
        """The line under the picture."""
        return self.update(**self.values)[1]

    def at(self, **values):
        """Set the named controls and return the still picture (a Figure) of the explorer as it then is."""
        unknown = set(values) - set(self.controls)
        if unknown:
            raise ValueError(f"expected controls named {', '.join(self.controls)}, found {', '.join(unknown)}")
        with self.hold_sync():  # one message for all
            for name, value in values.items():
                setattr(self, name, value)
        return self._still()

    def _still(self):
        marks, _ = self.update(**self.values)
        widths, heights = ([panel[side] for panel in self.panels] for side in ("width", "height"))
        if self.stacked:
            fig = Figure(figsize=(max(widths), sum(heights)), layout="constrained")
            axes = fig.subplots(len(self.panels), 1, squeeze=False, height_ratios=heights)
        else:
            fig = Figure(figsize=(sum(widths), max(heights)), layout="constrained")
            axes = fig.subplots(1, len(self.panels), squeeze=False, width_ratios=widths)
        for ax, panel, moving in zip(axes.flat, self.panels, marks, strict=True):
            for i, mark in enumerate(panel["marks"] + moving):
                draw(ax, mark, zorder=1 + i / 100)
            ax.set(xlim=panel["xlim"], ylim=panel["ylim"])
            for name in ("title", "xlabel", "ylabel"):  # a $ is a $, as in the page
                getattr(ax, f"set_{name}")(panel[name], parse_math=False)
            ax.set_xticks(*zip(*panel["xticks"]) if panel["xticks"] else [[]])
            ax.set_yticks(*zip(*panel["yticks"]) if panel["yticks"] else [[]])
            if panel.get("bare"):
                ax.spines[:].set_visible(False)
            ax.set_aspect("equal" if panel["equal"] or panel.get("bare") else "auto")
        return fig

    def sliders(self):
        """ipywidgets sliders joined to the numbers among the controls in the browser (``jslink``), to be put anywhere.

        They too need no kernel; each of their steps sends two small messages to it, where the explorer's own
        controls send one at the end of a movement.
        """
        joined = []
        for name, control in self.controls.items():
            if "options" not in control:
                range_ = {"min": control["low"], "max": control["high"], "step": control["step"]}
                range_["readout_format"] = f".{control['digits']}f"
                joined.append(widgets.FloatSlider(getattr(self, name), **range_, description=control["label"]))
                widgets.jslink((joined[-1], "value"), (self, name))
        return widgets.HBox(joined, layout={"flex_flow": "row wrap"})

    def save_html(self, path):
        """Write the explorer, as it stands, into one HTML file that needs no network, no server and no Python.

        The page's own policy forbids the browser to fetch anything and to run any script but the explorer's. A file
        that stands at ``path`` is replaced. Raises ``OSError`` where ``path`` cannot be written.
        """
        state = packed({"data": self._plain, **self.values}, lambda content: base64.b64encode(content).decode())
        template = (FOLDER / "page.html").read_text(encoding="utf-8")
        script = JAVASCRIPT + (FOLDER / "page.js").read_text(encoding="utf-8")
        replacements = {
            "TITLE": html.escape(self.label),
            "STATE": json.dumps(state).replace("<", "\\u003c"),
            "CSS-HASH": _hash(CSS),
            "SCRIPT-HASH": _hash(script),
            "CSS": CSS,
            "SCRIPT": script,
        }
        page = re.sub(
            r"{{([A-Z-]+)}}", lambda name: replacements[name[1]], template
        )  # in one go: words may hold {{CSS}}
        Path(path).write_bytes(page.encode("utf-8", "replace"))


def packed(value, encode):
    """``value`` with each array in it as {"dtype", "bytes"}, bytes as ``encode`` makes them; ``unpack`` in base.js."""
    if isinstance(value, dict):
        return {key: packed(item, encode) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [packed(item, encode) for item in value]
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.name, "bytes": encode(np.ascontiguousarray(value).tobytes())}
    return value.item() if isinstance(value, np.generic) else value


def _hash(content):
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


class LiveCurve(widgets.Image):
    """A training curve that grows: ``curve = LiveCurve(); display(curve); fit(..., on_epoch=curve)``."""

    def __init__(self):
        super().__init__(format="png")

    def __call__(self, history):
        self.value = png(plot_history(history))
