// A workflow file as plain objects: what GitHub's parser checked, with expressions left to evaluate.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { actions, parser } from "./packages.mjs";

/** `${{ ... }}`, or a text that holds some (the parser makes that one call of `format`). */
export class Expression {
  constructor(text) {
    this.text = text;
  }
}

const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/;
const NOT_RUN = ["container", "services", "uses", "snapshot"]; // of a job
const LOCAL = /^\.\//;
const NOT_RUN_STEPS = ["background", "wait", "wait-all", "cancel", "parallel"];

/** The workflow in a file; throws with every error that GitHub's parser found. */
export async function readWorkflow(path) {
  const file = { name: path, content: readFileSync(path, "utf8") };
  const parsed = parser.parseWorkflow(file, new parser.NoOperationTraceWriter());
  const converted = parsed.value && (await parser.convertWorkflowTemplate(parsed.context, parsed.value));
  const errors = parsed.context.errors.getErrors();
  if (errors.length) throw new Error(errors.map((error) => `${path}: ${error.message}`).join("\n"));
  const workflow = plain(parsed.value);
  workflow.jobs = converted.jobs.map((job) => withConditions(job, workflow.jobs[String(job.id)])); // in the order of needs
  workflow.jobs.forEach(refuseWhatIsNotRun);
  return workflow;
}

/** The local action in a folder of the workspace: its inputs' defaults, its outputs and its steps; throws with every error. */
export async function readAction(folder, uses) {
  const path = join(folder, "action.yml");
  if (!existsSync(path)) throw new Error(`there is no ${uses}/action.yml; was the repository checked out?`);
  const parsed = actions.parse({ name: `${uses}/action.yml`, content: readFileSync(path, "utf8") }, new parser.NoOperationTraceWriter());
  const converted = actions.convert(parsed.context, parsed.value);
  const errors = parsed.context.errors.getErrors();
  if (errors.length) throw new Error(errors.map((error) => error.message).join("\n"));
  if (converted.runs.using !== "composite") throw new Error(`${uses}: this runner does not know "using: ${converted.runs.using}"`);
  const { inputs, outputs, runs } = plain(parsed.value);
  const steps = withStepConditions(converted.runs.steps, runs.steps);
  steps.forEach((step) => refuseStep(step, uses));
  return { inputs: each(inputs, "default"), outputs: each(outputs, "value"), steps };
}

const each = (mapping, key) => Object.fromEntries(Object.entries(mapping ?? {}).map(([name, stated]) => [name, stated?.[key]]));

/** Whether an action lies in the repository itself. */
export const isLocal = (uses) => LOCAL.test(uses ?? "");

/** The raw job with its id, what it needs, and conditions that always name a status function. */
function withConditions(converted, raw) {
  const steps = withStepConditions(converted.steps, raw.steps ?? []);
  return { ...raw, id: String(converted.id), needs: (converted.needs ?? []).map(String), if: converted.if.expression, steps };
}

function withStepConditions(converted, raw) {
  return raw.map((step, index) => ({
    ...step,
    key: converted[index].id,
    if: converted[index].if?.expression ?? "success()",
  }));
}

function refuseWhatIsNotRun(job) {
  const found = NOT_RUN.find((key) => key in job);
  if (found) throw new Error(`job ${job.id}: this runner does not know "${found}"`);
  job.steps.forEach((step) => refuseStep(step, `job ${job.id}`));
}

function refuseStep(step, where) {
  const unknown = isLocal(step.uses) ? [...NOT_RUN_STEPS, "timeout-minutes"] : NOT_RUN_STEPS;
  const found = unknown.find((key) => key in step);
  if (found) throw new Error(`${where}: this runner does not know "${found}"${step.uses ? ` of ${step.uses}` : ""}`);
  if (step.uses && !isLocal(step.uses) && !PINNED.test(step.uses)) {
    throw new Error(`${where}: ${step.uses} is not pinned to a commit`);
  }
}

function plain(token) {
  if (token.isExpression) return new Expression(token.expression);
  if (parser.isMapping(token)) return Object.fromEntries([...token].map(({ key, value }) => [String(key), plain(value)]));
  if (parser.isSequence(token)) return [...token].map(plain);
  return token.value ?? null;
}
