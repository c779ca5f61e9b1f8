"""The clock's calls: look for work to start, and the one slot that does the heavy work."""

from celery import shared_task

from training import (
    ahead,
    asked,
    cold,
    committee,
    fit,
    maps,
    onnx,
    predict,
    remeasure,
    shadow,
    tidy,
    trials,
    trigger,
)


@shared_task
def tick() -> None:
    """Queue runs where a policy asks for one; clear up after old ones; pre-draw what comes next."""
    trigger.runs_trigger()
    cold.chance_restore()
    tidy.folders_tidy()
    ahead.suggestions_make()


@shared_task
def explain() -> None:
    """Make what somebody has asked for, if anything: readers first."""
    row = asked.asked_claim()
    if row is not None:
        asked.asked_run(row)
        return
    file = onnx.onnx_claim()
    if file is not None:
        onnx.onnx_run(file)


@shared_task
def work() -> None:
    """Do one heavy job, if one waits: fresh scores first, since readers wait for those."""
    model = predict.scoring_claim()
    if model is not None:
        predict.scoring_run(model)
        return
    model = maps.maps_claim()
    if model is not None:
        maps.maps_run(model)
        return
    run = fit.run_claim()
    if run is not None:
        fit.run_execute(run)
        return
    order = cold.cold_claim()
    if order is not None:
        cold.cold_run(order)
        return
    model = shadow.shadow_claim()
    if model is not None:
        shadow.shadow_run(model)
        return
    model = remeasure.remeasure_claim()
    if model is not None:
        remeasure.remeasure_run(model)
        return
    model = trials.trial_claim()
    if model is not None:
        trials.trial_run(model)
        return
    model = committee.committee_claim()
    if model is not None:
        committee.committee_run(model)
