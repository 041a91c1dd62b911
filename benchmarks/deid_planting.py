"""How much planted text survives de-identification: a token in every standard text element of one CT image.

Usage::

    python benchmarks/deid_planting.py [--json]

The object is made here, so the figure can be repeated anywhere. dicognito, with its defaults, stands beside it.
"""

import json
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from voxpop.staging.deid import PatientKey, ScrubContext, explain, load_profile, scrub_file

TOKEN = "ZQXJKV"
TEXT_VRS = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})


def planted() -> tuple[Dataset, tuple[int, ...]]:
    """Return a CT image with a token in every standard text element, and their tags."""
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, "1.2.3.4"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3.5", "1.2.3.6"
    image.Modality, image.ImageType, image.PhotometricInterpretation = "CT", ["ORIGINAL", "PRIMARY"], "MONOCHROME2"
    image.Rows = image.Columns = 2
    image.SamplesPerPixel, image.BitsAllocated = 1, 16
    image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 15, 0
    image.PixelData = bytes(8)
    tags = tuple(
        tag
        for tag, (vr, *_) in sorted(DicomDictionary.items())
        if vr in TEXT_VRS and tag >> 16 > 0x0002 and not tag >> 16 & 1
    )
    for tag in tags:
        image.add_new(tag, DicomDictionary[tag][0], TOKEN)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image, tags


def survivors(image: Dataset) -> tuple[int, ...]:
    """Return the tags of the elements that hold the token."""
    return tuple(int(each.tag) for each in image.iterall() if TOKEN.encode() in str(each.value).encode())


def by_voxpop() -> tuple[int, ...]:
    """Scrub the planted image with the default profile."""
    image, _ = planted()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "planted.dcm"), Path(folder, "scrubbed.dcm")
        image.save_as(source, enforce_file_format=True)
        scrub_file(source, target, ScrubContext(load_profile(), PatientKey(bytes(32), "planting", TOKEN)))
        return survivors(dcmread(target))


def by_dicognito() -> tuple[int, ...]:
    """Anonymize the planted image with dicognito's defaults."""
    from dicognito.anonymizer import Anonymizer

    image, _ = planted()
    stream = BytesIO()
    image.save_as(stream, enforce_file_format=True)
    stream.seek(0)
    again = dcmread(stream)
    Anonymizer().anonymize(again)
    return survivors(again)


def main() -> None:
    """Print the survivors."""
    ours, planted_in = by_voxpop(), len(planted()[1])
    theirs = by_dicognito()
    if "--json" in sys.argv:
        kept = {explain(load_profile(), tag).tag: explain(load_profile(), tag).keyword for tag in ours}
        print(json.dumps({"planted": planted_in, "voxpop": len(ours), "dicognito": len(theirs), "kept": kept}))
        return
    print(f"planted {planted_in}, left by voxpop {len(ours)}, by dicognito {len(theirs)}")
    for tag in ours:
        why = explain(load_profile(), tag)
        print(f"  {why.tag} {why.name} [{why.vr}]: {why.rule.value} ({', '.join(why.modules)})")


if __name__ == "__main__":
    main()
