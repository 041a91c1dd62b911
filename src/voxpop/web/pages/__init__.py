"""The pages, a folder an area; a new one is a folder and a line here."""

from voxpop.web.pages.account import area as account
from voxpop.web.pages.appliances import area as appliances
from voxpop.web.pages.applications import area as applications
from voxpop.web.pages.archives import area as archives
from voxpop.web.pages.audit import area as audit
from voxpop.web.pages.catalogue import area as catalogue
from voxpop.web.pages.dicom import area as dicom
from voxpop.web.pages.dicomweb import area as dicomweb
from voxpop.web.pages.home import area as home
from voxpop.web.pages.people import area as people
from voxpop.web.pages.plans import area as plans
from voxpop.web.pages.results import area as results
from voxpop.web.pages.runs import area as runs
from voxpop.web.pages.sign_in import area as sign_in
from voxpop.web.pages.sites import area as sites
from voxpop.web.pages.volumes import area as volumes

AREAS = (
    home,
    sign_in,
    account,
    applications,
    volumes,
    dicom,
    dicomweb,
    appliances,
    plans,
    runs,
    results,
    catalogue,
    sites,
    archives,
    people,
    audit,
)
