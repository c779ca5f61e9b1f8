"""Unfamiliar images: the distance is Mahalanobis', and what is unlike the known ones is flagged."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from discs import run, write_job
from training.ml.familiar import LIMIT, distances, unfamiliar


def test_with_many_known_images_it_is_the_mahalanobis_distance() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 4))
    known = rng.normal(size=(20_000, 4)) @ mixing
    some = rng.normal(size=(5, 4)) * 3
    inverse = np.linalg.inv(np.cov(known.T, bias=True))
    expected = [mahalanobis(one, known.mean(axis=0), inverse) for one in some]
    assert distances(some, known) == pytest.approx(expected, rel=0.02)


def test_with_fewer_images_than_features_it_still_says_what_is_far() -> None:
    rng = np.random.default_rng(1)
    known = rng.normal(size=(40, 128))
    near, far = rng.normal(size=(20, 128)), rng.normal(size=(20, 128)) * 4
    assert unfamiliar(far, known).min() > unfamiliar(near, known).max()
    assert (unfamiliar(far, known) > LIMIT).all()


def test_known_images_are_rarely_flagged() -> None:
    rng = np.random.default_rng(2)
    known = rng.normal(size=(400, 16))
    assert (unfamiliar(known, known) > LIMIT).mean() < 0.01


def test_noise_is_unlike_the_discs_a_network_was_trained_on(tmp_path: Path) -> None:
    job = write_job(tmp_path / "job", count=40)
    run("train", job, "--out", tmp_path / "model")
    for number in range(36, 40):
        shape = np.load(job / "images" / f"{number}.npy").shape
        noise = np.random.default_rng(number).integers(0, 1000, shape)
        np.save(job / "images" / f"{number}.npy", noise.astype(np.uint16))
    run("predict", job, "--model", tmp_path / "model", "--out", tmp_path / "out")
    found = []
    for number in range(40):
        with np.load(tmp_path / "out" / f"{number}.npz") as file:
            found.append(file["embedding"])
    features = np.stack(found)
    beyond = unfamiliar(features, features[:36])
    assert (beyond[36:] > LIMIT).all()
    assert (beyond[:36] > LIMIT).sum() <= 1
