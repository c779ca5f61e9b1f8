"""What is said of two models side by side, and of a shadow beside the champion."""

from rest_framework import serializers

from training.model_forms import ClassMetrics, Data, QuestionMetrics, count_field, number_field


class PairedOutput(serializers.Serializer[Data]):
    """A mean difference over patients; null where the two were not measured on the same."""

    difference = number_field()
    low = number_field()
    high = number_field()
    patients = serializers.IntegerField()


class PairedMean(PairedOutput):
    """Both means."""

    model = number_field()
    against = number_field()


class PairedPart(PairedOutput):
    """What a difference is of: both means over the same patients, null where none are paired."""

    name = serializers.CharField()
    model_mean = number_field()
    against_mean = number_field()


class PairedClass(PairedPart):
    """Both models' metrics of one class."""

    model = ClassMetrics(allow_null=True)
    against = ClassMetrics(allow_null=True)


class PairedQuestion(PairedPart):
    """Both models' metrics of one question."""

    model = QuestionMetrics(allow_null=True)
    against = QuestionMetrics(allow_null=True)


class PairedPatient(serializers.Serializer[Data]):
    """Both models' mean Dice, or accuracy, of one held-out patient."""

    patient = serializers.CharField()
    model = serializers.FloatField()
    against = serializers.FloatField()
    difference = serializers.FloatField()


class SharedSide(serializers.Serializer[Data]):
    """One of the two models on a case that both say something of."""

    learned = serializers.BooleanField(help_text="it has learned from this case")
    error = serializers.FloatField(
        allow_null=True,
        help_text="1 - Dice against the label, or share of wrong answers; null without a label",
    )


class SharedOption(serializers.Serializer[Data]):
    """The probabilities that both give an option; null where a model was asked otherwise."""

    option = serializers.CharField()
    model = number_field()
    against = number_field()


class SharedQuestion(serializers.Serializer[Data]):
    """What people and both models answer, in the present words of the options."""

    name = serializers.CharField()
    settled = serializers.ListField(child=serializers.CharField(), help_text="what people chose")
    options = SharedOption(many=True)


class SharedCase(serializers.Serializer[Data]):
    """A case that is not held out, and that both models have drawn, or answered."""

    image = serializers.IntegerField()
    patient = serializers.CharField()
    slice = serializers.IntegerField()
    disagreement = serializers.FloatField(
        allow_null=True, help_text="1 - Dice of the two drawings, or how differently they answer"
    )
    labelled = serializers.BooleanField()
    model = SharedSide()
    against = SharedSide()
    questions = SharedQuestion(many=True)


class CompareOutput(serializers.Serializer[Data]):
    """Two models side by side."""

    same_cases = serializers.BooleanField()
    cases = serializers.IntegerField()
    metric = serializers.ChoiceField(choices=["dice", "accuracy"])
    averaged = serializers.ListField(
        child=serializers.CharField(), help_text="the classes or questions that the mean is over"
    )
    mean = PairedMean()
    classes = PairedClass(many=True)
    questions = PairedQuestion(many=True)
    patients = PairedPatient(many=True)
    shared = SharedCase(many=True)
    silent = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="which of the two have nothing kept of any case that may be shown",
    )


class DrawnClass(serializers.Serializer[Data]):
    """Dice of a class, pixels of all cases pooled."""

    name = serializers.CharField()
    between = serializers.FloatField(allow_null=True, help_text="of the two models' drawings")
    shadow = serializers.FloatField(allow_null=True, help_text="against what readers settled")
    champion = number_field()


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
    shadow = number_field()
    champion = number_field()


class BesideOutput(serializers.Serializer[Data]):
    """A shadow beside the champion."""

    id = serializers.IntegerField()
    number = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    labels = serializers.IntegerField()
    champion = count_field()
    averaged = serializers.ListField(
        child=serializers.CharField(), help_text="the classes or questions that the means are over"
    )
    difference = PairedMean(allow_null=True)
    held_out = HeldOutPair(many=True)
    drawings = DrawingsOutput()


class ShadowOutput(serializers.Serializer[Data]):
    """The campaign's shadow, if there is one."""

    shadow = BesideOutput(allow_null=True)
