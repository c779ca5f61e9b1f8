"""Values as JSON has them: the database takes neither NaN nor infinity. Torch-free."""

import math
from collections.abc import Mapping
from typing import Any


def finite(value: Any) -> Any:
    """Return JSON values with what is not a number (NaN, infinity) as None."""
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
