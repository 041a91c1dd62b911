"""Identity where real archives have it: patient, study, staff, place and device, in plain and in nested elements."""

from datetime import timedelta

from pydicom.uid import UID

from voxpop.demo.population.answer_key import Planter
from voxpop.demo.population.people import Person
from voxpop.demo.population.uids import Uids

NAME, ID, DATE, TIME, TEXT, CONTACT = "person name", "id", "date", "time", "text", "contact"
STAFF, PLACE, DEVICE, UID_KIND = "staff", "place", "device", "uid"


def plant_patient(p: Planter, person: Person) -> None:
    """Plant the Patient modules."""
    if person.charset:
        p.ds.SpecificCharacterSet = list(person.charset)
    p.put("PatientName", person.name, NAME)
    p.put("PatientID", person.patient_id, ID)
    p.put("IssuerOfPatientID", person.issuer, ID)
    p.put("PatientBirthDate", person.birth.strftime("%Y%m%d"), DATE)
    p.put("PatientBirthTime", f"0{person.index % 10}1723", TIME)
    p.ds.PatientSex = person.sex
    p.put("PatientBirthDateInAlternativeCalendar", f"Sol {person.birth:%d/%m/%Y}", DATE)
    p.ds.PatientAlternativeCalendar = "GREGORIAN"
    other = p.item("OtherPatientIDsSequence")
    other.put("PatientID", person.other_id, ID)
    other.ds.TypeOfPatientID = "TEXT"
    other = p.item("OtherPatientIDsSequence")
    other.put("PatientID", person.national_id, ID)
    other.ds.IssuerOfPatientID = "DNI"
    other.ds.TypeOfPatientID = "TEXT"
    p.put("OtherPatientNames", person.birth_name, NAME)
    p.put("PatientBirthName", person.birth_name, NAME)
    p.put("PatientMotherBirthName", person.mother, NAME)
    p.put("PatientAddress", f"{person.street}, {person.town}", CONTACT)
    p.put("PatientTelephoneNumbers", person.phone, CONTACT)
    p.put("PatientTelecomInformation", f"tel:{person.phone.replace(' ', '')}", CONTACT)
    p.put("MedicalRecordLocator", f"ARCHIVO {person.other_id}", ID)
    p.put("CountryOfResidence", "Valdoria", PLACE)
    p.put("RegionOfResidence", f"Comarca de {person.town[:-6]}", PLACE)
    p.put("Occupation", person.job[:16], TEXT)
    p.put("ResponsiblePerson", person.kin, NAME)
    p.ds.ResponsiblePersonRole = "PARENT"
    p.put("PatientComments", f"{person.native}, {person.street}, tel. {person.phone}", TEXT)


def plant_patient_study(p: Planter, person: Person, *, weighed: bool) -> None:
    """Plant the Patient Study module: age, size, weight and the free text of the history."""
    p.ds.PatientAge = f"{person.age:03d}Y"
    p.ds.PatientSize = f"{person.height_cm / 100:.3f}"
    if weighed:
        p.ds.PatientWeight = f"{person.weight_kg:.1f}"
    p.put("AdditionalPatientHistory", f"Vive con {person.kin.replace('^', ' ')}; trabajo: {person.job}", TEXT)
    p.put("MedicalAlerts", f"Avisar al {person.phone}", TEXT)
    p.put("AdmissionID", person.admission, ID)
    p.put("AdmittingDiagnosesDescription", f"Lumbalgia. Remite {person.referrer.replace('^', ' ')}", TEXT)


