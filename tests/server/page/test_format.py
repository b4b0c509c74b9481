"""Numbers are shown as people read them."""

SPACE = "\u00a0"


def test_shares_are_percentages_that_never_round_to_nothing_or_to_certainty(run):
    shares = [0, 0.0004, 0.0006, 0.1234, 0.5, 0.9994, 0.9996, 1]
    shown = run("format", "({ percent }, shares) => shares.map((share) => percent(share))", shares)
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
    whole = run("format", "({ percent }) => [0.004, 0.42, 0.996].map((share) => percent(share, 0))")
    assert [text.replace(SPACE, " ") for text in whole] == ["< 1 %", "42 %", "> 99 %"]


def test_numbers_counts_and_sizes_are_readable(run):
    shown = run(
        "format",
        "({ figure, count, fileSize, capitalise }) => [figure(1234567), count(1, 'name'), count(1000, 'row'), "
        "fileSize(1), fileSize(99_999), fileSize(2_340_000), capitalise('élan'), capitalise('')]",
    )
    assert shown == ["1,234,567", "1 name", "1,000 rows", "1 kB", "100 kB", "2.3 MB", "Élan", ""]
