"""A RUN that strangers made: nothing in it runs, nothing outside of it is written, and each refusal is one sentence."""

import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
import zarr
from helpers.data import run_cli
from helpers.judged_run import make_run
from helpers.trap import Trap

from steelsight.core.errors import UserError
from steelsight.networks.torch_engine import load_engine
from steelsight.networks.weights import add_weights
from steelsight.run.cache import cached
from steelsight.run.job_log import read_log
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import read_record
from steelsight.run.resolved_recipe import read_run_recipe
from steelsight.run.run import Run
from steelsight.selection.decide import decide
from steelsight.selection.decision import read_decision
from steelsight.training.checkpoint import Checkpoint
from steelsight.training.epochs import _restore
from steelsight.training.job import make_job, new_network

DEEP = "[" * 100_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("made") / "run"
    make_run(run, {"c": 0.2, "s": 0.3}, every=6)
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "run")


def opened(run: Path) -> OutOfFoldPredictions:
    return OutOfFoldPredictions.of(Run(run))


def first_map(run: Path) -> np.ndarray:
    """Image 0's map, as `decide` reads it."""
    evidence = opened(run)
    return evidence.map(evidence.members("segment")[0], int(evidence.indices(0)[0]))


def maps_of(run: Path) -> Path:
    return run / "evidence" / "s" / "fold0.zarr"


def test_maps_in_an_older_format_are_never_opened(run: Path, tmp_path: Path) -> None:
    """zarr 2 arrays may have a filter that unpickles."""
    count = len(opened(run).indices(0))
    folder = shutil.rmtree(maps_of(run)) or maps_of(run)
    folder.mkdir()
    described = {"zarr_format": 2, "shape": [count, 4, 32, 192], "chunks": [1, 4, 32, 192], "dtype": "|O", "order": "C"}
    described |= {"fill_value": None, "filters": [{"id": "pickle", "protocol": 5}], "compressor": None}
    (folder / ".zarray").write_text(json.dumps(described))
    (folder / ".zattrs").write_text(json.dumps({"image_ids": []}))
    (folder / "0.0.0.0").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(UserError, match=r"zarr\.json: not found, and maps are read in zarr format 3 alone"):
        first_map(run)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"zarr_format": 2}, "zarr_format is 2"),
        ({"node_type": "group"}, "node_type is group"),
        ({"data_type": "variable_length_bytes"}, "data_type is variable_length_bytes"),
        ({"data_type": {"name": "structured", "configuration": {}}}, "data_type is"),
        ({"shape": [10**12, 4, 32, 192]}, "shape is"),
        ({"fill_value": 255}, "fill_value is 255"),
        ({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [10**9, 4, 32, 192]}}}, "chunk_grid is"),
        ({"codecs": [{"name": "bytes"}, {"name": "numcodecs.pickle"}]}, "codecs is"),
        ({"codecs": "sharding_indexed"}, "codecs is"),
        ({"codecs": None}, "codecs is"),
        ({"storage_transformers": [{"name": "x"}]}, "storage_transformers is"),
        ({"attributes": {}}, "does not name its images"),
    ],
)
def test_maps_of_another_kind_are_refused_before_any_is_read(run: Path, changes: Any, words: Any) -> None:
    path = maps_of(run) / "zarr.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(UserError, match=words):
        first_map(run)


@pytest.mark.parametrize("place", ["codecs", "index_codecs"])
@pytest.mark.parametrize("codecs", [["bytes", "numcodecs.bz2"], ["vlen-bytes"], ["bytes", "zstd", "zstd"]])
def test_codecs_within_a_shard_are_those_that_are_written(run: Path, place: str, codecs: Any) -> None:
    path = maps_of(run) / "zarr.json"
    content = json.loads(path.read_text())
    content["codecs"][0]["configuration"][place] = [{"name": name} for name in codecs]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="so it is not read"):
        first_map(run)


@pytest.mark.parametrize("content", [DEEP, "{", "[]", "\ud800", '{"shape": 1' + "0" * 5000 + "}"])
def test_a_description_that_is_none_is_one_sentence(run: Path, content: Any) -> None:
    (maps_of(run) / "zarr.json").write_text(content, "utf-8", "surrogatepass")
    with pytest.raises(UserError, match=r"zarr\.json: "):
        first_map(run)


def test_a_damaged_shard_is_one_sentence(run: Path) -> None:
    (shard,) = (path for path in maps_of(run).rglob("*") if path.is_file() and path.name != "zarr.json")
    shard.write_bytes(b"\xff" * 1000)
    with pytest.raises(UserError, match="the map of image 0 is damaged"):
        first_map(run)