def plant_study(p: Planter, person: Person, uids: Uids) -> None:
    """Plant the General Study module and the request behind it."""
    p.put("StudyInstanceUID", uids.make("study"), UID_KIND)
    p.put("StudyDate", person.study_day.strftime("%Y%m%d"), DATE)
    p.put("StudyTime", f"{8 + person.index % 11:02d}{(person.index * 7) % 60:02d}31", TIME)
    p.put("StudyID", person.accession[-6:], ID)
    p.put("AccessionNumber", person.accession, ID)
    p.put("StudyDescription", f"TC ABDOMEN {person.national_id if person.index % 3 == 0 else 'Y PELVIS'}", TEXT)
    p.put("ReferringPhysicianName", person.referrer, STAFF)
    p.put("ReferringPhysicianTelephoneNumbers", person.phone[:8] + "77001", CONTACT)
    p.put("ReferringPhysicianAddress", f"Centro de Salud {person.town}", CONTACT)
    p.put("PhysiciansOfRecord", person.requester, STAFF)
    p.put("NameOfPhysiciansReadingStudy", person.reader, STAFF)
    doctor = p.item("ReferringPhysicianIdentificationSequence")
    code = doctor.item("PersonIdentificationCodeSequence")
    code.put("CodeValue", f"COL{person.admission[-6:]}", ID)
    code.ds.CodingSchemeDesignator = "99COLEGIO"
    code.put("CodeMeaning", f"Dr. {person.referrer.replace('^', ' ')}", STAFF)
    doctor.put("InstitutionName", f"Ambulatorio {person.town}", PLACE)
    earlier = p.item("ReferencedStudySequence")
    earlier.ds.ReferencedSOPClassUID = UID("1.2.840.10008.3.1.2.3.1")
    earlier.put("ReferencedSOPInstanceUID", uids.make("earlier study"), UID_KIND)
    p.put("RequestingPhysician", person.requester, STAFF)
    p.put("RequestingService", f"Reumatologia {person.town}", PLACE)
    p.put("RequestedProcedureDescription", f"TC abdomen de {person.native}"[:64], TEXT)
    p.put("CurrentPatientLocation", f"Planta 3 cama {person.index + 101}", PLACE)


def plant_series(p: Planter, person: Person) -> None:
    """Plant the General Series and Equipment modules."""
    p.put("InstitutionName", person.hospital, PLACE)
    p.put("InstitutionAddress", f"{person.town}, Valdoria", PLACE)
    p.put("InstitutionalDepartmentName", f"Radiologia {person.station}", PLACE)
    p.put("StationName", person.station, DEVICE)
    p.put("DeviceSerialNumber", person.serial, DEVICE)
    p.put("GantryID", f"GANTRY{person.serial[-5:]}", DEVICE)
    p.put("PerformingPhysicianName", person.reader, STAFF)
    p.put("OperatorsName", [person.operator, f"{person.operator.split('^')[0]}^Tec"], STAFF)
    p.put("PerformedProcedureStepID", f"PPS{person.accession[-7:]}", ID)
    p.put("PerformedProcedureStepStartDate", person.study_day.strftime("%Y%m%d"), DATE)
    p.put(
        "PerformedProcedureStepDescription", f"TC {person.roman.title()}"[:64] if person.charset == () else "TC", TEXT
    )
    p.put("CommentsOnThePerformedProcedureStep", f"Acompanante {person.kin.replace('^', ' ')} avisa", TEXT)
    request = p.item("RequestAttributesSequence")
    request.put("RequestedProcedureID", f"RP{person.accession[-8:]}", ID)
    request.put("ScheduledProcedureStepID", f"SPS{person.accession[-6:]}", ID)
    request.put("ScheduledProcedureStepDescription", f"TC abdomen {person.national_id}", TEXT)
    request.put("ReasonForTheRequestedProcedure", f"Dolor lumbar, {person.job}", TEXT)
    request.put("AccessionNumber", person.accession, ID)


def plant_image(p: Planter, person: Person, uids: Uids) -> None:
    """Plant what comments and earlier corrections bring into images."""
    p.put("ImageComments", f"Repetida por movimiento; {person.native}; {person.other_id}", TEXT)
    p.put("DerivationDescription", f"Reenviado desde {person.station} por {person.operator.split('^')[0]}", TEXT)
    before = p.item("OriginalAttributesSequence")
    before.put("SourceOfPreviousValues", f"PACS {person.town}", PLACE)
    when = person.study_day + timedelta(days=2)
    before.put("AttributeModificationDateTime", when.strftime("%Y%m%d094512"), DATE)
    before.put("ModifyingSystem", f"RIS{person.station}", DEVICE)
    before.ds.ReasonForTheAttributeModification = "CORRECT"
    old = before.item("ModifiedAttributesSequence")
    old.put("PatientName", f"{person.birth_name.split('^')[0]}^Urgencias", NAME)
    old.put("PatientID", f"URG{person.national_id[:7]}", ID)
    irradiation = uids.make("irradiation")
    p.put("IrradiationEventUID", irradiation, UID_KIND)


def plant_file_meta(p: Planter, person: Person) -> None:
    """Plant the file meta information; the preamble and the padding behind the data set are planted by the writer."""
    p.put("SourceApplicationEntityTitle", f"AE{person.station}", DEVICE)
    p.ds.PrivateInformationCreatorUID = UID("1.2.826.0.1.3680043.9.7777.1")
    p.put("PrivateInformation", f"exported for {person.national_id} by {person.operator.split('^')[0]} ".encode(), TEXT)
