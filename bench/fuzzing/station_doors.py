"""The station's readers: names of files, watched folders, logs, corrections, and requests over HTTP without a socket."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fuzzing import seeds
from fuzzing.damage import damaged_bytes
from fuzzing.folders import Files, read_files, write_files
from fuzzing.odd import TEXTS, Draw
from fuzzing.reader import ENCODINGS, Reader
from fuzzing.verbs import FailureError, verb

_CPU = ("--device", "cpu", "--threads", "1")
_QUICK = ("--once", "--settle", "0", "--patience", "0", "--poll", "0.05")
_LISTS = ("inspections", "log.csv", "log.parquet", "statistics", "drift", "inspector", "corrections", "corrections.zip")


def names(work: Path) -> Reader:
    """Images of any name and kind, in a folder that is inspected with masks, overlays and labels."""
    inspector = _inspector(work)
    files = seeds.pictures_of_strips(1) | {
        "a.png": seeds.pictures()["png"]["colour.png"],
        "sub/b.bmp": seeds.pictures()["bmp"]["grey.bmp"],
    }

    def enter(draw: Draw, folder: Path) -> bool:
        out = draw.one((folder.parent / f"out{os.urandom(4).hex()}", folder / "out", folder / "a.png" / "sub"))
        more = [word for word in ("--masks", "--overlays", "--json") if draw.often(0.4)]
        if draw.often(0.3):
            more += ["--labels", draw.one(("labelme", "cvat", "coco"))]
        given, stdin = [str(folder)], b""
        if draw.often(0.2):
            given, stdin = ["-"], b"\n".join(os.fsencode(one) for one in folder.rglob("*")) + draw.some_bytes()
        elif draw.often(0.2):
            given = [f"{folder}/{draw.one(('*', '**', '[', '*.png', '?', 'a.png'))}"]
        return verb("inspect", inspector, *given, "--out", out, *_CPU, *more, encoding=draw.one(ENCODINGS), stdin=stdin)

    return Reader("names", {"names": files}, enter)


def watch(work: Path) -> Reader:
    inspector = _inspector(work)
    files = seeds.pictures_of_strips(1) | {
        "a.png": seeds.pictures()["png"]["grey.png"],
        "sub/b.jpg": seeds.pictures()["jpeg"]["grey.jpg"],
    }

    def enter(draw: Draw, folder: Path) -> bool:
        data, out = (folder.parent / f"{name}{os.urandom(4).hex()}" for name in ("data", "out"))
        more: list[str | Path] = [word for word in ("--below", "--json") if draw.often(0.5)]
        if draw.often(0.3):
            more += ["--move", draw.one((folder / "done", folder.parent / f"done{os.urandom(4).hex()}"))]
        words = ("watch", inspector, folder, "--data", data, "--out", out, *_CPU, *_QUICK, *more)
        done = verb(*words, encoding=draw.one(ENCODINGS))
        return verb(*words) or done if draw.often(0.3) else done

    return Reader("watch", {"watch": files}, enter)


def log(work: Path) -> Reader:
    """A station's folder of which the log is damaged most often."""
    inspector = _inspector(work)
    folder = work / "log-images"
    write_files(folder, seeds.pictures_of_strips(3))
    data = work / "log-data"
    verb("watch", inspector, folder, "--data", data, *_CPU, *_QUICK)
    _settle(data)

    def enter(draw: Draw, folder: Path) -> bool:
        out = folder.parent / f"out{os.urandom(4).hex()}"
        match draw.whole(0, 5):
            case 0:
                return verb("log", "export", "--data", folder, "--out", f"{out}.csv")
            case 1:
                return verb("log", "export", "--data", folder, "--out", f"{out}.parquet")
            case 2:
                return verb("log", "corrections", "--data", folder, "--out", out)
            case 3:
                return verb(
                    "log", "prune", "--data", folder, "--keep-days", draw.one(("0.001", "1", "36500")), "--json"
                )
            case 4:
                return verb("log", "adopt", "--data", folder)
            case _:
                return verb("watch", inspector, work / "log-images", "--data", folder, "--out", out, *_CPU, *_QUICK)

    return Reader("log", {"log": read_files(data)}, enter, only=(".sqlite", ".json"))


def corrections(work: Path) -> Reader:
    """What `log corrections` wrote, as a folder and as the zip that the page gives."""
    data, out = work / "reviewed", work / "corrections"
    with _client(work, data) as client:
        for number in (1, 2):
            review = {"after_version": 0, "agrees": False, "word": "reject", "runs": {"bright": f"{number * 7} 40"}}
            answer = client.post(f"/api/v1/inspections/{number}/reviews", json=review)
            if answer.status_code >= 300:
                raise SystemExit(answer.text)
        packed = client.get("/api/v1/corrections.zip")
    verb("log", "corrections", "--data", data, "--out", out)
    files = read_files(out)

    def enter(draw: Draw, folder: Path) -> bool:
        if draw.often(0.1):
            (folder / "corrections.zip").write_bytes(packed.content)
            return verb("data", "check", folder / "corrections.zip")
        return verb("data", "check", folder, *(["--json"] if draw.often(0.5) else []))

    return Reader("corrections", {"corrections": files}, enter)


