"""What the tests of the message kit send: in both languages, with letters that mail likes to break."""

from procedures.links.codes import make_code
from procedures.links.kit import Sending

CODE = str(make_code("K7M4P"))


def sending(
    language: str = "en", *, host: str = "learn.example.org", clinic: str = "Clínica “Peña & Søn” <Spine>"
) -> Sending:
    prefix = "" if language == "en" else f"/{language}"
    return Sending(
        language=language,
        clinic=clinic,
        phone="+1 303-555-0100",
        code=CODE,
        readable=f"https://{host}{prefix}/visits/kyphoplasty-consult/",
        neutral=f"https://{host}{prefix}/p/{CODE}",
    )


SENDINGS = [sending("en"), sending("es"), sending("es", host="education.spine.example-hospital.org")]
