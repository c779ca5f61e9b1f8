"""What the doors of a model take and give. Names are those of the models, reports and decisions."""

from typing import Any

from rest_framework import serializers

from annotations.models import Export
from training.models import ModelVersion, TrainingRun

Data = Any


def number_field() -> serializers.FloatField:
    """Make a field for what may not have been measured."""
    return serializers.FloatField(allow_null=True)


def count_field() -> serializers.IntegerField:
    """Make a field for a count that may be unknown."""
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

    accuracy = number_field()
    low = number_field()
    high = number_field()
    answered = serializers.IntegerField(help_text="held-out cases with an answer")


class ScoresOutput(serializers.Serializer[Data]):
    """A model's numbers: by class where it draws, by question where it answers."""

    metric = serializers.ChoiceField(choices=["dice", "accuracy"], help_text="what `score` is")
    score = serializers.FloatField(
        allow_null=True, help_text="the mean over those that are `averaged`"
    )
    low = serializers.FloatField(
        allow_null=True, help_text="95 % interval of the mean, by bootstrap over patients"
    )
    high = number_field()
    averaged = serializers.ListField(
        child=serializers.CharField(),
        help_text="classes or questions that promotion compares on the held-out list",
    )
    measured_on = serializers.DateTimeField(
        allow_null=True, help_text="when the held-out list was frozen"
    )
    mean_dice = number_field()
    mean_auc = number_field()
    classes = serializers.DictField(child=ClassDice())
    questions = serializers.DictField(child=QuestionScore())


class ReasonOutput(serializers.Serializer[Data]):
    """A reason in English, and what pages make their own sentence of: see training.reasons."""

    text = serializers.CharField()
    code = serializers.CharField(help_text="empty where a person said it, and in old records")
    values = serializers.DictField(child=serializers.JSONField())


class DecisionOutput(serializers.Serializer[Data]):
    """Why a candidate was promoted or not."""

    verdict = serializers.CharField()
    reasons = ReasonOutput(many=True)
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


class ClassMetrics(serializers.Serializer[Data]):
    """All that was measured of one class; null: not measured."""

    name = serializers.CharField()
    dice = number_field()
    low = number_field()
    high = number_field()
    iou = number_field()
    iou_low = number_field()
    iou_high = number_field()
    sensitivity = number_field()
    sensitivity_low = number_field()
    sensitivity_high = number_field()
    hd95 = number_field()
    hd95_low = number_field()
    hd95_high = number_field()
    hd95_missing = count_field()
    surface_dice = number_field()
    surface_dice_low = number_field()
    surface_dice_high = number_field()
    lesions = count_field()
    lesion_sensitivity = number_field()
    lesion_sensitivity_low = number_field()
    lesion_sensitivity_high = number_field()
    false_positives_per_image = number_field()
    false_positives_per_image_low = number_field()
    false_positives_per_image_high = number_field()
    patients = count_field()
    left_out = count_field()


class ReasonInput(serializers.Serializer[Data]):
    """Why a person decides."""

    reason = serializers.CharField(max_length=500)


class RollbackInput(ReasonInput):
    """Why a person goes back, and to which model, as the page said."""

    number = serializers.IntegerField(help_text="the version that `rollback_to` named")


class ReliabilityBin(serializers.Serializer[Data]):
    """Choices of like confidence, and how many of them are right."""

    count = serializers.IntegerField(help_text="pixels near structures, or answers")
    confidence = serializers.FloatField()
    accuracy = serializers.FloatField()


class CalibrationOutput(serializers.Serializer[Data]):
    """Whether its probabilities say how often it is right."""

    ece = serializers.FloatField()
    ece_scaled = number_field()
    temperature = number_field()
    reliability = ReliabilityBin(many=True)


class OptionMetrics(serializers.Serializer[Data]):
    """All that was measured of one option; null: not measured, as where nobody chose it."""

    option = serializers.CharField()
    positives = serializers.IntegerField()
    auc = number_field()
    auc_low = number_field()
    auc_high = number_field()
    sensitivity = number_field()
    sensitivity_low = number_field()
    sensitivity_high = number_field()
    specificity = number_field()
    specificity_low = number_field()
    specificity_high = number_field()
    f1 = number_field()
    f1_low = number_field()
    f1_high = number_field()


class QuestionMetrics(serializers.Serializer[Data]):
    """All that was measured of one question."""

    name = serializers.CharField()
    kind = serializers.CharField()
    answered = serializers.IntegerField()
    left_out = serializers.IntegerField()
    accuracy = number_field()
    accuracy_low = number_field()
    accuracy_high = number_field()
    mean_steps_off = serializers.FloatField(allow_null=True, help_text="of a scale")
    options = OptionMetrics(many=True)
    calibration = CalibrationOutput(allow_null=True)


class SubgroupOutput(serializers.Serializer[Data]):
    """How one group of patients fares, and against all others."""

    attribute = serializers.CharField()
    value = serializers.CharField()
    patients = serializers.IntegerField()
    enough = serializers.BooleanField()
    mean = number_field()
    low = number_field()
    high = number_field()
    difference = number_field()
    difference_low = number_field()
    difference_high = number_field()
    hd95 = number_field()
    hd95_low = number_field()
    hd95_high = number_field()
    lesions = serializers.IntegerField(allow_null=True, help_text="true areas of all classes")
    lesion_sensitivity = number_field()
    lesion_sensitivity_low = number_field()
    lesion_sensitivity_high = number_field()
    false_positives_per_image = number_field()
    false_positives_per_image_low = number_field()
    false_positives_per_image_high = number_field()
    auc = serializers.FloatField(
        allow_null=True, help_text="mean over options, as sensitivity and specificity"
    )
    auc_low = number_field()
    auc_high = number_field()
    sensitivity = number_field()
    sensitivity_low = number_field()
    sensitivity_high = number_field()
    specificity = number_field()
    specificity_low = number_field()
    specificity_high = number_field()


