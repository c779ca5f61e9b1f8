"""What the demo consists of; light, so that a second start need not load what makes it."""

from annotations.models import Campaign

PASSWORD = "reticle-demo"  # for a demo on loopback only
LOGINS = f"Log in as reader, reviewer or manager; the password is {PASSWORD}"
BRAIN_MRI, DICOM_SAMPLES = "brain-mri", "dicom-samples"


def is_loaded() -> bool:
    """Tell whether both demo campaigns are there."""
    return Campaign.objects.filter(slug__in=[BRAIN_MRI, DICOM_SAMPLES]).count() == 2
