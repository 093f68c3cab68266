"""Strategies for texts of posts, well-formed and broken."""

from hypothesis import strategies as st

TAGS = [
    "b",
    "i",
    "u",
    "s",
    "url",
    "img",
    "user",
    "quote",
    "code",
    "list",
    "table",
    "tr",
    "td",
    "color",
    "*",
    "send",
    "put",
    "br",
]

tags = st.one_of(
    st.sampled_from(TAGS).map(lambda tag: f"[{tag}]"),
    st.sampled_from(TAGS).map(lambda tag: f"[/{tag.upper()}]"),
    st.sampled_from(
        [
            "[USER=5]",
            "[url=https://example.com/?a=1]",
            "[DISK FILE ID=n12]",
            "[IMG ID=3]",
            "[size=12]",
            "[",
            "]",
            "[/",
            "=]",
        ]
    ),
)
words = st.sampled_from(
    [
        "holidays",
        "from",
        "1",
        "3",
        "14",
        "June",
        "не",
        "встреча",
        "в",
        "10:30",
        "5%",
        "$12.50",
        "Ёлка",
        "ok",
        ",",
        ".",
        "🎉",
        "e\u0301",
        "²",
    ]
)
spaces = st.sampled_from([" ", "\n", "  ", "\u00a0", "", "\u200b"])
texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.one_of(words, spaces, tags), max_size=40).map("".join),
    st.lists(words, max_size=40).map(" ".join),
)
