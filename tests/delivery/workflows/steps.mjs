// Run the steps of one job in order: `run:` in a real shell, `uses:` by a stand-in that leaves behind what the action does.
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Scope } from "./expressions.mjs";
import { environmentFiles, readEnvironmentFiles } from "./files.mjs";
import { isLocal, readAction } from "./parse.mjs";

const SHELLS = {
  "": ["bash", "-e", "{0}"], // unspecified: without pipefail
  bash: ["bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"],
  sh: ["sh", "-e", "{0}"],
  python: ["python3", "{0}"],
};
const NOT_IN_ACTIONS = ["secrets", "vars", "needs"];
const NOT_SET_BY_FILE = /^(GITHUB_|RUNNER_|NODE_OPTIONS$)/i;

/** What the steps of a job share with each other, and with the steps of the local actions that they use. */
export class Shared {
  records = []; // what became of each step of the job
  env = {}; // the workflow's, the job's, then what steps add
  summary = "";
  paths = [];
  after = []; // actions that asked to be called again at the end
  programs = 0; // that were run

  /**
   * `place` has {folder, workspace, temp, home}; `given` is {path, pass, actions, actionsOnly}; `variables` are GITHUB_*
   * and RUNNER_*, which nothing overrides; `stopped()`, `givenUp()`, when what goes on after that is ended, and
   * `onStep(record)` are the job's.
   */
  constructor(fields) {
    Object.assign(this, fields);
  }
}

/** The steps of a job; or of a local action, whose `outer` step gives them its `env` and its `log`. */
export class Steps {
  contexts = {}; // `steps`
  #failed = false;
  #cancelled = false;

  constructor(shared, scope, defaults, outer = null) {
    Object.assign(this, { shared, defaults, outer });
    const status = () => this.result;
    const job = { get status() { return status(); } };
    this.scope = scope.with({ steps: this.contexts, env: shared.env, job });
    const succeeded = () => status() === "success";
    this.scope.status = () => ({ success: succeeded(), failure: this.#failed, cancelled: shared.stopped() });
  }

  /** Of a job: cancelled, once somebody did that. Of a local action: what became of its own steps, whenever it runs. */
  get result() {
    const cancelled = this.outer ? this.#cancelled : this.shared.stopped();
    return cancelled ? "cancelled" : this.#failed ? "failure" : "success";
  }

  /** Run the steps of a job, then what actions do after it, in reverse. */
  async run(steps) {
    await this.#runAll(steps);
    for (const { step, env, state } of this.shared.after.reverse()) {
      if (this.#left() <= 0) return;
      await this.#action({ ...step, name: `after ${step.uses}` }, { env, state, scope: this.scope }, "post");
    }
  }

  async #runAll(steps) {
    for (const step of steps) await this.#step(step);
  }

  async #step(step) {
    let wanted;
    try {
      wanted = this.#within({}).holds(step.if);
    } catch (error) {
      return this.#refuse(step, `its condition cannot be evaluated: ${error.message}`);
    }
    if (!wanted) return this.#record(step, { outcome: "skipped", conclusion: "skipped", outputs: {} });
    if (this.#left() <= 0) return this.#record(step, { outcome: "cancelled", conclusion: "cancelled", outputs: {} });
    try {
      const env = { ...this.outer?.env, ...this.#within({}).texts(step.env) };
      const call = { env, scope: this.#within(env) };
      if (isLocal(step.uses)) await this.#localAction(step, call);
      else await (step.uses ? this.#action(step, call, "main") : this.#shell(step, call));
    } catch (error) {
      this.#refuse(step, error.message);
    }
  }

  /** The scope with the environment as it is now. */
  #within(env) {
    return this.scope.with({ env: { ...this.shared.env, ...this.outer?.env, ...env } });
  }

  async #shell(step, { env, scope }) {
    const shell = scope.text(step.shell ?? this.defaults.shell);
    const script = join(this.shared.place.temp, `step-${this.shared.programs + 1}.sh`);
    writeFileSync(script, scope.text(step.run) + "\n");
    const command = (SHELLS[shell] ?? shell.split(" ")).map((word) => word.replace("{0}", script));
    const folder = scope.text(step["working-directory"] ?? this.defaults["working-directory"]);
    await this.#execute(step, scope, command, env, join(this.shared.place.workspace, folder));
  }

  async #action(step, { env, scope, state = {} }, phase) {
    const { given, after, place } = this.shared;
    const program = standIn(given.actions, step.uses);
    const inputs = Object.entries(scope.texts(step.with)).map(([name, value]) => [`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`, value]);
    const toolkit = { PYTHONPATH: given.actions.join(":") };
    const more = { ...env, ...toolkit, ...Object.fromEntries(inputs), ...given.actionsOnly, ...state };
    const written = await this.#execute(step, scope, [program, phase], more, place.workspace);
    if (phase === "main" && Object.keys(written.state).length) {
      const kept = Object.fromEntries(Object.entries(written.state).map(([name, value]) => [`STATE_${name.toUpperCase()}`, value]));
      after.push({ step: { ...step, "continue-on-error": true }, env, state: kept });
    }
  }

  /** The steps of an action in the workspace, as one step: they see its inputs, and neither secrets nor variables. */
  async #localAction(step, { env, scope }) {
    const path = join(this.shared.place.workspace, step.uses);
    const action = await readAction(path, step.uses);
    const log = this.#newLog();
    const contexts = { ...scope.contexts, github: { ...scope.contexts.github, action_path: path } };
    NOT_IN_ACTIONS.forEach((name) => delete contexts[name]);
    const inside = new Scope(contexts, scope.status, scope.workspace);
    const inputs = { ...inside.texts(action.inputs), ...scope.texts(step.with) };
    const inner = new Steps(this.shared, inside.with({ inputs }), {}, { env: { ...env, GITHUB_ACTION_PATH: path }, log });
    await inner.#runAll(action.steps);
    const outcome = inner.result;
    this.#ended(step, scope, { outcome, outputs: inner.scope.texts(action.outputs), log });
  }

  async #execute(step, scope, command, env, cwd) {
    const { shared } = this;
    shared.programs += 1;
    const files = environmentFiles(join(shared.place.temp, "_runner_file_commands", String(shared.programs)));
    const log = this.#newLog();
    const ended = await shared.processes.run(command, {
      cwd,
      env: this.#environment(env, files),
      milliseconds: Math.min(minutes(scope.value(step["timeout-minutes"]) ?? 360), this.#left()),
      onLine: (line) => appendFileSync(log, this.#said(line) + "\n"),
    });
    if (ended.timedOut) appendFileSync(log, "the time limit was exceeded\n");
    const written = readEnvironmentFiles(files);
    Object.assign(shared.env, Object.fromEntries(Object.entries(written.env).filter(([name]) => !NOT_SET_BY_FILE.test(name))));
    shared.paths.unshift(...written.path.reverse());
    shared.summary += shared.masks.clean(written.summary);
    const cancelled = ended.cancelled || (ended.timedOut && shared.stopped()); // not by a limit of its own
    const outcome = ended.code === 0 ? "success" : cancelled ? "cancelled" : "failure";
    this.#ended(step, scope, { outcome, outputs: written.outputs, log });
    return written;
  }

  /** Milliseconds until the job must end; what goes on after that, or after a cancellation, has a few minutes. */
  #left() {
    const { deadline, stopped, givenUp } = this.shared;
    return (stopped() ? givenUp() : deadline) - Date.now();
  }

  /** A step's clean environment: nothing of the caller's but what the input passes on. */
  #environment(env, files) {
    const { given, paths, place, env: job, variables } = this.shared;
    return { PATH: [...paths, given.path].join(":"), HOME: place.home, ...given.pass, ...job, ...env, CI: "true", ...variables, ...files };
  }

