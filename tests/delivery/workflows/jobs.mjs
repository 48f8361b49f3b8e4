// Run one job: its condition, environment, place, steps and outputs.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Processes } from "./processes.mjs";
import { Shared, Steps } from "./steps.mjs";
import { permissionsOf, tokenOf } from "./token.mjs";
import { Cancelled } from "./turns.mjs";

const POLL = 100; // ms
const SIX_HOURS = 360; // minutes, GitHub's own limit
const GRACE = 300; // seconds, which GitHub leaves to the steps of a job that was cancelled or took too long

export const skipped = () => ({ result: "skipped", outputs: {}, steps: [], summary: "" });

/** Run a job, once for every combination of its matrix; the result is that of all. */
export async function runJob(job, run, scope) {
  const combinations = matrixOf(scope.value(job.strategy?.matrix));
  const ends = [];
  for (const [index, matrix] of combinations.entries()) {
    const strategy = { "job-index": index, "job-total": combinations.length };
    const suffix = Object.keys(matrix).length ? ` (${Object.values(matrix).join(", ")})` : "";
    const end = await runOne({ ...job, label: job.id + suffix }, run, scope.with({ matrix, strategy }));
    ends.push(end);
    if (end.result !== "success" && scope.value(job.strategy?.["fail-fast"]) !== false) break;
  }
  const worst = ends.find((end) => end.result !== "success") ?? ends.at(-1);
  return {
    ...worst,
    result: worst.result === "failure" && scope.value(job["continue-on-error"]) === true ? "success" : worst.result,
    outputs: Object.assign({}, ...ends.map((end) => end.outputs)),
    steps: ends.flatMap((end) => end.steps),
    summary: ends.map((end) => end.summary).join(""),
  };
}

async function runOne(job, run, scope) {
  const started = Date.now();
  const failed = (reason) => ({ result: "failure", reason, outputs: {}, steps: [], summary: "", started, finished: Date.now() });
  const environment = await enterEnvironment(job, run, scope);
  if (environment.refused) return { ...failed(environment.refused), environment: environment.record };
  let leave = () => {};
  try {
    if (job.concurrency) leave = await run.turn(job.label, concurrencyOf(job.concurrency, scope));
    const end = await runSteps(job, run, scope, environment);
    return { ...end, environment: environment.record, started, finished: Date.now() };
  } catch (error) {
    if (error instanceof Cancelled) return { ...failed(error.message), result: "cancelled" };
    return failed(error.message);
  } finally {
    leave();
  }
}

async function runSteps(job, run, scope, environment) {
  const place = makePlace(run, job.label);
  const permissions = permissionsOf(job, run.workflow, run.input.token ?? {});
  const holder = { ...run.holder, job: job.label, environment: environment.record?.name ?? null, permissions };
  const token = tokenOf(holder);
  const secrets = { ...run.input.secrets, ...environment.secrets, github_token: token, GITHUB_TOKEN: token };
  Object.values(secrets).forEach((secret) => run.masks.add(String(secret)));
  const contexts = {
    github: { ...run.github, token, job: job.id, workspace: place.workspace },
    runner: { os: "Linux", arch: "X64", name: "test", temp: place.temp, tool_cache: place.tools },
    vars: { ...run.input.vars, ...environment.vars },
    secrets,
  };
  const within = scope.with(contexts);
  within.workspace = place.workspace;
  const env = run.scope.with({ ...contexts, needs: scope.contexts.needs }).texts(run.workflow.env);
  Object.assign(env, within.with({ env }).texts(job.env));
  const limit = Date.now() + Number(within.value(job["timeout-minutes"]) ?? SIX_HOURS) * 60_000;
  const overall = Math.min(limit, run.deadline);
  const processes = new Processes();
  const withdraw = run.onCancel(() => processes.cancel());
  const timedOut = () => Date.now() >= overall;
  const shared = new Shared({
    place, processes, env, masks: run.masks, deadline: overall,
    given: { ...run.given, actionsOnly: actionsOnly(run, permissions, token) },
    variables: { ...variablesOf(contexts), ...identity(run, holder) },
    stopped: () => run.cancelled || timedOut(),
    givenUp: () => Math.min(run.cancelledAt ?? Infinity, overall) + (run.input.grace ?? GRACE) * 1000,
    onStep: (record) => {
      run.say(`${job.label}: ${record.number} ${record.name}: ${record.conclusion}`);
      if (diesHere(run.input.dies_after, job, record)) process.kill(process.pid, "SIGKILL");
    },
  });
  const steps = new Steps(shared, within, { ...run.workflow.defaults?.run, ...job.defaults?.run });
  await steps.run(job.steps);
  withdraw();
  processes.endAll();
  leavePlace(place);
  const outputs = {};
  for (const [name, value] of Object.entries(steps.scope.texts(job.outputs))) {
    if (run.masks.covers(value)) run.say(`${job.label}: output ${name} is left out, since it may hold a secret`);
    else outputs[name] = value;
  }
  const url = steps.scope.text(environment.url);
  if (environment.record) environment.record.url = url;
  return { result: steps.result, outputs, steps: shared.records, summary: shared.summary };
}

