"""Images in over a real socket, and the same out that the inspector says."""

import hashlib
import socket
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from helpers.pictures import stored_for, turned_jpeg, turned_png
from helpers.rings import filled
from helpers.serving import IMAGES, send, served, wait_until
from httpx import Client

from steelsight.core.errors import UserError
from steelsight.imaging.rle import decode_runs, format_runs, parse_runs
from steelsight.inspector.inspector import Inspector
from steelsight.results.pictures import index_mask
from steelsight.station.http.middleware import limits
from steelsight.station.station import Station
from steelsight.station.store import ImageStore

FORM = "multipart/form-data; boundary=x"
HEAD = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'


def pixels(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)


def logged(client: Client) -> Any:
    return client.get("/api/v1/inspections", params={"limit": 1}).json()["inspections"][0]["id"]


def test_json_and_pictures_say_what_the_inspector_says(client: Client, inspector_folder: Path) -> None:
    answer = send(client, *IMAGES[:12], door="page")
    assert answer.status_code == 200, answer.text
    inspector = Inspector.open(inspector_folder, threads=1)
    verdicts, mapped, suspected = set(), 0, 0
    for said, path in zip(answer.json()["inspections"], IMAGES, strict=False):
        judged = inspector(path)
        verdicts.add(said["verdict"])
        assert (said["name"], said["door"], said["station"]) == (path.name, "page", "line 2")
        assert (said["verdict"], said["reason"]) == (judged.verdict.answer, judged.verdict.reason)
        assert said["p_defect"] == pytest.approx(judged.p_defect, abs=1e-6)
        assert list(said["runs"].values()) == [format_runs(runs) for runs in judged.runs]
        assert said["classes"] == {"bright": judged.runs[0].area, "dark": judged.runs[1].area}
        assert [region["area"] for region in said["regions"]] == [region.area for region in judged.regions]
        size = (said["height"], said["width"])
        for number, name in enumerate(("bright", "dark"), start=1):
            rings = [ring for region in said["regions"] if region["number"] == number for ring in region["polygons"]]
            drawn = filled([[tuple(corner) for corner in ring] for ring in rings], size)
            assert (drawn == decode_runs(parse_runs(said["runs"][name], size), size)).all()
        assert list(said["suspected_runs"].values()) == [
            format_runs(runs) for runs in judged.suspected_runs if said["suspected"]
        ]
        assert [region["area"] for region in said["suspected"]] == [region.area for region in judged.suspected]
        suspected += len(said["suspected"])
        for region in said["suspected"]:
            drawn = filled([[tuple(corner) for corner in ring] for ring in region["polygons"]], size)
            runs = parse_runs(said["suspected_runs"][region["class"]], size)
            assert drawn.sum() == region["area"] == (drawn & decode_runs(runs, size)).sum()
        url = f"/api/v1/inspections/{said['id']}"
        assert client.get(url).json() == said
        assert client.get(f"{url}/image").content == path.read_bytes()
        assert (pixels(client.get(f"{url}/mask.png")) == index_mask(judged.runs, size)).all()
        assert pixels(client.get(f"{url}/overlay.png")).shape[1] == size[1]
        found = client.get(f"{url}/maps/2.png")
        assert (found.status_code == 200) == said["has_maps"] == (judged.maps is not None)
        if judged.maps is None:
            assert "no network searched it" in found.json()["detail"]
        else:
            mapped += 1
            assert (pixels(found) == judged.maps[1]).all()
    assert verdicts == {"pass", "review", "reject"}
    assert 0 < mapped < 12
    assert suspected


