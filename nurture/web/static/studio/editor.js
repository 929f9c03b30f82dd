// The editor keeps what is typed as a draft, shows it beside and says what stands against
// publishing it; without this script the buttons do all three.
(() => {
  const nonce = document.currentScript.nonce;
  const form = document.getElementById("editor");
  const area = form.elements.body;
  const refresh = document.getElementById("refresh");
  const frame = document.getElementById("preview");
  const saved = document.getElementById("saved");
  const concerns = document.getElementById("concerns");
  const insertions = document.getElementById("insertions");
  let waiting, saving = false, again = false, asked = 0;

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
        saved.textContent = "Draft saved.";
      } else {
        saved.textContent = said.trouble;
      }
    } catch {
      saved.textContent = "Not kept: the studio does not answer. It is tried again as you type.";
    }
    saving = false;
    if (again) { again = false; save(); }
  };

  // An answer that a later question has overtaken is let go.
  const judge = async () => {
    const number = ++asked;
    try {
      const answer = await fetch(form.dataset.concerns, { method: "POST", body: new FormData(form) });
      const part = await answer.text();
      if (!answer.ok || number !== asked) return;
      concerns.innerHTML = part;
      editor.mark();
    } catch {
      // The draft is not kept either then, and that is said.
    }
  };

  const typed = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { save(); show(); judge(); }, 800);
  };

  const editor = edit();
  editor.mark();
  form.addEventListener("input", (event) => {
    if (!event.target.closest(".editor-side, .cm-editor")) typed();
  });
  for (const name of ["as_whom", "mode", "look"]) {
    form.elements[name].addEventListener("change", show);
  }
  document.getElementById("width").addEventListener("change", (event) => {
    frame.classList.toggle("preview-phone", event.target.value === "phone");
  });
  insertions.hidden = false;
  for (const button of insertions.querySelectorAll("[data-insert]")) {
    button.addEventListener("click", () => {
      button.closest("details").open = false;
      editor.insert(button.dataset.insert);
    });
  }
  document.addEventListener("click", (event) => {
    for (const menu of insertions.querySelectorAll("details[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  insertions.addEventListener("keydown", (event) => {
    const menu = event.target.closest("details[open]");
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  show();

  // The field with highlighting and a gutter, in place of the plain one that the form sends.
  function edit() {
    const C = CodeMirror;
    const label = form.querySelector("label[for=body]");
    label.id = "body-label";
    label.removeAttribute("for");
    area.hidden = true;
    area.required = false;
    const isMarkdown = form.dataset.language === "markdown";
    const view = new C.EditorView({
      parent: area.parentElement,
      doc: area.value,
      extensions: [
        C.EditorView.cspNonce.of(nonce),
        C.EditorView.contentAttributes.of({
          "aria-labelledby": "body-label", "aria-describedby": "body-hint", spellcheck: "true",
          tabindex: "0",
        }),
        C.EditorView.lineWrapping,
        C.lineNumbers(),
        C.lintGutter(),
        C.history(),
        C.keymap.of([...C.defaultKeymap, ...C.historyKeymap, ...C.lintKeymap]),
        isMarkdown ? C.markdown() : C.xml(),
        C.syntaxHighlighting(highlights(C)),
        isMarkdown ? placeholders(C) : [],
        C.EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          typed();
        }),
      ],
    });
    label.addEventListener("click", () => view.focus());
    return {
      insert(text) {
        view.dispatch(view.state.replaceSelection(text));
        view.focus();
      },
      mark() {
        const found = [...concerns.querySelectorAll("li[data-line]")];
        const placed = found.filter((one) => +one.dataset.line > 0
          && +one.dataset.line <= view.state.doc.lines);
        view.dispatch(C.setDiagnostics(view.state, placed.map((one) => {
          const line = view.state.doc.line(+one.dataset.line);
          const message = one.querySelector("div").textContent.trim().replace(/\s+/g, " ");
          return { from: line.from, to: line.to, severity: one.dataset.severity, message };
        })));
      },
    };
  }

  function highlights(C) {
    const t = C.tags;
    return C.HighlightStyle.define([
      { tag: t.heading, class: "cm-heading" },
      { tag: t.strong, fontWeight: "bold" },
      { tag: t.emphasis, fontStyle: "italic" },
      { tag: [t.link, t.url, t.tagName], class: "cm-accent" },
      { tag: [t.attributeName, t.processingInstruction, t.angleBracket, t.comment], class: "cm-soft" },
      { tag: [t.attributeValue, t.string], class: "cm-value" },
    ]);
  }

  // A placeholder reads as what it stands for, and is stepped over and deleted as one.
  function placeholders(C) {
    const said = new Map([...insertions.querySelectorAll("[data-placeholder]")].map(
      (button) => [button.dataset.insert, button.dataset.placeholder]));
    class Chip extends C.WidgetType {
      constructor(words) { super(); this.words = words; }
      eq(other) { return other.words === this.words; }
      toDOM() {
        const chip = document.createElement("span");
        chip.className = "cm-placeholder-chip";
        chip.textContent = this.words;
        return chip;
      }
    }
    const quoted = [...said.keys()].map((code) => code.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const finder = new C.MatchDecorator({
      regexp: new RegExp(quoted.join("|"), "g"),
      decoration: (match) => C.Decoration.replace({ widget: new Chip(said.get(match[0])) }),
    });
    const plugin = C.ViewPlugin.define((view) => ({
      chips: finder.createDeco(view),
      update(update) { this.chips = finder.updateDeco(update, this.chips); },
    }), {
      decorations: (one) => one.chips,
      provide: (one) => C.EditorView.atomicRanges.of(
        (view) => view.plugin(one)?.chips ?? C.Decoration.none),
    });
    return plugin;
  }
})();
