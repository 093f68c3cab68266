"""A heading never says anything else than the envelope of the same form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.errors import WireError
from livefeed.wire.envelopes import parse_envelope
from livefeed.wire.events import PostAdded, PostDeleted, PostUpdated, typed
from livefeed.wire.headings import read_heading

texts = st.sampled_from(["", "x", "0", "205", "0205", "-5", "9" * 30, "onLiveFeedPostUpdate", "ONAPPTEST"])
leaves = texts | st.dictionaries(texts, texts, max_size=2)
names = st.sampled_from(["OnLiveFeedPostAdd", "ONLIVEFEEDPOSTDELETE", "ONLIVEFEEDPOSTUPDATE"])
auths = st.fixed_dictionaries({}, optional=dict.fromkeys(["member_id", "application_token", "scope"], leaves))
forms = st.fixed_dictionaries(
    {},
    optional={
        "event": leaves
        | st.sampled_from(["OnLiveFeedPostAdd", "ONLIVEFEEDPOSTDELETE", "ONLIVEFEEDPOSTUPDATE"]),
        "auth": texts
        | st.fixed_dictionaries(
            {}, optional={"member_id": leaves, "application_token": leaves, "scope": leaves}
        ),
        "data": texts
        | st.fixed_dictionaries(
            {}, optional={"FIELDS": texts | st.fixed_dictionaries({}, optional={"POST_ID": leaves})}
        ),
        "ts": leaves,
    },
)


@given(form=forms)
def test_a_heading_agrees_with_the_envelope(form):
    try:
        envelope = parse_envelope(form)
    except WireError:
        with pytest.raises(WireError):
            read_heading(form)
        return

    heading = read_heading(form)

    assert (heading.event, heading.member_id, heading.application_token) == (
        envelope.event,
        envelope.auth.member_id,
        envelope.auth.application_token,
    )
    try:
        event = typed(envelope)
    except WireError:
        assert heading.post_id is None
    else:
        is_post = isinstance(event, (PostAdded, PostUpdated, PostDeleted))
        assert heading.post_id == (event.post_id if is_post else None)


def test_a_heading_does_not_show_its_token():
    form = {"event": "X", "auth": {"member_id": "m", "application_token": "secret"}}

    assert "secret" not in repr(read_heading(form))