  /** A line as the log shows it; `::add-mask::` is obeyed. */
  #said(line) {
    const { masks } = this.shared;
    const mask = /^::add-mask::(.*)$/.exec(line);
    if (mask) masks.add(mask[1].replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%"));
    return mask ? "::add-mask::***" : masks.clean(line);
  }

  /** The file for what a step prints: its own, or that of the step which uses this local action. */
  #newLog() {
    if (this.outer) return this.outer.log;
    const { place, records } = this.shared;
    const log = join(place.folder, `${String(records.length + 1).padStart(2, "0")}.log`);
    mkdirSync(place.folder, { recursive: true });
    writeFileSync(log, "");
    return log;
  }

  #refuse(step, reason) {
    const log = this.#newLog();
    appendFileSync(log, this.shared.masks.clean(reason) + "\n");
    this.#record(step, { outcome: "failure", conclusion: "failure", outputs: {}, log });
  }

  #ended(step, scope, { outcome, outputs, log }) {
    const goesOn = scope.value(step["continue-on-error"]) === true;
    this.#record(step, { outcome, conclusion: outcome === "failure" && goesOn ? "success" : outcome, outputs, log });
  }

  #record(step, { outcome, conclusion, outputs, log }) {
    if (step.id) this.contexts[step.id] = { outcome, conclusion, outputs };
    if (conclusion === "failure") this.#failed = true;
    if (conclusion === "cancelled") this.#cancelled = true;
    if (this.outer) return;
    const { masks, records, onStep } = this.shared;
    const name = masks.clean(this.scope.text(step.name) || step.uses || this.scope.text(step.run).trim().split("\n")[0]);
    records.push({ number: records.length + 1, id: step.id ?? null, name, outcome, conclusion, log: log ?? null });
    onStep(records.at(-1));
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
