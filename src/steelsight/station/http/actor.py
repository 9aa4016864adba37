"""Who makes a request, for the audit trail."""

from starlette.types import Scope

from steelsight.station.http.middleware.security import person_of
from steelsight.station.log import audit
from steelsight.station.station import Station


def actor_of(station: Station, scope: Scope) -> audit.Actor:
    """Who makes a request; without a name where the station knows none."""
    person = person_of(scope)
    name, role = ("", "") if person is None else (person.name, person.role)
    return audit.Actor(name, role, station.settings.name)


def note_export(station: Station, actor: audit.Actor, what: str) -> None:
    """Tell the audit trail that somebody takes something away, where the station knows who it is.

    Raises:
        UserError: the log cannot be written.
    """
    if actor.name:
        with station.log.writing() as connection:
            audit.append(connection, "export", {"what": what}, actor)