/** The job's environment: its secrets and variables, after its rules let the job in. */
async function enterEnvironment(job, run, scope) {
  const stated = typeof job.environment === "string" || !job.environment?.name ? { name: job.environment } : job.environment;
  const name = scope.text(stated.name);
  if (!name) return { secrets: {}, vars: {} };
  const known = run.input.environments?.[name] ?? {};
  const deployment = stated.deployment === undefined || scope.value(stated.deployment) === true;
  const trusted = (run.input.token?.maximum ?? "write") === "write"; // a fork's pull request gets no environment's secrets
  const entered = { secrets: trusted ? known.secrets ?? {} : {}, vars: known.vars ?? {}, url: stated.url, record: { name, deployment } };
  if (known.branches && !known.branches.includes(run.github.ref_name)) {
    return { ...entered, refused: `${run.github.ref_name} may not use the environment ${name}: its rules name ${known.branches.join(", ")}` };
  }
  if (known.reviewers) {
    const decision = known.decision ?? (await run.decision(job.label, name));
    if (decision !== "approved") return { ...entered, refused: `${name}: ${decision}` };
  }
  return entered;
}

/** Wait until someone decided about an environment. */
export async function waitForDecision(folder, name, stopped) {
  const file = join(folder, name);
  while (!existsSync(file)) {
    if (stopped()) return "cancelled";
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
  return readFileSync(file, "utf8").trim();
}

/** `concurrency` as {group, queue, cancelInProgress}. */
export function concurrencyOf(raw, scope) {
  const stated = scope.value(raw);
  if (typeof stated !== "object") return { group: String(stated), queue: "single", cancelInProgress: false };
  return { group: String(stated.group), queue: stated.queue ?? "single", cancelInProgress: stated["cancel-in-progress"] === true };
}

/** Whether a test wants the runner to be killed now: {job, step}, the step by a pattern of its name. */
function diesHere(wanted, job, record) {
  return wanted && record.conclusion !== "skipped" && wanted.job === job.id && new RegExp(wanted.step).test(record.name);
}

/** Fresh folders for a job. */
function makePlace(run, label) {
  const folder = join(run.input.folder, "jobs", label.replace(/[^\w.-]+/g, "-"));
  const name = run.github.repository.split("/")[1];
  const [temp, home, tools] = ["temp", "home", "tools"].map((each) => join(folder, each));
  const fresh = { workspace: join(folder, "work", name), temp, home, tools };
  Object.values(fresh).forEach((each) => mkdirSync(each, { recursive: true }));
  return { folder, ...fresh };
}

/** Remove what a job worked in, as a hosted runner goes with its job; its logs stay. */
function leavePlace({ workspace, temp, home, tools }) {
  [workspace, temp, home, tools].forEach((each) => rmSync(each, { recursive: true, force: true }));
}

/** GITHUB_* and RUNNER_*, which every step sees. */
function variablesOf({ github, runner }) {
  const told = ["action", "actor", "actor_id", "api_url", "base_ref", "event_name", "event_path", "graphql_url", "head_ref", "job",
    "ref", "ref_name", "ref_protected", "ref_type", "repository", "repository_id", "repository_owner", "repository_owner_id",
    "run_attempt", "run_id", "run_number", "server_url", "sha", "triggering_actor", "workflow", "workflow_ref", "workspace"];
  const variables = told.map((name) => [`GITHUB_${name.toUpperCase()}`, String(github[name] ?? "")]);
  const places = Object.entries(runner).map(([name, value]) => [`RUNNER_${name.toUpperCase()}`, String(value)]);
  return { ...Object.fromEntries([...variables, ...places]), GITHUB_ACTIONS: "true" };
}

/** Where a job may ask for its identity, when it has the right to. */
function identity(run, holder) {
  if (holder.permissions["id-token"] !== "write") return {};
  const request = { ...holder, kind: "identity" };
  return { ACTIONS_ID_TOKEN_REQUEST_URL: `${run.github.api_url}/oidc/token?`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: tokenOf(request) };
}

/** What actions see and `run:` steps do not: where artifacts are kept, the job's rights, and its token. */
function actionsOnly(run, permissions, token) {
  const artifacts = join(run.input.artifacts, String(run.github.run_id));
  mkdirSync(artifacts, { recursive: true });
  return { ACTIONS_RESULTS_URL: artifacts, ACTIONS_JOB_PERMISSIONS: JSON.stringify(permissions), ACTIONS_JOB_TOKEN: token };
}

/** The combinations of a matrix: every one of its lists, without `exclude`, with `include`. */
function matrixOf(matrix) {
  const { include = [], exclude = [], ...axes } = matrix ?? {};
  const crossed = Object.entries(axes).reduce(
    (rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))), [{}]);
  const matches = (row, part) => Object.entries(part).every(([name, value]) => row[name] === value);
  const kept = crossed.filter((row) => Object.keys(row).length && !exclude.some((part) => matches(row, part)));
  for (const extra of include) {
    const shared = Object.fromEntries(Object.entries(extra).filter(([name]) => name in axes));
    const fitting = Object.keys(axes).length ? kept.filter((row) => matches(row, shared)) : [];
    if (fitting.length) fitting.forEach((row) => Object.assign(row, extra));
    else kept.push({ ...extra });
  }
  return kept.length || matrix ? kept : [{}];
}
