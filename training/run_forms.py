"""What the doors of training runs take and give, and of the learner at a glance."""

from rest_framework import serializers

from annotations.campaigns import PRESETS, TRAINING
from training.crossval import FOLDS
from training.model_forms import (
    ChoiceOutput,
    ClassMetrics,
    Data,
    DonorOutput,
    QuestionMetrics,
    ReasonOutput,
    ScoresOutput,
    VariantScores,
    number_field,
)
from training.models import ModelVersion, TrainingRun


class DonorChoice(DonorOutput):
    """A champion that a run of this campaign may begin with."""

    id = serializers.IntegerField()
    labels = serializers.IntegerField(help_text="settled training cases it saw")
    presets = serializers.ListField(
        child=serializers.ChoiceField(choices=PRESETS), help_text="whose network fits it"
    )


class EpochOutput(serializers.Serializer[Data]):
    """Metrics of one epoch."""

    stage = serializers.CharField(required=False, help_text="see training.stages")
    variant = serializers.IntegerField(required=False, help_text="of those compared, from 0")
    variants = serializers.IntegerField(required=False)
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
    classes = serializers.DictField(child=number_field(), required=False, help_text="Dice")
    questions = serializers.DictField(child=number_field(), required=False, help_text="accuracy")


class CrossOutput(CrossScores):
    """The report of a cross-validation; each case by a model that did not see its patient."""

    cases = serializers.IntegerField()
    patients = serializers.IntegerField()
    classes = CrossClass(many=True, required=False)
    questions = CrossQuestion(many=True, required=False)
    folds = FoldOutput(many=True)


class VariantOutput(serializers.Serializer[Data]):
    """A recipe that is cross-validated beside others, as it was asked for."""

    name = serializers.CharField()
    preset = serializers.CharField(allow_null=True)
    recipe = serializers.DictField(help_text="laid over that of the run")


class VariantReport(VariantScores):
    """What a variant came to, by class or question too."""

    report = CrossOutput(allow_null=True)


class RunChoice(ChoiceOutput):
    """Which variant was chosen, with each one's report."""

    variants = VariantReport(many=True)


class RunOutput(serializers.Serializer[Data]):
    """A training run as it stands."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=TrainingRun.State.choices)
    reason = ReasonOutput()
    attempt = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    cancel_requested = serializers.BooleanField()
    labels = serializers.IntegerField(
        allow_null=True, help_text="settled training cases it learns from"
    )
    held_out = serializers.IntegerField(
        allow_null=True, help_text="settled held-out cases beside them; `new_labels` counts both"
    )
    base_number = serializers.IntegerField(allow_null=True)
    kind = serializers.ChoiceField(choices=TrainingRun.Kind.choices)
    folds = serializers.IntegerField(help_text="of a cross-validation, else 0")
    ensemble = serializers.BooleanField(help_text="its folds were to be a candidate")
    variants = VariantOutput(many=True, help_text="of a cross-validation that compares some")
    best = serializers.BooleanField(help_text="the chosen variant is trained on all labels")
    choice = RunChoice(allow_null=True)
    report = CrossOutput(allow_null=True, help_text="of the variant that was chosen, if any")
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


class RunEventOutput(serializers.Serializer[Data]):
    """Something that happened to a run."""

    at = serializers.DateTimeField(allow_null=True)
    event = serializers.CharField()
    actor = serializers.CharField(allow_null=True)
    why = ReasonOutput()


class RunDetailOutput(RunOutput):
    """A run with what happened to it."""

    events = RunEventOutput(many=True)


def _whole(name: str) -> serializers.IntegerField:
    _, low, high = TRAINING[name]
    return serializers.IntegerField(required=False, min_value=int(low), max_value=int(high))


class VariantInput(serializers.Serializer[Data]):
    """A recipe to cross-validate beside others: fields laid over those the run has anyhow."""

    name = serializers.CharField(max_length=60)
    preset = serializers.ChoiceField(choices=PRESETS, required=False)
    recipe = serializers.DictField(required=False)


class RunInput(serializers.Serializer[Data]):
    """What a run is to do otherwise than the campaign's policy says; all may be left out."""

    start = serializers.ChoiceField(choices=TrainingRun.Start.choices, required=False)
    kind = serializers.ChoiceField(choices=TrainingRun.Kind.choices, required=False)
    folds = serializers.ChoiceField(choices=FOLDS, required=False, help_text="of kind cross")
    ensemble = serializers.BooleanField(
        required=False, help_text="kind cross: its models together are to be a candidate"
    )
    variants = serializers.ListField(
        child=VariantInput(), required=False, min_length=2, max_length=4,
        help_text="kind cross: recipes to compare, first the one that ties go to",
    )  # fmt: skip
    best = serializers.BooleanField(
        required=False, help_text="the variant that is chosen is to be trained on all labels"
    )
    donor = serializers.IntegerField(required=False, help_text="the model a transfer begins with")
    file = serializers.FileField(
        required=False, help_text="a model's zip, for start file; sent as multipart"
    )
    preset = serializers.ChoiceField(choices=PRESETS, required=False)
    epochs = _whole("epochs")
    minimum_steps = _whole("minimum_steps")
    seconds = _whole("seconds")
    recipe = serializers.JSONField(
        required=False, help_text="an object of fields of the learning core, see docs/learning.md"
    )


