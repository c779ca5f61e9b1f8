import dataclasses
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

from reticle.pixels.deidentify import (
    MAX_DEPTH,
    TooDeep,
    deidentify,
    identifiers,
    identifiers_left,
    pseudonym,
    remap_uid,
    shift_date,
)
from reticle.pixels.read import read_file
from reticle.pixels.sandbox import Parsed, Sandbox

KEY = b"key of the installation"
CANARY = "Zanzibarina"
NAMES = {"PatientName", "PatientMotherBirthName", "PatientBirthName", "ReferringPhysicianName"}
NAMES |= {"PerformingPhysicianName", "OperatorsName", "PhysiciansOfRecord", "ResponsiblePerson"}
IDS = {"PatientID", "OtherPatientIDs", "AccessionNumber", "StudyID", "DeviceSerialNumber"}
IDS |= {"IssuerOfPatientID", "StationName", "PatientTelephoneNumbers", "CurrentPatientLocation"}
PLACES = {"InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName"}
PLACES |= {"PatientAddress", "CountryOfResidence", "RegionOfResidence", "RequestingPhysician"}
PROSE = {
    "PatientComments",
    "AdditionalPatientHistory",
    "EthnicGroup",
    "Occupation",
    "MedicalAlerts",
}
PROSE |= {"Allergies", "StudyDescription", "SeriesDescription", "ProtocolName", "ImageComments"}
PROSE |= {"RequestedProcedureDescription", "AdmittingDiagnosesDescription", "ContrastBolusAgent"}
PROSE |= {"PerformedProcedureStepDescription", "DerivationDescription", "TextComments"}
DEVICE = {"Manufacturer", "ManufacturerModelName", "SoftwareVersions"}
TEXT_TAGS = sorted(NAMES | IDS | PLACES | PROSE | DEVICE)


def marked() -> Dataset:
    """A tiny MR image with the canary in every place that can hold text."""
    dataset = Dataset()
    dataset.preamble = CANARY.encode().ljust(128, b"\0")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.SourceApplicationEntityTitle = CANARY
    dataset.file_meta.ImplementationVersionName = CANARY
    dataset.file_meta.PrivateInformationCreatorUID = UID("1.2.3.99")
    dataset.file_meta.PrivateInformation = CANARY.encode() + b"\0"
    dataset.SOPClassUID, dataset.Modality = MRImageStorage, "MR"
    dataset.SOPInstanceUID, dataset.StudyInstanceUID = "1.2.3.1", "1.2.3.2"
    dataset.SeriesInstanceUID = "1.2.3.3"
    for keyword in TEXT_TAGS:
        setattr(dataset, keyword, CANARY)
    dataset.BodyPartExamined = CANARY.upper()
    dataset.PatientBirthDate, dataset.StudyDate = "19551231", "20240229"
    dataset.AcquisitionDateTime, dataset.StudyTime = "20240229134500.123+0100", "134500"
    item = Dataset()
    item.PersonName, item.TextValue, item.CodeMeaning = CANARY, CANARY, CANARY
    dataset.RequestAttributesSequence = Sequence([item])
    inner = Dataset()
    inner.AnatomicRegionSequence = Sequence([item])
    dataset.DerivationCodeSequence = Sequence([inner])
    block = dataset.private_block(0x0009, CANARY, create=True)
    block.add_new(1, "LO", CANARY)
    dataset.add_new(0x60004000, "LT", CANARY)
    dataset.add_new(0x60000022, "LO", CANARY)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x50000022, "LO", CANARY)
    dataset.add_new(0x00420011, "OB", CANARY.encode() + b"\0")
    dataset.Rows = dataset.Columns = 4
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = np.arange(16, dtype=np.uint16).tobytes()
    return dataset


def write(path: Path, dataset: Dataset) -> Path:
    dataset.save_as(path, enforce_file_format=True)
    return path