def test_a_picture_that_the_browser_has_is_not_sent_again(client: Client) -> None:
    first = client.get("/api/v1/inspections/1/mask.png")
    again = client.get("/api/v1/inspections/1/mask.png", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"]
    assert client.get("/api/v1/inspections/2/mask.png").headers["etag"] != first.headers["etag"]


def test_a_browser_sees_8_bits_and_the_pixels_as_they_are_read(client: Client) -> None:
    """16 bit and EXIF orientations, of which a browser would turn some: here a quarter turn."""
    wide = (cv2.imread(str(IMAGES[0]), cv2.IMREAD_GRAYSCALE)[:64, :512].astype(np.uint16) << 8) + 77
    upright = IMAGES[0].read_bytes()
    turned = turned_jpeg(upright, 6)
    tiff = cv2.imencode(".tiff", wide)[1].tobytes()
    sent = [("files", ("deep.png", cv2.imencode(".png", wide)[1].tobytes())), ("files", ("turned.jpg", turned))]
    answer = client.post("/api/v1/inspections", files=[*sent, ("files", ("deep.tif", tiff))])
    assert answer.status_code == 200, answer.text
    assert [(one["height"], one["width"]) for one in answer.json()["inspections"]][1] == (1600, 256)
    deep, oriented, tiffed = (f"/api/v1/inspections/{one['id']}/image" for one in answer.json()["inspections"])
    for url in (deep, tiffed):
        assert client.get(url).headers["content-type"] == "image/png"
        assert (pixels(client.get(url)) == wide >> 8).all()
    shown = client.get(oriented)
    assert shown.headers["content-type"] == "image/png"
    assert b"eXIf" not in shown.content
    by_hand = np.rot90(cv2.imdecode(np.frombuffer(upright, np.uint8), cv2.IMREAD_GRAYSCALE), -1)
    np.testing.assert_array_equal(pixels(shown), by_hand)
    for of_it in ("mask.png", "overlay.png"):
        assert pixels(client.get(oriented.replace("/image", f"/{of_it}"))).shape[1] == 256
    again = client.post(
        "/api/v1/inspections", files=[("files", ("hand.png", cv2.imencode(".png", by_hand)[1].tobytes()))]
    )
    keys = ("p_defect", "verdict", "regions", "flags")
    one, other = answer.json()["inspections"][1], again.json()["inspections"][0]
    assert [one[key] for key in keys] == [other[key] for key in keys]


def test_the_eight_orientations_are_answered_like_the_picture_that_a_hand_has_turned(client: Client) -> None:
    seen = cv2.imread(str(IMAGES[0]), cv2.IMREAD_GRAYSCALE)[:, :640]
    files = [("files", (f"{number}.png", turned_png(stored_for(seen, number), number))) for number in range(1, 9)]
    by_hand = ("files", ("by_hand.png", cv2.imencode(".png", seen)[1].tobytes()))
    answer = client.post("/api/v1/inspections", files=[*files, by_hand])
    assert answer.status_code == 200, answer.text
    *turned, expected = answer.json()["inspections"]
    keys = ("height", "width", "p_defect", "verdict", "runs", "suspected_runs", "flags")
    assert [[one[key] for key in keys] for one in turned] == [[expected[key] for key in keys]] * 8
    for one in turned:
        np.testing.assert_array_equal(pixels(client.get(f"/api/v1/inspections/{one['id']}/image")), seen)


@pytest.mark.parametrize(
    ("query", "door"), [("", "http"), ("door=page", "page"), ("door=p%61ge", "page"), ("door=http&more=1", "http")]
)
def test_a_request_is_answered_alike_however_its_parameter_is_written(client: Client, query: Any, door: Any) -> None:
    counted = 'steelsight_requests_total{method="POST",route="/api/v1/inspections",status="200"} '

    def requests() -> float:
        return float(client.get("/metrics").text.partition(counted)[2].partition("\n")[0])

    files = [("files", (IMAGES[0].name, IMAGES[0].read_bytes()))]
    usual, before = send(client, IMAGES[0]).json()["inspections"][0], requests()
    said = client.post(f"/api/v1/inspections?{query}", files=files).json()["inspections"][0]
    own = {"id", "at", "seconds", "door"}
    assert {key: said[key] for key in said.keys() - own} == {key: usual[key] for key in usual.keys() - own}
    assert (said["door"], requests()) == (door, before + 1)


@pytest.mark.parametrize("query", ["door=watch", "door=", "door=http&door=watch"])
def test_a_door_that_is_none_is_refused(client: Client, query: str) -> None:
    answer = client.post(f"/api/v1/inspections?{query}", files=[("files", ("a.png", b""))])
    assert (answer.status_code, "door" in answer.json()["detail"]) == (422, True)


def test_of_a_request_with_a_file_that_is_no_image_nothing_is_inspected(client: Client) -> None:
    before = logged(client)
    broken = [("text.jpg", b"no image"), ("cut.jpg", IMAGES[0].read_bytes()[:9000]), ("empty.png", b"")]
    for name, content in broken:
        for good in ([], [("files", ("good.jpg", IMAGES[0].read_bytes()))]):
            answer = client.post("/api/v1/inspections", files=[*good, ("files", (name, content))])
            assert answer.status_code == 422, answer.text
            assert name in answer.json()["detail"]
    assert logged(client) == before


def test_what_is_too_much_is_refused_in_a_sentence_that_says_the_limit(inspector_folder: Path, tmp_path: Path) -> None:
    good = IMAGES[0].read_bytes()
    bomb = BytesIO(cv2.imencode(".png", np.zeros((2, 2), np.uint8))[1].tobytes()).getvalue()
    bomb = bomb[:16] + (60_000).to_bytes(4, "big") * 2 + bomb[24:]
    limited = {"max_bytes": 300_000, "max_pixels": 256 * 1600, "max_files": 8, "queue": 3}
    with served(inspector_folder, tmp_path, **limited) as (station, client):
        for files, status, words in (
            ([("large.jpg", bytes(300_001))], 413, "large.jpg: larger than 300000 bytes"),
            ([("bomb.png", bomb)], 413, "bomb.png: 60000 x 60000 pixels exceed"),
            ([("good.jpg", good), ("bomb.png", bomb)], 413, "bomb.png: 60000 x 60000 pixels exceed"),
            ([("good.jpg", good)] * 4, 413, "more than 3 images"),
            ([("huge.jpg", bytes(5_000_000))], 413, "bytes"),
        ):
            answer = client.post("/api/v1/inspections", files=[("files", one) for one in files])
            assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
        assert station.log.get(1) is None
        assert station.accepted == 0
        assert send(client, *IMAGES[:3]).status_code == 200
        assert client.get("/api/v1/inspector").json()["limits"] == {**limited, "max_files": 3}


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"", "multipart/form-data", 422),
        (b"--x--\r\n", FORM, 422),
        (b"garbage", FORM, 422),
        (HEAD % b'files"; filename="a' + b"abc", FORM, 422),
        (HEAD % b"files" + b"abc\r\n--x--\r\n", FORM, 422),
        (HEAD % b'file"; filename="a' + b"abc\r\n--x--\r\n", FORM, 422),
    ],
)
def test_a_malformed_form_is_refused(client: Client, content: Any, kind: Any, status: Any) -> None:
    answer = client.post("/api/v1/inspections", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"detail"}


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        (b"filename=\"=?utf-8?B?TcO8aGxlLmpwZw==?=\"; filename*=utf-8''M%C3%BChle.jpg", "Mühle.jpg"),  # .NET
        (b"filename*=UTF-8'de'M%C3%BChle%3B.jpg", "Mühle;.jpg"),
        (b"FileName* = utf-8''a%00%E2%80%AE%FF.jpg; filename=b.jpg", "a\ufffd\ufffd\ufffd.jpg"),
        (b"filename=b.jpg; filename*=iso-8859-1''b.jpg", "b.jpg"),  # which of the two, versions of the parser differ in
        (b"filename=\"b.jpg; filename*=utf-8''a.jpg\"", "b.jpg; filename*=utf-8''a.jpg"),
        ("filename=Mühle.jpg".encode(), "Mühle.jpg"),
    ],
)
def test_a_name_beyond_ascii_is_taken_as_it_is_meant(client: Client, stated: bytes, name: str) -> None:
    head = b"--x\r\nContent-Disposition: form-data; name=files; " + stated + b"\r\n\r\n"
    form = head + IMAGES[0].read_bytes() + b"\r\n--x--\r\n"
    answer = client.post("/api/v1/inspections", content=form, headers={"Content-Type": FORM})
    assert answer.status_code == 200, answer.text
    assert answer.json()["inspections"][0]["name"] == name


