"""Inspection speed, from files on disk to written CSV: this runtime, an eager torch loop, and the bare networks.

    python bench/inspection.py IMAGES... [--run RUN | --shape lite|reference] [--share 0.5 0.02] [--rounds 3] [--most 154]
                               [--review 0.1 0.5]

All sides judge the same images with the same networks and the same rule, in turn, in one run; medians are printed. The gate
is put where the wanted share passes. With --run the networks are those of a run's fold 0, under the plain thresholds.
Else weights are random (the encoder's from ImageNet where they are at hand), which draws masks of a thousand specks and so
makes cutting them slower than it is: `lite` is one Lite0 classifier and one Lite0 UNet++; `reference` the ensemble of the
reference solution, four classifiers (B0, B1, B3, B5) and three UNet++ (B5, B3, B4), all at 128 x 800.

The limit is what the networks alone take in OpenVINO's own throughput loop, plus bare decoding on all cores. Nothing else
should run meanwhile.

With --review, what it costs instead that whatever does not pass is segmented: the fp32 inspector without a policy, and with
policies that send so many of the images to a person.
"""

import argparse
import contextlib
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import openvino
import torch
from eager_loop import EagerLoop, Plain
from machine import print_machine
from stages import print_stages

from steelsight.cascade.judge import Prediction, judge_batch
from steelsight.cascade.sources import Source, find_sources
from steelsight.core.errors import UserError
from steelsight.export.float_layers import Control
from steelsight.export.low_precision import DIFFERENCE_PER_LOSS
from steelsight.export.quantise import quantise
from steelsight.imaging.read import read_image
from steelsight.inspector.artifact import (
    IN_INT8,
    CrossValidated,
    InspectorCard,
    NetworkCard,
    Precision,
    Provenance,
    write_card,
)
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.choose_engine import open_engine
from steelsight.inspector.input_range import InputRange
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.openvino import OpenVinoEngine, runs_in_bf16, usable_threads
from steelsight.networks.member import build_member
from steelsight.networks.onnx import OnnxGraph
from steelsight.networks.torch_engine import TorchNetwork, load_engine
from steelsight.networks.weights import load_weights
from steelsight.recipe import Member, load_recipe, resolve
from steelsight.results.writer import ResultWriter
from steelsight.rule.plain_rule import plain_rule
from steelsight.rule.rule import Rule
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision
from steelsight.training.allocator import keep_freed_memory
from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.outcome import NOTHING
from steelsight.verdicts.policy import Limits, Policy

CLASSES = ("1", "2", "3", "4")
EVERYTHING = Rule(gate=0, upper=(255,) * 4, lower=(255,) * 4, min_area=(1,) * 4)
_CALIBRATED_ON = 32
_MAX_DICE_LOSS = 0.002  # as an export allows if nothing else is said
_EAGER_BATCHES = (1, 2, 4, 8, 16)

Network = tuple[Member, TorchNetwork]


def main() -> None:
    """Print a table per share of images that pass, then the time of each stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+")
    parser.add_argument("--run", type=Path, help="a RUN whose fold 0 is taken")
    parser.add_argument("--shape", choices=["lite", "reference"], default="lite")
    parser.add_argument("--share", type=float, nargs="+", default=[0.5, 0.02], help="of the images that pass the gate")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=154, help="images, spread evenly over those given")
    parser.add_argument("--review", type=float, nargs="+", default=[], help="of the images, those that do not pass")
    parser.add_argument("--int8", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    keep_freed_memory()  # eager torch gains from it; the runtime does not need it
    found = find_sources(arguments.images)
    spread = np.unique(np.linspace(0, len(found) - 1, arguments.most).astype(int))
    sources = [found[place] for place in spread]
    networks = load_networks(arguments.run) if arguments.run else build_networks(arguments.shape)
    print(
        f"{len(sources)} images, {arguments.run or arguments.shape}: {', '.join(member.name for member, _ in networks)}"
    )
    trained = arguments.run is not None
    with tempfile.TemporaryDirectory() as folder:
        inspectors = make_inspectors(Path(folder), networks, sources, arguments.int8 and not arguments.review, trained)
        if arguments.review:
            for share in arguments.share:
                rule = find_rule(inspectors["fp32"], sources, share, trained)
                price_of_review(inspectors["fp32"], sources, rule, arguments.review, arguments.rounds, Path(folder))
            return
        for share in arguments.share:
            compare(inspectors, networks, sources, share, arguments.rounds, Path(folder), trained)
        print_stages(inspectors["fp32"], sources, find_rule(inspectors["fp32"], sources, 1.0, trained))


def load_networks(run: Path) -> list[Network]:
    """The chosen members of a run's fold 0, trained."""
    recipe, decision = Run(run).recipe, read_decision(Run(run))
    jobs = decision.jobs_of([0])
    engine = load_engine(Run(run), recipe, decision.classes, *jobs, device=torch.device("cpu"))
    names = [name for name, _ in (*jobs[0], *jobs[1])]
    return list(zip(map(recipe.member, names), (*engine.classifiers, *engine.segmenters), strict=True))


