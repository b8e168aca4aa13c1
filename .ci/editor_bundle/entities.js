// In place of the package: markdown-it asks for the text of one reference at a time, such as "&eacute;".

export const decodeHTML = (text) => new DOMParser().parseFromString(text, "text/html").documentElement.textContent;
