"""`steelsight.Run`: a trained RUN, and what a program does with it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, get_args

from steelsight.cascade.sources import Source
from steelsight.core.arguments import check_choice, check_list
from steelsight.core.errors import UserError
from steelsight.recipe import choose_folds
from steelsight.rule.objective import ObjectiveName, chosen_objective
from steelsight.run.run import Run
from steelsight.verdicts.policy import Limits, Unchanged
from steelsight.verdicts.severity import Severity

if TYPE_CHECKING:
    from steelsight.cascade.judge import Prediction
    from steelsight.inspector.artifact import Precision
    from steelsight.inspector.inspector import Inspector
    from steelsight.selection.decision import Decision


@dataclass(frozen=True)
class TrainedRun(Run):
    """A trained RUN, to decide, report, export and predict; `steelsight.Run` is this class.

    The paths of the folder and what is stored there (`recipe`, `record`) come from `steelsight.run.run.Run`.

    >>> run = Run.open("runs/lite")                                    # doctest: +SKIP
    >>> run.decide(Limits(max_escape=0.1)).nested.figures.dice         # doctest: +SKIP
    0.861
    >>> inspector = run.export("inspectors/line2")                     # doctest: +SKIP
    """

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a run that `train` has begun.

        Raises:
            UserError: the folder holds no run, or a damaged one.
        """
        run = cls(Path(folder))
        if run.recipe.folds and run.record.samples:
            return run
        raise UserError(f"{run}: a run without images; train again, into another folder")

    @property
    def decision(self) -> "Decision":
        """The last decision: members, rule, policy and figures.

        Raises:
            UserError: nothing is decided yet, or decision.json is damaged.
        """
        from steelsight.selection.decision import read_decision

        return read_decision(self)

    def decide(
        self,
        limits: Limits | None = None,
        *,
        objective: ObjectiveName | None = None,
        max_false_alarms: float | None = None,
        gate: float | None = None,
        rule: Literal["searched", "each-class", "plain", "published"] = "searched",
        severity: Severity | Unchanged | None = "keep",
    ) -> "Decision":
        """Choose members, rule and verdict policy again from the stored evidence, and write decision.json.

        Args:
            limits: for the verdicts; None for those of the last decision, or else the default.
            objective: what the rule is searched for; None for the recipe's.
            max_false_alarms: share of empty pairs, in [0, 1], in which something may be marked; only with `defects`.
            gate: search at this P(defect) alone, in [0, 1].
            rule: search it among all kinds, or with thresholds for each class; or take the plain one or the one that the
                recipe states, without a search.
            severity: rules on what was found; `keep` for those that the run has, None for none.

        Raises:
            UserError: jobs are not done, or an argument is out of its range.
        """
        from steelsight.selection.decide import RuleSource, decide

        if objective is not None:
            check_choice("objective", objective, get_args(ObjectiveName))
        check_choice("rule", rule, get_args(RuleSource))
        aimed = chosen_objective(self.recipe.search, objective, max_false_alarms)
        return decide(self, gate=gate, objective=aimed, rule=rule, wish=limits, severity=severity)

    def decide_verdicts(
        self, limits: Limits | None = None, *, severity: Severity | Unchanged | None = "keep"
    ) -> "Decision":
        """Find the verdict policy again, for the members and the rule that are decided; takes seconds.

        Raises:
            UserError: nothing is decided yet, or the evidence has changed since.
        """
        from steelsight.selection.run_policy import decide_verdicts

        return decide_verdicts(self, limits, severity)

    def report(self, inspected: str | Path | None = None, *, mm_per_pixel: float | None = None) -> Path:
        """Write the report, one HTML page that needs no network, and return its path.

        Args:
            inspected: results of an inspection with overlays, to be pictured as well; "none" for no such section. If left
                out, those of the last report.
            mm_per_pixel: size of a pixel along the strip; if left out, that of the severity rules, or of the last report.

        Raises:
            UserError: nothing is decided yet, or `inspected` holds no results.
        """
        from steelsight.report.build import build_report

        return build_report(self, None if inspected is None else Path(inspected), mm_per_pixel)

    def export(
        self,
        out: str | Path,
        *,
        folds: str | int = "all",
        precision: "Precision" = "fp32",
        max_dice_loss: float = 0.002,
        images: Sequence[str | Path] = (),
        sign: str | Path | None = None,
    ) -> "Inspector":
        """Write an INSPECTOR that runs without torch, compare it with the run's networks on images, and open it.

        Args:
            out: folder to write; an inspector that is already there is replaced.
            folds: `all`, or one fold's number; only one fold's inspector has guaranteed bounds, from that fold's images.
            max_dice_loss: competition Dice that a precision below fp32 may lose.
            images: files, folders or patterns for the proof; the run's own if left out.
            sign: PEM file of an Ed25519 private key, not encrypted, to sign it with.

        Raises:
            UserError: the run is not complete, images are gone, or the networks differ; or `sign` is no such key. Nothing is
                left behind.
        """
        from steelsight.export.export import export_run
        from steelsight.inspector.artifact import Precision
        from steelsight.inspector.inspector import Inspector
        from steelsight.inspector.signature import read_signing_key

        check_choice("precision", precision, get_args(Precision))
        check_list("images", images)
        given = [str(image) for image in images]
        key = None if sign is None else read_signing_key(Path(sign))
        export_run(
            self, Path(out), folds=str(folds), precision=precision, max_dice_loss=max_dice_loss, images=given, sign=key
        )
        return Inspector.open(out)

    def distil(
        self,
        out: str | Path,
        *,
        unlabelled: Sequence[str | Path] = (),
        made_up: int = 0,
        compare: str | Path | None = None,
        resume: bool = False,
        images: Sequence[str | Path] = (),
    ) -> "Inspector":
        """Train one network a step to answer as the run's networks do together, write these as an INSPECTOR, and open it.

        It gives no verdicts until it is calibrated on new images; see docs/inspector.md, One pair from many.

        Args:
            out: folder to write; an inspector that is already there is replaced.
            unlabelled: files, folders or patterns of images without labels to learn from as well.
            made_up: how many made-up strips to learn from as well.
            compare: labelled images that nothing has learned from, on which the loss against the ensemble is measured.
            resume: go on with what an interrupted one has done.
            images: as for `export`.

        Raises:
            UserError: as `export`; or there is no ensemble, or images to compare on were learned from.
        """
        from steelsight.export.distil.request import DistilRequest
        from steelsight.export.export import export_run
        from steelsight.inspector.inspector import Inspector

        check_list("unlabelled", unlabelled)
        check_list("images", images)
        request = DistilRequest(
            tuple(map(str, unlabelled)), made_up, None if compare is None else Path(compare), resume
        )
        export_run(self, Path(out), images=[str(image) for image in images], distil=request)
        return Inspector.open(out)

    def predict(self, images: Iterable[str | Path], *, folds: str | int = "all") -> "Iterator[Prediction]":
        """Judge images with the run's own networks, in torch, in the order given; see `Inspector.stream`.

        Args:
            images: files; one that cannot be read gives a `Prediction` with its error.
            folds: `all`, or one fold's number, to judge with its networks alone.

        Raises:
            UserError: nothing is decided yet, a job is not done, or there is no such fold.
        """
        from steelsight.cascade.judge import judge
        from steelsight.export.card import measure_familiar
        from steelsight.export.images import are_there
        from steelsight.networks.torch_engine import load_engine
        from steelsight.run.predictions import OutOfFoldPredictions
        from steelsight.selection.run_policy import of_folds

        check_list("images", images)
        decision, chosen = self.decision, choose_folds(str(folds), self.recipe.folds)
        deployed = of_folds(OutOfFoldPredictions.of(self), decision, chosen)
        engine = load_engine(self, self.recipe, decision.classes, *decision.jobs_of(chosen))
        usual = measure_familiar(self.record, (), engine) if are_there(self.record) else None
        return judge(
            map(Source.of, images),
            engine,
            decision.rule_of(chosen),
            flags=None if usual is None else usual.flags,
            policy=None if deployed is None else deployed[1],
        )
