"""The options that say what an answer is, through the real commands: levels, priors, sets, familiarity, and columns."""

import csv
import json

import numpy as np
import pytest

NAMES = ["abc", "mnop", "vwxyz", "abmx", "zzqé7", "42"]
UNFAMILIAR = "unfamiliar: unlike the toys that the model learned from"


def error_line(outcome) -> str:
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("elman: ") and outcome.err.count("\n") == 1
    return outcome.err


@pytest.fixture
def ask(elman_here, full_file):
    """Predict the names with some options, as JSON."""
    return lambda *options: json.loads(elman_here("predict", "-m", full_file, "--json", *options, *NAMES).out)


@pytest.fixture
def table(elman_here, full_file, tmp_path):
    """Annotate the names with some options; return the rows."""
    (tmp_path / "people.csv").write_text("\n".join(["name", *NAMES, ""]), encoding="utf-8")

    def annotate(*options):
        outcome = elman_here("annotate", "people.csv", "out.csv", "-m", full_file, "--overwrite", *options)
        assert outcome.status == 0, outcome.err
        with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return annotate


OPTIONS = {
    "half": (["--level", "half"], {"level": "half"}),
    "auto": (["--level", "auto", "--abstain-below", "0.7"], {"level": "auto", "abstain_below": 0.7}),
    "uniform": (["--prior", "uniform"], {"prior": "uniform"}),
    "balanced": (["--prior", "balanced"], {"prior": "balanced"}),
    "model": (["--prior", "model"], {"prior": "model"}),
    "file": (["--prior", "shares.csv"], {"prior": {"Alfa": 1, "Gamma": 9}}),
    "set": (["--set", "0.9"], {"coverage": 0.9}),
    "never unfamiliar": (["--unfamiliar-below", "0"], {"unfamiliar_below": 0}),
    "often unfamiliar": (["--unfamiliar-below", "0.7"], {"unfamiliar_below": 0.7}),
    "all at once": (
        ["--level", "half", "--prior", "uniform", "--set", "0.8", "--unfamiliar-below", "0.1"],
        {"level": "half", "prior": "uniform", "coverage": 0.8, "unfamiliar_below": 0.1},
    ),
}


@pytest.fixture(autouse=True)
def shares(tmp_path):
    (tmp_path / "shares.csv").write_text("label,share\nAlfa,1\nGamma,9\n", encoding="utf-8")


@pytest.mark.parametrize(("options", "settings"), OPTIONS.values(), ids=OPTIONS)
def test_predict_and_annotate_answer_as_python(ask, table, full, options, settings):
    wanted = full.predict(NAMES, **settings)
    assert ask(*options) == [answer.to_dict() for answer in wanted]
    rows = table(*options)
    assert [row["elman_label"] or None for row in rows] == [answer.label for answer in wanted]
    assert [row["elman_reason"] or None for row in rows] == [answer.reason for answer in wanted]
    probabilities = [float(row["elman_probability"] or "nan") for row in rows]
    chances = [np.nan if answer.probability is None else answer.probability for answer in wanted]
    np.testing.assert_allclose(probabilities, chances, atol=1e-6)


def test_each_option_changes_some_answer(ask):
    plain = ask()
    changed = {name: ask(*options) != plain for name, (options, _) in OPTIONS.items()}
    assert changed == {name: name != "model" for name in OPTIONS}


def test_an_unfamiliar_name_is_not_answered_unless_asked(ask):
    reasons = {name: one["reason"] for name, one in zip(NAMES, ask(), strict=True)}
    assert reasons["zzqé7"] == UNFAMILIAR and reasons["abc"] is None
    assert ask("--unfamiliar-below", "0")[4]["label"] is not None


def test_lines_say_the_level_and_the_set(elman_here, full_file):
    out = elman_here("predict", "-m", full_file, "--level", "half", "--set", "0.9", "-k", "1", "abc", "zzqé7").out
    first, second = (line.split("\t") for line in out.splitlines())
    assert (first[:2], first[3:]) == (["abc", "first"], ["level: half", "set: first"])
    assert second == ["zzqé7", "-", UNFAMILIAR]


def test_all_writes_every_probability_and_add_what_else_is_known(table, full):
    rows = table("--all", "--add", "script,unknown,familiar,set")
    columns = [f"elman_p_{label}" for label in full.labels]
    assert {*columns, "elman_script", "elman_unknown", "elman_familiar", "elman_set"} < set(rows[0])
    for name, row in zip(NAMES, rows, strict=True):
        answer = full.predict(name, top=3, coverage=0.9)
        chances = {one.label: one.probability for one in answer.top}
        assert [float(row[column] or "nan") for column in columns] == pytest.approx(
            [chances.get(label, np.nan) for label in full.labels], abs=1e-6, nan_ok=True
        )
        assert row["elman_script"] == answer.script and row["elman_unknown"] == " ".join(answer.unknown)
        assert row["elman_set"] == "; ".join(answer.set or ())
        assert float(row["elman_familiar"] or "nan") == pytest.approx(
            np.nan if answer.familiar is None else answer.familiar, abs=1e-6, nan_ok=True
        )


def test_all_at_a_level_writes_its_groups(table):
    rows = table("--all", "--level", "half")
    assert [name for name in rows[0] if name.startswith("elman_p_")] == ["elman_p_first", "elman_p_second"]
    assert float(rows[0]["elman_p_first"]) + float(rows[0]["elman_p_second"]) == pytest.approx(1, abs=2e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--level", "region"], "level must be one of kind, half, auto"),
        (["--set", "0.85"], "0.8"),
        (["--prior", "nowhere.csv"], "nowhere.csv"),
        (["--prior", "names.csv"], "names.csv"),
        (["--unfamiliar-below", "2"], "unfamiliar_below must be"),
    ],
)
@pytest.mark.parametrize("command", ["predict", "annotate"])
def test_what_the_model_does_not_have_is_refused_in_one_line(
    elman_here, full_file, tmp_path, command, options, message
):
    (tmp_path / "names.csv").write_text("name\nabc\n", encoding="utf-8")
    arguments = {"predict": ["abc"], "annotate": ["names.csv", "out.csv"]}[command]
    assert message in error_line(elman_here(command, *arguments, "-m", full_file, *options))
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--level", "half"], "no levels of labels"),
        (["--set", "0.9"], "no prediction sets"),
        (["--unfamiliar-below", "0.1"], "does not measure how familiar"),
    ],
)
def test_a_model_without_levels_sets_or_familiarity_says_so(elman_here, tiny_file, options, message):
    assert message in error_line(elman_here("predict", "abc", "-m", tiny_file, *options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--add", "colour"], "must be one of script, unknown, familiar, set; got 'colour'"),
        (["--all", "--level", "auto"], "name it instead of auto"),
    ],
)
def test_columns_that_cannot_be_written_are_refused_in_one_line(elman_here, full_file, tmp_path, options, message):
    (tmp_path / "names.csv").write_text("name\nabc\n", encoding="utf-8")
    assert message in error_line(elman_here("annotate", "names.csv", "out.csv", "-m", full_file, *options))


def test_a_prior_that_is_neither_a_word_nor_a_table_is_refused_in_one_line(elman_here):
    outcome = elman_here("predict", "--prior", "balancd", "Kim")
    assert (outcome.status, outcome.out) == (2, "")
    assert (
        "--prior must be model, balanced, uniform, or a table of shares; got 'balancd'; did you mean 'balanced'"
        in outcome.err
    )
    assert outcome.err.count("\n") == 1
