// Characters that need a table: symbol fonts, superscripts, and subscripts.

const table = (from, to) => Object.fromEntries([...from].map((character, at) => [character, [...to][at]]));

const SUPERSCRIPTS = table("0123456789+-−–=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ⁿⁱ");
const SUBSCRIPTS = table("0123456789+-−–=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎");

// Latin-1 as Word and Outlook write it, by the glyph that each font shows.
const SYMBOL = table(
  "ABGDEZHQIKLMNXOPRSTUFCYWabgdezhqiklmnxoprstufcyw¥£³±´¸¹»¬­®¯«°·Ö¢²ºå\"ÛÞÜ¶¼×ð§¨©ª",
  "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρστυφχψω∞≤≥±×÷≠≈←↑→↓↔°•√′″≡Σ∀⇔⇒⇐∂…⋅∅♣♦♥♠",
);
const WINGDINGS = table("àßáâäæåãèðïñòüûýþ¨oqnl§ØvJKL()*MNCDFEGHIÄ«¡ù÷øö", "→←↑↓↗↘↙↖➔⇨⇦⇧⇩✓✗☒☑☐☐☐■●▪➢❖☺😐☹☎✆✉💣☠👍👎☞☜☝☟✋➘★○↖↗↘↗");
const WINGDINGS_2 = table("PORQTS£", "✓✗☒☑☒✗☐");
const WINGDINGS_3 = table("\"#!$fghi", "↔↕→↓←→↑↓");
const FONTS = { symbol: SYMBOL, wingdings: WINGDINGS, "wingdings 2": WINGDINGS_2, "wingdings 3": WINGDINGS_3, webdings: table("ar", "✓✗") };
const SHARED = /[\s\u00a0.,;:!?]/; // looks about the same in Symbol as in other fonts

export const UNKNOWN = "[symbol]";
export const isSymbolFont = (name) => Object.hasOwn(FONTS, name);

// Converts text in a symbol font to Unicode. Without a symbol font, only private-use characters are converted.
export function fromSymbolFont(text, font) {
  const known = FONTS[font] ?? {};
  const read = (character) => {
    const code = character.codePointAt(0);
    const isPrivate = code >= 0xf020 && code <= 0xf0ff;
    if (!isPrivate && (code > 0xff || !isSymbolFont(font))) return code >= 0xe000 && code <= 0xf8ff ? UNKNOWN : character;
    const plain = isPrivate ? String.fromCharCode(code - 0xf000) : character;
    if (known[plain]) return known[plain];
    // Word puts bullets and check boxes in the private area without always naming the font.
    if (isPrivate && !isSymbolFont(font)) return { "·": "•", "§": "▪", "ü": "✓", "à": "→" }[plain] ?? UNKNOWN;
    if (SHARED.test(plain)) return plain;
    return font === "symbol" && /[\d()+=<>/%[\]{}|&*#-]/.test(plain) ? plain : UNKNOWN;
  };
  return [...text].map(read).join("").replaceAll(`${UNKNOWN}${UNKNOWN}`, UNKNOWN);
}

const FRACTIONS = Object.fromEntries([..."½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"].map((sign) => [sign.normalize("NFKC"), sign]));

// Writes "1¹/₂" as "1½" and "2³/₁₆" as "2 3/16", so that they are not read as powers.
export const withFractions = (text) => text.replace(/(?:(\d)\s?)?([⁰¹²³⁴-⁹]+)[/⁄]([₀-₉]+)/g, (_, whole = "", above, below) => {
  const [upper, lower] = [above.normalize("NFKC"), below.normalize("NFKC")];
  const sign = FRACTIONS[`${upper}⁄${lower}`];
  return sign ? whole + sign : `${whole && `${whole} `}${upper}/${lower}`;
});

const ORDINAL = /^(st|nd|rd|th|er|ra|ro|do|da|to|ta|re|e|de|ème|eme)$/i;
const MARKS = { TM: "™", SM: "℠", R: "®", C: "©" };

// Ordinals such as 3.ª and 1.º, after a whole number. ``ordinals``: how a raised letter is written, {o: "º"}.
const isOrdinal = (text, before, ordinals) => (/^[ºª]$/.test(text) || Object.hasOwn(ordinals, text)) && /(^|[^\d.,])\d+\.?$/.test(before);

const UNIT = /(^|[^\p{L}])([kcdmµμn]?m|yd|mi|km|ha|sec)$/u;
const SHORT_UNIT = /(\d|\/|\bper)\s*(in|ft|inch|foot|s)$/;
const FORMULA = /(^|[^\p{L}])(C|Sp|Pa|Sa)?O$/u;

function isPower(number, before) {
  if (/[23]/.test(number) && number.length === 1 && (UNIT.test(before) || SHORT_UNIT.test(before))) return true;
  if (/\)$/.test(before)) return !/\p{L}{2}/u.test(/\([^()]*\)$/.exec(before)?.[0] ?? "ab") && number !== "1";
  return number !== "1" && (FORMULA.test(before) || /(^|[^\p{L}'’])\p{L}$/u.test(before));
}

// Whether a raised number or letter is a note mark: "Rest.¹", "pain ²,³", "5.2ª" in a table of results.
export function isNoteMark(text, before, after, ordinals) {
  if (/^[a-h]([,–-][a-h])*$/.test(text)) return /([\d%)\].,;:!?]|\p{L}{2})\s?$/u.test(before) && !isOrdinal(text, before, ordinals) && !/^[\p{L}\p{N}]/u.test(after);
  if (!/^\[?\d{1,3}(\s*[,–-]\s*\d{1,3})*\]?$/.test(text) || /^\s*[/⁄]/.test(after)) return false;
  // An isotope: "a ¹⁸F scan".
  if (/\s$/.test(before) && /^[\p{L}\p{N}]/u.test(after)) return false;
  const words = before.trimEnd();
  return /[\p{L}.,;:!?%)\]”’"'»…]$/u.test(words) && (/[,–-]/.test(text) || !isPower(text, words));
}

// Writes raised or lowered text with Unicode characters: {text, isExact}. ``before`` is the text in front of it.
export function raised(text, before, isBelow, ordinals) {
  const letters = [...text.replace(/\s+/g, "")];
  const known = isBelow ? SUBSCRIPTS : SUPERSCRIPTS;
  const follows = /[\d.]$/.test(before);
  if (!letters.length) return { text, isExact: true };
  if (!isBelow && follows && ORDINAL.test(text.trim())) return { text: text.trim(), isExact: true };
  if (!isBelow && follows && isOrdinal(text.trim(), before, ordinals)) return { text: ordinals[text.trim()] ?? text.trim(), isExact: true };
  if (!isBelow && MARKS[text.trim()]) return { text: MARKS[text.trim()], isExact: true };
  if (letters.every((letter) => known[letter])) return { text: letters.map((letter) => known[letter]).join(""), isExact: true };
  // Characters that are raised by themselves: ®, *, †, °, ².
  if (!letters.some((letter) => /[\p{L}\p{N}]/u.test(letter.normalize("NFD")) && !/[\u00aa\u00b2\u00b3\u00b9\u00ba\u2070-\u209f]/.test(letter))) return { text, isExact: true };
  const sign = isBelow ? "_" : "^";
  return { text: /^(\p{L}+|\p{N})$/u.test(text.trim()) ? sign + text.trim() : `${sign}(${text.trim()})`, isExact: false };
}
