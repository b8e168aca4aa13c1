"""English, the source language."""

import math
import re

from django.utils.translation import gettext_lazy as _

from procedures.languages.definition import (
    NEAR,
    TIME_OF_DAY,
    AddressWords,
    HardWords,
    LanguageDefinition,
    NumberVocabulary,
    Readability,
    Search,
    SpokenAlphabet,
    TriageVocabulary,
)

VOWELS = re.compile(r"[aeiouy]+")
# Silent vowel groups.
SILENT = re.compile(
    r"[^aeiouyl]e\Z|[aeiouyl]le\Z"  # bone, whole; but needle
    r"|(?:[^aeiouylcgsxzh]|[^cst]h|th|[aeiouy]l)es\Z|(?:\A|[dkh])aches\Z"  # bones; but cases, inches, needles
    r"|(?:[^aeiouytdl]|[aeiouwyl]l)ed\Z"  # pressed, called; but needed, settled
    r"|(?<!r)gues?\Z|ques?\Z"  # tongue, technique; but argue
    r"|(?:[^aeiouyl]|[aeiouy]l)e(?:ly|ful|fully|less|ness|thing|one|body|times?|where|land|line)\Z"  # careful
    r"|[aeiouy][^aeiouyl]e(?:back|board|holders?|keep(?:ers?|ing)?|m[ae]n|paper|ways?|wise|work(?:ers?|ing|s)?)\Z"
    r"|[aeiouy][^aeiouyl]+ements?\Z"  # movement; but cement
    r"|ically\Z|\Aev(?=ery)"  # medically, every
    r"|\A(?:fore(?!st|ns)|base|face|guide|home|house|life|peace|place|side|some|space|stone|there|time|vege|ware|where)"
    r"(?=[bcdfghjklmnprstw][a-z])|\Acare(?=[flt])"
)
# Adjacent vowels in separate syllables, and syllables without a vowel.
HIATUS = re.compile(
    r"(?<![cstgx])ia(?!ge)(?!\Z)|[^s]ia\Z|[ct]ia(?=te|ti)|\Agia"  # dial, pneumonia, negotiate; but marriage, special
    r"|(?<![aeioucstgxnlv])(?<!sh)io(?!us)|vio(?=l)|[^cstgx]ious|[nl]io(?!n|r)|\Alio|iu"  # period; but nation, union
    r"|(?<![aeiougq])ua(?!rd|d|s)|[^gq]uous|(?<!q)uel|[^gq]uen|[dtnl]ui(?=[dt])|sui(?=c)|rui(?=n)"  # usual; but guard
    r"|(?<![gs])eo(?!ple|u|n\Z)|\Ageo(?!rg)|[^gcr]eous|linea|eali(?=[st])|ereal|seum|theat"  # video; but surgeon
    r"|(?<![ct])ie(?=t|nce|nts?\Z|nt[ae])|\Ascie|ciet|alie(?=n)"  # diet, science; but patient
    r"|iest\Z|(?:[lmnrsvz]|if|pp|th|tt)iers?\Z"  # easiest, easier; but soldier
    r"|[aeouyi]ing|[aeou]y(?=[ao])|[aou]y(?=er|ee)"  # being, loyal, layer
    r"|[ia]sms?\Z|thm|thesia"  # spasm, rhythm, anesthesia
    r"|crea(?=t[eio])|oa(?=ct|li)|oexi|\Acoo(?=per|rd)|po(?=e[mt])|chao|\Amc"  # create, cooperate, McCoy
    r"|\Area(?=([cfgpqrs])\1|ct|lig|w|dm)|\Arei(?=n[cfhstv][aeiouhlrt]|mb|ss)|\Aree(?=le|n[agt]|x|v)"  # reappear
    r"|\Areu(?=[ns])|\Apreem"  # reunion, preempt
    r"|[dst]n't\Z"  # didn't
)
# Endings after which 's is a syllable.
SIBILANT = re.compile(r"(?:[sxz]|[cs]h|[cgsz]e)\Z")
EXCEPTIONS = {
    "anyone": 3, "area": 3, "areas": 3, "business": 2, "chocolate": 2, "crooked": 2, "diabetes": 4, "elsewhere": 2,
    "evening": 2, "evenings": 2, "everyone": 3, "hundred": 2, "idea": 3, "ideas": 3, "maybe": 2, "naked": 2,
    "priest": 1, "sacred": 2, "safety": 2, "someone": 2, "tired": 2, "wicked": 2,
}  # fmt: skip


def count_syllables(word: str) -> int:
    """Count groups of vowels, minus silent ones, plus adjacent vowels in separate syllables; with a few exceptions.

    tests/readability/test_syllables.py compares the rules with the CMU Pronouncing Dictionary.
    """
    if word.endswith("'s"):
        owner = word.removesuffix("'s")
        return count_syllables(owner) + bool(SIBILANT.search(owner))
    if word in EXCEPTIONS:
        return EXCEPTIONS[word]
    silent, hiatus = (sum(1 for _ in pattern.finditer(word)) for pattern in (SILENT, HIATUS))
    return max(1, len(VOWELS.findall(word)) - silent + hiatus)


def flesch_kincaid(words_per_sentence: float, syllables_per_word: float) -> float:
    """Return the US school grade.

    Kincaid, Fishburne, Rogers, Chissom: Derivation of new readability formulas. Navy Research Branch Report 8-75, 1975.
    """
    return 0.39 * words_per_sentence + 11.8 * syllables_per_word - 15.59


def flesch_reading_ease(words_per_sentence: float, syllables_per_word: float) -> float:
    """Return Flesch's reading ease, about 0 to 100; a higher score is easier to read.

    Flesch: A new readability yardstick. Journal of Applied Psychology 1948;32:221.
    """
    return 206.835 - 1.015 * words_per_sentence - 84.6 * syllables_per_word


