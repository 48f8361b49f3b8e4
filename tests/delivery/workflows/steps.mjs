// Run the steps of one job in order: `run:` in a real shell, `uses:` by a stand-in that leaves behind what the action does.
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentFiles, readEnvironmentFiles } from "./files.mjs";

const SHELLS = {
  "": ["bash", "-e", "{0}"], // unspecified: without pipefail
  bash: ["bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"],
  sh: ["sh", "-e", "{0}"],
  python: ["python3", "{0}"],
};
const AFTER_THE_END = minutes(5);
const NOT_SET_BY_FILE = /^(GITHUB_|RUNNER_|NODE_OPTIONS$)/i;

/**
 * The steps of a job, with what they share.
 *
 * `place` has {folder, workspace, temp, home}; `scope` evaluates; `given` is {path, pass, actions, actionsOnly};
 * `variables` are GITHUB_* and RUNNER_*, which nothing overrides.
 */
export class Steps {
  records = [];
  contexts = {}; // `steps`
  env = {}; // the workflow's, the job's, then what steps add
  summary = "";
  #paths = [];
  #after = []; // actions that asked to be called again at the end
  #failed = false;

  constructor(shared) {
    Object.assign(this, shared);
    const status = () => this.result;
    const job = { get status() { return status(); } };
    this.scope = this.scope.with({ steps: this.contexts, env: this.env, job });
    this.scope.status = () => ({ success: !this.#failed && !this.stopped(), failure: this.#failed, cancelled: this.stopped() });
  }

  get result() {
    return this.stopped() ? "cancelled" : this.#failed ? "failure" : "success";
  }

  /** Run the steps, then what actions do after the job, in reverse. */
  async run(steps) {
    for (const step of steps) await this.#step(step);
    for (const { step, env, state } of this.#after.reverse()) {
      await this.#action({ ...step, name: `after ${step.uses}` }, { env, state, scope: this.scope }, "post");
    }
  }

  async #step(step) {
    let wanted;
    try {
      wanted = this.scope.holds(step.if);
    } catch (error) {
      return this.#refuse(step, `its condition cannot be evaluated: ${error.message}`);
    }
    if (!wanted) return this.#record(step, { outcome: "skipped", conclusion: "skipped", outputs: {} });
    try {
      const env = this.scope.texts(step.env);
      const scope = this.scope.with({ env: { ...this.env, ...env } });
      await (step.uses ? this.#action(step, { env, scope }, "main") : this.#shell(step, { env, scope }));
    } catch (error) {
      this.#refuse(step, error.message);
    }
  }

  async #shell(step, { env, scope }) {
    const shell = scope.text(step.shell ?? this.defaults.shell);
    const script = join(this.place.temp, `step-${this.records.length + 1}.sh`);
    writeFileSync(script, scope.text(step.run) + "\n");
    const command = (SHELLS[shell] ?? shell.split(" ")).map((word) => word.replace("{0}", script));
    const folder = join(this.place.workspace, scope.text(step["working-directory"] ?? this.defaults["working-directory"]));
    await this.#execute(step, scope, command, env, folder);
  }

  async #action(step, { env, scope, state = {} }, phase) {
    const program = standIn(this.given.actions, step.uses);
    const inputs = Object.entries(scope.texts(step.with)).map(([name, value]) => [`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`, value]);
    const toolkit = { PYTHONPATH: this.given.actions.join(":") };
    const more = { ...env, ...toolkit, ...Object.fromEntries(inputs), ...this.given.actionsOnly, ...state };
    const written = await this.#execute(step, scope, [program, phase], more, this.place.workspace);
    if (phase === "main" && Object.keys(written.state).length) {
      const kept = Object.fromEntries(Object.entries(written.state).map(([name, value]) => [`STATE_${name.toUpperCase()}`, value]));
      this.#after.push({ step: { ...step, "continue-on-error": true }, env, state: kept });
    }
  }

  async #execute(step, scope, command, env, cwd) {
    const number = this.records.length + 1;
    const log = join(this.place.folder, `${String(number).padStart(2, "0")}.log`);
    const files = environmentFiles(join(this.place.temp, "_runner_file_commands", String(number)));
    writeFileSync(log, "");
    const ended = await this.processes.run(command, {
      cwd,
      env: this.#environment(env, files),
      milliseconds: Math.min(minutes(scope.value(step["timeout-minutes"]) ?? 360), this.#left()),
      onLine: (line) => appendFileSync(log, this.#said(line) + "\n"),
    });
    if (ended.timedOut) appendFileSync(log, "the time limit was exceeded\n");
    const written = readEnvironmentFiles(files);
    Object.assign(this.env, Object.fromEntries(Object.entries(written.env).filter(([name]) => !NOT_SET_BY_FILE.test(name))));
    this.#paths.unshift(...written.path.reverse());
    this.summary += this.masks.clean(written.summary);
    const goesOn = scope.value(step["continue-on-error"]) === true;
    const outcome = ended.code === 0 ? "success" : ended.cancelled ? "cancelled" : "failure";
    const conclusion = outcome === "failure" && goesOn ? "success" : outcome;
    this.#record(step, { outcome, conclusion, outputs: written.outputs, log });
    return written;
  }

  /** Milliseconds until the job must end; what goes on after that, as always() does, has a few minutes. */
  #left() {
    const left = this.deadline - Date.now();
    return left > 0 ? left : AFTER_THE_END;
  }

  /** A step's clean environment: nothing of the caller's but what the input passes on. */
  #environment(env, files) {
    const path = [...this.#paths, this.given.path].join(":");
    return { PATH: path, HOME: this.place.home, ...this.given.pass, ...this.env, ...env, CI: "true", ...this.variables, ...files };
  }

  /** A line as the log shows it; `::add-mask::` is obeyed. */
  #said(line) {
    const mask = /^::add-mask::(.*)$/.exec(line);
    if (mask) this.masks.add(mask[1].replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%"));
    return mask ? "::add-mask::***" : this.masks.clean(line);
  }

  #refuse(step, reason) {
    const log = join(this.place.folder, `${String(this.records.length + 1).padStart(2, "0")}.log`);
    mkdirSync(this.place.folder, { recursive: true });
    writeFileSync(log, this.masks.clean(reason) + "\n");
    this.#record(step, { outcome: "failure", conclusion: "failure", outputs: {}, log });
  }

  #record(step, { outcome, conclusion, outputs, log }) {
    const name = this.masks.clean(this.scope.text(step.name) || step.uses || this.scope.text(step.run).trim().split("\n")[0]);
    if (step.id) this.contexts[step.id] = { outcome, conclusion, outputs };
    this.records.push({ number: this.records.length + 1, id: step.id ?? null, name, outcome, conclusion, log: log ?? null });
    if (conclusion === "failure") this.#failed = true;
    this.onStep(this.records.at(-1));
  }
}

function minutes(count) {
  return Number(count) * 60_000;
}

/** The program that stands in for an action: <folder>/<owner>/<name>.py of the first folder that has it. */
export function standIn(folders, uses) {
  const action = uses.split("@")[0];
  const found = folders.map((folder) => join(folder, `${action}.py`)).find((path) => existsSync(path));
  if (!found) throw new Error(`there is no stand-in for the action ${action}`);
  return found;
}
