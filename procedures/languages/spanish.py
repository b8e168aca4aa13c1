"""Spanish, as spoken in the United States and Mexico."""

import re

from django.utils.translation import gettext_lazy as _

from procedures.languages.definition import (
    NEAR,
    TIME_OF_DAY,
    AddressWords,
    ErrorNotice,
    HardWords,
    LanguageDefinition,
    NumberVocabulary,
    RaisedOrdinals,
    Readability,
    Search,
    SpokenAlphabet,
    TriageVocabulary,
)

# The u of que, qui, gue, and gui; and an h between vowels, which does not split a diphthong (ahumado) unless it starts
# a syllable of its own (cacahuate).
SILENT = re.compile(r"(?<=q)u|(?<=g)u(?=[eiéí])|(?<=[aeiou])h(?=[iu](?![aeiouáéíóú]))|(?<=[iu])h(?=[aeo])")
VOWELS = re.compile(r"(?:[aeiouáéíóúü]|y(?![aeiouáéíóú]))+")
STRONG_VOWEL = re.compile(r"[aeoáéóíú]")
EQUAL_WEAK_VOWELS = re.compile(r"ii|uu")


def count_syllables(word: str) -> int:
    """Count strong and stressed vowels. A weak one (i, u, ü, final y) shares its syllable.

    Real Academia Española: Ortografía de la lengua española, 2010, II.3.4 (diphthongs and hiatus).
    """
    groups = VOWELS.findall(SILENT.sub("", word))
    return max(1, sum(_group_syllables(group) for group in groups))


def _group_syllables(group: str) -> int:
    return max(1, len(STRONG_VOWEL.findall(group))) + len(EQUAL_WEAK_VOWELS.findall(group))


def fernandez_huerta(words_per_sentence: float, syllables_per_word: float) -> float:
    """Return the Fernández-Huerta score, 0 to 100; a higher score is easier to read.

    Fernández Huerta: Medidas sencillas de lecturabilidad. Consigna 1959;214:29. The original has sentences per 100
    words in the last term, which makes long sentences easier; corrected as in Law: Error in the Fernandez Huerta
    readability formula, 2011.
    """
    return 206.84 - 60 * syllables_per_word - 1.02 * words_per_sentence


def base_forms(word: str) -> set[str]:
    """Return the word without plural endings, and in the masculine form."""
    forms = {word, *(word.removesuffix(ending) for ending in ("es", "s") if word.endswith(ending))}
    return forms | {f"{form[:-1]}o" for form in forms if form.endswith("a")}


EASY_WORDS = frozenset(
    """
    aconsejaron am pm tv actividad actividades alfabético calificado computadora directamente electrónico elegirían
    embarazada emergencia estacionamiento examinamos examinarle levántese necesario necesitamos necesitaron
    participaron preguntarnos recuperarse significado
    """.split()
)

# A form of “ser” and a participle; sentences with “se” are not counted.
SER = (
    "soy|eres|es|somos|son|era|eras|éramos|eran|fui|fuiste|fue|fuimos|fueron|seré|será|seremos|serán|sería|serían|"
    "sea|seas|seamos|sean|fuera|fueran|fuese|fuesen|ser|sido|siendo"
)
PARTICIPLES = "hech|dich|escrit|puest|vist|abiert|resuelt|cubiert|impres|descrit|compuest"
STATES = (
    "demasiad[oa]s?|adecuad[oa]s?|complicad[oa]s?|delicad[oa]s?|privad[oa]s?|debid[oa]s?|parecid[oa]s?"
    "|cuidado|lado|grado|sentido|marido|partido"
)
PASSIVE = (
    rf"\b(?:{SER})\s+(?:(?:no|ya|siempre|nunca|también|solo|todos|todas|\w+mente)\s+){{0,2}}"
    rf"(?!(?:{STATES})\b)(?:\w{{2,}}[aií]d[oa]s?|(?:{PARTICIPLES})[oa]s?)\b"
)

STOPWORDS = frozenset(
    "a al algo como con cual cuando de del desde donde el ella ellos en entre era es esta estan este esto fue ha "
    "hay la las le les lo los mas me mi mis muy ni no nos o para pero por porque puede puedo que quien se si sin "
    "sobre son soy su sus te tengo tu un una unas uno unos usted y ya yo".split()
)
ADDRESS_WORDS = AddressWords(
    language="es|esp|spa|spanish|espanol",
    folders=frozenset({"visitas", "visita"}),
    fillers=frozenset("aqui de el enlace esta este la lee leer los mas pagina paginas para por sitio su ver y".split()),
    neutral=frozenset("de del el la las los su y".split()),
)
# Words that every child knows.
SPOKEN_ALPHABET = SpokenAlphabet(
    dict(
        word.split()
        for word in (
            "B burro|C casa|D dedo|F foca|G gato|H hoja|J jirafa|K kilo|M mesa|N nube|P pato|Q queso|"
            "R rosa|S sol|T taza|V vaca|W wifi|X xilófono|Y yate|Z zapato|"
            "2 dos|3 tres|4 cuatro|5 cinco|6 seis|7 siete|8 ocho|9 nueve"
        ).split("|")
    ),
    as_in="de",
)

