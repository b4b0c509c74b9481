"""Phonemes: from ARPAbet, in which CMUdict writes pronunciations, to the International Phonetic Alphabet.

The table is that of General American English: D. Jurafsky and J. H. Martin, "Speech and Language Processing", chapter
"Phonetics", tables of ARPAbet symbols for consonants and vowels. The symbols are those of the "Handbook of the
International Phonetic Association", 1999, pages 41 to 44, American English, with ɹ for the sound of "red".
"""

from collections.abc import Sequence

from elman.checks import shown
from elman.errors import DataError

VOWELS = {
    "AA": "ɑ",
    "AE": "æ",
    "AH": "ʌ",
    "AO": "ɔ",
    "AW": "aʊ",
    "AY": "aɪ",
    "EH": "ɛ",
    "ER": "ɝ",
    "EY": "eɪ",
    "IH": "ɪ",
    "IY": "i",
    "OW": "oʊ",
    "OY": "ɔɪ",
    "UH": "ʊ",
    "UW": "u",
}
CONSONANTS = {
    "B": "b",
    "CH": "tʃ",
    "D": "d",
    "DH": "ð",
    "F": "f",
    "G": "ɡ",
    "HH": "h",
    "JH": "dʒ",
    "K": "k",
    "L": "l",
    "M": "m",
    "N": "n",
    "NG": "ŋ",
    "P": "p",
    "R": "ɹ",
    "S": "s",
    "SH": "ʃ",
    "T": "t",
    "TH": "θ",
    "V": "v",
    "W": "w",
    "Y": "j",
    "Z": "z",
    "ZH": "ʒ",
}
UNSTRESSED = {"AH": "ə", "ER": "ɚ"}
"""Vowels that have another symbol without stress."""

STRESS = {"0": "", "1": "ˈ", "2": "ˌ"}
"""The mark of each digit after a vowel: none, primary and secondary stress."""

ONSETS = frozenset(
    (first, second)
    for firsts, seconds in (
        (("P", "B", "F", "K", "G"), ("L", "R", "Y")),
        (("T", "D", "TH", "SH"), ("R",)),
        (("T", "D", "K", "G", "TH", "S"), ("W",)),
        (("M", "N", "V", "HH"), ("Y",)),
        (("S",), ("P", "T", "K", "M", "N", "L", "F")),
    )
    for first in firsts
    for second in seconds
)
"""Pairs of consonants with which an English syllable can begin; with three, both pairs are among these."""


def to_ipa(pronunciation: str | Sequence[str]) -> str:
    """Return a pronunciation in the International Phonetic Alphabet.

    A stress mark is before the syllable, which begins with as many consonants as an English syllable can begin with. A
    word of one syllable has no mark. Where no vowel has a digit, as in many lists, the only vowel of a word is stressed
    and all vowels of a longer word are not: what ARPAbet does not say is not marked.

    Args:
        pronunciation: symbols of ARPAbet, in text with blanks between them; vowels may end in a digit for their stress.

    Raises:
        DataError: a symbol is unknown.

    >>> to_ipa("S IH0 M AA1 N AH0 S"), to_ipa("K AH T"), to_ipa("AH B AE D IY")
    ('sɪˈmɑnəs', 'kʌt', 'əbædi')
    """
    symbols = pronunciation.split() if isinstance(pronunciation, str) else list(pronunciation)
    bases = [_strip_stress(symbol) for symbol in symbols]
    vowels = [place for place, base in enumerate(bases) if base in VOWELS]
    has_digits = any(symbol[-1] in STRESS for symbol in symbols)
    alone = len(vowels) == 1 and not has_digits
    written = [_spell(symbol, base, alone=alone) for symbol, base in zip(symbols, bases, strict=True)]
    for before, place in zip([-1, *vowels], vowels, strict=False):
        if len(vowels) > 1 and (mark := STRESS.get(symbols[place][-1], "")):
            start = _find_onset(bases, before + 1, place)
            written[start] = mark + written[start]
    return "".join(written)


def _strip_stress(symbol: str) -> str:
    """Return a symbol without its digit."""
    if symbol in VOWELS or symbol in CONSONANTS:
        return symbol
    if symbol[:-1] in VOWELS and symbol[-1] in STRESS:
        return symbol[:-1]
    raise DataError(
        f"{shown(repr(symbol))} is no symbol of ARPAbet; expected consonants such as HH and vowels such as AH or AH0"
    )


def _spell(symbol: str, base: str, *, alone: bool) -> str:
    """Return a symbol without a mark; ``alone`` says that it is the only vowel, and no vowel has a digit."""
    is_unstressed = symbol[-1] == "0" or (symbol == base and not alone)
    if base in UNSTRESSED and is_unstressed:
        return UNSTRESSED[base]
    return VOWELS.get(base) or CONSONANTS[base]


def _find_onset(bases: Sequence[str], least: int, vowel: int) -> int:
    """Return where the syllable of a vowel begins, among the consonants from ``least`` on."""
    if least == 0:
        return 0
    start = vowel
    while start > least and bases[start - 1] != "NG" and (start == vowel or (bases[start - 1], bases[start]) in ONSETS):
        start -= 1
    return start
