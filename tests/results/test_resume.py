"""Going on after a run was stopped: wherever it stopped, the end is the same, byte for byte."""

import errno
import fcntl
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.policies import make_policy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import Source, find_sources
from steelsight.core.errors import UserError
from steelsight.imaging.object_store import StoredObject
from steelsight.imaging.preprocess import Preprocess
from steelsight.results.writer import ResultWriter
from steelsight.rule.rule import Rule

PREPROCESS = Preprocess(height=64, width=416)
RULE = Rule(gate=0.3, upper=(150, 230), lower=(120, 200), min_area=(800, 400))
CLASSES = ("bright", 'dark, "very"')
NAMES = ("plain.jpg", "with, comma.jpg", "two\nlines.jpg", 'quo"te.jpg', "gone.jpg", "carriage\r.jpg", "ä.jpg")
BATCH = 4


@pytest.fixture(scope="module")
def judged() -> Any:
    """Strips under names that need care, and one that cannot be read."""
    paths = [source.path for source in find_sources([str(SAMPLE / "train_images")])]
    sources = [Source(f"{n:02}/{NAMES[n % len(NAMES)]}", paths[n]) for n in range(20)]
    sources = [replace(one, path=Path("gone.jpg")) if "gone" in one.image_id else one for one in sources]
    engine = Engine((BrightImage(PREPROCESS),), (BrightPixels(PREPROCESS),), CLASSES)
    rules = [{"verdict": "reject", "class": CLASSES[1]}]
    found = list(judge(sources, engine, RULE, policy=make_policy(0.25, 0.4, rules)))
    return {one.source.image_id: one for one in found}


def write(out: Any, judged: Any, stop_after: Any = None, sources: Any = None, told: Any = None, **options: Any) -> Any:
    """Write all that remains, or stop after some; the names that were judged. `told` is given why some are judged again."""
    sources = [one.source for one in judged.values()] if sources is None else sources
    options = {"batch": BATCH, "made_by": "a", **options}
    names: list[Any] = []
    try:
        with ResultWriter(out, CLASSES, sources, **options) as writer:
            if told is not None:
                told.append(writer.judged_again)
            for source in writer.remaining:
                if len(names) == stop_after:
                    raise KeyboardInterrupt
                names.append(source.image_id)
                writer.write(judged[source.image_id])
    except KeyboardInterrupt:
        pass
    return names


def content(folder: Any) -> Any:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, judged: Any) -> Any:
    out = tmp_path_factory.mktemp("whole")
    assert write(out, judged) == list(judged)
    return content(out)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, judged: Any) -> Any:
    """All is judged but the last batch."""
    out = tmp_path_factory.mktemp("stopped")
    write(out, judged, stop_after=len(judged) - 1)
    return content(out)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_partial_files_cut_anywhere_end_in_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, judged: Any, whole: Any, stopped: Any, data: Any
) -> None:
    out = tmp_path_factory.mktemp("cut")
    for name, text in stopped.items():
        length = len(text) if name.endswith(".json") else data.draw(st.integers(0, len(text)), label=name)
        (out / name).write_bytes(text[:length])
    done = write(out, judged, resume=True)
    assert content(out) == whole
    assert len(done) % BATCH == 0
    shutil.rmtree(out)


@given(stop=st.integers(0, 19), again=st.integers(0, 19))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_finished_is_not_judged_again(
    tmp_path_factory: pytest.TempPathFactory, judged: Any, whole: Any, stop: Any, again: Any
) -> None:
    out = tmp_path_factory.mktemp("twice")
    first = write(out, judged, stop_after=stop)
    kept = len(first) - len(first) % BATCH
    second = write(out, judged, stop_after=again, resume=True)
    assert second == list(judged)[kept:][: len(second)]
    write(out, judged, resume=True)
    assert content(out) == whole
    shutil.rmtree(out)


def test_counts_are_those_of_all_images(tmp_path: Path, judged: Any) -> None:
    write(tmp_path, judged, stop_after=13)
    sources = [one.source for one in judged.values()]
    with ResultWriter(tmp_path, CLASSES, sources, batch=BATCH, made_by="a", resume=True) as writer:
        assert writer.tally.images == 12
        for source in writer.remaining:
            writer.write(judged[source.image_id])
    assert writer.tally.images == len(judged)
    assert writer.tally.defective == sum(one.is_defective for one in judged.values()) > 0
    answers = [one.verdict.answer for one in judged.values()]
    assert writer.tally.verdicts == {answer: answers.count(answer) for answer in ("pass", "review", "reject")}
    assert min(writer.tally.verdicts.values()) > 0
    assert writer.tally.unreadable == [(name, one.error) for name, one in judged.items() if one.error is not None]


