"""The scanners of four makers: what each writes into its headers, and how each makes its slices."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scanner:
    """A scanner's habits.

    Parameters
    ----------
    head_first_down : bool
        Instances are numbered from the head to the feet.
    signed : bool
        Stored values are signed and rows outside the circle of reconstruction hold padding.
    noise_hu, blur_mm : float
        Typical noise and the sigma of the point spread of the kernel.
    """

    maker: str
    model: str
    software: str
    kernel: str
    series: str
    protocol: str
    image_type: tuple[str, ...]
    head_first_down: bool
    signed: bool
    implicit_vr: bool
    noise_hu: float
    blur_mm: float


SCANNERS = (
    Scanner("GE MEDICAL SYSTEMS", "LightSpeed VCT", "07MW18.4", "STANDARD", "ABDOMEN PELVIS S/C", "5.5 ABDOMEN-PELVIS",
            ("ORIGINAL", "PRIMARY", "AXIAL"), True, True, False, 13.0, 0.62),
    Scanner("SIEMENS", "SOMATOM Definition AS", "syngo CT 2014A", "B30f", "Abdomen 5.0 B30f", "AbdomenRoutine",
            ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"), True, False, False, 12.0, 0.66),
    Scanner("Philips", "Brilliance 64", "3.2.1", "B", "ABD PORTAL, iDose", "Abdomen/Hx",
            ("ORIGINAL", "PRIMARY", "AXIAL", "HELIX"), False, False, True, 11.0, 0.70),
    Scanner("TOSHIBA", "Aquilion ONE", "V6.00SP0006", "FC18", "Body 5.0 Axial", "Abdomen routine",
            ("ORIGINAL", "PRIMARY", "AXIAL"), False, True, False, 14.0, 0.58),
)  # fmt: skip
