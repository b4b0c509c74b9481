"""Normalisation turns every spelling of one name into one string, and drops nothing that tells names apart."""

import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from elman.text import normalisation as module
from elman.text.normalisation import (
    LARGEST_EXPANSION,
    LONGEST,
    LONGEST_COMPOSED,
    LONGEST_INPUT,
    Normalisation,
    clean,
    compose,
    fold_accents,
    is_too_long,
)
from elman.text.scripts import count_letters, is_foreign, script_of

ANY_TEXT = st.text(st.characters(), max_size=30)  # surrogates included
AWKWARD = st.text(
    st.sampled_from(
        "iIİıΣςσAÅoøæßſŉﬁĐ '`´ʼ’-‐–\u00ad\u0085\u2028\u200d\u0300\u0307\u0308\u0323\u1ffd\u1fefкй\ud800한\u1100\u1161"
    ),
    max_size=8,
)
SETTINGS = [
    Normalisation(lower, latin, accents)
    for lower in (True, False)
    for latin in (True, False)
    for accents in (True, False)
]
ASSIGNED = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Co", "Cs")]
UNIFORM = ("CJK UNIFIED", "HANGUL SYLLABLE", "TANGUT IDEOGRAPH")  # thousands that differ in nothing that matters here
every_setting = pytest.mark.parametrize("normalisation", SETTINGS, ids=str)
calm = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def normalise(text: str) -> str:
    return Normalisation().apply(text)


@every_setting
@calm
@given(text=ANY_TEXT | AWKWARD)
@example(text="i\u0307\u0307")
@example(text="iİ\u0307")
@example(text="ΑΣ \u200bΣ")
def test_applying_twice_changes_nothing_more(normalisation, text):
    once = normalisation.apply(text)
    assert normalisation.apply(once) == once


@every_setting
@calm
@given(text=ANY_TEXT | AWKWARD)
def test_normalised_text_is_composed_and_has_no_invisible_character(normalisation, text):
    out = normalisation.apply(text)
    assert out == unicodedata.normalize("NFKC", out) == " ".join(out.split())
    assert not [character for character in out if unicodedata.category(character)[0] == "C"]


@every_setting
def test_every_character_alone_after_a_letter_and_after_a_space_is_normalised_once_for_all(normalisation):
    different = [c for c in ASSIGNED if not unicodedata.name(c, "").startswith(UNIFORM)]
    assert len(different) > 30_000
    for character in different:
        for text in (character, f"e{character}", f"a {character}", f"a\u2028{character}e"):
            once = normalisation.apply(text)
            assert normalisation.apply(once) == once, ascii(text)


@pytest.mark.parametrize("space", [" ", "\u2028", "\u1680", "\u3000"])
def test_a_mark_after_any_white_space_is_treated_alike(space):
    assert Normalisation(accents=False).apply(f"n{space}\u0301") == "n"
    assert Normalisation().apply(f"n{space}\u0301") == "n \u0301"


def test_every_character_of_unicode_can_be_normalised():
    for start in range(0, 0x110000, 4096):
        once = normalise("".join(map(chr, range(start, start + 4096))))
        assert normalise(once) == once


@pytest.mark.parametrize("spelling", ["Müller", "MÜLLER", "müller", "Mu\u0308ller", "Ｍüller", "ＭＵ\u0308ＬＬＥＲ"])
def test_every_spelling_of_müller_is_one_string(spelling):
    assert normalise(spelling) == "müller"


@pytest.mark.parametrize("apostrophe", list("'`´ʻʼʽˈ‘’‛′＇"))
def test_every_apostrophe_becomes_one(apostrophe):
    assert normalise(f"O{apostrophe}Brien") == "o'brien"


@pytest.mark.parametrize("dash", list("-‐‑‒–—―−﹘﹣－"))
def test_every_dash_becomes_a_hyphen(dash):
    assert normalise(f"Anne{dash}Marie") == "anne-marie"


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("Иванов", "ivanov"),
        ("김", "gim"),
        ("王", "wang"),
        ("Γιώργος", "giorgos"),
        ("カトウ", "katou"),
        ("Łukasz", "łukasz"),
    ],
)
def test_other_scripts_are_written_in_latin_letters(name, latin):
    assert normalise(name) == latin


