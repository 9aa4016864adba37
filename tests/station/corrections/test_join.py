"""The corrections, joined with the images that a mill trained on before."""

import csv
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from helpers.data import SAMPLE, SHARED, needs_shared, run_cli
from helpers.layout_writers import write_index_png
from helpers.reviewed import Station, a_picture
from hypothesis import example, given
from hypothesis import strategies as st

from steelsight.cli.log import corrections
from steelsight.core.errors import UserError
from steelsight.dataset.groups import read_groups
from steelsight.dataset.layouts.listing import is_safe_name
from steelsight.dataset.model import UNKNOWN
from steelsight.dataset.read import read_dataset
from steelsight.dataset.writers.file_names import free_name
from steelsight.imaging.read import image_size, is_image_name, list_images
from steelsight.imaging.rle import format_runs
from steelsight.station.corrections.export import NoCorrections
from steelsight.station.corrections.join import write_joined

STRIP = (256, 1600)
Masks = dict[str, dict[str, str]]


def masks_of(folder: Path) -> Masks:
    """Of each image the run lengths of the classes that it shows."""
    dataset = read_dataset(folder)
    assert not dataset.faults
    return {
        sample.image_id: {
            name: format_runs(runs) for name, runs in zip(dataset.classes, sample.runs, strict=True) if runs.area
        }
        for sample in dataset.samples
    }


def contents_of(folder: Path) -> dict[str, bytes]:
    return {sample.image_id: sample.path.read_bytes() for sample in read_dataset(folder, decode=False).samples}


def review(station: Station, path: Path, runs: Sequence[str]) -> int:
    number = station.inspect(path.read_bytes(), image_size(path), ("",) * len(runs), name=path.name)
    station.review(number, tuple(runs), "reject" if any(runs) else "pass")
    return number


def joined_name(station: Station, number: int) -> str:
    found = station.log.get(number)
    assert found is not None
    path = station.store.image_path(found.result.sha256)
    assert path is not None
    return f"corrections/{found.result.sha256[:16]}{path.suffix}"


