"""Recognizes text that pairs warning signs with calling instructions: signs and their levels stand in one list only.

Patterns are families of everyday wordings in each language. One is enough where it is an emergency sign and the same
sentence says whom to call; otherwise two different ones. Text that only explains signs pairs them with no instruction.
"""

import re
from collections.abc import Iterable

from portal.text import normalize

ENGLISH, SPANISH = "en", "es"
NEAR = r"[^.;:!?\n]{0,45}"

# Emergency signs. Apostrophes are plain by the time a text is compared.
EMERGENCIES: dict[str, dict[str, str]] = {
    ENGLISH: {
        "stroke": (
            rf"\bstroke\b|\bBE[ -]?FAST\b|\bface{NEAR}\bdroop|droop\w*{NEAR}\bface|slur\w*{NEAR}\bspeech"
            rf"|speech{NEAR}\bslur"
            rf"|numb\w*{NEAR}\b(?:arms?|face)\b|\b(?:arms?|face)\b{NEAR}\b(?:numb|goes numb|weak)"
        ),
        "chest pain": rf"chest (?:pain|hurts|pressure|tightness)|pain{NEAR}\bin (?:your|my|the) chest",
        "trouble breathing": (
            r"short(?:ness)? of breath|short breath|trouble breathing|hard(?:er)? to breathe|(?:cannot|can't) breathe"
            r"|struggl\w+ to breathe|out of breath|breathless|cough\w* (?:up )?blood|heart (?:races|is racing)"
            r"|racing heart"
        ),
        "fainting": (
            r"\bfaint(?:s|ed|ing)?\b|\bpass(?:es|ed|ing)? out\b|\bblack(?:s|ed|ing)? out\b|\bunconscious"
            r"|lose consciousness"
        ),
        "severe allergy": (
            rf"\bhives\b|\bwheez\w*|anaphyla\w*|(?:severe|serious|bad) allergic"
            rf"|\b(?:face|lips|tongue|throat)\b{NEAR}\bsw(?:ell|oll)\w*|\bsw(?:ell|oll)\w*{NEAR}\b(?:face|lips"
            rf"|tongue|throat)\b"
        ),
        "numb between the legs": (
            rf"\b(?:numb\w*|(?:no|lose|lost) feeling|cannot feel|can't feel){NEAR}"
            rf"\b(?:between (?:your|the|my) (?:inner )?(?:legs|thighs)|inner thighs?|genitals?|groin|saddle|anus"
            rf"|bottom|private parts)"
            rf"|\bbetween (?:your |the |my )?(?:inner )?(?:legs|thighs|them)\b{NEAR}\bnumb|saddle (?:numbness"
            rf"|an(?:a)?esthesia)"
        ),
        "bladder or bowel": (
            rf"\b(?:cannot|can't|can you not|trouble|unable|no control|los(?:e|es|t|ing) control|loss of|leak\w*"
            rf"|will not|won't|do not feel)\b{NEAR}"
            rf"\b(?:bladder|bowels?|urine|urinate|urinating|pee|stool)\b"
            rf"|\b(?:bladder|bowels?)\b{NEAR}\b(?:will not work|won't work|control|leak\w*|accident\w*|cannot|can't)"
            rf"|\bincontinen\w*"
        ),
        "weak legs": (
            rf"\b(?:weak\w*|cannot move|can't move|paraly\w+|unsteady)\b{NEAR}\b(?:legs?|feet|foot)\b"
            rf"|\b(?:legs?|feet|foot)\b{NEAR}\b(?:weak\w*|cannot move|can't move|(?:will|do) not move|paraly\w+"
            rf"|gives? way|unsteady)"
            r"|\b(?:cannot|can't|unable to) (?:walk|move (?:your|my|the) legs?)\b|\bparalysis\b"
        ),
        "hard to wake": (
            rf"\b(?:hard|difficult|cannot|can't|impossible){NEAR}\bwake|will not wake|won't wake"
            r"|slow(?:ed)? breathing|breath(?:es|ing) (?:very )?slow\w*|blue (?:lips|skin)|(?:tiny|pinpoint) pupils"
        ),
        "bleeding": (
            rf"\bbleed\w*{NEAR}\b(?:not|never|n't) stop|n't stop{NEAR}\bbleed|\bstop (?:the )?bleeding|heavy bleeding"
        ),
    },
    SPANISH: {
        "derrame cerebral": (
            rf"derrame cerebral|(?:ataque|infarto|accidente) cerebr\w+|\bcara{NEAR}\b(?:caíd|torcid|chueca|adormec)\w*"
            rf"|\b(?:adormec|entumec|débil|debil)\w*{NEAR}\b(?:brazos?|cara)\b|\bbrazos?\b{NEAR}\b(?:adormec|entumec"
            rf"|débil|debil)\w*"
            r"|habla (?:rar|arrastr|enred)\w*|dificultad para hablar"
        ),
        "dolor de pecho": r"dolor (?:de|en el) pecho|duele el pecho|presión en el pecho|pecho que duele",
        "falta de aire": (
            r"falt\w* (?:de |el |del )?(?:aire|aliento)|(?:dificultad para|le cuesta|no puede) respirar"
            r"|toser? (?:con )?sangre|tose sangre"
            rf"|tos con sangre|corazón{NEAR}(?:rápido|aceler\w+)"
        ),
        "desmayo": r"\bdesmay\w*|pierde el (?:conocimiento|sentido)|inconsciente",
        "alergia grave": (
            rf"\bronchas\b|\burticaria\b|anafil\w*|reacción alérgica (?:grave|fuerte)|silb\w+{NEAR}\b(?:pecho|respirar)"
            rf"|\b(?:cara|labios|lengua|garganta)\b{NEAR}\bhinch\w*|\bhinch\w*{NEAR}\b(?:cara|labios|lengua|garganta)\b"
        ),
        "piel adormecida entre las piernas": (
            rf"\b(?:adormec\w+|entumec\w+|no siente|sin sensibilidad){NEAR}"
            r"\b(?:entre (?:las piernas|los muslos|ellas)|genitales|entrepierna|silla de montar|ano\b|ingle)"
            rf"|\bentre (?:las piernas|los muslos|ellas)\b{NEAR}\b(?:adormec|entumec)\w+"
        ),
        "vejiga o intestino": (
            rf"\b(?:no puede|no aguanta|no controla|le cuesta|sin control|pierde el control|se le sal\w+|no siente"
            rf"|dificultad para){NEAR}"
            rf"\b(?:orin\w*|vejiga|intestino|heces|excremento|evacuar)\b"
            rf"|\b(?:vejiga|intestino)\b{NEAR}\b(?:no funciona\w*|sin control|control\w*)|\bincontinen\w*"
        ),
        "piernas débiles": (
            rf"\b(?:debilidad|débil(?:es)?|no puede mover|poco firmes){NEAR}\b(?:piernas?|pies?)\b"
            rf"|\b(?:piernas?|pies?)\b{NEAR}\b(?:débil\w*|debilidad|no se mueven|no responden|poco firmes)"
            r"|\bno puede caminar|\bparálisis\b"
        ),
        "cuesta despertarle": (
            r"cuesta despertar\w*|no (?:se )?despierta|respira (?:muy )?(?:lento|despacio)|respiración lenta"
            r"|(?:labios|piel) azul\w*"
            r"|pupilas (?:diminutas|muy pequeñas)"
        ),
        "sangrado": rf"\bsangr\w*{NEAR}\bno (?:para|se detiene|se corta|deja|cede)|no deja de sangrar|sangrado fuerte",
    },
}
OTHERS: dict[str, dict[str, str]] = {
    ENGLISH: {
        "fever": r"\bfevers?\b|\bchills\b|100\.4|\btemperature of\b",
        "red or leaking wound": (
            rf"\b(?:red(?:ness)?|hot|swollen|swelling|leak\w*|drain\w*|pus|oozing)\b{NEAR}\b(?:wound|site|cut"
            rf"|incision)\b"
            rf"|\b(?:wound|site|cut|incision)\b{NEAR}\b(?:red(?:ness)?|hot|swollen|swelling|leak\w*|drain\w*|pus"
            rf"|oozing)\b"
        ),
        "swollen leg": rf"\bsw(?:ollen|elling){NEAR}\b(?:leg|calf)\b|\b(?:leg|calf)\b{NEAR}\bsw(?:ollen|ells|elling)",
        "worse pain": (
            rf"\bpain\b{NEAR}\bworse|\bworse\b{NEAR}\bpain\b|\b(?:sudden|severe|new),? (?:new |sudden |back )*pain"
            rf"|\b(?:back|spine) hurts in a new|medicine does not help"
        ),
        "numbness or tingling": r"\bnumb\w*|\btingl\w*",
        "pain at night": rf"\bpain\b{NEAR}\b(?:wakes|at night)|wakes you (?:up )?at night",
        "cancer": r"\b(?:had|have|history of) cancer\b",
        "vomiting": r"\bvomit\w*|\bthr(?:ow|ew|owing) up\b",
        "rash": r"\brash(?:es)?\b",
        "burning urine": rf"\bburn\w*{NEAR}\burin\w*|\burin\w*{NEAR}\bburn\w*",
        "confusion": r"\bconfus(?:ed|ion)\b",
    },
    SPANISH: {
        "fiebre": r"\bfiebre\b|\bescalofríos\b|100\.4",
        "herida roja o con líquido": (
            rf"\b(?:roj[oa]|caliente|hinchad[oa]|líquido|pus|secreción)\b{NEAR}\b(?:herida|sitio|corte|incisión)\b"
            rf"|\b(?:herida|sitio|corte|incisión)\b{NEAR}\b(?:roj[oa]|caliente|hinchad[oa]|líquido|pus|secreción)\b"
        ),
        "pierna hinchada": rf"\bpierna\b{NEAR}\bhinch\w*|\bhinch\w*{NEAR}\bpierna\b",
        "dolor que empeora": (
            rf"\bdolor\b{NEAR}\b(?:empeor\w*|peor|nuevo)\b|(?:duele|dolor){NEAR}de una forma nueva"
            rf"|medicina{NEAR}no (?:le )?ayuda"
        ),
        "adormecimiento u hormigueo": r"\badormec\w+|\bentumec\w+|\bhormigue\w+",
        "dolor de noche": rf"\bdolor\b{NEAR}\b(?:despierta|de noche)",
        "cáncer": r"\b(?:ha tenido|tuvo|tiene) cáncer\b",
        "vómito": r"\bv[oó]mit\w*",
        "sarpullido": r"\bsarpullido\b|\berupción\b",
        "ardor al orinar": r"\bard\w+ al orinar",
        "confusión": r"\bconfundid[oa]\b|\bconfusión\b",
    },
}
CALLS: dict[str, str] = {
    ENGLISH: (
        r"\b(?:call|phone|dial|ring|contact|page)\b[^.;!?\n]{0,30}(?:\b911\b|\bus\b|ambulance|\bnow\b|today|at once"
        r"|right away"
        r"|immediately|same day|clinic|doctor|nurse|office|hospital|{clinic\.)|\b911\b|\bambulance\b"
        r"|\bemergency (?:room|department)"
        r"|\b(?:is|are) (?:also )?an? (?:medical )?emergenc|\bgo (?:straight )?to (?:the|a|your nearest) (?:hospital"
        r"|ER\b)"
        r"|\b(?:get|seek|need) (?:medical |emergency |urgent )?(?:help|care|attention)\b"
        r"|\btell us (?:today|now|at once|right away|immediately)|\bthe same day\b|\burgent care\b|\bcannot wait\b"
        r"|\bsee (?:a|your) doctor (?:today|now|right away)"
    ),
    SPANISH: (
        r"\bll[aá]m(?:enos|eles|elo)\b|\bllam(?:e|ar) (?:al|a|ya|hoy|ahora|de|por)\b|\b911\b|\bambulancia\b"
        r"|\bsala de (?:emergencias?|urgencias?)|\bvaya (?:al hospital|a urgencias|a emergencias)|\b(?:es"
        r"|son) una emergencia"
        r"|\bpida (?:ayuda|una ambulancia)|\bel mismo día\b|\bhoy mismo\b|\bde inmediato\b|\bno puede esperar\b"
        r"|\b(?:avísenos|díganos) (?:hoy|ya|ahora|enseguida)"
    ),
}
# Headings under which a list says when to call.
HEADINGS: dict[str, str] = {
    ENGLISH: r"\bcall\b|\bemergenc|\bget help\b|\b(?:warning|danger) signs?\b|\bwait for (?:the|a|my) visit",
    SPANISH: (
        r"\bllamo\b|\bllamar\b|\bllame\b|\bemergencia|\bpedir ayuda\b|\bseñales de (?:alarma|alerta|peligro)"
        r"|\bno espero\b"
    ),
}
SENTENCE = re.compile(r"(?<=[.!?;])[\s*_\"”»)]+|\n+")
# A sentence that takes up the one before it: “If so, call us.”
TAKES_UP = re.compile(
    r"\W*(?:(?:in|if) (?:this|that|these|those|it|one|any|so|such)|when (?:this|that)|then|this|that|these|it|so"
    r"|si (?:es así|siente|tiene|nota|esto|eso|le pasa)|en (?:ese|este|estos|esos|tal)|entonces|esto|eso|estas|esas)\b"
    r"|.*\b(?:feel|have|notice) (?:this|that|it|these|one of these)\b",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]{3,}")
