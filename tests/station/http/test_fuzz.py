"""Requests that no person would think of: from the OpenAPI description, and uploads of any kind.

STEELSIGHT_FUZZ=N makes N of each instead of a few.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from helpers.serving import IMAGES, SAMPLES, served
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

EXAMPLES = int(os.environ.get("STEELSIGHT_FUZZ", "0"))
ANY_HEALTH = list(HealthCheck)
ANSWERS = {200, 400, 408, 413, 415, 422, 429}
# 413: too much, before anything else is seen to be wrong.
REFUSED = ["400", "403", "404", "405", "409", "413", "415", "422", "429"]
CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSED}}})


@pytest.fixture(scope="module")
def victim(inspector_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A station alone in a folder of which everything is known."""
    root = tmp_path_factory.mktemp("victim")
    with served(inspector_folder, root / "data", max_bytes=200_000, max_pixels=1_000_000, max_files=4) as (_, client):
        client.post("/api/v1/inspections", files={"files": (IMAGES[0].name, IMAGES[0].read_bytes())})
        yield root, client


def some(few: Any) -> Any:
    """As many examples as are wanted."""
    return settings(max_examples=EXAMPLES or few, deadline=None, suppress_health_check=ANY_HEALTH, database=None)


def test_the_description_is_kept_to(victim: Any) -> None:
    """Status, type and content of every answer are as described, and what does not fit the description is refused."""
    _, client = victim
    described = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json", config=CONFIG)
    asked = []
    for operation in (found.ok() for found in described.get_all_operations()):
        for mode in GenerationMode:

            @some(1)
            @given(operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                # more is asked of a review or an image than a description can say
                case.call_and_validate(excluded_checks=[positive_data_acceptance])

            try:
                ask()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, operation.label  # nothing is given that could be wrong
        asked.append(operation.label)
    assert "POST /api/v1/inspections" in asked
    assert len(asked) == len(set(asked)) == 23


def pieces(name: Any, contents: Any) -> Any:
    """A part of a form, its head as broken as `name` makes it."""
    return st.builds(
        lambda field, name, content: (
            b'\r\n--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s' % (field, name, content)
        ),
        st.sampled_from([b"files", b"files", b"files", b"file", b"files[]", b""]),
        name,
        contents,
    )


JPEG, OTHER = IMAGES[0].read_bytes(), SAMPLES.joinpath("fresh01.jpg").read_bytes()
HEADS = [b"\x89PNG\r\n\x1a\n", b"BM", b"II*\x00", b"GIF89a", b"RIFF\0\0\0\0WEBP"]
SIZES = st.binary(min_size=8, max_size=8)
CONTENTS = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([JPEG, *HEADS, bytes(250_000)]),
    st.builds(lambda image, end: image[:end], st.sampled_from([JPEG, OTHER]), st.integers(0, 90_000)),
    st.builds(
        lambda at, junk: JPEG[:at] + junk + JPEG[at + len(junk) :], st.integers(0, 80_000), st.binary(max_size=40)
    ),
    st.builds(lambda size: HEADS[0] + b"\0\0\0\rIHDR" + size + b"\x08\0\0\0\0" + bytes(60), SIZES),
)
PATHS = [b"../../../escaped.jpg", b"/tmp/escaped.jpg", b"a/b/c.jpg", b"C:\\escaped.jpg", b"%2e%2e/escaped", b".", b".."]
UNFIT = [b"\xff\xfe", b"con", b"a\0b", b"\xed\xa0\x80", b"x" * 5000, b'"; name="other', b""]
NAMES = st.one_of(st.binary(max_size=40), st.sampled_from(PATHS), st.sampled_from(UNFIT))
BODIES = st.builds(
    lambda parts, end: b"".join(parts)[2:] + end,
    st.lists(pieces(NAMES, CONTENTS), max_size=6),
    st.sampled_from([b"\r\n--x--\r\n", b"\r\n--x--", b"\r\n--x", b"", b"\r\n\r\n", b"\r\n--x--\r\nmore"]),
)
FORM = "multipart/form-data; boundary=x"
OTHERS = ["multipart/form-data", "multipart/form-data; boundary=y", "multipart/mixed; boundary=x", f'{FORM[:-1]}"x', ""]
KINDS = st.sampled_from([*[FORM] * 6, *OTHERS])


def test_no_upload_breaks_the_station_or_leaves_its_folder(victim: Any) -> None:
    root, client = victim
    outside = set(root.parent.rglob("*escaped*"))

    @some(30)
    @given(BODIES, KINDS)
    def upload(body: Any, kind: Any) -> None:
        answer = client.post("/api/v1/inspections", content=body, headers={"Content-Type": kind})
        assert answer.status_code in ANSWERS, answer.text
        assert "Traceback" not in answer.text
        if answer.status_code != 200:
            assert set(answer.json()) == {"detail"}

    upload()
    assert set(root.parent.rglob("*escaped*")) == outside == set()
    assert [path.name for path in root.iterdir()] == ["data"]
    stored = {path.name for path in (root / "data").iterdir()}
    assert stored <= {"images", "maps", "station.json", "stations", "log.sqlite", "log.sqlite-wal", "log.sqlite-shm"}
    for path in (root / "data" / "images").rglob("*.*"):
        assert len(path.stem) == 64
    good = client.post("/api/v1/inspections", files={"files": (IMAGES[0].name, JPEG)})
    assert good.status_code == 200


def test_broken_http_is_refused_and_the_next_request_answered(victim: Any) -> None:
    _, client = victim

    @some(20)
    @given(
        st.binary(max_size=200),
        st.sampled_from([b"", b"GET ", b"POST /api/v1/inspections HTTP/1.1\r\nHost: 127.0.0.1\r\n"]),
    )
    def ask(junk: Any, head: Any) -> None:
        with socket.create_connection((client.base_url.host, client.base_url.port)) as raw:
            raw.sendall(head + junk + b"\r\n\r\n")
            raw.shutdown(socket.SHUT_WR)
            raw.settimeout(20)
            answer = raw.recv(100)
        assert not answer or answer.split()[1][:1] in (b"2", b"4"), answer

    ask()
    assert httpx.get(f"{client.base_url}/healthz").status_code == 200
