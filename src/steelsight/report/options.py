"""RUN/report/options.json: what a report was asked for, so that it keeps its sections when it is made again."""

from pathlib import Path

from pydantic import ValidationError

from steelsight.core.errors import UserError
from steelsight.core.files import resolved, write_json
from steelsight.core.model import Model, explain
from steelsight.results.tables import IMAGES
from steelsight.run.run import Run
from steelsight.verdicts.policy import Policy

NONE = Path("none")
"""In place of a folder: the section on new images is left out from then on."""


class ReportOptions(Model):
    """What the report shows beside the RUN.

    Attributes:
        inspected: folder of results on new images, absolute; None for no such section.
        mm_per_pixel: size of a pixel along the strip.
    """

    inspected: str | None = None
    mm_per_pixel: float | None = None

    @property
    def folder(self) -> Path | None:
        return None if self.inspected is None else Path(self.inspected)

    @property
    def lost(self) -> str | None:
        """What to say where the results are gone."""
        if self.folder is None or (self.folder / IMAGES).is_file():
            return None
        return f"The results on new images in {self.inspected} are gone, and so is their section of this page."


def read_options(run: Run) -> ReportOptions:
    """Those of the last report; none where there was none.

    Raises:
        UserError: the file is damaged.
    """
    file = run.report_options
    try:
        return ReportOptions.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ReportOptions()
    except (ValidationError, UnicodeDecodeError) as error:
        why = explain(error, mend="") if isinstance(error, ValidationError) else error
        raise UserError(f"{file}: not the options that a report kept ({why}); delete the file") from error


def renewed(
    kept: ReportOptions, inspected: Path | None, mm_per_pixel: float | None, policy: Policy | None
) -> ReportOptions:
    """Options with what is asked for now in place of what was; None keeps it. A size of a pixel that severity rules now say
    themselves is forgotten."""
    folder = kept.inspected if inspected is None else None if inspected == NONE else str(resolved(inspected))
    says = policy is not None and policy.severity is not None and policy.severity.mm_per_pixel is not None
    scale = mm_per_pixel if mm_per_pixel is not None or says else kept.mm_per_pixel
    return ReportOptions(inspected=folder, mm_per_pixel=scale)


def write_options(run: Run, options: ReportOptions) -> None:
    """Keep them for the next report; no file where there is nothing to keep."""
    if options == ReportOptions():
        run.report_options.unlink(missing_ok=True)
    else:
        write_json(run.report_options, options.model_dump())