def test_the_sample_and_its_corrections_are_one_dataset(tmp_path: Path) -> None:
    station = Station(tmp_path / "station", ("1", "2", "3", "4"))
    old = masks_of(SAMPLE)
    defective = next(name for name, masks in old.items() if set(masks) == {"3"})
    good = next(name for name, masks in old.items() if not masks)
    known = read_groups(str(SAMPLE / "groups.csv"), list(old))
    new = list_images(SAMPLE / "test_images")[0]
    review(station, SAMPLE / "train_images" / defective, ("", "", "", ""))
    review(station, SAMPLE / "train_images" / good, ("1 256", "", "", "29102 12 29346 24"))
    added = joined_name(station, review(station, new, ("", "", "5 5", "")))
    out = tmp_path / "next round"
    done = run_cli("log", "corrections", "--data", tmp_path / "station", "--out", out, "--with", SAMPLE, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["images"], said["kept"], said["replaced"], said["added"]) == (len(old) + 1, len(old) - 2, 2, 1)
    assert said["left_out"] == []
    assert said["notes"] == ["groups.csv comes along (coil, twin_of), with the names that the images have here."]

    changed = {defective: {}, good: {"1": "1 256", "4": "29102 12 29346 24"}, added: {"3": "5 5"}}
    assert masks_of(out) == old | changed
    assert contents_of(out) == contents_of(SAMPLE) | {added: new.read_bytes()}
    with (out / "reviews.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["image"] for row in csv.DictReader(stream)} == set(changed)
    readme = (out / "README.txt").read_text(encoding="utf-8")
    assert "2 of the images from there were reviewed too" in readme
    assert "steelsight train FOLDER --recipe lite --out run --groups FOLDER/groups.csv\n" in readme
    assert read_groups(str(out / "groups.csv"), list(old)) == known
    assert read_groups(str(out / "groups.csv"), [added]) == {"coil": [""], "twin_of": [added]}

    checked = run_cli("data", "check", out, "--json", "--no-twins")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    counts = json.loads(checked.stdout)
    assert (counts["images"], counts["layout"], counts["faults"]) == (len(old) + 1, "coco", [])
    assert {one["name"]: one["images"] for one in counts["classes"]} == said["classes"]
    assert list(said["classes"]) == ["1", "2", "3", "4"]


def test_a_rejection_without_a_mask_makes_a_good_image_bad_and_leaves_masks_as_they_are(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in range(5):
        indices = np.zeros((8, 12), np.uint8)
        indices[2:4, 3:7] = number == 0
        write_index_png(data, f"{number}.png", indices)
        (data / f"images/{number}.png").write_bytes(a_picture(900 + number))
    (data / "classes.txt").write_text("crack\n")
    (data / "labels.csv").write_text("image,class\nimages/3.png,crack\nimages/4.png,bad\n")
    station = Station(tmp_path / "station", ("crack",))
    for number, word in ((0, "reject"), (1, "reject"), (4, "pass")):
        station.review(station.inspect((data / f"images/{number}.png").read_bytes(), (8, 12), ("",)), None, word)
    new = a_picture(950)
    station.review(station.inspect(new, (8, 12), ("",)), None, "reject")
    done = run_cli(
        "log", "corrections", "--data", tmp_path / "station", "--out", tmp_path / "next", "--with", data, "--json"
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    keys = ("images", "defective", "without_masks", "kept", "replaced", "added")
    assert [said[key] for key in keys] == [6, 4, 3, 3, 2, 1]
    dataset = read_dataset(tmp_path / "next")
    assert not dataset.faults
    assert {one.image_id: one.runs[0].area for one in dataset.samples} == {"0.png": 8, "2.png": 0, "4.png": 0}
    added = f"corrections/{hashlib.sha256(new).hexdigest()[:16]}.png"
    assert {one.image_id: one.shown for one in dataset.without_masks} == {
        "1.png": (UNKNOWN,),
        "3.png": (0,),
        added: (UNKNOWN,),
    }


def test_what_only_a_label_says_stays_where_the_inspector_does_not_know_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    drawn, hidden = np.zeros((2, 8, 12), np.uint8)
    drawn[2:4, 3:7], hidden[6:, :2] = 1, 255
    for name, indices in (("a", hidden), ("b", drawn), ("c", drawn | hidden), ("d", drawn), ("e", drawn * 0)):
        write_index_png(data, f"{name}.png", indices)
        (data / f"images/{name}.png").write_bytes(a_picture(ord(name)))
    (data / "classes.txt").write_text("scratch\n")
    said = "".join(f"images/{name}.png,edge-crack\n" for name in "abc")
    (data / "labels.csv").write_text(f"image,class\n{said}images/e.png,scratch\n")
    old = read_dataset(data)
    assert (old.faults, len(old.samples), len(old.without_masks)) == ((), 1, 4)

    station = Station(tmp_path / "station", ("scratch",))
    for name, runs, word in (("a", "", "pass"), ("b", "1 3", "reject"), ("e", "", "pass")):
        station.review(station.inspect((data / f"images/{name}.png").read_bytes(), (8, 12), (runs,)), None, word)
    joined = write_joined(station.log, station.store, tmp_path / "next", old)
    assert (joined.kept, joined.replaced, joined.summary.without_masks) == (2, 3, 3)
    new = read_dataset(tmp_path / "next")
    assert (new.faults, new.classes) == ((), ("scratch", "edge-crack"))
    found = {
        one.image_id: (one.runs[0].area, one.ignored.area, one.shown) for one in (*new.samples, *new.without_masks)
    }
    assert found == {
        "a.png": (0, 4, (1,)),
        "b.png": (3, 0, (1,)),
        "c.png": (8, 4, (1,)),
        "d.png": (8, 0, ()),
        "e.png": (0, 0, ()),  # the inspector knows a scratch, so the reviewer denied it
    }
    again = write_joined(station.log, station.store, tmp_path / "again", new)
    assert (again.kept, again.replaced) == (2, 3)
    assert (tmp_path / "again" / "labels.csv").read_bytes() == (tmp_path / "next" / "labels.csv").read_bytes()


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    """Eight tiles in class folders."""
    root = tmp_path / "tiles"
    for folder, count in (("MT_Blowhole", 3), ("MT_Crack", 3), ("MT_Free", 2)):
        (root / folder / "Imgs").mkdir(parents=True)
        images = [path for path in list_images(SHARED / "magnetic_tile" / folder / "Imgs") if path.suffix == ".jpg"]
        for path in images[:count]:
            for one in (path, path.with_suffix(".png")):
                shutil.copyfile(one, root / folder / "Imgs" / one.name)
    return root


@needs_shared
def test_classes_are_matched_by_name_and_united(tiles: Path, tmp_path: Path) -> None:
    station = Station(tmp_path / "station", ("dent, deep", "MT_Crack"))
    old = masks_of(tiles)
    blowhole, crack = (
        next(name for name, masks in old.items() if kind in masks) for kind in ("MT_Blowhole", "MT_Crack")
    )
    review(station, tiles / blowhole, ("7 2", ""))
    review(station, tiles / crack, ("", "3 4"))
    (tmp_path / "new.png").write_bytes(a_picture(1, (40, 30)))
    added = joined_name(station, review(station, tmp_path / "new.png", ("", "1 9")))
    (tiles / "groups.csv").write_text("image,coil\n")
    command = (
        "log",
        "corrections",
        "--data",
        tmp_path / "station",
        "--with",
        tiles,
        "--layout",
        "class-folders",
        "--out",
    )
    done = run_cli(*command, tmp_path / "set")
    assert done.returncode == 0, done.stderr
    assert read_dataset(tmp_path / "set").classes == ("MT_Blowhole", "MT_Crack", "dent, deep")
    assert masks_of(tmp_path / "set") == old | {
        blowhole: old[blowhole] | {"dent, deep": "7 2"},  # the inspector knows no blowhole, so nobody denied it
        crack: {"MT_Crack": "3 4"},
        added: {"MT_Crack": "1 9"},
    }
    assert "9 images, 7 with a defect (MT_Blowhole 3, MT_Crack 4, dent, deep 1)" in done.stdout
    assert "8 images, 2 of them with a reviewer's masks in place of their own; reviewed besides: 1" in done.stdout
    assert f"groups.csv stays behind: {tiles}/groups.csv: no row for MT_Blowhole/" in done.stdout
    assert f"not marked in {tiles}, so its images count as free of it: dent, deep" in done.stdout
    assert "not known to the inspector, so the other reviewed images count as free of it: MT_Blowhole" in done.stdout

    again = write_joined(station.log, station.store, tmp_path / "again", read_dataset(tmp_path / "set"))
    assert (again.kept, again.replaced, again.added) == (6, 3, 0)  # a round later nothing comes twice
    assert not (tmp_path / "again" / "groups.csv").exists()
    assert again.said == ()
    assert masks_of(tmp_path / "again") == masks_of(tmp_path / "set")


@needs_shared
def test_a_fault_of_the_data_stops_it_unless_it_is_to_be_left_out(tiles: Path, tmp_path: Path) -> None:
    station = Station(tmp_path / "station", ("MT_Crack",))
    broken = list_images(tiles / "MT_Crack" / "Imgs")[0]
    review(station, broken, ("3 4",))
    broken.write_bytes(broken.read_bytes()[:-500])
    with pytest.raises(UserError, match="leave those images out with --skip-faulty"):
        corrections(tmp_path / "set", data=tmp_path / "station", old_data=tiles)
    assert not (tmp_path / "set").exists()
    command = ("log", "corrections", "--data", tmp_path / "station", "--with", tiles, "--out", tmp_path / "set")
    done = run_cli(*command, "--skip-faulty", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["kept"], said["replaced"], said["added"]) == (7, 0, 1)  # the station has the whole file


@needs_shared
def test_files_are_linked_where_that_can_be_and_the_station_is_left_alone(tiles: Path, tmp_path: Path) -> None:
    station = Station(tmp_path / "station", ("MT_Crack",))
    samples = read_dataset(tiles).samples
    first = samples[0].path
    moved = first.rename(tmp_path / "moved.jpg")
    first.symlink_to(moved)
    known = review(station, first, ("3 4",))
    found = station.log.get(known)
    assert found is not None
    station.store.remove(found.result.sha256)  # what the data has, the store need not keep
    new = tmp_path / "new.png"
    new.write_bytes(a_picture(2))
    added = joined_name(station, review(station, new, ("1 1",)))
    joined = write_joined(station.log, station.store, tmp_path / "set", read_dataset(tiles))
    assert (joined.kept, joined.replaced, joined.added, joined.summary.left_out) == (7, 1, 1, ())
    for sample in samples:
        assert (tmp_path / "set" / "images" / sample.image_id).samefile(sample.path)
    assert not (tmp_path / "set" / "images" / samples[0].image_id).is_symlink()
    assert (tmp_path / "set" / "images" / added).stat().st_nlink == 1

    elsewhere = Path("/dev/shm")
    if elsewhere.is_dir() and elsewhere.stat().st_dev != tiles.stat().st_dev:
        shutil.rmtree(elsewhere / f"steelsight-{tmp_path.name}", ignore_errors=True)
        far = elsewhere / f"steelsight-{tmp_path.name}" / "set"
        try:
            write_joined(station.log, station.store, far, read_dataset(tiles))
            assert contents_of(far) == contents_of(tmp_path / "set")
        finally:
            shutil.rmtree(far.parent)


@needs_shared
def test_what_cannot_be_joined_is_refused_in_a_sentence(tiles: Path, tmp_path: Path) -> None:
    station = Station(tmp_path / "station", ("MT_Crack",))
    dataset = read_dataset(tiles)
    number = station.inspect(a_picture(3), (8, 12), ("",))
    with pytest.raises(NoCorrections, match="no reviewed image to train on"):
        write_joined(station.log, station.store, tmp_path / "set", dataset)
    station.review(number, ("1 1",))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("all of it")
    for out, why in ((tmp_path / "mine", "nothing is overwritten"), (tiles / "new", "name a folder outside it")):
        with pytest.raises(UserError, match=why):
            write_joined(station.log, station.store, out, dataset)
    assert sorted(path.name for path in tiles.iterdir()) == ["MT_Blowhole", "MT_Crack", "MT_Free"]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]
    with pytest.raises(UserError, match="add --with DATA, or leave them out"):
        corrections(tmp_path / "set", data=tmp_path / "station", skip_faulty=True)
    assert not (tmp_path / "set").exists()


def test_images_of_a_coco_file_under_one_name_stay_apart(tmp_path: Path) -> None:
    station = Station(tmp_path / "station", ("crack",))
    data = tmp_path / "data"
    named = {"a.png": data / "a.png", "images/a.png": data / "images" / "a.png", "A.png": data / "A.png"}
    (data / "images").mkdir(parents=True)
    for seed, path in enumerate(named.values(), start=10):
        path.write_bytes(a_picture(seed))
    coco = {
        "categories": [{"id": 7, "name": "crack"}],
        "images": [{"id": number, "file_name": name} for number, name in enumerate(named)],
        "annotations": [
            {
                "id": number,
                "image_id": number,
                "category_id": 7,
                "segmentation": {"size": [8, 12], "counts": [number, 5, 91 - number]},
            }
            for number in range(3)
        ],
    }
    (data / "annotations.json").write_text(json.dumps(coco))
    review(station, named["images/a.png"], ("60 3",))
    write_joined(station.log, station.store, tmp_path / "set", read_dataset(data))
    names = ["a.png", "a-2.png", "A-3.png"]
    assert contents_of(tmp_path / "set") == dict(
        zip(names, (path.read_bytes() for path in named.values()), strict=True)
    )
    assert masks_of(tmp_path / "set") == dict(
        zip(names, ({"crack": "1 5"}, {"crack": "60 3"}, {"crack": "3 5"}), strict=True)
    )


@given(
    st.lists(
        st.text(st.sampled_from("aA/\\.-2é\udc80"), min_size=1, max_size=6).map(lambda text: text + "x.jpg"), max_size=6
    )
)
@example(["images/images/x.jpg", "x.jpg", "x-2.jpg", "IMAGES/x.jpg"])
def test_names_are_unique_and_can_be_read_back(image_ids: list[str]) -> None:
    safe = [name for name in image_ids if is_safe_name(name.replace("\\", "")) and is_image_name(Path(name))]
    taken: set[str] = set()
    names = [free_name(name, taken) for name in safe]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert is_safe_name(name)
        assert is_image_name(Path(name))
        assert str(PurePosixPath(name)) == name
        assert not name.lower().startswith("images/")
        name.encode()
