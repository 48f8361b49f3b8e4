// The files through which a step speaks to the runner: GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH, ...
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NAMES = ["OUTPUT", "ENV", "PATH", "STEP_SUMMARY", "STATE"];

/** Empty files for one step, as variables that name them. */
export function environmentFiles(folder) {
  mkdirSync(folder, { recursive: true });
  const variables = NAMES.map((name) => [`GITHUB_${name}`, join(folder, name.toLowerCase())]);
  variables.forEach(([, path]) => writeFileSync(path, ""));
  return Object.fromEntries(variables);
}

/** What a step wrote: {outputs, env, path, summary, state}. */
export function readEnvironmentFiles(files) {
  const text = (name) => readFileSync(files[`GITHUB_${name}`], "utf8");
  return {
    outputs: assignments(text("OUTPUT")),
    env: assignments(text("ENV")),
    state: assignments(text("STATE")),
    path: text("PATH").split(/\r?\n/).filter(Boolean),
    summary: text("STEP_SUMMARY"),
  };
}

/** `name=value` lines, and values of several lines between `name` + two less-than signs + a word and that word. */
function assignments(text) {
  const found = {};
  const lines = text.split(/\r?\n/);
  while (lines.length) {
    const line = lines.shift();
    if (!line) continue;
    const equals = line.indexOf("=");
    const block = line.indexOf("<<");
    if (block >= 0 && (equals < 0 || block < equals)) {
      const end = lines.indexOf(line.slice(block + 2));
      if (end < 0) throw new Error(`no line ${line.slice(block + 2)} ends the value of ${line.slice(0, block)}`);
      found[line.slice(0, block)] = lines.splice(0, end + 1).slice(0, -1).join("\n");
    } else if (equals > 0) {
      found[line.slice(0, equals)] = line.slice(equals + 1);
    } else {
      throw new Error(`invalid format: ${line}`);
    }
  }
  return found;
}
