// Sign-in: passkeys, and a button that shows the password. Without this script, name, password and code still work.

import { gettext } from "./i18n.js";

const toBytes = (text) => Uint8Array.from(
  atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0),
);
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const decodeIds = (list) => (list ?? []).map((item) => ({ ...item, id: toBytes(item.id) }));

// Convert the server's options to byte arrays, as WebAuthn level 2 requires: older browsers cannot parse JSON options.
function forBrowser({ publicKey: serverOptions }) {
  const browserOptions = { ...serverOptions, challenge: toBytes(serverOptions.challenge) };
  if (serverOptions.user) {
    browserOptions.user = { ...serverOptions.user, id: toBytes(serverOptions.user.id) };
    browserOptions.excludeCredentials = decodeIds(serverOptions.excludeCredentials);
    // A discoverable passkey can sign in without a name; any other key still serves as a second step.
    browserOptions.authenticatorSelection = {
      ...serverOptions.authenticatorSelection, residentKey: "preferred", requireResidentKey: false, userVerification: "preferred",
    };
  } else {
    browserOptions.allowCredentials = decodeIds(serverOptions.allowCredentials);
  }
  return { publicKey: browserOptions };
}

function forServer(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({
    id: credential.id, rawId: toText(credential.rawId), type: credential.type, response,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

const REASONS = {
  NotAllowedError: gettext("Your device didn’t confirm it’s you. Try again when you’re ready."),
  InvalidStateError: gettext("This device already has a passkey for your account."),
  SecurityError: gettext("Passkeys need the site's name in the address, and https."),
};

async function usePasskey(form) {
  let options;
  if (form.dataset.passkey === "alone") {
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error();
    options = (await answer.json()).request_options;
  } else {
    options = JSON.parse(form.dataset.options);
  }
  const browserOptions = forBrowser(options);
  const credential = await (form.dataset.passkey === "create"
    ? navigator.credentials.create(browserOptions) : navigator.credentials.get(browserOptions));
  form.elements.credential.value = forServer(credential);
  form.submit();
}

// Browsers bind a passkey to a host name; an IP address has none.
const hasHostName = /[a-z]/i.test(location.hostname) && !location.hostname.includes(":");
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("button:not([type=button])");
  const status = form.querySelector("[role=status]");
  const isSupported = window.PublicKeyCredential && window.isSecureContext && hasHostName;
  status.textContent = isSupported ? "" : gettext("Passkeys do not work here. They need https and the site's name in the address.");
  button.hidden = !isSupported;
  // Next to name and password, a passkey is only an alternative: hide it where it cannot work.
  if (!isSupported && form.dataset.passkey === "alone") form.closest(".card").hidden = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = gettext("Follow the steps on your device…");
    usePasskey(form).catch((error) => {
      button.disabled = false;
      status.textContent = REASONS[error.name] ?? gettext("Something went wrong. Try again, or use another method.");
    });
  });
}
for (const note of document.querySelectorAll("[data-needs-name]")) note.hidden = hasHostName;

for (const input of document.querySelectorAll("input[type=password]")) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "show-password", textContent: gettext("Show the password") });
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    button.textContent = input.type === "password" ? gettext("Show the password") : gettext("Hide the password");
  });
  input.form.addEventListener("submit", () => { input.type = "password"; });
  input.after(button);
}
