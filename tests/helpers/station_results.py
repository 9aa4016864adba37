"""Results as hypothesis and the tests of the log make them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from steelsight.imaging.regions import Region
from steelsight.station.inspection import Arrival, Result
from steelsight.station.log.watched import known_files

INSPECTOR, CLASSES = "ab" * 32, ("scratch", "dent, deep")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_result(number: int = 0, **changes: Any) -> Any:
    """A plain result; each `number` is another image."""
    plain: dict[str, Any] = {
        "at": START + timedelta(minutes=number),
        "door": "http",
        "station": "line 1",
        "name": f"plate-{number}.jpg",
        "sha256": f"{number:064x}",
        "bytes": 1000 + number,
        "inspector": INSPECTOR,
        "size": (256, 1600),
        "p_defect": 0.75,
        "probability": 0.625,
        "verdict": "review",
        "reason": "probability 0.63 lies between the bounds",
        "flags": (),
        "runs": ("1 10 300 5", ""),
        "regions": (Region(0, 0, 0, 2, 10, 15, 0.5),),
        "error": None,
        "seconds": 0.25,
        "doubt": 0.875,
        "has_image": True,
        "has_maps": True,
    }
    return Result(**plain | changes)


def make_arrival(number: int = 0, **changes: Any) -> Arrival:
    """A file of a watched folder."""
    digest = f"{number:064x}"
    plain: dict[str, Any] = {
        "folder": "/line",
        "name": f"{number}.jpg",
        "size": number,
        "modified_ns": 10**18 + number,
        "sha256": digest,
    }
    return Arrival(**plain | changes)


any_text = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["", "\0", "a\0b", "\udcff.png", "\ud800", "%_\\", "Ä"]
)
"""Lone surrogates and NUL included."""

times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
shares = st.floats(0, 1)
counts = st.integers(0, 2**31 - 1)


@st.composite
def some_runs(draw: Any) -> Any:
    """Run lengths of one class."""
    gaps = draw(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), max_size=5))
    numbers, at = [], 0
    for gap, length in gaps:
        numbers += [at + gap, length]
        at += gap + length
    return " ".join(map(str, numbers))


arrivals = st.builds(
    Arrival,
    folder=any_text,
    name=any_text,
    size=st.integers(0, 2**40),
    modified_ns=st.integers(0, 2**62),
    sha256=st.just("5" * 64),
)
some_regions = st.lists(
    st.builds(Region, st.integers(0, 1), counts, counts, counts, counts, counts, shares), max_size=3
).map(tuple)
results = st.builds(
    Result,
    at=times,
    door=st.sampled_from(["page", "http", "watch"]),
    station=any_text,
    name=any_text,
    sha256=st.just("5" * 64),
    bytes=st.integers(0, 2**40),
    inspector=st.just(INSPECTOR),
    size=st.none() | st.tuples(counts, counts),
    p_defect=st.none() | shares,
    probability=st.none() | shares,
    fold_score=st.none() | shares,
    verdict=st.sampled_from([None, "pass", "review", "reject"]),
    reason=any_text,
    flags=st.lists(any_text, max_size=3).map(tuple),
    runs=st.tuples(some_runs(), some_runs()) | st.just(()),
    regions=some_regions,
    error=st.none() | any_text,
    seconds=st.floats(0, 1e6),
    doubt=shares,
    has_image=st.booleans(),
    has_maps=st.booleans(),
    arrival=st.none() | arrivals,
    suspected=some_regions,
    suspected_runs=st.tuples(some_runs(), some_runs()) | st.just(()),
)


def is_known(log: Any, arrival: Any) -> Any:
    """Whether a watched file was inspected before."""
    stamp = (arrival.name, arrival.size, arrival.modified_ns)
    return stamp in known_files(log, arrival.folder, [arrival.name])
