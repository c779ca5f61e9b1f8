"""Calibration: known answers, and a temperature that was hidden comes back."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from training.ml.calibrate import Calibration, near_structures, scaled, temperature

LABELS = np.array([0, 3, 7], np.uint8)


def image(seed: int, heat: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities (3, 40, 40) made too sure by `heat`, their mask, a truth drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (1600, 3))
    honest = scaled(logits, 1.0)
    channel = (rng.random((1600, 1)) < honest.cumsum(axis=1)).argmax(axis=1)
    values = scaled(logits, 1 / heat).T.reshape(3, 40, 40).astype(np.float32)
    return values, LABELS[values.argmax(axis=0)], LABELS[channel].reshape(40, 40)


def test_a_hidden_temperature_is_found_and_repairs_the_calibration() -> None:
    calibration = Calibration()
    for number in range(12):
        values, mask, truth = image(number, 3.0)
        calibration.add(f"P{number % 6}", *near_structures(values, mask, truth, LABELS))
    found = calibration.report()
    assert found["temperature"] == pytest.approx(3.0, rel=0.1)
    assert found["ece"] > 0.15
    assert found["ece_scaled"] < 0.03


def test_a_calibrated_model_is_left_alone() -> None:
    calibration = Calibration()
    for number in range(12):
        values, mask, truth = image(number, 1.0)
        calibration.add(f"P{number % 6}", *near_structures(values, mask, truth, LABELS))
    found = calibration.report()
    assert found["temperature"] == pytest.approx(1.0, rel=0.1)
    assert found["ece"] < 0.03


def test_the_error_and_the_curve_equal_scikit_learns() -> None:
    calibration = Calibration()
    values, mask, truth = image(1, 2.0)
    calibration.add("P", *near_structures(values, mask, truth, LABELS))
    confidence, correct = values.max(axis=0).ravel(), (mask == truth).ravel()
    accuracy, mean = calibration_curve(correct, confidence, n_bins=15)
    curve = calibration.report()["reliability"]
    assert [row["accuracy"] for row in curve] == pytest.approx(accuracy.tolist())
    assert [row["confidence"] for row in curve] == pytest.approx(mean.tolist())
    share = np.array([row["count"] for row in curve]) / 1600
    expected = float((share * np.abs(accuracy - mean)).sum())
    assert calibration.report()["ece"] == pytest.approx(expected)


def test_ignored_pixels_and_far_background_do_not_count() -> None:
    calibration = Calibration()
    values = np.zeros((2, 40, 40), np.float32)
    values[0] = 1
    truth = np.zeros((40, 40), np.uint8)
    truth[20, 20], truth[19] = 1, 255
    calibration.add("P", *near_structures(values, truth * 0, truth, np.array([0, 1], np.uint8)))
    curve = calibration.report()["reliability"]
    # A cross-shaped neighbourhood of 5 steps has 61 pixels; its row above the centre has 9.
    assert sum(row["count"] for row in curve) == 61 - 9
    assert calibration.report()["temperature"] is None, "one patient cannot be split"


def test_without_anything_shown_there_is_no_error() -> None:
    calibration = Calibration()
    values = np.zeros((2, 8, 8), np.float32)
    values[0] = 1
    nothing = np.zeros((8, 8), np.uint8)
    calibration.add("P", *near_structures(values, nothing, nothing, np.array([0, 1], np.uint8)))
    assert calibration.report()["ece"] is None


def test_the_temperature_has_the_least_loss_of_all() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (500, 4))
    truth = np.where(rng.random(500) < 0.5, logits.argmax(axis=1), rng.integers(0, 4, 500))
    logs = np.log(scaled(logits, 1.0))
    best = temperature(logs, truth)
    losses = {
        heat: -np.log(scaled(logs, heat)[np.arange(500), truth]).mean()
        for heat in (best * 0.9, best, best * 1.1)
    }
    assert min(losses, key=lambda heat: losses[heat]) == best
