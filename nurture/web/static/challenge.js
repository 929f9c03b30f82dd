// The proof of work beside a form. It must never keep anybody from sending the form.
import "./altcha/altcha.min.js";

const strings = globalThis.$altcha.i18n;
strings.set("en", {
  ...strings.get("en"),
  label: "Check that I am a person",
  verifying: "Checking that you are a person …",
  verified: "Checked",
  waitAlert: "One moment, please: this is still being checked.",
  error: "This could not be checked. You can send the form all the same.",
  expired: "This took too long to check. You can send the form all the same.",
});

for (const place of document.querySelectorAll("[data-challenge]")) {
  const form = place.closest("form");
  globalThis.$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker(place.dataset.worker));
  const widget = document.createElement("altcha-widget");
  widget.setAttribute("name", "solution");
  widget.setAttribute("challenge", place.dataset.challenge);
  widget.setAttribute("language", "en");
  widget.setAttribute("auto", "onload");
  widget.setAttribute(
    "configuration",
    JSON.stringify({ hideLogo: true, hideFooter: true, humanInteractionSignature: false, minDuration: 0 }),
  );
  widget.addEventListener("statechange", (event) => {
    form.noValidate = ["error", "expired"].includes(event.detail?.state);
  });
  form.noValidate = !globalThis.isSecureContext;
  place.append(widget);
}