# Words for lost feeling, and for the skin that touches a saddle.
DEAD = (
    r"(?:adormec\w+|entumec\w+|dormid[oa]s?|se (?:le )?(?:duerm\w+|durmi\w+)|(?:perd\w+|pierde) la sensibilidad"
    r"|no siente|sin sentir|sin sensibilidad|muert[oa]s?)"
)
SADDLE = (
    r"(?:entrepierna|genitales|partes (?:íntimas|privadas)|ahí abajo|allá abajo|zona íntima|ingles?|ano|nalgas?"
    r"|trasero|asentaderas|pompis|glúteos"
    r"|vagina|pene|testículos|(?:interior|interna|adentro) de los muslos|zona de la silla|silla de montar)\b"
)

TRIAGE = TriageVocabulary(
    emergencies={
        "derrame cerebral": (
            rf"\bboca\b{NEAR}\b(?:torcid|cuelg|cae|chueca|de lado)\w*|\bno siente{NEAR}\b(?:brazos?|cara)\b"
            rf"|\bhabla (?:mal|enredado)\b|\bno ve bien de repente|\b(?:brazos?)\b{NEAR}\b(?:se le cae|sin fuerza"
            rf"|falla|pesa)\w*|"
            rf"derrame cerebral|(?:ataque|infarto|accidente) cerebr\w+|\bcara{NEAR}\b(?:caíd|torcid|chueca"
            rf"|adormec)\w*"
            rf"|\b(?:adormec|entumec|débil|debil)\w*{NEAR}\b(?:brazos?|cara)\b|\bbrazos?\b{NEAR}\b(?:adormec|entumec"
            rf"|débil|debil)\w*"
            r"|habla (?:rar|arrastr|enred)\w*"
            r"|(?:dificultad|problemas?) (?:para|al) hablar|(?:le|me) cuesta(?: trabajo)? hablar|no (?:puede"
            r"|le sale\w*) (?:hablar|las palabras)"
            rf"|traba(?:n|r)? (?:la lengua|al hablar)|\b(?:lado|mitad) de la cara\b{NEAR}\b(?:cuelg|ca[eí]|tuerc"
            rf"|torc|adormec|débil)\w*"
            rf"|\bcara\b{NEAR}\b(?:cuelg|se (?:le )?(?:cae|tuerce)|de lado)\w*"
            rf"|\b(?:debilidad|no puede (?:mover|levantar|alzar)){NEAR}\b(?:brazos?|manos?)\b"
            rf"|\bde repente\b{NEAR}\b(?:ve|vista|equilibrio|ver|mare\w+|confund\w+)\b|\brepentin\w+{NEAR}\b(?:vista"
            rf"|equilibrio)"
            r"|\b(?:tuerce|cuelga|cae)\w* (?:un lado de )?la cara\b|pierde (?:la vista|el equilibrio)|\bve doble\b"
            r"|visión doble|\bve (?:todo )?(?:doble|borroso de repente)|\bveo doble|\bno ve (?:de|con|por) un ojo"
            rf"|\b(?:brazo|mano|cara|lado del cuerpo)\b{NEAR}\b(?:dormid[oa]|se (?:le )?(?:duerm\w+|durmi\w+)"
            rf"|muert[oa])\b|\b(?:duerm\w+|durmi\w+|dormid[oa])"
            rf"{NEAR}\b(?:brazo|mano|cara)\b|\bno (?:puede|logra) (?:sonreír|levantar (?:un|el) brazo|decir lo que)"
            rf"|\bno (?:le )?(?:salen|encuentra)"
            r" (?:bien )?las palabras|\bno se le entiende\b|\b(?:lengua|habla)\b (?:trabada|enredada|pesada)"
            r"|\bboca chueca|\bse (?:le )?cay?ó (?:un lado|la mitad)|\bhabla como (?:borrach[oa]|si)"
            r"|\bsonrisa (?:chueca|torcida)"
        ),
        "dolor de pecho": (
            r"dolor (?:de|en el) pecho|duele el pecho|presión en el pecho"
            r"|pecho que duele|(?:opresión|dolores) (?:de|en el) pecho|pecho (?:le )?(?:duele|aprieta|oprim)\w*"
            rf"|\b(?:dolor\w*|duele|presión(?! arterial)|opresión|apr[ei]\w*t\w+|peso en|punzadas?"
            rf"|pesadez){NEAR}\bpecho\b|\bpecho\b{NEAR}\b(?:apretado|pesado|oprimido|pesa)\b"
        ),
        "falta de aire": (
            r"falt\w* (?:de |el |del )?(?:aire|aliento)|(?:dificultad (?:para|al)|(?:le|me) cuesta|no puede"
            r"|problemas? (?:para|al)) respirar"
            r"|(?:se ahoga|se queda sin aire|sin aliento|respira(?:r)? con dificultad|escupe sangre)"
            r"|toser? (?:con )?sangre|tose sangre"
            rf"|tos con sangre|corazón{NEAR}(?:rápido|aceler\w+|fuerte|desbocad\w+)|palpitaciones"
            rf"|\b(?:casi )?no (?:puede )?respira(?:r)?\b|\bcuesta (?:mucho |trabajo )?respirar|\bfalta la respiración"
            r"|\bno (?:le )?(?:entra|llega|alcanza|puede (?:tomar|jalar|agarrar)) (?:el )?aire"
            r"|\bjade\w+|\bse (?:está )?(?:ahog\w+|asfixi\w+)|\bse (?:le )?(?:va|corta) (?:el aire|la respiración)"
            r"|\brespira (?:muy )?(?:mal|rápido|agitad\w+)"
            r"|\b(?:agitad[oa]|fatigad[oa]) (?:en reposo|sin hacer)|\bsangre al toser|\bflema con sangre"
            r"|\bcorazón\b[^.;:!?\n]{0,20}\b(?:galop\w+|brinc\w+|salt\w+)"
        ),
        "desmayo": (
            r"\bdesmay\w*|\bdesvanec\w*|\bdesplom\w*"
            r"|(?:pierde|perd\w+) el (?:conocimiento|sentido)|inconsciente|\bpérdida del? (?:conocimiento|sentido)"
            r"|\bse queda sin sentido\b"
            r"|\bse (?:le )?(?:va|fue|apaga) el mundo|\bse priva\b"
        ),
        "alergia grave": (
            rf"\bgarganta\b{NEAR}\bcierr\w*|\bcierr\w*{NEAR}\bgarganta\b|\bcuesta tragar|\bno puede tragar|"
            rf"\bronchas\b|\burticaria\b|anafil\w*|reacción alérgica (?:grave|fuerte)|silb\w+{NEAR}\b(?:pecho"
            rf"|respirar)"
            rf"|\b(?:cara|labios?|lengua|garganta)\b{NEAR}\b(?:hinch|inflam)\w*|\b(?:hinch|inflam)\w*{NEAR}\b(?:cara"
            rf"|labios?|lengua"
            rf"|garganta)\b|\bno puede (?:pasar (?:saliva|la comida)|tragar)|\b(?:dificultad|problemas) (?:para"
            rf"|al) tragar|\bse le cierra el pecho"
            r"|\bpecho (?:le )?silba|\bsilbidos? al respirar"
        ),
        "piel adormecida entre las piernas": (
            rf"\b(?:adormec\w+|entumec\w+|no siente|sin sensibilidad){NEAR}"
            r"\b(?:entre (?:las piernas|los muslos|ellas)|genitales|entrepierna|silla de montar|ano\b|ingle)"
            rf"|\bentre (?:las piernas|los muslos|ellas)\b{NEAR}\b(?:adormec|entumec|dormid|durm|duerm)\w*"
            rf"|\b{DEAD}{NEAR}\b{SADDLE}"
            rf"|\b{SADDLE}{NEAR}\b{DEAD}|\b(?:no|ya no|casi no) (?:lo |se )?siente (?:nada )?(?:cuando"
            rf"|al) (?:se )?(?:limpi\w+|sent\w+|sienta)\b"
            r"|\bno siente (?:el )?(?:papel|la silla|el asiento)"
        ),
        "vejiga o intestino": (
            rf"\b(?:se|me) (?:le )?hace (?:del baño|caca|pipí|popó)\b|\bno (?:ha orinado|orina)\b|"
            r"\b(?:se|me) (?:le )?(?:orina|hace|mea|ensucia)(?:r)? (?:encima|en la cama|en la ropa)"
            r"|\bmoja (?:la cama|la ropa)"
            r"|\borinarse encima|\bensucia la ropa|\bno puede (?:hacer pipí|ir al baño|aguantar)|\bhacerse encima"
            rf"|\b(?:no puede|no aguanta|no logra|no controla|le cuesta|sin control|pierde el control|se le sal\w+"
            rf"|no siente"
            rf"|dificultad para){NEAR}"
            rf"\b(?:orin\w*|vejiga|intestino|heces|excremento|evacuar)\b"
            rf"|\b(?:vejiga|intestino)\b{NEAR}\b(?:no (?:se )?(?:le )?(?:funciona\w*|vacía|responde)|sin control"
            rf"|control\w*)|\bincontinen\w*"
            rf"|\b(?:orin\w*|pipí|pis|caca|popó|excremento|heces|vejiga)\b{NEAR}\b(?:se (?:le )?(?:sal\w+|escap\w+"
            rf"|tir\w+)|sin (?:querer|darse cuenta"
            rf"|sentirlo|sentir))|\bse (?:le )?(?:escap\w+|sal\w+|chorrea){NEAR}\b(?:orin\w*|pipí|pis|caca|popó"
            rf"|excremento|heces|gotas)\b"
            rf"|\b(?:orin\w*|hac\w+|mea\w*|ensuci\w+|moj\w+){NEAR}\b(?:sin (?:querer|darse cuenta|sentir(?:lo)?)"
            rf"|encima|en (?:los calzones|la cama"
            rf"|el pantalón|la ropa(?: interior)?))\b|\bmoja (?:los calzones|el pantalón|la ropa interior|las sábanas)"
            rf"|\bno (?:le )?sal\w+ (?:nada )?(?:la |ni una gota de )?(?:orina|pipí|al orinar)|\b(?:no (?:puede"
            rf"|ha podido|logra|consigue)) (?:hacer"
            rf" (?:pipí|pis|popó|caca|del baño|del cuerpo)|mear|vaciar la vejiga|orinar|evacuar|obrar)\b"
            rf"|\bno ha (?:hecho pipí|orinado)|\bno (?:controla|aguanta){NEAR}\b(?:intestinos?|esfínter\w*"
            rf"|evacuaciones)"
            rf"|\b(?:hizo|hace|hacerse) (?:popó|caca|pipí|del baño) encima|\bhace fuerza y no sale"
            rf"|\bno (?:llega|alcanza a llegar) (?:al|a tiempo al) baño|\b(?:ya )?no (?:siente"
            rf"|tiene) (?:las )?ganas de (?:orinar|ir al baño|hacer pipí)"
            rf"|\b(?:gotea|pierde) (?:la )?(?:orina|excremento|heces|pipí)|\bperder (?:la )?(?:orina|excremento"
            rf"|heces)|\baccidentes? (?:en (?:la cama|la ropa"
            rf"|los calzones)|con la orina|de orina)|\bno (?:puede )?(?:aguanta\w*|retene\w*|contene\w*) (?:la orina"
            rf"|las heces|el excremento|el pipí|las ganas)"
        ),
        "piernas débiles": (
            rf"\b(?:piernas?|pies?)\b{NEAR}\bno (?:se )?(?:le |la |las |lo |los )?(?:responden?|puede mover|mueven?"
            rf"|siente)\b|\b(?:piernas?|pies)\b{NEAR}\bpesa(?:n|da)s?\b|\bno puede mover (?:los dedos|las piernas"
            rf"|la pierna)|\bno siente{NEAR}\b(?:piernas?|pies?)\b|"
            rf"\b(?:debilidad|débil(?:es)?|no (?:puede|logra) (?:mover|levantar|alzar|doblar)|poco firmes"
            rf"|pierde (?:la )?fuerza|sin fuerza|arrastra|le cuesta (?:mover|levantar)){NEAR}\b(?:piernas?|pies?)\b"
            rf"|\b(?:piernas?|pies?)\b{NEAR}\b(?:débil\w*|debilidad|no se mueven?|no responden?|poco firmes|fall(?:a"
            rf"|an|ó)|flaque\w+|dobl(?:a|an)|sin fuerza|no (?:le |lo |la )?sostienen?"
            rf"|no (?:le )?aguantan?|flojas?)"
            r"|\bno puede (?:caminar|andar|ponerse de pie|pararse|estar de pie)|\bparálisis\b|\bparaliza\w*"
            r"|\bpie caído|\b(?:debilidad|flojedad) (?:nueva|repentina|que aumenta|de repente)|\bnueva debilidad"
            r"|\bse (?:siente|pone) (?:muy )?débil"
            r" (?:de repente|de pronto)|\bde (?:repente|pronto) se (?:siente|pone) (?:muy )?débil"
            rf"|\bse (?:le|me) (?:dobl\w+|venc\w+|vienc\w+|ca[eé]|afloj\w+|vuelven?){NEAR}\b(?:piernas?|rodillas?"
            rf"|pies?|tobillos?)\b"
            rf"|\brodillas? (?:se )?(?:le )?dobl(?:a|an)\b|\b(?:piernas?|rodillas?|pies?"
            rf"|tobillos?)\b{NEAR}\b(?:de (?:trapo|gelatina|plomo|goma|algodón|hule)|muert[oa]s?|temblor\w+"
            rf"|no (?:le )?(?:funcionan?|sirven?|obedecen?|reaccionan?|dan))\b|\bno (?:le )?(?:responden?|sostienen?"
            rf"|aguantan?|obedecen?){NEAR}"
            rf"\b(?:piernas?|rodillas?|pies?)\b|\b(?:flaque\w+|fallan?|tiembl\w+|débil\w*){NEAR}\b(?:piernas?"
            rf"|rodillas?|pies?)\b"
            rf"|\btrop(?:ieza|ezar|iezan) (?:con (?:la punta|los dedos|sus|el)|mucho)|\bno (?:puede"
            rf"|logra) (?:levantarse de la silla|pararse|sostenerse|apoyar el pie|dar"
            rf" un paso)\b|\b(?:ya )?no puede (?:caminar|andar)|\bno siente (?:la |las |los |el )?(?:piernas?"
            rf"|pies?)\b|\b(?:pierd\w+|perdió|menos"
            rf"|falta de|sin) (?:la )?fuerza{NEAR}\b(?:piernas?|pies?|rodillas?)\b"
        ),
        "cuesta despertarle": (
            r"cuesta despertar\w*|no (?:se )?despierta|respira (?:muy )?(?:lento|despacio)|respiración lenta"
            r"|(?:labios|piel) azul\w*"
            r"|pupilas (?:diminutas|muy pequeñas|como (?:puntos?|alfiler\w*))|\b(?:labios?|uñas|dedos"
            r"|cara)\b[^.;:!?\n]{0,25}\b(?:azul|morad|gris)\w*"
            r"|\bse (?:le )?pon\w+ azul\w*|\bno reacciona\b|\bno (?:lo|la|le) (?:puede|pueden) despertar"
            r"|\b(?:difícil|imposible) (?:de )?despertar\w*|\bno hay manera de despertar\w*|\bdeja de respirar"
            r"|\brespira(?: muy)? poco|\brespiración (?:muy )?(?:lenta"
            r"|débil)|\bronquidos raros|\bgorgote\w*|\bdemasiado dormid[oa]"
        ),
        "sangrado": (
            rf"\b(?:no|sin) (?:para|deja|parar)\b{NEAR}\bsangr\w*|\bsigue sangrando|"
            rf"\bsangr\w*{NEAR}\bno (?:para|se detiene|se corta|deja|cede)|no deja de sangrar|sangrado (?:fuerte"
            rf"|abundante)"
            rf"|\b(?:sangre|sangrado|hemorragia)\b{NEAR}\b(?:sigue|no (?:para|se detiene|deja|cede)|empapa\w*"
            rf"|chorr\w+|traspasa|a chorros)\b"
            rf"|\b(?:empap\w+|traspas\w+|llen[oa]){NEAR}\bsangre\b"
            rf"|\bsale mucha sangre\b|\bsangra (?:mucho|sin parar)|\bhemorragia\b"
        ),
    },
    non_emergencies={
        "fiebre": r"\bfiebre\b|\bescalofríos\b|100\.4",
        "herida roja o con líquido": (
            rf"\b(?:roj[oa]|caliente|hinchad[oa]|líquido|pus|secreción)\b{NEAR}\b(?:herida|sitio|corte|incisión)\b"
            rf"|\b(?:herida|sitio|corte|incisión)\b{NEAR}\b(?:roj[oa]|caliente|hinchad[oa]|líquido|pus|secreción)\b"
        ),
        "pierna hinchada": (
            rf"\b(?:pierna|pantorrilla)\b{NEAR}\b(?:hinch\w*|adolorida|caliente|roja)"
            rf"|\bhinch\w*{NEAR}\b(?:pierna|pantorrilla)\b"
        ),
        "dolor que empeora": (
            rf"\bdolor\b{NEAR}\b(?:empeor\w*|peor|nuevo)\b|(?:duele|dolor){NEAR}de una forma nueva"
            rf"|medicina{NEAR}no (?:le )?ayuda"
        ),
        "adormecimiento u hormigueo": r"\badormec\w+|\bentumec\w+|\bhormigue\w+",
        "dolor de noche": rf"\bdolor\b{NEAR}\b(?:despierta|de noche)",
        "cáncer": r"\b(?:ha tenido|tuvo|tiene) cáncer\b",
        "vómito": r"\bv[oó]mit\w*|\bdevuelve (?:la comida|todo)",
        "sarpullido": r"\bsarpullido\b|\berupción\b",
        "ardor al orinar": r"\bard\w+ al orinar",
        "confusión": r"\bconfundid[oa]\b|\bconfusión\b",
    },
    office_hours_signs={
        "estreñimiento": r"\bestreñi\w+",
        "sitio que duele": r"\bsitio de la aguja\b[^.;:!?\n]{0,20}\bduele\b",
        "se acaba la medicina": r"\bacab(?:a|ando|ó)[^.;:!?\n]{0,12}\bmedicina\b",
        "menos estatura": r"\bmide\b[^.;:!?\n]{0,30}\bmenos\b|\bpierde estatura\b",
    },
    call_phrases=(
        r"\bll[aá]m(?:enos|eles|elo)\b|\bllam(?:e|ar) (?:al|a|ya|hoy|ahora|de|por)\b|\b911\b|\bambulancia\b"
        r"|\bsala de (?:emergencias?|urgencias?)|\bvaya (?:al hospital|a urgencias|a emergencias)|\b(?:es"
        r"|son) una emergencia"
        r"|\bpida (?:ayuda|una ambulancia)|\bel mismo día\b|\bhoy mismo\b|\bde inmediato\b|\bno puede esperar\b"
        r"|\b(?:avísenos|díganos) (?:hoy|ya|ahora|enseguida)"
    ),
    contact_phrases=(
        r"\b(?:ll[aá]m|av[ií]s|d[ií]g|cu[eé]nt|com(?:uní|uni)qu|consúlt|consult|pregúnt|inform|escríb)(?:e"
        r"|a)?n?(?:os|le|elo|noslo|oslo)\b"
        r"|\b(?:ll[aá]menos|av[ií]senos|d[ií]ganos|cu[eé]ntenos|consúltenos|inf[oó]rmenos|pregúntenos"
        r"|d[ií]ga(?:no)?slo"
        r"|coménte(?:no)?slo|repórtelo)"
        r"|\b(?:llame|avise|diga|dígale|dígaselo|avísele|consulte|informe|comente|vea|visite"
        r"|pregunte) (?:esto )?(?:al?|con|a su|a la|en) "
        r"(?:su |el |la )?(?:médico|doctora?|enfermer[ao]|clínica|consultorio|equipo|farmac\w+|cita)"
        r"|\b(?:llame|avise|consulte|vea|visite|hable|acuda|vaya) (?:con |a |al |en |por )?(?:su |el |la "
        r"|nuestr[oa] )?(?:médico|doctora?|enfermer[ao]"
        r"|clínica|consultorio|consulta|oficina)\b|\bd[ií]ga(?:lo|selo)\b|\b(?:mándenos|envíenos|escríbanos)\b"
        r"|\bcomént(?:elo|eselo)\b|\bmenci[oó]n(?:elo|eselo)\b|\bvenga a (?:la|nuestra)"
        r" (?:consulta|oficina)\b|\bpase por (?:la|nuestra) (?:consulta|oficina)\b"
        r"|\b(?:haga|pida|saque) una cita\b|\bvenga (?:a vernos|a la clínica)\b|\bpase por la clínica"
    ),
    delay_phrases=(
        r"(?<!no )(?<!nunca )\besper(?:e|ar) (?:a|al|hasta|un|una|dos|en|para|y|unos|unas|\d)\b|(?<!no )\b(?:puede"
        r"|pueden|podría) esperar\b(?! en\b)"
        r"|\bhasta (?:mañana|el lunes|su (?:próxima )?cita|la (?:próxima )?cita|que abra\w*|la mañana)\b"
        r"|\b(?:próxima|siguiente) (?:cita|visita|semana|vez)\b"
        r"|\b(?:en|durante) (?:su|la) (?:cita|visita|consulta)\b"
        r"|\bmañana\b|\bal día siguiente\b|\bhoy\b|\besta semana\b|\bel mismo día\b|\bla semana (?:próxima"
        r"|que viene)\b|\ben (?:uno|dos|tres|unos|\d+) días\b"
        r"|\b(?:hora|horas|horario) (?:de (?:consulta|oficina|atención|trabajo))\b|\bcuando (?:abra|esté abierta"
        r"|tenga tiempo|pueda)\w*"
        r"|\b(?:díga|avíse|lláme|dígan)\w* (?:pronto|temprano|luego|después)\b"
        r"|\bdescans(?:e|ar)\b|\breposo en casa|\bacuéstese|\brecuéstese|\bsiéntese|\bquédese en (?:casa|cama)"
        r"|\bguarde cama|\bduerma\b"
        r"|\b(?:es|son|parece|resulta) (?:\w+ )?(?:normal(?:es)?|común|comunes|habitual(?:es)?|inofensiv\w+"
        r"|esperable|seguro)\b|\bno (?:es|son) (?:\w+ )?(?:grave|peligros|urgente|una emergencia|nada)\w*"
        r"|\b(?:ignor(?:e|ar)|pruebe|dé tiempo|dele tiempo|por sí sol[oa]s?|sin prisa|se le pasa|pida cita"
        r"|mejora\w* con|relájese)\b|\bno (?:se )?(?:preocupe"
        r"|asuste|alarme)\b|\bno (?:pasa nada|hay (?:problema|peligro|prisa)|hace falta"
        r"|es necesario|necesita|tiene que) ?(?:\w+ )?(?:llam\w*|avis\w*|preocup\w*|ir|ver|ayuda|venir|decir\w*)?"
        r"|\bparte de (?:la recuperación|sanar|mejorar|curarse|envejecer)\b|\b(?:se va|mejora\w*|pasa|cede"
        r"|se alivia) con (?:el tiempo|los días)\b"
        r"|\b(?:algunas|muchas) personas (?:tienen|sienten|notan|quedan)\b[^.;!?\n]{0,60}\b(?:por|durante) (?:un|una"
        r"|dos|tres|unos|unas|varios|varias|\d+)"
        r" (?:o (?:dos|tres) )?(?:horas?|días?|noches?|semanas?)\b|\besto mejora\b|\b(?:nada"
        r"|ningun[oa]s?)\b[^.;:!?\n]{0,20}\b(?:es|son) (?:urgentes?|graves?)\b|\bmenos urgentes?\b"
        r"|\bcon el tiempo se (?:quitan?|van?|pasan?)\b|\bcuídese en casa\b|\bsolo llame si\b|\A\W*(?:molestias"
        r"|síntomas|cosas|señales) (?:normales|leves|comunes)\b"
        r"|\A\W*comun(?:es)? después\b|\A\W*común después\b|\b(?:se )?(?:mejora|quita|pasa|compone) (?:solo|sola"
        r"|pronto)\b"
        r"|(?:\A|[:?!,;–—-] ?)[¿¡\W]*(?:solo |mejor |entonces )?espere\b(?=[.!*]*\Z)"
        r"|\A\W*(?:(?:lo que )?(?:es|son) |lo )?(?:normal(?:es)?|habitual(?:es)?|esperable|nada grave|nada urgente"
        r"|sin (?:urgencia|prisa|importancia)"
        r"|no (?:es |son )?(?:urgentes?|graves?|una emergencia|emergencias?|peligros[oa]s?))(?: (?:después|tras|en"
        r"|durante|al|para|señales"
        r"|síntomas|molestias|y|o|si|cuando)\b|\W*(?:\Z|:))"
        r"|\bno (?:llame|avise)\b|\bno hace falta\b|\bse (?:le )?(?:pasa|quita|pasará|quitará) sol[oa]"
        r"|\btom(?:e|ar) (?:una?|su|sus|más|otra|dos|algo)\b[^.;!?\n]{0,25}\b(?:pastillas?|tabletas?|antihistamínico"
        r"|aspirina|medicinas?|ibuprofeno|paracetamol"
        r"|acetaminofén|baño|siesta)\b|\b(?:póngase|ponga|aplique|use) (?:hielo|calor|crema|una crema)\b|\b(?:beba"
        r"|tome) (?:más|mucha) agua\b"
    ),
    ambulance=(
        r"\b911\b|emergency_number|\bambulancia\b|\bsala de (?:emergencia|urgencia)s?|\b(?:vaya|acuda) (?:a"
        r"|al) (?:hospital|urgencias|emergencias|la sala)"
        r"|\b(?:es|son) una (?:emergencia|urgencia)"
    ),
    ignored_phrases=(
        r"\b(?:llám|pregúnt|d[ií]g|av[ií]s)\w+ (?:si tiene|con) (?:alguna |otras? |sus )?(?:preguntas?|dudas?)\b"
        r"|\balguna vez [^.;!?\n]{0,60}|\bantecedentes de [^.;,!?\n]{0,40}|\b(?:hace años|en el pasado)\b"
        r"|\btuvo un derrame cerebral|\briesgo de (?:un )?derrame cerebral|\badormec\w+ la (?:espalda|piel)"
        r"|\bespalda (?:está )?adormecida"
    ),
    call_headings=(
        r"\bllamo\b|\bllamar\b|\bllame\b|\bll[aá]menos\b|\bemergencia|\bpedir ayuda\b|\bseñales de (?:alarma|alerta"
        r"|peligro)"
        r"|\bno espero\b|\burgente|\burgencia|\bpuede[ns]? esperar\b|\bpuedo esperar\b|\benseguida\b"
        r"|\bde inmediato\b|\bgrave\b|\b(?:av[ií]s|d[ií]g)\w*nos\b"
        r"|\bdebo (?:avisar|preocuparme)\b|\bver al médico\b|\bno (?:hace falta|es grave)\b"
    ),
    back_references=(
        r"\W*(?:(?:tod[oa]s?|cualquiera|nada|ningun[oa]|ambos|ambas)(?: de)? (?:esto|estos|estas|eso|esos|esas"
        r"|lo anterior|los anteriores)"
        r"|si (?:es así|siente|tiene|nota|esto|eso|le pasa)|en (?:ese|este|estos|esos|tal)|entonces|est[aeo]s?"
        r"|es[ao]s?|(?:pueden esperar|son normales)"
        r"|esas|muchas veces|a menudo|a veces)\b"
    ),
    advice_on_previous=(
        r"\W*(?:(?:llám|avís|dígan|díga|espere|descanse|tome|acuést|consult|coménte|venga|vaya)\w*"
        r"|no (?:hace|necesita|tiene|llame|se))"
    ),
    explanation_words=(r"\b(?:(?<!no )puede[ns]?|podrían?|señal(?:es)?|causa\w*)\b"),
    condition=(
        r"\W*(?P<first>(?:use|tómese|tome|póngase|ponga|coma|beba|duerma|siéntese|acuéstese|descanse|quédese|camine"
        r"|cambie)\b[^.?!]*\b(?:si|cuando)\b(?P<later>[^.?!]+))"
        r"|\W*(?P<when>(?:si|cuando)\b[^,?!.]*|[^¿,?!.]{3,60}(?=\?)"
        r"|¿(?!(?:puede|qué|por qué|cómo|cuál|cuándo|es|son|dónde)\b)[^,?]{3,60})[,?](?P<then>.+)"
    ),
    list_references=(r"\b(?:lista|qué hacer|señales de|cuándo llam\w+)\b|^\W*(?:y|o|el médico|los médicos|nosotros)\b"),
)

