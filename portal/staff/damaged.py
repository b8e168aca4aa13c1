"""Recognize staff links that a mail program broke up or a person retyped. Uses no database: public pages call it."""

import re
from urllib.parse import quote, unquote

# 32 random bytes are 43 characters of URL-safe base64.
TOKEN_BYTES, TOKEN_LENGTH = 32, 43
MAX_TOKENS = 400
MAX_LENGTH = 2000
CUT_TOKEN = re.compile(r"(?=[a-z-_]*[A-Z0-9])[A-Za-z0-9_-]{20,}")


def _readings(typed: str) -> list[str]:
    """What may be meant: line breaks of quoted-printable mail taken out, its codes read, or only its signs dropped."""
    text = unquote(unquote(typed[:MAX_LENGTH]))
    unbroken = re.sub(r"=0D|=0A", "", text, flags=re.IGNORECASE)
    decoded = re.sub(r"=([0-7][0-9A-F])", lambda code: chr(int(code[1], 16)), text, flags=re.IGNORECASE)
    return list(dict.fromkeys(re.sub(r"[=\s\u200b\u00ad]+", "", form) for form in (unbroken, decoded, text)))


def tokens_in(address: str) -> list[str]:
    """Everything in ``address`` that has the shape of a token, whatever it ran together with."""
    runs = (run for text in _readings(address) for run in re.findall(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH},}}", text))
    found = (run[at : at + TOKEN_LENGTH] for run in runs for at in range(len(run) - TOKEN_LENGTH + 1))
    return list(dict.fromkeys(found))[:MAX_TOKENS]


def looks_damaged(rest: str) -> bool:
    """Whether what follows ``/admin/`` was the address of a one-time link."""
    return any(re.search(r"w+e+l+c", text, re.IGNORECASE) or CUT_TOKEN.search(text) for text in _readings(rest))


def staff_address(asked: str) -> str:
    """Where a public address without a page leads that was meant for staff; "" if it was not."""
    for text in _readings(asked):
        path = "/" + text.lstrip("/")
        under_admin = re.fullmatch(r"/admin(?![a-z0-9_-])/*(.*)", path, re.IGNORECASE | re.DOTALL)
        if under_admin:
            return "/admin/" + quote(under_admin[1])
        if re.match(r"/welcome/.", path, re.IGNORECASE):
            return "/admin/welcome/" + quote(path[len("/welcome/") :])
    tokens = [token for token in tokens_in(asked) if re.search(r"[A-Z]", token) and re.search(r"[a-z]", token)]
    return "/admin/welcome/" + quote(asked.lstrip("/")) if tokens else ""
