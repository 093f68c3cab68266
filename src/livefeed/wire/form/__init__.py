"""The form codec: PHP brackets ⇄ nested dicts, exact in both directions (contract 1.1.1)."""

from livefeed.wire.form.decode import DOOR_LIMITS, REST_LIMITS, Limits, decode, nest
from livefeed.wire.form.encode import encode
from livefeed.wire.form.objects import decode_object
from livefeed.wire.form.shapes import Shapes
from livefeed.wire.form.values import Form, FormValue, JsonValue, as_form, as_list

__all__ = [
    "DOOR_LIMITS",
    "REST_LIMITS",
    "Form",
    "FormValue",
    "JsonValue",
    "Limits",
    "Shapes",
    "as_form",
    "as_list",
    "decode",
    "decode_object",
    "encode",
    "nest",
]
