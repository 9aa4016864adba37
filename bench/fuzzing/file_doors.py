"""Single files that a user writes: recipes, severity rules, tables of groups and of masks."""

from pathlib import Path
from typing import Any

from fuzzing import seeds
from fuzzing.folders import Files, write_files
from fuzzing.odd import TEXTS, Draw
from fuzzing.reader import ENCODINGS, Reader, refuses
from fuzzing.verbs import verb


def recipe() -> Reader:
    from steelsight.recipe import load_recipe, resolve
    from steelsight.recipe.read import recipe_text

    files: dict[str, Files] = {
        name: {"recipe.yaml": recipe_text(load_recipe(name)).encode()} for name in ("lite", "paper", "demo")
    }
    fields = (
        "folds",
        "seed",
        "members.*.sampling.batch",
        "members.0.input.height",
        "search.gates",
        "selection.scope",
        "x",
        "",
        "a.b",
        "members",
    )

    def enter(draw: Draw, folder: Path) -> bool:
        given = [f"{draw.one(fields)}={draw.one(TEXTS)}" for _ in range(draw.one((0, 0, 1, 2)))]
        read: list[Any] = []
        path = next(iter(sorted(folder.rglob("*.y*ml"))), folder)
        if refuses(lambda: read.append(load_recipe(str(path), given))):
            return False
        return not refuses(lambda: resolve(read[0], ("1", "2", "3", "4"), [(256, 1600)] * 4, True))

    return Reader("recipe", files, enter)


def severity() -> Reader:
    from steelsight.verdicts.severity import read_severity

    text = (
        "mm_per_pixel: {across: 0.5, along: 0.4}\nrules:\n  - {verdict: reject, class: pit, area_above: 2 cm2}\n"
        "  - {verdict: review, class: scratch, longer_than: 30 mm, nearer_to_edge_than: 20 mm}\n"
        "  - {verdict: review, more_than: 5, per: metre}\n  - {verdict: reject, total_area_above: 5 %}\n"
    )

    def enter(_: Draw, folder: Path) -> bool:
        path = next((one for one in sorted(folder.rglob("*")) if one.is_file()), folder)
        return not refuses(lambda: read_severity(path, ("pit", "scratch")))

    return Reader("severity", {"severity": {"severity.yaml": text.encode()}}, enter)


def groups(work: Path) -> Reader:
    data = work / "groups-data"
    write_files(data, seeds.datasets()["coco"])
    rows = "image,coil,twin_of\n" + "".join(f"{name}.png,c{n},\n" for n, name in enumerate(("a", "b", "good")))
    patterns = ("(?P<coil>.)", "(?P<a>", "[", "(?P<coil>(a+)+$)", "", "\x00", "(?P<coil>x)")

    def enter(draw: Draw, folder: Path) -> bool:
        table = next((str(one) for one in sorted(folder.rglob("*"))), str(folder))
        wish = draw.one(patterns) if draw.often(0.2) else table
        return verb("data", "check", data, "--no-twins", f"--groups={wish}", encoding=draw.one(ENCODINGS))

    return Reader("groups", {"groups": {"groups.csv": rows.encode()}}, enter)


def score() -> Reader:
    long = "ImageId,ClassId,EncodedPixels\na.jpg,1,1 4 9 3\na.jpg,2,\nb.jpg,1,5 5\nc.jpg,,\n"
    wide = "ImageId_ClassId,EncodedPixels\na.jpg_1,1 4\na.jpg_2,\nb.jpg_1,4 7\nc.jpg_1,\n"
    files: dict[str, Files] = {
        kind: {"truth.csv": one.encode(), "said.csv": other.encode(), "images.txt": b"a.jpg\nb.jpg\n"}
        for kind, one, other in (("long", long, long), ("wide", wide, wide), ("both", long, wide))
    }

    def enter(draw: Draw, folder: Path) -> bool:
        more: list[str | Path] = []
        if draw.often(0.3):
            more += ["--size", draw.one(("256x1600", "1x1", "0x0", "9" * 30 + "x2", "4x4", "x", "١x٢"))]
        if draw.often(0.2):
            more += ["--images", folder / "images.txt"]
        if draw.often(0.2):
            more += [f"--classes={draw.one(('1', '1,2', '', ',', 'pit', '1,1'))}"]
        if draw.often(0.1):
            more += ["--mm-per-pixel", draw.one(("0.5", "nan", "inf", "-1", "0"))]
        return verb(
            "score",
            folder / "truth.csv",
            folder / "said.csv",
            *more,
            *(["--json"] if draw.often(0.5) else []),
            encoding=draw.one(ENCODINGS),
        )

    return Reader("score", files, enter)
