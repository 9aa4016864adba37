"""Names that strangers gave, of images and of classes: what may stand in a table, and which of them nearly say the same."""

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Controls, what turns the direction of writing, ends of lines, bytes that are no UTF-8, and two codes that XML refuses."""
_LIKE_AN_ESCAPE = re.compile(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})")
_SUFFIXES = re.compile(r"(\.(jpe?g|png|bmp|tiff?|webp|gif|json|xml|txt))+$")
_MASK_WORD = re.compile(r"[\s_.-]*(masks?|labels?|gt|seg|segmentation|annotations?)$")
_BACKGROUND = frozenset({"background", "backgrounds", "bg", "bkg", "bkgd", "backgnd"})
_IGNORE = frozenset({"ignore", "ignored", "void", "unlabeled", "unlabelled"})


def is_plain(text: str) -> bool:
    r"""Whether a name can be read as it stands: no control characters, none that turn the direction of writing, all of it
    Unicode.

    >>> is_plain("Größe 1.jpg"), is_plain("a\n.jpg"), is_plain("\u202egpj.exe")
    (True, False, False)
    """
    return _STEERING.search(text) is None


def shown(text: str) -> str:
    r"""A name with all that is not plain as escapes.

    >>> print(shown("a\n\u202eb"))
    a\x0a\u202eb
    """
    return _STEERING.sub(lambda found: _escape(found[0]), text)


def made_plain(text: str) -> str:
    r"""A name for something new, with `_` for all that is not plain.

    >>> made_plain("a\n\u202eb.jpg")
    'a__b.jpg'
    """
    return _STEERING.sub("_", text)


def told_apart(text: str) -> str:
    r"""As `shown`, and no two names alike: a backslash that would read as the beginning of an escape is escaped itself.

    >>> for name in ("a\n.jpg", r"a\x0a.jpg", r"a\b.jpg"):
    ...     print(told_apart(name))
    a\x0a.jpg
    a\x5cx0a.jpg
    a\b.jpg
    """
    return shown(_LIKE_AN_ESCAPE.sub(r"\\x5c", text))


def no_formula(text: str) -> str:
    """A text for a cell of CSV: an apostrophe before what a spreadsheet would carry out, since anyone may name an image.
    `from_cell` takes it away.

    Source: OWASP, "CSV Injection".

    >>> no_formula("=1+2.jpg"), no_formula("strip=1.jpg"), no_formula("-0.5"), no_formula("'=1")
    ("'=1+2.jpg", 'strip=1.jpg', '-0.5', "''=1")
    """
    runs = text.lstrip("'").startswith(_FORMULA) and not _NUMBER.fullmatch(text)
    return f"'{text}" if runs else text


def from_cell(text: str) -> str:
    """What `no_formula` was given.

    >>> from_cell("'=1+2.jpg"), from_cell("''=1"), from_cell("'quoted'")
    ('=1+2.jpg', "'=1", "'quoted'")
    """
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def for_cell(text: str) -> str:
    """A name as it stands in a table for people."""
    return no_formula(shown(text))


def same_but_for_spelling(name: str) -> str:
    r"""Equal for paths that differ in upper and lower case, in Unicode form, in slashes or in how the suffix is spelt.

    >>> same_but_for_spelling("A\\1.JPEG") == same_but_for_spelling("a/1.jpg")
    True
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFC", name).casefold())
    path = PurePosixPath(text.strip().replace("\\", "/"))
    return re.sub(r"\.tif$", ".tiff", re.sub(r"\.jpeg$", ".jpg", str(path)))


def without_suffix(name: str) -> str:
    """As `same_but_for_spelling`, without a suffix of images or label files.

    >>> without_suffix("A/1.JPG") == without_suffix("a/1.png"), without_suffix("frame.7")
    (True, 'frame.7')
    """
    return _SUFFIXES.sub("", same_but_for_spelling(name))


def nearly(name: str) -> str:
    """Equal for names of which a person would say that one was meant: besides `same_but_for_spelling`, whatever their folder
    and suffix, zeros before numbers, kinds of spaces, and a word for mask at the end.

    >>> {nearly(one) for one in ("a/Blech 7.jpg", "blech_007.PNG", "Blech%207_mask.png")}
    {'blech_7'}
    """
    text = same_but_for_spelling(_STEERING.sub("", unquote(name))).rpartition("/")[2]
    text = _SUFFIXES.sub("", text)
    text = _MASK_WORD.sub("", text) or text
    text = re.sub(r"[0-9]+", lambda number: number[0].lstrip("0") or "0", text)
    return re.sub(r"[\s_-]+", "_", text).strip("_") or text


def is_background(name: str) -> bool:
    """Whether a class name means what is no defect, however tools spell it.

    >>> [is_background(one) for one in ("_background_", "0 background", "BG", "background scratch")]
    [True, True, True, False]
    """
    return _bare(name) in _BACKGROUND


def is_ignore(name: str) -> bool:
    """Whether a class name means what is not to be judged.

    >>> is_ignore("__ignore__"), is_ignore("ignored corner")
    (True, False)
    """
    return _bare(name) in _IGNORE


def _bare(name: str) -> str:
    return re.sub(r"[\W_0-9]+", " ", name.casefold()).strip()


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
