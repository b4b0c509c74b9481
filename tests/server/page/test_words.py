"""Predictions, explanations and numbers are shown as people read them."""

from typing import Any

import pytest

# Numbers


SPACE = "\u00a0"  # no line ends at it


def test_shares_are_percentages_that_never_round_to_nothing_or_to_certainty(run):
    shares = [0, 0.0004, 0.0006, 0.1234, 0.5, 0.9994, 0.9996, 1]
    shown = run("words", "({ percent }, shares) => shares.map((share) => percent(share))", shares)
    assert [text.replace(SPACE, " ") for text in shown] == [
        "0.0 %",
        "< 0.1 %",
        "0.1 %",
        "12.3 %",
        "50.0 %",
        "99.9 %",
        "> 99.9 %",
        "100.0 %",
    ]
    assert not any(" " in text for text in shown)
    whole = run("words", "({ percent }) => [0.004, 0.42, 0.996].map((share) => percent(share, 0))")
    assert [text.replace(SPACE, " ") for text in whole] == ["< 1 %", "42 %", "> 99 %"]


def test_numbers_counts_and_sizes_are_readable(run):
    shown = run(
        "words",
        "({ figure, count, fileSize, capitalise }) => [figure(1234567), count(1, 'name'), count(1000, 'row'), "
        "fileSize(1), fileSize(99_999), fileSize(2_340_000), capitalise('élan'), capitalise('')]",
    )
    assert shown == ["1,234,567", "1 name", "1,000 rows", "1 kB", "100 kB", "2.3 MB", "Élan", ""]


# The chart


TILES = [
    {"letter": "a", "evidence": 4, "forwards": {"X": 0.25, "Y": 0.75}, "backwards": {"X": 1, "Y": 0}},
    {"letter": "b", "evidence": -1, "forwards": {"X": 1, "Y": 0}, "backwards": {"X": 0.5, "Y": 0.5}},
]


def test_a_course_is_a_line_through_the_middles_of_the_letters(run):
    function = """
    ({ coursePath, across }, letters) =>
      [coursePath(letters, "forwards", "X"), coursePath(letters.slice(1), "forwards", "X"), across(2, 8)]
    """
    assert run("words", function, TILES) == ["M25.00 75.00L75.00 0.00", "", "31.25"]


def test_tiles_are_as_high_as_their_evidence(run):
    function = (
        "({ tileHeights }, all) => all.map((evidences) => tileHeights(evidences.map((evidence) => ({ evidence }))))"
    )
    assert run("words", function, [[4, -1], [0.5, 0], []]) == [["1.000", "0.250"], ["0.500", "0.000"], []]


def test_a_tile_is_for_or_against_the_answer_or_unknown(run):
    function = "({ tileKind }, letters) => letters.map((letter) => tileKind(letter, new Set(['7'])))"
    letters = [{"letter": "a", "evidence": 0}, {"letter": "a", "evidence": -1}, {"letter": "7", "evidence": -1}]
    assert run("words", function, letters) == ["for", "against", "unknown"]


def test_labels_are_ranked_by_their_share(run):
    function = "({ rank }, shares) => rank(shares, 2)"
    assert run("words", function, {"A": 0.2, "B": 0.5, "C": 0.3}) == [["B", 0.5], ["C", 0.3]]


# Sentences


LETTERS = [
    {"letter": " ", "evidence": 4, "forwards": {"X": 0.25, "Y": 0.75}, "backwards": {"X": 1, "Y": 0}},
    {"letter": "b", "evidence": -1, "forwards": {"X": 1, "Y": 0}, "backwards": {"X": 0.5, "Y": 0.5}},
]
PLAIN = {"label": None, "probability": None, "reason": None, "unknown": [], "transliterated": False, "top": []}
GREEK = {"label": "Greek", "probability": 0.9, "top": [{"label": "Greek", "probability": 0.9}]}


def text_of(sentence: list[Any]) -> str:
    parts = [part if isinstance(part, str) else next(iter(part.values())) for part in sentence]
    return "".join(parts).replace(SPACE, " ")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (GREEK, "Elman reads this as Greek, 90.0 %."),
        ({**GREEK, "probability": 0.99999}, "Elman reads this as Greek, over 99.9 %."),
        ({**GREEK, "probability": 0.3}, "Elman is unsure: Greek is its best guess, 30.0 %."),
        ({"value": 12.5}, "Elman answers 12.5000."),
        ({**GREEK, "reason": "unsure: …"}, "Elman abstains: its best guess, Greek, reaches only 90.0 %."),
        ({"reason": "no letters: there is nothing"}, "Elman does not answer: no letters."),
    ],
)
def test_an_answer_is_a_sentence(run, answer, text):
    sentence = run("words", "({ describeAnswer }, prediction) => describeAnswer(prediction)", {**PLAIN, **answer})
    assert text_of(sentence) == text


