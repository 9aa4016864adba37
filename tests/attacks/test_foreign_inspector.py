"""An INSPECTOR that strangers made: its networks are the bytes that are listed, and nothing else is read."""

import contextlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from helpers.data import SAMPLE, run_cli
from helpers.policies import make_policy
from helpers.tiny_inspector import STRETCHED, make_inspector
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper

from steelsight.core.errors import UserError
from steelsight.inspector.artifact import read_card, require_listed
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.decide_policy import decide_inspector
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.onnx_file import check_alone
from steelsight.inspector.onnxruntime import OnnxRuntimeEngine
from steelsight.inspector.openvino import OpenVinoEngine
from steelsight.inspector.training_images import are_fresh

NETWORK = "classify-0-fold0.onnx"
ELSEWHERE = "a tensor of it lies in another file"
WHERE = Path("network.onnx")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector", policy=make_policy())


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "inspector")


def load_openvino(folder: Path) -> Any:
    return OpenVinoEngine.load(folder, read_card(folder), aim="latency", threads=1)


def load_onnxruntime(folder: Path) -> Any:
    pytest.importorskip("onnxruntime")
    return OnnxRuntimeEngine.load(folder, read_card(folder), ["CPUExecutionProvider"])


both = pytest.mark.parametrize("load", [load_openvino, load_onnxruntime])


def send_away(tensor: TensorProto, file: str = "w.bin") -> bytes:
    """Let a tensor's values lie in another file; these values."""
    content = tensor.raw_data
    onnx.external_data_helper.set_external_data(tensor, file, offset=0, length=len(content))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    return content


@both
@pytest.mark.parametrize("beside", ["inspector", "working folder"])
def test_external_data_is_refused_and_changes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Any, beside: str
) -> None:
    """Under the same fingerprint an unlisted file would decide what the networks say."""
    monkeypatch.chdir(tmp_path)
    model = onnx.load(folder / NETWORK)
    (weight,) = (one for one in model.graph.initializer if one.name == "steep")
    content = send_away(weight)
    ((folder if beside == "inspector" else tmp_path) / "w.bin").write_bytes(content)
    (folder / NETWORK).write_bytes(model.SerializeToString())
    write_checksums(folder, [path.name for path in folder.iterdir() if path.name != "w.bin"])
    read_card(folder)
    with pytest.raises(UserError, match=rf"{NETWORK}: {ELSEWHERE}"):
        load(folder)


