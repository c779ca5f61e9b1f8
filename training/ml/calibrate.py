"""Do probabilities mean what they say? Of pixels or of answers, before and after scaling.

Over whole images easy background would hide everything, so pixels count that lie within 5 px of
any class in truth or prediction (`near_structures`). Temperature scaling divides the logits by one
number (Guo et al., "On calibration of modern neural networks", 2017); here it is fitted on one half
of the patients and judged on the other, both ways, so that what is reported was not fitted on
itself.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, optimize

from training.ml.config import IGNORE
from training.ml.preprocess import Floats, Mask

_BINS = 15
_NEAR = 5
_KEPT = 20_000
"""Choices kept of each image; more would not move the result."""
_RANGE = (0.2, 10.0)
_LEAST = 1e-7

Rows = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


class Calibration:
    """Collects choices of evaluated images, and says how far confidence is from accuracy."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._logs: dict[str, list[Rows]] = defaultdict(list)  # patient: (n, options)
        self._truth: dict[str, list[Places]] = defaultdict(list)
        self._sums = np.zeros((3, _BINS))  # choices, correct, confidence

    def add(self, patient: str, values: Rows, truth: Places) -> None:
        """Count choices of one image: probabilities (n, options), the true option's place (n,)."""
        self._count(values.max(axis=1), values.argmax(axis=1) == truth)
        picked = self._rng.permutation(len(values))[:_KEPT]
        self._logs[patient].append(np.log(np.clip(values[picked], _LEAST, 1)))
        self._truth[patient].append(truth[picked])

    def _count(self, confidence: Rows, correct: npt.NDArray[np.bool_]) -> None:
        bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
        for row, weights in enumerate((np.ones(len(bins)), correct, confidence)):
            self._sums[row] += np.bincount(bins, weights=weights, minlength=_BINS)

    def report(self) -> dict[str, Any]:
        """{ece, reliability: [{count, confidence, accuracy}], temperature, ece_scaled}.

        `ece` = sum_b n_b / n |accuracy_b - confidence_b| over 15 equal bins; None without choices.
        `temperature` is the mean of the two halves' and, as `ece_scaled`, None below two patients.
        """
        count, correct, confidence = self._sums
        some = count > 0
        curve = [
            {"count": int(n), "confidence": float(c / n), "accuracy": float(a / n)}
            for n, a, c in zip(count[some], correct[some], confidence[some], strict=True)
        ]
        scaled = self._crossed()
        return {
            "ece": _error(self._sums) if some.any() else None,
            "reliability": curve,
            "temperature": scaled[0] if scaled else None,
            "ece_scaled": scaled[1] if scaled else None,
        }

    def _crossed(self) -> tuple[float, float] | None:
        """Fit on either half of the patients, judge on the other: (temperature, error)."""
        order = sorted(self._logs, key=lambda name: hashlib.sha256(name.encode()).digest())
        order = [name for name in order if sum(len(part) for part in self._logs[name])]
        if len(order) < 2:
            return None
        halves = [self._gathered(order[::2]), self._gathered(order[1::2])]
        found = [temperature(logs, truth) for logs, truth in halves]
        sums = np.zeros((3, _BINS))
        for (logs, truth), other in zip(halves, reversed(found), strict=True):
            own = Calibration()
            p = scaled(logs, other)
            own._count(p.max(axis=1), p.argmax(axis=1) == truth)
            sums += own._sums
        return float(np.mean(found)), _error(sums)

    def _gathered(self, names: list[str]) -> tuple[Rows, Places]:
        logs = np.concatenate([part for name in names for part in self._logs[name]])
        return logs, np.concatenate([part for name in names for part in self._truth[name]])


def near_structures(values: Floats, mask: Mask, truth: Mask, labels: Mask) -> tuple[Rows, Places]:
    """Probabilities (n, 1 + classes) and true channels (n,) of the pixels that count.

    Of one image: probabilities (1 + classes, H, W), label masks (H, W). `labels` are the mask
    values of the channels, background's 0 first.
    """
    shown = (mask > 0) | ((truth > 0) & (truth != IGNORE))
    near = ndimage.binary_dilation(shown, iterations=_NEAR) & (truth != IGNORE)
    order = np.argsort(labels)
    channel = order[np.searchsorted(labels, truth[near], sorter=order)]
    return values[:, near].T.astype(np.float64), channel


def scaled(logs: Rows, heat: float) -> Rows:
    """softmax(logs / heat) of log-probabilities (n, C), which differ from logits by a constant."""
    raised = logs / heat
    raised = np.exp(raised - raised.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def temperature(logs: Rows, truth: Places) -> float:
    """The temperature of least negative log-likelihood: log-probabilities (n, C), channels (n,)."""

    def loss(heat: float) -> float:
        p = scaled(logs, heat)[np.arange(len(truth)), truth]
        return float(-np.log(np.clip(p, _LEAST, 1)).mean())

    return float(optimize.minimize_scalar(loss, bounds=_RANGE, method="bounded").x)


def _error(sums: Rows) -> float:
    count, correct, confidence = sums
    return float(np.abs(correct - confidence).sum() / count.sum())
