import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { expect, it } from "vitest";
import { de } from "./de";
import { en } from "./en";

/** The same in every language: names, keys, and markers of quick add. */
const UNIVERSAL = /^(Daylist|Daylist|#|#tag|!high|[^\p{L}]*)$/u;
/** Attributes that people read or hear. */
const READ = new Set(["aria-label", "placeholder", "title", "alt", "label", "text", "why"]);
const FILES = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/u.test(file));
const SOURCES = FILES.filter((file) => !/^text|\.test\./u.test(file));

it.each(SOURCES)("%s has no text of its own", (file) => {
  const source = ts.createSourceFile(file, readFileSync(`src/${file}`, "utf8"), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const literalsIn = (node: ts.Node): void => {
    // A call chooses among texts elsewhere, and what is compared is not shown.
    if (ts.isBinaryExpression(node) && !["&&", "||", "??"].includes(node.operatorToken.getText())) return;
    if (ts.isStringLiteralLike(node)) found.push(node.text);
    else if (ts.isTemplateExpression(node))
      found.push(node.head.text, ...node.templateSpans.map((span) => span.literal.text));
    else if (!ts.isCallExpression(node) && !ts.isJsxElement(node) && !ts.isJsxSelfClosingElement(node))
      ts.forEachChild(node, literalsIn);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) found.push(node.text);
    else if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent) && node.expression) {
      if (!ts.isArrowFunction(node.expression)) literalsIn(node.expression);
    } else if (ts.isJsxAttribute(node) && READ.has(node.name.getText()) && node.initializer)
      literalsIn(node.initializer);
    else if (ts.isCallExpression(node) && node.expression.getText() === "announce") node.arguments.forEach(literalsIn);
    else if (ts.isPropertyAssignment(node) && ["text", "label"].includes(node.name.getText()))
      literalsIn(node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(source);
  expect(found.map((text) => text.trim()).filter((text) => !UNIVERSAL.test(text))).toEqual([]);
});

it("German has a text of its own for every English one", () => {
  // Words that are the same in both languages.
  const SAME = new Set(["locale.fallback", "filter", "languages.en", "languages.de"]);
  const same: string[] = [];
  const compare = (a: object, b: object, path: string) => {
    for (const [name, text] of Object.entries(a)) {
      const other: unknown = b[name as keyof typeof b];
      if (typeof text === "object") compare(text, other as object, `${path}${name}.`);
      else if (typeof text === "string" && text === other && !SAME.has(path + name)) same.push(path + name);
    }
  };
  compare(en, de, "");
  expect(same).toEqual([]);
});
