"""Recognize staff links that a mail program or a person has damaged. Without the database: public pages call it."""

import re
from urllib.parse import quote, unquote

# 32 random bytes are 43 characters of URL-safe base64.
TOKEN_BYTES, TOKEN_LENGTH = 32, 43
MAX_TOKENS = 400
MAX_LENGTH = 2000
CUT_TOKEN = re.compile(r"(?=[a-z-_]*[A-Z0-9])[A-Za-z0-9_-]{20,}")


def _readings(typed: str) -> list[str]:
    """Ways to decode an address: without quoted-printable line breaks, with its codes decoded, or as plain text."""
    text = unquote(unquote(typed[:MAX_LENGTH]))
    unbroken = re.sub(r"=0D|=0A", "", text, flags=re.IGNORECASE)
    decoded = re.sub(r"=([0-7][0-9A-F])", lambda code: chr(int(code[1], 16)), text, flags=re.IGNORECASE)
    return list(dict.fromkeys(re.sub(r"[=\s\u200b\u00ad]+", "", form) for form in (unbroken, decoded, text)))


def tokens_in(address: str) -> list[str]:
    """All substrings of ``address`` that have the form of a token."""
    runs = (run for text in _readings(address) for run in re.findall(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH},}}", text))
    found = (run[at : at + TOKEN_LENGTH] for run in runs for at in range(len(run) - TOKEN_LENGTH + 1))
    return list(dict.fromkeys(found))[:MAX_TOKENS]


def looks_damaged(rest: str) -> bool:
    """Whether ``rest``, the part after ``/admin/``, seems to be from a one-time link."""
    return any(re.search(r"w+e+l+c", text, re.IGNORECASE) or CUT_TOKEN.search(text) for text in _readings(rest))


def staff_address(asked: str) -> str:
    """The address under /admin/ that a public address without a page was meant to be; "" if there is none."""
    for text in _readings(asked):
        path = "/" + text.lstrip("/")
        under_admin = re.fullmatch(r"/admin(?![a-z0-9_-])/*(.*)", path, re.IGNORECASE | re.DOTALL)
        if under_admin:
            return "/admin/" + quote(under_admin[1])
        if re.match(r"/welcome/.", path, re.IGNORECASE):
            return "/admin/welcome/" + quote(path[len("/welcome/") :])
    tokens = [token for token in tokens_in(asked) if re.search(r"[A-Z]", token) and re.search(r"[a-z]", token)]
    return "/admin/welcome/" + quote(asked.lstrip("/")) if tokens else ""
