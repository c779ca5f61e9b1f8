"""What the learner's doors take and give. Names are those of the models, reports and decisions."""

from typing import Any

from rest_framework import serializers

from annotations.campaigns import PRESETS, TRAINING
from training.crossval import FOLDS
from training.models import ModelVersion, TrainingRun

Data = Any


def _number() -> serializers.FloatField:
    return serializers.FloatField(allow_null=True)


def _count() -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=True)


class ClassDice(serializers.Serializer[Data]):
    """Dice of one class on the held-out patients, with its interval."""

    dice = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, required=False)
    high = serializers.FloatField(allow_null=True, required=False)
    sensitivity = serializers.FloatField(allow_null=True, required=False)
    patients = serializers.IntegerField(allow_null=True, required=False)


class QuestionScore(serializers.Serializer[Data]):
    """Accuracy of one question's answers on the held-out cases, with its interval."""

    accuracy = _number()
    low = _number()
    high = _number()
    answered = serializers.IntegerField(help_text="held-out cases with an answer")


class ScoresOutput(serializers.Serializer[Data]):
    """A model's numbers: by class where it draws, by question where it answers."""

    metric = serializers.ChoiceField(choices=["dice", "accuracy"], help_text="what `score` is")
    score = serializers.FloatField(allow_null=True, help_text="what promotion goes by")
    mean_dice = _number()
    mean_auc = _number()
    classes = serializers.DictField(child=ClassDice())
    questions = serializers.DictField(child=QuestionScore())


class DecisionOutput(serializers.Serializer[Data]):
    """Why a candidate was promoted or not."""

    verdict = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    candidate = serializers.FloatField(allow_null=True)
    champion = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    cases = serializers.ListField(child=serializers.CharField())
    against = serializers.IntegerField(allow_null=True)


class DonorOutput(serializers.Serializer[Data]):
    """A model of any campaign whose weights another one began with."""

    campaign = serializers.CharField(help_text="its name")
    number = serializers.IntegerField()


class DonorChoice(DonorOutput):
    """A champion that a run of this campaign may begin with."""

    id = serializers.IntegerField()
    labels = serializers.IntegerField(help_text="settled training cases it saw")
    presets = serializers.ListField(
        child=serializers.ChoiceField(choices=PRESETS), help_text="whose network fits it"
    )


class ModelOutput(ScoresOutput):
    """A model version with its lineage and its numbers."""

    id = serializers.IntegerField()
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ModelVersion.State.choices)
    created_at = serializers.DateTimeField()
    champion_since = serializers.DateTimeField(allow_null=True)
    scored_at = serializers.DateTimeField(allow_null=True)
    weights_sha256 = serializers.CharField()
    snapshot_sha256 = serializers.CharField()
    labels = serializers.IntegerField(help_text="settled training cases it saw")
    held_out = serializers.IntegerField(help_text="cases it was measured on")
    base_number = serializers.IntegerField(allow_null=True)
    run = serializers.IntegerField()
    decision = DecisionOutput(allow_null=True)
    card = serializers.JSONField()


class EpochOutput(serializers.Serializer[Data]):
    """Metrics of one epoch."""

    stage = serializers.CharField(required=False, help_text="see training.stages")
    fold = serializers.IntegerField(required=False, help_text="of a cross-validation, from 0")
    folds = serializers.IntegerField(required=False)
    epoch = serializers.IntegerField()
    epochs = serializers.IntegerField()
    loss = serializers.FloatField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    eta_seconds = serializers.FloatField(allow_null=True)
    dice = serializers.DictField(child=serializers.FloatField(allow_null=True), allow_null=True)
    accuracy = serializers.DictField(
        child=serializers.FloatField(allow_null=True), required=False, help_text="by question"
    )
    learning_rate = serializers.FloatField(allow_null=True, required=False)


class ClassMetrics(serializers.Serializer[Data]):
    """All that was measured of one class; null: not measured."""

    name = serializers.CharField()
    dice = _number()
    low = _number()
    high = _number()
    iou = _number()
    sensitivity = _number()
    hd95 = _number()
    hd95_missing = _count()
    surface_dice = _number()
    lesions = _count()
    lesion_sensitivity = _number()
    false_positives_per_image = _number()
    patients = _count()
    left_out = _count()


class ReliabilityBin(serializers.Serializer[Data]):
    """Choices of like confidence, and how many of them are right."""

    count = serializers.IntegerField(help_text="pixels near structures, or answers")
    confidence = serializers.FloatField()
    accuracy = serializers.FloatField()


