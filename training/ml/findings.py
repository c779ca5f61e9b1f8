"""Questions about the whole image: how answers are encoded, learned, predicted and measured.

One option of several (single, or a scale of ordered options) is a softmax over the question's
options, any of several (multiple) a sigmoid each. An answer that is missing counts for nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.ml import measures
from training.ml.checkpoint import Ensemble, Model, outputs_of
from training.ml.config import TrainConfig
from training.ml.device import Place
from training.ml.infer import Spacing, mean_of
from training.ml.job import Example, LabelClass, Question
from training.ml.preprocess import Floats, Geometry, Mask, Plan

if TYPE_CHECKING:  # it loads MONAI, which those who only ask a model need not wait for
    from training.ml.aim import Tally

_HALF = 0.5
_MEASURES = {"least_confidence": measures.least_confidence, "margin": measures.margin}


def slices(questions: Sequence[Question]) -> Iterator[tuple[Question, slice]]:
    """Each question with its place among the network's outputs."""
    start = 0
    for item in questions:
        yield item, slice(start, start + len(item.options))
        start += len(item.options)


def encode(questions: Sequence[Question], answers: Mapping[str, Sequence[str]]) -> Floats:
    """Answers -> (outputs,) of 0 and 1, NaN where a question was not answered."""
    values = np.full(sum(len(item.options) for item in questions), np.nan, dtype=np.float32)
    for item, part in slices(questions):
        if item.code in answers:
            values[part] = [option in answers[item.code] for option in item.options]
    return values


def probabilities_of(questions: Sequence[Question], logits: Tensor) -> Tensor:
    """(B, outputs) logits -> probabilities; they sum to 1 within a single choice."""
    parts = [
        torch.sigmoid(logits[:, part].float())
        if item.kind == "multiple"
        else torch.softmax(logits[:, part].float(), dim=1)
        for item, part in slices(questions)
    ]
    return torch.cat(parts, dim=1)


@dataclass(frozen=True)
class Answers:
    """What a model says about one image."""

    values: Floats
    """Probabilities of all options of all questions, in their order (outputs,)."""
    embedding: Floats
    """Pooled features (D,), of the first member."""

    def by_question(self, questions: Sequence[Question]) -> dict[str, dict[str, float]]:
        """Probabilities by question and option."""
        return {
            item.code: dict(zip(item.options, map(float, self.values[part]), strict=True))
            for item, part in slices(questions)
        }

    def uncertainty(self, questions: Sequence[Question]) -> dict[str, float]:
        """By question, 0..1: entropy, of an ensemble that of its members' mean."""
        return entropies(questions, self.values)


def entropies(questions: Sequence[Question], values: Floats) -> dict[str, float]:
    """Entropy by question, 0..1; of several independent options their mean."""
    found = {}
    for item, part in slices(questions):
        p = np.clip(values[part].astype(np.float64), 1e-7, 1 - 1e-7)
        if item.kind == "multiple":
            found[item.code] = float(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)).mean())
        else:
            found[item.code] = float(-(p * np.log(p)).sum() / np.log(len(p)))
    return found


def unsureness(questions: Sequence[Question], values: Floats) -> dict[str, float]:
    """Least confidence and margin, 0..1: mean over questions, and over independent options."""
    found: dict[str, list[float]] = {name: [] for name in _MEASURES}
    for item, part in slices(questions):
        p = values[part].astype(np.float64)
        choices = np.stack([1 - p, p]) if item.kind == "multiple" else p[:, None]
        for name, measure in _MEASURES.items():
            found[name].append(float(measure(choices).mean()))
    return {name: float(np.mean(row)) for name, row in found.items()}


def answer(model: Model | Ensemble, example: Example, place: Place) -> Answers:
    """Ask a model about one image of any size. Raises JobError for an unreadable image."""
    return answer_pixels(model, example.pixels(), example.spacing, place)


def answer_pixels(
    model: Model | Ensemble, pixels: Floats, spacing: Spacing, place: Place
) -> Answers:
    """`answer` for modality values (H, W, C) at hand, with mm per row and column."""
    found = [_member(member, pixels, spacing, place) for member in model.members]
    return Answers(mean_of([values for values, _ in found]), found[0][1])


def _member(model: Model, pixels: Floats, spacing: Spacing, place: Place) -> tuple[Floats, Floats]:
    geometry = model.plan.geometry(pixels.shape[0], pixels.shape[1], spacing)
    picture = model.plan.image(pixels, geometry).transpose(2, 0, 1)
    image = centred(torch.from_numpy(picture.copy())[None], model.plan.patch).to(place.device)
    image = image.contiguous(memory_format=place.layout(model.architecture.norm))
    if model.network.training:
        model.network.eval()
    with torch.inference_mode(), place.autocast():
        turns: list[tuple[int, ...]] = [(), (2,), (3,), (2, 3)] if model.mirror else [()]
        asked = [model.network.with_features(image.flip(axes)) for axes in turns]
    values = torch.stack([probabilities_of(model.questions, logits) for logits, _ in asked])
    return values.mean(dim=0)[0].cpu().numpy(), asked[0][1][0].float().cpu().numpy()