class ChangeOutput(serializers.Serializer[Data]):
    """Dice, or accuracy, when images are changed in one way."""

    change = serializers.CharField()
    strength = serializers.FloatField()
    parts = serializers.DictField(child=number_field(), help_text="by class, or by question")
    mean = number_field()
    fall = number_field()


class RobustnessOutput(serializers.Serializer[Data]):
    """Dice, or accuracy, clean and under each change."""

    examples = count_field()
    clean = serializers.DictField(child=number_field())
    averaged = serializers.ListField(
        child=serializers.CharField(), help_text="classes or questions that the means are over"
    )
    mean = number_field()
    changes = ChangeOutput(many=True)


class UnfamiliarOutput(serializers.Serializer[Data]):
    """A case to be read that lies beyond what the model knows."""

    case = serializers.IntegerField(help_text="the number shown to people")
    patient = serializers.CharField()
    slice = serializers.IntegerField()
    beyond = serializers.FloatField(help_text="robust standard deviations from what is usual")
    thumbnail_url = serializers.CharField()


class VariantScores(serializers.Serializer[Data]):
    """A variant of the recipe by cross-validation, out of fold; null where it diverged."""

    name = serializers.CharField()
    error = serializers.CharField(help_text="why there is no number, else empty")
    mean = number_field()
    spread = serializers.FloatField(
        allow_null=True, help_text="standard deviation of the folds' means"
    )
    difference = serializers.FloatField(allow_null=True, help_text="to the first, over patients")
    low = number_field()
    high = number_field()
    patients = serializers.IntegerField()
    behind = serializers.FloatField(
        allow_null=True, help_text="the best one's lead over it, over patients; null of the best"
    )
    standard_error = serializers.FloatField(allow_null=True, help_text="of `behind`")


class ChoiceOutput(serializers.Serializer[Data]):
    """Which variant was chosen, by which rule; `best` and `chosen` are places, from 0."""

    rule = serializers.CharField(help_text="see training.variants")
    metric = serializers.ChoiceField(choices=["dice", "accuracy"], help_text="what `mean` is of")
    best = count_field()
    chosen = count_field()
    variants = VariantScores(many=True)


class LineageOutput(serializers.Serializer[Data]):
    """Where a model comes from."""

    snapshot_sha256 = serializers.CharField()
    snapshot_at = serializers.DateTimeField()
    weights_sha256 = serializers.CharField()
    base_number = count_field()
    start = serializers.ChoiceField(choices=TrainingRun.Start.choices)
    donor = DonorOutput(allow_null=True)
    file = serializers.CharField(allow_null=True, help_text="name of the file it began with")
    members = count_field()
    committee = serializers.IntegerField(
        allow_null=True, help_text="networks that its uncertainty maps are by, where more than one"
    )
    choice = ChoiceOutput(allow_null=True, help_text="its recipe was chosen among variants")
    run = serializers.IntegerField()
    reason = ReasonOutput()
    seed = serializers.IntegerField()
    code_version = serializers.CharField()
    config = serializers.JSONField()
    architecture = serializers.JSONField()


class ModelEventOutput(serializers.Serializer[Data]):
    """A decision on a model."""

    at = serializers.DateTimeField()
    action = serializers.CharField()
    actor = serializers.CharField(allow_null=True)
    reasons = ReasonOutput(many=True)


class ModelDetailOutput(ModelOutput):
    """A model with everything that was measured of it."""

    evaluated_at = serializers.DateTimeField(allow_null=True)
    evaluated_on = serializers.CharField(help_text="sha256 of the snapshot")
    cases = serializers.IntegerField()
    patients = serializers.IntegerField()
    majority_dice = number_field()
    majority_accuracy = number_field()
    metrics = ClassMetrics(many=True)
    answers = QuestionMetrics(many=True)
    subgroups = SubgroupOutput(many=True)
    enough_patients = serializers.IntegerField()
    calibration = CalibrationOutput(allow_null=True)
    robustness = RobustnessOutput(allow_null=True)
    robustness_asked = serializers.BooleanField(help_text="a worker is to measure it")
    robustness_error = serializers.CharField(help_text="why it could not be measured, else empty")
    unfamiliar = UnfamiliarOutput(many=True)
    lineage = LineageOutput()
    history = ModelEventOutput(many=True)


class OnnxFileOutput(serializers.Serializer[Data]):
    """A model as one ONNX file, on its way, there, or why not."""

    state = serializers.ChoiceField(choices=Export.State.choices)
    reason = ReasonOutput(allow_null=True, help_text="why it failed")
    sha256 = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    difference = serializers.FloatField(
        allow_null=True, help_text="greatest one of a probability to the model's own, as checked"
    )
    file_url = serializers.CharField(allow_null=True)


class OnnxOutput(serializers.Serializer[Data]):
    """What is known of a model as one ONNX file."""

    hindrance = ReasonOutput(allow_null=True, help_text="why there can be none of this model")
    file = OnnxFileOutput(allow_null=True, help_text="null: nobody has asked for it")


class NeighbourOutput(serializers.Serializer[Data]):
    """A labelled case that the model holds to be like the one at hand."""

    image = serializers.IntegerField()
    patient = serializers.CharField()
    slice = serializers.IntegerField()
    picture_url = serializers.CharField(help_text="a PNG with what people drew")
