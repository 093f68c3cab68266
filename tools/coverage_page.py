"""Write COVERAGE.md: every method and event of the documented contract, done or missing.

``python tools/coverage_page.py`` writes the page, ``--check`` only compares. What is done is read from the
portal's own method table and event list, never typed by hand.
"""

import sys
from pathlib import Path

from livefeed.portal.events.outbox import SENT_EVENTS
from livefeed.portal.server import method_table

PAGE = Path(__file__).parents[1] / "COVERAGE.md"

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

MISSING = [
    "OAuth 2.0 sign-in and consent (`/oauth/authorize/`, grant type `authorization_code`)",
    "applications with pages: frames, the installer page, `installFinish` from the browser, widgets",
    "ONAPPUPDATE and reinstallation",
    "outgoing webhooks; expiry and regeneration of incoming ones",
    "sign-in with passwords and sessions (in the demo one chooses a person; elsewhere pages show a notice)",
    "the scene (`/scene`) and the console of the application runtime (`/console/`)",
    "downloading the files of posts (they are stored and listed), link previews, polls, gratitude",
    "the XML transport, REST 3.0, rate limits (`--limits`); `operating` of an answer is always 0",
    "pages in Russian, live updates of pages",
    "PostgreSQL, more than one process a half (`--workers`, `--role`), `db copy`, `keys rotate`",
    "the sweep for lost events (promise P7), `doctor`, `forward`, `connect`, `who`",
    "mail, messengers and signed outgoing webhooks as channels; quiet hours, digests, mutes",
    "participants beyond author, mentioned and commenters: readers of important posts, members, watchers",
    "development TLS (`--tls`, `--tls-cert`), the door on its own HTTP protocol, `bench rest`, `make soak`",
    "the shipped pytest plugin (`livefeed.testing`)",
]


def table(heading: str, names: list[str], done: set[str]) -> list[str]:
    """One table of names with their state."""
    rows = [f"| `{name}` | {'done' if name in done else 'missing'} |" for name in names]
    return [f"## {heading}", "", "| name | state |", "|---|---|", *rows, ""]


def page() -> str:
    """The whole page."""
    done = set(method_table().names())
    events = set(SENT_EVENTS)
    lines = [
        "# Coverage",
        "",
        "What of the documented contract is built. Made by `make docs`; do not edit.",
        "",
    ]
    for heading, names in DOCUMENTED_METHODS.items():
        lines += table(heading, names, done)
    lines += table("What the portal sends", DOCUMENTED_EVENTS, events)
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
