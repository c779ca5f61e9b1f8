"""Takes the person out of a DICOM header: PS3.15 Basic Profile, keyed pseudonyms, and a re-scan.

    clean = deidentify(dataset, key)
    assert not identifiers_left(clean, identifiers(dataset))

The table of attributes is dicom-anonymizer's (PS3.15 table E.1-1, 2026c). Around it: file meta is
rebuilt, the preamble zeroed, private attributes, curves and overlays removed, every UID that is not
the standard's own remapped, every date moved by a number of days that is the patient's own. Maps
are HMAC-SHA256 under the installation's key: the same input gives the same output in every file,
and nobody without the key can recompute it.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from dicomanonymizer.simpledicomanonymizer import replace_element
from pydicom._uid_dict import UID_dictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.uid import UID, ExplicitVRLittleEndian

MAX_DEPTH = 16  # of nested sequences; the deepest standard object uses 7
METHOD = "Reticle: PS3.15 Basic Profile, UIDs and dates remapped by key"
_IMPLEMENTATION = "2.25.199284617398645117463849207364918273"
_PIXEL_GROUP = 0x7FE0
_BIRTH = (0x0010, 0x0030)
_TEXT = frozenset({"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "UN"})
_PROSE = frozenset({"LT", "ST", "UC", "UR", "UT", "UN"})
_IDENTIFIES = frozenset(
    {
        "AccessionNumber",
        "AdmissionID",
        "DeviceSerialNumber",
        "InstitutionAddress",
        "InstitutionName",
        "IssuerOfPatientID",
        "MedicalRecordLocator",
        "OtherPatientIDs",
        "PatientAddress",
        "PatientID",
        "PatientTelephoneNumbers",
        "StationName",
    }
)


class TooDeep(ValueError):
    """Sequences are nested deeper than ``MAX_DEPTH``."""


def _load_actions() -> dict[tuple[int, ...], str]:
    """(group, element) -> what to do: U remap, X remove, D put a dummy, Z empty."""
    table = dicom_anonymization_database_selector("dicomfields_2026c")
    actions: dict[tuple[int, ...], str] = {}
    for category, act in (
        ("D_TAGS", "D"),
        ("Z_TAGS", "Z"),
        ("X_TAGS", "X"),
        ("U_TAGS", "U"),
        ("Z_D_TAGS", "D"),
        ("X_Z_TAGS", "Z"),
        ("X_D_TAGS", "D"),
        ("X_Z_D_TAGS", "D"),
        ("X_Z_U_STAR_TAGS", "X"),
    ):
        actions.update({tuple(tag): act for tag in table[category]})
    return actions


_ACTIONS = _load_actions()


def pseudonym(key: bytes, patient_id: str, prefix: str = "P") -> str:
    """``P-`` and 8 letters or digits that stand for ``patient_id`` under ``key`` (40 bits)."""
    digest = _keyed(key, "patient" if prefix == "P" else prefix, patient_id.strip())
    return f"{prefix}-{base64.b32encode(digest[:5]).decode('ascii')}"


def remap_uid(key: bytes, uid: str) -> str:
    """A UID of the 2.25 root (128 bits) in place of ``uid``; the standard's own UIDs stay."""
    uid = uid.strip("\0 ")
    if not uid or uid in UID_dictionary:
        return uid
    return f"2.25.{int.from_bytes(_keyed(key, 'uid', uid)[:16], 'big')}"


def shift_date(key: bytes, patient_id: str, value: str) -> str:
    """Move a DA or DT value by the patient's own 1 to 3650 days back; the time of day is dropped.

    Gives "" for anything that is no date, so that nothing unreadable survives.
    """
    days = 1 + int.from_bytes(_keyed(key, "days", patient_id.strip())[:4], "big") % 3650
    digits = value.strip().replace(".", "") if len(value.strip()) == 10 else value.strip()
    try:
        moved = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) - timedelta(days)
    except (ValueError, OverflowError):
        return ""
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"


def deidentify(dataset: Dataset, key: bytes) -> Dataset:
    """A new dataset without identifiers; ``dataset`` is left as it was, pixel data are shared.

    Attributes that cannot be parsed are removed. Raises TooDeep.
    """
    patient = patient_id_of(dataset)
    banned = [value.casefold() for value in identifiers(dataset)]
    clean = _clean(dataset, key, patient, banned, 0)
    clean.PatientName = clean.PatientID = pseudonym(key, patient)
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = METHOD
    clean.LongitudinalTemporalInformationModified = "MODIFIED"
    clean.preamble = b"\0" * 128
    clean.file_meta = _file_meta(dataset, clean)
    return clean


def patient_id_of(dataset: Dataset) -> str:
    """PatientID, else the name, else the study: what tells this file's patient from others."""
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "SOPInstanceUID"):
        value = _text(dataset, keyword)
        if value:
            return value
    return ""