def smog(polysyllable_count: int, sentence_count: int) -> float:
    """Return the SMOG grade by the precise formula; the number of sentences is scaled to 30.

    McLaughlin: SMOG grading – a new readability formula. Journal of Reading 1969;12:639.
    """
    return 1.043 * math.sqrt(polysyllable_count * 30 / sentence_count) + 3.1291


def base_forms(word: str) -> set[str]:
    """Return the possible base forms of a word that ends like a plural, verb, or adverb."""
    forms = set()
    for ending in ("ies", "es", "s", "ed", "d", "ing", "ly"):
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            forms |= {stem, f"{stem}y"} if ending == "ies" else {stem, f"{stem}e"} if ending == "ing" else {stem}
    return forms


EASY_WORDS = frozenset(
    """
    activity afterward alphabet am ambulance another asap anything area capital carry company condition
    computer decision description different direct disagree easier easily elevator emergency er everyone
    everything exact example
    exercise family hospital illness important information injury insurance interpreter location medicine national
    nobody ok omega operation pm previous recover serious similar simulated society together tomorrow tv uncommon
    understand uneven unsteady usual whenever yesterday
    """.split()
)

# A form of “be” and a participle.
BE = r"(?:am|is|are|was|were|be|been|being|isn't|aren't|wasn't|weren't|(?<=you)'re|(?<=they)'re|(?<=we)'re|(?<=I)'m)"
BETWEEN = (
    r"(?:(?:not|never|also|often|usually|always|then|now|only|just|still|most|all|both|already|once|\w+ly)\s+){0,2}"
)
PARTICIPLES = (
    "beaten|begun|bent|bitten|blown|bought|bound|broken|brought|built|burnt|caught|chosen|cut|dealt|done|drawn|"
    "driven|eaten|fed|felt|found|forgotten|frozen|given|ground|held|heard|hidden|hit|hurt|kept|known|laid|led|"
    "left|lent|lost|made|meant|met|paid|put|read|said|seen|sent|set|shaken|shown|shut|sold|spent|split|spread|"
    "stolen|struck|stuck|taken|taught|told|thought|thrown|torn|understood|woken|won|worn|written"
)
# Participles that describe a state.
STATES = "tired|worried|scared|swollen|broken|pleased|relaxed|experienced|married|supposed|red|bed|need|indeed|hundred"
PASSIVE = rf"\b{BE}\s+(?:(?:it|they|this|that|you|we)\s+)?{BETWEEN}(?!(?:{STATES})\b)(?:[a-z]{{3,}}ed|{PARTICIPLES})\b"

STOPWORDS = frozenset(
    "a about after all am an and any are as at be been before but by can can't cannot could did do does don't for "
    "from get had has have how i i'm if in is isn't it it's its just may me my no not of on or our should so some "
    "than that the their them then there they this to too up was we what when where which who why will with would "
    "you your".split()
)
ADDRESS_WORDS = AddressWords(
    language="en|eng|english|ingles",
    folders=frozenset({"visit"}),
    fillers=frozenset(
        "a and at click for from here home in info information link more of on or our page pages please print read see "
        "site the this to us use visit web website with you your".split()
    ),
    neutral=frozenset("a an and our the your".split()),
)
# The NATO phonetic alphabet.
SPOKEN_ALPHABET = SpokenAlphabet(
    dict(
        word.split()
        for word in (
            "B Bravo|C Charlie|D Delta|F Foxtrot|G Golf|H Hotel|J Juliett|K Kilo|M Mike|N November|P Papa|Q Quebec|"
            "R Romeo|S Sierra|T Tango|V Victor|W Whiskey|X X-ray|Y Yankee|Z Zulu|"
            "2 two|3 three|4 four|5 five|6 six|7 seven|8 eight|9 nine"
        ).split("|")
    ),
    as_in="as in",
)

# Words for lost feeling, and for the skin that touches a saddle.
DEAD = (
    r"(?:numb\w*|dead|asleep|fall\w* asleep|no feeling|los\w+ (?:all )?feeling|(?:cannot|can't|do not|don't"
    r"|no longer) feel)"
)
SADDLE = (
    r"(?:crotch|groin|genitals?|private (?:parts|area)|privates|(?:saddle|seat|sitting) (?:area|bones?)|bottom(?! of)"
    r"|buttocks?|butt"
    r"|rear end|backside|down there|down below|anus|rectum|vagina|penis|testicles?|inner thighs?|(?:where|the part"
    r"|the skin) (?:you|that you) sit)\b"
)

