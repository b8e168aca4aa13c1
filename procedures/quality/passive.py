"""Passive sentences, by a rule of thumb: English be + participle; Spanish ser + participle ("se" is not counted)."""

import re

IRREGULAR = (
    "beaten begun bent bitten blown bought bound broken brought built burnt caught chosen cut dealt done drawn "
    "driven eaten fed felt found forgotten frozen given ground held heard hidden hit hurt kept known laid led "
    "left lent lost made meant met paid put read said seen sent set shaken shown shut sold spent split spread "
    "stolen struck stuck taken taught told thought thrown torn understood woken won worn written"
)
# How someone or something is, not what is done to it.
STATES = "tired worried scared swollen broken pleased relaxed experienced married supposed red bed need indeed hundred"
BE = r"(?:am|is|are|was|were|be|been|being|isn't|aren't|wasn't|weren't|(?<=you)'re|(?<=they)'re|(?<=we)'re|(?<=I)'m)"
BETWEEN = (
    r"(?:(?:not|never|also|often|usually|always|then|now|only|just|still|most|all|both|already|once|\w+ly)\s+){0,2}"
)
ENGLISH = re.compile(
    rf"\b{BE}\s+(?:(?:it|they|this|that|you|we)\s+)?{BETWEEN}(?!(?:{STATES.replace(' ', '|')})\b)"
    rf"(?:[a-z]{{3,}}ed|{IRREGULAR.replace(' ', '|')})\b",
    re.IGNORECASE,
)

SER = (
    "soy eres es somos son era eras éramos eran fui fuiste fue fuimos fueron seré será seremos serán sería serían "
    "sea seas seamos sean fuera fueran fuese fuesen ser sido siendo"
)
IRREGULAR_ES = "hech|dich|escrit|puest|vist|abiert|resuelt|cubiert|impres|descrit|compuest"
STATES_ES = (
    "demasiad[oa]s?|adecuad[oa]s?|complicad[oa]s?|delicad[oa]s?|privad[oa]s?|debid[oa]s?|parecid[oa]s?"
    "|cuidado|lado|grado|sentido|marido|partido"
)
SPANISH = re.compile(
    rf"\b(?:{SER.replace(' ', '|')})\s+(?:(?:no|ya|siempre|nunca|también|solo|todos|todas|\w+mente)\s+){{0,2}}"
    rf"(?!(?:{STATES_ES})\b)(?:\w{{2,}}[aií]d[oa]s?|(?:{IRREGULAR_ES})[oa]s?)\b",
    re.IGNORECASE,
)


def is_passive(sentence: str, language: str) -> bool:
    """Whether a sentence has a passive verb in it."""
    pattern = SPANISH if language == "es" else ENGLISH
    return pattern.search(sentence.replace("’", "'")) is not None
