// The editor keeps what is typed as a draft and shows it beside; without this script the
// buttons do both.
(() => {
  const form = document.getElementById("editor");
  const body = form.elements.body;
  const refresh = document.getElementById("refresh");
  const frame = document.getElementById("preview");
  const saved = document.getElementById("saved");
  let waiting, saving = false, again = false;

  const show = () => form.requestSubmit(refresh);

  // One saving at a time, because each says which version it goes on from.
  const save = async () => {
    if (saving) { again = true; return; }
    saving = true;
    try {
      const answer = await fetch(form.dataset.draft, { method: "POST", body: new FormData(form) });
      const said = await answer.json();
      if (answer.ok) {
        form.elements.version.value = said.version;
        saved.textContent = "Kept as a draft.";
      } else {
        saved.textContent = said.trouble;
      }
    } catch {
      saved.textContent = "Not kept: the studio does not answer. It is tried again as you type.";
    }
    saving = false;
    if (again) { again = false; save(); }
  };

  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    if (event.target !== form && event.target.closest(".editor-preview")) return;
    waiting = setTimeout(() => { save(); show(); }, 800);
  });
  for (const name of ["as_whom", "mode", "look"]) {
    form.elements[name].addEventListener("change", show);
  }
  document.getElementById("width").addEventListener("change", (event) => {
    frame.classList.toggle("preview-phone", event.target.value === "phone");
  });
  for (const button of document.querySelectorAll("[data-insert]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      body.setRangeText(button.dataset.insert, body.selectionStart, body.selectionEnd, "end");
      body.focus();
      form.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
  show();
})();
