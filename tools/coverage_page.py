"""Write COVERAGE.md: every method and event of the documented contract, done or missing.

``python tools/coverage_page.py`` writes the page, ``--check`` only compares. What is done is read from the
portal's own method table and event list, never typed by hand; each names the test that calls it through a
real SDK and that fails when it is taken away.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.clients.cases import CASES, DELIVERIES  # noqa: E402 - the path is set above - the tests are found from the root

from livefeed.portal.events.outbox import SENT_EVENTS  # noqa: E402 - the path is set above
from livefeed.portal.server import method_table  # noqa: E402 - the path is set above

PAGE = ROOT / "COVERAGE.md"
OF_METHODS = "tests/clients/test_methods.py::test_an_sdk_gets_the_right_answer"
OF_EVENTS = "tests/clients/test_events.py::test_the_sdk_accepts_the_body_of_the_event"
OF_CODES = "tests/clients/test_oauth.py::test_the_sdk_exchanges_the_code_of_somebody_who_allowed_it"
OF_RENEWAL = "tests/clients/test_oauth.py::test_the_sdk_renews_an_expired_pair_and_calls_again"

DOCUMENTED_METHODS = {
    "News Feed": [
        "log.blogpost.add",
        "log.blogpost.update",
        "log.blogpost.get",
        "log.blogpost.delete",
        "log.blogpost.getusers.important",
        "log.blogpost.share",
        "log.blogcomment.add",
        "log.blogcomment.user.get",
        "log.blogcomment.delete",
    ],
    "Events": [
        "event.bind",
        "event.get",
        "event.unbind",
        "events",
        "event.test",
        "event.offline.get",
        "event.offline.list",
        "event.offline.clear",
        "event.offline.error",
    ],
    "Applications and the system": [
        "app.info",
        "app.option.get",
        "app.option.set",
        "user.option.get",
        "user.option.set",
        "scope",
        "methods",
        "method.get",
        "feature.get",
        "server.time",
        "profile",
        "user.admin",
        "user.access",
        "access.name",
        "batch",
        "placement.bind",
        "placement.get",
        "placement.unbind",
        "placement.list",
    ],
    "People, departments, groups": [
        "user.get",
        "user.current",
        "user.search",
        "user.fields",
        "user.add",
        "user.update",
        "department.get",
        "department.fields",
        "im.department.employees.get",
        "sonet_group.get",
        "sonet_group.user.get",
        "sonet_group.user.groups",
        "sonet_group.feature.access",
        "socialnetwork.api.workgroup.get",
    ],
    "Notifications": [
        "im.notify",
        "im.notify.personal.add",
        "im.notify.system.add",
        "im.notify.delete",
        "im.notify.get",
        "im.notify.read",
        "im.notify.read.list",
        "im.notify.read.all",
        "im.notify.answer",
        "im.notify.confirm",
        "im.notify.schema.get",
        "im.notify.history.search",
        "im.message.add",
    ],
    "Files": ["disk.attachedObject.get"],
}

DOCUMENTED_EVENTS = [
    "ONLIVEFEEDPOSTADD",
    "ONLIVEFEEDPOSTUPDATE",
    "ONLIVEFEEDPOSTDELETE",
    "ONAPPINSTALL",
    "ONAPPUPDATE",
    "ONAPPUNINSTALL",
    "ONAPPTEST",
    "ONAPPPAYMENT",
    "ONAPPMETHODCONFIRM",
    "ONOFFLINEEVENT",
    "ONUSERADD",
]

AUTHORIZATION = {
    "/oauth/authorize/": OF_CODES,
    "grant_type=authorization_code": OF_CODES,
    "grant_type=refresh_token": OF_RENEWAL,
}

MISSING = [
    "files sent by the composer (over REST they are), link previews, polls, gratitude",
    "dialogs of frames that choose from CRM; placements beyond `DEFAULT`, `LEFT_MENU`, `REST_APP_URI`, posts",
    "redacting a version in the portal's own feed",
    "moving the integrations of a dismissed person to a technical user",
    "the XML transport, REST 3.0",
    "mail, messengers and signed outgoing webhooks as channels; quiet hours, digests, mutes",
    "participants beyond author, mentioned and commenters: readers of important posts, members, watchers",
    "erasing or exporting what the portal's own half keeps of one person (the notifier's half is built)",
]


def table(heading: str, names: list[str], tests: dict[str, tuple[str, str]]) -> list[str]:
    """One table of names with their state; ``tests`` has the caller and the test of those that are done."""
    rows = [
        f"| `{name}` | done | {tests[name][0]} | `{tests[name][1]}` |"
        if name in tests
        else f"| `{name}` | missing | | |"
        for name in names
    ]
    head = ["| name | state | shown by | test |", "|---|---|---|---|"]
    return [f"## {heading}", "", *head, *rows, ""]


def tested(done: set[str], cases: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """The tests of what is done; nothing is done without one."""
    if done != set(cases):
        raise SystemExit(f"no case, or a case of nothing: {', '.join(sorted(done ^ set(cases)))}")
    return cases


def of_methods() -> dict[str, tuple[str, str]]:
    """Caller and test of each method."""
    return {name: (case.sdk, f"{OF_METHODS}[{name}]") for name, case in CASES.items()}


def of_events() -> dict[str, tuple[str, str]]:
    """Reader and test of each event."""
    return {name: ("b24pysdk", f"{OF_EVENTS}[{name}]") for name in DELIVERIES}


def page() -> str:
    """The whole page."""
    done = set(method_table().names())
    methods = tested(done, of_methods())
    events = tested(set(SENT_EVENTS), of_events())
    lines = [
        "# Coverage",
        "",
        "What of the documented contract is built. Made by `make docs`; do not edit.",
        "",
        "A row is done only if it names a test in which a real SDK calls the method, or reads the event, and",
        "compares the values; the test fails when the method is taken away",
        "(`tests/clients/test_methods.py::test_the_case_fails_without_the_method`).",
        "",
    ]
    for heading, names in DOCUMENTED_METHODS.items():
        lines += table(heading, names, methods)
    lines += table("What the portal sends", DOCUMENTED_EVENTS, events)
    lines += table(
        "Authorization",
        list(AUTHORIZATION),
        {name: ("b24pysdk", test) for name, test in AUTHORIZATION.items()},
    )
    lines += ["## Missing besides", "", *[f"- {text}" for text in MISSING], ""]
    unlisted = done - {name for names in DOCUMENTED_METHODS.values() for name in names}
    if unlisted:
        raise SystemExit(f"not in the contract's list: {', '.join(sorted(unlisted))}")
    return "\n".join(lines)


def main() -> None:
    """Write or check the page."""
    if "--check" in sys.argv[1:]:
        if PAGE.read_text() != page():
            raise SystemExit("COVERAGE.md is out of date; run: make docs")
        return
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
