"""The user fields that every row of ``log.blogpost.get`` carries, each with its whole description.

Source: api-reference/log/log-blogpost-get.md
"""

from typing import Final

import msgspec

from livefeed.wire.form import JsonValue
from livefeed.wire.ids import FileId, PostId


class UserFields(msgspec.Struct, frozen=True, kw_only=True):
    """The values of the user fields of one post.

    Attributes:
        files: ``UF_BLOG_POST_FILE``.
        is_important: ``UF_BLOG_POST_IMPRTNT``, 1 or null.
        important_until: ``UF_IMPRTANT_DATE_END`` (spelled so), empty if there is none.
    """

    files: tuple[FileId, ...] = ()
    is_important: bool = False
    important_until: str = ""


_INTEGER_SETTINGS: Final[dict[str, JsonValue]] = {
    "SIZE": 20,
    "MIN_VALUE": 0,
    "MAX_VALUE": 0,
    "DEFAULT_VALUE": None,
}


def _type(
    type_id: str, class_name: str, description: str, base_type: str, *, component: bool = False
) -> dict[str, JsonValue]:
    """``USER_TYPE`` of a field; types with a component name the callbacks that draw them."""
    head: dict[str, JsonValue] = {"USER_TYPE_ID": type_id, "CLASS_NAME": class_name}
    if component:
        head["EDIT_CALLBACK"] = [class_name, "renderEdit"]
        head["VIEW_CALLBACK"] = [class_name, "renderView"]
        head["USE_FIELD_COMPONENT"] = True
    return {**head, "DESCRIPTION": description, "BASE_TYPE": base_type}


def _field(
    number: int,
    name: str,
    user_type: dict[str, JsonValue],
    settings: JsonValue,
    *,
    multiple: str = "N",
    show_in_list: str = "N",
    searchable: str = "N",
    xml_id: str | None = None,
    labels: tuple[str | None, str | None, str | None] = (None, None, None),
) -> dict[str, JsonValue]:
    """A field's description without its value."""
    edit_label, column_label, filter_label = labels
    return {
        "ID": str(number),
        "ENTITY_ID": "BLOG_POST",
        "FIELD_NAME": name,
        "USER_TYPE_ID": user_type["USER_TYPE_ID"],
        "XML_ID": name if xml_id is None else xml_id,
        "SORT": "100",
        "MULTIPLE": multiple,
        "MANDATORY": "N",
        "SHOW_FILTER": "N",
        "SHOW_IN_LIST": show_in_list,
        "EDIT_IN_LIST": "Y",
        "IS_SEARCHABLE": searchable,
        "SETTINGS": settings,
        "EDIT_FORM_LABEL": edit_label,
        "LIST_COLUMN_LABEL": column_label,
        "LIST_FILTER_LABEL": filter_label,
        "ERROR_MESSAGE": None,
        "HELP_MESSAGE": None,
        "USER_TYPE": user_type,
    }


_MAIN: Final = "Bitrix\\Main\\UserField\\Types\\"
_INTEGER: Final = _type("integer", _MAIN + "IntegerType", "Integer", "int", component=True)
_MAIL_CLASS: Final = "Bitrix\\Mail\\MessageUserType"
_MAIL: Final[dict[str, JsonValue]] = {
    **_type("mail_message", _MAIL_CLASS, "Email", "int"),
    "VIEW_CALLBACK": [_MAIL_CLASS, "getPublicView"],
    "EDIT_CALLBACK": [_MAIL_CLASS, "getPublicEdit"],
    "onBeforeSave": [_MAIL_CLASS, "onBeforeSave"],
    "onDelete": [_MAIL_CLASS, "onDelete"],
}

