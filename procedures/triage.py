"""Recognizes text that pairs warning signs with instructions: signs and their levels belong in one list.

Patterns are families of everyday wordings in each language. An emergency sign must not be combined with any
instruction, neither to call nor to wait. Any other sign must not be combined with a level: 911, office hours, a delay
or a reassurance; two of them must not be combined with a call either. Text that only explains signs is fine.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from portal.text import APOSTROPHES, normalize

ENGLISH, SPANISH = "en", "es"
WITHIN_CLAUSE = r"[^.;:!?\n]{0,45}"

# Emergency signs. Apostrophes are plain by the time a text is compared.
EMERGENCY_SIGNS: dict[str, dict[str, str]] = {
    ENGLISH: {
        "stroke": (
            rf"\bmouth\b{WITHIN_CLAUSE}\b(?:droop|hang|sag|crooked|pull)\w*|\bdroop\w*{WITHIN_CLAUSE}\bmouth"
            rf"|\barms?\b{WITHIN_CLAUSE}\b(?:drifts?|drops?|falls?|limp|heavy)\b|"
            rf"\b(?:no feeling|lose feeling|cannot feel|can't feel|tingl\w*){WITHIN_CLAUSE}\b(?:arms?|face)\b|"
            rf"\bstroke\b|\bBE[ -]?FAST\b|\bface{WITHIN_CLAUSE}\bdroop|droop\w*{WITHIN_CLAUSE}\bface|slur\w*{WITHIN_CLAUSE}\bspeech"
            rf"|speech{WITHIN_CLAUSE}\bslur"
            rf"|numb\w*{WITHIN_CLAUSE}\b(?:arms?|face)\b|\b(?:arms?|face)\b{WITHIN_CLAUSE}\b(?:numb|goes numb|weak)"
            rf"|\b(?:weak\w*|(?:cannot|can't) (?:move|lift|raise)){WITHIN_CLAUSE}\b(?:arms?|hands?)\b"
            rf"|\bface{WITHIN_CLAUSE}\b(?:hang|sag|drop|crooked|lopsided|uneven|paraly)\w*|\b(?:crooked|lopsided"
            rf"|uneven) (?:face|smile)"
            r"|\b(?:trouble|hard to|difficulty|problems?|cannot|can't|unable to|struggl\w+ to) (?:with )?(?:talk"
            r"|speak|find words)\w*"
            r"|\b(?:garbled|jumbled|mixed-up) (?:speech|words)|\bspeech (?:is|gets|becomes) (?:un\w+|garbled|odd"
            r"|strange)"
            rf"|\bsudden\w*{WITHIN_CLAUSE}\b(?:vision|balance|eyesight|cannot see|can't see|blind\w*|dizz\w+|confus\w+"
            rf"|see double)"
            r"|\b(?:los[es]\w*|loss of) (?:your |my )?(?:vision|sight|balance)\b|\bdouble vision"
        ),
        "chest pain": (
            rf"chest (?:pain|hurts|aches|pressure|tight\w*|feels tight|is tight)|tight chest"
            rf"|(?:pressure|tightness|pain){WITHIN_CLAUSE}\bin (?:your|my|the) chest"
        ),
        "trouble breathing": (
            r"short(?:ness)? of breath|short breath|(?:trouble|difficulty|problems?|hard time) (?:with )?breathing"
            r"|catch your breath|"
            r"gasp\w* for (?:air|breath)|not get (?:enough )?(?:air|breath)|(?:spit\w*|bring\w*) up blood"
            r"|hard(?:er)? to breathe|(?:cannot|can't) breathe"
            r"|struggl\w+ to breathe|out of breath|breathless|cough\w* (?:up )?blood"
            r"|heart (?:is )?(?:rac|pound|flutter|beats? (?:very |too )?fast|beating)\w*"
            r"|racing heart"
        ),
        "fainting": (
            r"\bfaint(?:s|ed|ing)?\b(?! (?:gray|line|mark|shadow|smell|pink|red))|\bcollaps(?:e|es|ed|ing)\b(?! of)"
            r"|\bkeel\w* over|\bpass(?:es|ed|ing)? out\b|\bblack(?:s|ed|ing)? out\b|\bunconscious"
            r"|lose consciousness"
        ),
        "severe allergy": (
            rf"\bthroat\b{WITHIN_CLAUSE}\b(?:clos|tight|swell|swoll)\w*|\b(?:trouble|hard to|cannot|can't) swallow\w*|"
            rf"\bhives\b|\bwheez\w*|anaphyla\w*|(?:severe|serious|bad) allergic"
            rf"|\b(?:face|lips|tongue|throat)\b{WITHIN_CLAUSE}\bsw(?:ell|oll)\w*|\bsw(?:ell|oll)\w*{WITHIN_CLAUSE}\b(?:face|lips"
            rf"|tongue|throat)\b"
        ),
        "numb between the legs": (
            rf"\b(?:numb\w*|(?:no|lose|lost) feeling|cannot feel|can't feel){WITHIN_CLAUSE}"
            rf"\b(?:between (?:your|the|my) (?:inner )?(?:legs|thighs)|inner thighs?|genitals?|groin|saddle|anus"
            rf"|bottom|private parts)"
            rf"|\bbetween (?:your |the |my )?(?:inner )?(?:legs|thighs|them)\b{WITHIN_CLAUSE}\bnumb|saddle (?:numbness"
            rf"|an(?:a)?esthesia)"
        ),
        "bladder or bowel": (
            rf"\b(?:not|n't) (?:pee|peed|urinate|urinated|pass\w* (?:urine|water))\b|\bno urine\b|"
            r"\b(?:wet|soil|pee|poop|mess)(?:s|ed|t?ing)? (?:on )?(?:yourself|himself|herself|themselves|your pants"
            r"|the bed"
            r"|your bed)|\b(?:cannot|can't|unable to) (?:pass (?:any )?(?:water|urine|stool)|go to the (?:bathroom"
            r"|toilet))"
            r"|\bhold (?:it in|your (?:urine|pee|water))"
            rf"|\b(?:cannot|can't|can you not|trouble|unable|no control|los(?:e|es|t|ing) control|loss of|leak\w*"
            rf"|will not|won't|do not feel)\b{WITHIN_CLAUSE}"
            rf"\b(?:bladder|bowels?|urine|urinate|urinating|pee|peeing|stools?|poop)\b"
            rf"|\b(?:bladder|bowels?)\b{WITHIN_CLAUSE}\b(?:will not work|won't work|control|leak\w*|accident\w*|cannot|can't)"
            rf"|\bincontinen\w*"
        ),
        "weak legs": (
            rf"\b(?:foot|feet|toes?) (?:slaps?|catch\w*)\b|\b(?:legs?|feet|foot)\b{WITHIN_CLAUSE}\bheavy\b|\b(?:cannot|can't"
            rf"|unable to) (?:move|feel|lift|wiggle) (?:your|my|the|a|one|both) (?:toes?|foot|feet|ankles?|legs?)\b|"
            rf"\b(?:weak\w*|cannot move|can't move|paraly\w+|unsteady)\b{WITHIN_CLAUSE}\b(?:legs?|feet|foot)\b"
            rf"|\b(?:legs?|feet|foot)\b{WITHIN_CLAUSE}\b(?:weak\w*|cannot move|can't move|(?:will|do) not move|paraly\w+"
            rf"|gives? way|unsteady)"
            r"|\b(?:cannot|can't|can hardly|can barely|unable to|not able to) (?:walk|stand(?: up)?|move (?:your|my"
            r"|the) legs?)\b"
            r"|\bparaly(?:sis|zed)\b"
            rf"|\b(?:cannot|can't|hard to|unable to|trouble|not able to) (?:lift|raise|bend|control|lifting|raising"
            rf"|moving){WITHIN_CLAUSE}"
            r"\b(?:foot|feet|legs?|toes?|ankles?)\b"
            r"|\bdrop(?:ped)?[ -]foot\b|\bfoot[ -]drop\b|\b(?:foot|toes?) (?:drops?|drags?)\b|\bdrag\w* (?:your|a"
            r"|one|the) (?:foot|leg|toes?)"
            rf"|\b(?:legs?|knees?)\b{WITHIN_CLAUSE}\b(?:buckl\w+|giv\w+ out|gave out|collapse\w*|fail\w*|go(?:es)? limp"
            rf"|limp)\b"
            r"|\b(?:los\w+|less|no|loss of) (?:strength|power|feeling and strength) in (?:your|a|one|the|both"
            r"|my) (?:legs?|foot|feet)"
        ),
        "hard to wake": (
            r"\bbreath(?:ing|es|e)? (?:is |gets |becomes )?(?:very |too )?slow\w*|\bgurgl\w+|"
            rf"\b(?:hard|difficult|cannot|can't|impossible){WITHIN_CLAUSE}\bwake|will not wake|won't wake"
            r"|slow(?:ed)? breathing|breath(?:es|ing) (?:very )?slow\w*|blue (?:lips|skin)|(?:tiny|pinpoint) pupils"
        ),
        "bleeding": (
            rf"\bbleed\w*{WITHIN_CLAUSE}\b(?:through|(?:does|will|keeps?|keep) (?:not|on|going)|won't|does not|heav\w+"
            rf"|a lot)\b|\bkeeps? (?:on )?bleeding|"
            rf"\bbleed\w*{WITHIN_CLAUSE}\b(?:not|never|n't) stop|n't stop{WITHIN_CLAUSE}\bbleed|\bstop (?:the )?bleeding|heavy bleeding"
        ),
    },
    SPANISH: {
        "derrame cerebral": (
            rf"\bboca\b{WITHIN_CLAUSE}\b(?:torcid|cuelg|cae|chueca|de lado)\w*|\bno siente{WITHIN_CLAUSE}\b(?:brazos?|cara)\b"
            rf"|\bhabla (?:mal|enredado)\b|\bno ve bien de repente|\b(?:brazos?)\b{WITHIN_CLAUSE}\b(?:se le cae|sin fuerza"
            rf"|falla|pesa)\w*|"
            rf"derrame cerebral|(?:ataque|infarto|accidente) cerebr\w+|\bcara{WITHIN_CLAUSE}\b(?:caíd|torcid|chueca"
            rf"|adormec)\w*"
            rf"|\b(?:adormec|entumec|débil|debil)\w*{WITHIN_CLAUSE}\b(?:brazos?|cara)\b|\bbrazos?\b{WITHIN_CLAUSE}\b(?:adormec|entumec"
            rf"|débil|debil)\w*"
            r"|habla (?:rar|arrastr|enred)\w*"
            r"|(?:dificultad|problemas?) (?:para|al) hablar|(?:le|me) cuesta(?: trabajo)? hablar|no (?:puede"
            r"|le sale\w*) (?:hablar|las palabras)"
            rf"|traba(?:n|r)? (?:la lengua|al hablar)|\b(?:lado|mitad) de la cara\b{WITHIN_CLAUSE}\b(?:cuelg|ca[eí]|tuerc"
            rf"|torc|adormec|débil)\w*"
            rf"|\bcara\b{WITHIN_CLAUSE}\b(?:cuelg|se (?:le )?(?:cae|tuerce)|de lado)\w*"
            rf"|\b(?:debilidad|no puede (?:mover|levantar|alzar)){WITHIN_CLAUSE}\b(?:brazos?|manos?)\b"
            rf"|\bde repente\b{WITHIN_CLAUSE}\b(?:ve|vista|equilibrio|ver|mare\w+|confund\w+)\b|\brepentin\w+{WITHIN_CLAUSE}\b(?:vista"
            rf"|equilibrio)"
            r"|\b(?:tuerce|cuelga|cae)\w* (?:un lado de )?la cara\b|pierde (?:la vista|el equilibrio)|\bve doble\b"
            r"|visión doble"
        ),
        "dolor de pecho": (
            r"dolor (?:de|en el) pecho|duele el pecho|presión en el pecho"
            r"|pecho que duele|(?:opresión|dolores) (?:de|en el) pecho|pecho (?:le )?(?:duele|aprieta|oprim)\w*"
        ),
        "falta de aire": (
            r"falt\w* (?:de |el |del )?(?:aire|aliento)|(?:dificultad (?:para|al)|(?:le|me) cuesta|no puede"
            r"|problemas? (?:para|al)) respirar"
            r"|(?:se ahoga|se queda sin aire|sin aliento|respira(?:r)? con dificultad|escupe sangre)"
            r"|toser? (?:con )?sangre|tose sangre"
            rf"|tos con sangre|corazón{WITHIN_CLAUSE}(?:rápido|aceler\w+|fuerte|desbocad\w+)|palpitaciones"
        ),
        "desmayo": (
            r"\bdesmay\w*|\bdesvanec\w*|\bdesplom\w*"
            r"|(?:pierde|perd\w+) el (?:conocimiento|sentido)|inconsciente"
        ),
        "alergia grave": (
            rf"\bgarganta\b{WITHIN_CLAUSE}\bcierr\w*|\bcierr\w*{WITHIN_CLAUSE}\bgarganta\b|\bcuesta tragar|\bno puede tragar|"
            rf"\bronchas\b|\burticaria\b|anafil\w*|reacción alérgica (?:grave|fuerte)|silb\w+{WITHIN_CLAUSE}\b(?:pecho"
            rf"|respirar)"
            rf"|\b(?:cara|labios|lengua|garganta)\b{WITHIN_CLAUSE}\bhinch\w*|\bhinch\w*{WITHIN_CLAUSE}\b(?:cara|labios|lengua"
            rf"|garganta)\b"
        ),
        "piel adormecida entre las piernas": (
            rf"\b(?:adormec\w+|entumec\w+|no siente|sin sensibilidad){WITHIN_CLAUSE}"
            r"\b(?:entre (?:las piernas|los muslos|ellas)|genitales|entrepierna|silla de montar|ano\b|ingle)"
            rf"|\bentre (?:las piernas|los muslos|ellas)\b{WITHIN_CLAUSE}\b(?:adormec|entumec)\w+"
        ),
        "vejiga o intestino": (
            rf"\b(?:se|me) (?:le )?hace (?:del baño|caca|pipí|popó)\b|\bno (?:ha orinado|orina)\b|"
            r"\b(?:se|me) (?:le )?(?:orina|hace|mea|ensucia)(?:r)? (?:encima|en la cama|en la ropa)"
            r"|\bmoja (?:la cama|la ropa)"
            r"|\borinarse encima|\bensucia la ropa|\bno puede (?:hacer pipí|ir al baño|aguantar)|\bhacerse encima"
            rf"|\b(?:no puede|no aguanta|no logra|no controla|le cuesta|sin control|pierde el control|se le sal\w+"
            rf"|no siente"
            rf"|dificultad para){WITHIN_CLAUSE}"
            rf"\b(?:orin\w*|vejiga|intestino|heces|excremento|evacuar)\b"
            rf"|\b(?:vejiga|intestino)\b{WITHIN_CLAUSE}\b(?:no funciona\w*|sin control|control\w*)|\bincontinen\w*"
        ),
        "piernas débiles": (
            rf"\b(?:piernas?|pies?)\b{WITHIN_CLAUSE}\bno (?:se )?(?:le |la |las |lo |los )?(?:responden?|puede mover|mueven?"
            rf"|siente)\b|\b(?:piernas?|pies)\b{WITHIN_CLAUSE}\bpesa(?:n|da)s?\b|\bno puede mover (?:los dedos|las piernas"
            rf"|la pierna)|\bno siente{WITHIN_CLAUSE}\b(?:piernas?|pies?)\b|"
            rf"\b(?:debilidad|débil(?:es)?|no (?:puede|logra) (?:mover|levantar|alzar|doblar)|poco firmes"
            rf"|pierde (?:la )?fuerza|sin fuerza|arrastra|le cuesta (?:mover|levantar)){WITHIN_CLAUSE}\b(?:piernas?|pies?)\b"
            rf"|\b(?:piernas?|pies?)\b{WITHIN_CLAUSE}\b(?:débil\w*|debilidad|no se mueven?|no responden?|poco firmes|fall(?:a"
            rf"|an|ó)|flaque\w+|dobl(?:a|an)|sin fuerza|no (?:le |lo |la )?sostienen?"
            rf"|no (?:le )?aguantan?|flojas?)"
            r"|\bno puede (?:caminar|andar|ponerse de pie|pararse|estar de pie)|\bparálisis\b|\bparaliza\w*"
            r"|\bpie caído"
        ),
        "cuesta despertarle": (
            r"cuesta despertar\w*|no (?:se )?despierta|respira (?:muy )?(?:lento|despacio)|respiración lenta"
            r"|(?:labios|piel) azul\w*"
            r"|pupilas (?:diminutas|muy pequeñas)"
        ),
        "sangrado": (
            rf"\b(?:no|sin) (?:para|deja|parar)\b{WITHIN_CLAUSE}\bsangr\w*|\bsigue sangrando|"
            rf"\bsangr\w*{WITHIN_CLAUSE}\bno (?:para|se detiene|se corta|deja|cede)|no deja de sangrar|sangrado fuerte"
        ),
    },
}
OTHER_SIGNS: dict[str, dict[str, str]] = {
    ENGLISH: {
        "fever": r"\bfever(?:s|ish)?\b|high temperature|\bchills\b|100\.4|\btemperature of\b",
        "red or leaking wound": (
            rf"\b(?:red(?:ness)?|hot|swollen|swelling|leak\w*|drain\w*|pus|oozing)\b{WITHIN_CLAUSE}\b(?:wound|site|cut"
            rf"|incision)\b"
            rf"|\b(?:wound|site|cut|incision)\b{WITHIN_CLAUSE}\b(?:red(?:ness)?|hot|swollen|swelling|leak\w*|drain\w*|pus"
            rf"|oozing)\b"
        ),
        "swollen leg": (
            rf"\b(?:sw(?:ollen|elling)|sore|warm|red|puffy){WITHIN_CLAUSE}\b(?:leg|calf)\b"
            rf"|\b(?:leg|calf)\b{WITHIN_CLAUSE}\b(?:sw(?:ollen|ells?|elling|elled)|sore|warm|red|puffy)\b"
        ),
        "worse pain": (
            rf"\bpain\b{WITHIN_CLAUSE}\bworse|\bworse\b{WITHIN_CLAUSE}\bpain\b|\b(?:sudden|severe|new),? (?:new |sudden |back )*pain"
            rf"|\b(?:back|spine) hurts in a new|medicine does not help"
        ),
        "numbness or tingling": r"\bnumb(?:ness)?\b|\btingl\w*|pins and needles|\basleep feeling",
        "pain at night": rf"\bpain\b{WITHIN_CLAUSE}\b(?:wakes|at night)|wakes you (?:up )?at night",
        "cancer": r"\b(?:had|have|history of) cancer\b",
        "vomiting": (
            r"\bvomit\w*|\bthr(?:ows?|ew|owing|own) up\b|\bpuk(?:e|es|ing)\b"
            r"|keep (?:food|anything|fluids) down"
        ),
        "rash": r"\brash(?:es)?\b",
        "burning urine": (
            rf"\bburn\w*{WITHIN_CLAUSE}\b(?:pee|pass)\w*|"
            rf"\bburn\w*{WITHIN_CLAUSE}\burin\w*|\burin\w*{WITHIN_CLAUSE}\bburn\w*"
        ),
        "confusion": r"\bconfus(?:ed|ion)\b",
    },
    SPANISH: {
        "fiebre": r"\bfiebre\b|\bescalofríos\b|100\.4",
        "herida roja o con líquido": (
            rf"\b(?:roj[oa]|caliente|hinchad[oa]|líquido|pus|secreción)\b{WITHIN_CLAUSE}\b(?:herida|sitio|corte|incisión)\b"
            rf"|\b(?:herida|sitio|corte|incisión)\b{WITHIN_CLAUSE}\b(?:roj[oa]|caliente|hinchad[oa]|líquido|pus|secreción)\b"
        ),
        "pierna hinchada": (
            rf"\b(?:pierna|pantorrilla)\b{WITHIN_CLAUSE}\b(?:hinch\w*|adolorida|caliente|roja)"
            rf"|\bhinch\w*{WITHIN_CLAUSE}\b(?:pierna|pantorrilla)\b"
        ),
        "dolor que empeora": (
            rf"\bdolor\b{WITHIN_CLAUSE}\b(?:empeor\w*|peor|nuevo)\b|(?:duele|dolor){WITHIN_CLAUSE}de una forma nueva"
            rf"|medicina{WITHIN_CLAUSE}no (?:le )?ayuda"
        ),
        "adormecimiento u hormigueo": r"\badormec\w+|\bentumec\w+|\bhormigue\w+",
        "dolor de noche": rf"\bdolor\b{WITHIN_CLAUSE}\b(?:despierta|de noche)",
        "cáncer": r"\b(?:ha tenido|tuvo|tiene) cáncer\b",
        "vómito": r"\bv[oó]mit\w*|\bdevuelve (?:la comida|todo)",
        "sarpullido": r"\bsarpullido\b|\berupción\b",
        "ardor al orinar": r"\bard\w+ al orinar",
        "confusión": r"\bconfundid[oa]\b|\bconfusión\b",
    },
}
CALL_PHRASES: dict[str, str] = {
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
# Any word to staff or a doctor. Enough to forbid an emergency sign in the same sentence.
CONTACT_PHRASES: dict[str, str] = {
    ENGLISH: (
        r"\b(?:call|phone|ring|contact|page|text|e-?mail|message|see|visit|ask|tell|inform|show|notify)\b (?:to )?"
        r"(?:us|(?:the|your|a|our) (?:own |family )?(?:clinic|doctor|nurse|office|team|surgeon|pharmacist"
        r"|care team))\b"
        r"|\b(?:speak|talk|mention) (?:\w+ ){0,2}?(?:to|with) (?:us|the|your)\b|\blet (?:us|your \w+|the \w+"
        r"|someone) know\b|\bgive us a (?:call|ring)\b|\b(?:mention|report) (?:it|this"
        r"|that|them)\b"
        r"|\bbring (?:it|this|that) up\b|\b(?:make|book) an? (?:appointment|visit)\b|\bcome (?:in|to the clinic"
        r"|and see us)\b"
        r"|\bcall {clinic\.|\bgo to the (?:clinic|office|pharmacy)\b|\bjust call\b|\bcall (?:first|early)\b"
    ),
    SPANISH: (
        r"\b(?:ll[aá]m|av[ií]s|d[ií]g|cu[eé]nt|com(?:uní|uni)qu|consúlt|consult|pregúnt|inform|escríb)(?:e"
        r"|a)?n?(?:os|le|elo|noslo|oslo)\b"
        r"|\b(?:ll[aá]menos|av[ií]senos|d[ií]ganos|cu[eé]ntenos|consúltenos|inf[oó]rmenos|pregúntenos"
        r"|d[ií]ga(?:no)?slo"
        r"|coménte(?:no)?slo|repórtelo)"
        r"|\b(?:llame|avise|diga|dígale|dígaselo|avísele|consulte|informe|comente|vea|visite"
        r"|pregunte) (?:esto )?(?:al?|con|a su|a la|en) "
        r"(?:su |el |la )?(?:médico|doctora?|enfermer[ao]|clínica|consultorio|equipo|farmac\w+|cita)"
        r"|\b(?:haga|pida|saque) una cita\b|\bvenga (?:a vernos|a la clínica)\b|\bpase por la clínica"
    ),
}
# A level below the list: a delay, a reassurance, care at home.
DELAY_PHRASES: dict[str, str] = {
    ENGLISH: (
        r"(?<!not )(?<!n't )(?<!never )(?<!cannot )\bwait (?:until|till|for|a (?:day|week|while|bit)|and see|it out"
        r"|to see|at home|one|two|\d)"
        r"|\b(?:can|may|could|will|just|please|should) (?:(?:it|this|that|these|they"
        r"|i) )?(?:safely )?wait\b(?! (?:while|with))"
        r"|\b(?:until|till|by) (?:the )?(?:next )?(?:morning|tomorrow|monday|your (?:next )?(?:visit|appointment)"
        r"|the visit|we open)"
        r"|\bnext (?:visit|appointment|week|day|month|time|morning)\b|\b(?:at|during|before) (?:your"
        r"|the) (?:\w+ )?(?:visit|appointment|checkup|check-up)\b"
        r"|\btomorrow\b|\bin the morning\b|\b(?:later )?(?:today|this week)\b|\bsame day\b|\bwithin (?:a|an|one|two"
        r"|three|\d+) (?:day|hour|week)s?\b"
        r"|\bin (?:a|one|two|three|a few|\d+) (?:day|hour|week)s?\b(?= *(?:[.!]|if\b|$))|\boffice hours\b"
        r"|\b(?:opening|business|clinic) hours\b"
        r"|\bwhen (?:we|the clinic) (?:are|is|re)?-?\s?opens?\b|\bduring the day\b|\bwhen you have time\b"
        r"|\bat some point\b|\b(?:tell|call) us (?:early|soon)\b"
        r"|\brest (?:at home|in bed|for|until|and|a (?:bit|while|little))|\b(?:please|just|then"
        r"|you should),? (?:rest|lie down|sit down|relax)\b"
        r"|,? ?(?:(?<!you )\blie down|\bgo to bed|\bsleep it off|\bstay (?:at )?home|\bstay in bed"
        r"|\bsit down)\b(?! on)"
        r"|\b(?:is|are|be|seems?|feels?) (?:\w+ )?(?:normal|harmless|ok(?:ay)?|fine|expected|to be expected|nothing"
        r"|all right|safe|common"
        r"|usual|not serious|not dangerous|not urgent|not an emergency|no emergency|no problem|no cause)\b"
        r"|\b(?:ignore|give (?:it|them) (?:some |a little )?time|ok(?:ay)? to wait|fine to wait"
        r"|(?:go home and )?rest if|try (?:an?|some|first))\b|\b(?:on its own|by itself|on their own|by themselves"
        r"|wears? off|settles?|no (?:rush|hurry|reason to"
        r"|need to)|gets? better|heals? with)\b"
        r"|\b(?:normal|harmless) (?:part|sign|to|after)\b|\bnothing to worry\b|\b(?:do not|don't|no need to|need not"
        r"|never) (?:\w+ )?(?:worry|panic|fear|call|tell|be (?:afraid|alarmed|worried))\b"
        r"|\b(?:no need|need not|needn't|(?:do not|don't) (?:need|have)) (?:to |for )?(?:\w+ )?(?:call|worry|tell"
        r"|see|go|come|an? (?:doctor|ambulance|visit)|help|do anything)\b"
        r"|\b(?:will|should|usually|often|soon|mostly) (?:pass|pass(?:es)?|go(?:es)? away|clears? up|gets? better)\b"
        r"|\bgoes away (?:by itself|on its own)"
        r"|\btake (?:an?|some|one|two|your|more|extra)\b[^.;!?\n]{0,25}\b(?:pills?|tablets?|antihistamines?|aspirin"
        r"|medicines?|acetaminophen"
        r"|tylenol|ibuprofen|benadryl|bath|shower|nap|rest|walk)\b"
        r"|\b(?:keep an eye|watch it|see (?:if|how) it)\b|\b(?:put|use|apply) (?:an? )?(?:ice|heat|warm|cold"
        r"|cream)\b|\bdrink (?:more|some|plenty|a lot)"
    ),
    SPANISH: (
        r"(?<!no )(?<!nunca )\besper(?:e|ar) (?:a|al|hasta|un|una|dos|en|para|y|unos|unas|\d)\b|(?<!no )\b(?:puede"
        r"|pueden|podría) esperar\b"
        r"|\bhasta (?:mañana|el lunes|su (?:próxima )?cita|la (?:próxima )?cita|que abra\w*|la mañana)\b"
        r"|\b(?:próxima|siguiente) (?:cita|visita|semana|vez)\b"
        r"|\b(?:en|durante|antes de) (?:su|la) (?:cita|visita|consulta)\b"
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
        r"|\bno (?:llame|avise)\b|\bno hace falta\b|\bse (?:le )?(?:pasa|quita|pasará|quitará) sol[oa]"
        r"|\btom(?:e|ar) (?:una?|su|sus|más|otra|dos|algo)\b[^.;!?\n]{0,25}\b(?:pastillas?|tabletas?|antihistamínico"
        r"|aspirina|medicinas?|ibuprofeno|paracetamol"
        r"|acetaminofén|baño|siesta)\b|\b(?:póngase|ponga|aplique|use) (?:hielo|calor|crema|una crema)\b|\b(?:beba"
        r"|tome) (?:más|mucha) agua\b"
    ),
}
AMBULANCE_PHRASES: dict[str, str] = {
    ENGLISH: (
        r"\b911\b|emergency_number|\bambulance\b|\bemergency (?:room|department)|\bgo to the (?:nearest )?(?:ER"
        r"|hospital)\b|\bthe ER\b"
        r"|\b(?:is|are) (?:also )?an? (?:medical |true |real )?emergenc"
    ),
    SPANISH: (
        r"\b911\b|emergency_number|\bambulancia\b|\bsala de (?:emergencia|urgencia)s?|\b(?:vaya|acuda) (?:a"
        r"|al) (?:hospital|urgencias|emergencias|la sala)"
        r"|\b(?:es|son) una (?:emergencia|urgencia)"
    ),
}
# Signs for office hours: only a call for an ambulance contradicts their row.
OFFICE_HOURS_SIGNS: dict[str, dict[str, str]] = {
    ENGLISH: {
        "constipation": r"\bconstipat\w+",
        "sore needle site": r"\b(?:needle site|site)\b[^.;:!?\n]{0,20}\bsore\b|\bsore (?:needle )?site\b",
        "low on medicine": r"\b(?:run\w*|low) (?:low |out )?(?:on|of) (?:a |your |the )?(?:\w+ )?medicine\b|\brefill\b",
        "shorter": r"\bshorter than\b|\blos\w+ height\b",
    },
    SPANISH: {
        "estreñimiento": r"\bestreñi\w+",
        "sitio que duele": r"\bsitio de la aguja\b[^.;:!?\n]{0,20}\bduele\b",
        "se acaba la medicina": r"\bacab(?:a|ando|ó)[^.;:!?\n]{0,12}\bmedicina\b",
        "menos estatura": r"\bmide\b[^.;:!?\n]{0,30}\bmenos\b|\bpierde estatura\b",
    },
}
# Removed before a text is compared: calls about other things, events of long ago, numbness that is intended.
ASIDE_PHRASES: dict[str, str] = {
    ENGLISH: (
        r"\b(?:call|ask|tell|phone|see) (?:us|{clinic\.\w+}|your \w+) (?:if you have|with|about) (?:any |your "
        r"|other |more )?questions?\b"
        r"|\b(?:have|has|had|did)\b (?:you )?(?:ever|already|once) [^.;!?\n]{0,60}|\bhistory of [^.;,!?\n]{0,40}"
        r"|\b[^.;,!?\n]{0,40}\b(?:in the past|years? ago)\b"
        r"|\b(?:had|have had|after|risk of|cause|lower) an? (?:past )?stroke\b|\bstroke (?:that )?you had\b"
        r"|\bnumbs?\b [^.;,!?\n]{0,12}(?:back"
        r"|skin)\b|\b(?:back|skin) (?:is|will be|feels) numb\b"
    ),
    SPANISH: (
        r"\b(?:llám|pregúnt|d[ií]g|av[ií]s)\w+ (?:si tiene|con) (?:alguna |otras? |sus )?(?:preguntas?|dudas?)\b"
        r"|\balguna vez [^.;!?\n]{0,60}|\bantecedentes de [^.;,!?\n]{0,40}|\b(?:hace años|en el pasado)\b"
        r"|\btuvo un derrame cerebral|\briesgo de (?:un )?derrame cerebral|\badormec\w+ la (?:espalda|piel)"
        r"|\bespalda (?:está )?adormecida"
    ),
}
# Headings under which a list says when to call.
CALL_HEADINGS: dict[str, str] = {
    ENGLISH: (
        r"\bcall\b|\bemergenc|\bget help\b|\b(?:warning|danger) signs?\b|\bwait for (?:the|a|my) visit|\burgent\b"
        r"|\bright away\b"
        r"|\bat once\b|\btell (?:us|the|my|your)\b|\bcan (?:it |this |that |these |they |I |you |safely )?wait\b"
        r"|\bserious\b|\bneed (?:help|a doctor)\b"
        r"|\bsee (?:a|my|your|the) (?:doctor|nurse)|\bno need\b|\b(?:not )?(?:worry|worried)\b"
        r"|\bnext visit\b.{0,200}\b(?:say|report)|\bhospital\?"
    ),
    SPANISH: (
        r"\bllamo\b|\bllamar\b|\bllame\b|\bll[aá]menos\b|\bemergencia|\bpedir ayuda\b|\bseñales de (?:alarma|alerta"
        r"|peligro)"
        r"|\bno espero\b|\burgente|\burgencia|\bpuede[ns]? esperar\b|\bpuedo esperar\b|\benseguida\b"
        r"|\bde inmediato\b|\bgrave\b|\b(?:av[ií]s|d[ií]g)\w*nos\b"
        r"|\bdebo (?:avisar|preocuparme)\b|\bver al médico\b|\bno (?:hace falta|es grave)\b"
    ),
}
SENTENCE_BREAK = re.compile(r"(?<=[.!?;])[\s*_\"”»)]+|\n+")
# A sentence that refers to the one before it: “If so, call us.”
BACK_REFERENCE = re.compile(
    r"\W*(?:(?:in|if) (?:this|that|these|those|it|one|any|so|such)|when (?:this|that)|then|this|that|these|it|so"
    r"|often|usually|sometimes"
    r"|si (?:es así|siente|tiene|nota|esto|eso|le pasa)|en (?:ese|este|estos|esos|tal)|entonces|esto|eso|estas"
    r"|esas|muchas veces|a menudo|a veces)\b"
    r"|.*\b(?:feel|have|notice) (?:this|that|it|these|one of these)\b",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]{3,}")
# A sentence that says what to do about the one before it.
FOLLOW_UP_ADVICE = re.compile(
    r"\W*(?:(?:then|so|just|please|simply|but|and) )?(?:you )?(?:(?:can |should |may |must )?(?:call|phone|tell|see"
    r"|wait|rest|take|lie"
    r"|sit|stay|give|use|try|ignore|put|keep|drink|go to|let us|give us|mention|report|contact|come)\b|need not"
    r"|(?:do not|don't) (?:need|have"
    r"|call|worry)|no need"
    r"|there is no need|(?:llám|avís|dígan|díga|espere|descanse|tome|acuést|consult|coménte|venga|vaya)\w*"
    r"|no (?:hace|necesita|tiene|llame|se))",
    re.IGNORECASE,
)
EXPLANATION = re.compile(
    r"\b(?:can|could|may|might|signs?|means?|caused?|puede[ns]?|podrían?|señal(?:es)?|causa\w*)\b", re.IGNORECASE
)
# “If you leak urine, wear a pad.” “A weak leg? No rush.” Only an explanation or the way to the list may follow.
CONDITIONAL = re.compile(
    r"\W*(?P<first>(?:please )?(?:wear|use|try|put|have|take|eat|drink|sleep|lie|sit|rest|stay|keep|go|get|stop|walk"
    r"|change|give|use|tómese|tome|póngase|ponga|coma|beba|duerma|siéntese|acuéstese|descanse|quédese|camine"
    r"|cambie)\b[^.?!]*\b(?:if|when|si|cuando)\b(?P<later>[^.?!]+))|\W*(?P<when>(?:if|when|whenever|once|in case|si"
    r"|cuando)\b[^,?!.]*|(?!(?:can|could|do|does|did|is|are|will"
    r"|would|may|what|why|how"
    r"|who|which|when|where|should|has|have)\b)[^¿,?!.]{3,60}(?=\?)|¿(?!(?:puede|qué|por qué|cómo|cuál|cuándo|es|son"
    r"|dónde)\b)[^,?]{3,60})"
    r"[,?](?P<then>.+)",
    re.IGNORECASE | re.DOTALL,
)
POINTER_TO_LIST = re.compile(
    r"\b(?:list|what to do|warning signs?|when to call|lista|qué hacer|señales de|cuándo llam\w+)\b|^\W*(?:and|or"
    r"|or if|y|o|we|doctors?|the"
    r" doctor|your doctor|el médico|los médicos|nosotros)\b",
    re.IGNORECASE,
)
# Readers do not see the address of a link.
LINK_TARGET = re.compile(r"\]\([^)\n]{0,300}\)")
MIN_SHARED_WORDS, MIN_SHARED_RATIO = 3, 0.75


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """Compiled when it is first used: most processes never compare a text."""
    return re.compile(pattern, re.IGNORECASE)


class TriageDetector:
    """Looks for signs in texts of one language. ``rows``: text of each sign, and whether it is an emergency."""

    def __init__(self, language: str, signs: Iterable[tuple[str, bool]] = ()) -> None:
        self.language = language if language in CALL_PHRASES else ENGLISH
        self._signs = [(text, _extract_words(text), emergency) for text, emergency in signs]

    def find_emergencies(self, text: str) -> set[str]:
        """Names of the emergency signs in ``text``."""
        return self._match_families(EMERGENCY_SIGNS, text) | self._match_signs(text, emergency=True)

    def find_signs(self, text: str) -> set[str]:
        """Names of all signs in ``text``."""
        return (
            self.find_emergencies(text)
            | self._match_families(OTHER_SIGNS, text)
            | self._match_signs(text, emergency=False)
        )

    def says_to_call(self, text: str) -> bool:
        """Whether ``text`` says to call, or how urgent something is."""
        return self._matches(CALL_PHRASES, text)

    def gives_advice(self, text: str) -> bool:
        """Whether ``text`` says what to do about something: call, tell, see, wait, rest; or that it is normal."""
        return self.says_to_call(text) or self._matches(CONTACT_PHRASES, text) or self._states_urgency(text)

    def is_call_heading(self, heading: str) -> bool:
        """Whether a list under ``heading`` says when to call."""
        return self._matches(CALL_HEADINGS, heading)

    def find_advised_signs(self, text: str) -> set[str]:
        """Signs that ``text``, one paragraph or list entry, pairs with an instruction; empty for none."""
        if found := self.find_paired_signs(text):
            return found
        found = self.find_signs(text)
        return found if len(found) > 1 and self.says_to_call(text) else set()

    def find_paired_signs(self, text: str) -> set[str]:
        """Signs that a sentence of ``text``, or several that belong together, pair with an instruction."""
        for passage in map(self._strip_asides, self._split_passages(text)):
            if self.gives_advice(passage) and (found := self.find_emergencies(passage)):
                return found
            if found := self._find_conditional_advice(passage):
                return found
            if self._states_urgency(passage) and (found := self.find_signs(passage)):
                return found
            if self._matches(AMBULANCE_PHRASES, passage) and (
                found := self._match_families(OFFICE_HOURS_SIGNS, passage)
            ):
                return found
        return set()

    def _find_conditional_advice(self, passage: str) -> set[str]:
        """Emergency signs in a condition or short question, unless an explanation or a pointer to the list follows."""
        match = CONDITIONAL.match(passage)
        if match is None:
            return set()
        said, sign = match["first"] or match["then"], match["later"] or match["when"]
        return set() if POINTER_TO_LIST.search(said) or EXPLANATION.search(said) else self.find_emergencies(sign)

    def _states_urgency(self, text: str) -> bool:
        """Whether ``text`` says how urgent something is: an ambulance, a delay, or no need for help."""
        return self._matches(AMBULANCE_PHRASES, text) or self._matches(DELAY_PHRASES, text)

    def _matches(self, patterns: dict[str, str], text: str) -> bool:
        return bool(_compile(patterns[self.language]).search(_to_plain_text(text)))

    def _strip_asides(self, text: str) -> str:
        return _compile(ASIDE_PHRASES[self.language]).sub(" ", _to_plain_text(text))

    def _split_passages(self, text: str) -> Iterator[str]:
        """Sentences; a question with its answer, a sentence with those that refer to it or say what to do about it."""
        passage: list[str] = []
        is_asked = is_explained = False
        for sentence in filter(None, (part.strip() for part in SENTENCE_BREAK.split(text))):
            if passage and not (
                is_asked or BACK_REFERENCE.match(sentence) or self._continues_advice(sentence, is_explained)
            ):
                yield " ".join(passage)
                passage, is_explained = [], False
            passage.append(sentence)
            is_asked = sentence.rstrip('*_"”»)').endswith("?")
            is_explained = is_explained or bool(EXPLANATION.search(sentence))
        if passage:
            yield " ".join(passage)

    def _continues_advice(self, sentence: str, is_explained: bool) -> bool:
        """Whether ``sentence`` says what to do about a sign before it; an explanation is followed by no call."""
        return bool(FOLLOW_UP_ADVICE.match(sentence)) and (self._matches(DELAY_PHRASES, sentence) or not is_explained)

    def _match_families(self, families: dict[str, dict[str, str]], text: str) -> set[str]:
        text = _to_plain_text(text)
        return {name for name, pattern in families[self.language].items() if _compile(pattern).search(text)}

    def _match_signs(self, text: str, *, emergency: bool) -> set[str]:
        said = _extract_words(text)
        return {
            row
            for row, words, is_emergency in self._signs
            if is_emergency == emergency
            and len(words & said) >= MIN_SHARED_WORDS
            and len(words & said) >= MIN_SHARED_RATIO * len(words)
            and len(said) <= 3 * len(words)
        }


def _to_plain_text(text: str) -> str:
    return LINK_TARGET.sub("]", normalize(text)).translate(APOSTROPHES).replace("*", "").replace("\u00a0", " ")


def _extract_words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in WORD.findall(text))
