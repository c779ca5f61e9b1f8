"""Where the sides of a frame point on the patient, as the letters at the edges of a viewer."""

from collections.abc import Sequence

_LETTERS = (("R", "L"), ("A", "P"), ("H", "F"))
OBLIQUE = 0.25  # a second axis is named where it takes more than this part of the direction


def directions(affine: Sequence[Sequence[float]]) -> tuple[str, str] | None:
    """Return the letters at the right and the lower edge of a frame, as "L" or "AL".

    `affine` maps (column, row, frame) to RAS mm, 4 x 4. The strongest axis comes first, as in
    DICOM's Patient Orientation (PS3.3 C.7.6.1.1.1); None when a side has no direction.
    """
    right, down = (_letters([float(affine[axis][side]) for axis in range(3)]) for side in (0, 1))
    return (right, down) if right and down else None


def _letters(vector: Sequence[float]) -> str:
    length = sum(value * value for value in vector) ** 0.5
    if not length:
        return ""
    parts = sorted(zip(vector, _LETTERS, strict=True), key=lambda part: -abs(part[0]))
    return "".join(
        pair[0] if value > 0 else pair[1]
        for number, (value, pair) in enumerate(parts)
        if number == 0 or abs(value) / length > OBLIQUE
    )
