"""The plan: there and back by size, the same for training and use, and old cards still read."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from discs import CONFIG, command, write_job
from training.ml.checkpoint import load_model
from training.ml.config import TrainConfig
from training.ml.fingerprint import fingerprint
from training.ml.job import read_job
from training.ml.preprocess import Geometry, Mask, Plan, make_plan, percentile

PLAN = Plan(
    channels=1, patch=64, longest=256, spacing=1.0, low_percentile=0.5, high_percentile=99.5,
    denoise=0,
)  # fmt: skip
sides = st.integers(1, 300)
spacings = st.floats(0.2, 5.0)


def there_and_back(mask: Mask, geometry: Geometry) -> Mask:
    """Labels to the network's grid and back, as a prediction goes: by probabilities."""
    small = PLAN.mask(mask, geometry)
    assert small.shape == (geometry.scaled_rows, geometry.scaled_columns)
    values = np.stack([(small == label) for label in range(3)]).astype(np.float32)
    found: Mask = PLAN.restore(values, geometry).argmax(axis=0).astype(np.uint8)
    return found


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1), st.floats(0, 100))
def test_percentiles_are_those_of_numpy(values: list[float], percent: float) -> None:
    pixels = np.array(values, np.float32)
    wanted = np.percentile(pixels.astype(np.float64), percent)
    assert percentile(np.sort(pixels), percent) == pytest.approx(wanted, rel=1e-9, abs=1e-8)


@given(sides, sides, spacings, spacings, st.integers(0, 2))
def test_every_size_and_spacing_comes_back_and_what_is_constant_stays(
    rows: int, columns: int, down: float, across: float, label: int
) -> None:
    geometry = PLAN.geometry(rows, columns, (down, across))
    found = there_and_back(np.full((rows, columns), label, np.uint8), geometry)
    assert found.shape == (rows, columns)
    assert (found == label).all()


@given(sides, sides, spacings, spacings, st.floats(0.1, 0.9))
def test_a_region_keeps_its_place_to_within_a_pixel_of_the_coarser_grid(
    rows: int, columns: int, down: float, across: float, share: float
) -> None:
    geometry = PLAN.geometry(rows, columns, (down, across))
    assume(geometry.scaled_columns > 1)
    edge = share * columns
    mask = np.zeros((rows, columns), np.uint8)
    mask[:, np.arange(columns) + 0.5 > edge] = 2
    found = there_and_back(mask, geometry)
    reach = max(1.0, columns / geometry.scaled_columns)
    far = np.abs(np.arange(columns) + 0.5 - edge) > reach
    assert np.array_equal(found[:, far], mask[:, far])


@given(sides, sides, st.floats(0.99, 1.01))
def test_at_the_plans_own_spacing_nothing_is_resampled(
    rows: int, columns: int, spacing: float
) -> None:
    assume(max(rows, columns) <= PLAN.longest)
    geometry = PLAN.geometry(rows, columns, (spacing, spacing))
    assert geometry.unchanged
    mask = np.random.default_rng(rows).integers(0, 3, (rows, columns)).astype(np.uint8)
    assert np.array_equal(there_and_back(mask, geometry), mask)


@pytest.mark.parametrize("change", [{"denoise": 3}, {"nonlocal_means": 0.15}])
def test_denoising_comes_nearer_to_the_truth(change: dict[str, float]) -> None:
    rng = np.random.default_rng(0)
    truth = np.zeros((64, 64, 1), np.float32)
    truth[20:44, 20:44] = 1
    plan = replace(PLAN, low_percentile=0, high_percentile=100)
    noisy = truth + rng.normal(0, 0.1, truth.shape).astype(np.float32)
    geometry = plan.geometry(64, 64, None)

    def error(with_plan: Plan) -> float:
        found = with_plan.image(noisy, geometry)
        low, high = found[:10, :10].mean(), found[28:36, 28:36].mean()
        return float(np.abs((found - low) / (high - low) - truth)[2:-2, 2:-2].mean())

    assert error(replace(plan, **change)) < 0.7 * error(plan)  # type: ignore[arg-type]


def test_local_equalisation_raises_faint_contrast() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    image = np.tile(ramp, (256, 1))[:, :, None]
    image += np.random.default_rng(0).normal(0, 0.01, image.shape).astype(np.float32)
    image[100:140, 100:140] += 0.06
    geometry = PLAN.geometry(256, 256, None)

    def contrast(plan: Plan) -> float:
        found = plan.image(image, geometry)
        return float(found[104:136, 104:136].mean() - found[60:92, 104:136].mean())

    assert contrast(replace(PLAN, clahe=4.0)) > 1.5 * contrast(PLAN)


def test_the_plan_and_the_fingerprint_are_in_the_card(tmp_path: Path) -> None:
    job = write_job(tmp_path / "job", config={**CONFIG, "clahe": 2.0, "epochs": 1})
    rows = json.loads((job / "examples.json").read_text())
    for number, row in enumerate(rows):
        row |= {"spacing": [0.5, 0.7], "modality": "MR" if number else "CT", "slope": 2.0}
    (job / "examples.json").write_text(json.dumps(rows))
    command("train", job, "--out", tmp_path / "model")
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert card["preprocessing"]["clahe"] == 2.0
    assert card["fingerprint"].keys() == {"CT", "MR"}
    kind = card["fingerprint"]["MR"]
    assert (kind["images"], kind["rows"], kind["columns"]) == (3, 64, 48)
    assert kind["spacing"] == [0.5, 0.7]
    level = np.median([np.median(np.load(job / "images" / f"{n}.npy")) * 2.0 for n in (1, 2, 3)])
    assert kind["intensity"]["50"] == pytest.approx(level)
    assert load_model(tmp_path / "model").fingerprint == card["fingerprint"]


def test_a_card_of_an_earlier_release_is_read_as_it_was_meant(tmp_path: Path) -> None:
    command("train", write_job(tmp_path / "job"), "--out", tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    card = json.loads(path.read_text())
    for name in ("nonlocal_means", "clahe"):
        del card["preprocessing"][name]
    for name in ("kind", "encoder", "deep_supervision"):
        del card["architecture"][name]
    del card["fingerprint"]
    path.write_text(json.dumps(card))
    model = load_model(tmp_path / "model")
    assert model.architecture == TrainConfig.parse(CONFIG).network
    assert (model.plan.nonlocal_means, model.plan.clahe, model.fingerprint) == (0, 0, {})


def test_a_fingerprint_of_many_images_looks_at_some(tmp_path: Path) -> None:
    examples = read_job(write_job(tmp_path / "job", 4)).examples
    many = fingerprint(examples * 40)
    assert many[""]["images"] == 160
    assert many[""]["spacing"] is None
    plan = make_plan(TrainConfig.parse(CONFIG), examples)
    assert plan.spacing is None
