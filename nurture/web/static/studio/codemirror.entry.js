// What the studio's editor takes from CodeMirror; docs/vendored.md says how this is bundled.
import { parser } from "@lezer/markdown";
import { Language, LanguageSupport, defineLanguageFacet } from "@codemirror/language";
export { EditorState } from "@codemirror/state";
export {
  Decoration, EditorView, MatchDecorator, ViewPlugin, WidgetType, drawSelection, keymap,
  lineNumbers,
} from "@codemirror/view";
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
export { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
export { xml } from "@codemirror/lang-xml";
export { tags } from "@lezer/highlight";

// CommonMark alone: the package for CodeMirror would bring HTML, CSS and JavaScript along.
export const markdown = () => new LanguageSupport(new Language(defineLanguageFacet(), parser));