@every_setting
@calm
@given(texts=st.lists(ANY_TEXT | AWKWARD, max_size=4))
def test_a_description_is_the_normalised_text_with_the_script_of_the_original(normalisation, texts):
    expected = [
        (normalisation.apply(t), script_of(compose(t)), normalisation.transliterate and is_foreign(compose(t)))
        for t in texts
    ]
    assert [normalisation.describe(text) for text in texts] == expected
    assert normalisation.describe_all(texts) == expected


@calm
@given(text=ANY_TEXT | AWKWARD)
def test_composing_twice_changes_nothing_more(text):
    assert compose(compose(text)) == compose(text)


@calm
@given(text=ANY_TEXT | AWKWARD)
def test_lower_case_of_composed_text_needs_no_more_than_composing(text):
    lower = compose(text).lower().replace("i\u0307", "i")
    assert compose(lower) == unicodedata.normalize("NFKC", lower)


@pytest.mark.parametrize(("name", "count"), [("Müller", 1), ("Иванов", 2), ("Ivanov", 1)])
def test_a_name_is_composed_once_and_its_transliteration_once(monkeypatch, name, count):
    composed = []
    monkeypatch.setattr(module, "compose", lambda text: composed.append(text) or compose(text))
    Normalisation().describe(name)
    assert composed == [name, "Ivanov"][:count]


def test_the_turkish_dotted_capital_becomes_a_plain_i():
    assert normalise("İstanbul") == normalise("I\u0307stanbul") == "istanbul"


def test_the_turkish_dotless_i_is_kept():
    assert normalise("Yıldız") == "yıldız"


@pytest.mark.parametrize(
    "invisible", ["\x00", "\x1b", "\u200b", "\u200d", "\u200f", "\u202e", "\ufeff", "\u00ad", "\ud800"]
)
def test_controls_zero_width_and_direction_marks_are_dropped(invisible):
    assert normalise(f"{invisible}Na{invisible}kano{invisible}") == "nakano"


def test_a_mark_after_an_invisible_character_is_composed_with_its_letter():
    assert normalise("Mu\u200b\u0308ller") == "müller"


@pytest.mark.parametrize("space", [" ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2028", " \u200b "])
def test_white_space_of_any_kind_becomes_one_space_and_ends_are_trimmed(space):
    assert normalise(f"{space}van{space}Dijk{space}") == "van dijk"


@pytest.mark.parametrize("nothing", ["", " ", "\n\t", "\u200b\ufeff", "\x00"])
def test_text_without_visible_characters_becomes_the_empty_string(nothing):
    assert normalise(nothing) == ""


def test_accents_are_kept():
    assert normalise("Ślusarski Muñoz Çelik Nguyễn") == "ślusarski muñoz çelik nguyễn"


def test_capitals_are_kept_without_lower_case():
    assert Normalisation(lower_case=False).apply("Ｍu\u0308LLER  Иванов") == "MüLLER Ivanov"


def test_letters_of_any_script_are_kept_without_transliteration():
    keep = Normalisation(transliterate=False)
    assert [keep.apply(name) for name in ("Иванов", "김", "王", "Γιώργος")] == ["иванов", "김", "王", "γιώργος"]


@pytest.mark.parametrize(
    ("accented", "plain"),
    [
        ("müller", "muller"),
        ("ślusarski", "slusarski"),
        ("łukasz", "lukasz"),
        ("Øster", "Oster"),
        ("groß", "gross"),
        ("đặng", "dang"),
        ("nguyễn", "nguyen"),
        ("yıldız", "yildiz"),
        ("ito", "ito"),
        ("김", "김"),
    ],
)
def test_folding_spells_as_an_english_keyboard(accented, plain):
    assert fold_accents(accented) == plain


@calm
@given(text=ANY_TEXT | st.text(st.characters(max_codepoint=0x24F), max_size=8))
@example(text="ǿ")  # a stroke and an accent
@example(text="ǽ")
def test_folding_twice_changes_nothing_more(text):
    assert fold_accents(fold_accents(text)) == fold_accents(text)


def test_marks_that_make_another_letter_in_another_script_are_not_folded():
    assert fold_accents("йが é") == "йが e"


@given(st.lists(st.text(), max_size=8), st.booleans(), st.booleans(), st.booleans())
def test_texts_are_normalised_together_as_one_by_one(texts, lower_case, transliterate, accents):
    normalisation = Normalisation(lower_case=lower_case, transliterate=transliterate, accents=accents)
    assert normalisation.apply_all(texts) == [normalisation.apply(text) for text in texts]