NUMBERS = NumberVocabulary(
    months=(
        r"(?i:enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre"
        r"|ene|feb|mar|abr|jun|jul|ago|sept?|oct|nov|dic)"
    ),
    weekdays=r"lunes|martes|miércoles|jueves|viernes|sábados?|domingos?|diario|todos los días",
    of="de|del",
    between="(?:a|al|y|e|o|hasta)(?: (?:las?|el))?",
    ordinal_suffixes="er|os|as|av[oa]s?|[rdtvnm]?[oa]s?",
    counted="por ciento|personas?|pacientes?|adultos?|hombres|mujeres|casos?",
    units=(
        "unidades|fracturas?|calor[ií]as|d[ií]as?|noches?|semanas?|mes(?:es)?|años?|horas?|minutos?|segundos?|veces"
        "|pasos?|pastillas?|tabletas?|libras?|pies|pulgadas?|millas?"
    ),
    quantities=(
        r"\bpor ciento\b|\bla mitad de\b|\b(?:un|dos|tres) (?:tercio|cuarto)s?\b|\bel doble\b"
        r"|\bveces (?:más|menos|mayor)\b"
    ),
    items=(
        "n[uú]meros?|marcas?|pasos?|etapas?|secci[oó]n(?:es)?|partes?|p[aá]ginas?|l[ií]neas?|filas?|listas?"
        "|opci[oó]n(?:es)?|puntos?|versi[oó]n(?:es)?|cap[ií]tulos?|p[aá]rrafos?|figuras?|im[aá]gen(?:es)?|fotos?|tablas?"
        "|preguntas?|ejercicios?|nivel(?:es)?|d[ií]as?|semanas?|fases?|visitas?|dosis"
    ),
    documents="versión|revisión|edición|volumen|capítulo|figura|tabla|sección|preguntas?|formulario|modelo",
    classes="tipos?|grados?|fases?|clases?|categorías?|estadios?|grupos?|calibre",
    names=r"\bn\.?º ?\d+",
    code_words="c[oó]digos?|CIE",
    visible_things=(
        "palabras|preguntas|líneas|renglones|imágenes|fotos|etapas|pasos|páginas|partes|opciones|puntos|marcas|listas"
    ),
    denominators="piense en|de cada|total de|sobre",
    writing_verbs="Ponga|Elija|Escriba|Marque|Anote|Numere",
    clock_times=(
        rf"\b{TIME_OF_DAY} ?de la (?:mañana|tarde|noche)\b|\b(?:a|de|desde|hasta) las? {TIME_OF_DAY}\b"
        rf"|\bde {TIME_OF_DAY} a {TIME_OF_DAY} ?h(?:rs?|oras)?\b"
    ),
    open_words="abiert[oa]s?|abrimos|abre|atendemos|horario",
    hours_lead="de|desde las",
    hours_follow="los|de lunes|excepto",
    always_open=r"\b24 horas(?: al día)?,? (?:los )?(?:7|siete) días\b",
    addresses=(
        r"\b(?:C\. ?P\.|CP|(?i:código postal)):? ?\d{4,5}\b"
        r"|\b(?i:piso|planta|sala|consultorio|puerta|edificio|despacho|salida|autobús) ?(?:#|n\.?º ?)?\d{1,5}\b"
        r"|\b(?:[Cc]alle|[Aa]venida|Av\.|Avda\.|[Pp]aseo|[Cc]arrera|[Cc]alzada|[Cc]amino|[Pp]laza|[Cc]arretera)"
        r"(?: (?:de|del|la|las|los|el|[A-ZÁÉÍÓÚÑ][\w.]*)){1,5},? ?(?:n\.?º ?|núm\. ?|#)?\d{1,5}\b"
    ),
    call_words=(
        "llame|llamar|ll[aá]m[ea]nos|llamando|marque|marcar|tel[eé]fono|n[uú]mero|celular|m[oó]vil|fijo|l[ií]nea"
    ),
    dial_words="llame|marque|envíe|mande|teléfono|número",
    dial_links="al|a|el",
    extension_words=r"extensión\b\.?|(?:oprima|presione|pulse|marque)(?: el)?",
    glued_extensions="x|ext(?:ensi[oó]n)?|int(?:erno)?|anexo",
    after_emergency_number="es|o|y|si|ahora|de inmediato|cuando|enseguida|para",
    birth_words=r"\bnac(?:í|i|ido|ida|ió|imiento)\b|\bcumpleaños\b",
    personal_numbers=r"seguro\s+social|expediente",
    record_words="cuenta|historia",
    number_links="es|n[úu]mero",
    email_at="arroba",
    email_dot="punto",
)

