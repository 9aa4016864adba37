"""Names of folders and of labels that mean free of defects, and of labels that mean any defect."""

import re

from steelsight.core.safe_names import is_background

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
