// Asking the server. An answer that is not JSON (a login page, an error page) counts as none.

const UNREACHABLE = { status: 0, data: { error: "We cannot reach the site. Your text is still here." } };

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

const SIGNED_OUT = { status: 401, data: { error: "You are signed out. Your text is still here." } };

// Signing in again makes a new token; without it the form could not be sent any more.
export async function freshToken(editor) {
  const answer = await getJson(editor.dataset.session);
  if (answer.status !== 200) return answer;
  // The token is good for whoever is signed in at this browser; nobody is, so nothing could be sent with it.
  if (!answer.data.signed_in) return SIGNED_OUT;
  all("input[name=csrfmiddlewaretoken]").forEach((input) => { input.value = answer.data.csrf_token; });
  return answer;
}

const MAX_KEEPALIVE_BYTES = 60_000; // bytes; browsers let no more outlive the page

// ``background``: nobody did anything; the site then does not take it for work (portal/accounts/middleware.py).
export async function postForm(editor, address, body, signal, { leaving = false, background = false } = {}) {
  const token = () => document.querySelector("input[name=csrfmiddlewaretoken]").value;
  const keepalive = leaving && [...body.values()].join("").length * 2 < MAX_KEEPALIVE_BYTES;
  body.set("csrfmiddlewaretoken", token());
  const headers = { Accept: "application/json", ...(background && { "X-Background": "1" }) };
  const answer = await getJson(address, { method: "POST", body, signal, keepalive, headers });
  if (answer.data.code !== "csrf" || (await freshToken(editor)).status !== 200) return answer;
  body.set("csrfmiddlewaretoken", token());
  return getJson(address, { method: "POST", body, signal });
}