def test_maps_of_other_settings_of_the_same_codecs_are_read(run: Path) -> None:
    """As another release of zarr may write them."""
    expected, folder = first_map(run), maps_of(run)
    array = zarr.open_array(folder, mode="r")
    content, ids = array[:], array.attrs["image_ids"]
    shutil.rmtree(folder)
    frame = content.shape[1:]
    zarr.create_array(
        folder, shape=content.shape, chunks=(1, *frame), shards=(32, *frame), dtype="uint8", attributes={"image_ids": ids},
        compressors=zarr.codecs.ZstdCodec(level=5, checksum=True),
    )[:] = content  # fmt: skip
    assert np.array_equal(first_map(run), expected)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"image_id": ["a"], "probability": ["b"]}, "its columns are not"),
        ({"image_id": ["a"], "probability": [0.5], "more": [1]}, "its columns are not"),
        ({"image_id": ["a"], "probability": [0.5]}, "1 rows, but the fold has"),
        (None, "holds numbers that are no probabilities"),
        (b"PAR1 and no more", "not a table of probabilities"),
    ],
)
def test_a_table_of_probabilities_is_what_is_written(run: Path, columns: Any, words: str) -> None:
    path = run / "evidence" / "c" / "fold0.parquet"
    evidence = opened(run)
    if isinstance(columns, bytes):
        path.write_bytes(columns)
    elif columns is None:
        pd.read_parquet(path).assign(probability=float("inf")).to_parquet(path, index=False)
    else:
        pd.DataFrame(columns).to_parquet(path, index=False)
    with pytest.raises(UserError, match=words):
        evidence.probabilities(evidence.members("classify")[0])


def test_a_table_whose_columns_are_python_objects_is_refused(run: Path) -> None:
    """Older releases of pyarrow unpickled the type of an extension."""
    path = run / "evidence" / "c" / "fold0.parquet"
    field = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": b"\x80\x04."}
    schema = pa.schema([pa.field("image_id", pa.string()), pa.field("probability", pa.binary(), metadata=field)])
    pa.parquet.write_table(pa.table([["a"], [b"x"]], schema), path)
    evidence = opened(run)
    with pytest.raises(UserError, match=r"fold0\.parquet: "):
        evidence.probabilities(evidence.members("classify")[0])


def npz(path: Path, entry: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("array.npy", entry)


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, array, allow_pickle=True)
    return content.getvalue()


def head(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"no array",
        npy(np.arange(4.0)),
        npy(np.arange(3)),
        head("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }") + bytes(10),
        head("__import__('os').system('false')"),
        head("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }") + bytes(10_000_000),
        head("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }") + bytes(10),
    ],
)
def test_a_kept_array_that_is_another_is_made_anew(tmp_path: Path, entry: Any) -> None:
    path = tmp_path / "kept.npz"
    npz(path, entry)
    expected = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(cached(path, (3,), np.float64, expected.copy), expected)

    def never() -> None:
        raise AssertionError("it was kept")

    assert np.array_equal(cached(path, (3,), np.float64, never), expected)


def test_a_kept_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "kept.npz"
    npz(path, npy(np.array([Trap(tmp_path / "sprung")] * 3, object)))
    cached(path, (3,), np.float64, lambda: np.zeros(3))
    assert not (tmp_path / "sprung").exists()


def link_out(run: Path, part: str, target: Path) -> None:
    shutil.rmtree(run / part, ignore_errors=True)
    (run / part).parent.mkdir(parents=True, exist_ok=True)
    (run / part).symlink_to(target)


@pytest.mark.parametrize("part", ["report", "jobs", "evidence/histograms", "evidence/c", "jobs/c/fold0/log.jsonl"])
def test_a_link_out_of_the_run_is_refused(run: Path, tmp_path: Path, part: str) -> None:
    link_out(run, part, tmp_path)
    with pytest.raises(UserError, match=f"{part}: a link that leads out of"):
        read_record(run)


def test_nothing_is_written_where_a_link_leads(run: Path, tmp_path: Path) -> None:
    decide(Run(run))
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "index.html").write_text("mine")
    link_out(run, "report", precious)
    done = run_cli("report", run)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "a link that leads out of" in done.stderr.replace("\n", " ")
    assert [path.name for path in precious.iterdir()] == ["index.html"]
    assert (precious / "index.html").read_text() == "mine"


def test_links_within_a_run_and_to_it_are_fine(run: Path, tmp_path: Path) -> None:
    (run / "evidence" / "c").rename(run / "elsewhere")
    (run / "evidence" / "c").symlink_to("../elsewhere")
    (tmp_path / "link").symlink_to(run)
    decide(Run(tmp_path / "link"))
    assert (run / "decision.json").is_file()


@pytest.mark.parametrize("name", ["../../outside", "/outside", "a/b", "..", ""])
def test_a_member_whose_name_is_a_path_is_refused(run: Path, name: str) -> None:
    path = run / "recipe.yaml"
    path.write_text(path.read_text("utf-8").replace("- name: c\n", f"- name: {name!r}\n"), "utf-8")
    with pytest.raises(UserError, match=r"recipe\.yaml: members"):
        read_run_recipe(run)


@pytest.mark.parametrize(
    ("column", "value"), [("height", 0), ("height", 10**12), ("width", -1), ("fold", -1), ("group", -5)]
)
def test_an_image_that_cannot_be_is_refused(run: Path, column: Any, value: Any) -> None:
    table = pd.read_csv(run / "samples.csv")
    table.loc[0, column] = value
    table.to_csv(run / "samples.csv", index=False)
    with pytest.raises(UserError, match=r"samples\.csv, line 2: no image has"):
        read_record(run)


