// Puts a form into a website: <script src="…/f/embed.js" data-form="pain-guide" async></script>
(function () {
  "use strict";
  const script = document.currentScript;
  const form = script?.dataset.form;
  if (!form) {
    return;
  }
  const home = new URL(script.src);
  const address = new URL(`${home.pathname.replace(/embed\.js$/, "")}${encodeURIComponent(form)}`, home);
  address.searchParams.set("embed", "1");
  address.searchParams.set("page", location.origin + location.pathname);
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (name.startsWith("utm_")) {
      address.searchParams.set(name, value);
    }
  }
  if (script.dataset.thanks) {
    address.searchParams.set("thanks", new URL(script.dataset.thanks, location.href).href);
  }
  const frame = document.createElement("iframe");
  frame.src = address.href;
  frame.title = script.dataset.title || "Form to get the guide";
  frame.style.cssText = "display:block;width:100%;height:44rem;border:0";
  window.addEventListener("message", function (event) {
    const told = event.data;
    const ours = event.origin === address.origin && event.source === frame.contentWindow;
    if (ours && told?.nurtureForm === form && told.height > 0) {
      frame.style.height = `${Math.min(Number(told.height), 10000)}px`;
    }
  });
  script.after(frame);
})();