def test_a_full_queue_answers_429_before_the_body_is_kept_and_takes_in_again(
    inspector_folder: Path, tmp_path: Path
) -> None:
    large = b"\xff\xd8" + bytes(20_000_000)
    with served(inspector_folder, tmp_path, queue=2) as (station, client):
        with station.admit(1):
            assert send(client, IMAGES[0], IMAGES[1]).status_code == 429
            with station.admit(1):
                answer = client.post("/api/v1/inspections", files={"files": ("large.jpg", large)})
                assert answer.status_code == 429
                assert int(answer.headers["retry-after"]) >= 1
                assert "2 images" in answer.json()["detail"]
        assert send(client, IMAGES[0], IMAGES[1]).status_code == 200
        assert "steelsight_refused_total 2.0" in client.get("/metrics").text


def test_whoever_sends_slowly_or_leaves_gives_the_place_back(
    inspector_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 0.2)
    head = b"POST /api/v1/inspections HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
    with served(inspector_folder, tmp_path, queue=1) as (station, client):
        address = (client.base_url.host, client.base_url.port)
        with socket.create_connection(address) as slow:
            slow.sendall(head)
            wait_until(lambda: station.accepted == 1)
            assert send(client, IMAGES[0]).status_code == 429
            slow.settimeout(20)
            assert slow.recv(1000).startswith(b"HTTP/1.1 408")
        wait_until(lambda: station.accepted == 0)
        with socket.create_connection(address) as leaving:
            leaving.sendall(head)
            wait_until(lambda: station.accepted == 1)
        wait_until(lambda: station.accepted == 0)
        assert send(client, IMAGES[0]).status_code == 200