@pytest.mark.parametrize(
    ("answer", "doubts"),
    [
        (GREEK, ["The spelling is what counts, not the person."]),
        ({"reason": "no letters: there is: nothing"}, ["There is: nothing."]),
        (
            {
                **GREEK,
                "reason": "unsure",
                "script": "Cyrillic",
                "normalised": "iva7",
                "transliterated": True,
                "unknown": "78",
            },
            ["It read the Cyrillic letters as iva7.", "It does not know 7, 8; the answer depends on the rest."],
        ),
        ({"value": 1.5}, []),
    ],
)
def test_doubts_are_sentences(run, answer, doubts):
    prediction = {**PLAIN, **answer, "unknown": list(answer.get("unknown", ""))}
    sentences = run("words", "({ describeDoubts }, prediction) => describeDoubts(prediction)", prediction)
    assert [text_of(sentence) for sentence in sentences] == doubts


@pytest.mark.parametrize(
    ("letter", "evidence", "text"),
    [
        ("a", 0.01, "Without it the answer would be nearly the same: it says little for or against X."),
        ("a", 1, "Without it the odds of X would be 2.7 times smaller: it speaks for X."),
        ("a", -9, "Without it the odds of X would be 8,103 times greater: it speaks against X."),
        ("7", 9, "Elman has never seen this symbol."),
    ],
)
def test_the_weight_of_a_letter_is_a_sentence(run, letter, evidence, text):
    function = "({ describeWeight }, letter) => describeWeight(letter, 'X', new Set(['7']))"
    assert run("words", function, {"letter": letter, "evidence": evidence}) == text


def test_a_letter_is_described_with_its_place_and_both_courses(run):
    function = "({ describeLetter }, explanation) => describeLetter(explanation, 0, new Set())"
    assert run("words", function, {"letters": LETTERS, "label": "X"}).replace(SPACE, " ") == (
        "space, 1 of 2. If the name ended here: Y 75 %. If it began here: X 100 %. "
        "Without it the odds of X would be 55 times smaller: it speaks for X."
    )


def test_a_list_is_summarised_by_its_most_frequent_answers(run):
    labels = [*"AABBBCDEFGH", None]
    predictions = [{"label": label, "abstained": label is None} for label in labels]
    function = "({ summarise }, predictions) => [summarise(predictions, 1000), summarise(predictions, 10)]"
    first, second = run("words", function, predictions)
    assert first == "12 names, 1 abstained. B 3 · A 2 · C 1 · D 1 · E 1 · F 1 · 2 more"
    assert second == f"{first} The first 10 are shown; the CSV has all."


def test_written_strings_are_not_counted_in_a_summary(run):
    predictions = [{"label": "AH B", "abstained": False}, {"label": None, "abstained": True}]
    function = "({ summarise }, all) => [summarise(all, 1000, 'name', false), summarise(all, 1, 'name', false)]"
    whole = "2 names, 1 abstained."
    assert run("words", function, predictions) == [whole, f"{whole} The first 1 are shown; the CSV has all."]


def test_a_pronunciation_is_a_prediction_with_its_ipa(run):
    top = [
        {"arpabet": "B AH", "ipa": "bʌ", "probability": 0.75},
        {"arpabet": "B AA", "ipa": "bɑ", "probability": 0.1},
    ]
    answers = [{"name": "ba", "top": top, "reason": None}, {"name": "7", "top": [], "reason": "unknown symbol: 7"}]
    function = """
    ({ toPrediction, describeAnswer }, answers) =>
      answers.map(toPrediction).map((one) => [one, describeAnswer(one), describeAnswer({ ...one, probability: 0.3 })])
    """
    (said, sentence, unsure), (unsaid, why, _) = run("words", function, answers)
    assert text_of(sentence) == "Elman says /bʌ/, 75.0 %."
    assert text_of(unsure) == "Elman is unsure: /bʌ/ is its best guess, 30.0 %."
    assert (said["label"], said["ipa"], said["abstained"]) == ("B AH", "bʌ", False)
    assert said["top"][1] == {"label": "B AA", "ipa": "bɑ", "probability": 0.1}
    assert (unsaid["label"], unsaid["ipa"], unsaid["abstained"]) == (None, "", True)
    assert text_of(why) == "Elman does not answer: unknown symbol."


# Regions and countries


def test_an_answer_that_is_unlike_all_names_begins_with_none_of_these(run):
    reason = "unfamiliar: unlike the names that the model learned from"
    answer = {"label": None, "probability": None, "reason": reason, "top": [{"label": "X", "probability": 0.9}]}
    sentence = run("words", "({ describeAnswer }, answer) => describeAnswer(answer)", answer)
    assert sentence == ["None of these: unlike the names that the model learned from."]


TOP = [
    {"label": label, "probability": share}
    for label, share in (("Welsh", 0.5), ("Basque", 0.25), ("English", 0.2), ("Thai", 0.05))
]


