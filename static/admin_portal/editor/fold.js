// Return the text for a search: without case, accents, hyphens, invisible characters, and variants of letters and
// apostrophes, much as the searches on the server (portal/text.py).
export const fold = (text) => text.replace(/[‘’‛ʼʹ′＇`´]/g, "'").normalize("NFKD").replace(/[\p{M}\p{Cf}\p{Pd}−]/gu, "").toLowerCase();
