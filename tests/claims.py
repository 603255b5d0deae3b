"""Write notebooks/CLAIMS.md: what the notebooks state and a test compares, line by line.

    python tests/claims.py

It is made from the notebooks alone; ``execute_notebooks.py`` writes it anew, and a test holds it up to date.
"""

import ast
import re
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
PAGE = NOTEBOOKS / "CLAIMS.md"
OPENING = """\
# What is held by a test

Made by `python tests/claims.py` from the notebooks; do not edit. `pytest` runs every cell of every notebook again.

- **Compared**: the cell prints this line, and nbval compares it letter by letter with what is stored.
- **Asserted**: the cell stops with an error where this does not hold. So it is with what training and drawing leave to
  chance: the last digits may differ from run to run, the bound may not. A line that begins with `if` holds on MNIST,
  or for the settings as printed.

What stands in neither list is an explanation, a citation or a picture.
"""


def claims(notebook):
    """(section, kind, statement) of each printed line that is compared and of each assertion, in order."""
    section = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            section = (re.findall(r"^#{1,2} (.+)$", cell.source, re.M) or [section])[-1]
            continue
        if cell.id.endswith("-stub") or cell.id == "progress":
            continue  # what an exercise says before it is attempted
        if "nbval-ignore-output" not in cell.metadata.get("tags", []):
            printed = "".join(output.get("text", "") for output in cell.outputs)
            for line in printed.splitlines():
                if line.strip():
                    yield section, "compared", line.strip()
        for condition, test in assertions(ast.parse(cell.source).body):
            yield section, "asserted", f"if {condition}: {test}" if condition else test


def assertions(statements, condition=""):
    """(condition, test) of each assert outside functions, as source text."""
    for node in statements:
        if isinstance(node, ast.Assert):
            yield condition, ast.unparse(node.test)
        elif isinstance(node, ast.If):
            inner = f"{condition} and {ast.unparse(node.test)}" if condition else ast.unparse(node.test)
            yield from assertions(node.body, inner)
        elif isinstance(node, ast.For | ast.With):
            yield from assertions(node.body, condition)


def page():
    """The whole text of CLAIMS.md."""
    parts, total = [], 0
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        rows = list(claims(nbformat.read(path, as_version=4)))
        total += len(rows)
        title = path.stem.replace("_", " ")
        parts.append(f"\n## [{title}]({path.name}): {len(rows)} statements\n\n")
        parts.append("| Section | Held | Statement |\n| --- | --- | --- |\n")
        parts += [f"| {section} | {kind} | {code(text)} |\n" for section, kind, text in rows]
    return OPENING + f"\n{total:,} statements in all.\n" + "".join(parts)


def code(text):
    """The text as code in a cell of a table."""
    text = re.sub(r" {2,}", " ", text).replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