_DOC: Final = _field(
    1,
    "UF_BLOG_POST_DOC",
    _type("file", _MAIN + "FileType", "File", "file", component=True),
    {
        "SIZE": 20,
        "LIST_WIDTH": 0,
        "LIST_HEIGHT": 0,
        "MAX_SHOW_SIZE": 0,
        "MAX_ALLOWED_SIZE": 0,
        "EXTENSIONS": [],
        "TARGET_BLANK": "Y",
        "DEFAULT_VIEW": None,
    },
    multiple="Y",
    searchable="Y",
)
_URL_PREVIEW: Final = _field(
    5,
    "UF_BLOG_POST_URL_PRV",
    _type("url_preview", "Bitrix\\Main\\UrlPreview\\UrlPreviewUserType", "Link preview content", "int"),
    [],
    searchable="Y",
)
_GRATITUDE: Final = _field(9, "UF_GRATITUDE", _INTEGER, _INTEGER_SETTINGS)
_FILE: Final = _field(
    19,
    "UF_BLOG_POST_FILE",
    {
        **_type("disk_file", "Bitrix\\Disk\\Uf\\FileUserType", "File (Drive)", "int"),
        "TAG": ["DISK FILE ID", "DOCUMENT ID"],
    },
    {"IBLOCK_ID": None, "SECTION_ID": None, "UF_TO_SAVE_ALLOW_EDIT": False},
    multiple="Y",
    searchable="Y",
)
_IMPORTANT: Final = _field(
    83,
    "UF_BLOG_POST_IMPRTNT",
    _INTEGER,
    _INTEGER_SETTINGS,
    show_in_list="Y",
    labels=("Important Message", "Important", "Important"),
)
_IMPORTANT_UNTIL: Final = _field(
    85,
    "UF_IMPRTANT_DATE_END",
    _type("datetime", _MAIN + "DateTimeType", "Date with time", "datetime", component=True),
    {"DEFAULT_VALUE": {"TYPE": "NONE", "VALUE": ""}, "USE_SECOND": "Y", "USE_TIMEZONE": "N"},
    labels=("Expiration Date", "Expiration", None),
)
_VOTE: Final = _field(
    131,
    "UF_BLOG_POST_VOTE",
    _type("vote", "Bitrix\\Vote\\Uf\\VoteUserType", "Poll", "int"),
    {"CHANNEL_ID": 1, "UNIQUE": 8, "UNIQUE_IP_DELAY": {"DELAY": "10", "DELAY_TYPE": "D"}, "NOTIFY": "I"},
    show_in_list="Y",
)
_MAIL_MESSAGE: Final = _field(439, "UF_MAIL_MESSAGE", _MAIL, None, xml_id="")


def user_fields(post_id: PostId, values: UserFields) -> dict[str, JsonValue]:
    """The user fields of ``post_id`` by name, in the order of the page."""
    files = values.files
    return {
        "UF_BLOG_POST_DOC": _with_value(_DOC, post_id, value=False),
        "UF_BLOG_POST_URL_PRV": _with_value(_URL_PREVIEW, post_id, value=None),
        "UF_GRATITUDE": _with_value(_GRATITUDE, post_id, value=None),
        "UF_BLOG_POST_FILE": _with_value(
            _FILE,
            post_id,
            value=files or False,
            raw=_php_array(files) if files else None,
            custom={"PHOTO_TEMPLATE": "gallery"},
        ),
        "UF_BLOG_POST_IMPRTNT": _with_value(_IMPORTANT, post_id, value=1 if values.is_important else None),
        "UF_IMPRTANT_DATE_END": _with_value(_IMPORTANT_UNTIL, post_id, value=values.important_until),
        "UF_BLOG_POST_VOTE": _with_value(_VOTE, post_id, value=None),
        "UF_MAIL_MESSAGE": _with_value(_MAIL_MESSAGE, post_id, value=None),
    }


def _with_value(
    field: dict[str, JsonValue],
    post_id: PostId,
    *,
    value: JsonValue,
    raw: str | None = None,
    custom: JsonValue = (),
) -> dict[str, JsonValue]:
    return {
        **field,
        "VALUE": value,
        "ENTITY_VALUE_ID": post_id,
        "VALUE_EXISTS": True,
        "VALUE_RAW": raw,
        "CUSTOM_DATA": custom,
    }


def _php_array(numbers: tuple[FileId, ...]) -> str:
    """``a:1:{i:0;i:505;}``: the numbers as PHP's ``serialize`` writes them."""
    return f"a:{len(numbers)}:{{{''.join(f'i:{i};i:{number};' for i, number in enumerate(numbers))}}}"
