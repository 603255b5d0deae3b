"""What the explorers share: controls, one picture that changes in place, a line that reads it out."""

import io

import ipywidgets as widgets
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from ..figures import plot_history, png


class Explorer(widgets.VBox):
    """Controls, a picture and a read-out; moving a control redraws only the artists that move.

    ``fig``: a matplotlib Figure with everything drawn once. ``moving``: its artists that ``update`` changes.
    ``controls``: name → ipywidget with a ``value``. ``update(**values)`` takes the controls' values, sets the
    moving artists and returns the read-out, one line of text.
    """

    def __init__(self, fig, moving, controls, update):
        self.fig, self.moving, self.controls, self.update = fig, moving, controls, update
        for artist in moving:
            artist.set_animated(True)  # left out of the background, drawn anew at each step
        self._canvas = FigureCanvasAgg(fig)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(fig.bbox)
        self._picture = widgets.Image(format="png", layout={"max_width": "100%", "object_fit": "contain"})
        self._readout = widgets.HTML()
        self._redraw()
        for control in controls.values():
            control.observe(self._redraw, names="value")
        box = widgets.Layout(flex_flow="row wrap")
        super().__init__([widgets.HBox(list(controls.values()), layout=box), self._picture, self._readout])

    def at(self, **values):
        """Set the named controls, redraw and return the figure: the still picture that goes under the explorer."""
        unknown = set(values) - set(self.controls)
        if unknown:
            raise ValueError(f"expected controls named {', '.join(self.controls)}, found {', '.join(unknown)}")
        for name, value in values.items():
            self.controls[name].value = value
        return self.fig

    @property
    def readout(self):
        """The line under the picture."""
        return self._readout.value

    def _redraw(self, change=None):
        self._readout.value = self.update(**{name: control.value for name, control in self.controls.items()})
        self._canvas.restore_region(self._background)
        for artist in self.moving:
            self.fig.draw_artist(artist)
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB").save(buffer, "png", compress_level=1)
        self._picture.value = buffer.getvalue()


def slider(description, value, low, high, step=0.05):
    """A float slider wide enough to hit each step; ``description`` may hold HTML entities or unicode."""
    return widgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=description,
        readout_format=".2f",
        layout={"width": "370px"},
        style={"description_width": "90px"},
    )


class LiveCurve(widgets.Image):
    """A training curve that grows: ``curve = LiveCurve(); display(curve); fit(..., on_epoch=curve)``."""

    def __init__(self):
        super().__init__(format="png")

    def __call__(self, history):
        self.value = png(plot_history(history))
