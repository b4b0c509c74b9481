"""Names and prose: functions are verbs, and messages and docstrings use the field's plain words."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for folder in ("elman", "tests", "benchmarks", "release", "docs") for path in (ROOT / folder).rglob("*.py")
)
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "elman").rglob("*.md")),
]
SCRIPTS = sorted(path for kind in ("*.js", "*.html", "*.css") for path in (ROOT / "elman").rglob(kind))

PARTICIPLE = re.compile(
    r"_*(?!(?:seed|feed|need|speed|embed|bed|red|shared|exceed|proceed|succeed)$)"
    r"(?:[a-z]+ed|told|said|kept|chosen|known|found|made|drawn|given|gone|done|held|spread|written|begun|hidden)"
)
"""A name of one word that is a participle: ``added`` where ``add`` or ``added_columns`` is meant."""

TRANSLATED = re.compile(
    r"""\b(?:
      stands?\ (?:in|at|for\ itself|here|there|beside|behind|apart|above|below|alone|under|before|between|first|on\ the)
    | stood | lies\ (?:in|at|here|there|beside|between|under|on) | owe[sd]? | knocks?
    | hand(?:s|ed|ing)?\ (?:in|on|out|over) | handed
    | (?:go|goes|gone|going|went)\ on\ (?:with|where|from|to|after|later)
    | nobody\ knows | mend(?:s|ed)? | is\ none\b(?!\ of) | beyond\ all | whoever | else\ as\ it\ was
    | is\ there\ already | had\ it\ begun | rooms?\ (?:to\ use|of|that) | first\ trade
    | (?:is|are)\ (?:not\ )?there\b(?!\ (?:a|an|any|no|more)\b) | (?:has|have)\ gone\b | be\ had\b | comes?\ about
    )\b""",
    re.VERBOSE,
)
"""Words that read as translated; style.md, Plain English."""


def functions(source: str) -> list[tuple[int, str]]:
    """Return the line and name of every function that is not a property or a fixture."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = " ".join(ast.unparse(one) for one in node.decorator_list)
            if "property" not in decorators and "fixture" not in decorators:
                found.append((node.lineno, node.name))
    return found


def prose(source: str) -> list[tuple[int, str]]:
    """Return the comments and strings of a Python file with their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    return [(token.start[0], token.string) for token in tokens if token.type in kinds]


def faults(texts: list[tuple[int, str]]) -> list[str]:
    """Return each place whose words read as translated."""
    return [
        f"line {line + text[: match.start()].count(chr(10))}: {match[0]!r}"
        for line, text in texts
        for match in TRANSLATED.finditer(text)
    ]


def test_the_rules_find_what_they_should():
    assert PARTICIPLE.fullmatch("_answered") and PARTICIPLE.fullmatch("_told") and not PARTICIPLE.fullmatch("seed")
    assert not PARTICIPLE.fullmatch("added_columns")
    assert faults([(3, "a file that\nlies beside it")]) == ["line 4: 'lies beside'"]
    assert faults([(1, "the file is in the folder; is there a model?")]) == []


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.is_relative_to(ROOT / "elman")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_functions_are_verbs(path: Path):
    named = [f"line {line}: {name}" for line, name in functions(path.read_text("utf-8")) if PARTICIPLE.fullmatch(name)]
    assert named == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_comments_docstrings_and_messages_are_plain_english(path: Path):
    if path != Path(__file__):
        assert faults(prose(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", [*PAGES, *SCRIPTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_are_plain_english(path: Path):
    assert faults([(1, path.read_text("utf-8"))]) == []