TRIAGE = TriageVocabulary(
    emergencies={
        "stroke": (
            rf"\bmouth\b{NEAR}\b(?:droop|hang|sag|crooked|pull)\w*|\bdroop\w*{NEAR}\bmouth"
            rf"|\barms?\b{NEAR}\b(?:drifts?|drops?|falls?|limp|heavy)\b|"
            rf"\b(?:no feeling|lose feeling|cannot feel|can't feel|tingl\w*){NEAR}\b(?:arms?|face)\b|"
            rf"\bstroke\b|\bBE[ -]?FAST\b|\bface{NEAR}\bdroop|droop\w*{NEAR}\bface|slur\w*{NEAR}\bspeech"
            rf"|speech{NEAR}\bslur"
            rf"|numb\w*{NEAR}\b(?:arms?|face)\b|\b(?:arms?|face)\b{NEAR}\b(?:numb|goes numb|weak)"
            rf"|\b(?:weak\w*|(?:cannot|can't) (?:move|lift|raise)){NEAR}\b(?:arms?|hands?)\b"
            rf"|\bface{NEAR}\b(?:hang|sag|drop|crooked|lopsided|uneven|paraly)\w*|\b(?:crooked|lopsided"
            rf"|uneven) (?:face|smile)"
            r"|\b(?:trouble|hard to|difficulty|problems?|cannot|can't|unable to|struggl\w+ to) (?:with )?(?:talk"
            r"|speak|find words)\w*"
            r"|\b(?:garbled|jumbled|mixed-up) (?:speech|words)|\bspeech (?:is|gets|becomes) (?:un\w+|garbled|odd"
            r"|strange)"
            rf"|\bsudden\w*{NEAR}\b(?:vision|balance|eyesight|cannot see|can't see|blind\w*|dizz\w+|confus\w+"
            rf"|see double)"
            r"|\b(?:los[es]\w*|loss of) (?:your |my )?(?:vision|sight|balance)\b|\bdouble vision|\bsee\w* (?:double"
            r"|two of)"
            r"|\bgo(?:es)? blind\b|\b(?:cannot|can't) see (?:out of|from|with) (?:one|an|your)\b"
            r"|\bwords (?:come out|are coming out|sound|make no)\b|\b(?:cannot|can't|hard to) (?:get|find) (?:your"
            r"|the|my)"
            r" words\b|\b(?:arm|hand|face|side of (?:your|the|my) (?:face|body))\b[^.;:!?\n]{0,15}\b(?:feels? dead"
            r"|went dead"
            r"|goes dead|falls? asleep|is dead)\b|\b(?:half|one side) of (?:your|the|my) (?:body"
            r"|face)\b[^.;:!?\n]{0,15}\b(?:numb|weak|dead|asleep|droop\w*|limp)"
            r"|\b(?:arm|hand)\b[^.;:!?\n]{0,15}\blimp\b|\bsmile (?:is|looks) (?:crooked|uneven|lopsided)"
            r"|\bone[ -]sided? (?:weakness|smile)|\b(?:cannot|can't) (?:smile|lift (?:your|an|one)"
            r" arm)\b"
        ),
        "chest pain": (
            rf"chest (?:pain|hurts|aches|pressure|tight\w*|feels tight|is tight)|tight chest"
            rf"|\b(?:pressure|tight\w*|pains?|squeez\w+|crush\w+|heav\w+|hurts?|ache|weight|elephant){NEAR}\b(?:in|on"
            rf"|across|around)"
            rf" (?:your|my|the) chest\b|\bchest\b{NEAR}\b(?:squeez\w+|crush\w*|heavy|hurt\w*|ach\w+|tight\w*"
            rf"|(?<!blood )pressure|heaviness)\b"
        ),
        "trouble breathing": (
            r"short(?:ness)? of breath|short breath|(?:trouble|difficulty|problems?|hard time) (?:with )?breathing"
            r"|catch your breath|"
            r"gasp\w* for (?:air|breath)|not get (?:enough )?(?:air|breath)|(?:spit\w*|bring\w*) up blood"
            r"|hard(?:er)? to breathe|(?:cannot|can't) breathe"
            r"|struggl\w+ to breathe|out of breath|breathless|cough\w* (?:up )?blood"
            r"|heart (?:is )?(?:rac|pound|flutter|beats? (?:very |too )?fast|beating)\w*"
            r"|racing heart|\bgasp(?:s|ed|ing)?\b|\bwinded (?:at rest|(?:when|while) (?:you )?(?:rest|sit|lie|lying"
            r"|talk)\w*)\b|\bpant(?:s|ing)\b|\bsuffocat\w+"
            r"|\b(?:cannot|can't|not|n't|hard to|trouble|unable to|fight\w*|need more) (?:get |getting |catch "
            r"|catching |draw"
            r" |take |for )?(?:a |an |any |enough |your |her |his |full |deep )*(?:air|breath)\b|\bbreath\w* (?:is "
            r"|gets |feels |becomes )(?:hard"
            r"|labored|difficult|fast)\b|\bheart(?:beat)? (?:skips|jumps|is going (?:very |too )?fast|thumps)"
            rf"|\bcough\w*{NEAR}\b(?:blood\w*|pink|red) ?(?:spit|phlegm|foam|mucus)?\b"
        ),
        "fainting": (
            r"\bfaint(?:s|ed|ing)?\b(?! (?:gray|line|mark|shadow|smell|pink|red))|\bcollaps(?:e|es|ed|ing)\b(?! of)"
            r"|\bkeel\w* over|\bpass(?:es|ed|ing)? out\b|\bblack(?:s|ed|ing)? out\b|\bunconscious"
            r"|\b(?:los\w+|loss of) consciousness|\bswoon\w*|\bout cold\b"
        ),
        "severe allergy": (
            rf"\bthroat\b{NEAR}\b(?:clos|tight|swell|swoll)\w*|\b(?:trouble|hard to|cannot|can't) swallow\w*|"
            rf"\bhives\b|\bwheez\w*|anaphyla\w*|(?:severe|serious|bad) allergic"
            rf"|\b(?:face|lips?|tongue|throat)\b{NEAR}\b(?:sw(?:ell|oll)\w*|puff\w*)|\b(?:sw(?:ell|oll)\w*|puff\w*)"
            rf"{NEAR}\b(?:face|lips?|tongue|throat)\b|\bwelts\b|\bthroat (?:feels (?:full|thick)|is closing)\b"
        ),
        "numb between the legs": (
            rf"\b(?:numb\w*|(?:no|lose|lost) feeling|cannot feel|can't feel){NEAR}"
            rf"\b(?:between (?:your|the|my) (?:inner )?(?:legs|thighs)|inner thighs?|genitals?|groin|saddle|anus"
            rf"|bottom|private parts)"
            rf"|\bbetween (?:your |the |my )?(?:inner )?(?:legs|thighs|them)\b{NEAR}\b{DEAD}|saddle (?:numbness"
            rf"|an(?:a)?esthesia)|\b{DEAD}{NEAR}\b{SADDLE}|\b{SADDLE}{NEAR}\b{DEAD}|\b(?:cannot|can't|do not|don't"
            rf"|no longer|barely|hardly)"
            r" feel (?:\w+ ){0,3}?(?:(?:when|as) (?:you|I|they) (?:wipe|pee|poop|go)|(?:toilet )?(?:paper|tissue)"
            r"|wip\w+|(?:toilet )?seat)\b"
            r"|\b(?:no|los\w+|less) feeling (?:when|where|as) (?:you|I) (?:wipe|sit)\b"
        ),
        "bladder or bowel": (
            rf"\b(?:not|n't) (?:pee|peed|urinate|urinated|pass\w* (?:urine|water))\b|\bno urine\b|"
            r"\b(?:wet|soil|pee|poop|mess)(?:s|ed|t?ing)? (?:on )?(?:yourself|himself|herself|themselves|your pants"
            r"|the bed"
            r"|your bed)|\b(?:cannot|can't|unable to) (?:pass (?:any )?(?:water|urine|stool)|go to the (?:bathroom"
            r"|toilet))"
            r"|\bhold (?:it in|your (?:urine|pee|water))"
            rf"|\b(?:cannot|can't|can you not|trouble|unable|no control|los(?:e|es|t|ing) control|loss of|leak\w*"
            rf"|will not|won't|do not feel)\b{NEAR}"
            rf"\b(?:bladder|bowels?|urine|urinate|urinating|pee|peeing|stools?|poop)\b"
            rf"|\b(?:bladder|bowels?)\b{NEAR}\b(?:(?:will not|won't|does not|doesn't|do not|don't|stops?) (?:work"
            rf"|empty|let)\w*|control"
            rf"|leak\w*|accident\w*|cannot|can't|stays? full|asleep|full and)"
            rf"|\bincontinen\w*|\baccidents? (?:in|on) (?:your|the|my|his|her) (?:underwear|pants|bed"
            rf"|clothes|sheets)\b|\b(?:bathroom|toilet|bladder|bowel|wetting) accidents?\b"
            rf"|\b(?:dribbl\w+|trickl\w+|leak\w*|drip\w*){NEAR}\b(?:urine|pee|stool|poop)\b|\blos(?:e|es|ing) (?:any "
            rf"|some |your )?(?:urine|pee|stool|poop)\b|\b(?:urine|pee|stool|poop)\b"
            rf"{NEAR}\b(?:dribbl\w+|trickl\w+|leak\w*|drips?|(?:comes?|slips?|runs?|gets?) out|(?:will not|won't"
            rf"|does not|doesn't) (?:come|start))"
            rf"|\b(?:nothing|no pee|no urine|only (?:a few )?drops?) (?:comes|will come|is coming|came) out\b"
            rf"|\b(?:pee|urine|poop|stool)"
            rf" (?:in|on) (?:your|my|the) (?:pants|underwear|bed|clothes|sheets)\b|\bwet(?:s|ting)? (?:your|my|the"
            rf"|his|her) (?:pants|underwear"
            rf"|clothes|sheets|bed)\b|\bsoil(?:s|ed|ing)? (?:your|my|the|his|her) (?:pants|underwear|clothes|sheets"
            rf"|bed)\b"
            rf"|\b(?:cannot|can't|unable to|not able to) (?:pee|go pee|poop|(?:start|empty|get any|make any|tell when)"
            rf"{NEAR}\b(?:pee|peeing|bladder|urine|go|wet))\b|(?:\bnot|n't) (?:peed?|urinat\w+|been able to pee)\b"
            rf"|\bleak(?:s|ing)? (?:when|while|without)\b|\b(?:not|n't) (?:start|get) (?:a|the|your) stream\b"
            rf"|\b(?:cannot|can't) (?:get|start)"
            rf" (?:a|the|your) stream\b|\b(?:underwear|pants) (?:is|are|gets?) wet\b|\b(?:pee|poop|wet) (?:yourself"
            rf"|himself|herself) without\b|\bpee without (?:knowing|feeling|meaning)"
            rf"|\b(?:no|lose the|lost the|do not feel the|don't feel the) urge to (?:pee|go|urinate)\b|\b(?:cannot"
            rf"|can't|not|n't) make it to the (?:bathroom|toilet)\b"
        ),
        "weak legs": (
            rf"\b(?:foot|feet|toes?) (?:slaps?|catch\w*)\b|\b(?:legs?|feet|foot)\b{NEAR}\bheavy\b|\b(?:cannot|can't"
            rf"|unable to) (?:move|feel|lift|wiggle) (?:your|my|the|a|one|both) (?:toes?|foot|feet|ankles?|legs?)\b|"
            rf"\b(?:weak\w*|cannot move|can't move|paraly\w+|unsteady)\b{NEAR}\b(?:legs?|feet|foot)\b"
            rf"|\b(?:legs?|feet|foot)\b{NEAR}\b(?:weak\w*|cannot move|can't move|(?:will|do) not move|paraly\w+"
            rf"|gives? way|unsteady)"
            r"|\b(?:cannot|can't|can hardly|can barely|unable to|not able to) (?:walk|stand(?: up)?|move (?:your|my"
            r"|the) legs?)\b"
            r"|\bparaly(?:sis|zed)\b"
            rf"|\b(?:cannot|can't|hard to|unable to|trouble|not able to) (?:lift|raise|bend|control|lifting|raising"
            rf"|moving){NEAR}"
            r"\b(?:foot|feet|legs?|toes?|ankles?)\b"
            r"|\bdrop(?:ped)?[ -]foot\b|\bfoot[ -]drop\b|\b(?:foot|toes?) (?:drops?|drags?)\b|\bdrag\w* (?:your|a"
            r"|one|the) (?:foot|leg|toes?)"
            rf"|\b(?:legs?|knees?)\b{NEAR}\b(?:buckl\w+|giv\w+ out|gave out|collapse\w*|fail\w*|go(?:es)? limp"
            rf"|limp)\b"
            r"|\b(?:los\w+|less|no|loss of) (?:\w+ )?(?:strength|power|feeling and strength) in (?:your|a|one|the|both"
            r"|my) (?:legs?|foot|feet|thighs?|knees?|toes?|ankles?)"
            r"|\b(?:new|sudden|growing) weakness\b|\b(?:you|he|she|they) (?:suddenly )?(?:get|gets|become"
            r"|becomes) (?:suddenly )?weak\b(?! from)"
            rf"|\b(?:legs?|feet|foot|knees?|toes?|ankles?)\b{NEAR}\b(?:stop(?:s|ped)? (?:work|mov|respond|obey)\w+"
            rf"|jelly|rubber\w*|noodles?|wobbl\w+|give out"
            rf"|flop\w*|dead|floppy|useless|drag\w*|give way|go(?:es)? out from|like (?:lead|wood|logs?))\b"
            rf"|\b(?:legs?|feet|foot|knees?|toes?) (?:just |suddenly )?(?:will not"
            rf"|won't|do not|don't|does not|doesn't) (?:work|hold|move|lift|obey|listen|support|do what)\w*\b"
            rf"|\b(?:jelly|rubbery?|wobbly|dead|floppy) (?:legs?|feet|foot|knees)\b"
            r"|\b(?:trips?|tripping|stumbl\w+) over (?:your|my|the) (?:own )?(?:toes?|foot|feet)\b|\b(?:not"
            r"|n't) be able"
            r" to (?:(?:walk|stand)\b(?! (?:far|long|for|well|as|much|around|straight))|(?:lift|move|raise|feel"
            r"|bend) (?:your|a|one|the|both) (?:foot|feet|legs?|toes?|ankles?))\b"
            r"|\b(?:cannot|can't|unable to|not able to) (?:get|rise) (?:up |out )?(?:(?:out )?(?:of|from|off)"
            r" )(?:your|the|a) (?:chair|seat|toilet|couch|sofa)\b|\b(?:cannot|can't|unable to) (?:bear|put"
            r"|hold) (?:any )?(?:your )?(?:own )?weight\b"
            r"|\b(?:cannot|can't|no longer) use your legs?\b|\b(?:can no longer|no longer can) (?:walk|stand|move)\b"
        ),
        "hard to wake": (
            r"\bbreath(?:ing|es|e)? (?:is |gets |becomes )?(?:very |too )?slow\w*|\bgurgl\w+|"
            rf"\b(?:hard|difficult|trouble|cannot|can't|impossible){NEAR}\bwak(?:e|ing)\b|will not wake|won't wake"
            r"|slow(?:ed)? breathing|breath(?:es|ing) (?:very )?slow\w*|(?:blue|bluish|gr[ae]y|purple) (?:lips?"
            r"|fingers?|fingertips|nails)|blue skin"
            rf"|\b(?:lips?|fingers?|fingertips|(?:finger)?nails|face|person|he|she|you)\b{NEAR}\b(?:turn\w*|look\w*"
            rf"|go(?:es)?|are|is|get\w*|becom\w*)"
            r" (?:very )?(?:blue|bluish)\b|(?:tiny|pinpoint|very small) pupils|\bpupils\b[^.;:!?\n]{0,20}\b(?:tiny"
            r"|pinpoint|very small)"
            r"|\b(?:will not|won't|cannot be|can't be) (?:wake up|woken|roused)\b|\bunresponsive\b"
            r"|\bstops? breathing\b|\bbarely breath\w*|\btoo (?:sleepy|drowsy) to (?:wake|talk|stay|answer)"
        ),
        "bleeding": (
            rf"\bbleed\w*{NEAR}\b(?:through|(?:does|will|keeps?|keep) (?:not|on|going)|won't|does not|heav\w+"
            rf"|a lot)\b|\bkeeps? (?:on )?bleeding|"
            rf"\bbleed\w*{NEAR}\b(?:not|never|n't) stop|n't stop{NEAR}\bbleed|\bstop (?:the )?bleeding|heavy bleeding"
            rf"|\bblood\b(?! (?:thinner|pressure|clot|test|sugar|work)){NEAR}\b(?:keeps? (?:coming|flowing|running"
            rf"|dripping|oozing)|soak\w*|pour\w*|gush\w*|spurt\w*|run\w* down|(?:will not|won't|does not"
            rf"|doesn't) (?:stop|slow)|through the (?:bandage|dressing|gauze))\b|\b(?:full of|soak\w* (?:in|with"
            rf"|by)) blood\b|\bbleed\w*{NEAR}\b(?:soak\w*|hard|fast|again and again|spurt\w*)\b"
        ),
    },
    non_emergencies={
        "fever": r"\bfever(?:s|ish)?\b|high temperature|\bchills\b|100\.4|\btemperature of\b",
        "red or leaking wound": (
            rf"\b(?:red(?:ness)?|hot|swollen|swelling|leak\w*|drain\w*|pus|oozing)\b{NEAR}\b(?:wound|site|cut"
            rf"|incision)\b"
            rf"|\b(?:wound|site|cut|incision)\b{NEAR}\b(?:red(?:ness)?|hot|swollen|swelling|leak\w*|drain\w*|pus"
            rf"|oozing)\b"
        ),
        "swollen leg": (
            rf"\b(?:sw(?:ollen|elling)|sore|warm|red|puffy){NEAR}\b(?:leg|calf)\b"
            rf"|\b(?:leg|calf)\b{NEAR}\b(?:sw(?:ollen|ells?|elling|elled)|sore|warm|red|puffy)\b"
        ),
        "worse pain": (
            rf"\bpain\b{NEAR}\bworse|\bworse\b{NEAR}\bpain\b|\b(?:sudden|severe|new),? (?:new |sudden |back )*pain"
            rf"|\b(?:back|spine) hurts in a new|medicine does not help"
        ),
        "numbness or tingling": r"\bnumb(?:ness)?\b|\btingl\w*|pins and needles|\basleep feeling",
        "pain at night": rf"\bpain\b{NEAR}\b(?:wakes|at night)|wakes you (?:up )?at night",
        "cancer": r"\b(?:had|have|history of) cancer\b",
        "vomiting": (
            r"\bvomit\w*|\bthr(?:ows?|ew|owing|own) up\b|\bpuk(?:e|es|ing)\b"
            r"|keep (?:food|anything|fluids) down"
        ),
        "rash": r"\brash(?:es)?\b",
        "burning urine": (
            rf"\bburn\w*{NEAR}\b(?:pee|pass)\w*|"
            rf"\bburn\w*{NEAR}\burin\w*|\burin\w*{NEAR}\bburn\w*"
        ),
        "confusion": r"\bconfus(?:ed|ion)\b",
    },
    office_hours_signs={
        "constipation": r"\bconstipat\w+",
        "sore needle site": r"\b(?:needle site|site)\b[^.;:!?\n]{0,20}\bsore\b|\bsore (?:needle )?site\b",
        "low on medicine": r"\b(?:run\w*|low) (?:low |out )?(?:on|of) (?:a |your |the )?(?:\w+ )?medicine\b|\brefill\b",
        "shorter": r"\bshorter than\b|\blos\w+ height\b",
    },
    call_phrases=(
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
    contact_phrases=(
        r"\b(?:call|phone|ring|contact|page|text|e-?mail|message|see|visit|ask|tell|inform|show|notify)\b (?:to )?"
        r"(?:us|(?:the|your|a|our) (?:own |family |primary care |regular )?(?:clinic|doctor|nurse|office|team|surgeon"
        r"|pharmacist"
        r"|care team|therapist|provider))\b"
        r"|\b(?:speak|talk|mention) (?:\w+ ){0,2}?(?:to|with) (?:us|the|your)\b|\blet (?:us|your \w+|the \w+"
        r"|someone) know\b|\bgive us a (?:call|ring)\b|\b(?:mention|report) (?:it|this"
        r"|that|them)\b"
        r"|\bbring (?:it|this|that) up\b|\b(?:make|book) an? (?:appointment|visit)\b|\bcome (?:in\b|to (?:the|our"
        r"|your) (?:clinic|office)|by"
        r"|and see us|see us)\b"
        r"|\bcall {clinic\.|\bgo to the (?:clinic|office|pharmacy)\b|\bjust call\b|\bcall (?:first|early)\b"
    ),
    delay_phrases=(
        r"(?<!not )(?<!n't )(?<!never )(?<!cannot )\bwait (?:until|till|for|a (?:day|week|while|bit)|and see|it out"
        r"|to see|at home|one|two|\d)"
        r"|\b(?:can|may|could|will|just|please|should) (?:(?:it|this|that|these|they"
        r"|i) )?(?:safely )?wait\b(?! (?:while|with))"
        r"|\b(?:until|till|by) (?:the )?(?:next )?(?:morning|tomorrow|monday|your (?:next )?(?:visit|appointment)"
        r"|the visit|we open)"
        r"|\bnext (?:visit|appointment|week|day|month|time|morning)\b|\b(?:at|during|on) (?:your"
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
        r"|\bpart of (?:healing|recover\w+|getting (?:better|well)|growing old|aging)\b|\b(?:goes|go|fades?|eases?"
        r"|passes) with time\b"
        r"|\b(?:some|many|most) (?:people|patients) (?:have|feel|get|notice|are)\b[^.;!?\n]{0,60}\bfor (?:a|one|two"
        r"|three|a few|several"
        r"|some|\d+)(?: or (?:two|so|three))? (?:hours?|days?|nights?|weeks?)\b"
        r"|\bskip the (?:call|visit|doctor)|\bno big deal\b|\bnot to worry\b|\b(?:less|never|nothing|none|not"
        r"|hardly)\b[^.;:!?\n]{0,20}\burgent\b|\blow priority\b"
        r"|\b(?:fine|ok(?:ay)?|all right) to have\b|\bgive (?:it|them|these|this) (?:a|one|two|some|\d+)\b"
        r"|\b(?:handle|manage|treat|care for) (?:it|them|these"
        r"|this|those) (?:yourself|on your own|at home)\b|\b(?:ice|heat|rest|a pill|walking) helps? (?:with|if|for)\b"
        r"|\b(?:need|needs|require|requires) no (?:call"
        r"|visit|doctor|care|help)\b|\b(?:none|nothing)\b[^.;:!?\n]{0,25}\bneeds? (?:a|to) (?:call|visit|doctor)\b"
        r"|\bonly call if\b|\bwait with (?:it|this|that"
        r"|these|all|them)\b"
        r"|\A\W*(?:minor|small|harmless|everyday) (?:problems?|things?|signs?|symptoms?|complaints?|issues)\b"
        r"|\A\W*common after\b"
        r"|(?:\A|[:.?!,;–—-] ?)\W*(?:just |please |then )?wait\b(?=[.!*]*\Z)"
        r"|\A\W*(?:what is |what's |all |quite |totally |perfectly )?(?:normal|usual|harmless|expected"
        r"|nothing serious|no emergency"
        r"|not (?:an emergency|emergencies|urgent|serious|dangerous|worrying))(?: (?:after|for|in|during|at|signs?"
        r"|feelings?|changes?|things?"
        r"|symptoms?|side effects?|and|or|if|when)\b|\W*(?:\Z|:))|\b(?:watch|treat|manage|care for) (?:\w+ )?at home\b"
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
    ambulance=(
        r"\b911\b|emergency_number|\bambulance\b|\bemergency (?:room|department)|\bgo to the (?:nearest )?(?:ER"
        r"|hospital)\b|\bthe ER\b"
        r"|\b(?:is|are) (?:also )?an? (?:medical |true |real )?emergenc"
    ),
    ignored_phrases=(
        r"\b(?:call|ask|tell|phone|see) (?:us|{clinic\.\w+}|your \w+) (?:if you have|with|about) (?:any |your "
        r"|other |more )?questions?\b"
        r"|\b(?:have|has|had|did)\b (?:you )?(?:ever|already|once) [^.;!?\n]{0,60}|\bhistory of [^.;,!?\n]{0,40}"
        r"|\b[^.;,!?\n]{0,40}\b(?:in the past|years? ago)\b"
        r"|\b(?:had|have had|after|risk of|cause|lower) an? (?:past )?stroke\b|\bstroke (?:that )?you had\b"
        r"|\bnumbs?\b [^.;,!?\n]{0,12}(?:back"
        r"|skin)\b|\b(?:back|skin) (?:is|will be|feels) numb\b"
    ),
    call_headings=(
        r"\bcall\b|\bemergenc|\bget help\b|\b(?:warning|danger) signs?\b|\bwait for (?:the|a|my) visit|\burgent\b"
        r"|\bright away\b"
        r"|\bat once\b|\btell (?:us|the|my|your)\b|\bcan (?:it |this |that |these |they |I |you |safely )?wait\b"
        r"|\bserious\b|\bneed (?:help|a doctor)\b"
        r"|\bsee (?:a|my|your|the) (?:doctor|nurse)|\bno need\b|\b(?:not )?(?:worry|worried)\b"
        r"|\bnext visit\b.{0,200}\b(?:say|report)|\bhospital\?"
    ),
    back_references=(
        r"\W*(?:(?:all|any|each|most|both|none|some|everything|nothing)(?: of)? (?:these|those|this|them|the above"
        r"|above|here|on this list)|you can wait with"
        r"|(?:in|if) (?:this|that|these|those|it|one|any|so|such)|when (?:this|that)|then|they (?:can wait|will pass"
        r"|go away|get better|are (?:all )?(?:normal|harmless|common))|this|that|these|it(?! is (?:normal|common"
        r"|ok(?:ay)?|fine) (?:to (?:be|feel|have)|if you (?:are|feel)))|so"
        r"|often|usually|sometimes)\b|.*\b(?:feel|have|notice) (?:this|that|it|these|one of these)\b"
    ),
    advice_on_previous=(
        r"\W*(?:(?:then|so|just|please|simply|but|and) )?(?:you )?(?:(?:can |should |may |must )?(?:call|phone|tell|see"
        r"|wait|rest|take|lie|sit|stay|give|use|try|ignore|put|keep|drink|go to|let us|give us|mention|report|contact"
        r"|come)\b|need not|(?:do not|don't) (?:need|have|call|worry)|no need|there is no need)"
    ),
    explanation_words=(r"\b(?:can(?!'t)|could|may|might|signs?|means?|caused?)\b"),
    condition=(
        r"\W*(?P<first>(?:please )?(?:wear|use|try|put|have|take|eat|drink|sleep|lie|sit|rest|stay|keep|go|get|stop"
        r"|walk|change|give)\b[^.?!]*\b(?:if|when)\b(?P<later>[^.?!]+))"
        r"|\W*(?P<when>(?:if|when|whenever|once|in case)\b[^,?!.]*"
        r"|(?!(?:can|could|do|does|did|is|are|will|would|may|what|why|how|who|which|when|where|should|has|have)\b)"
        r"[^¿,?!.]{3,60}(?=\?))[,?](?P<then>.+)"
    ),
    list_references=(
        r"\b(?:list|what to do|warning signs?|when to call)\b"
        r"|^\W*(?:and|or|or if|we|doctors?|the doctor|your doctor)\b"
    ),
)

NUMBERS = NumberVocabulary(
    months=(
        r"Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
        r"|Nov(?:ember)?|Dec(?:ember)?"
    ),
    weekdays=(
        r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:days?|\.)?|weekdays?|weekends?|daily|every day"
    ),
    of="of|out of",
    between="to|or|and|until|through",
    ordinal_suffixes="st|nd|rd|th",
    counted="percent|people|persons?|patients?|men|women|adults?|cases?",
    units=(
        "units?|fractures?|calories|days?|nights?|weeks?|months?|years?|hours?|minutes?|seconds?|times?|steps?|pills?"
        "|tablets?|pounds?|feet|inch(?:es)?|miles?"
    ),
    quantities=(
        r"\b(?:over|about|nearly|almost|more than|less than|one|two|three) ?-?(?:a |an )?"
        r"(?:half|halves|third|quarter)s?\b|\bhalf (?:of|the|as)\b|\bpercent\b|\b(?:twice|double) (?:as|the)\b"
        r"|\btimes (?:as|more|higher|less)\b"
    ),
    items=(
        "numbers?|marks?|steps?|stages?|sections?|parts?|pages?|lines?|rows?|lists?|options?|items?|points?|versions?"
        "|chapters?|paragraphs?|figures?|pictures?|images?|photos?|tables?|questions?|exercises?|levels?|days?|weeks?|phases?|visits?|doses?"
    ),
    documents=(r"version|revision|edition|volume|vol\.|chapter|figure|fig\.|table|section|questions?|item|form|model"),
    classes="types?|grades?|phases?|class|category|tier|vitamin|factor|group",
    names=r"\b\d{1,2}(?:[- ]gauge| ?G(?= needle))\b",
    code_words="codes?",
    visible_things="words|questions|lines|pictures|stages|steps|pages|parts|choices|points|ticks|lists",
    denominators="out of|think of",
    writing_verbs="Put|Pick|Choose|Write|Mark|Number",
    clock_times=rf"\b{TIME_OF_DAY} ?(?:o['’]clock\b|in the (?:morning|afternoon|evening)\b|at night\b)",
    open_words="open|opens|closed|hours are|(?:we|desk|clinic|lab|office) (?:is|are)(?: here)?",
    hours_lead="from|between",
    hours_follow="on|from|every|except",
    always_open=r"\b24 hours a day, (?:7|seven) days a week\b",
    addresses=(
        r"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|\bZIP(?: code)?:? ?\d{5}(?:-\d{4})?\b|\b(?:I|US|SR)[- ]\d{1,3}\b"
        r"|\b\d{1,6} (?:[NSEW]\.? |North |South |East |West )?(?:[A-Z0-9][\w.'’]* ){1,4}?"
        r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Way|Court|Ct|Place|Pl|Parkway|Pkwy|Highway|Hwy"
        r"|Circle|Square|Terrace|Broadway|Plaza)\b"
        r"|\b(?i:suite|ste\.|room|rm\.?|floor|unit|apt\.|apartment|building|bldg\.|gate|p\.? ?o\.? box|exit|bus|route"
        r"|highway|hwy\.|interstate) ?#?\d{1,5}\b"
        # "Denver, CO": a state after its city.
        r"|(?<=[a-z], )(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI|S[CD]"
        r"|T[NX]|UT|V[AT]|W[AIVY])(?=\.?$|[.,;:)\s])"
    ),
    call_words=("call|calling|dial|phone|telephone|tel|text|ring|fax|cell|mobile|hotline|number|reach|contact"),
    dial_words=r"call|dial|phone|text|ring|fax|tel\.?|telephone",
    dial_links="us|at|to",
    extension_words=r"ext(?:ension)?\b\.?|press|dial",
    glued_extensions="x|ext(?:n|ension)?",
    after_emergency_number="is|or|and|if|for|now|right|at once|at|when|first|immediately",
    birth_words=r"\bd\.?o\.?b\b|\bborn\b|\bbirth",
    personal_numbers=r"mrn|ssn|(?:medical|patient|chart|record|account)\s+(?:id|no|number)\b",
    record_words="record|chart|account|member|policy",
    number_links="is|no|number",
    email_at="at",
    email_dot="dot",
)

ENGLISH = LanguageDefinition(
    code="en",
    name="English",
    english_name="English",
    address_words=ADDRESS_WORDS,
    infobutton_codes=frozenset({"eng"}),
    abbreviations=("Dr", "Drs", "Mr", "Mrs", "Ms", "St", "vs", r"e\.g", r"i\.e", "approx"),
    number_abbreviations=(
        "Nos?",
        "[Ff]igs?",
        "[Vv]ol",
        "[Ee]xt",
        "pp?",
        "ch",
        "ft",
        "lbs?",
        "oz",
        "[Rr]m",
        "[Ss]te",
        "[Tt]el",
    ),
    search=Search(stemmer="english", stopwords=STOPWORDS),
    readability=Readability(
        name="Flesch–Kincaid grade",
        formula=flesch_kincaid,
        count_syllables=count_syllables,
        higher_is_easier=False,
        limit=6.0,
        paragraph_limit=8.0,
        floor=4.0,
        level_label=_("reads at grade %(level)s"),
        too_hard=_("The text reads at grade %(level)s; the limit is %(limit)s. Use shorter sentences and words."),
        hard_paragraph=_("This paragraph reads at grade %(level)s. Use shorter sentences and words."),
        too_easy=_(
            "The text reads at grade %(level)s, below %(limit)s. Combine short sentences, so that it does not"
            " sound as if it was written for a child."
        ),
        reading_ease=flesch_reading_ease,
        smog=smog,
        smog_limit=8.0,
        spells_abbreviations=True,
    ),
    hard_words=HardWords(min_syllables=3, easy=EASY_WORDS, base_forms=base_forms),
    passive=PASSIVE,
    patient_data=(
        r"\b(?:DOB|MRN|SSN|date of birth|born on|medical record (?:number|no\.?)|patient (?:ID|number|no\.?))"
        r"[#:.\s]*\d[\d/.-]{2,}|(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"
    ),
    vague_links=(
        r"(?:please )?(?:(?:click|tap|press|go|look|see|read|find it) )?(?:on )?(?:here|this link|the link|link below)"
        r"|(?:this|the|our) (?:page|site|website|web ?site|link|article|document|video)|link|click|website"
        r"|(?:(?:read|learn|see|find out|show) )?more(?: (?:here|info|information|details))?|(?:more )?(?:info|details)"
        r"|(?:for )?more information|continue|read on|open|go"
    ),
    clause_break=r";\s+|,\s+and\s+(?=(?:you|we|they|it|he|she|this|that|there)\b)|,\s+(?=(?:but|so)\b)",
    spoken_alphabet=SPOKEN_ALPHABET,
    triage=TRIAGE,
    numbers=NUMBERS,
)