SPANISH = LanguageDefinition(
    code="es",
    name="Español",
    english_name="Spanish",
    address_words=ADDRESS_WORDS,
    infobutton_codes=frozenset({"spa", "sp"}),
    abbreviations=("Dra?", "Sra?", "Srta", "Uds?", r"p\. ej", "EE", "UU", "aprox"),
    number_abbreviations=("[Nn]úms?", "[Pp]ágs?", "[Ff]igs?", "[Ee]xt", "[Tt]el", "[Cc]ap"),
    search=Search(stemmer="spanish", stopwords=STOPWORDS, distinct_letters="ñ"),
    readability=Readability(
        name="Fernández-Huerta",
        formula=fernandez_huerta,
        count_syllables=count_syllables,
        higher_is_easier=True,
        limit=70.0,
        paragraph_limit=60.0,
        floor=None,
        level_label=_("reading ease %(level)s of 100 (higher is easier)"),
        too_hard=_(
            "The text has a Fernández-Huerta score of %(level)s; the minimum is %(limit)s. Use shorter sentences and "
            "words."
        ),
        hard_paragraph=_("This paragraph has a Fernández-Huerta score of %(level)s. Use shorter sentences and words."),
        too_easy=_(
            "The text has a Fernández-Huerta score of %(level)s, above %(limit)s. Combine short sentences, so"
            " that it does not sound as if it was written for a child."
        ),
        max_level=100.0,
        reading_ease=fernandez_huerta,
    ),
    # Words are longer than in English: verbs with endings for person and time often have four syllables.
    hard_words=HardWords(min_syllables=5, easy=EASY_WORDS, base_forms=base_forms),
    passive=PASSIVE,
    patient_data=(
        r"\b(?:DOB|MRN|SSN|fecha de nacimiento|naci[oó] el|(?:n[uú]mero|n\.?[oº]) de (?:expediente|historia|paciente))"
        r"[#:.\s]*\d[\d/.-]{2,}|(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"
    ),
    vague_links=(
        r"(?:(?:haga|haz|hacer|de|dé|da) )?(?:clic|click|clik)(?: (?:en )?(?:aqu[ií]|ac[aá]|este enlace|el enlace))?"
        r"|(?:(?:pulse|presione|oprima|toque|pinche|vea|mire|lea|vaya|entre|consulte|siga) )?"
        r"(?:(?:en )?(?:aqu[ií]|ac[aá])|(?:en )?(?:este|el|nuestro) (?:enlace|sitio(?: web)?|v[ií]deo|documento|texto)"
        r"|(?:en )?(?:esta|la|nuestra) p[aá]gina)|enlace|v[ií]nculo|sitio web|link"
        r"|(?:(?:lea|leer|vea|ver|saber|conozca|para|obtener) )?m[aá]s(?: (?:informaci[oó]n|detalles|aqu[ií]))?"
        r"|informaci[oó]n|detalles|continuar|abrir|siga leyendo|seguir leyendo"
    ),
    clause_break=r";\s+|,\s+y\s+(?=(?:usted|nosotros|ellos|eso|esto|no)\b)|,\s+(?=(?:pero|así que)\b)",
    spoken_alphabet=SPOKEN_ALPHABET,
    triage=TRIAGE,
    numbers=NUMBERS,
    raised_ordinals=RaisedOrdinals(
        letters={"o": "º", "a": "ª"},
        characters="ñ¿¡",
        words=tuple("el la los las del una por para con vez dosis semana día visita".split()),
    ),
    error_notice=ErrorNotice(
        sentence=(
            "Hubo un problema de nuestro lado. Espere un minuto e intente de nuevo. "
            "Si es urgente, llame al número que está en su carta o correo."
        ),
        home_link="Ir a la primera página",
    ),
)
