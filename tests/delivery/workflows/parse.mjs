// A workflow file as plain objects: what GitHub's parser checked, with expressions left to evaluate.
import { readFileSync } from "node:fs";
import { parser } from "./packages.mjs";

/** `${{ ... }}`, or a text that holds some (the parser makes that one call of `format`). */
export class Expression {
  constructor(text) {
    this.text = text;
  }
}

const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/;
const NOT_RUN = ["container", "services", "uses", "snapshot"]; // of a job
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

/** The raw job with its id, what it needs, and conditions that always name a status function. */
function withConditions(converted, raw) {
  const steps = (raw.steps ?? []).map((step, index) => ({
    ...step,
    key: converted.steps[index].id,
    if: converted.steps[index].if?.expression ?? "success()",
  }));
  return { ...raw, id: String(converted.id), needs: (converted.needs ?? []).map(String), if: converted.if.expression, steps };
}

function refuseWhatIsNotRun(job) {
  const found = NOT_RUN.find((key) => key in job) ?? job.steps.flatMap((step) => NOT_RUN_STEPS.filter((key) => key in step))[0];
  if (found) throw new Error(`job ${job.id}: this runner does not know "${found}"`);
  for (const { uses } of job.steps) {
    if (uses && !PINNED.test(uses)) throw new Error(`job ${job.id}: ${uses} is not pinned to a commit`);
  }
}

function plain(token) {
  if (token.isExpression) return new Expression(token.expression);
  if (parser.isMapping(token)) return Object.fromEntries([...token].map(({ key, value }) => [String(key), plain(value)]));
  if (parser.isSequence(token)) return [...token].map(plain);
  return token.value ?? null;
}
