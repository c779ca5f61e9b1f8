"""The shape of one made-up patient: the template bent by an affine and an elastic deformation.

    anatomy = bend(template, rng, Shape(size=128, slices=16, ...))

All arrays are (x, y, slice) in RAS order; the image and its tissue maps are sampled at the same
points, so labels follow every deformation.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from reticle.demo.template import Template, Volume

Field = npt.NDArray[np.float32]
_CENTRE = np.array([98.0, 117.0, 84.0])  # voxel in the middle of the slab that is sampled
_VENTRICLES = np.array([98.0, 120.0, 84.0])
_COVERAGE = 90.0  # mm from the lowest to the highest slice
_SUBSLICES = 3  # samples across one thick slice, averaged like the partial volume of a scanner


@dataclass(frozen=True)
class Shape:
    """What decides a patient's geometry; the age and the sex of the patient enter here."""

    size: int
    slices: int
    field_of_view: float  # mm, of the square slice
    head: float  # scale of the head, 1 is the template
    ventricles: float  # 0..0.5, how far the ventricles are pushed open
    elastic: float  # mm, standard deviation of the elastic displacement

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Of one voxel (x, y, slice), mm."""
        pixel = self.field_of_view / self.size
        return pixel, pixel, _COVERAGE * self.head / self.slices


@dataclass(frozen=True)
class Anatomy:
    """Brain signal of the template 0..1 and tissue probabilities 0..1, each (x, y, slice)."""

    t1: Field
    grey: Field
    white: Field


def bend(template: Template, rng: np.random.Generator, shape: Shape) -> Anatomy:
    """Sample the template at deformed points; float32 arrays (size, size, slices)."""
    points = _points(rng, shape)  # (3, x, y, slice * sub)
    return Anatomy(
        *(_sample(v, points, shape) for v in (template.t1, template.grey, template.white))
    )


def smooth_field(
    rng: np.random.Generator, shape: tuple[int, int, int], knots: tuple[int, int, int]
) -> Field:
    """Random cubic B-spline field over the whole of ``shape``, zero mean, deviation about 1."""
    control = rng.standard_normal(tuple(k + 3 for k in knots))
    bases = [_spline(n, k) for n, k in zip(shape, knots, strict=True)]
    field = np.einsum("ai,bj,ck,ijk->abc", *bases, control, optimize=True)
    return np.asarray(field / (field.std() or 1.0), np.float32)


def _spline(samples: int, knots: int) -> npt.NDArray[np.float64]:
    """Weights (samples, knots + 3) of a uniform cubic B-spline over ``knots`` intervals."""
    at = np.linspace(0, knots, samples, endpoint=False)
    first = np.floor(at).astype(int)
    t = at - first
    weights = np.zeros((samples, knots + 3))
    parts = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    for offset, part in enumerate(parts):
        weights[np.arange(samples), first + offset] = part / 6
    return weights


def _points(rng: np.random.Generator, shape: Shape) -> Field:
    depth = shape.slices * _SUBSLICES
    x_mm, _, z_mm = shape.spacing
    across = (np.arange(shape.size) - (shape.size - 1) / 2) * x_mm
    along = (np.arange(depth) - (depth - 1) / 2) * z_mm / _SUBSLICES
    grid = np.stack(np.meshgrid(across, across, along, indexing="ij"))  # (3, x, y, z) mm
    bent = np.einsum("ij,jxyz->ixyz", _affine(rng) / shape.head, grid)
    for axis in range(3):
        bent[axis] += shape.elastic * smooth_field(rng, grid.shape[1:], (5, 5, 4))
    bent += _CENTRE[:, None, None, None]
    # Reading nearer to the ventricles' centre than the point lies makes them look wider.
    away = bent - _VENTRICLES[:, None, None, None]
    distance = np.square(away / np.array([26.0, 40.0, 22.0])[:, None, None, None]).sum(0)
    return np.asarray(bent - away * (shape.ventricles * np.exp(-distance / 2)), np.float32)


def _affine(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Rotation of some degrees round each axis, times unequal scales and a little shear (3, 3)."""
    matrix = np.diag(rng.uniform(0.93, 1.07, 3))
    matrix[0, 1], matrix[1, 2] = rng.uniform(-0.05, 0.05, 2)
    for axis, angle in enumerate(np.radians(rng.uniform(-7, 7, 3))):
        turn = np.eye(3)
        i, j = [k for k in range(3) if k != axis]
        turn[i, i] = turn[j, j] = math.cos(angle)
        turn[i, j], turn[j, i] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix


def _sample(volume: Volume, points: Field, shape: Shape) -> Field:
    values = ndimage.map_coordinates(volume, points, output=np.float32, order=1)
    thick = values.reshape(shape.size, shape.size, shape.slices, _SUBSLICES).mean(axis=3)
    return np.asarray(thick / 255, np.float32)