class CalibrationOutput(serializers.Serializer[Data]):
    """Whether its probabilities say how often it is right."""

    ece = serializers.FloatField()
    ece_scaled = _number()
    temperature = _number()
    reliability = ReliabilityBin(many=True)


class OptionMetrics(serializers.Serializer[Data]):
    """All that was measured of one option; null: not measured, as where nobody chose it."""

    option = serializers.CharField()
    positives = serializers.IntegerField()
    auc = _number()
    auc_low = _number()
    auc_high = _number()
    sensitivity = _number()
    sensitivity_low = _number()
    sensitivity_high = _number()
    specificity = _number()
    specificity_low = _number()
    specificity_high = _number()
    f1 = _number()
    f1_low = _number()
    f1_high = _number()


class QuestionMetrics(serializers.Serializer[Data]):
    """All that was measured of one question."""

    name = serializers.CharField()
    kind = serializers.CharField()
    answered = serializers.IntegerField()
    left_out = serializers.IntegerField()
    accuracy = _number()
    accuracy_low = _number()
    accuracy_high = _number()
    mean_steps_off = serializers.FloatField(allow_null=True, help_text="of a scale")
    options = OptionMetrics(many=True)
    calibration = CalibrationOutput(allow_null=True)


class CrossClass(ClassMetrics):
    """A class measured out of fold."""

    spread = serializers.FloatField(
        allow_null=True, help_text="standard deviation of the folds' Dice"
    )


class CrossQuestion(QuestionMetrics):
    """A question measured out of fold."""

    spread = serializers.FloatField(
        allow_null=True, help_text="standard deviation of the folds' accuracy"
    )


class CrossScores(serializers.Serializer[Data]):
    """A mean over classes where they are drawn, over questions where they are answered."""

    mean_dice = serializers.FloatField(allow_null=True, required=False)
    mean_accuracy = serializers.FloatField(allow_null=True, required=False)


class FoldOutput(CrossScores):
    """The patients of one fold, by the model that did not learn from them."""

    fold = serializers.IntegerField()
    patients = serializers.IntegerField()
    classes = serializers.DictField(child=_number(), required=False, help_text="Dice")
    questions = serializers.DictField(child=_number(), required=False, help_text="accuracy")


class CrossOutput(CrossScores):
    """The report of a cross-validation; each case by a model that did not see its patient."""

    cases = serializers.IntegerField()
    patients = serializers.IntegerField()
    classes = CrossClass(many=True, required=False)
    questions = CrossQuestion(many=True, required=False)
    folds = FoldOutput(many=True)


class RunOutput(serializers.Serializer[Data]):
    """A training run as it stands."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=TrainingRun.State.choices)
    reason = serializers.CharField()
    attempt = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    cancel_requested = serializers.BooleanField()
    labels = serializers.IntegerField(allow_null=True)
    base_number = serializers.IntegerField(allow_null=True)
    kind = serializers.ChoiceField(choices=TrainingRun.Kind.choices)
    folds = serializers.IntegerField(help_text="of a cross-validation, else 0")
    ensemble = serializers.BooleanField(help_text="its folds were to be a candidate")
    report = CrossOutput(allow_null=True)
    start = serializers.ChoiceField(choices=TrainingRun.Start.choices)
    donor = DonorOutput(allow_null=True)
    file = serializers.CharField(allow_null=True, help_text="name of the file it began with")
    config = serializers.JSONField()
    seed = serializers.IntegerField()
    ahead = serializers.IntegerField(help_text="runs of any campaign that stand before it")
    progress = EpochOutput(allow_null=True)
    epochs = EpochOutput(many=True)
    error = serializers.CharField()
    model_number = serializers.IntegerField(allow_null=True)


class RefreshOutput(serializers.Serializer[Data]):
    """How far the next training run is."""

    enabled = serializers.BooleanField()
    settled = serializers.IntegerField()
    held_out = serializers.IntegerField()
    new_labels = serializers.IntegerField()
    needed = serializers.IntegerField(help_text="labels still missing before the next run")


class LearningPoint(ScoresOutput):
    """One model on the learning curve."""

    number = serializers.IntegerField()
    labels = serializers.IntegerField()
    minutes = serializers.FloatField(help_text="of all reading before its data were frozen")
    crowned = serializers.BooleanField(help_text="it is or was champion")
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=ModelVersion.State.choices)


class ShareOutput(serializers.Serializer[Data]):
    """The labels that one share of the queue brought."""

    cases = serializers.IntegerField()
    error = serializers.FloatField(
        allow_null=True, help_text="mean 1 - Dice of the drawing, or share of wrong answers"
    )
    seconds = serializers.FloatField(allow_null=True, help_text="mean reading time")


class SelectionOutput(serializers.Serializer[Data]):
    """Whether the model's choice finds more to learn than chance does."""

    outcome = serializers.ChoiceField(choices=["more", "less", "unclear", "too_few"])
    difference = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="95 % interval of the difference")
    high = serializers.FloatField(allow_null=True)
    model = ShareOutput()
    random = ShareOutput()


