import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import type * as Ts from "typescript";

const ts = createRequire(join(process.cwd(), "package.json"))("typescript") as typeof Ts;

/** Attributes that a user reads or hears. */
const SAID = new Set(["aria-label", "aria-valuetext", "aria-description", "title", "placeholder", "alt", "label"]);
/** Attributes and functions that take names of the machine's. */
const UNSAID = new Set(["class", "type", "id", "for", "role", "rel", "target", "d", "key", "keys"]);
const MACHINE = new Set([
  "querySelector", "querySelectorAll", "closest", "matchMedia", "getElementById", "addEventListener", "removeEventListener",
  "setProperty", "call", "createElementNS", "includes", "startsWith", "append", "get", "replaceAll", "execCommand", "h",
]);
/** Which argument of these functions is said. */
const SAYS: Record<string, (index: number) => boolean> = {
  h: (index) => index >= 2,
  button: (index) => index === 0,
  linkButton: (index) => index === 0,
  setText: (index) => index === 1,
  fill: (index) => index >= 1,
  say: (index) => index === 0,
  fact: (index) => index === 0,
  complain: (index) => index === 0,
  slider: (index) => index === 0,
};

const hasLetters = (text: string): boolean => /\p{L}{2}/u.test(text);
/** Two words with a space between, or a word with a capital that is no constant and no name of an event or a key. */
const looksSaid = (text: string): boolean => /\p{L}[,.;:]? \p{L}/u.test(text) || /^\p{Lu}\p{Ll}+[ ….!?]*$/u.test(text) || /[…–]/.test(text);
const isKey = (text: string): boolean => /^(Arrow(Left|Right|Up|Down)?|Enter|Escape|Home|End|Page(Up|Down)|Shift)$/.test(text);

/** The texts in a source that a user would read, each with its line. */
function said(name: string, text: string): string[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const note = (node: Ts.Node, words: string): void =>
    void found.push(`${name}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${JSON.stringify(words)}`);
  /** What is said at this place: yes, no, or as the text looks. */
  const placed = (node: Ts.Node): boolean | null => {
    for (let [child, parent] = [node, node.parent]; parent !== undefined; [child, parent] = [parent, parent.parent]) {
      if (ts.isConditionalExpression(parent) && parent.condition === child) return false;
      if (ts.isConditionalExpression(parent) || ts.isBinaryExpression(parent) || ts.isParenthesizedExpression(parent) || ts.isTemplateSpan(parent) || ts.isTemplateExpression(parent)) {
        if (ts.isBinaryExpression(parent) && /^[=!]==?$/.test(parent.operatorToken.getText())) return false;
        continue;
      }
      if (ts.isPropertyAssignment(parent)) {
        if (parent.name === child) return false;
        const of = parent.name.getText().replace(/['"]/g, "");
        return SAID.has(of) ? true : UNSAID.has(of) ? false : null;
      }
      if (ts.isElementAccessExpression(parent) || ts.isCaseClause(parent) || ts.isIndexedAccessTypeNode(parent)) return false;
      if (ts.isCallExpression(parent)) {
        const of = ts.isPropertyAccessExpression(parent.expression) ? parent.expression.name.text : parent.expression.getText();
        const index = parent.arguments.indexOf(child as Ts.Expression);
        if (of === "setAttribute") return SAID.has(parent.arguments.at(index - 1)?.getText().replace(/['"]/g, "") ?? "");
        if (SAYS[of]?.(index)) return true;
        return MACHINE.has(of) ? false : null;
      }
      if (!ts.isArrayLiteralExpression(parent)) return null;
    }
    return null;
  };
  const visit = (node: Ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return;
    const parts = ts.isStringLiteralLike(node)
      ? [node.text]
      : ts.isTemplateExpression(node)
        ? [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)]
        : [];
    const at = parts.some(hasLetters) ? placed(node) : false;
    const joined = parts.join("{}");
    if (at === true || (at === null && !isKey(joined) && parts.some((part) => hasLetters(part) && looksSaid(part)))) note(node, joined);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Not for a user: names on the disk and of the server, a programmer's error, a canvas' font, classes. */
const KNOWN = [/^src\/studio\/kept\.ts/, /^src\/studio\/mask\.ts.*"got \{\} pixels/, /system-ui, sans-serif/, /"option |"setting /, /"pill \{\}"|"button \{\}"/, /translate\(/, /"Content-Type"/, /"input sha256"/];

test("the words of the page are in words.ts alone", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts") && name !== "words.ts");
  assert.ok(files.length > 30, "the sources are there");
  const found = files.flatMap((name) => said(`src/${name}`, readFileSync(join("src", name), "utf8")));
  assert.deepEqual(found.filter((line) => !KNOWN.some((known) => known.test(line))), []);
});

test("a text that is said elsewhere is found", () => {
  for (const code of [
    'h("p", {}, "nothing");',
    'h("p", { "aria-label": "open" });',
    'button("go", act);',
    'setText(a, busy ? "later" : words.now);',
    "setText(a, `step ${n}`);",
    'const line = "The file is gone";',
    "throw new Error(`wanted ${n} pixels of it`);",
    'a.title = "Close";',
  ]) assert.equal(said("a.ts", code).length, 1, code);
});

test("names of the machine's are no words", () => {
  for (const code of [
    'h("p", { class: "a b" });',
    'document.querySelector("main a");',
    'if (event.key === "Escape") stop();',
    'call("POST", `/jobs/${id}/stop`);',
    'a.classList.toggle("pixels", true);',
  ]) assert.deepEqual(said("a.ts", code), [], code);
});
