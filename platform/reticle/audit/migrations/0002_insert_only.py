"""Events and seals can be inserted and read, never changed or deleted."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION reticle_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% rows are insert-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION reticle_insert_only();
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE ON audit_auditseal
    FOR EACH ROW EXECUTE FUNCTION reticle_insert_only();
"""
BACKWARD = """
DROP TRIGGER insert_only ON audit_auditseal;
DROP TRIGGER insert_only ON audit_auditevent;
DROP FUNCTION reticle_insert_only();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
