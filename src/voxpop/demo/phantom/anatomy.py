"""The bodies of the invented patients: sizes in millimetres and densities in HU, drawn from a seed."""

import math
from dataclasses import dataclass

import numpy as np

from voxpop.demo.phantom.canvas import Point

LEVELS = ("T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")
# Vertebral height, width and depth as parts of L3's, and the disc below in mm, head to foot.
PROPORTIONS = {
    "T9": (0.78, 0.70, 0.82, 4.5),
    "T10": (0.81, 0.74, 0.86, 5.0),
    "T11": (0.85, 0.80, 0.90, 5.5),
    "T12": (0.90, 0.87, 0.93, 7.0),
    "L1": (0.95, 0.90, 0.96, 8.0),
    "L2": (0.98, 0.95, 0.98, 9.0),
    "L3": (1.00, 1.00, 1.00, 10.0),
    "L4": (1.00, 1.05, 1.01, 11.0),
    "L5": (0.98, 1.11, 1.02, 10.0),
}
# How far an end plate looks to the front, degrees: the lordosis of a person who lies on the back.
TILT_DEG = {"T9": 2.0, "T10": -1.0, "T11": -4.0, "T12": -6.0, "L1": -7.0, "L2": -4.0, "L3": 0.0, "L4": 7.0, "L5": 18.0}
SACRAL_SLOPE_DEG = 36.0


@dataclass(frozen=True, slots=True)
class Vertebra:
    """A vertebral body.

    Parameters
    ----------
    centre : Point, mm, LPS
    height_mm, width_mm, depth_mm : float
    tilt_rad : float
        Angle of the end plates' normal, from the head towards the front.
    trabecular_hu, shell_hu, shell_mm, disc_hu, disc_mm : float
        Density of the core; density and thickness of the cortical shell; the disc below.
    """

    level: str
    centre: Point
    height_mm: float
    width_mm: float
    depth_mm: float
    tilt_rad: float
    trabecular_hu: float
    shell_hu: float
    shell_mm: float
    disc_hu: float
    disc_mm: float

    def place(self, right_left: float, back: float, up: float) -> Point:
        """Turn a place in the vertebra's own frame, mm from its centre, into patient coordinates."""
        c, s = math.cos(self.tilt_rad), math.sin(self.tilt_rad)
        x, y, z = self.centre
        return (x + right_left, y + back * c - up * s, z + back * s + up * c)

    @property
    def z_range(self) -> tuple[float, float]:
        """Lowest and highest place of the body, mm."""
        reach = self.height_mm / 2 * math.cos(self.tilt_rad) + self.depth_mm / 2 * abs(math.sin(self.tilt_rad))
        return self.centre[2] - reach, self.centre[2] + reach