@pytest.mark.parametrize("absent", [slice(18, 20), slice(0, 3), slice(1, 20, 3)])
def test_the_images_may_have_become_more_anywhere_in_the_list(
    tmp_path: Path, judged: Any, whole: Any, absent: Any
) -> None:
    sources = [one.source for one in judged.values()]
    new = sources[absent]
    fewer = [one for one in sources if one not in new]
    write(tmp_path, judged, sources=fewer, stop_after=9)
    done = write(tmp_path, judged, resume=True)
    assert set(done) >= {one.image_id for one in new}
    assert len(done) == len(judged) - 8
    assert content(tmp_path) == whole


def test_the_images_may_have_become_fewer_or_others(tmp_path: Path, judged: Any) -> None:
    sources = [one.source for one in judged.values()]
    write(tmp_path / "a", judged, sources=sources[:12], stop_after=11)
    done = write(tmp_path / "a", judged, sources=sources[:2:-1], resume=True)
    assert len(done) == 17 - 5
    write(tmp_path / "b", judged, sources=sources[:2:-1])
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_a_name_that_reads_as_the_escape_of_another_is_another_image(tmp_path: Path, judged: Any) -> None:
    one = next(iter(judged.values()))
    alike = {name: replace(one, source=replace(one.source, image_id=name)) for name in ("a\n.jpg", r"a\x0a.jpg")}
    assert write(tmp_path, alike, batch=1, stop_after=1) == ["a\n.jpg"]
    assert write(tmp_path, alike, batch=1, resume=True) == [r"a\x0a.jpg"]


def copied(judged: Any, folder: Path, contents: Any) -> Any:
    """The images as files of another folder under the same names, with what `contents` says, judged anew."""
    sources = []
    for place, one in enumerate(judged.values()):
        path = folder / f"{place:06}.jpg"
        if one.image is not None:
            path.write_bytes(contents(place, one.source.path))
        sources.append(Source(one.source.image_id, path))
    engine = Engine((BrightImage(PREPROCESS),), (BrightPixels(PREPROCESS),), CLASSES)
    rules = [{"verdict": "reject", "class": CLASSES[1]}]
    return {one.source.image_id: one for one in judge(sources, engine, RULE, policy=make_policy(0.25, 0.4, rules))}


def test_other_images_under_the_names_of_finished_ones_are_judged(tmp_path: Path, judged: Any) -> None:
    """A camera that counts from 000001.jpg every day; one file may keep its place and change, too."""
    days = [tmp_path / "day1", tmp_path / "day2"]
    images = [one.source.path.read_bytes() for one in judged.values() if one.image is not None]
    for day in days:
        day.mkdir()
    first = copied(judged, days[0], lambda place, path: path.read_bytes())
    second = copied(judged, days[1], lambda place, path: images[(place + 7) % len(images)])
    write(tmp_path / "out", first, stop_after=16)
    told: list[Any] = []
    assert write(tmp_path / "out", second, resume=True, told=told) == list(judged)
    assert told == [
        f"{days[1] / '000000.jpg'}: not the file that was judged under this name; it is judged again, with what was judged "
        "after it"
    ]
    write(tmp_path / "whole", second)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_file_that_was_written_again_since_is_judged_again_and_copies_are_not(tmp_path: Path, judged: Any) -> None:
    days = [tmp_path / "line", tmp_path / "copy"]
    for day in days:
        day.mkdir()
    first = copied(judged, days[0], lambda place, path: path.read_bytes())
    write(tmp_path / "out", first, stop_after=16)
    again = copied(judged, days[0], lambda place, path: path.read_bytes() + b"0" * (place == 9))
    told: list[Any] = []
    assert write(tmp_path / "out", again, resume=True, stop_after=4, told=told) == list(judged)[8:12]
    assert told[0].startswith(f"{days[0] / '000009.jpg'}: not the file that was judged")
    elsewhere = copied(judged, days[1], lambda place, path: path.read_bytes() + b"0" * (place == 9))
    assert write(tmp_path / "out", elsewhere, resume=True) == list(judged)[4:]  # the one that is missing says where
    write(tmp_path / "whole", elsewhere)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_unfinished_tables_that_do_not_say_of_which_files_they_are_start_over(
    tmp_path: Path, judged: Any, whole: Any
) -> None:
    write(tmp_path, judged, stop_after=9)
    (tmp_path / "contents.partial.csv").unlink()
    told: list[Any] = []
    assert write(tmp_path, judged, resume=True, told=told) == list(judged)
    (said,) = told
    assert said.startswith(f"{tmp_path / 'contents.partial.csv'}: missing, as an older steelsight leaves it")
    assert said.endswith("all images are judged again")
    assert content(tmp_path) == whole
    write(tmp_path, judged, resume=True, told=told)
    assert told[1] is None


