"""What a run tells the world: events, metrics.jsonl, TensorBoard files, the finished model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from training.ml.checkpoint import Model, save_model, write_json, write_whole
from training.ml.run import Record, Run
from training.ml.schedule import best_of

Emit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Result:
    """A finished run."""

    model: Model
    weights_sha256: str
    """Of model.safetensors, hex."""
    epochs: int
    steps: int
    seconds: float
    loss: float
    """Mean of the epoch kept: the last, or the best where the run may end early."""
    dice: dict[str, float | None]
    """Per class, of the epoch kept: on the inner patients, or else on its own batches."""
    values: dict[str, float | None]
    """The same, or of a classifier the accuracy per question."""


class Report:
    """Context manager around a run; silent in all processes but the leading one."""

    def __init__(self, out: Path, run: Run, emit: Emit, record: Record) -> None:
        self._out, self._run, self._leads = out, run, run.place.leads
        self._emit = emit if self._leads else lambda event: None
        self._board: SummaryWriter | None = None
        if self._leads:
            out.mkdir(parents=True, exist_ok=True)
            # Rows after the checkpoint were never completed: a resumed run writes them anew.
            rows = "".join(json.dumps(row) + "\n" for row in record.history)
            write_whole(out / "metrics.jsonl", rows.encode())
            board = SummaryWriter  # untyped in torch
            self._board = board(str(out / "tensorboard"), purge_step=record.epoch + 1)
        self._emit(
            {
                "event": "start",
                "epochs": run.config.epochs,
                "examples": run.trained_on,
                "device": str(run.place.device),
                "processes": run.place.world,
                "resumed_from": record.epoch,
            }
        )

    def __enter__(self) -> Report:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._board is not None:
            self._board.close()

    def epoch(self, record: Record) -> None:
        """Report the epoch that `record` ends with."""
        row, config = record.history[-1], self._run.config
        left = 0 if self._run.ended(record) else config.epochs - record.epoch
        eta = record.seconds / record.epoch * left
        if config.seconds is not None:
            eta = min(eta, max(0.0, config.seconds - record.seconds))
        measured_on = "inner" if self._run.inner else "batches"
        measured = self._run.aim.measured
        self._emit(
            {
                "event": "epoch",
                **row,
                "epochs": config.epochs,
                "eta_seconds": eta,
                "dice_on": measured_on,
            }
        )
        if self._board is None:
            return
        with (self._out / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")
        self._board.add_scalar("loss", row["loss"], row["epoch"])
        self._board.add_scalar("learning_rate", row["learning_rate"], row["epoch"])
        for name, value in row[measured].items():
            if value is not None:
                self._board.add_scalar(f"{measured}/{measured_on}/{name}", value, row["epoch"])
        self._board.flush()

    def done(self, model: Model, record: Record) -> Result:
        """Write the model and the result, and say so."""
        measured = self._run.aim.measured
        kept = best_of(record.merits(measured)) if self._run.best else record.epoch
        row = record.history[kept - 1]
        digest = save_model(self._out, model) if self._leads else ""
        result = Result(
            model, digest, record.epoch, record.steps, record.seconds, row["loss"], row["dice"],
            row[measured],
        )  # fmt: skip
        if self._leads:
            summary = {key: value for key, value in vars(result).items() if key != "model"}
            summary |= {"config": self._run.config.to_json(), "trained_on": model.trained_on}
            summary["processes"] = self._run.place.world
            write_json(self._out / "result.json", summary)
        self._emit({"event": "done", "weights_sha256": digest})
        return result
