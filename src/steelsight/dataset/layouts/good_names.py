"""Names of folders and of labels that mean free of defects."""

import re

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