class LearningOutput(serializers.Serializer[Data]):
    """The learner at a glance: curve, active or last run, next refresh, pending scores."""

    curve = LearningPoint(many=True)
    run = RunOutput(allow_null=True)
    next_refresh = RefreshOutput()
    scoring = serializers.BooleanField(help_text="the champion's scores are being made")
    selection = SelectionOutput(allow_null=True)


class ReasonInput(serializers.Serializer[Data]):
    """Why a person decides."""

    reason = serializers.CharField(max_length=500)


def _whole(name: str) -> serializers.IntegerField:
    _, low, high = TRAINING[name]
    return serializers.IntegerField(required=False, min_value=int(low), max_value=int(high))


class RunInput(serializers.Serializer[Data]):
    """What a run is to do otherwise than the campaign's policy says; all may be left out."""

    start = serializers.ChoiceField(choices=TrainingRun.Start.choices, required=False)
    kind = serializers.ChoiceField(choices=TrainingRun.Kind.choices, required=False)
    folds = serializers.ChoiceField(choices=FOLDS, required=False, help_text="of kind cross")
    ensemble = serializers.BooleanField(
        required=False, help_text="kind cross: its models together are to be a candidate"
    )
    donor = serializers.IntegerField(required=False, help_text="the model a transfer begins with")
    file = serializers.FileField(
        required=False, help_text="a model's zip, for start file; sent as multipart"
    )
    preset = serializers.ChoiceField(choices=PRESETS, required=False)
    epochs = _whole("epochs")
    minimum_steps = _whole("minimum_steps")
    seconds = _whole("seconds")


class RunEventOutput(serializers.Serializer[Data]):
    """Something that happened to a run."""

    at = serializers.DateTimeField(allow_null=True)
    event = serializers.CharField()
    actor = serializers.CharField(allow_null=True)
    text = serializers.CharField()


class RunDetailOutput(RunOutput):
    """A run with what happened to it."""

    events = RunEventOutput(many=True)


class SubgroupOutput(serializers.Serializer[Data]):
    """How one group of patients fares, and against all others."""

    attribute = serializers.CharField()
    value = serializers.CharField()
    patients = serializers.IntegerField()
    enough = serializers.BooleanField()
    mean = _number()
    low = _number()
    high = _number()
    difference = _number()
    difference_low = _number()
    difference_high = _number()


class ChangeOutput(serializers.Serializer[Data]):
    """Dice, or accuracy, when images are changed in one way."""

    change = serializers.CharField()
    strength = serializers.FloatField()
    parts = serializers.DictField(child=_number(), help_text="by class, or by question")
    mean = _number()
    fall = _number()


class RobustnessOutput(serializers.Serializer[Data]):
    """Dice, or accuracy, clean and under each change."""

    examples = _count()
    clean = serializers.DictField(child=_number())
    mean = _number()
    changes = ChangeOutput(many=True)


class UnfamiliarOutput(serializers.Serializer[Data]):
    """A case to be read that lies beyond what the model knows."""

    case = serializers.IntegerField(help_text="the number shown to people")
    patient = serializers.CharField()
    slice = serializers.IntegerField()
    beyond = serializers.FloatField(help_text="robust standard deviations from what is usual")
    thumbnail_url = serializers.CharField()


class LineageOutput(serializers.Serializer[Data]):
    """Where a model comes from."""

    snapshot_sha256 = serializers.CharField()
    snapshot_at = serializers.DateTimeField()
    weights_sha256 = serializers.CharField()
    base_number = _count()
    start = serializers.ChoiceField(choices=TrainingRun.Start.choices)
    donor = DonorOutput(allow_null=True)
    file = serializers.CharField(allow_null=True, help_text="name of the file it began with")
    members = _count()
    run = serializers.IntegerField()
    reason = serializers.CharField()
    seed = serializers.IntegerField()
    code_version = serializers.CharField()
    config = serializers.JSONField()
    architecture = serializers.JSONField()


