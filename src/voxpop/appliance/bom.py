"""What an image holds, package by package: a software bill of materials as CycloneDX has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from voxpop.appliance.images import SUITE
from voxpop.kernel.digests import sha256_bytes


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """Software in an image.

    Parameters
    ----------
    kind : str
        ``deb`` or ``pypi``, as package URLs have it.
    licences : tuple of str
        As its maker names them; empty where it does not say.
    """

    kind: str
    name: str
    version: str
    licences: tuple[str, ...] = ()


def bill(image: str, packages: Sequence[Package]) -> str:
    """Write the bill of an image.

    Parameters
    ----------
    image : str
        The engine's digest of it.

    Returns
    -------
    str
        CycloneDX 1.6 as JSON; the same image and packages give the same bytes.
    """
    made = Bom(
        serial_number=UUID(sha256_bytes(f"{image} {sorted(packages)}".encode())[:32]),
        components=[_component(one) for one in packages],
    )
    made.metadata.component = Component(type=ComponentType.CONTAINER, name="voxpop/appliance", version=image)
    made.metadata.component.bom_ref.value = image
    made.register_dependency(made.metadata.component, made.components)
    made.metadata.timestamp = None  # type: ignore[assignment]  # the bill of an image is the same whenever it is written
    return str(JsonV1Dot6(made).output_as_string(indent=1)) + "\n"


def differences(one: Sequence[Package], other: Sequence[Package]) -> list[str]:
    """Return what two images hold differently, a line each."""
    before = {(package.kind, package.name): package.version for package in one}
    after = {(package.kind, package.name): package.version for package in other}
    lines = []
    for kind, name in sorted(before.keys() | after.keys()):
        was, now = before.get((kind, name), "nothing"), after.get((kind, name), "nothing")
        if was != now:
            lines.append(f"{kind} {name}: {was} was there, now {now}")
    return lines


def _component(one: Package) -> Component:
    known = LicenseFactory()
    namespace, qualifiers = ("debian", {"distro": SUITE}) if one.kind == "deb" else (None, {})
    url = PackageURL(one.kind, namespace, one.name, one.version, qualifiers)
    return Component(
        type=ComponentType.LIBRARY,
        name=one.name,
        version=one.version,
        purl=url,
        bom_ref=url.to_string(),
        licenses=[known.make_from_string(licence) for licence in one.licences] if len(one.licences) == 1
        else [known.make_with_name(licence) for licence in one.licences],
    )  # fmt: skip
