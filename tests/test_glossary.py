"""GLOSSARY.md holds every symbol, term and helper that the notebooks use, and says truly where each first appears.

``python tests/test_glossary.py`` writes the column "First in" anew after a notebook has changed; rows of a second
meaning keep the place that was chosen for them: write it as a label, such as 03 §6.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import nbformat
import pytest

import vae_helpers as vh

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))
GLOSSARY = FOLDER / "GLOSSARY.md"

# ---- the notebooks: sections, the formulas in them, the symbols of a formula

NOT_SYMBOLS = {
    "frac": "a fraction: its parts are read",
    "tfrac": "a small fraction",
    "left": "the size of a bracket",
    "right": "the size of a bracket",
    "big": "the size of a bracket",
    "Big": "the size of a bracket",
    "quad": "a space",
    "qquad": "a space",
    "underbrace": "a brace with words below",
    "dots": "and so on",
    "lVert": "the left one of a pair of bars, explained with the right one",
}
VARIABLES = ["x", "z", "mu", "log_var", "sigma", "eps", "logits", "beta", "recon", "kl"]
# Words in bold that are no terms: stressed, answers in a table, captions of a picture.
EMPHASIS = {"not", "no", "does", "test", "training", "image", "draw", "pixel", "pixels", "size", "error", "binary"}
EMPHASIS |= {"mean", "shared", "per example", "local", "three models", "one number an image", "straight line in p"}
EMPHASIS |= {"the best pixel is the average pixel", "it is the best of the five we tried"}
EMPHASIS |= {"an autoencoder comes without a rule for drawing codes; a VAE comes with one"}

# Terms whose word stands earlier in its everyday sense, or inside another term; their place is chosen by hand.
EVERYDAY = {
    "evidence": "01: on this evidence",
    "posterior": "01: posterior collapse",
    "score": "01: how will the images score",
    "split": "01: codes split by a limit",
}

SPACES = re.compile(r"\\[,;! ]|\\(?:q?quad|left|right|[bB]ig)(?![A-Za-z])")
DENSITY = r"[pqPQ]\([xzX](?:_\w|\^\{\(i\)\})?(?:\|[xzX](?:_\w)?)?\)"
TOKEN = re.compile(
    r"\\text(?:tt)?\{[^{}]*\}"  # words and code names in a formula
    r"|\\(?:mathrm|operatorname|mathbb)\{\w+\}|\\mathcal ?\w"  # named by letters: KL, tr, E
    rf"|q_\{{\\text\{{agg\}}\}}|{DENSITY}|D_\{{KL\}}|N\("
    r"|_\{[a-z]{3,}\}"  # a word as an index
    r"|\\[A-Za-z]+|\\.|[A-Za-z]"
)
# In running text: densities, N(…), and letters by themselves, unless they are the words "a" and "I".
PLAIN = re.compile(rf"{DENSITY}|\bN\(|(?<![\w'’.-])[b-zB-HJ-Z](?![\w'’-])|(?<=[=·] )a\b|(?<=[(·])a\b(?=\)| \+|\.)")
GREEK = dict(zip("αβεθλμξπσφωΣ", "alpha beta epsilon theta lambda mu xi pi sigma phi omega Sigma".split(), strict=True))


class Section(NamedTuple):
    """A part of a notebook, up to the next heading of level 1 or 2."""

    path: Path
    heading: str
    text: str
    code: str
    shown: str  # what its cells printed

    @property
    def label(self):
        number, _, name = self.heading.partition(" · ")
        if number == str(int(self.path.name[:2])) and self.is_opening:
            return f"{self.path.name[:2]} opening"
        return f"{self.path.name[:2]} " + (f"§{number}" if name else self.heading.partition(":")[0])

    @property
    def is_opening(self):
        return self.heading == title(self.path)

    @property
    def link(self):
        return f"[{self.label}]({self.path.name}#{quote(self.heading.replace(' ', '-'), safe='·–−—,:?')})"


@cache
def title(path):
    return nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")


def sections_of(path):
    """The notebook's sections. Its first cell, promise and aims, counts for nothing: it only announces."""
    parts = []
    for index, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type == "code":
            parts[-1][2].append(cell.source)
            parts[-1][3].extend(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in cell.outputs)
            continue
        for line in cell.source.splitlines():
            if re.match("##? ", line):
                heading = line.lstrip("# ")
                parts.append((heading, [heading + "."], [], []))
            elif cell.id not in ("title", "before"):
                parts[-1][1].append(line)
        parts[-1][1].append("")
    return [Section(path, heading, *map("\n".join, lists)) for heading, *lists in parts]


