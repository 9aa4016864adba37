"""The images that an INSPECTOR's verdicts rest on, as it carries them: read from files that its checksums vouch for."""

from steelsight.inspector.checksums import Checksums
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import DEFECTS, IMAGES, MATCHES, read_evaluation_set


def read_tested(checksums: Checksums) -> EvaluationSet:
    """The evaluation set of an inspector; a table that is not listed is not read.

    Raises:
        UserError: it carries none, or one that is damaged, was changed, or is not listed.
    """
    names = [name for name in (IMAGES, DEFECTS) if (checksums.folder / name).is_file()]
    names += [MATCHES] if MATCHES in checksums.digests else []
    return read_evaluation_set(checksums.folder, {name: checksums.read_file(name) for name in names})
