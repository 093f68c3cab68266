"""Pages: rendered from templates in one look, with headers under which no foreign code can run."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from livefeed.ui.languages import LANGUAGES, Words, catalogue, told

_KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_YEAR_S: Final = 31_536_000

_POLICY: Final = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_SOURCES: Final = re.compile(r"[\x20-\x2b\x2d-\x3a\x3c-\x7e]*")  # all but "," and ";"
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as it goes to a browser, whatever serves it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def page(
    template: str,
    *,
    status: int = 200,
    language: str = LANGUAGES[0],
    policy: Mapping[str, str] | None = None,
    **values: object,
) -> Page:
    """A page made from ``ui/templates/<template>``; everything in ``values`` but Markup is escaped.

    Args:
        template: Its file name.
        status: HTTP status.
        language: One of `LANGUAGES`.
        policy: Directives of the content security policy that differ here: ``{"frame-src": "https://…"}``.
            By default there is no inline script or style, no foreign host, and no frame around the page.
        values: What the template names.
    """
    text = _environment(language).get_template(template).render(language=language, **values)
    return Page(status=status, headers=page_headers(language, policy), body=text.encode())


def page_headers(language: str, policy: Mapping[str, str] | None = None) -> dict[str, str]:
    """What every page of HTML is sent with; see `page`.

    Raises:
        ValueError: A directive holds more than its own sources: the policy would say something else.
    """
    directives = {**_POLICY, **(policy or {})}
    if not all(_SOURCES.fullmatch(sources) for sources in directives.values()):
        raise ValueError("a directive of a content security policy holds signs that end it")
    return {
        **_HEADERS,
        "content-type": "text/html; charset=utf-8",
        "content-language": language,
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in directives.items()),
    }


def asset(name: str) -> Page | None:
    """A file of this look, ``livefeed.css`` or a module; None if there is none of this name."""
    kind = _KINDS.get(name[name.rfind(".") :])
    content = _content(name) if kind and "/" not in name else None
    if kind is None or content is None:
        return None
    headers = {
        "content-type": kind,
        "cache-control": f"public, max-age={_YEAR_S}, immutable",
        "x-content-type-options": "nosniff",
    }
    return Page(status=200, headers=headers, body=content)


def asset_url(name: str) -> str:
    """The address changes with the content, so that browsers may keep the file for a year."""
    content = _content(name)
    assert content is not None, f"there is no {name}"
    return f"/ui/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


@cache
def _content(name: str) -> bytes | None:
    file = resources.files("livefeed.ui").joinpath(name)
    return file.read_bytes() if file.is_file() else None


@pass_context
def _told(context: Context, words: Words | str) -> str:
    return told(words, context["language"])


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("livefeed.ui", "templates"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = catalogue(language)
    # Typed as taking anything; newstyle: values are escaped, and percent signs of the words are doubled.
    environment.install_gettext_callables(  # type: ignore[attr-defined] - added by the extension
        words.gettext, words.ngettext, newstyle=True
    )
    filters: dict[str, object] = environment.filters  # type: ignore[assignment] - typed by their defaults
    filters["told"] = _told
    names: dict[str, object] = environment.globals  # type: ignore[assignment] - as above
    names["asset"] = asset_url
    return environment
