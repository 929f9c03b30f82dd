// A button beside each snippet copies it; without this script people select the text themselves.
for (const snippet of document.querySelectorAll("pre.snippet")) {
  const button = document.createElement("button");
  const subject = document.createElement("span");
  const outcome = document.createElement("span");
  button.type = "button";
  button.className = "button button-quiet";
  subject.className = "unseen";
  subject.textContent = ` ${snippet.getAttribute("aria-label") ?? ""}`;
  button.append("Copy", subject);
  outcome.className = "hint";
  outcome.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(snippet.textContent);
      outcome.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(snippet);
      outcome.textContent = "Selected. Press Ctrl and C to copy.";
    }
  });
  const row = document.createElement("p");
  row.className = "copying";
  row.append(button, " ", outcome);
  snippet.after(row);
}
