"""How a secret may be written: whoever looks for it has to look for all of these."""

import base64
import html
import json
import urllib.parse


def spellings(secret: str) -> set[str]:
    """Plain, percent-encoded in each usual way, as JSON, HTML and Python have it, in base64 and in hex."""
    raw = secret.encode()
    percent = {
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        urllib.parse.quote(secret, safe="").replace("~", "%7E"),
    }
    quoted = {
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        repr(secret)[1:-1],
        repr(raw)[2:-1],
    }
    # Within a longer text, base64 depends on what stands before; what does not depend on it is looked for.
    shifted = [base64.b64encode(b"\0" * shift + raw).decode().rstrip("=") for shift in range(3)]
    coded = {one[start:-1] for one, start in zip(shifted, (0, 2, 3), strict=True)}
    coded |= {one.replace("+", "-").replace("/", "_") for one in coded}
    found = {secret, *percent, *quoted, *coded, raw.hex(), raw.hex().upper()}
    found |= {one.lower() for one in percent}
    return {one for one in found if len(one) > 7}