class ModelEventOutput(serializers.Serializer[Data]):
    """A decision on a model."""

    at = serializers.DateTimeField()
    action = serializers.CharField()
    actor = serializers.CharField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())


class ModelDetailOutput(ModelOutput):
    """A model with everything that was measured of it."""

    evaluated_at = serializers.DateTimeField(allow_null=True)
    evaluated_on = serializers.CharField(help_text="sha256 of the snapshot")
    cases = serializers.IntegerField()
    patients = serializers.IntegerField()
    majority_dice = _number()
    majority_accuracy = _number()
    metrics = ClassMetrics(many=True)
    answers = QuestionMetrics(many=True)
    subgroups = SubgroupOutput(many=True)
    enough_patients = serializers.IntegerField()
    calibration = CalibrationOutput(allow_null=True)
    robustness = RobustnessOutput(allow_null=True)
    unfamiliar = UnfamiliarOutput(many=True)
    lineage = LineageOutput()
    history = ModelEventOutput(many=True)


class PairedOutput(serializers.Serializer[Data]):
    """A mean difference over patients; null where the two were not measured on the same."""

    difference = _number()
    low = _number()
    high = _number()
    patients = serializers.IntegerField()


class PairedMean(PairedOutput):
    """Both means."""

    model = _number()
    against = _number()


class PairedClass(PairedOutput):
    """Both models' metrics of one class."""

    name = serializers.CharField()
    model = ClassMetrics(allow_null=True)
    against = ClassMetrics(allow_null=True)


class PairedQuestion(PairedOutput):
    """Both models' metrics of one question."""

    name = serializers.CharField()
    model = QuestionMetrics(allow_null=True)
    against = QuestionMetrics(allow_null=True)


class PairedPatient(serializers.Serializer[Data]):
    """Both models' mean Dice, or accuracy, of one held-out patient."""

    patient = serializers.CharField()
    model = serializers.FloatField()
    against = serializers.FloatField()
    difference = serializers.FloatField()


class SharedCase(serializers.Serializer[Data]):
    """A case that is not held out, and that both models have drawn."""

    image = serializers.IntegerField()
    patient = serializers.CharField()
    slice = serializers.IntegerField()
    disagreement = serializers.FloatField(help_text="1 - Dice of the two drawings")


class NeighbourOutput(serializers.Serializer[Data]):
    """A labelled case that the model holds to be like the one at hand."""

    image = serializers.IntegerField()
    patient = serializers.CharField()
    slice = serializers.IntegerField()
    picture_url = serializers.CharField(help_text="a PNG with what people drew")


class CompareOutput(serializers.Serializer[Data]):
    """Two models side by side."""

    same_cases = serializers.BooleanField()
    cases = serializers.IntegerField()
    metric = serializers.ChoiceField(choices=["dice", "accuracy"])
    mean = PairedMean()
    classes = PairedClass(many=True)
    questions = PairedQuestion(many=True)
    patients = PairedPatient(many=True)
    shared = SharedCase(many=True)


class DrawnClass(serializers.Serializer[Data]):
    """Dice of a class, pixels of all cases pooled."""

    name = serializers.CharField()
    between = serializers.FloatField(allow_null=True, help_text="of the two models' drawings")
    shadow = serializers.FloatField(allow_null=True, help_text="against what readers settled")
    champion = _number()


class DrawingsOutput(serializers.Serializer[Data]):
    """What a shadow and the champion drew, and what readers settled afterwards."""

    drawn = serializers.IntegerField(help_text="cases that both have drawn")
    settled = serializers.IntegerField(help_text="cases settled after they were drawn")
    guided = serializers.IntegerField(help_text="of these, read from the champion's suggestion")
    classes = DrawnClass(many=True)


class HeldOutPair(serializers.Serializer[Data]):
    """Mean Dice of both on one snapshot's held-out cases."""

    at = serializers.DateTimeField()
    cases = serializers.IntegerField()
    shadow = _number()
    champion = _number()


class BesideOutput(serializers.Serializer[Data]):
    """A shadow beside the champion."""

    id = serializers.IntegerField()
    number = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    labels = serializers.IntegerField()
    champion = _count()
    difference = PairedMean(allow_null=True)
    held_out = HeldOutPair(many=True)
    drawings = DrawingsOutput()


class ShadowOutput(serializers.Serializer[Data]):
    """The campaign's shadow, if there is one."""

    shadow = BesideOutput(allow_null=True)
