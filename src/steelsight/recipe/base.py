"""What all fields of a recipe have in common."""

from typing import Annotated

from pydantic import ConfigDict, Field

from steelsight.core.model import Model

Probability = Annotated[float, Field(ge=0, le=1)]


class Fields(Model):
    """Frozen; unknown keys, infinity and nan are refused."""

    model_config = ConfigDict(populate_by_name=True, allow_inf_nan=False)
