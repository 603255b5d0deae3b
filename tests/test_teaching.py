"""TEACHING.md names only what exists: sections and their minutes, aims, explorers, and numbers that a notebook has."""

import inspect
import re

import nbformat
import pytest
from test_glossary import FOLDER, NOTEBOOKS, SECTIONS, sections_of

import vae_helpers as vh

TEACHING = (FOLDER / "TEACHING.md").read_text(encoding="utf-8")
BY_LABEL = {section.label: section for section in SECTIONS}
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def part(heading):
    """The text under a heading, up to the next one of the same or a higher level."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{level}}} |\Z)", TEACHING, re.M | re.S)
    assert found, f"no heading {heading}"
    return found[1]


def rows(text, first):
    """The rows of the table whose first column is called ``first``, as lists of cells."""
    table = re.search(rf"^\| {first} \|.*\n\|[ -|]*\n((?:\|.*\n?)*)", text, re.M)
    assert table, f"no table that begins with {first}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[1].splitlines()]


def of_notebook(path):
    return part(f"## Notebook {path.name[:2]}")


def head(path):
    return nbformat.read(path, as_version=4).cells[0].source


def minutes_stated(path):
    """The minutes in a notebook's first cell: (those of the course, those of an optional section)."""
    found = re.search(r"Time:\W*(\d+) minutes(?:, and (\d+) more for section 6)?", head(path))
    return int(found[1]), int(found[2] or 0)


def numbers(text):
    """Numbers as they are written, without commas between thousands: "27,583" is 27583."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text))


def numbers_of(label):
    section = BY_LABEL[label]
    return numbers("\n".join([section.text, section.shown, section.code]))


# ---- minutes


@every_notebook
def test_minutes_of_the_sections_add_up(path):
    table = rows(of_notebook(path), "Section")
    assert [name.replace(r"\|", "|") for name, *_ in table] == [section.heading for section in sections_of(path)]
    optional = sum(int(minutes) for name, minutes, _ in table if "(optional)" in name)
    assert (sum(int(minutes) for _, minutes, _ in table) - optional, optional) == minutes_stated(path)


@every_notebook
def test_there_is_a_question_before_each_run(path):
    for name, _, question in rows(of_notebook(path), "Section"):
        assert "?" in question or "Write down" in question, name


@pytest.mark.parametrize("minutes", [45, 90, 120, 180])
def test_routes_add_up_and_go_forwards(minutes):
    heading = re.search(rf"^### {minutes} minutes.*$", TEACHING, re.M)[0]
    table = rows(part(heading), "Minutes")
    assert sum(int(row[0]) for row in table) == minutes
    places = [SECTIONS.index(BY_LABEL[row[1]]) for row in table if row[1] != "break"]
    assert places == sorted(set(places))


def test_a_route_takes_no_section_longer_than_planned():
    planned = {}
    for path in NOTEBOOKS:
        for section, row in zip(sections_of(path), rows(of_notebook(path), "Section"), strict=True):
            planned[section.label] = int(row[1])
    for minutes, label in re.findall(r"^\| (\d+) \| (\d\d [^|]+?) \|", part("## Routes"), re.M):
        if label in planned:
            assert int(minutes) <= planned[label] + 3, label


def test_seven_weeks_hold_every_section_once():
    planned = [int(row[1]) for path in NOTEBOOKS for row in rows(of_notebook(path), "Section")]
    optional = [i for i, section in enumerate(SECTIONS) if "(optional)" in section.heading]
    next_one = 0
    for _, first, last, minutes, _ in rows(part("### Seven weeks"), "Week"):
        start, end = (SECTIONS.index(BY_LABEL[label]) for label in (first, last))
        assert start == next_one
        assert sum(planned[i] for i in range(start, end + 1) if i not in optional) == int(minutes)
        next_one = end + 1
    assert next_one == len(SECTIONS)


# ---- what is said of the notebooks


@every_notebook
def test_goals_are_the_notebooks_own(path):
    assert re.findall(r"^- .*$", of_notebook(path), re.M) == re.findall(r"^- .*$", head(path), re.M)


@every_notebook
def test_explorers_and_controls_exist(path):
    table = rows(of_notebook(path), "Misconception")
    code = "\n".join(section.code for section in sections_of(path))
    assert len(table) >= 4
    for misconception, name, control, look in table:
        name, control = name.strip("`"), control.strip("`")
        assert f"vh.{name}(" in code, f"{path.name} has no {name}"
        assert f'"{control}"' in inspect.getsource(getattr(vh, name)), f"{name} has no control {control}"
        assert misconception.startswith('"') and look.endswith(".")
    assert "**Board.** 1. " in of_notebook(path)


def questions():
    return re.findall(
        r"^\*\*(\d+) · (.+?)\.\*\* (.+)\n<details><summary>Answer</summary>(.+)</details>$", part("## Quiz"), re.M
    )


def test_quiz_asks_at_least_three_questions_of_each_notebook():
    assert [int(number) for number, *_ in questions()] == list(range(1, len(questions()) + 1))
    asked = [label[:2] for _, label, *_ in questions()]
    assert asked == sorted(asked)
    assert all(asked.count(path.name[:2]) >= 3 for path in NOTEBOOKS)


@pytest.mark.parametrize("number, label, question, answer", questions(), ids=lambda value: value[:8])
def test_numbers_of_an_answer_are_in_its_section(number, label, question, answer):
    assert len(answer) > 20
    missing = numbers(answer) - numbers_of(label)
    assert not missing, f"question {number}: {label} has no {', '.join(sorted(missing))}"


def troubles():
    return rows(part("## What goes wrong in class"), "You see")


@pytest.mark.parametrize("row", troubles(), ids=lambda row: row[0][:30])
def test_numbers_of_a_trouble_are_in_its_section(row):
    if row[3] != "–":
        missing = numbers(" ".join(row[:3])) - numbers_of(row[3])
        assert not missing, f"{row[3]} has no {', '.join(sorted(missing))}"


def test_memory_adds_up():
    text = part("### JupyterHub, for hundreds").replace(",", "")
    beginnings = "the same data unpacked", "Kernel at", "the learner"
    kernel, peak, server = (int(re.search(rf"^\| {what}.* (\d+) \|$", text, re.M)[1]) for what in beginnings)
    assert f"({server} + {kernel}) = {1024 / (server + kernel):.1f} learners" in text
    assert f"{1024 / (server + peak):.1f} at the heaviest cell" in text
    for learners, *gib, machines, _, _ in rows(text, "Learners"):
        for found, each in zip(gib, (server + kernel, server + peak), strict=True):
            assert abs(int(found) - int(learners) * each / 1024) < 0.5 + int(learners) / 1024  # both MiB were rounded
        assert int(machines) == -(-int(learners) // (60 * 1024 // (server + peak)))


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)\s]+)\)", TEACHING):
        if not target.startswith("http"):
            assert (FOLDER / target).exists(), target


def test_is_short_enough_to_read():
    assert len(TEACHING.splitlines()) <= 80 * len(NOTEBOOKS)