@both
def test_a_network_exchanged_after_the_check_is_refused(
    folder: Path, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes that are loaded are those that the checksum is of."""
    card = read_card(folder)
    shutil.copy(folder / "segment-0-fold0.onnx", folder / NETWORK)
    monkeypatch.setattr(f"{__name__}.read_card", lambda _: card)
    with pytest.raises(UserError, match=rf"{NETWORK}: changed since it was exported"):
        load(folder)
    (folder / NETWORK).unlink()
    with pytest.raises(UserError, match=rf"{NETWORK}: missing from the inspector"):
        load(folder)


@both
def test_a_network_that_runs_is_loaded_from_its_bytes(folder: Path, load: Any) -> None:
    inputs = np.full((1, 1, STRETCHED.height, STRETCHED.width), 0.33, np.float32)
    assert load(folder).classifiers[0].probabilities(inputs) == pytest.approx(0.5, abs=1e-4)


def tensor() -> TensorProto:
    made = numpy_helper.from_array(np.ones(3, np.float32), "w")
    send_away(made)
    return made


def graph(*nodes: onnx.NodeProto, **changes: Any) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "g", [], [], **changes)


def constant(**attributes: Any) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["w"], **attributes)


def with_attribute(**fields: Any) -> onnx.NodeProto:
    node = helper.make_node("Custom", [], ["w"])
    node.attribute.append(AttributeProto(name="a", **fields))
    return node


def sparse() -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=tensor(), indices=numpy_helper.from_array(np.zeros(1, np.int64)), dims=[3])


def deep() -> onnx.GraphProto:
    return graph(helper.make_node("If", ["c"], ["w"], then_branch=graph(constant(value=tensor())), else_branch=graph()))


def location_alone() -> TensorProto:
    return TensorProto(dims=[3], data_type=1, name="w", data_location=TensorProto.EXTERNAL)


HIDDEN = {
    "initializer": lambda: ModelProto(graph=graph(initializer=[tensor()])),
    "location alone": lambda: ModelProto(graph=graph(initializer=[location_alone()])),
    "constant": lambda: ModelProto(graph=graph(constant(value=tensor()))),
    "list of tensors": lambda: ModelProto(graph=graph(with_attribute(type=9, tensors=[tensor()]))),
    "branch": lambda: ModelProto(graph=deep()),
    "list of graphs": lambda: ModelProto(graph=graph(with_attribute(type=10, graphs=[deep()]))),
    "sparse": lambda: ModelProto(graph=onnx.GraphProto(sparse_initializer=[sparse()])),
    "sparse constant": lambda: ModelProto(graph=graph(constant(sparse_value=sparse()))),
    "list of sparse": lambda: ModelProto(graph=graph(with_attribute(type=12, sparse_tensors=[sparse()]))),
    "function": lambda: ModelProto(graph=graph(), functions=[onnx.FunctionProto(node=[constant(value=tensor())])]),
    "default of a function": lambda: ModelProto(
        graph=graph(),
        functions=[onnx.FunctionProto(attribute_proto=[AttributeProto(name="a", type=4, t=tensor())])],
    ),
    "training": lambda: ModelProto(graph=graph(), training_info=[onnx.TrainingInfoProto(algorithm=deep())]),
}


@pytest.mark.parametrize("where", HIDDEN)
def test_external_data_is_found_wherever_a_tensor_can_be(where: Any) -> None:
    model = HIDDEN[where]()
    model.ir_version = 9
    with pytest.raises(UserError, match=rf"network\.onnx: {ELSEWHERE}"):
        check_alone(model.SerializeToString(), WHERE)


def test_every_message_that_can_hold_a_tensor_is_looked_into() -> None:
    """Held against the format as the library of ONNX describes it."""
    from steelsight.inspector import onnx_file

    names = {"model": "ModelProto", "graph": "GraphProto", "function": "FunctionProto", "node": "NodeProto"}
    names |= {"training": "TrainingInfoProto", "attribute": "AttributeProto", "sparse": "SparseTensorProto"}
    words = {name: word for word, name in names.items()} | {"TensorProto": "tensor"}
    for word, name in names.items():
        fields = getattr(onnx, name).DESCRIPTOR.fields
        holding = {one.number: words[one.message_type.name] for one in fields
                   if one.message_type is not None and one.message_type.name in words}  # fmt: skip
        assert onnx_file._INSIDE[word] == holding
    tensors = TensorProto.DESCRIPTOR.fields_by_name
    assert (tensors["external_data"].number, tensors["data_location"].number) == (13, 14)


def test_a_second_graph_and_odd_ways_to_write_a_tag_hide_nothing(made: Path) -> None:
    """Readers of protocol buffers join what comes twice, and take a number written longer than it must be."""
    plain = (made / NETWORK).read_bytes()
    check_alone(plain, WHERE)
    more = ModelProto(graph=graph(initializer=[tensor()])).SerializeToString()
    with pytest.raises(UserError, match=ELSEWHERE):
        check_alone(plain + more, WHERE)
    external = b"\x70\x01"  # data_location = EXTERNAL
    for tag in (b"\xf0\x00", b"\xf0\x80\x80\x80\x00"):
        inner = tag + external[1:]
        initializer = b"\x2a" + bytes([len(inner)]) + inner
        with pytest.raises(UserError, match=ELSEWHERE):
            check_alone(plain + b"\x3a" + bytes([len(initializer)]) + initializer, WHERE)
    for odd in (b"\xba\x80\x80\x80\x10\x00", b"\xba\x80\x80\x80\x80\x00\x00", b"\x3b\x3c", b"\x00\x00", b"\x3e"):
        with pytest.raises(UserError, match=r"network\.onnx: not an ONNX network"):
            check_alone(plain + odd, WHERE)


def test_graphs_within_graphs_end_somewhere() -> None:
    content = b""
    for _ in range(100):
        for number in (6, 5, 1):  # a graph, of an attribute, of a node, of a graph
            content = field(number, content)
    model = ModelProto(ir_version=9, graph=graph()).SerializeToString()
    with pytest.raises(UserError, match="nested too deep"):
        check_alone(model + field(7, content), WHERE)


def field(number: int, content: bytes) -> bytes:
    """A field of bytes."""
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


@pytest.mark.parametrize("content", [b"", b"<?xml version='1.0'?><net/>", b"\x0a\x02ab", b"\x80" * 20, b"\x08\x09"])
def test_what_is_no_network_is_refused_before_a_runtime_sees_it(content: Any) -> None:
    with pytest.raises(UserError, match=r"network\.onnx: not an ONNX network"):
        check_alone(content, WHERE)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damage_is_one_sentence_or_none(made: Path, data: Any) -> None:
    content = bytearray((made / NETWORK).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(UserError):  # and nothing else
        check_alone(damaged, WHERE)


def test_a_card_that_is_nested_for_ever_is_one_sentence(folder: Path) -> None:
    (folder / "inspector.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match=r"inspector\.json: not JSON"):
        read_card(folder)


def test_a_listed_link_is_what_its_checksum_says(folder: Path, tmp_path: Path) -> None:
    (folder / NETWORK).rename(tmp_path / "away.onnx")
    (folder / NETWORK).symlink_to(tmp_path / "away.onnx")
    assert Inspector.open(folder).engine("latency").classifiers
    shutil.copy(folder / "segment-0-fold0.onnx", tmp_path / "away.onnx")
    with pytest.raises(UserError, match="changed since it was exported"):
        read_card(folder)


def test_unlisted_evidence_is_not_believed(folder: Path) -> None:
    for name in ("tested.csv", "tested_defects.csv", "seen.txt"):
        (folder / name).write_text("")
    with pytest.raises(UserError, match=r"tested\.csv: not listed in checksums\.txt"):
        decide_inspector(folder, None, "keep")
    with pytest.raises(UserError, match=r"seen\.txt: not listed in checksums\.txt"):
        are_fresh(folder, [])
    with pytest.raises(UserError, match="not listed"):
        require_listed(folder, "tested.csv")


def test_what_a_message_quotes_does_not_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "inspector.json").write_text("{}")
    (tmp_path / "checksums.txt").write_text(f"{'0' * 64}  inspector.json\n{'0' * 64}  \x1b[2J\x1b]0;title\x07\n")
    done = run_cli("inspect", tmp_path, SAMPLE, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "[2J" in done.stderr
    assert not {"\x1b", "\x07"} & {*done.stderr}
