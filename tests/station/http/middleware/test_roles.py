"""Who may do what: every route has its least role, and nothing goes by another way."""

from typing import Any

import pytest
from helpers.serving import IMAGES, make_judging_inspector, send, served

from steelsight.station.http.middleware.roles import least_role
from steelsight.station.http.middleware.security import Access
from steelsight.station.log.verify import verify_log
from steelsight.station.people import ROLES, Person, hash_of

TOKENS: dict[str, str] = {role: f"token-of-the-{role}" for role in ROLES}
PEOPLE = tuple(Person(name=role.title(), role=role, sha256=hash_of(token)) for role, token in TOKENS.items())
GUARDED = ("/api", "/metrics")
EXPECTED = {
    "operator": {
        "GET /metrics",
        "GET /api/v1/inspector",
        "GET /api/v1/samples/{name}",
        "POST /api/v1/inspections",
        "GET /api/v1/inspections",
        "GET /api/v1/inspections/{id}",
        "GET /api/v1/inspections/{id}/image",
        "GET /api/v1/inspections/{id}/mask.png",
        "GET /api/v1/inspections/{id}/overlay.png",
        "GET /api/v1/inspections/{id}/region",
        "GET /api/v1/inspections/{id}/maps/{number}.png",
        "GET /api/v1/inspections/{id}/reviews",
        "GET /api/v1/statistics",
        "GET /api/v1/drift",
        "GET /api/v1/corrections",
        "GET /api/v1/audit",
    },
    "reviewer": {"POST /api/v1/inspections/{id}/reviews"},
    "owner": {
        "GET /api/v1/log.csv",
        "GET /api/v1/log.parquet",
        "GET /api/v1/corrections.zip",
        "GET /api/v1/audit.jsonl",
    },
}


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A station whose people have names, and its client; one image is in the log."""
    folder = make_judging_inspector(tmp_path_factory.mktemp("made") / "inspector")
    with served(folder, tmp_path_factory.mktemp("station"), Access(people=PEOPLE)) as (station, client):
        assert send(client, IMAGES[0], headers=carrying("operator")).status_code == 200
        yield station, client


def carrying(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[role]}"}


def routes(client: Any) -> set[str]:
    paths = client.get("/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path}" for path, methods in paths.items() if path.startswith(GUARDED) for method in methods
    }


def test_every_route_has_the_role_that_is_written_here(at_work: Any) -> None:
    """A new route needs a line; until then it takes an owner."""
    found = routes(at_work[1])
    assert found == set().union(*EXPECTED.values())
    for role, expected in EXPECTED.items():
        assert {one for one in found if least_role(*asked(one)) == role} == expected


def asked(route: str) -> tuple[str, str]:
    method, path = route.split()
    return method, path.replace("{id}", "1").replace("{number}", "1").replace("{name}", "1.jpg")


@pytest.mark.parametrize("route", sorted(set().union(*EXPECTED.values())))
def test_who_has_less_is_refused_and_who_has_enough_is_not(at_work: Any, route: str) -> None:
    method, path = asked(route)
    least = next(role for role, expected in EXPECTED.items() if route in expected)
    for role in ROLES:
        status = at_work[1].request(method, path, headers=carrying(role)).status_code
        assert (status == 403) == (ROLES.index(role) < ROLES.index(least)), (role, status)
        assert status != 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
def test_what_no_line_tells_of_takes_an_owner(at_work: Any, method: str) -> None:
    assert at_work[1].request(method, "/api/v1/inspections/1", headers=carrying("reviewer")).status_code == 403
    assert at_work[1].request(method, "/api/v1/inspections/1", headers=carrying("owner")).status_code == 405


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer nobody",
        "Basic token-of-the-owner",
        PEOPLE[2].sha256,
        "Bearer \xff",
    ],
)
def test_a_token_of_nobody_is_refused(at_work: Any, given: Any) -> None:
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    assert at_work[1].get("/api/v1/inspector", headers=headers).status_code == 401


def test_a_hash_is_no_token(at_work: Any) -> None:
    """Or whoever reads the file could use it."""
    headers = {"Authorization": f"Bearer {PEOPLE[2].sha256}"}
    assert at_work[1].get("/api/v1/inspector", headers=headers).status_code == 401


def test_the_card_says_whose_token_asks(at_work: Any) -> None:
    said = at_work[1].get("/api/v1/inspector", headers=carrying("reviewer")).json()
    assert (said["needs_token"], said["person"]) == (True, {"name": "Reviewer", "role": "reviewer"})


def test_a_review_carries_the_name_of_the_token_and_is_in_the_trail(at_work: Any) -> None:
    client = at_work[1]
    path = "/api/v1/inspections/1/reviews"
    before = len(client.get(path, headers=carrying("owner")).json()["reviews"])
    body = {"after_version": before, "agrees": True, "word": "pass", "reviewer": "The Director", "comment": ""}
    said = client.post(path, json=body, headers=carrying("reviewer"))
    assert said.status_code == 200, said.text
    assert said.json()["reviewer"] == "Reviewer"
    lines = client.get("/api/v1/audit.jsonl", headers=carrying("owner")).text.splitlines()
    told = [line for line in lines if '"kind": "review"' in line]
    assert '"who": "Reviewer", "role": "reviewer"' in told[-1]
    assert "The Director" not in "".join(lines)


def test_what_is_taken_away_is_in_the_trail_and_the_head_is_given_out(at_work: Any) -> None:
    station, client = at_work
    assert client.get("/api/v1/log.csv", headers=carrying("owner")).status_code == 200
    found = verify_log(station.log)
    said = client.get("/api/v1/audit", headers=carrying("operator")).json()
    assert (said["entries"], said["head"]) == (found.entries, found.head)
    last = client.get("/api/v1/audit.jsonl", headers=carrying("owner")).text.splitlines()
    assert any('\\"what\\":\\"log.csv\\"' in line and '"who": "Owner"' in line for line in last)


def test_what_is_refused_is_not_in_the_trail_as_taken_away(tmp_path: Any, at_work: Any) -> None:
    with served(at_work[0].inspector.folder, tmp_path / "data", Access(people=PEOPLE)) as (station, client):
        before = verify_log(station.log).entries
        assert client.get("/api/v1/corrections.zip", headers=carrying("owner")).status_code == 404
        for name in ("log.csv", "log.parquet", "audit.jsonl"):  # whose head alone is asked for
            assert client.head(f"/api/v1/{name}", headers=carrying("owner")).status_code == 200
        assert client.head("/api/v1/corrections.zip", headers=carrying("owner")).status_code == 404
        assert verify_log(station.log).entries == before
        assert client.get("/api/v1/log.csv", headers=carrying("owner")).status_code == 200
        assert verify_log(station.log).entries == before + 1


def test_the_trail_says_which_inspector_judges_and_by_which_rule(at_work: Any) -> None:
    station, client = at_work
    lines = client.get("/api/v1/audit.jsonl", headers=carrying("owner")).text.splitlines()
    told = next(line for line in lines if '"kind": "inspector"' in line)
    assert station.fingerprint in told
    assert '\\"gate\\":0.05' in told
    assert '\\"pass_at\\":0.2' in told


def test_one_token_for_all_may_do_all_and_reviews_under_the_name_that_is_said(tmp_path: Any, at_work: Any) -> None:
    token = "0123456789abcdef-secret"
    folder = at_work[0].inspector.folder
    with served(folder, tmp_path / "data", Access(token)) as (_, client):
        client.headers["Authorization"] = f"bearer {token}"
        assert send(client, IMAGES[0]).status_code == 200
        body = {"after_version": 0, "agrees": True, "word": "pass", "reviewer": "Carl"}
        said = client.post("/api/v1/inspections/1/reviews", json=body).json()
        assert said["reviewer"] == "Carl"
        assert client.get("/api/v1/log.csv").status_code == 200
        assert client.get("/api/v1/inspector").json()["person"] is None
