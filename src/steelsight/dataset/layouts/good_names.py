"""Names of folders, of labels and of classes that mean free of defects, or nothing at all."""

import re

from steelsight.core.safe_names import is_background, is_ignore

_GOOD = frozenset(
    {"free", "good", "ok", "okay", "normal", "clean", "flawless", "faultless", "defect free", "fault free"}
)
_GOOD |= {f"{no} {what}" for no in ("no", "without", "non") for what in ("defect", "defects", "fault", "faults")}
_GOOD |= {"defectfree", "faultfree", "nondefective", "non defective", "not defective"}


def is_good_name(name: str) -> bool:
    """Say whether a folder's whole name means free of defects; a word within another name means nothing.

    >>> [is_good_name(one) for one in ("Good", "defect-free", "not good", "free_edge_crack", "MT_Free")]
    [True, True, False, False, False]
    """
    return re.sub(r"[\W_]+", " ", name.casefold()).strip() in _GOOD


def marks_no_defect(name: str) -> bool:
    """Whether what bears a class name is no defect: the background, what is not to be judged, or what is good.

    >>> [marks_no_defect(one) for one in ("_background_", "void", "OK", "not good")]
    [True, True, True, False]
    """
    return is_background(name) or is_ignore(name) or is_good_name(name)
