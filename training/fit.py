"""STEP fit: from a trigger to a candidate that has been measured and decided upon.

The row is the truth. A run is claimed by a conditional update that raises its fencing token;
every later write asks for that token, so a worker that lost its claim can change nothing.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now

from annotations.campaigns import training_policy
from annotations.models import Annotation, Campaign
from reticle.errors import ReticleError
from reticle.images.models import Image
from reticle.pixels.mask import Mask
from training import answers, crossval, figures, jobs, promote, stages, variants
from training.bundle import kept_write
from training.ensemble import model_keep
from training.gain import gain_store
from training.models import ModelVersion, Snapshot, TrainingRun
from training.release import code_version
from training.scores import scores_keep
from training.snapshot import looked_at, snapshot_take, subgroups_of
from training.trigger import continues, policy_number

logger = logging.getLogger(__name__)
ATTEMPTS = 3
State = TrainingRun.State


class ClaimLost(Exception):
    """Another worker has this run, or it was ended: write nothing more."""


# --- claim, heartbeat, end -----------------------------------------------------------------


def _until() -> Any:
    return Now() + timedelta(seconds=settings.RUN_LEASE_SECONDS)


def run_claim() -> TrainingRun | None:
    """Claim the oldest run that waits or whose worker fell silent; None when there is none.

    A run that has been claimed three times already fails here with its reason.
    """
    free = Q(state=State.QUEUED) | Q(
        state__in=[State.RUNNING, State.VALIDATING], claimed_until__lt=Now()
    )
    for row in TrainingRun.objects.filter(free).order_by("id")[:5]:
        if row.attempt >= ATTEMPTS:
            TrainingRun.objects.filter(free, pk=row.pk, attempt__gte=ATTEMPTS).update(
                state=State.FAILED, token=F("token") + 1, finished_at=Now(),
                error=f"The worker ended {ATTEMPTS} times during this run. {row.error}".strip(),
            )  # fmt: skip
            continue
        next_state = State.VALIDATING if row.state == State.VALIDATING else State.RUNNING
        changed = TrainingRun.objects.filter(free, pk=row.pk, token=row.token).update(
            state=next_state, attempt=F("attempt") + 1, token=F("token") + 1,
            claimed_until=_until(), heartbeat_at=Now(), started_at=row.started_at or Now(),
            code_version=code_version(),
        )  # fmt: skip
        if changed == 1:
            row.refresh_from_db()
            return row
    return None


def _mine(run: TrainingRun) -> Any:
    return TrainingRun.objects.filter(pk=run.pk, token=run.token, state__in=TrainingRun.ACTIVE)


def _write(run: TrainingRun, **fields: object) -> None:
    """Update the row under our token. Raises ClaimLost when it is not ours any more."""
    if _mine(run).update(**fields) != 1:
        raise ClaimLost
    for name in fields:
        if name not in {"claimed_until", "heartbeat_at", "finished_at"}:
            setattr(run, name, fields[name])


def _beat(run: TrainingRun) -> bool:
    """Prolong the claim; False when the run is to stop (cancelled, or no longer ours)."""
    changed = (
        _mine(run).filter(cancel_requested=False).update(claimed_until=_until(), heartbeat_at=Now())
    )
    return bool(changed == 1)


def _beating(run: TrainingRun, examples: Sequence[jobs.Example]) -> Iterator[jobs.Example]:
    return jobs.beating(examples, lambda: _beat(run), settings.HEARTBEAT_SECONDS)


def run_execute(run: TrainingRun) -> TrainingRun:
    """Take a claimed run to its end; whatever happens, the row says what became of it."""
    try:
        _execute(run)
    except ClaimLost:
        logger.warning("run %s was claimed by another worker: writing nothing more", run.pk)
    except jobs.ChildStopped:
        # Cancelled, or the claim was lost: only the first may still write.
        _mine(run).filter(cancel_requested=True).update(state=State.CANCELLED, finished_at=Now())
    except (jobs.ChildFailed, ReticleError, OSError) as error:
        # The same data would fail the same way; a killed process is worth another attempt.
        again = run.attempt < ATTEMPTS and isinstance(error, jobs.ChildFailed) and error.killed
        _mine(run).update(
            state=State.QUEUED if again else State.FAILED, error=str(error),
            finished_at=None if again else Now(), claimed_until=None,
        )  # fmt: skip
    run.refresh_from_db()
    return run


def run_folder(run: TrainingRun) -> Path:
    """Return the folder that holds the run's job and its attempts."""
    return Path(settings.RUN_FOLDER) / f"run-{run.pk}"


