"""The objects of a study that are no images: the dose report, and the reader's marks as a presentation state."""

from pydicom.dataset import Dataset
from pydicom.uid import UID

from voxpop.demo.population import planting
from voxpop.demo.population.answer_key import Planter
from voxpop.demo.population.images import CT_IMAGE, Study, start_object, write_object

DOSE_SR = UID("1.2.840.10008.5.1.4.1.1.88.67")
GRAYSCALE_STATE = UID("1.2.840.10008.5.1.4.1.1.11.1")
DCM = "DCM"


def write_dose_report(study: Study) -> None:
    """Write the X-Ray Radiation Dose SR: a tree of content with the operator and the patient in it."""
    person = study.person
    ds, planter = start_object(study, DOSE_SR, "dose report")
    ds.Modality = "SR"
    planter.put("SeriesInstanceUID", study.uids.make("series", "dose"), planting.UID_KIND)
    planter.put("SeriesDescription", f"Dose Report {person.accession}", planting.TEXT)
    ds.SeriesNumber, ds.InstanceNumber = 999, 1
    planter.put("ContentDate", person.study_day.strftime("%Y%m%d"), planting.DATE)
    planter.put("ContentTime", ds.StudyTime, planting.TIME)
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "VERIFIED"
    observer = planter.item("VerifyingObserverSequence")
    observer.put("VerifyingObserverName", person.reader, planting.STAFF)
    observer.put("VerifyingOrganization", person.hospital, planting.PLACE)
    observer.put("VerificationDateTime", person.study_day.strftime("%Y%m%d180000"), planting.DATE)
    observer.ds.VerifyingObserverIdentificationCodeSequence = []
    ds.PerformedProcedureCodeSequence, ds.ReferencedPerformedProcedureStepSequence = [], []
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [_code("113701", "X-Ray Radiation Dose Report")]
    _content(study, planter)
    write_object(ds, planter, study.folder / "SE8" / "IM0001", study.uids.make("dose"))


def write_marks(study: Study, images: list[UID]) -> None:
    """Write a presentation state whose graphic annotations name the patient."""
    person = study.person
    ds, planter = start_object(study, GRAYSCALE_STATE, "presentation state")
    ds.Modality, ds.Laterality = "PR", ""
    planter.put("SeriesInstanceUID", study.uids.make("series", "marks"), planting.UID_KIND)
    ds.SeriesNumber, ds.InstanceNumber = 800, 1
    planter.put("ContentLabel", f"MARCA_{person.other_id[4:]}", planting.TEXT)
    planter.put("ContentDescription", f"Para {person.reader.split('^')[0]}", planting.TEXT)
    planter.put("ContentCreatorName", person.reader, planting.STAFF)
    planter.put("PresentationCreationDate", person.study_day.strftime("%Y%m%d"), planting.DATE)
    planter.put("PresentationCreationTime", ds.StudyTime, planting.TIME)
    series = planter.item("ReferencedSeriesSequence")
    series.put("SeriesInstanceUID", study.uids.make("series", "ct"), planting.UID_KIND)
    image = series.item("ReferencedImageSequence")
    image.ds.ReferencedSOPClassUID = CT_IMAGE
    image.put("ReferencedSOPInstanceUID", images[0], planting.UID_KIND)
    annotation = planter.item("GraphicAnnotationSequence")
    annotation.ds.GraphicLayer = "MARCAS"
    text = annotation.item("TextObjectSequence")
    text.ds.BoundingBoxAnnotationUnits = "PIXEL"
    text.put("UnformattedTextValue", f"{person.native} {person.national_id}: control en 6 meses", planting.TEXT)
    text.ds.BoundingBoxTopLeftHandCorner, text.ds.BoundingBoxBottomRightHandCorner = [10.0, 10.0], [120.0, 40.0]
    text.ds.BoundingBoxTextHorizontalJustification = "LEFT"
    layer = planter.item("GraphicLayerSequence")
    layer.ds.GraphicLayer, layer.ds.GraphicLayerOrder = "MARCAS", 1
    layer.put("GraphicLayerDescription", f"Sesion de {person.reader.split('^')[0]}", planting.TEXT)
    area = planter.item("DisplayedAreaSelectionSequence").ds
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [1, 1], [256, 256]
    area.PresentationSizeMode, area.PresentationPixelAspectRatio = "SCALE TO FIT", [1, 1]
    ds.PresentationLUTShape = "IDENTITY"
    write_object(ds, planter, study.folder / "SE7" / "IM0001", study.uids.make("marks"))


def _content(study: Study, root: Planter) -> None:
    person = study.person
    _add(root, "HAS CONCEPT MOD", "CODE", ("121058", "Procedure reported")).ds.ConceptCodeSequence = [
        _code("77477000", "Computed Tomography X-Ray", "SCT")
    ]
    _add(root, "HAS OBS CONTEXT", "CODE", ("121005", "Observer Type")).ds.ConceptCodeSequence = [
        _code("121006", "Person")
    ]
    _add(root, "HAS OBS CONTEXT", "PNAME", ("121008", "Person Observer Name")).put(
        "PersonName", person.operator, planting.STAFF
    )
    _add(root, "HAS OBS CONTEXT", "TEXT", ("121009", "Person Observer's Organization Name")).put(
        "TextValue", f"{person.hospital}, {person.town}", planting.PLACE
    )
    _add(root, "HAS OBS CONTEXT", "UIDREF", ("121012", "Device Observer UID")).put(
        "UID", study.uids.make("device"), planting.UID_KIND
    )
    _add(root, "HAS OBS CONTEXT", "PNAME", ("121029", "Subject Name")).put("PersonName", person.name, planting.NAME)
    _add(root, "HAS OBS CONTEXT", "TEXT", ("121030", "Subject ID")).put("TextValue", person.patient_id, planting.ID)
    _add(root, "HAS OBS CONTEXT", "TEXT", ("121031", "Subject Birth Date")).put(
        "TextValue", f"{person.birth:%d/%m/%Y}", planting.DATE
    )
    acquisition = _add(root, "CONTAINS", "CONTAINER", ("113819", "CT Acquisition"))
    acquisition.ds.ContinuityOfContent = "SEPARATE"
    _add(acquisition, "CONTAINS", "UIDREF", ("113769", "Irradiation Event UID")).put(
        "UID", study.uids.make("irradiation"), planting.UID_KIND
    )
    _add(acquisition, "CONTAINS", "TEXT", ("125203", "Acquisition Protocol")).put(
        "TextValue", f"Abdomen, {person.native}, {person.national_id}", planting.TEXT
    )
    dose = _add(acquisition, "CONTAINS", "NUM", ("113830", "Mean CTDIvol"))
    value = Dataset()
    value.NumericValue = f"{8 + person.index % 6}.4"
    value.MeasurementUnitsCodeSequence = [_code("mGy", "mGy", "UCUM")]
    dose.ds.MeasuredValueSequence = [value]
    _add(root, "CONTAINS", "TEXT", ("121106", "Comment")).put(
        "TextValue", f"Dosis explicada a {person.native} ({person.phone}) por {person.operator.split('^')[0]}",
        planting.TEXT,
    )  # fmt: skip


def _add(parent: Planter, relation: str, value_type: str, concept: tuple[str, str]) -> Planter:
    item = parent.item("ContentSequence")
    item.ds.RelationshipType = relation
    item.ds.ValueType = value_type
    item.ds.ConceptNameCodeSequence = [_code(*concept)]
    return item


def _code(value: str, meaning: str, scheme: str = DCM) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