@given(st.lists(st.text(" aB'`-.\t\n", max_size=6), max_size=8))
def test_plain_texts_are_normalised_together_as_one_by_one(texts):
    assert Normalisation().apply_all(texts) == [Normalisation().apply(text) for text in texts]


# Trailing separators


@pytest.mark.parametrize("text", ["Abe", " Abe\t", "Abe,", "Abe, ", "Abe ,,\u3000, ", "Abe,\r\n", "Abe\t,"])
def test_white_space_and_trailing_commas_are_cleaned(text):
    assert clean(text) == "Abe"


@pytest.mark.parametrize("text", ["", ",Abe", "Abe, Bo", "Abe;", "Abe.", "Abe、"])
def test_nothing_else_is_cleaned(text):
    assert clean(text) == text


@calm
@given(text=st.text(" ,\t\u3000\x85aé.", max_size=9) | ANY_TEXT)
def test_only_an_end_is_cleaned_and_cleaning_twice_changes_nothing_more(text):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert text.strip().startswith(cleaned)
    assert not "".join(text.strip()[len(cleaned) :].split()).strip(",")


# Too long


def test_no_character_composes_to_more_than_is_expected():
    assert max(len(compose(character)) for character in ASSIGNED) == LARGEST_EXPANSION


@pytest.mark.parametrize(
    ("text", "too_long"),
    [
        ("a" * LONGEST, False),
        ("a" * (LONGEST + 1), True),
        ("水" * LONGEST, False),
        ("水" * (LONGEST + 1), True),
        ("a " * LONGEST, False),
        ("a " * LONGEST + "b", True),
        ("-" * LONGEST_COMPOSED, False),
        ("-" * (LONGEST_COMPOSED + 1), True),
        ("a\u0316\u0304\u0301" * LONGEST, False),
        ("\u1112\u1161\u11ab" * LONGEST, False),  # the three parts of a Hangul syllable
        ("\u1112\u1161\u11ab" * (LONGEST + 1), True),
        ("a\u1112\u1161\u11ab" * (LONGEST // 2), False),
        ("\ufdfa" * (LONGEST_COMPOSED // 18), False),
        ("\ufdfa" * (LONGEST_COMPOSED // 18 + 1), True),
        ("\ufdfa" * 990, True),
        ("e" + "\u0301\u0316" * 1000, True),
        (" " * 10_000 + "a" + "\t" * 10_000, False),
        ("a" + " " * 4000 + "b", False),
        ("\u200b" * 4000 + "b", False),
        ("\u200b" * (LONGEST_INPUT + 1), True),
        ("", False),
    ],
)
def test_a_string_is_too_long_by_what_it_composes_to(text, too_long):
    assert is_too_long(text) is too_long


def test_the_time_of_a_long_string_is_linear_in_what_is_allowed(monkeypatch):
    composed = []
    monkeypatch.setattr(module, "compose", lambda text: composed.append(compose(text)) or composed[-1])
    assert is_too_long("\ufdfa" * LONGEST_INPUT)
    assert sum(map(len, composed)) <= LONGEST_COMPOSED + LARGEST_EXPANSION * 200


@calm
@given(text=st.text("aé水\ufdfa \u0301\u200b", max_size=12), copies=st.integers(1, 400))
def test_what_composes_to_a_readable_length_is_not_too_long(text, copies):
    long = text * copies
    composed = " ".join(compose(long).split())
    is_readable = len(composed) <= LONGEST_COMPOSED // 2 and count_letters(composed) <= LONGEST
    if len(long) <= LONGEST_INPUT and is_readable:
        assert not is_too_long(long)


def test_a_string_with_too_many_letters_is_too_long_when_it_is_normalised_too():
    """In each of these scripts every letter is at least one letter in Latin spelling."""
    for first, last in (("a", "z"), ("à", "ö"), ("α", "ω"), ("а", "я"), ("א", "ת"), ("ぁ", "ん"), ("가", "힣")):
        letters = [one for one in map(chr, range(ord(first), ord(last) + 1)) if one.isalpha()]
        for one in letters[::50]:
            text = one * (LONGEST + 1)
            assert is_too_long(text) and len(Normalisation().apply(text)) > LONGEST