def as_bytes(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_the_canary_is_everywhere_before_and_nowhere_after() -> None:
    before = as_bytes(marked())
    assert before.count(CANARY.encode()) > 45
    after = as_bytes(deidentify(marked(), KEY))
    assert CANARY.encode().lower() not in after.lower()
    assert b"1.2.3." not in after
    assert b"19551231" not in after
    assert b"20240229" not in after
    assert after[:128] == bytes(128)


def test_nothing_of_a_marked_file_leaves_the_sandbox(tmp_path: Path, sandbox: Sandbox) -> None:
    path = write(tmp_path / f"{CANARY}.dcm", marked())
    answer = sandbox.parse(path, f"{CANARY}/{CANARY}.dcm")
    assert isinstance(answer, Parsed)
    told = repr(answer) + repr([dataclasses.asdict(series) for series in answer.series])
    assert CANARY.lower() not in told.lower()
    assert "1.2.3." not in told
    assert np.array_equal(answer.series[0].frames[0].pixels.ravel(), np.arange(16))


def test_a_broken_file_does_not_repeat_its_words(tmp_path: Path, sandbox: Sandbox) -> None:
    dataset = marked()
    dataset.Rows = 900
    path = write(tmp_path / f"{CANARY}.dcm", dataset)
    assert CANARY.lower() not in repr(sandbox.parse(path, path.name)).lower()


def test_the_source_is_left_alone_and_pixels_are_kept() -> None:
    dataset = marked()
    clean = deidentify(dataset, KEY)
    assert as_bytes(dataset) == as_bytes(marked())
    assert clean.PixelData == dataset.PixelData
    assert (clean.Rows, clean.Modality) == (4, "MR")
    assert clean.PatientIdentityRemoved == "YES"


def test_the_rescan_finds_each_hiding_place() -> None:
    found = identifiers_left(marked(), [CANARY.lower()])
    for place in ("preamble", "SourceApplicationEntityTitle", "PatientName", "PersonName"):
        assert place in found
    assert "(0009,1001)" in found
    assert identifiers_left(deidentify(marked(), KEY), identifiers(marked())) == []


def test_a_name_in_a_harmless_field_is_removed_too() -> None:
    dataset = marked()
    dataset.PatientName, dataset.Manufacturer = "Quisling^Ottoline", "made for OTTOLINE"
    assert "Manufacturer" not in deidentify(dataset, KEY)
    dataset.Manufacturer = "made for others"
    assert deidentify(dataset, KEY).Manufacturer == "made for others"


def test_uids_map_alike_in_every_file_and_only_by_key() -> None:
    first, second = deidentify(marked(), KEY), deidentify(marked(), KEY)
    assert first.StudyInstanceUID == second.StudyInstanceUID == remap_uid(KEY, "1.2.3.2")
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert first.SOPClassUID == MRImageStorage
    assert len({remap_uid(k, u) for k in (KEY, b"other") for u in ("1.2.3", "1.2.4")}) == 4
    assert len(remap_uid(KEY, "1.2.3")) <= 64


def test_dates_move_by_the_patients_own_days_and_keep_their_distance() -> None:
    def moved(patient: str, value: str, key: bytes = KEY) -> date:
        return datetime.strptime(shift_date(key, patient, value), "%Y%m%d").date()

    assert moved("a", "20240301") - moved("a", "20240228") == date(2024, 3, 1) - date(2024, 2, 28)
    assert moved("a", "20240301") < date(2024, 3, 1)
    shifts = {moved(p, "20240301", k) for p in "abc" for k in (KEY, b"other")}
    assert len(shifts) == 6
    assert shift_date(KEY, "a", "20240301101500.5") == shift_date(KEY, "a", "20240301")
    assert [shift_date(KEY, "a", v) for v in ("", "soon", "20241399", "00000101")] == [""] * 4


def test_pseudonyms_are_short_stable_keyed_and_blind_to_padding() -> None:
    assert pseudonym(KEY, "4711 ") == pseudonym(KEY, "4711")
    assert pseudonym(KEY, "4711") != pseudonym(b"other", "4711")
    assert len({pseudonym(KEY, str(n)) for n in range(20_000)}) == 20_000
    assert len(pseudonym(KEY, "4711")) == 10


def nested(depth: int) -> Dataset:
    dataset = Dataset()
    for _ in range(depth):
        outer = Dataset()
        outer.DerivationCodeSequence = Sequence([dataset])
        dataset = outer
    return dataset


def test_deep_nesting_is_refused() -> None:
    deidentify(nested(MAX_DEPTH), KEY)
    with pytest.raises(TooDeep):
        deidentify(nested(MAX_DEPTH + 1), KEY)


def test_attributes_are_coarse_or_keyed(tmp_path: Path) -> None:
    def attributes(**changes: Any) -> dict[str, str]:
        dataset = marked()
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
        path = write(tmp_path / "a.dcm", dataset)
        return read_file(path, name="a", key=KEY)[0].attributes

    found = attributes(PatientSex="F", PatientAge="047Y", Manufacturer="SIEMENS Healthineers")
    assert found["sex"] == "F"
    assert found["age_band"] == "40-59"
    assert found["scanner"].startswith("SIEMENS D-")
    assert found["site"] == attributes()["site"]
    assert found["site"] != attributes(InstitutionName="Elsewhere")["site"]
    assert "body_part" not in found
    assert attributes(PatientAge="003M")["age_band"] == "0-17"
    assert "age_band" not in attributes(PatientAge="000Y")
    assert attributes(BodyPartExamined="CHEST")["body_part"] == "CHEST"
