// Where GitHub's parser is found, and the one thing it needs to load: JSON files imported without an attribute.
import { existsSync, readFileSync } from "node:fs";
import { register } from "node:module";
import { pathToFileURL } from "node:url";

const installed = new URL("../../../build/workflow-runner/", import.meta.url);

/** The hooks run in a thread of their own, so they arrive there as text. */
const hooks = `
  import { readFileSync } from "node:fs";
  export function resolve(name, context, next) {
    return next(name, name.startsWith("@actions/") ? { ...context, parentURL: ${JSON.stringify(installed.href)} } : context);
  }
  export function load(url, context, next) {
    if (!url.endsWith(".min.json")) return next(url, context);
    const source = "export default " + readFileSync(new URL(url), "utf8");
    return { format: "module", shortCircuit: true, source };
  }`;

if (!existsSync(new URL("node_modules/@actions/workflow-parser", installed))) {
  throw new Error("the workflow parser is not installed: run make workflow-runner");
}
register("data:text/javascript," + encodeURIComponent(hooks), pathToFileURL("./"));

export const parser = await import("@actions/workflow-parser");
const { parseAction } = await import("@actions/workflow-parser/actions/action-parser");
const { convertActionTemplate } = await import("@actions/workflow-parser/actions/action-template");
export const actions = { parse: parseAction, convert: convertActionTemplate };
export const expressions = await import("@actions/expressions");
export const { reviver } = await import("@actions/expressions/data/reviver");
export const { truthy } = await import("@actions/expressions/result");

/** The parsed JSON file. */
export const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
