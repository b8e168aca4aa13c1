"""A code said over the phone, letter by letter."""

# English: the alphabet of pilots and dispatchers. Spanish: words that every child knows.
ENGLISH = dict(
    word.split()
    for word in (
        "B Bravo|C Charlie|D Delta|F Foxtrot|G Golf|H Hotel|J Juliett|K Kilo|M Mike|N November|P Papa|Q Quebec|"
        "R Romeo|S Sierra|T Tango|V Victor|W Whiskey|X X-ray|Y Yankee|Z Zulu|"
        "2 two|3 three|4 four|5 five|6 six|7 seven|8 eight|9 nine"
    ).split("|")
)
SPANISH = dict(
    word.split()
    for word in (
        "B burro|C casa|D dedo|F foca|G gato|H hoja|J jirafa|K kilo|M mesa|N nube|P pato|Q queso|"
        "R rosa|S sol|T taza|V vaca|W wifi|X xilófono|Y yate|Z zapato|"
        "2 dos|3 tres|4 cuatro|5 cinco|6 seis|7 siete|8 ocho|9 nueve"
    ).split("|")
)
AS_IN = {"en": (ENGLISH, "as in"), "es": (SPANISH, "de")}


def spelled(code: str, language: str) -> str:
    """``K as in Kilo, seven, M as in Mike, four …``; ``K de kilo, siete, M de mesa, cuatro …``."""
    names, like = AS_IN[language]
    return ", ".join(names[sign] if sign.isdigit() else f"{sign} {like} {names[sign]}" for sign in code)