def centred(pictures: Tensor, side: int) -> Tensor:
    """(B, C, rows, columns) in the middle of zeros, of the side seen in training or larger."""
    high, wide = (max(0, side - length) for length in pictures.shape[-2:])
    around = (wide // 2, wide - wide // 2, high // 2, high - high // 2)
    return functional.pad(pictures, around)


@dataclass(frozen=True)
class Findings:
    """Answer questions about the whole image (see `training.ml.aim.Aim`)."""

    questions: tuple[Question, ...]
    classes: tuple[LabelClass, ...] = ()
    measured: str = "accuracy"

    def outputs(self, channels: int) -> int:
        """See Aim."""
        return outputs_of((), self.questions, channels)

    def meaning(self) -> object:
        """See Aim."""
        return ["findings", *([q.code, q.kind, q.options] for q in self.questions)]

    def target(self, example: Example, plan: Plan, geometry: Geometry) -> Mask:
        """See Aim: nothing is drawn."""
        return np.zeros((geometry.scaled_rows, geometry.scaled_columns), dtype=np.uint8)

    def shown(self, example: Example, target: Mask) -> npt.NDArray[np.int64]:
        """See Aim: (1 + outputs,), first whether anything was answered, then the options chosen."""
        values = encode(self.questions, example.answers)
        chosen = np.nan_to_num(values).astype(np.int64)
        return np.concatenate(([int(not np.isnan(values).all())], chosen))

    def batch(
        self,
        pictures: Floats,
        targets: Mask,
        examples: Sequence[Example],
        rng: np.random.Generator,
    ) -> tuple[Tensor, Tensor]:
        """See Aim: targets (B, outputs), NaN where not answered."""
        answers = np.stack([encode(self.questions, example.answers) for example in examples])
        return torch.from_numpy(pictures), torch.from_numpy(answers)

    def loss(self, config: TrainConfig, shown: npt.NDArray[np.int64]) -> nn.Module:
        """See Aim."""
        return FindingsLoss(self.questions)

    def tally(self) -> Tally:
        """See Aim."""
        return _Right(self.questions)

    def measure(self, model: Model, examples: Sequence[Example], place: Place) -> dict[str, float]:
        """See Aim: accuracy by question."""
        right = _Right(self.questions)
        for example in examples:
            values = torch.from_numpy(answer(model, example, place).values)[None]
            truth = torch.from_numpy(encode(self.questions, example.answers))[None]
            # Logits above 0 and probabilities above one half are the same choice.
            right.add(values - _HALF, truth)
        return right.values()


class FindingsLoss(nn.Module):
    """Mean over questions of their cross-entropy, over the images where each was answered.

    Logits and targets (B, outputs); NaN in a target is a missing answer.
    """

    def __init__(self, questions: Sequence[Question]) -> None:
        super().__init__()
        self.questions = tuple(questions)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss, a scalar; 0 with zero gradient where nothing was answered."""
        logits = logits.float()
        losses: list[Tensor] = []
        for item, part in slices(self.questions):
            known = ~torch.isnan(targets[:, part.start])
            if not bool(known.any()):
                continue
            guess, truth = logits[known, part], targets[known, part]
            if item.kind == "multiple":
                losses.append(functional.binary_cross_entropy_with_logits(guess, truth))
            else:
                losses.append(functional.cross_entropy(guess, truth))
        return torch.stack(losses).mean() if losses else (logits * 0).sum()


class _Right:
    """Share of right answers by question; of several options, of right options."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self._questions = questions
        self._right: dict[str, list[float]] = defaultdict(list)

    def add(self, logits: Tensor, targets: Tensor) -> None:
        guesses, truths = logits.detach().float().cpu().numpy(), targets.cpu().numpy()
        for item, part in slices(self._questions):
            for guess, truth in zip(guesses[:, part], truths[:, part], strict=True):
                if np.isnan(truth[0]):
                    continue
                if item.kind == "multiple":
                    right = float(((guess > 0) == (truth > _HALF)).mean())
                else:
                    right = float(guess.argmax() == truth.argmax())
                self._right[item.code].append(right)

    def values(self) -> dict[str, float]:
        found = {item.code: self._right[item.code] for item in self._questions}
        return {code: float(np.mean(row)) if row else float("nan") for code, row in found.items()}