SECTIONS = [section for path in NOTEBOOKS for section in sections_of(path)]


def normal(formula):
    """A formula without spaces and bracket sizes, and with one way of writing bars."""
    formula = re.sub(r"\\mid(?![A-Za-z])", "|", formula)
    formula = re.sub(r"\\(?:[lr]?Vert(?![A-Za-z])|\|)", r"\\Vert ", formula)
    formula = re.sub(r"(\\[A-Za-z]+)\s+(?=[A-Za-z])", r"\1~", SPACES.sub(" ", formula))
    return re.sub(r"\s", "", formula).replace("~", " ")


def symbols(formula):
    """The symbols of a formula: letters, commands, densities such as p(x|z), names such as KL."""
    found = [token for token in TOKEN.findall(normal(formula)) if not token.startswith(("\\text", "_"))]
    found = [re.sub(r"(?<=[xzX])(?:_\w|\^\{\(i\)\})", "", token) for token in found]
    return [token for token in found if token.lstrip("\\") not in NOT_SYMBOLS]


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`|!\[.*?\]\(.*?\)|\]\(.*?\)", "", text, flags=re.S)


@cache
def formulas(text):
    return [normal("".join(pair)) for pair in re.findall(r"\$\$(.+?)\$\$|\$(.+?)\$", without_code(text), re.S)]


@cache
def symbols_in(text):
    """All symbols of its formulas; in running text Greek letters, densities and N(…) are symbols too."""
    found = {symbol for formula in formulas(text) for symbol in symbols(formula)}
    plain = re.sub(r"\$\$.+?\$\$|\$.+?\$", "", without_code(text), flags=re.S).replace(r"\|", "|")
    plain = re.sub(r"^- \*\*[A-D]\*\* ", "- ", plain, flags=re.M)  # the choices of an exercise
    found |= {"\\" + GREEK[letter] for letter in set(plain) & set(GREEK)}
    return found | {symbol for part in re.findall(PLAIN, plain) for symbol in symbols(part)}


@cache
def words(text):
    """The text as a reader sees its words: no pictures, no links to other notebooks, no marks of emphasis."""
    text = re.sub(r"!\[.*?\]\(.*?\)|\[[^\]]*\]\([^)]*\.ipynb\)", " ", text, flags=re.S)
    return " ".join(re.sub(r"[*`]|\]\(.*?\)|\\text|</?\w+>", " ", text).split())


# ---- the glossary: rows, and where each says that its entry first appears


class Row(NamedTuple):
    table: str
    cells: list

    @property
    def names(self):
        """What the entry is called: formulas, helper names, or a term and its other forms in brackets."""
        if self.table == "Symbols":
            return [normal(formula).removesuffix("{}") for formula in re.findall(r"\$(.+?)\$", self.cells[0])]
        if self.table == "Names of the helper":
            return re.findall(r"`(\w+)`", self.cells[0])
        return [name.strip() for name in re.split(r"[(),]", self.cells[0].replace("*", "")) if name.strip()]

    @property
    def code(self):
        """Names in the code that stand for the entry."""
        cell = {"Symbols": 3, "Terms": 2, "Names of the helper": 0}[self.table]
        return re.findall(r"`(.+?)`", self.cells[cell])

    @property
    def label_and_target(self):
        return re.fullmatch(r"\[(.+)\]\((.+)\)", self.cells[-1]).groups()

    def occurs_in(self, section):
        return any(self._occurs(name, section) for name in self.names)

    def _occurs(self, name, section):
        if self.table == "Names of the helper":
            return re.search(rf"\bvh\.{name}\b", section.code) is not None
        if self.table == "Terms":
            flags = 0 if re.search("[A-Z]", name) else re.I
            return re.search(rf"(?<![\w-]){re.escape(name)}(?:s|es)?(?!\w)", words(section.text), flags) is not None
        if symbols(name) == [name]:
            return name in symbols_in(section.text)
        return any(name in formula for formula in formulas(section.text))


def rows_of(text):
    table, rows = "", []
    for line in text.splitlines():
        if line.startswith("## "):
            table = line.removeprefix("## ")
        elif line.startswith("| ") and not re.match(r"\| (?:---|Symbol|Term|Name)", line):
            rows.append(Row(table, [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]))
    return rows


