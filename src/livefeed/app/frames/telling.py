"""What people are told in a frame when there is nothing else to show."""

from collections.abc import Mapping

from livefeed.ui.languages import LANGUAGES, Words, noted
from livefeed.ui.pages import Page, page

_NOBODY = "'none'"


def told_page(
    status: int, heading: Words, text: Words, *, language: str = LANGUAGES[0], origin: str = ""
) -> Page:
    """A page of a few words; ``origin`` may frame it, without one nobody may."""
    policy: Mapping[str, str] = {"frame-ancestors": origin or _NOBODY}
    return page(
        "inside_told.html", status=status, language=language, policy=policy, heading=heading, text=text
    )


def not_proved(language: str, origin: str) -> Page:
    """Who opened it could not be proved; a fresh opening proves it."""
    text = noted("Your portal did not confirm who you are. Open the application from the portal again.")
    return told_page(403, noted("This page cannot be shown"), text, language=language, origin=origin)


def needs_administrator(language: str, origin: str) -> Page:
    """Nobody who may has installed the application yet."""
    text = noted("An administrator of your portal has to open it first.")
    return told_page(403, noted("The application is not installed"), text, language=language, origin=origin)


def waits(language: str, origin: str) -> Page:
    """The installation is put aside until somebody vouches for it."""
    text = noted(
        "Another installation of this portal is in force. Whoever runs the application has to confirm."
    )
    return told_page(409, noted("The installation waits"), text, language=language, origin=origin)


def ended(language: str, origin: str) -> Page:
    """The ticket is too old, or the portal does not know the person any more."""
    text = noted("Open the application from the portal again.")
    return told_page(403, noted("This page has ended"), text, language=language, origin=origin)


def nothing_here(language: str, origin: str) -> Page:
    """The application shows nothing at this address."""
    text = noted("Go back, or open the application from the portal again.")
    return told_page(404, noted("There is nothing here"), text, language=language, origin=origin)


def works_behind(language: str, origin: str) -> Page:
    """The application has no page of its own."""
    text = noted("It works in the background and has no page of its own.")
    return told_page(200, noted("The application is installed"), text, language=language, origin=origin)


def not_now(language: str, origin: str) -> Page:
    """The portal, the authorization server or the database does not answer."""
    text = noted("The portal does not answer at the moment. Try again in a minute.")
    return told_page(503, noted("Not now"), text, language=language, origin=origin)


def failed(language: str, origin: str) -> Page:
    """The page's handler failed; the log says how."""
    text = noted("The application could not make this page. Whoever runs it finds the reason in its log.")
    return told_page(500, noted("Something went wrong"), text, language=language, origin=origin)


def unreadable(language: str) -> Page:
    """The body is not what a portal posts."""
    text = noted("This address takes what a portal sends when somebody opens the application there.")
    return told_page(400, noted("This is no opening"), text, language=language)