@dataclass(frozen=True, slots=True)
class Body:
    """Everything that the painter needs to know of one patient.

    Parameters
    ----------
    half_width_mm, half_depth_mm, fat_mm : float
        The trunk's ellipse and the thickness of the fat under the skin.
    vertebrae : tuple of Vertebra
        T9 to L5, head to foot.
    sacrum : Vertebra
        S1, with the sacral slope as its tilt.
    contrast, calcified_aorta : bool
    screws_at : str or None
        The level with two metal screws in its pedicles.
    """

    half_width_mm: float
    half_depth_mm: float
    fat_mm: float
    vertebrae: tuple[Vertebra, ...]
    sacrum: Vertebra
    contrast: bool
    calcified_aorta: bool
    screws_at: str | None

    def vertebra(self, level: str) -> Vertebra:
        """Return the vertebra of a level."""
        return next(v for v in self.vertebrae if v.level == level)

    def spine_y(
        self, z: "np.ndarray[tuple[int], np.dtype[np.float32]]"
    ) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
        """Return how far back the centre line of the bodies lies at each height, mm."""
        chain = [*reversed(self.vertebrae)]
        knots = [self.sacrum.centre, *(v.centre for v in chain)]
        return np.interp(z, [k[2] for k in knots], [k[1] for k in knots]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Traits:
    """What is decided about a patient before the rest is drawn."""

    age: int
    sex: str
    osteoporotic: bool
    height_cm: float
    weight_kg: float
    contrast: bool = False
    calcified_aorta: bool = False
    screws_at: str | None = None
    centre_mm: Point = (0.0, 0.0, 0.0)


def draw_body(traits: Traits, rng: np.random.Generator) -> Body:
    """Draw a body; ``traits.centre_mm`` is where the middle of L3 would lie without a sideways shift."""
    size = (traits.height_cm / 168) ** 0.8
    stout = math.sqrt(traits.weight_kg / 70 / size)
    height = float(np.clip(27.5 * size + rng.normal(0, 0.6), 25, 32))
    width = float(np.clip((43.5 if traits.sex == "M" else 40.5) * size + rng.normal(0, 0.8), 37, 45))
    depth = float(np.clip(30.5 * size + rng.normal(0, 0.6), 27, 34))
    vertebrae = _chain(traits, (height, width, depth), rng)
    last = vertebrae[-1]
    drop = last.height_mm / 2 + last.disc_mm
    x, y, z = last.place(0, 0, -drop)
    slope = math.radians(SACRAL_SLOPE_DEG + rng.normal(0, 1.5))
    half = 15.0
    sacrum = Vertebra(
        "S1",
        (x, y + half * math.sin(slope), z - half * math.cos(slope)),
        2 * half,
        50 * size,
        32 * size,
        slope,
        last.trabecular_hu + 15,
        520,
        1.2,
        80,
        3,
    )
    return Body(
        165 * stout, 112 * stout, float(np.clip(16 * stout**3 + rng.normal(0, 2), 8, 32)), vertebrae, sacrum,
        traits.contrast, traits.calcified_aorta, traits.screws_at,
    )  # fmt: skip


def _chain(traits: Traits, l3: tuple[float, float, float], rng: np.random.Generator) -> tuple[Vertebra, ...]:
    mean_hu = _density(traits, rng)
    lean = rng.normal(0, 0.006)
    made: dict[str, Vertebra] = {}

    def make(level: str, centre: Point) -> Vertebra:
        part = PROPORTIONS[level]
        tilt = math.radians(TILT_DEG[level] + rng.normal(0, 1.0))
        hu = mean_hu * (1 + 0.035 * (LEVELS.index("L3") - LEVELS.index(level)) / 3) + rng.normal(0, 4)
        made[level] = Vertebra(
            level, centre, l3[0] * part[0], l3[1] * part[1], l3[2] * part[2], tilt, round(float(hu), 1),
            float(rng.uniform(430, 620) - 60 * traits.osteoporotic), float(rng.uniform(1.1, 1.4)),
            float(rng.uniform(72, 88)), part[3] * l3[0] / 28,
        )  # fmt: skip
        return made[level]

    middle = LEVELS.index("L3")
    make("L3", traits.centre_mm)
    for step, order in ((1, LEVELS[middle + 1 :]), (-1, LEVELS[:middle][::-1])):
        before = made["L3"]
        for level in order:
            gap = before.disc_mm if step > 0 else PROPORTIONS[level][3] * l3[0] / 28
            half = l3[0] * PROPORTIONS[level][0] / 2
            first = before.place(0, 0, -step * (before.height_mm / 2 + gap / 2))
            tilt = math.radians(TILT_DEG[level])
            reach = -step * (gap / 2 + half)
            centre = (first[0] + lean * reach, first[1] - reach * math.sin(tilt), first[2] + reach * math.cos(tilt))
            before = make(level, centre)
    return tuple(made[level] for level in LEVELS)


def _density(traits: Traits, rng: np.random.Generator) -> float:
    """Return the mean trabecular density: falls with age; osteoporosis takes it well below."""
    if traits.osteoporotic:
        return float(np.clip(92 - 0.7 * (traits.age - 60) + rng.normal(0, 9), 42, 98))
    return float(np.clip(205 - 1.6 * (traits.age - 40) + rng.normal(0, 10), 132, 205))
