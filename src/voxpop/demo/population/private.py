"""Identity in private elements, as four makers and a PACS write them: plain, binary, nested, of unknown VR."""

from voxpop.demo.population.answer_key import Planter
from voxpop.demo.population.people import Person

KIND = "private"


def plant_private(p: Planter, person: Person, maker: str) -> None:
    """Plant the maker's own blocks, then the blocks that an old PACS left behind."""
    _BLOCKS[maker](p, person)
    _pacs(p, person)


def _ge(p: Planter, person: Person) -> None:
    p.ds.add_new((0x0009, 0x0010), "LO", "GEMS_IDEN_01")
    p.put_tag((0x0009, 0x1002), "SH", person.station, KIND)
    p.put_tag((0x0009, 0x1004), "SH", person.hospital[:16].strip(), KIND)
    p.ds.add_new((0x0043, 0x0010), "LO", "GEMS_PARM_01")
    p.put_tag((0x0043, 0x1061), "UI", f"1.2.840.113619.2.9999.{person.serial[2:]}", KIND)
    p.put_tag((0x0043, 0x1062), "OB", _even(f"{person.native} {person.patient_id}"), KIND)


def _siemens(p: Planter, person: Person) -> None:
    p.ds.add_new((0x0029, 0x0011), "LO", "SIEMENS MEDCOM HEADER2")
    p.put_tag((0x0029, 0x1160), "LO", f"com {person.kin.split('^')[0]}", KIND)
    p.ds.add_new((0x0029, 0x0012), "LO", "SIEMENS MEDCOM OOG")
    p.ds.add_new((0x0029, 0x1208), "CS", "MEDCOM OOG 2")
    p.put_tag((0x0029, 0x1210), "OB", _even(f"{person.native} {person.other_id}"), KIND)


def _philips(p: Planter, person: Person) -> None:
    p.ds.add_new((0x2001, 0x0010), "LO", "Philips Imaging DD 001")
    item = p.item_at((0x2001, 0x105F))
    item.put("OperatorsName", f"{person.operator.split('^')[0]}^Guardia", KIND)
    item.ds.add_new((0x2005, 0x0010), "LO", "VALDORIA CT PRIVATE 01")
    item.put_tag((0x2005, 0x1099), "LO", f"pac {person.other_id}", KIND)
    p.put_tag((0x2001, 0x10CC), "ST", f"{person.native} / {person.phone}", KIND)


def _toshiba(p: Planter, person: Person) -> None:
    p.ds.add_new((0x7005, 0x0010), "LO", "TOSHIBA_MEC_CT3")
    p.put_tag((0x7005, 0x1016), "ST", f"nota: {person.native}, {person.street}", KIND)
    p.put_tag((0x7005, 0x1017), "OB", _even(f"raw {person.national_id}"), KIND)


def _pacs(p: Planter, person: Person) -> None:
    p.ds.add_new((0x0011, 0x0010), "LO", "ALMUDAINA PACS 1.0")
    p.put_tag((0x0011, 0x1001), "PN", f"{person.mother.split('^')[0]}^Contacto", KIND)
    p.put_tag((0x0011, 0x1002), "DA", person.birth.strftime("%Y%m%d"), KIND)
    p.put_tag((0x0011, 0x1003), "UN", _even(f"{person.national_id};{person.phone}"), KIND)
    item = p.item_at((0x0011, 0x1010))
    item.put("PatientName", person.name, KIND)
    item.put("PatientID", person.patient_id, KIND)
    deep = item.item("ReferencedPatientSequence")
    deep.put("ReferencedSOPInstanceUID", f"1.2.826.0.1.3680043.9.7777.2.{person.other_id[4:]}", KIND)
    deep.put("PersonAddress", person.street, KIND)


def _even(text: str) -> bytes:
    raw = text.encode()
    return raw + b"\0" * (len(raw) % 2)


_BLOCKS = {"GE MEDICAL SYSTEMS": _ge, "SIEMENS": _siemens, "Philips": _philips, "TOSHIBA": _toshiba}
