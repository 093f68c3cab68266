"""Methods about settings: ``app.option.*`` for what everybody shares, ``user.option.*`` for each person."""

from collections.abc import Mapping
from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.apps.methods import calling_app
from livefeed.portal.call import Call, Method
from livefeed.portal.frames import options
from livefeed.portal.frames.options import EVERYBODY
from livefeed.wire.calls import Answer
from livefeed.wire.faults import SettingsEmpty, SettingsNeedAdministrator, SettingsNeedApp
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import UserId
from livefeed.wire.params import Params

_NOT_SETTINGS: Final = ("AUTH", "ACCESS_TOKEN")
_OF_LIBRARIES: Final = "BX24_"


def get_app_options(tx: Tx, call: Call) -> Answer:
    """The settings that everybody shares, or one of them.

    Source: api-reference/common/settings/app-option-get.md
    """
    return _options(tx, call, EVERYBODY)


def set_app_options(tx: Tx, call: Call) -> Answer:
    """Set what everybody shares.

    Source: api-reference/common/settings/app-option-set.md

    Raises:
        SettingsNeedAdministrator: The caller is none.
        SettingsEmpty: Nothing to set.
    """
    if not call.principal.is_admin:
        raise SettingsNeedAdministrator
    return _set_options(tx, call, EVERYBODY)


def get_user_options(tx: Tx, call: Call) -> Answer:
    """The caller's own settings, or one of them.

    Source: api-reference/common/settings/user-option-get.md
    """
    return _options(tx, call, call.principal.user_id)


def set_user_options(tx: Tx, call: Call) -> Answer:
    """Set the caller's own settings.

    Source: api-reference/common/settings/user-option-set.md

    Raises:
        SettingsEmpty: Nothing to set.
    """
    return _set_options(tx, call, call.principal.user_id)


def _options(tx: Tx, call: Call, person: UserId) -> Answer:
    kept = options.get(tx, calling_app(tx, call).id, person)
    name = call.params.text("option")
    if name:
        return Answer(result=kept.get(name))
    return Answer(result=kept or [])


def _set_options(tx: Tx, call: Call, person: UserId) -> Answer:
    given = _given(call.params)
    if not given:
        raise SettingsEmpty
    options.put(tx, calling_app(tx, call).id, person, given)
    return Answer(result=True)


def _given(params: Params) -> Mapping[str, JsonValue]:
    """``options``, or without it the parameters themselves but for those that clients add."""
    if params.has("options"):
        return params.mapping("options")
    return {
        name: value
        for name, value in params.to_wire().items()
        if name.upper() not in _NOT_SETTINGS and not name.upper().startswith(_OF_LIBRARIES)
    }


METHODS: Final = (
    Method(name="app.option.get", fn=get_app_options, needs_app=True, webhook_fault=SettingsNeedApp),
    Method(
        name="app.option.set",
        fn=set_app_options,
        writes=True,
        needs_app=True,
        webhook_fault=SettingsNeedApp,
    ),
    Method(name="user.option.get", fn=get_user_options, needs_app=True, webhook_fault=SettingsNeedApp),
    Method(
        name="user.option.set",
        fn=set_user_options,
        writes=True,
        needs_app=True,
        webhook_fault=SettingsNeedApp,
    ),
)
