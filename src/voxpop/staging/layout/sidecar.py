"""What of the converter's sidecar may go into a volume: nothing that is not named here."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from voxpop.kernel.digests import Json
from voxpop.staging.layout.errors import SidecarUnreadable
from voxpop.staging.layout.files import write_json

_TERMS: Final = frozenset(
    """
    AttenuationCorrection BodyPart CoilCombinationMethod ConversionSoftware ConversionSoftwareVersion ConvolutionKernel
    DecayCorrection ImageOrientationText ImageType InPlanePhaseEncodingDirectionDICOM InjectedRadioactivityUnits
    MRAcquisitionType Manufacturer ManufacturersModelName MatrixCoilMode Modality ParallelAcquisitionTechnique
    PartialFourierDirection PatientPosition PhaseEncodingAxis PhaseEncodingDirection RandomsCorrectionMethod
    ReconMethodName ReconstructionMethod ResonantNucleus ScanOptions ScanningSequence ScatterCorrectionMethod
    SequenceVariant SoftwareVersions TracerRadionuclide Units
    """.split()  # noqa: SIM905 -- a list of names reads better so
)
"""Fields whose value is a defined term, or names the equipment. Descriptions, protocols and comments are not here."""

_NUMBERS: Final = frozenset(
    """
    AcquisitionDuration AcquisitionMatrixPE AcquisitionNumber AcquisitionVoxelSize BandwidthPerPixelPhaseEncode
    BaseResolution CompressedSensingFactor DecayCorrectionFactor DecayFactor DerivedVendorReportedEchoSpacing
    DoseCalibrationFactor DwellTime EchoNumber EchoTime EchoTrainLength EffectiveEchoSpacing
    EstimatedEffectiveEchoSpacing EstimatedTotalReadoutTime ExposureTime FlipAngle FrameDuration FrameReferenceTime
    FrameTimesStart FrequencyEncodingSteps ImageOrientationPatientDICOM ImagingFrequency InversionTime
    IsotopeHalfLife MTState MagneticFieldStrength MultibandAccelerationFactor NonlinearGradientCorrection
    NumberOfAverages NumberOfExcitations ParallelReductionFactorInPlane ParallelReductionFactorOutOfPlane
    PartialFourier PercentPhaseFOV PercentSampling PhaseEncodingSteps PhaseEncodingStepsNoPartialFourier
    PhaseEncodingStepsOutOfPlane PhaseOversampling PhaseResolution PhilipsRWVIntercept PhilipsRWVSlope
    PhilipsRescaleIntercept PhilipsRescaleSlope PhilipsScaleSlope PixelBandwidth RawImage ReconMatrixPE
    ReconFilterSize RefLinesPE RepetitionTime RepetitionTimeExcitation RepetitionTimeInversion SAR ScatterFraction
    SeriesNumber ShimSetting SliceThickness SliceTiming SpacingBetweenSlices TablePosition TotalReadoutTime
    TriggerDelayTime TxRefAmp UsePhilipsFloatNotDisplayScaling VendorReportedEchoSpacing WaterFatShift XRayExposure
    XRayTubeCurrent
    """.split()  # noqa: SIM905 -- as above
)
"""Fields whose value is a number, a flag, or a list of them. Times of the day and the patient's weight are not here."""

_LONGEST_TERM: Final = 64


def safe_sidecar(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Keep the fields that are on the list and hold what such a field may hold; by name."""
    return {name: value for name, value in sorted(fields.items()) if _is_safe(name, value)}


def write_sidecar(source: Path, target: Path, additions: Mapping[str, Json] | None = None) -> tuple[str, ...]:
    """Write what is safe of a converter's sidecar, and some fields of our own.

    Parameters
    ----------
    source : Path
        As the converter wrote it.
    target : Path
    additions : mapping, optional
        Fields that voxpop knows itself: ``BodyPartExamined``, ``ViewPoint``.

    Returns
    -------
    tuple of str
        Names of the fields that were left out.

    Raises
    ------
    SidecarUnreadable
        If the source is no JSON object.
    """
    try:
        fields = json.loads(source.read_text(encoding="utf-8", errors="replace"))
    except json.JSONDecodeError as broken:
        raise SidecarUnreadable from broken
    if not isinstance(fields, dict):
        raise SidecarUnreadable
    kept = safe_sidecar(fields)
    write_json(target, dict(sorted({**kept, **(additions or {})}.items())))
    return tuple(sorted(fields.keys() - kept.keys()))


def _is_safe(name: str, value: Json) -> bool:
    if name in _NUMBERS:
        return all(map(_is_number, value)) if isinstance(value, list) else _is_number(value)
    if name in _TERMS:
        return all(map(_is_term, value)) if isinstance(value, list) else _is_term(value)
    return False


def _is_number(value: Json) -> bool:
    return isinstance(value, bool | int | float) and math.isfinite(value)


def _is_term(value: Json) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TERM