class Recipe(serializers.Serializer[Data]):
    """Fields of the learning core that a campaign's runs change beside its settings."""

    recipe = serializers.DictField(help_text="see docs/learning.md")


class RefreshOutput(serializers.Serializer[Data]):
    """How far the next training run is."""

    enabled = serializers.BooleanField()
    settled = serializers.IntegerField()
    held_out = serializers.IntegerField()
    new_labels = serializers.IntegerField(help_text="held-out ones among them")
    needed = serializers.IntegerField(help_text="labels still missing before the next run")


class LearningPoint(ScoresOutput):
    """One model on the learning curve."""

    number = serializers.IntegerField()
    labels = serializers.IntegerField()
    minutes = serializers.FloatField(help_text="of all reading before its data were frozen")
    crowned = serializers.BooleanField(help_text="it is or was champion")
    shown = serializers.BooleanField(
        help_text="its figures are those of a curve: see `measured`; else of its own newest list"
    )
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=ModelVersion.State.choices)


class HeldOutOutput(serializers.Serializer[Data]):
    """A held-out list, by its size and the moment it was frozen."""

    at = serializers.DateTimeField()
    cases = serializers.IntegerField()
    patients = serializers.IntegerField()


class FewOutput(serializers.Serializer[Data]):
    """A class or question that too few held-out cases show or answer."""

    name = serializers.CharField()
    cases = serializers.IntegerField()
    patients = serializers.IntegerField()


class LeftOutOutput(serializers.Serializer[Data]):
    """A version that is not on the curve, or has no mean there, and why."""

    number = serializers.IntegerField()
    reason = ReasonOutput()


class MeasuredOutput(serializers.Serializer[Data]):
    """What the figures of the learning curve are of."""

    one_list = serializers.BooleanField(
        help_text="all versions are shown on one held-out list; else each on its own newest one"
    )
    held_out = HeldOutOutput(allow_null=True, help_text="that list, or the one of `number`")
    number = serializers.IntegerField(
        allow_null=True, help_text="the live version, or the newest that was measured"
    )
    score = serializers.FloatField(allow_null=True, help_text="its mean on that list")
    low = serializers.FloatField(
        allow_null=True, help_text="95 % interval of the mean, by bootstrap over patients"
    )
    high = serializers.FloatField(allow_null=True)
    averaged = serializers.ListField(
        child=serializers.CharField(), help_text="classes or questions that a mean is over"
    )
    enough = serializers.BooleanField(
        help_text="those that promotion compares; else none is shown by cases enough"
    )
    few = FewOutput(many=True, help_text="not in the mean")
    waiting = serializers.ListField(
        child=serializers.IntegerField(), help_text="versions to be measured on the newest list"
    )
    left_out = LeftOutOutput(many=True)
    earlier = serializers.IntegerField(help_text="versions before those that are shown")


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


class ColdOrderOutput(serializers.Serializer[Data]):
    """How the order by differences stands, before there is a model."""

    ordered_at = serializers.DateTimeField(
        allow_null=True, help_text="null: the queue is in random order"
    )
    error = serializers.CharField(help_text="why the last attempt failed, else empty")


class UnreadableOutput(serializers.Serializer[Data]):
    """An image that the champion could not read."""

    case = serializers.IntegerField()
    image = serializers.IntegerField()
    patient = serializers.CharField()
    slice = serializers.IntegerField()
    problem = serializers.ChoiceField(
        choices=["missing", "damaged", "none"],
        help_text="what is wrong with what is kept of it; none: it can be read again",
    )
    file = serializers.CharField(help_text="the name it was sent under; empty where unknown")
    import_id = serializers.IntegerField(allow_null=True)
    import_number = serializers.IntegerField(allow_null=True, help_text="in its campaign")


class LearningOutput(serializers.Serializer[Data]):
    """The learner at a glance: curve, active or last run, next refresh, pending scores."""

    curve = LearningPoint(many=True)
    measured = MeasuredOutput()
    run = RunOutput(allow_null=True)
    next_refresh = RefreshOutput()
    scoring = serializers.BooleanField(help_text="the champion's scores are being made")
    scoring_error = serializers.CharField(
        help_text="why the champion's last scoring failed, else empty"
    )
    unreadable = serializers.IntegerField(
        help_text="images left out of the champion's scores: they could not be read"
    )
    rollback_to = serializers.IntegerField(
        allow_null=True, help_text="number of the model that a rollback brings back"
    )
    selection = SelectionOutput(allow_null=True)
    cold_order = ColdOrderOutput(
        allow_null=True, help_text="null where a champion orders the queue or chance is to"
    )