def test_a_store_that_does_not_answer_leaves_what_is_finished(
    tmp_path: Path, judged: Any, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the plain install reads no object store")

    def broken(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "cat_file", broken)
    write(tmp_path, judged, stop_after=9)
    before = content(tmp_path)
    lost = [
        replace(one.source, path=StoredObject(f"memory://line/{place}.jpg"))
        for place, one in enumerate(judged.values())
    ]
    with pytest.raises(UserError, match="does not answer"):
        write(tmp_path, judged, resume=True, sources=lost)
    assert content(tmp_path) == before
    assert write(tmp_path, judged, resume=True) == list(judged)[8:]
    assert content(tmp_path) == whole


def test_a_picture_that_is_gone_is_made_again(tmp_path: Path, judged: Any) -> None:
    write(tmp_path / "cut", judged, stop_after=16, masks=True, overlays=True)
    sorted((tmp_path / "cut" / "overlays").rglob("*.jpg"))[9].unlink()
    done = write(tmp_path / "cut", judged, resume=True, masks=True, overlays=True)
    assert 8 < len(done) < len(judged)
    write(tmp_path / "whole", judged, masks=True, overlays=True)
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_a_picture_that_would_now_have_another_name_is_made_again(tmp_path: Path, judged: Any) -> None:
    one = next(one for one in judged.values() if one.is_defective)
    both = {name: replace(one, source=Source(name, Path(name))) for name in ("a.jpg", "a.png")}
    sources = [both["a.jpg"].source, Source("gone.jpg", Path("gone.jpg"))]
    assert write(tmp_path, both, stop_after=1, sources=sources, masks=True, batch=1) == ["a.jpg"]
    assert write(tmp_path, both, masks=True, batch=1, resume=True) == ["a.jpg", "a.png"]
    assert {"masks/a.jpg.png", "masks/a.png.png"} <= set(content(tmp_path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"made_by": "b"}, "made by other networks, another rule or another policy"),
        ({"layout": "wide"}, "made with `layout=long`, now it is wide"),
        ({"class_ids": "numbers"}, "made with `class_ids=data`, now it is numbers"),
        ({"masks": True}, "made with `masks=off`, now it is on"),
        ({"options": {"folds": "0"}}, "made with `folds=none`, now it is 0"),
    ],
)
def test_resuming_with_something_else_is_refused_and_changes_nothing(
    tmp_path: Path, judged: Any, change: Any, words: str
) -> None:
    write(tmp_path, judged, stop_after=5)
    before = content(tmp_path)
    with pytest.raises(UserError, match=words) as refused:
        write(tmp_path, judged, resume=True, **change)
    assert str(refused.value).startswith(str(tmp_path / "run.partial.json"))
    assert "leave out `resume=`" in str(refused.value)
    assert content(tmp_path) == before


def test_resuming_with_another_version_is_refused(tmp_path: Path, judged: Any) -> None:
    write(tmp_path, judged, stop_after=5)
    record = tmp_path / "run.partial.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "steelsight": "0.0.1"}))
    with pytest.raises(UserError, match=r"made by steelsight 0\.0\.1"):
        write(tmp_path, judged, resume=True)


def test_a_record_whose_parameters_are_called_as_options_is_gone_on_with(tmp_path: Path, judged: Any) -> None:
    """As it was written before messages named parameters."""
    write(tmp_path, judged, stop_after=5, options={"folds": "0"})
    record = tmp_path / "run.partial.json"
    written = json.loads(record.read_text())
    written["options"] = {f"--{name.replace('_', '-')}": value for name, value in written["options"].items()}
    assert "--class-ids" in written["options"]
    record.write_text(json.dumps(written))
    with pytest.raises(UserError, match="made with `folds=0`, now it is 1"):
        write(tmp_path, judged, resume=True, options={"folds": "1"})
    assert write(tmp_path, judged, resume=True, options={"folds": "0"}) == list(judged)[4:]