def _execute(run: TrainingRun) -> None:
    if run.snapshot is None:
        snapshot = snapshot_take(campaign=run.campaign)
        _write(run, snapshot=snapshot, base=base_of(run, snapshot))
    assert run.snapshot is not None
    model = ModelVersion.objects.filter(run=run).first()
    if model is None:
        output = _train(run, run.snapshot)
        if output is None:
            _write(run, state=State.SUCCEEDED, finished_at=Now(), error="")
            return
        model = _candidate_store(run, output)
    _decide(run, model, run.snapshot)


def base_of(run: TrainingRun, snapshot: Snapshot) -> ModelVersion | None:
    """Return the champion to fine-tune from; None for a run from scratch.

    From scratch when the classes or the network changed, and whenever the labels have grown by
    the policy's factor since the last run from scratch: early models are limited by what they saw
    first. A person who asked for the run may have chosen either.
    """
    campaign = run.campaign
    champion = promote.champion_of(campaign)
    if champion is None or run.start not in (TrainingRun.Start.AUTO, TrainingRun.Start.CHAMPION):
        return None
    if not continues(champion, campaign, run.config):
        return None
    if run.start == TrainingRun.Start.CHAMPION:
        return champion
    growth = policy_number(training_policy(campaign.training), "scratch_growth")
    if not growth:
        return champion
    last = (
        campaign.runs.filter(TrainingRun.FROM_ALL, base=None, state=State.SUCCEEDED)
        .select_related("snapshot").order_by("-id").first()
    )  # fmt: skip
    if last is None or last.snapshot is None or snapshot.labels >= growth * last.snapshot.labels:
        return None
    return champion


# --- train ---------------------------------------------------------------------------------


def _train(run: TrainingRun, snapshot: Snapshot) -> Path | None:
    """Take the run through its stages; return the folder of its candidate, if there is to be one.

    A cross-validation alone ends with a report.
    """
    stage = stages.CROSS if run.kind == TrainingRun.Kind.CROSS else stages.TRAIN
    job = _job(run, snapshot, stage)
    asked = snapshot.manifest.get("questions", [])
    if run.variants:
        if not run.choice:
            _choose(run, job, asked)
        return _stage(run, stages.TRAIN, job) if run.best else None
    output = _stage(run, stage, job)
    if stage == stages.TRAIN:
        return output
    _write(run, report=crossval.report_in(output, asked))
    return output if run.ensemble else None


def _job(run: TrainingRun, snapshot: Snapshot, stage: str) -> Path:
    """Write the job that the run's stages share, with its first weights; return its folder."""
    folder = run_folder(run)
    lent: ModelVersion | Path | None = run.donor
    if run.start == TrainingRun.Start.PRETRAINED:
        lent = _pretrain(run, snapshot)
    elif run.start == TrainingRun.Start.FILE:
        lent = kept_write(folder / "file", run.file)
    jobs.job_write(
        folder / "job",
        _beating(run, examples_of(snapshot, "training", seen=_seen_before(run))),
        classes=snapshot.manifest.get("classes", []),
        questions=snapshot.manifest.get("questions", []),
        config=stages.config_of(run, stage),
        seed=run.seed,
        start=run.base,
        transfer=lent,
    )
    return folder / "job"


def _choose(run: TrainingRun, job: Path, asked: answers.Asked) -> None:
    """Cross-validate each variant, and keep which one is chosen, with all numbers.

    Its report and configuration become the run's. Raises ChildFailed when all have diverged.
    """
    folders = [_crossed(run, job, variant) for variant in range(len(run.variants))]
    names = [row["name"] for row in run.variants]
    choice = variants.choice_of(names, [variants.outcome_in(each) for each in folders], asked)
    chosen = choice["chosen"]
    if chosen is None:
        _write(run, choice=choice)
        raise jobs.ChildFailed("The training of every variant diverged.")
    report, config = choice["variants"][chosen]["report"], run.variants[chosen]["config"]
    _write(run, choice=choice, report=report, config=config)


def _crossed(run: TrainingRun, job: Path, variant: int) -> Path:
    """Cross-validate one variant, unless an earlier attempt has; return its folder.

    One whose training diverges has a note there, and no report.
    """
    folder = stages.variant_folder(run_folder(run), variant)
    done = stages.finished(folder, stages.CROSS, run.attempt)
    if done is not None:
        return done
    try:
        return _stage(run, stages.CROSS, job, variant)
    except jobs.ChildFailed as error:
        if error.code != "diverged":
            raise
        output = stages.output_of(folder, stages.CROSS, run.attempt)
        return stages.diverged(output, str(error))


