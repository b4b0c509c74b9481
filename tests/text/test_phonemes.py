"""Phonemes: the whole table, stress, and what is no symbol of ARPAbet."""

import pytest

from elman.errors import DataError
from elman.text.phonemes import CONSONANTS, VOWELS, to_ipa

# The example words of the phoneme table that comes with CMUdict, in the symbols of the IPA's handbook.
EXAMPLES = {
    "AA D": "ɑd", "AE T": "æt", "HH AH T": "hʌt", "AO T": "ɔt", "K AW": "kaʊ", "HH AY D": "haɪd", "B IY": "bi",
    "CH IY Z": "tʃiz", "D IY": "di", "DH IY": "ði", "EH D": "ɛd", "HH ER T": "hɝt", "EY T": "eɪt", "F IY": "fi",
    "G R IY N": "ɡɹin", "HH IY": "hi", "IH T": "ɪt", "IY T": "it", "JH IY": "dʒi", "K IY": "ki", "L IY": "li",
    "M IY": "mi", "N IY": "ni", "P IH NG": "pɪŋ", "OW T": "oʊt", "T OY": "tɔɪ", "P IY": "pi", "R IY D": "ɹid",
    "S IY": "si", "SH IY": "ʃi", "T IY": "ti", "TH EY T AH": "θeɪtə", "HH UH D": "hʊd", "T UW": "tu", "V IY": "vi",
    "W IY": "wi", "Y IY L D": "jild", "Z IY": "zi", "S IY ZH ER": "siʒɚ",
}  # fmt: skip


def test_the_examples_of_cmudict_are_spelled_as_dictionaries_spell_them():
    assert {arpabet: to_ipa(arpabet) for arpabet in EXAMPLES} == EXAMPLES
    assert len(EXAMPLES) == 39 == len(VOWELS) + len(CONSONANTS)
    assert {symbol for arpabet in EXAMPLES for symbol in arpabet.split()} == VOWELS.keys() | CONSONANTS.keys()


@pytest.mark.parametrize(
    ("arpabet", "ipa"),
    [
        ("K AH1 T", "kʌt"),  # one syllable has no mark
        ("AH0 B AH1 V", "əˈbʌv"),
        ("F AA1 DH ER0", "ˈfɑðɚ"),
        ("HH ER1 M AH0 N", "ˈhɝmən"),
        ("IH0 K S P EH1 N S IH0 V", "ɪkˈspɛnsɪv"),
        ("K AA1 N S T AH0 N T IY2 N", "ˈkɑnstənˌtin"),
        ("AO0 S T R EY1 L Y AH0", "ɔˈstɹeɪljə"),
        ("S IH1 NG ER0", "ˈsɪŋɚ"),
        ("M AH0 N G OW1 L", "mənˈɡoʊl"),
        ("S IH0 NG AA2", "sɪŋˌɑ"),  # no syllable begins with NG
        ("S T R AE0 T EH1 JH", "stɹæˈtɛdʒ"),
    ],
)
def test_stress_is_marked_before_the_syllable(arpabet, ipa):
    assert to_ipa(arpabet) == to_ipa(arpabet.split()) == ipa


@pytest.mark.parametrize("symbol", ["Q", "AH3", "B1", "aa", "1", "AX"])
def test_what_is_no_symbol_is_refused_in_one_line(symbol):
    with pytest.raises(DataError, match=rf"'{symbol}' is no symbol of ARPAbet; expected consonants such as HH"):
        to_ipa(f"K {symbol} T")


def test_all_published_pronunciations_can_be_spelled(real_data):
    lines = (real_data("pronunciation") / "g014b2b.ref").read_text().splitlines()
    spelled = {to_ipa(one) for line in lines for one in line.split("\t")[1:]}
    assert len(spelled) > 12_000 and all(spelled)
    assert to_ipa("") == ""