@pytest.mark.parametrize("schema", [1, 2])
def test_resuming_tables_of_before_there_were_these_columns_is_refused(
    tmp_path: Path, judged: Any, schema: int
) -> None:
    write(tmp_path, judged, stop_after=5)
    record = tmp_path / "run.partial.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "schema_version": schema}))
    before = content(tmp_path)
    with pytest.raises(UserError, match=r"made by a steelsight whose tables have other columns; leave out `resume=`"):
        write(tmp_path, judged, resume=True)
    assert content(tmp_path) == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"made_by": 3}', "\udcff"])
def test_a_damaged_record_is_one_sentence(tmp_path: Path, judged: Any, text: str) -> None:
    write(tmp_path, judged, stop_after=5)
    (tmp_path / "run.partial.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match="does not say what"):
        write(tmp_path, judged, resume=True)
    assert write(tmp_path, judged) == list(judged)


def test_without_anything_there_resuming_is_starting(tmp_path: Path, judged: Any, whole: Any) -> None:
    assert write(tmp_path, judged, resume=True) == list(judged)
    assert content(tmp_path) == whole
    (tmp_path / "images.partial.csv").write_text("of unknown origin")
    assert write(tmp_path, judged, resume=True) == list(judged)
    assert content(tmp_path) == whole


def test_without_resume_a_run_starts_over(tmp_path: Path, judged: Any, whole: Any) -> None:
    write(tmp_path, judged, stop_after=9, made_by="b", layout="wide")
    assert write(tmp_path, judged) == list(judged)
    assert content(tmp_path) == whole


def test_what_a_kill_left_half_written_is_swept(tmp_path: Path, judged: Any, whole: Any) -> None:
    write(tmp_path, judged, stop_after=9, masks=True)
    left = tmp_path / "masks" / "00" / ".plain.4711.part.png"
    left.write_bytes(b"half")
    (tmp_path / ".images.4711.part.csv").write_bytes(b"half")
    (tmp_path / "masks" / ".own.png").write_bytes(b"not ours")
    write(tmp_path, judged, resume=True, masks=True)
    assert {name: text for name, text in content(tmp_path).items() if "masks" not in name} == whole
    assert not left.exists()
    assert (tmp_path / "masks" / ".own.png").exists()


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_run_into_a_folder_is_refused_and_touches_nothing(
    tmp_path: Path, judged: Any, whole: Any, resume: bool
) -> None:
    def second() -> None:
        before = content(tmp_path)
        assert before[".results.lock"] == b""
        with pytest.raises(UserError) as refused:
            write(tmp_path, judged, resume=resume)
        said = "another run writes its results here; wait for it or end it, or give another `out=`"
        assert str(refused.value) == f"{tmp_path}: {said}"
        assert content(tmp_path) == before

    sources = [one.source for one in judged.values()]
    write_while(second, ResultWriter(tmp_path, CLASSES, sources, made_by="a"), judged)
    assert content(tmp_path) == whole
    assert write(tmp_path, judged, stop_after=3) == list(judged)[:3]
    assert write(tmp_path, judged, resume=True) == list(judged)
    assert content(tmp_path) == whole


def test_a_run_that_waited_goes_on_with_nothing_of_what_came_between(tmp_path: Path, judged: Any) -> None:
    """The folder is looked at again once it is had."""
    write(tmp_path, judged, stop_after=9)
    waiting = ResultWriter(tmp_path, CLASSES, [one.source for one in judged.values()], made_by="a", resume=True)
    write(tmp_path, judged, stop_after=9, made_by="b")
    before = content(tmp_path)
    with pytest.raises(UserError, match="made by other networks"):
        waiting.__enter__()
    assert content(tmp_path) == before
    assert write(tmp_path, judged, made_by="b", resume=True) == list(judged)[8:]


def test_two_runs_into_one_folder_are_noticed_where_a_file_system_has_no_locks(
    tmp_path: Path, judged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    sources = [one.source for one in judged.values()]
    with pytest.raises(UserError, match="another run may have the same `out=`"):
        write_while(lambda: write(tmp_path, judged, stop_after=3), ResultWriter(tmp_path, CLASSES, sources), judged)
    assert not (tmp_path / "images.csv").exists()


def write_while(other: Any, writer: Any, judged: Any) -> None:
    with writer:
        for number, one in enumerate(judged.values()):
            writer.write(one)
            if number == 9:
                other()
