"""What a person did is never updated: annotations and reviews are insert-only."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE ON annotations_annotation
    FOR EACH ROW EXECUTE FUNCTION reticle_insert_only();
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE ON annotations_review
    FOR EACH ROW EXECUTE FUNCTION reticle_insert_only();
"""
BACKWARD = """
DROP TRIGGER insert_only ON annotations_review;
DROP TRIGGER insert_only ON annotations_annotation;
"""


class Migration(migrations.Migration):
    dependencies = [("annotations", "0001_initial"), ("audit", "0002_insert_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