# Where a link leads is not said to the reader.
TARGET = re.compile(r"\]\([^)\n]{0,300}\)")
MIN_SHARED_WORDS, SHARED = 3, 0.75


def _compiled(families: dict[str, dict[str, str]]) -> dict[str, dict[str, re.Pattern[str]]]:
    return {
        language: {name: re.compile(pattern, re.IGNORECASE) for name, pattern in rows.items()}
        for language, rows in families.items()
    }


_EMERGENCIES, _OTHERS = _compiled(EMERGENCIES), _compiled(OTHERS)
_CALLS = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in CALLS.items()}
_HEADINGS = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in HEADINGS.items()}


class Triage:
    """Looks for signs in texts of one language. ``rows``: text of each sign, and if it is an emergency."""

    def __init__(self, language: str, rows: Iterable[tuple[str, bool]] = ()) -> None:
        self.language = language if language in CALLS else ENGLISH
        self._rows = [(text, _words(text), emergency) for text, emergency in rows]

    def emergencies(self, text: str) -> set[str]:
        """Names of the emergency signs in ``text``."""
        return self._found(_EMERGENCIES, text) | self._listed(text, emergency=True)

    def signs(self, text: str) -> set[str]:
        """Names of all signs in ``text``."""
        return self.emergencies(text) | self._found(_OTHERS, text) | self._listed(text, emergency=False)

    def calls(self, text: str) -> bool:
        """Whether ``text`` says to call, or how urgent something is."""
        return bool(_CALLS[self.language].search(_plain(text)))

    def leads_to_calls(self, heading: str) -> bool:
        """Whether a list under ``heading`` says when to call."""
        return bool(_HEADINGS[self.language].search(_plain(heading)))

    def own_list(self, text: str) -> set[str]:
        """Signs that ``text``, one paragraph or list entry, pairs with an instruction to call; empty for none."""
        for passage in _passages(text):
            if self.calls(passage) and (found := self.emergencies(passage)):
                return found
        found = self.signs(text)
        return found if len(found) > 1 and self.calls(text) else set()

    def _found(self, families: dict[str, dict[str, re.Pattern[str]]], text: str) -> set[str]:
        text = _plain(text)
        return {name for name, pattern in families[self.language].items() if pattern.search(text)}

    def _listed(self, text: str, *, emergency: bool) -> set[str]:
        said = _words(text)
        return {
            row
            for row, words, is_emergency in self._rows
            if is_emergency == emergency
            and len(words & said) >= MIN_SHARED_WORDS
            and len(words & said) >= SHARED * len(words)
            and len(said) <= 3 * len(words)
        }


def _passages(text: str) -> list[str]:
    """Sentences; a question goes together with its answer, and a sentence with the one that takes it up."""
    passages: list[str] = []
    asked = False
    for sentence in filter(None, (part.strip() for part in SENTENCE.split(text))):
        if passages and (asked or TAKES_UP.match(sentence)):
            passages[-1] += f" {sentence}"
        else:
            passages.append(sentence)
        asked = sentence.rstrip('*_"”»)').endswith("?")
    return passages


def _plain(text: str) -> str:
    return TARGET.sub("]", normalize(text)).replace("’", "'").replace("*", "").replace("\u00a0", " ")


def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in WORD.findall(text))