def _pretrain(run: TrainingRun, snapshot: Snapshot) -> Path:
    """Learn from the pool's images alone; return the folder of that model."""
    folder = run_folder(run)
    done = stages.finished(folder, stages.PRETRAIN, run.attempt)
    if done is not None:
        return done
    jobs.job_write(
        folder / "pool",
        _beating(run, stages.pool_examples(run.campaign)),
        classes=snapshot.manifest.get("classes", []),
        questions=snapshot.manifest.get("questions", []),
        config=stages.config_of(run, stages.PRETRAIN),
        seed=run.seed,
    )
    return _stage(run, stages.PRETRAIN, folder / "pool")


def _stage(run: TrainingRun, stage: str, job: Path, variant: int | None = None) -> Path:
    """Run the child of one stage, from where an earlier attempt left it; return its folder."""
    folder = stages.variant_folder(run_folder(run), variant)
    output = stages.output_of(folder, stage, run.attempt)
    arguments = [stage, str(job), "--out", str(output)]
    arguments += stages.variant_arguments(run, folder, stage, variant)
    place = stages.place_of(run, stage, variant)
    if stage == stages.CROSS:
        stages.cross_continued(folder, run.attempt)
        arguments += ["--folds", str(run.folds)]
    else:
        arguments += stages.resumed(folder, stage, run.attempt)
    beat = settings.HEARTBEAT_SECONDS
    for event in jobs.child_lines(arguments, beat=lambda: _beat(run), beat_seconds=beat):
        row = {**promote.finite(event), **place}
        if event.get("event") == "start":
            _write(run, epochs=stages.epochs_resumed(run.epochs, row, output))
        elif event.get("event") == "epoch":
            epochs = stages.epochs_with(run.epochs, row)
            _write(run, progress=row, epochs=epochs, claimed_until=_until(), heartbeat_at=Now())
    if not _beat(run):
        raise jobs.ChildStopped
    return output


def _seen_before(run: TrainingRun) -> set[int]:
    """Return the annotations the base model was trained on; the rest counts as fresh."""
    if run.base is None or run.base.run.snapshot is None:
        return set()
    return {row["annotation"] for row in run.base.run.snapshot.manifest["training"]}


def examples_of(snapshot: Snapshot, split: str, *, seen: set[int]) -> list[jobs.Example]:
    """Return the examples of one split of a snapshot, exactly as its manifest names them."""
    rows = snapshot.manifest[split]
    images = Image.objects.select_related("series").in_bulk([row["image"] for row in rows])
    return [
        jobs.Example(
            image=images[row["image"]],
            patient=row["patient"],
            annotation_id=row["annotation"],
            fresh=bool(seen) and row["annotation"] not in seen,
            answers=row.get("answers"),
        )
        for row in rows
    ]


@transaction.atomic
def _candidate_store(run: TrainingRun, output: Path) -> ModelVersion:
    """Keep the weights by hash and make the candidate's row. Raises ClaimLost, ChildFailed."""
    try:
        sha256, card = model_keep(output)
    except ValueError as error:
        raise jobs.ChildFailed(str(error)) from error
    Campaign.objects.select_for_update(no_key=True).get(pk=run.campaign_id)
    highest = run.campaign.models.aggregate(highest=Max("number"))["highest"] or 0
    _write(run, state=State.VALIDATING, claimed_until=_until(), heartbeat_at=Now())
    return ModelVersion.objects.create(
        campaign=run.campaign, number=highest + 1, run=run, weights_sha256=sha256, card=card
    )


# --- decide --------------------------------------------------------------------------------


def _decide(run: TrainingRun, candidate: ModelVersion, snapshot: Snapshot) -> None:
    """Measure candidate and champion on the snapshot's held-out cases, decide, end the run."""
    rival = promote.champion_of(run.campaign)
    policy = training_policy(run.campaign.training)
    report = evaluate(candidate, snapshot, beat=lambda: _beat(run))
    against = evaluate(rival, snapshot, beat=lambda: _beat(run)) if rival else None
    first = not promote.shared_names(report, against)
    decision = promote.decide(
        report,
        against,
        floor=_majority(snapshot, report) if first else 0.0,
        margin=policy_number(policy, "margin"),
        minimum_cases=int(policy_number(policy, "minimum_held_out")),
        subgroups=subgroups_of(snapshot),
    )
    with transaction.atomic():
        # The run's end and the promotion are one: a lost token can never promote.
        _write(run, state=State.SUCCEEDED, finished_at=Now(), error="")
        promote.model_consider(candidate=candidate, decision=decision, rival=rival)
    if rival is not None:
        gain_store(rival)