def identifiers(dataset: Dataset) -> list[str]:
    """Values of ``dataset`` that name a person, place or case and must be found nowhere after.

    Names also count part by part. Values too short or too common to search for are left out.
    """
    values: set[str] = set()
    for element in _elements(dataset, 0):
        if element.VR == "PN" or element.keyword in _IDENTIFIES:
            for value in _values(element):
                values.update((value, *value.replace("=", "^").split("^")))
    return sorted(v.strip() for v in values if _searchable(v.strip()))


def identifiers_left(dataset: Dataset, planted: Iterable[str]) -> list[str]:
    """Names or tags of the attributes that still hold one of ``planted`` (in any letter case).

    Looks into nested sequences, binary values, file meta and the preamble, not into pixel data.
    """
    wanted = [value.casefold() for value in planted if value]
    found = []
    if _holds(bytes(getattr(dataset, "preamble", None) or b""), wanted):
        found.append("preamble")
    for part in (getattr(dataset, "file_meta", None) or Dataset(), dataset):
        for element in _elements(part, 0):
            if element.tag.group != _PIXEL_GROUP and _holds(element.value, wanted):
                found.append(element.keyword or str(element.tag))
    return found


def _clean(dataset: Dataset, key: bytes, patient: str, banned: list[str], depth: int) -> Dataset:
    if depth > MAX_DEPTH:
        raise TooDeep
    clean = Dataset()
    for tag in list(dataset.keys()):
        if tag.is_private or tag.group < 8 or tag.group & 0xFF00 in (0x5000, 0x6000):
            continue
        if tag.group == _PIXEL_GROUP:
            clean[tag] = dataset[tag]
            continue
        element = _parsed(dataset, tag)
        if element is None:
            continue
        if element.VR == "SQ":
            if _ACTIONS.get((tag.group, tag.element), "U") == "U":
                items = [_clean(item, key, patient, banned, depth + 1) for item in element.value]
                clean.add_new(tag, "SQ", items)
            continue
        treated = _treat(element, key, patient)
        if treated is not None and not (treated.VR in _TEXT and _holds(treated.value, banned)):
            clean.add(treated)
    return clean


def _treat(element: DataElement, key: bytes, patient: str) -> DataElement | None:
    """The element as it may stay, or None; never the same object."""
    vr, pair = element.VR, (element.tag.group, element.tag.element)
    action = _ACTIONS.get(pair)
    if vr == "UI":
        return DataElement(element.tag, vr, [remap_uid(key, v) for v in _values(element)])
    if vr in ("DA", "DT") and pair != _BIRTH:
        return DataElement(element.tag, vr, [shift_date(key, patient, v) for v in _values(element)])
    if vr in ("TM", "PN") or pair == _BIRTH or action == "Z":
        return DataElement(element.tag, vr, None)
    if action == "X" or vr in _PROSE:
        return None
    copy = DataElement(element.tag, vr, element.value, already_converted=True)
    if action == "D":
        try:
            replace_element(copy)
        except NotImplementedError:  # a binary kind without a dummy
            return None
    return copy


def _file_meta(dataset: Dataset, clean: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    original = getattr(dataset, "file_meta", None) or Dataset()
    syntax = UID(str(original.get("TransferSyntaxUID", "") or ExplicitVRLittleEndian))
    meta.TransferSyntaxUID = syntax if syntax in UID_dictionary else ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = clean.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = clean.get("SOPInstanceUID", "")
    meta.ImplementationClassUID = UID(_IMPLEMENTATION)
    return meta


def _elements(dataset: Dataset, depth: int) -> Iterator[DataElement]:
    if depth > MAX_DEPTH:
        raise TooDeep
    for tag in list(dataset.keys()):
        element = _parsed(dataset, tag)
        if element is None:
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item, depth + 1)
        else:
            yield element


def _parsed(dataset: Dataset, tag: Any) -> DataElement | None:
    try:
        element: DataElement = dataset[tag]
        return element
    except RecursionError:
        raise
    except Exception:  # pydicom raises anything from KeyError to struct.error on a bad value
        return None


def _values(element: DataElement) -> list[str]:
    value = element.value
    if value is None:
        return []
    return [str(v) for v in (value if isinstance(value, MultiValue | list) else [value])]


def _text(dataset: Dataset, keyword: str) -> str:
    element = _parsed(dataset, keyword) if keyword in dataset else None
    return "\\".join(_values(element)).strip("\0 ") if element is not None else ""


def _searchable(value: str) -> bool:
    return len(value) >= (4 if any(c.isalpha() for c in value) else 6)


def _holds(value: Any, wanted: list[str]) -> bool:
    if not wanted or value is None:
        return False
    if isinstance(value, bytes):
        text = value.decode("latin-1")
        texts = [text, value.decode("utf-8", "ignore")]
    else:
        texts = [str(value)]
    return any(word in text.casefold() for text in texts for word in wanted)


def _keyed(key: bytes, purpose: str, value: str) -> bytes:
    return hmac.new(key, f"{purpose}:{value}".encode(), hashlib.sha256).digest()
