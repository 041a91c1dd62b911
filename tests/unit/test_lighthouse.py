"""What Lighthouse is let loose on, and what is read from its report."""

from benchmarks.lighthouse import Judged, every_page, judged
from fastapi.routing import APIRoute

from voxpop.web.pages import AREAS

NO_PAGES = {
    "/applications/{application}/edit",  # the form of a new one
    "/applications/{application}/progress",  # parts of pages
    "/runs/{run}/progress",
    "/sign-in/with/{provider}",  # these lead on to others
    "/sign-in/with/{provider}/return",
    "/volumes/{volume}/files/{path:path}",  # these are files
    "/results/{run}/files/{path:path}",
    "/releases/{release}/files.zip",
    "/volumes/{volume}/ohif/{participant}",  # OHIF's page is not ours
    "/volumes/{volume}/ohif/{participant}/viewer",
}


def _report(contrast: float) -> dict[str, object]:
    return {
        "categories": {
            "accessibility": {
                "score": 0.965,
                "auditRefs": [
                    {"id": "color-contrast", "weight": 7},
                    {"id": "html-has-lang", "weight": 7},
                    {"id": "video-caption", "weight": 10},
                    {"id": "focus-traps", "weight": 0},
                ],
            }
        },
        "audits": {
            "color-contrast": {
                "id": "color-contrast",
                "score": contrast,
                "details": {"items": [{"node": {"selector": "p.said"}}, {"node": {"selector": "p.other"}}]},
            },
            "html-has-lang": {"id": "html-has-lang", "score": 1},
            "video-caption": {"id": "video-caption", "score": None},
            "focus-traps": {"id": "focus-traps", "score": 0},
            "first-contentful-paint": {"numericValue": 1234.56},
            "network-requests": {
                "details": {
                    "items": [
                        {"resourceType": "Script", "transferSize": 1000},
                        {"resourceType": "Script", "transferSize": 500},
                        {"resourceType": "Stylesheet", "transferSize": 7000},
                    ]
                }
            },
        },
    }


def test_a_report_is_read_to_its_score_its_time_and_its_script() -> None:
    assert judged(_report(1)) == Judged(96, (), 1235, 1500)


def test_what_cost_points_is_named_with_its_first_place() -> None:
    assert judged(_report(0)).failed == ("color-contrast p.said",)


def test_every_kind_of_page_is_opened() -> None:
    opened = {path.partition("?")[0] for _, path in every_page("sub-aaaa")}
    routes = [route for area in AREAS for route in area.router.routes if isinstance(route, APIRoute)]
    left = {
        route.path
        for route in routes
        if "GET" in route.methods and "/dicomweb/" not in route.path and not any(map(route.path_regex.match, opened))
    }
    assert left == NO_PAGES
