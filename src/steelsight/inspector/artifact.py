"""INSPECTOR/: what an exported inspector is made of, and the checks it passes before it is believed.

inspector.json    classes, networks and their inputs, rule, policy, what it was made with, where it comes from
*.onnx            one file a network: float32 `input` (n, channels, height, width) -> float32 `probabilities`
parity.json       proof that it says what the trained networks said
README.md         for the person who finds the folder
checksums.txt     SHA-256 of all of them, as sha256sum writes it
checksums.sig     where it was signed: the signature of checksums.txt; signer.pem, the key that this claims to be of
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer, model_validator

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.files import moved_aside, resolved, write_json
from steelsight.core.model import Model, explain
from steelsight.core.parsing import parse_json
from steelsight.imaging.combine import Combine
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi
from steelsight.inspector.checksums import CHECKSUMS, Checksums
from steelsight.inspector.distilled import Distilled
from steelsight.inspector.input_range import InputRange
from steelsight.inspector.onnx_file import check_alone
from steelsight.inspector.signature import Signature, TrustedKey, check_signature
from steelsight.rule.rule import Rule
from steelsight.run.resolved_recipe import RECIPE
from steelsight.verdicts.policy import Policy

CARD, PARITY, README = "inspector.json", "parity.json", "README.md"
SCHEMA_VERSION: Literal[9] = 9
"""1: without a policy. 2: networks combined by the plain mean alone. 3: without light, contrast and sharpness of its
images. 4: without the bits of a camera in 16-bit images. 5: without a region of interest, as it is still written where there
is none. 6: without distilled networks, likewise. 7: without tested images that are known by a label alone or about which
something is unusual, likewise. 8: without the kinds of groups that were tested, likewise. All are still read."""
_WITHOUT_GROUPS: Literal[8] = 8
_WITHOUT_LABELS: Literal[7] = 7
_WITHOUT_DISTILLED: Literal[6] = 6
_WITHOUT_ROI: Literal[5] = 5
INPUT, OUTPUT = "input", "probabilities"
"""Names of a network's one input and one output."""

Precision = Literal["fp32", "fp16", "bf16", "int8", "int8-bf16"]
"""In which numbers the networks compute: `bf16` networks are stored in fp32 and run in bf16 where the processor gains;
`fp16` networks are stored in fp16 and compute in fp32. What of an `int8` network is not in int8 computes in fp32, of an
`int8-bf16` one in bf16 where the processor has it."""
IN_INT8: tuple[Precision, ...] = ("int8", "int8-bf16")


class NetworkCard(Model):
    """One network.

    Attributes:
        file: its ONNX file in the folder.
        member, fold: the job that trained it; of a distilled one, its own name, and the fold whose weights it started from.
        step: `classify` gives P(defect) (n,), `segment` one map per class (n, classes, height, width).
        preprocess: how an image becomes its input.
    """

    file: str = Field(pattern=r"^[A-Za-z0-9._-]+\.onnx$")
    member: str
    fold: int = Field(ge=0)
    step: Literal["classify", "segment"]
    preprocess: Preprocess

    @property
    def name(self) -> str:
        """The job, as `lite0:2`."""
        return f"{self.member}:{self.fold}"


class CrossValidated(Model):
    """Figures of the run's decision, each from members that did not see the image; None where there is nothing to judge.

    Attributes:
        images: how many.
        nested_dice, nested_defective_dice, nested_false_alarm_share: competition Dice, Dice of pairs with a defect, and
            share of empty pairs with a false alarm, members and rule chosen without the fold they are judged on.
        floor: competition Dice of an answer without any mask.
    """

    images: int
    nested_dice: float
    nested_defective_dice: float | None
    nested_false_alarm_share: float | None
    floor: float