def test_a_fold_that_the_recipe_has_not_is_refused(run: Path) -> None:
    table = pd.read_csv(run / "samples.csv")
    table.loc[0, "fold"] = 7
    table.to_csv(run / "samples.csv", index=False)
    with pytest.raises(UserError, match=r"samples\.csv: it has a fold 7"):
        opened(run)


@pytest.mark.parametrize("text", ["1 2 x", "1", "0 5", f"1 {'9' * 400}"])
def test_run_lengths_that_are_none_name_their_file(run: Path, text: Any) -> None:
    path = run / "truth.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], lines[1].rpartition(",")[0] + "," + text, *lines[2:]]), "utf-8")
    with pytest.raises(UserError, match=r"truth\.csv, line 2: "):
        read_record(run)


def test_json_that_is_nested_for_ever_is_one_sentence(run: Path) -> None:
    folder = run / "jobs" / "c" / "fold0"
    folder.mkdir(parents=True)
    (run / "decision.json").write_text(DEEP)
    with pytest.raises(UserError, match=r"decision\.json: not JSON"):
        read_decision(Run(run))
    for content in (DEEP + "\n{}", "[]\n{}", '"a"\n{}'):
        (folder / "log.jsonl").write_text(content)
        with pytest.raises(UserError, match=r"log\.jsonl, line 1: not the JSON object of an epoch"):
            read_log(folder / "log.jsonl")
    (run / "decision.json").unlink()
    decide(Run(run))
    (folder / "log.jsonl").unlink()
    (folder / "done.json").write_text(DEEP)
    done = run_cli("report", run)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "done.json: not JSON" in done.stderr.replace("\n", " ")


def checkpoint(**changes: Any) -> dict:
    return vars(Checkpoint(1, {"w": torch.ones(2)}, {}, None, 0.5, 0, 1.0)) | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": -1}, {"epoch": "1"}, {"epoch": True}, {"kept_count": 0.5}, {"kept_score": "best"}, {"seconds": None},
        {"model": [1]}, {"model": {"w": 1}}, {"model": {1: torch.ones(1)}}, {"kept": {"w": "x"}}, {"optimiser": 3},
        {"surprise": 1},
    ],
)  # fmt: skip
def test_a_checkpoint_of_other_types_is_refused(tmp_path: Path, changes: Any) -> None:
    torch.save(checkpoint(**changes), tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match=r"checkpoint\.pt: not a readable checkpoint"):
        Checkpoint.load(tmp_path / "checkpoint.pt")


def test_a_checkpoint_that_acts_is_refused(tmp_path: Path) -> None:
    torch.save(checkpoint(model=Trap(tmp_path / "sprung")), tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match=r"checkpoint\.pt: not a readable checkpoint"):
        Checkpoint.load(tmp_path / "checkpoint.pt")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "not of this member"),
        ({"model": {}, "kept": {"w": torch.ones(2)}}, "not of this member"),
        ({"model": {}, "epoch": 10**9}, "it has 1000000000 epochs"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(run: Path, changes: Any, words: Any) -> None:
    evidence = OutOfFoldPredictions.of(Run(run))
    member = evidence.members("classify")[0]
    member = member.model_copy(update={"weights": "random"})
    job = make_job(evidence, member, 0)
    job.folder.path.mkdir(parents=True)
    torch.save(checkpoint(**changes), job.folder.checkpoint)
    with pytest.raises(UserError, match=words):
        _restore(job, new_network(job))


def test_an_optimisers_state_of_another_shape_is_refused(tmp_path: Path) -> None:
    optimiser = torch.optim.Adam([torch.zeros(2, requires_grad=True)])
    for state in ({}, {"state": {}, "param_groups": []}, {"state": 1, "param_groups": 2}):
        with pytest.raises(UserError, match="not of this member"):
            Checkpoint(1, {}, state).restore_optimiser(optimiser, tmp_path / "checkpoint.pt")


def test_weights_that_act_are_refused(run: Path, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    evidence = opened(run)
    member = evidence.members("classify")[0]
    folder = run / "jobs" / member.name / "fold0"
    folder.mkdir(parents=True)
    for content in (pickle.dumps(Trap(sprung)), b"\xff" * 8 + b"{}", b"", (2).to_bytes(8, "little") + b"[]"):
        (folder / "weights.safetensors").write_bytes(content)
        with pytest.raises(UserError, match=r"weights\.safetensors: not the weights of member"):
            load_engine(Run(run), evidence.recipe, evidence.record.classes, [(member.name, 0)], [], device="cpu")
        for suffix in (".pth", ".safetensors"):
            (tmp_path / f"theirs{suffix}").write_bytes(content)
            with pytest.raises(UserError, match=r"not a readable|foreign code"):
                add_weights("b0", tmp_path / f"theirs{suffix}")
    assert not sprung.exists()
