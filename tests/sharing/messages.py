"""Message contexts for tests: in both languages, with characters that mail programs often damage."""

from procedures.sharing.messages import MessageContext
from procedures.sharing.short_codes import make_code

CODE = str(make_code("K7M4P"))


def make_message(
    language: str = "en", *, host: str = "learn.example.org", clinic: str = "Clínica “Peña & Søn” <Spine>"
) -> MessageContext:
    prefix = "" if language == "en" else f"/{language}"
    return MessageContext(
        language=language,
        clinic=clinic,
        phone="+1 303-555-0100",
        code=CODE,
        readable_url=f"https://{host}{prefix}/visits/kyphoplasty-consult/",
        short_url=f"https://{host}{prefix}/p/{CODE}",
    )


MESSAGES = [make_message("en"), make_message("es"), make_message("es", host="education.spine.example-hospital.org")]
