"""The chart's lines, tiles and ranks."""

LETTERS = [
    {"letter": "a", "evidence": 4, "forwards": {"X": 0.25, "Y": 0.75}, "backwards": {"X": 1, "Y": 0}},
    {"letter": "b", "evidence": -1, "forwards": {"X": 1, "Y": 0}, "backwards": {"X": 0.5, "Y": 0.5}},
]


def test_a_course_is_a_line_through_the_middles_of_the_letters(run):
    function = """
    ({ coursePath, across }, letters) =>
      [coursePath(letters, "forwards", "X"), coursePath(letters.slice(1), "forwards", "X"), across(2, 8)]
    """
    assert run("chart", function, LETTERS) == ["M25.00 75.00L75.00 0.00", "", "31.25"]


def test_tiles_are_as_high_as_their_evidence(run):
    function = (
        "({ tileHeights }, all) => all.map((evidences) => tileHeights(evidences.map((evidence) => ({ evidence }))))"
    )
    assert run("chart", function, [[4, -1], [0.5, 0], []]) == [["1.000", "0.250"], ["0.500", "0.000"], []]


def test_a_tile_is_for_or_against_the_answer_or_unknown(run):
    function = "({ tileKind }, letters) => letters.map((letter) => tileKind(letter, new Set(['7'])))"
    letters = [{"letter": "a", "evidence": 0}, {"letter": "a", "evidence": -1}, {"letter": "7", "evidence": -1}]
    assert run("chart", function, letters) == ["for", "against", "unknown"]


def test_labels_are_ranked_by_their_share(run):
    function = "({ rank }, shares) => rank(shares, 2)"
    assert run("chart", function, {"A": 0.2, "B": 0.5, "C": 0.3}) == [["B", 0.5], ["C", 0.3]]
