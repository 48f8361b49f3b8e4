// Evaluate GitHub's expressions with GitHub's own evaluator.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expressions, reviver, truthy } from "./packages.mjs";
import { Expression } from "./parse.mjs";

const { Evaluator, Lexer, Parser, data } = expressions;
const CONTEXTS = ["github", "env", "vars", "secrets", "needs", "steps", "job", "runner", "inputs", "strategy", "matrix"];

/**
 * What expressions are evaluated against.
 *
 * `contexts` by name, as plain objects; `status()` is {success, failure, cancelled} as of now;
 * `workspace` is the folder that hashFiles looks into.
 */
export class Scope {
  constructor(contexts, status, workspace) {
    Object.assign(this, { contexts, status, workspace });
  }

  with(contexts) {
    return new Scope({ ...this.contexts, ...contexts }, this.status, this.workspace);
  }

  /** A value of the workflow with its expressions evaluated: texts stay texts, objects stay objects. */
  value(raw) {
    if (raw instanceof Expression) return asPlain(this.#evaluate(raw.text));
    if (Array.isArray(raw)) return raw.map((item) => this.value(item));
    if (raw && typeof raw === "object") return Object.fromEntries(Object.entries(raw).map(([k, v]) => [k, this.value(v)]));
    return raw;
  }

  /** The same as the text that a shell sees. */
  text(raw) {
    if (raw instanceof Expression) return this.#evaluate(raw.text).coerceString();
    return raw === undefined || raw === null ? "" : String(raw);
  }

  /** A mapping of texts, such as `env`, `with` or `outputs`. */
  texts(raw) {
    if (raw instanceof Expression) return texts(this.value(raw));
    return Object.fromEntries(Object.entries(raw ?? {}).map(([name, value]) => [name, this.text(value)]));
  }

  /** Whether a condition holds. */
  holds(condition) {
    return truthy(this.#evaluate(condition));
  }

  #evaluate(text) {
    const functions = [...this.#statusFunctions(), define("hashFiles", 1, 255, (...patterns) => this.#hashFiles(patterns))];
    const tree = new Parser(tokensOf(text), CONTEXTS, functions).parse();
    const contexts = Object.fromEntries(CONTEXTS.map((name) => [name, this.contexts[name] ?? {}]));
    const known = new Map(functions.map((each) => [each.name.toLowerCase(), each]));
    return new Evaluator(tree, JSON.parse(JSON.stringify(contexts), reviver), known).evaluate();
  }

  #statusFunctions() {
    const now = { ...this.status(), always: true };
    return Object.entries(now).map(([name, value]) => define(name, 0, 0, () => new data.BooleanData(value)));
  }

  #hashFiles(patterns) {
    const wanted = patterns.map((pattern) => globToRegExp(pattern.coerceString()));
    const found = filesUnder(this.workspace).filter((path) => wanted.some((each) => each.test(path)));
    const all = createHash("sha256");
    for (const path of found) all.update(createHash("sha256").update(readFileSync(join(this.workspace, path))).digest());
    return new data.StringData(found.length ? all.digest("hex") : "");
  }
}

/** The tokens of an expression; version 0.3.61 of the lexer undoubles only the first quote of a text. */
function tokensOf(text) {
  const { tokens } = new Lexer(text).lex();
  for (const token of tokens) {
    if (token.lexeme.startsWith("'")) token.value = token.lexeme.slice(1, -1).replaceAll("''", "'");
  }
  return tokens;
}

function define(name, minArgs, maxArgs, call) {
  return { name, minArgs, maxArgs, call };
}

const texts = (mapping) => Object.fromEntries(Object.entries(mapping ?? {}).map(([k, v]) => [k, String(v ?? "")]));

function asPlain(result) {
  if (result.kind === data.Kind.Array) return result.values().map(asPlain);
  if (result.kind === data.Kind.Dictionary) return Object.fromEntries(result.pairs().map(({ key, value }) => [key, asPlain(value)]));
  return result.kind === data.Kind.Null ? null : result.value;
}

/** `**` crosses folders, `*` and `?` do not. */
function globToRegExp(pattern) {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*\*\/|\*\*|\*|\?/g, (found) =>
    ({ "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" })[found]);
  return new RegExp(`^${source}$`);
}

function filesUnder(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => join(entry.path, entry.name).slice(folder.length + 1)).sort();
}