def http(work: Path) -> Reader:
    """Requests of every route with odd paths, parameters, heads and bodies, at one station that stays open."""
    data = work / "served"
    client = _client(work, data).__enter__()  # it lasts as long as the process
    strips = seeds.pictures_of_strips(2)
    review = {
        "after_version": 0,
        "agrees": False,
        "word": "reject",
        "runs": {"bright": "7 40"},
        "reviewer": "a",
        "comment": "b",
    }
    files: Files = {**strips, "review.json": json.dumps(review).encode()}

    def enter(draw: Draw, folder: Path) -> bool:
        answer = _ask(draw, client, [path for path in sorted(folder.rglob("*")) if path.is_file()])
        if answer.status_code >= 500:
            raise FailureError(
                f"{answer.status_code} {answer.request.method} {answer.request.url}: {answer.text[:300]}"
            )
        if answer.status_code >= 400 and answer.request.method != "HEAD" and not answer.json()["detail"]:
            raise FailureError(f"refused without a word: {answer.status_code}")
        return bool(answer.status_code < 400)

    return Reader("http", {"http": files}, enter)


def _ask(draw: Draw, client: Any, files: list[Path]) -> Any:
    root = "/api/v1"
    number = draw.one(("1", "2", "0", "-1", "999999", "9" * 30, "x", "1.5", "%00", "1/../2"))
    match draw.whole(0, 9):
        case 0 | 1:
            parts = [
                ("files", (draw.one((path.name, *TEXTS)).encode("utf-8", "replace").decode(), path.read_bytes()))
                for path in files[:3]
                if path.suffix != ".json"
            ]
            return client.post(
                f"{root}/inspections",
                params={"door": draw.one(("http", "page", "watch", ""))},
                files=parts or [("files", ("a", b"x"))],
            )
        case 2:
            form = (
                b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
                + draw.some_bytes()
                + b"\r\n--x--\r\n"
            )
            kind = draw.one(
                (
                    "multipart/form-data; boundary=x",
                    "multipart/form-data",
                    "image/jpeg",
                    'multipart/form-data; boundary="',
                    "",
                )
            )
            return client.post(f"{root}/inspections", content=damaged_bytes(draw, form), headers={"content-type": kind})
        case 3 | 4:
            body = next((path.read_bytes() for path in files if path.suffix == ".json"), b"{}")
            kind = draw.one(("application/json",) * 5 + ("text/plain",))
            return client.post(
                f"{root}/inspections/{quote(number, safe='/%')}/reviews", content=body, headers={"content-type": kind}
            )
        case 5:
            keys = (
                "verdict",
                "name",
                "since",
                "until",
                "class",
                "inspector",
                "door",
                "reviewed",
                "flagged",
                "order",
                "limit",
                "cursor",
                "x",
            )
            given = {
                draw.one(keys): draw.one((draw.text(), str(draw.number()), "2026-01-01", "newest", "pass")).encode(
                    "utf-8", "replace"
                )
                for _ in range(draw.whole(0, 4))
            }
            return client.get(
                f"{root}/{draw.one(_LISTS)}",
                params=given,
            )
        case 6 | 7:
            what = draw.one(
                (
                    "",
                    "/image",
                    "/mask.png",
                    "/overlay.png",
                    "/maps/1.png",
                    "/maps/0.png",
                    "/maps/99999999999.png",
                    "/reviews",
                    "/x",
                )
            )
            return client.get(
                f"{root}/inspections/{quote(number, safe='/%')}{what}",
                params={"review": number} if draw.often(0.3) else {},
            )
        case 8:
            method = draw.one(("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "POST", "TRACE"))
            place = draw.one(
                (
                    "/",
                    "/static/x",
                    "/static/../app.py",
                    "/static/%2e%2e/app.py",
                    "/healthz",
                    "/readyz",
                    "/metrics",
                    "/openapi.json",
                    f"{root}/samples/..",
                    "//x",
                )
            )
            return client.request(method, place)
        case _:
            head = {
                draw.one(
                    ("range", "if-none-match", "accept", "origin", "host", "content-length", "authorization", "x")
                ): draw.one(("", "x", "bytes=0-", "*", "-1", "null"))
            }
            return client.get(draw.one((f"{root}/inspections/1/image", "/", f"{root}/inspections")), headers=head)


def _client(work: Path, data: Path) -> Any:
    """A client of a station in this process, which has three images in its log."""
    from starlette.testclient import TestClient

    from steelsight.station.http.app import create_app
    from steelsight.station.settings import StationSettings
    from steelsight.station.station import Station

    shutil.rmtree(data, ignore_errors=True)
    station = Station.open(_inspector(work), StationSettings(data=data, name="line"), device="cpu", threads=1)
    client = TestClient(
        create_app(station), base_url="http://127.0.0.1:8000", client=("127.0.0.1", 5000), raise_server_exceptions=True
    )
    leave: Callable[..., None] = client.__exit__

    def leave_both(*given: Any) -> None:
        leave(*given)
        station.close()

    client.__exit__ = leave_both  # type: ignore[method-assign]
    parts = [("files", (name, content)) for name, content in seeds.pictures_of_strips(3).items()]
    answer = client.post("/api/v1/inspections", files=parts)
    if answer.status_code != 200:
        raise SystemExit(answer.text)
    return client


def _inspector(work: Path) -> Path:
    folder = work / "inspector"
    if not folder.is_dir():
        write_files(folder, seeds.inspector())
    return folder


def _settle(data: Path) -> None:
    """All of a log in its one file, so that damage to that file is damage to the log."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(data / "log.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
