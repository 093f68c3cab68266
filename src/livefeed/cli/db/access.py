"""Whether the portals take the access tokens that are held; nothing is renewed by asking."""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

from livefeed.app.installs.registry import Install
from livefeed.client.safes.keys import read_key
from livefeed.client.safes.pairs import SQL, context_of
from livefeed.durable.diagnosis import Finding, ok, problem
from livefeed.durable.store import Tx
from livefeed.errors import Fault, SettingsError, TransportError
from livefeed.net.http import HttpClient
from livefeed.secrets import KeyRing, Secret, key_id_of
from livefeed.wire.calls import read_answer
from livefeed.wire.ids import MemberId

_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_REFUSED: Final = 401
_EXPIRED: Final = "expired_token"


class Opener:
    """Opens what is sealed, in a unit that only reads."""

    def __init__(self, tx: Tx, ring: KeyRing) -> None:
        self._tx = tx
        self._ring = ring

    def open(self, member_id: MemberId, blob: bytes, *, context: bytes) -> bytes:
        """Decrypt something of a portal.

        Raises:
            SettingsError: The key is not there, or the blob is damaged.
        """
        if key_id_of(blob) in self._ring.ids:
            return self._ring.open(blob, context=context)
        return read_key(self._tx, self._ring, member_id).open(blob, context=context)


def held(tx: Tx, ring: KeyRing, installs: Iterable[Install], *, now_ms: int) -> Mapping[MemberId, Secret]:
    """The access token of who installed, of each portal where there is one that has not expired."""
    opener, found = Opener(tx, ring), dict[MemberId, Secret]()
    for install in installs:
        if not install.is_active:
            continue
        row = SQL.find(tx.conn, member_id=install.member_id, user_id=install.user_id)
        if row is None or row["state"] == "dead" or row["expires_at"] <= now_ms:
            continue
        context = context_of(install.member_id, install.user_id)
        try:
            plain = opener.open(install.member_id, row["access"], context=context)
        except SettingsError:
            continue  # the item "key" tells of it
        found[install.member_id] = Secret(plain.decode())
    return found


async def tried(http: HttpClient, install: Install, token: Secret) -> Finding | None:
    """Whether the portal takes ``token``; None: it says nothing about that now."""
    body = urlencode({"auth": token.reveal()}).encode()
    try:
        answer = await http.send("POST", f"{install.client_endpoint}app.info", body=body, headers=_FORM)
        read_answer(answer.status, answer.body)
    except Fault as exc:
        if exc.status != _REFUSED or exc.code == _EXPIRED:
            return None
        return problem(
            "calls",
            f"the portal refuses the tokens of user {install.user_id}: {exc.code or exc.description}",
            "if the application's secret was changed at the portal, start it with the new one; "
            "else install it at the portal again",
        )
    except TransportError:
        return None
    return ok("calls", f"the portal takes the tokens of user {install.user_id}")
