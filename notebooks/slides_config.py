"""How the notebooks become slides: ``jupyter nbconvert --to slides --config notebooks/slides_config.py NOTEBOOK``.

Which cell is a slide, a fragment or a speaker note stands in the cell's metadata (``slideshow``). The code of a cell
with the tag ``hide-input`` is left out, so that a figure and the question before it fit on one slide.
"""

c = get_config()  # noqa: F821 (nbconvert provides it)

c.SlidesExporter.reveal_width, c.SlidesExporter.reveal_height = "1280", "720"  # scaled to any screen
c.SlidesExporter.reveal_transition = "none"
c.SlidesExporter.reveal_number = "h.v"
c.SlidesExporter.embed_images = True  # one file, except for reveal.js and MathJax
c.SlidesExporter.exclude_input_prompt = c.SlidesExporter.exclude_output_prompt = True
# The renderer that tests measure; nbconvert's own choice, CommonHTML, breaks short formulas in tables into many lines.
MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.7/latest.js?config=TeX-AMS-MML_HTMLorMML-full,Safe"
c.SlidesExporter.mathjax_url = MATHJAX
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_input_tags = {"hide-input"}
