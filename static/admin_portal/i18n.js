// Strings that staff read. makemessages collects the arguments of gettext() and ngettext(); their translations come from
// Django's JavaScript catalog, which templates/admin/base_site.html loads before all modules.

export const gettext = window.gettext ?? ((text) => text);
export const ngettext = window.ngettext ?? ((one, many, count) => (count === 1 ? one : many));

// Insert values by name: format(gettext("%(part)s% sent"), { part: 50 }).
export const format = (text, values) => text.replace(/%\((\w+)\)s/g, (_match, name) => values[name]);
