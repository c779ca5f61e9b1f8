"""The clock's calls: look for work to start, and the one slot that does the heavy work."""

from celery import shared_task

from training import fit, predict, trigger


@shared_task
def tick() -> None:
    """Queue a training run where a campaign's policy asks for one."""
    trigger.runs_trigger()


@shared_task
def work() -> None:
    """Do one heavy job, if one waits: fresh scores first, since readers wait for those."""
    model = predict.scoring_claim()
    if model is not None:
        predict.scoring_run(model)
        return
    run = fit.run_claim()
    if run is not None:
        fit.run_execute(run)