def test_levels_above_the_labels_are_listed(run):
    levels = {"origin": TOP[:1], "region": [{"label": "Europe", "probability": 0.95}]}
    function = "({ listLevels }, levels) => [listLevels({ levels }), listLevels({})]"
    assert run("words", function, levels) == [[["region", [["Europe", 0.95]]]], []]


def test_parts_of_a_country_count_for_it_and_labels_without_one_are_listed(run):
    countries = {"Welsh": "GB-WLS", "English": "GB", "Thai": "TH"}
    function = """({ sumByCountry, listUnmapped, describeMap }, [top, countries]) => {
      const shares = sumByCountry(top, countries);
      return [shares.map(([code, share]) => [code, share]), listUnmapped(top, countries), describeMap(shares)];
    }"""
    shares, unmapped, words = run("words", function, [TOP, countries])
    assert shares == [["GB", pytest.approx(0.7)], ["TH", 0.05]]
    assert [one["label"] for one in unmapped] == ["Basque"]
    assert words.replace(SPACE, " ") == "World map, shaded by probability: United Kingdom 70 %, Thailand 5 %."


def test_shades_begin_at_one_per_cent(run):
    shares = [0, 0.009, 0.01, 0.05, 0.3, 1]
    assert run("words", "({ shadeOf }, shares) => shares.map(shadeOf)", shares) == [0, 0, 1, 2, 3, 4]


# Shares


def share(label: str, value: float, low: float = 0.0, high: float = 1.0) -> dict[str, Any]:
    return {"label": label, "share": value, "low": low, "high": high, "counted": value}


def test_small_shares_are_summed_and_the_axis_has_room_for_every_interval(run):
    groups = [
        [share("A", 0.9, 0.8, 0.95), share("B", 0.096), share("C", 0.004), share("D", 0.0)],
        [share("A", 0.004)],
        [],
    ]
    function = "({ listShares }, groups) => groups.map((shares) => listShares({ shares }))"
    listed = run("words", function, groups)
    assert [[one["label"] for one in rows] for rows in listed] == [["A", "B", "2 other labels"], ["A"], []]
    assert listed[0][-1]["share"] == pytest.approx(0.004)
    ends = run(
        "words",
        "({ endOfAxis }, all) => all.map((rows) => endOfAxis(rows))",
        [[share("A", 0.05, 0, high)] for high in (0.07, 0.11, 0.4, 0.6)],
    )
    assert ends == [0.1, 0.2, 0.5, 1]


def test_a_group_is_described_by_its_rows_and_abstentions(run):
    groups = [
        {"names": 1200, "missing": 3, "read": 1000, "abstained": 10, "shares": [1]},
        {"names": 1, "missing": 1, "read": 0, "abstained": 0, "shares": []},
    ]
    shown = run("words", "({ describeGroup }, groups) => groups.map((one) => describeGroup(one, 'name'))", groups)
    assert [text.replace(SPACE, " ") for text in shown] == [
        "1,200 rows, 3 without a name, 1,000 drawn at random; abstained on 10 (1.0 %).",
        "1 row, 1 without a name. No name can be read.",
    ]
    notes = run(
        "words", "({ describeNotes }, report) => describeNotes(report, 1)", {"groups": groups, "notes": ["a note"]}
    )
    assert notes == "The 1 largest of 2 groups are shown; the CSV has all. A note."


def test_an_unusual_name_is_said_to_be_one(run):
    found = {"script": "Latin", "normalised": "x", "unknown": [], "reason": None, "top": [{}], "familiar": 0.03}
    model = {"origins": True, "answers": "label", "labels": ["A"] * 90}
    said = run("words", "({ describeDoubts }, [found, model]) => describeDoubts(found, model)", [found, model])
    assert [one[0] for one in said[:2]] == [
        "The spelling is what counts, not the person.",
        f"An unusual name: of those that Elman learned from, 3{SPACE}% are less familiar.",
    ]
    assert said[2][1].endswith("knows 90 origins, and abstains only if a name is unlike all that it learned.")


def test_a_new_string_has_its_odds_and_what_else_a_reader_should_know(run):
    samples = [
        {"log_probability": -14.0, "is_seen": False, "reason": None},
        {"log_probability": -6.2, "is_seen": True, "reason": None},
        {"log_probability": -50, "is_seen": None, "reason": None},
        {"log_probability": -50, "is_seen": False, "reason": "cut: no end"},
    ]
    described = run("words", "(words, samples) => samples.map(words.describeOdds)", samples)
    assert described == [
        "1 in 1.2 million",
        "1 in 490, one that it learned",
        "less than 1 in a quadrillion",
        "cut: it had no end",
    ]


def test_a_letter_and_its_marks_appear_together(run):
    assert run("words", "({ splitLetters }, text) => splitLetters(text)", "ne\u0301é") == ["n", "e\u0301", "é"]
