"""The page of what is held by a test is up to date, and finds what it should."""

import claims
import nbformat


def test_the_page_is_what_the_notebooks_say():
    assert claims.PAGE.read_text(encoding="utf-8") == claims.page(), "run: python tests/claims.py"


def test_printed_lines_are_compared_and_asserts_are_found_with_their_condition():
    def cell(source, text="", tags=()):
        outputs = [nbformat.v4.new_output("stream", text=text)] if text else []
        return nbformat.v4.new_code_cell(source, outputs=outputs, metadata={"tags": list(tags)})

    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Title\n\n## 1 · First"),
            cell("print(1)\nassert x == 1", "one\n\ntwo\n"),
            nbformat.v4.new_markdown_cell("### Deeper, and not a section"),
            cell(
                "if mnist:\n    for n in a:\n        assert n < 3\ndef f():\n    assert g",
                "0.123",
                ["nbval-ignore-output"],
            ),
        ]
    )
    section = "1 · First"
    assert list(claims.claims(notebook)) == [
        (section, "compared", "one"),
        (section, "compared", "two"),
        (section, "asserted", "x == 1"),
        (section, "asserted", "if mnist: n < 3"),
    ]


def test_a_statement_stays_one_cell_of_its_table():
    assert claims.code("a | b   c") == "`a \\| b c`" and claims.code("`x`") == "`` `x` ``"
