"""The invented persons: what a hospital would write about them, drawn from a seed.

No name here is taken from a register; a likeness to a living person is chance.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

LATIN, UTF8, CYRILLIC = ("ISO_IR 100",), ("ISO_IR 192",), ("ISO_IR 144",)
KANJI, KANJI_MORE = ("", "ISO 2022 IR 87"), ("", "ISO 2022 IR 87", "ISO 2022 IR 159")
ASCII: tuple[str, ...] = ()

# Name as DICOM writes it, the name as people write it, and the character set.
NAMES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Garcerán^Remedios^^Dña.", "Remedios Garcerán", LATIN),
    ("Nuñezval^Iñigo", "Iñigo Nuñezval", LATIN),
    ("Tachimoto^Hanae=立本^花江=たちもと^はなえ", "立本花江", KANJI),
    ("Mogiyama^Takuro=森鷗^拓郎=もぎやま^たくろう", "森鷗拓郎", KANJI_MORE),
    ("Воронежская^Людмила", "Людмила Воронежская", CYRILLIC),
    ("Балашников^Аркадий", "Аркадий Балашников", CYRILLIC),
    ("Hwangbo^Soonja=皇甫^順子=황보^순자", "황보순자", UTF8),
    ("Ouyang^Weiming=歐陽^偉明", "歐陽偉明", UTF8),
    ("Pellicerós^Consolación", "Consolación Pellicerós", LATIN),
    ("Ferrandízar^Vicent", "Vicent Ferrandízar", LATIN),
    ("Oakhampton^Winifred^Maud", "Winifred Oakhampton", ASCII),
    ("Van der Mierlo^Cornelis", "Cornelis Van der Mierlo", ASCII),
    ("Boronatxe^Asunción", "Asunción Boronatxe", LATIN),
    ("Sempérez^Blas^Joaquín", "Blas Sempérez", LATIN),
    ("Παπαδογλου^Ελενη", "Ελενη Παπαδογλου", UTF8),
    ("Søndergård^Åge", "Åge Søndergård", LATIN),
    ("Quintanovar^Milagros", "Milagros Quintanovar", LATIN),
    ("Etxebarrigoa^Koldo", "Koldo Etxebarrigoa", ASCII),
    ("Müllerstätter^Hannelore", "Hannelore Müllerstätter", LATIN),
    ("Grzybowczyk^Zbigniew=Grzybowczyk^Zbigniew", "Zbigniew Grzybowczyk", UTF8),
    ("Zarzalejar^Visitación", "Visitación Zarzalejar", LATIN),
    ("Llorençana^Jaume", "Jaume Llorençana", LATIN),
    ("Belkacemiou^Fatima=بلقاسميو^فاطمة", "فاطمة بلقاسميو", UTF8),
    ("Traversinho^Anselmo", "Anselmo Traversinho", LATIN),
)
STAFF = ("Escrivanes", "Tormosilla", "Beneytor", "Cataluñar", "Montesina", "Riquelmar", "Pastrane", "Valldigner")
FIRST = ("Amparo", "Rosendo", "Nieves", "Leandro", "Edelmira", "Fermin", "Coral", "Octavio")
STREETS = ("Calle del Almendro Seco", "Avenida de las Salinas Viejas", "Plaza del Pozo Amarillo", "Cami de la Sequieta")
TOWNS = ("Villalmar del Rey", "Benisalem de Dalt", "Torrepinosa", "Alquerieta")
HOSPITALS = ("Hospital Virgen de la Almudaina", "Clinica San Wenceslao", "Hospital Comarcal Torrepinosa")
JOBS = ("relojero", "maestra de canto", "patron de barca", "hilandera")


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as the hospital's systems know them.

    Parameters
    ----------
    name : str
        (0010,0010), up to three component groups.
    native : str
        The name as people write it.
    charset : tuple of str
        (0008,0005); empty for the default repertoire.
    birth, study_day : date
    """

    index: int
    name: str
    native: str
    charset: tuple[str, ...]
    patient_id: str
    issuer: str
    other_id: str
    national_id: str
    accession: str
    admission: str
    birth: date
    study_day: date
    sex: str
    weight_kg: float
    height_cm: float
    phone: str
    street: str
    town: str
    mother: str
    birth_name: str
    kin: str
    job: str
    referrer: str
    reader: str
    operator: str
    requester: str
    hospital: str
    station: str
    serial: str

    @property
    def roman(self) -> str:
        """The first component group of the name in capitals, as a console burns it in; ASCII where that can be."""
        family, _, given = self.name.split("=")[0].partition("^")
        return f"{family.upper()}, {given.split('^')[0].upper()}"

    @property
    def age(self) -> int:
        """Whole years on the day of the study."""
        before = (self.study_day.month, self.study_day.day) < (self.birth.month, self.birth.day)
        return self.study_day.year - self.birth.year - before


def draw_person(index: int, age: int, seed: int) -> Person:
    """Draw the person of an index (from 0); the same seed gives the same person."""
    rng = np.random.default_rng([seed, index, 1])
    name, native, charset = NAMES[index % len(NAMES)]
    day = date(2016, 1, 11) + timedelta(days=int(rng.integers(0, 1200)))
    birth = date(day.year - age, day.month, min(day.day, 28)) - timedelta(days=int(rng.integers(3, 350)))
    female = index % 3 != 1
    sex = "F" if female else "M"
    height = float(np.clip(rng.normal(160 if female else 173, 5), 148, 188))
    weight = float(np.clip(rng.normal(25.5, 2.6), 20, 32)) * (height / 100) ** 2

    def number(digits: int) -> str:
        return str(int(rng.integers(10 ** (digits - 1), 10**digits)))

    staff = [f"{STAFF[k]}^{FIRST[int(rng.integers(0, len(FIRST)))]}" for k in rng.permutation(len(STAFF))[:5]]
    if charset != LATIN and charset != UTF8:
        staff = [s.replace("ñ", "n") for s in staff]
    return Person(
        index, name, native, charset,
        patient_id=f"HC{number(8)}", issuer=("SIPVAL", "REGMUR")[index % 2], other_id=f"NHC-{number(7)}",
        national_id=f"{number(8)}{'TRWAGMYFPDXBNJZSQVHLCKE'[int(rng.integers(0, 23))]}", accession=f"ACC{number(9)}",
        admission=f"ING{number(8)}", birth=birth, study_day=day, sex=sex, weight_kg=round(weight, 1),
        height_cm=round(height, 1), phone=f"+34 6{number(8)}",
        street=f"{STREETS[index % 4]} {number(3)}", town=f"{TOWNS[index % 4]} {number(5)}",
        mother=f"Almodovarez^Purificacion {index + 1:02d}", birth_name=f"Salvatorena{index + 1:02d}^Nacida",
        kin=f"Hijosdalgo^Custodio {index + 1:02d}", job=f"{JOBS[index % 4]} en {TOWNS[index % 4]}",
        referrer=staff[0], reader=staff[1], operator=staff[2], requester=staff[3],
        hospital=HOSPITALS[index % 3], station=f"TCSALA{number(4)}", serial=f"SN{number(9)}",
    )  # fmt: skip
