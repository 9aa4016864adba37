"""Which role a request takes at least: one that no line below tells of takes the most that there is."""

import re

from steelsight.station.people import Role

_LOOKING = re.compile(
    r"/metrics|/api/v1/(inspector|samples/[^/]+|statistics|drift|corrections|audit"
    r"|inspections(/[^/]+(/(image|mask\.png|overlay\.png|region|reviews|maps/[^/]+\.png))?)?)"
)
_SENDING = "/api/v1/inspections"
_REVIEWING = re.compile(r"/api/v1/inspections/[^/]+/reviews")


def least_role(method: str, path: str) -> Role:
    """The least role that a request takes.

    >>> least_role("GET", "/api/v1/inspections/7"), least_role("POST", "/api/v1/inspections/7/reviews")
    ('operator', 'reviewer')
    >>> least_role("GET", "/api/v1/log.csv"), least_role("DELETE", "/api/v1/inspections/7")
    ('owner', 'owner')
    """
    if method in ("GET", "HEAD", "OPTIONS") and _LOOKING.fullmatch(path):
        return "operator"
    if method == "POST" and path == _SENDING:
        return "operator"
    if method == "POST" and _REVIEWING.fullmatch(path):
        return "reviewer"
    return "owner"
