// The addresses of links (ALLOWED_LINK in procedures/rendering/inline.py).

export const isAllowed = (address) => /^(https:\/\/|mailto:|tel:)\S/i.test(address);
export const isInsecure = (address) => /^http:\/\//i.test(address);

// Whether the search box of the link dialog contains an address instead of search words.
export const isAddress = (text) => /^\s*((https?:\/\/|www\.|mailto:|tel:|#)\S|([a-z\d-]+\.)+[a-z]{2,}(\/\S*)?\s*$)/i.test(text);

// A browser would write %20 for it, and such an address rarely leads anywhere.
export const hasSpace = (address) => /^\s*(https?:\/\/|www\.)\S*\s+\S/i.test(address);

// Add https:// to an address that begins with a domain name, such as www.cdc.gov.
export const withScheme = (address) => (/^([a-z]+:|#)/i.test(address) ? address : `https://${address}`);

// Return an address as Markdown can contain it.
export const encodeAddress = (address) => address.replace(/^[a-z]+:/i, (scheme) => scheme.toLowerCase())
  .replace(/[()\s<>]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