def placed_by_hand(rows):
    """Rows whose symbols have all stood in an earlier row (a second meaning, first used later); everyday words."""
    seen, later = set(), []
    for row in rows:
        if row.table == "Symbols" and set(row.names) <= seen or set(row.names) & set(EVERYDAY):
            later.append(row)
        seen |= set(row.names)
    return later


ROWS = rows_of(GLOSSARY.read_text(encoding="utf-8")) if GLOSSARY.exists() else []
LATER = placed_by_hand(ROWS)
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.cells[0])


def table(name):
    return [row for row in ROWS if row.table == name]


def section_of(row):
    label, target = row.label_and_target
    found = [section for section in SECTIONS if section.label == label]
    assert len(found) == 1, f"{row.cells[0]}: no section {label}"
    assert unquote(found[0].link) == unquote(f"[{label}]({target})"), f"{row.cells[0]}: the link to {label} is wrong"
    return found[0]


# ---- what is held


@every_row
def test_first_appearance_is_true(row):
    section = section_of(row)
    assert row.occurs_in(section), f"{row.cells[0]} is not in {section.label}"
    if row not in LATER:
        earlier = [other.label for other in SECTIONS[: SECTIONS.index(section)] if row.occurs_in(other)]
        assert not earlier, f"{row.cells[0]} appears earlier, in {earlier[0]}"


def test_a_second_meaning_comes_later():
    for row in LATER:
        first = next(other for other in ROWS if set(other.names) & set(row.names))
        assert SECTIONS.index(section_of(row)) >= SECTIONS.index(section_of(first)), row.cells[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_symbol_is_in_the_glossary(path):
    known = {symbol for row in table("Symbols") for name in row.names for symbol in symbols(name)[:1]}
    for section in sections_of(path):
        unknown = symbols_in(section.text) - known
        assert not unknown, f"{section.label} uses {', '.join(sorted(unknown))}: add them to GLOSSARY.md"


def _singulars(phrase):
    return {phrase, phrase.removesuffix("s"), phrase.removesuffix("es")}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_term_in_bold_is_in_the_glossary(path):
    known = {name.lower() for row in table("Terms") for name in row.names}
    for section in sections_of(path):
        phrases = re.findall(r"\*\*([a-z][^*`$]*?[a-z])\*\*", section.text)
        unknown = {phrase for phrase in phrases if not _singulars(phrase.lower()) & known} - EMPHASIS
        assert not unknown, f"{section.label}: terms, or emphasis? {', '.join(sorted(unknown))}"


def test_every_variable_name_is_in_the_glossary():
    assert set(VARIABLES) <= {name for row in ROWS for name in row.code}


def test_every_helper_that_a_notebook_uses_is_in_the_glossary_and_no_other():
    used = {name for section in SECTIONS for name in re.findall(r"\bvh\.(\w+)", section.code)} & set(vh.__all__)
    assert {name for row in table("Names of the helper") for name in row.names} == used


def test_every_code_name_is_in_a_notebook():
    everything = "\n".join(section.code + section.text for section in SECTIONS)
    for row in ROWS:
        for name in row.code:
            assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", everything), f"{row.cells[0]}: no notebook has {name}"


def test_terms_are_in_alphabetical_order():
    names = [row.names[0].lower().replace("-", " ") for row in table("Terms")]
    assert names == sorted(names)


def test_one_sentence_a_row():
    for row in ROWS:
        meaning = row.cells[{"Symbols": 2, "Terms": 1, "Names of the helper": 1}[row.table]]
        assert meaning.endswith(".") and not re.search(r"[.?!] [A-Z]", meaning), row.cells[0]


def test_tables_are_filled():
    assert len(table("Symbols")) > 60 and len(table("Terms")) > 80 and len(table("Names of the helper")) > 20


def main():
    text = GLOSSARY.read_text(encoding="utf-8")
    rows = rows_of(text)
    later = placed_by_hand(rows)
    lines = iter(rows)
    out = []
    for line in text.splitlines():
        if line.startswith("| ") and not re.match(r"\| (?:---|Symbol|Term|Name)", line):
            row = next(lines)
            if row not in later:
                places = [section for section in SECTIONS if row.occurs_in(section)]
            else:  # a label alone, such as 03 §6, becomes a link
                label = re.sub(r"\[(.+)\]\(.*\)", r"\1", row.cells[-1])
                places = [section for section in SECTIONS if section.label == label]
            link = places[0].link if places else "nowhere"
            line = "| " + " | ".join([*row.cells[:-1], link]) + " |"
        out.append(line)
    GLOSSARY.write_text("\n".join(out) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
