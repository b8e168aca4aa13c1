// Writes equations from Word (OMML) and the web (MathML) as one line of text.

import { raised } from "./symbols.js";

const grouped = (text) => (/^[\p{L}\p{N}.]+$/u.test(text) ? text : `(${text})`);
const above = (text) => (text ? raised(text, "", false).text : "");
const below = (text) => (text ? raised(text, "", true).text : "");

// Returns a function that reads a part by its name in Word, or else by its position.
function partsOf(node) {
  const kids = [...node.children].filter((child) => !/^(m:)?\w*pr$/i.test(child.nodeName));
  const isWord = kids.some((kid) => /^m:(e|num|den|sup|sub|deg)$/i.test(kid.nodeName));
  return (name, place) => {
    const kid = isWord ? kids.find((child) => child.nodeName.toLowerCase() === `m:${name}`) : kids[place];
    return kid ? linear(kid).trim() : "";
  };
}

const sign = (node, name, otherwise) => {
  const found = [...node.children].flatMap((child) => [...child.children]).find((child) => child.nodeName.toLowerCase() === `m:${name}`);
  return found ? found.getAttribute("m:val") ?? "" : otherwise;
};

export function linear(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data.replace(/\s+/g, " ");
  if (node.nodeType !== Node.ELEMENT_NODE) return "";
  const name = node.nodeName.toLowerCase().replace(/^m:/, "");
  if (/^(annotation|annotation-xml)$|pr$/.test(name)) return "";
  const part = partsOf(node);
  const all = () => [...node.childNodes].map(linear).join("");
  const isBare = !node.children.length;
  if (/^(mfrac|f)$/.test(name) && !isBare) return `${grouped(part("num", 0))}/${grouped(part("den", 1))}`;
  if (/^(msup|ssup)$/.test(name)) return isBare ? above(all().trim()) : part("e", 0) + above(part("sup", 1));
  if (/^(msub|ssub)$/.test(name)) return isBare ? below(all().trim()) : part("e", 0) + below(part("sub", 1));
  if (/^(msubsup|ssubsup)$/.test(name)) return part("e", 0) + below(part("sub", 1)) + above(part("sup", 2));
  if (name === "spre") return below(part("sub", 0)) + above(part("sup", 1)) + part("e", 2);
  if (name === "nary") return `${sign(node, "chr", "∫")}${below(part("sub", 0))}${above(part("sup", 1))} ${part("e", 2)}`;
  if (name === "d") {
    const inside = [...node.children].filter((child) => /^m:e$/i.test(child.nodeName)).map((child) => linear(child).trim());
    return `${sign(node, "begchr", "(")}${inside.join(sign(node, "sepchr", "|"))}${sign(node, "endchr", ")")}`;
  }
  if (name === "msqrt") return `√(${all().trim()})`;
  if (name === "rad") return part("deg", 0) ? `(${part("e", 1)})^(1/${part("deg", 0)})` : `√(${part("e", 1)})`;
  if (name === "mroot") return `(${part("e", 0)})^(1/${part("deg", 1)})`;
  return all();
}
