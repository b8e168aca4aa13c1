// Requests to the server. A response that is not JSON (a login or error page) is treated as empty.

import { gettext } from "../i18n.js";

const UNREACHABLE = { status: 0, data: { error: gettext("We cannot reach the site. Your text is still here.") } };

export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

export async function getJson(address, options = {}) {
  try {
    const response = await fetch(address, { headers: { Accept: "application/json" }, redirect: "error", ...options });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    return { status: response.status, data: isJson ? await response.json() : {} };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return UNREACHABLE;
  }
}

const SIGNED_OUT = { status: 401, data: { error: gettext("You are signed out. Your text is still here.") } };

// Signing in again creates a new CSRF token; without it the form could no longer be sent.
export async function refreshCsrfToken(editor) {
  const result = await getJson(editor.dataset.session);
  if (result.status !== 200) return result;
  // The token is valid only for a signed-in user of this browser.
  if (!result.data.signed_in) return SIGNED_OUT;
  all("input[name=csrfmiddlewaretoken]").forEach((input) => { input.value = result.data.csrf_token; });
  return result;
}

const MAX_KEEPALIVE_BYTES = 60_000; // bytes; the browsers' limit for requests that outlive the page

// ``background``: sent without user activity, so it does not extend the session (portal/accounts/middleware.py).
export async function postForm(editor, address, body, signal, { leaving = false, background = false } = {}) {
  const token = () => document.querySelector("input[name=csrfmiddlewaretoken]").value;
  const keepalive = leaving && [...body.values()].join("").length * 2 < MAX_KEEPALIVE_BYTES;
  body.set("csrfmiddlewaretoken", token());
  const headers = { Accept: "application/json", ...(background && { "X-Background": "1" }) };
  const result = await getJson(address, { method: "POST", body, signal, keepalive, headers });
  if (result.data.code !== "csrf" || (await refreshCsrfToken(editor)).status !== 200) return result;
  body.set("csrfmiddlewaretoken", token());
  return getJson(address, { method: "POST", body, signal });
}