def build_networks(shape: str) -> list[Network]:
    """Members with their networks, randomly initialised but for the encoders whose weights are here."""
    if shape == "lite":
        recipe = load_recipe("lite")
        chosen = [member.name for member in recipe.members]
    else:
        recipe = load_recipe("paper")
        classifiers = [m for m in recipe.members if m.step == "classify" and m.encoder in ("b0", "b1", "b3", "b5")]
        segmenters = {m.encoder: m for m in recipe.members if m.step == "segment" and m.encoder in ("b5", "b3", "b4")}
        chosen = [member.name for member in (*classifiers, *segmenters.values())]
    recipe = resolve(recipe, CLASSES, [(256, 1600)], grey=True)
    networks: list[Network] = []
    for number, name in enumerate(chosen):
        member = recipe.member(name)
        torch.manual_seed(number)
        network = build_member(member, len(CLASSES))
        with contextlib.suppress(UserError):
            load_weights(network, member.encoder, "imagenet", member.name)
        network.eval().to(memory_format=torch.channels_last)
        networks.append((member, TorchNetwork(member.preprocess, network, torch.device("cpu"), "fp32")))
    return networks


def make_inspectors(
    folder: Path, networks: Sequence[Network], sources: Sequence[Source], int8: bool, trained: bool
) -> dict[Precision, Inspector]:
    """The same networks in every precision that this processor has."""
    images = [read_image(source.path) for source in sources[:: max(1, len(sources) // _CALIBRATED_ON)]]
    familiar = InputRange.of(images)
    wanted: list[Precision] = ["fp32"]
    if runs_in_bf16("bf16"):
        wanted.append("bf16")
    else:
        print("bf16: not in this processor's instructions, left out")
    if int8:
        wanted.append("int8")
        if runs_in_bf16("bf16"):
            wanted.append("int8-bf16")
    made: dict[Precision, Inspector] = {}
    for precision in wanted:
        out = folder / precision
        out.mkdir()
        cards = []
        for member, network in networks:
            card = NetworkCard(
                file=f"{member.name}.onnx", member=member.name, fold=0, step=member.step, preprocess=member.preprocess
            )
            OnnxGraph.trace(network).write(network, out / card.file)
            if precision in IN_INT8:
                inputs = [member.preprocess.to_input(image) for image in images]
                _quantise(card, out, inputs, familiar, trained)
            cards.append(card)
        write_card(out, _card(cards, precision, familiar))
        write_checksums(out)
        made[precision] = Inspector.open(out, device="cpu")
    return made


def _quantise(
    its: NetworkCard, folder: Path, inputs: Sequence[np.ndarray], familiar: InputRange, trained: bool
) -> None:
    """To int8 as an export does; of random weights all layers stay in int8, for they have no accuracy to lose."""

    def answers(path: Path) -> np.ndarray:
        alone = its.model_copy(update={"file": path.name})
        whole = _card([its.model_copy(update={"step": "segment"})], "int8", familiar)  # no card is without a segmenter
        engine = open_engine(path.parent, whole.model_copy(update={"networks": (alone,)}), device="cpu")
        (network,) = (*engine.classifiers, *engine.segmenters)
        return np.concatenate([network.probabilities(one[None]) for one in inputs[::3]])

    most = DIFFERENCE_PER_LOSS[its.step] * _MAX_DICE_LOSS if trained else 1.0
    quantise(folder / its.file, inputs, Control(answers, most))


def _card(cards: Sequence[NetworkCard], precision: Precision, familiar: InputRange) -> InspectorCard:
    figures = CrossValidated(
        images=1, nested_dice=1, nested_defective_dice=None, nested_false_alarm_share=None, floor=1
    )  # nothing was trained
    provenance = Provenance(
        created="",
        steelsight="",
        recipe={},
        fingerprint="",
        folds=(0,),
        evidence="own",
        out_of_fold=figures,
        versions={},
    )
    return InspectorCard(
        classes=CLASSES,
        networks=tuple(cards),
        precision=precision,
        rule=EVERYTHING,
        familiar=familiar,
        provenance=provenance,
    )


def compare(
    inspectors: dict[Precision, Inspector],
    networks: Sequence[Network],
    sources: Sequence[Source],
    share: float,
    rounds: int,
    folder: Path,
    trained: bool,
) -> None:
    """Judge the images by every side in turn; print images/s and the ratios."""
    rules = {precision: find_rule(inspector, sources, share, trained) for precision, inspector in inspectors.items()}
    eager = eager_side(networks, rules["fp32"])
    paths = [source.file for source in sources]
    batch = min(_EAGER_BATCHES, key=lambda size: _seconds(lambda: eager.run(paths, folder / "warm.csv", size)))
    sides: dict[str, Callable[[], object]] = {"eager": lambda: eager.run(paths, folder / "eager.csv", batch)}
    for precision, inspector in inspectors.items():
        ruled = dataclasses.replace(
            inspector, card=inspector.card.model_copy(update={"rule": rules[precision]}), _engines=inspector._engines
        )
        run_inspector(ruled, sources[:8], folder / "warm")
        sides[precision] = partial(run_inspector, ruled, sources, folder / "out")
    times: dict[str, list[float]] = {name: [] for name in sides}
    limits: dict[str, list[float]] = {precision: [] for precision in inspectors}
    for _ in range(rounds):
        for name, side in sides.items():
            times[name].append(_seconds(side) / len(sources))
        for precision, inspector in inspectors.items():
            limits[precision].append(limit(inspector, share, paths))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"\n{share:.0%} of the images pass the gate; eager batch {batch}; medians of {rounds} rounds")
    for name, seconds in medians.items():
        line = f"  {name:6}{1 / seconds:8.2f} images/s{medians['eager'] / seconds:8.2f} x eager"
        if name in limits:
            line += f"{seconds / statistics.median(limits[name]):8.3f} x the limit's time"
        print(line, flush=True)


def price_of_review(
    inspector: Inspector, sources: Sequence[Source], rule: Rule, reviews: Sequence[float], rounds: int, folder: Path
) -> None:
    """Judge the images without a policy, and with one for each share that goes to a person, in turn; print images/s."""
    p_defect = probabilities(inspector, sources)
    sides: dict[str, Inspector] = {}
    for review in (None, *reviews):
        policy = None
        if review is not None:
            policy = Policy(
                pass_at=float(np.quantile(p_defect, 1 - review, method="lower")),
                reject_at=None,
                evidence="own",
                calibration=Calibration(),
                severity=None,
                wish=Limits(),
                statements=(),
                outcome=NOTHING,
            )
        card = inspector.card.model_copy(update={"rule": rule, "policy": policy})
        name = "no policy" if review is None else f"{review:.0%} to a person"
        sides[name] = dataclasses.replace(inspector, card=card, _engines=inspector._engines)
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            times[name].append(_seconds(partial(run_inspector, side, sources, folder / "out")) / len(sources))
    through = np.mean([p > rule.gate for p in p_defect])
    print(f"\n{through:.0%} of the images pass the gate; medians of {rounds} rounds")
    for name, side in sides.items():
        judged = list(side.stream(sources))
        seen, listed = (np.mean([bool(of(one)) for one in judged]) for of in (_is_segmented, _has_suspected))
        rate = 1 / statistics.median(times[name])
        print(f"  {name:18}{rate:8.2f} images/s, {seen:.0%} segmented, something suspected in {listed:.0%}", flush=True)


def _is_segmented(judged: Prediction) -> bool:
    return judged.is_segmented


def _has_suspected(judged: Prediction) -> bool:
    return len(judged.suspected) > 0


def probabilities(inspector: Inspector, sources: Sequence[Source]) -> list[float]:
    """P(defect) of each image; none is segmented."""
    engine, shut = inspector.engine("throughput"), EVERYTHING.model_copy(update={"gate": 1.0})
    images = ((source, read_image(source.path, grey=True)) for source in sources)
    return [judge_batch([one], engine, shut)[0].p_defect for one in images]


def find_rule(inspector: Inspector, sources: Sequence[Source], share: float, trained: bool) -> Rule:
    """A rule whose gate passes the wanted share of the images: the plain thresholds for trained networks, else such that a
    class or so is found in those."""
    engine = inspector.engine("throughput")
    gate = float(np.quantile(probabilities(inspector, sources), 1 - share, method="lower"))
    if trained:
        return plain_rule(len(CLASSES), 800).model_copy(update={"gate": gate})
    images = [(source, read_image(source.path, grey=True)) for source in sources[:8]]
    maps = [judge_batch([one], engine, EVERYTHING, keep_maps=True)[0].maps for one in images]
    upper = tuple(int(np.percentile([map_[index] for map_ in maps if map_ is not None], 99)) for index in range(4))
    return Rule(
        gate=gate,
        upper=upper,
        lower=tuple(max(0, level - 5) for level in upper),
        min_area=(4000,) * 4,
    )


def eager_side(networks: Sequence[Network], rule: Rule) -> EagerLoop:
    """The peer, with the same numbers."""
    preprocess = networks[0][0].preprocess
    if any(member.preprocess != preprocess for member, _ in networks):
        raise SystemExit("the eager loop expects one input size for all members")
    plain = Plain(
        rule.gate,
        tuple((level + 0.5) / 255 for level in rule.upper),
        tuple((level + 0.5) / 255 for level in rule.lower),
        rule.min_area,
    )
    return EagerLoop(
        [network.model for member, network in networks if member.step == "classify"],
        [network.model for member, network in networks if member.step == "segment"],
        (preprocess.height, preprocess.width),
        preprocess.channels,
        preprocess.mean,
        preprocess.deviation,
        plain,
    )


def run_inspector(inspector: Inspector, sources: Sequence[Source], out: Path) -> None:
    """What `steelsight inspect` does."""
    with ResultWriter(out, inspector.classes, sources) as writer:
        for judged in inspector.stream(sources):
            writer.write(judged)


def limit(inspector: Inspector, share: float, paths: Sequence[Path]) -> float:
    """Seconds an image of the bare networks in OpenVINO's throughput loop, and of bare decoding on all cores."""
    core = openvino.Core()
    computed_in = OpenVinoEngine.load(inspector.folder, inspector.card).computed_in
    hint = "bf16" if computed_in.endswith("bf16") else "f32"
    seconds = 0.0
    for card in inspector.card.networks:
        shape = [1, card.preprocess.channels, card.preprocess.height, card.preprocess.width]
        model = core.read_model(inspector.folder / card.file)
        model.reshape(shape)
        settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": hint}
        requests = openvino.AsyncInferQueue(core.compile_model(model, "CPU", settings))
        image = np.random.default_rng(0).random(shape, np.float32)

        def loop(count: int, requests: openvino.AsyncInferQueue = requests, image: np.ndarray = image) -> None:
            for _ in range(count):
                requests.start_async([image])
            requests.wait_all()

        loop(2 * len(requests))
        count = 12 * len(requests)
        weight = 1.0 if card.step == "classify" else share
        seconds += weight * _seconds(partial(loop, count)) / count
    contents = [np.fromfile(path, np.uint8) for path in paths]
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(usable_threads()) as pool:
        decoding = _seconds(lambda: list(pool.map(lambda one: cv2.imdecode(one, cv2.IMREAD_GRAYSCALE), contents)))
    return seconds + decoding / len(contents)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    print_machine()
    main()
