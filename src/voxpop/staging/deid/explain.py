"""Why de-identification does to an element what it does, for people."""

from dataclasses import dataclass

from voxpop.dicom.confidentiality import COLUMNS, table
from voxpop.dicom.iods import NOWHERE, place_of
from voxpop.dicom.tags import representations, tag_keyword, tag_named, tag_text, tag_title
from voxpop.staging.deid.errors import UnknownTag
from voxpop.staging.deid.profile import Profile
from voxpop.staging.deid.rules import Action, Rule, decide

_OWN_RULE = "a rule of voxpop's own beyond PS3.15 Table E.1-1"
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of an element at the top level of an object, and which rule decided.

    Parameters
    ----------
    type : str
        The attribute's Type in the IOD; empty where it does not belong to it.
    modules : tuple of str
        The modules of the IOD that have it.
    row : str
        The table's row, with each of its columns that says something; empty where there is none.
    cited : str
        The one row and column that decided; empty where a rule beyond the table did.
    """

    tag: str
    keyword: str
    name: str
    vr: str
    iod: str
    type: str
    modules: tuple[str, ...]
    action: Action
    rule: Rule
    row: str
    cited: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The explanation as lines for a terminal."""
        title = " ".join(part for part in (self.tag, self.name, f"[{self.vr}]" if self.vr else "") if part)
        belongs = f"Type {self.type} in {', '.join(self.modules)}" if self.type else "in none of its modules"
        return (
            title,
            f"  action:  {self.action.value}",
            f"  because: {self.rule.value}",
            f"  cited:   {self.cited or _OWN_RULE}",
            f"  table:   {self.row or 'no row'}",
            f"  IOD:     {self.iod}: {belongs}",
        )


def explain(profile: Profile, tag: int | str, sop_class: str = CT_IMAGE_STORAGE) -> Explanation:
    """Say what a profile does to an element at the top level of an object, and why.

    Parameters
    ----------
    tag : int or str
        A tag, written ``0010,0010`` or as a number, or a keyword.

    Raises
    ------
    UnknownTag
        If a text is neither.
    """
    number = tag_named(tag) if isinstance(tag, str) else tag
    if number is None:
        raise UnknownTag(str(tag))
    place = place_of(sop_class) or NOWHERE
    vr = (representations(number) or ("UN",))[0]
    decision = decide(profile, place, number, vr)
    attribute = place.attribute(number)
    return Explanation(
        tag=tag_text(number),
        keyword=tag_keyword(number),
        name=tag_title(number),
        vr=vr if representations(number) else "",
        iod=place.iod,
        type=attribute.type if attribute else "",
        modules=attribute.modules if attribute else (),
        action=decision.action,
        rule=decision.rule,
        row=_row(number),
        cited=decision.cited,
    )


def _row(tag: int) -> str:
    row = table().row(tag)
    if row is None:
        return ""
    said = [f"basicProfile {row.basic}", *(f"{COLUMNS[option]} {value}" for option, value in row.options.items())]
    return f"{row.written} {row.name}: {', '.join(said)}"