def test_many_at_once_each_get_their_own(client: Client, inspector_folder: Path) -> None:
    inspector = Inspector.open(inspector_folder, threads=1)
    expected = {path.name: format_runs(inspector(path).runs[0]) for path in IMAGES[:8]}
    found, errors = {}, []

    def ask(path: Any) -> None:
        with httpx.Client(base_url=client.base_url, timeout=30) as own:
            answer = send(own, path)
            if answer.status_code == 200:
                (one,) = answer.json()["inspections"]
                found[path.name] = (one["name"], one["runs"]["bright"])
            else:
                errors.append(answer.text)

    threads = [threading.Thread(target=ask, args=(path,)) for path in IMAGES[:8]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert found == {name: (name, runs) for name, runs in expected.items()}


def test_where_one_of_several_cannot_be_kept_none_is_logged(
    inspector_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends them again would have some of them twice."""
    put, refused = ImageStore.put_image, hashlib.sha256(IMAGES[2].read_bytes()).hexdigest()

    def put_others(store: Any, sha256: Any, content: Any) -> None:
        if sha256 == refused:
            raise UserError("the disk is full")
        put(store, sha256, content)

    with served(inspector_folder, tmp_path) as (station, client):
        monkeypatch.setattr(ImageStore, "put_image", put_others)
        answer = send(client, *IMAGES[:5])
        assert answer.status_code == 503
        assert answer.json()["detail"].startswith("the station cannot keep or read results at present")
        assert send(client, IMAGES[5]).status_code == 200
        assert [one["name"] for one in client.get("/api/v1/inspections").json()["inspections"]] == [IMAGES[5].name]
        assert station.accepted == 0


def test_where_one_of_several_cannot_be_judged_none_is_logged(
    inspector_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, refused = Station._decode, IMAGES[2].name

    def decode_others(station: Any, incoming: Any) -> Any:
        if incoming.name == refused:
            raise MemoryError
        return decode(station, incoming)

    monkeypatch.setattr(Station, "_decode", decode_others)
    with served(inspector_folder, tmp_path) as (station, client):
        assert send(client, *IMAGES[:5]).status_code == 500
        assert send(client, IMAGES[5]).status_code == 200
        assert [one["name"] for one in client.get("/api/v1/inspections").json()["inspections"]] == [IMAGES[5].name]
        assert station.accepted == 0