class Provenance(Model):
    """Where an inspector comes from.

    Attributes:
        created: date and time, ISO 8601, UTC.
        steelsight: version that exported it.
        recipe: the recipe as it ran.
        fingerprint: of the data it was trained on.
        folds: whose networks it holds.
        evidence: `own` where one fold's networks stand alone, whose out-of-fold images are then this inspector's own
            evidence; `cross-validated` where folds are combined: every image was seen by some of its networks; `distilled`
            where networks learned from such an ensemble: nothing of the run is evidence of them.
        out_of_fold: figures of the run; None of distilled networks, which they are no figures of.
        distilled: of such.
        versions: of the libraries that took part, by name.
    """

    created: str
    steelsight: str
    recipe: dict[str, Any]
    fingerprint: str
    folds: tuple[int, ...] = Field(min_length=1)
    evidence: Literal["own", "cross-validated", "distilled"]
    out_of_fold: CrossValidated | None
    versions: dict[str, str]
    distilled: Distilled | None = None

    @model_serializer(mode="wrap")
    def _without_the_usual(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Where nothing is distilled it is written as it was before anything could be."""
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if name != "distilled" or value is not None}

    @model_validator(mode="after")
    def _agree(self) -> "Provenance":
        said = self.evidence == "distilled", self.distilled is not None, self.out_of_fold is None
        if len(set(said)) > 1:
            raise ValueError(
                "evidence is `distilled` where networks are, and only then there are no figures out of fold"
            )
        return self


class InspectorCard(Model):
    """inspector.json.

    Attributes:
        classes: defect class names, in the order of every map and of the rule's values.
        networks: of both steps; each has the same weight in what its step's networks say together.
        combine: how they combine (see `steelsight.imaging.combine`).
        precision: of the networks.
        rule: gate, thresholds and minimum areas.
        policy: how an image gets its verdict; None: it gets none.
        familiar: sizes and brightness of the images it was made with.
        roi: the part of each image that counts; None: all of it.
    """

    schema_version: Literal[1, 2, 3, 4, 5, 6, 7, 8, 9] = _WITHOUT_ROI
    classes: tuple[str, ...] = Field(min_length=1)
    networks: tuple[NetworkCard, ...]
    combine: Combine = "mean"
    precision: Precision
    rule: Rule
    policy: Policy | None = None
    familiar: InputRange
    provenance: Provenance
    roi: Roi | None = None

    @model_serializer(mode="wrap")
    def _without_the_usual(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a region it is written as it was before there could be one."""
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if name != "roi" or value is not None}

    @model_validator(mode="after")
    def _agree(self) -> "InspectorCard":
        if self.rule.classes != len(self.classes):
            raise ValueError(f"the rule has {self.rule.classes} classes, not {len(self.classes)}")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("two classes have the same name")
        if not self.of_step("segment"):
            raise ValueError("no network of step segment")
        if len({network.file for network in self.networks}) < len(self.networks):
            raise ValueError("two networks share a file")
        if self.provenance.distilled is not None and self.schema_version < _WITHOUT_LABELS:
            raise ValueError(
                f"distilled networks stand in a file of schema_version {self.schema_version}, which has none"
            )
        if self.roi is not None and self.schema_version < _WITHOUT_DISTILLED:
            raise ValueError(
                f"a region of interest stands in a file of schema_version {self.schema_version}, which has none"
            )
        if self.policy is not None:
            self._check_policy(self.policy)
        return self

    def _check_policy(self, policy: Policy) -> None:
        if self.schema_version == 1:
            raise ValueError("a policy stands in a file of schema_version 1, which has none")
        if not self.of_step("classify"):
            raise ValueError("a policy without a network of step classify")
        if _counts_anew(policy) and self.schema_version < _WITHOUT_GROUPS:
            raise ValueError(
                f"images with a label alone, or unusual ones, count in a file of schema_version {self.schema_version}, which "
                "has none"
            )
        if policy.grouped_by and self.schema_version < SCHEMA_VERSION:
            raise ValueError(
                f"kinds of groups are named in a file of schema_version {self.schema_version}, which names none"
            )
        if policy.evidence == "own" and self.precision != "fp32":
            raise ValueError(
                f"evidence of the networks in fp32 is not this inspector's own, which computes in {self.precision}"
            )
        if policy.severity is not None:
            policy.severity.check_classes(self.classes)
        named = {statement.defect_class for statement in policy.statements} - {None, *self.classes}
        if named:
            raise ValueError(f"the policy names an unknown class: {min(map(str, named))}")

    def of_step(self, step: Literal["classify", "segment"]) -> tuple[NetworkCard, ...]:
        """The networks of a step, in order."""
        return tuple(network for network in self.networks if network.step == step)

    @property
    def bears_bound(self) -> bool:
        """Whether the policy's bounds are those of this inspector: see `Policy.is_guaranteed`."""
        return self.policy is not None and self.policy.is_guaranteed

    def with_policy(self, policy: Policy | None) -> "InspectorCard":
        """The same inspector with another policy.

        Raises:
            ValueError: the policy is not one of this inspector's classes, or there are no classifiers.
        """
        version = version_for(self.roi, self.provenance.distilled, policy)
        return InspectorCard.model_validate(dict(self) | {"policy": policy, "schema_version": version})

    def with_roi(self, roi: Roi | None) -> "InspectorCard":
        """The same inspector with another region of interest, and without a policy, which was decided for the former one.

        Its networks see black outside of it only if they have learned to: if they see black outside of the present one.
        """
        if roi is not None:
            roi = roi.model_copy(update={"black": self.roi is not None and self.roi.black})
        return InspectorCard.model_validate(
            dict(self) | {"policy": None, "roi": roi, "schema_version": version_for(roi, self.provenance.distilled)}
        )


