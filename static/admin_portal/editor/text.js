// The text of the page: the visual editor once it has started, until then the textarea.

import { createApi, sourceText } from "../visual_editor/api.js";

export function createText(editor, field, windows) {
  const plain = sourceText(field, { openDialog: (name) => windows.open(name) });
  const textarea = createApi(field, { source: plain }, { mode: () => "source", setMode() {} });
  return () => editor.visualEditor ?? textarea;
}