def evaluate(
    model: ModelVersion, snapshot: Snapshot, *, beat: Callable[[], bool]
) -> dict[str, Any]:
    """Measure a model on a snapshot's held-out cases and keep the report; kept ones are reused.

    Whatever becomes of the model, what it says of the cases to be looked at is kept as well.
    A model from before a class was added is measured by the classes it knows; pixels of others
    count for nothing. So is one from before a question was added or changed.
    """
    known = model.evaluations.filter(snapshot=snapshot).first()
    if known is not None:
        return dict(known.report)
    examples = in_words_of(model, snapshot, examples_of(snapshot, "held_out", seen=set()))
    content = measured(model, examples, also=_unlooked_at(model, snapshot), beat=beat)
    promote.evaluation_store(model=model, snapshot_id=snapshot.pk, report=content)
    return content


def measured(
    model: ModelVersion,
    examples: Sequence[jobs.Example],
    *,
    also: Sequence[Image] = (),
    beat: Callable[[], bool],
) -> dict[str, Any]:
    """Return the report of a model on examples with their truth, which is kept nowhere.

    What it says of the images `also` is kept as its predictions.
    """
    runs = Path(settings.RUN_FOLDER)
    runs.mkdir(parents=True, exist_ok=True)
    seconds = settings.HEARTBEAT_SECONDS
    # A folder of its own: another worker may be measuring on the same cases.
    with TemporaryDirectory(prefix=f"measured-{model.pk}-", dir=runs) as scratch:
        folder = Path(scratch)
        told = jobs.beating(examples, beat, seconds)
        jobs.job_write(
            folder, told, classes=model.card["classes"], questions=model.questions, config={},
            seed=0,
        )  # fmt: skip
        weights = jobs.model_write(folder / "model", model)
        report = folder / "report.json"
        arguments = ["evaluate", str(folder), "--model", str(weights), "--out", str(report)]
        looked = folder / "also"
        if _also_write(looked, model, also, beat):
            arguments += ["--also", str(looked)]
        lines = jobs.child_lines(arguments, beat=beat, beat_seconds=seconds)
        events = [promote.finite(event) for event in lines if event.get("event") == "case"]
        scores_keep(model, events, looked / "out")
        content: dict[str, Any] = promote.finite(json.loads(report.read_text()))
    return content


def _unlooked_at(model: ModelVersion, snapshot: Snapshot) -> list[Image]:
    """Return the images to be looked at that the model has said nothing of yet."""
    images = looked_at(snapshot)
    known = model.predictions.filter(image_id__in=images).values_list("image_id", flat=True)
    return list(Image.objects.select_related("series").in_bulk(set(images) - set(known)).values())


def _also_write(
    folder: Path, model: ModelVersion, images: Sequence[Image], beat: Callable[[], bool]
) -> bool:
    """Write a job folder of images; False when there is none, or none that can be read."""
    if not images:
        return False
    examples = [jobs.Example(image=image, patient="") for image in images]
    told = jobs.beating(examples, beat, settings.HEARTBEAT_SECONDS)
    left_out: list[jobs.Unreadable] = []
    classes = model.card["classes"]
    jobs.job_write(folder, told, classes=classes, config={}, seed=0, left_out=left_out)
    return len(left_out) < len(examples)


def in_words_of(
    model: ModelVersion, snapshot: Snapshot, examples: Sequence[jobs.Example]
) -> list[jobs.Example]:
    """Return the examples with their answers, if they are answers, in the words of the model."""
    asked = snapshot.manifest.get("questions", [])
    if not asked:
        return list(examples)
    words = answers.words_of(model.campaign, asked, model.questions)
    return [
        replace(each, answers=answers.translated(each.answers or {}, words)) for each in examples
    ]


def _majority(snapshot: Snapshot, report: figures.Report) -> float:
    """Return what the majority mask or answer reaches: the floor of a first model with this report.

    Images of several sizes have no majority mask: the one that is flat takes its place.
    """
    names = figures.telling(report)
    if "questions" in snapshot.manifest:
        return answers.majority_accuracy(snapshot.manifest, names)
    classes = snapshot.manifest["classes"]
    indexes = [int(row["index"]) for row in classes if row["name"] in names]
    training, held_out = (_masks(snapshot, split) for split in ("training", "held_out"))
    found = promote.majority_dice(training, held_out, indexes)
    if found is not None:
        return found
    by_class = report.get("majority_by_class", {})
    flat = [figures.number(by_class.get(name)) or 0.0 for name in names]
    return sum(flat) / len(flat) if flat else 0.0


def _masks(snapshot: Snapshot, split: str) -> Iterator[Mask]:
    """Yield a split's masks one by one: together they may be more than the memory holds."""
    keys = [row["annotation"] for row in snapshot.manifest[split]]
    rows = Annotation.objects.filter(pk__in=keys).select_related("task__image")
    for row in rows.iterator(chunk_size=50):
        yield jobs.judged_truth(row, row.task.image)