def version_for(
    roi: Roi | None, distilled: Distilled | None = None, policy: Policy | None = None
) -> Literal[5, 6, 7, 8, 9]:
    """The schema_version of a card: the least that has what it says, which an older steelsight reads as well."""
    if policy is not None and policy.grouped_by:
        return SCHEMA_VERSION
    if policy is not None and _counts_anew(policy):
        return _WITHOUT_GROUPS
    if distilled is not None:
        return _WITHOUT_LABELS
    return _WITHOUT_ROI if roi is None else _WITHOUT_DISTILLED


def _counts_anew(policy: Policy) -> bool:
    """Whether images count that an older steelsight does not know of."""
    return bool(policy.outcome.label_alone or policy.outcome.flagged)


def write_card(folder: Path, card: InspectorCard) -> None:
    """Write inspector.json; `write_checksums` comes last."""
    write_json(folder / CARD, card.model_dump(mode="json"))


def read_card(folder: Path) -> InspectorCard:
    """The card of an inspector; see `open_artifact`."""
    return open_artifact(folder)[0]


def open_artifact(folder: Path, trusted: Sequence[TrustedKey] = ()) -> tuple[InspectorCard, Checksums, Signature]:
    """Read and check an inspector: every file there, whole, unchanged, and of a version that this steelsight knows.

    Args:
        trusted: keys of which one must have signed it, which is seen before anything else of it is used; any inspector
            will do if left out.

    Returns:
        The card; what later files are to be held against (`Checksums.read_file`); who signed it.

    Raises:
        UserError: it is none, is damaged or edited, was made by a newer steelsight, or was signed by none of the keys.
    """
    path = folder / CARD
    if not path.is_file():
        if (folder / RECIPE).is_file():
            made = command("export", folder, out="INSPECTOR")
            raise UserError(f"{folder}: a run, which is no inspector yet; make one of it with `{made}`")
        if (former := moved_aside(resolved(folder))) is not None:
            raise UserError(
                f"{folder}: not there, since the command that was replacing it was killed; what stood there is whole in "
                f"{former}: rename that to {former.parent / resolved(folder).name}, or write the inspector anew"
            )
        raise UserError(
            f"{path}: not found, so {folder} is no inspector; name the folder that "
            f"`{command('export', 'RUN', out=True)}` wrote"
        )
    if trusted:
        checksums = Checksums.read(folder)
        signature = check_signature(checksums, trusted)
        written = checksums.read_file(CARD)
    else:
        written = path.read_bytes()
        checksums, signature = None, Signature.unchecked(folder)
    content = _json(path, written)
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"{path}: schema_version {version} was written by a newer steelsight, this one reads up to "
            f"{SCHEMA_VERSION}; update steelsight, or export the run again with this version"
        )
    checksums = checksums or Checksums.read(folder)
    checksums.require(CARD)
    checksums.verify({CARD: written})  # what is believed below is what the checksum is of
    try:
        card = InspectorCard.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, mend='export the run again')}") from error
    checksums.require(*(network.file for network in card.networks))
    return card, checksums, signature


def require_listed(folder: Path, *names: str) -> None:
    """See that checksums.txt vouches for these files; that they agree with it is what `read_card` sees to.

    Raises:
        UserError: it does not list one.
    """
    Checksums.read(folder).require(*names)


def read_network(path: Path, checksums: Checksums | None = None) -> bytes:
    """A network's file, for its runtime: the very bytes that its checksum is of, and all of the network.

    Args:
        checksums: as they were read when the inspector was opened; if left out, those that lie beside the file, and none in
            a folder without checksums.txt, an export that is not finished yet, which `read_card` refuses.

    Raises:
        UserError: it has changed since, is not listed, or refers to other files.
    """
    folder, name = path.parent, path.name
    if checksums is None and (folder / CHECKSUMS).exists():
        checksums = Checksums.read(folder)
    if checksums is not None:
        content = checksums.read_file(name)
    else:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise UserError(f"{path}: missing from the inspector; copy it again from its source") from None
    check_alone(content, path)
    return content


def fingerprint(folder: Path) -> str:
    """See `Checksums.fingerprint`; of an inspector that is open, ask that."""
    return Checksums.read(folder).fingerprint


def _json(path: Path, written: bytes) -> dict[str, Any]:
    try:
        content = parse_json(written.decode("utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); copy the inspector again from its source") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a JSON object; copy the inspector again from its source")
    return content
