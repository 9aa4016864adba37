"""Names of folders and of labels that mean free of defects, and of labels that mean any defect."""

import re
from collections.abc import Collection

from steelsight.core.safe_names import is_background
from steelsight.dataset.layouts.listing import UNNAMED

_GOOD = frozenset(
    {"free", "good", "ok", "okay", "normal", "clean", "flawless", "faultless", "defect free", "fault free"}
)
_GOOD |= {f"{no} {what}" for no in ("no", "without", "non") for what in ("defect", "defects", "fault", "faults")}
_GOOD |= {"defectfree", "faultfree", "nondefective", "non defective", "not defective"}

_BAD = frozenset(
    {"bad", "ng", "nok", "not ok", "not good", "reject", "rejected", "defective", "scrap", "anomaly", "anomalous"}
)


def is_bad_name(name: str) -> bool:
    """Say whether a label of an image means that it shows some defect, whichever.

    >>> [is_bad_name(one) for one in ("Bad", "not-OK", "bad weld", "scratch")]
    [True, True, False, False]
    """
    return _plain(name) in _BAD


def any_defect(names: Collection[str], drawn: Collection[str], ignore: frozenset[str]) -> frozenset[str]:
    """Names that labels of an image as a whole give, with `UNNAMED` for those that mean any defect.

    Args:
        drawn: names of shapes: a word for any defect is a class where one has that very name.
        ignore: names of what is not to be judged.

    >>> sorted(any_defect({"NG", "bad", "scratch"}, {"bad"}, frozenset()))
    ['', 'bad', 'scratch']
    """
    return frozenset(
        UNNAMED if is_bad_name(name) and name not in drawn and name not in ignore else name for name in names
    )


def is_good_name(name: str) -> bool:
    """Say whether a folder's whole name means free of defects; a word within another name means nothing.

    >>> [is_good_name(one) for one in ("Good", "defect-free", "not good", "free_edge_crack", "MT_Free")]
    [True, True, False, False, False]
    """
    return _plain(name) in _GOOD


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


def marks_no_defect(name: str) -> bool:
    """Whether what has a class name is no defect: the background, or what is good.

    >>> [marks_no_defect(one) for one in ("_background_", "OK", "not good")]
    [True, True, False]
    """
    return is_background(name) or is_good_name(name)
