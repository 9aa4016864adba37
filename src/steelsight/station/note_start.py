"""What a station tells the audit trail when it starts: which inspector judges by which rule, and who may do what."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from steelsight.inspector.artifact import InspectorCard
from steelsight.inspector.signature import Signature
from steelsight.station.log import audit
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.tables import inspectors
from steelsight.station.people import Person


def note_inspector(
    log: InspectionLog, station: str, fingerprint: str, card: InspectorCard, signature: Signature
) -> None:
    """Tell which inspector a station has, unless it had the same one before; it must be registered."""
    policy = card.policy
    content: dict[str, Any] = {
        "fingerprint": fingerprint,
        "signature": asdict(signature),
        "rule": card.rule.model_dump(mode="json"),
        "policy": None
        if policy is None
        else policy.model_dump(mode="json", include={"pass_at", "reject_at", "evidence", "severity", "wish"}),
    }
    with log.reading() as connection:  # as it was registered, be it by another version
        kept = connection.execute(select(inspectors.c.card).where(inspectors.c.fingerprint == fingerprint)).scalar_one()
    content["card"] = hashlib.sha256(kept.encode()).hexdigest()
    _note(log, station, "inspector", content)


def note_people(log: InspectionLog, station: str, people: Sequence[Person]) -> None:
    """Tell who may do what at a station, unless they were the same before; the tokens' hashes stay where they are."""
    _note(log, station, "tokens", {"people": [{"name": one.name, "role": one.role} for one in people]})


def _note(log: InspectionLog, station: str, kind: str, content: dict[str, Any]) -> None:
    with log.writing() as connection:
        audit.begin(connection)
        last = audit.last_entry(connection, kind, station)
        if last is None or json.loads(last.content) != json.loads(json.dumps(content)):
            audit.append(connection, kind, content, audit.Actor(station=station))
