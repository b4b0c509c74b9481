"""The site's own parts: the reference of commands, links into the repository, and the check of what was built."""

from pathlib import Path

import command_reference
import model_cards
import module_reference
import pytest
import repository_links
import site_check

from elman.model.file import Artifact, save_artifact
from elman.model.shipped import DEFAULT_MODEL, shipped_models

WHOLE = '<html><body><h1 id="top">x</h1><a href="other.html#top">x</a></body></html>'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("index.html", "other.html"):
        (tmp_path / name).write_text(WHOLE)
    (tmp_path / "site.css").write_text("body { background: url(picture.png) }")
    return tmp_path


def test_a_whole_site_has_no_fault(site: Path) -> None:
    assert site_check.faults(site) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.html">x</a>', "gone.html leads nowhere"),
        ('<a href="other.html#gone">x</a>', "other.html#gone leads nowhere"),
        ('<a href="#gone">x</a>', "#gone leads nowhere"),
        ('<img src="gone.png">', "gone.png leads nowhere"),
        ('<script src="https://cdn.example/x.js"></script>', "loads https://cdn.example/x.js from outside"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "loads //cdn.example/x.css from outside"),
    ],
)
def test_a_fault_of_a_page_is_found(site: Path, body: str, fault: str) -> None:
    (site / "index.html").write_text(body)
    assert site_check.faults(site) == [f"index.html: {fault}"]


@pytest.mark.parametrize("rule", ["@import 'https://fonts.example/x.css';", "a { src: url(//fonts.example/x.woff2) }"])
def test_a_font_from_outside_is_found(site: Path, rule: str) -> None:
    (site / "site.css").write_text(rule)
    (fault,) = site_check.faults(site)
    assert "fonts.example" in fault and fault.endswith("from outside")


def test_a_link_to_another_site_is_allowed(site: Path) -> None:
    (site / "index.html").write_text('<a href="https://example.org">x</a>')
    assert site_check.faults(site) == []


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("elman/cells/gru.py", "source/elman/cells/gru.py"),
        ("elman/cells", "reference/python/cells"),
        ("elman/cli", "reference/commands"),
        ("tests/cells", "source/tests/cells"),
        ("docs/start/student.md", "start/student"),
        ("benchmarks/README.md", "benchmarks"),
        ("README.md", "index"),
        ("elman/model/pretrained/languages.md", "models"),
    ],
)
def test_a_path_leads_to_the_page_that_shows_it(path: str, page: str) -> None:
    assert repository_links.page_of(path) == page


def test_a_function_leads_to_its_line_and_a_constant_to_none() -> None:
    path, line = repository_links.source_of("elman.cells.gru", "GRUCell.step") or ("", 0)
    assert path == "elman/cells/gru.py"
    assert "def step(" in (repository_links.ROOT / path).read_text("utf-8").splitlines()[line - 1]
    assert repository_links.source_of("elman.cells", "CELLS") is None


def test_an_option_has_its_default_and_its_bounds() -> None:
    text = command_reference.render("elman serve")
    assert "{option} --port <int>\nThe port; 0 chooses a free one. Default: `8000`. From 0 to 65535.\n" in text


def test_an_example_of_the_help_can_be_copied_with_its_explanation_as_a_comment() -> None:
    text = command_reference.render("elman predict")
    assert "```shell\n# one name\nelman predict Nakamura\n```" in text
    assert "[bold]" not in text


def test_markup_in_a_help_text_is_shown_as_it_is() -> None:
    assert (
        command_reference.to_markdown("* allows <any>; see --host or `x*`")
        == "\\* allows \\<any\\>; see `--host` or `x*`"
    )


def test_modules_without_a_public_name_are_left_out() -> None:
    names = module_reference.modules("elman.cells")
    assert "elman.cells.gru" in names and "elman.cells" not in names


def test_an_indented_block_of_a_docstring_is_literal_and_a_letter_is_no_list() -> None:
    lines = ["Shapes:", "", "    weight  (H, I)", "", "Args:", "    hidden_size: H.", "    other: it."]
    module_reference.prepare(None, "module", "x", None, None, lines)
    assert lines == [
        "Shapes:",
        "",
        "::",
        "",
        "    weight  (H, I)",
        "",
        "Args:",
        "    hidden_size: \\H.",
        "    other: it.",
    ]


def test_a_new_card_is_on_the_page_of_models_by_itself(tiny_levels: Artifact, tmp_path: Path) -> None:
    save_artifact(tiny_levels, tmp_path / "tiny.safetensors")
    (tmp_path / "tiny.md").write_text("# tiny\n\nSee [it](../x.md).\n\n## Data\n\nNone.\n", encoding="utf-8")
    files = {**model_cards.list_models(), "tiny": tmp_path / "tiny.safetensors"}
    table, text = model_cards.render_table(files), model_cards.render_cards(files)
    assert "| `tiny` | 3 | kind, half, all |" in table
    assert "\n## tiny\n\nSee [it](../elman/model/x.md).\n\n### Data\n" in text
    assert table.splitlines()[2].startswith(f"| `{DEFAULT_MODEL}`, the default |")
    assert all(f"\n## {name}\n" in f"\n{text}" for name in shipped_models())
