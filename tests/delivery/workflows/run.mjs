#!/usr/bin/env node
// node run.mjs input.json: one run of one workflow. README.md says what goes in and what comes out.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Scope } from "./expressions.mjs";
import { concurrencyOf, runJob, skipped, waitForDecision } from "./jobs.mjs";
import { Masks } from "./masks.mjs";
import { readJson } from "./packages.mjs";
import { isLocal, readWorkflow } from "./parse.mjs";
import { endEverything } from "./processes.mjs";
import { standIn } from "./steps.mjs";
import { Cancelled, takeTurn } from "./turns.mjs";

const PATIENCE = 1800; // seconds that a run may take when the input says nothing

class Run {
  jobs = {}; // results by id
  cancelled = false;
  masks = new Masks();
  #onCancel = new Set();
  #waiting = new Map();
  #going = new Set();

  constructor(input, workflow) {
    Object.assign(this, { input, workflow });
    this.github = githubContext(input, workflow);
    this.given = { path: input.path, pass: input.pass ?? {}, actions: input.actions };
    this.deadline = Date.now() + (input.patience ?? PATIENCE) * 1000;
    this.holder = { repository: this.github.repository, run: this.github.run_id, actor: this.github.actor, ref: this.github.ref };
    const contexts = { github: this.github, inputs: input.inputs ?? {}, vars: input.vars ?? {}, needs: {} };
    this.scope = new Scope(contexts, () => ({ success: true, failure: false, cancelled: false }), input.folder);
    Object.values(input.secrets ?? {}).forEach((secret) => this.masks.add(String(secret)));
  }

  say(line) {
    process.stderr.write(this.masks.clean(line) + "\n");
  }

  /** Ask the jobs to stop; steps with always() and cancelled() still run. */
  cancel() {
    this.cancelled = true;
    this.cancelledAt ??= Date.now();
    this.#onCancel.forEach((stop) => stop());
  }

  onCancel(stop) {
    this.#onCancel.add(stop);
    return () => this.#onCancel.delete(stop);
  }

  /** What someone decides about a job's environment with reviewers. */
  async decision(job, environment) {
    this.#tell(job, { approval: environment });
    const decided = await waitForDecision(join(this.input.folder, "decisions"), environment, () => this.cancelled);
    this.#tell(job, null);
    return decided;
  }

  /** Wait for a turn in a concurrency group; resolves to what gives it up. */
  async turn(who, concurrency) {
    const onWait = (holder) => this.#tell(who, { turn: concurrency.group, holder });
    try {
      return await takeTurn(this.input.concurrency, concurrency, this.github.run_id, { onWait, stopped: () => this.cancelled });
    } finally {
      this.#tell(who, null);
    }
  }

  /** Say that this run has its turn and begins. */
  ready() {
    this.#tell("run", null);
  }

  /** Say that a job has begun. */
  begin(id) {
    this.#going.add(id);
    this.#tell("run", null);
  }

  /** Keep what jobs came to, also for when this runner is killed. */
  keep(ended) {
    Object.assign(this.jobs, ended);
    Object.keys(ended).forEach((id) => this.#going.delete(id));
    writeWhole(join(this.input.folder, "jobs.json"), this.jobs);
  }

  /** Keep state.json at what this run waits for and which jobs go, for whoever watches it. */
  #tell(who, reason) {
    if (reason) this.#waiting.set(who, reason);
    else this.#waiting.delete(who);
    const waiting = [...this.#waiting].map(([job, why]) => ({ job, ...why }));
    writeWhole(join(this.input.folder, "state.json"), { waiting, going: [...this.#going] });
  }
}

/** The jobs of an earlier attempt that are not run again: what ended well, behind nothing that did not. */
function kept(earlier, jobs) {
  const well = (id) => ["success", "skipped"].includes(earlier[id]?.result);
  const stay = jobs.filter((job) => [job.id, ...ancestorsOf(job, jobs)].every(well));
  return Object.fromEntries(stay.map((job) => [job.id, earlier[job.id]]));
}

/** Jobs in the order of `needs`, as many at once as the input allows. */
async function runJobs(run) {
  const left = new Map(run.workflow.jobs.filter((job) => !(job.id in run.jobs)).map((job) => [job.id, job]));
  const running = new Map();
  while (left.size || running.size) {
    for (const job of left.values()) {
      if (running.size >= (run.input.parallel ?? 1)) break;
      if (!job.needs.every((id) => id in run.jobs)) continue;
      left.delete(job.id);
      run.begin(job.id);
      const finished = judged(job, run).then((end) => (run.keep({ [job.id]: end }), running.delete(job.id)));
      running.set(job.id, finished);
    }
    await Promise.race(running.values());
  }
}

async function judged(job, run) {
  const before = ancestorsOf(job, run.workflow.jobs).map((id) => run.jobs[id].result);
  const scope = run.scope.with({ needs: Object.fromEntries(job.needs.map((id) => [id, outcome(run.jobs[id])])) });
  scope.status = () => ({
    success: before.every((result) => result === "success") && !run.cancelled,
    failure: before.includes("failure"),
    cancelled: run.cancelled,
  });
  try {
    const end = scope.holds(job.if) ? await runJob(job, run, scope) : skipped();
    run.say(`${job.id}: ${end.result}${end.reason ? `: ${end.reason}` : ""}`);
    return end;
  } catch (error) {
    run.say(`${job.id}: failure: ${error.message}`);
    return { ...skipped(), result: "failure", reason: error.message };
  }
}

const outcome = ({ result, outputs }) => ({ result, outputs });

/** Every job that must end before this one: success() and failure() look at all of them. */
function ancestorsOf(job, jobs) {
  const direct = jobs.filter((other) => job.needs.includes(other.id));
  return [...new Set(direct.flatMap((other) => [other.id, ...ancestorsOf(other, jobs)]))];
}

function githubContext(input, workflow) {
  const given = input.github;
  const [owner] = given.repository.split("/");
  const eventPath = join(input.folder, "event.json");
  writeFileSync(eventPath, JSON.stringify(given.event ?? {}));
  const name = typeof workflow.name === "string" ? workflow.name : input.workflow_path;
  const refName = given.ref.replace(/^refs\/(heads|tags|pull)\//, "");
  const preset = {
    repository_owner: owner, actor: owner, triggering_actor: given.actor ?? owner, event_path: eventPath, workflow: name,
    workflow_ref: `${given.repository}/${input.workflow_path}@${given.ref}`, workflow_sha: given.sha, ref_name: refName,
    ref_type: given.ref.startsWith("refs/tags/") ? "tag" : "branch", run_id: "1", run_number: "1", run_attempt: "1",
    head_ref: "", base_ref: "", graphql_url: `${given.api_url}/graphql`, repositoryUrl: `git://github.com/${given.repository}.git`,
  };
  return { event: {}, ...preset, ...given };
}

/** The run's own result: what its jobs say together. */
function conclusionOf(run) {
  const results = Object.values(run.jobs).map((job) => job.result);
  if (results.includes("failure")) return "failure";
  if (run.cancelled || results.includes("cancelled")) return "cancelled";
  return results.every((result) => result === "skipped") ? "skipped" : "success";
}

function writeWhole(path, value) {
  writeFileSync(`${path}.new`, JSON.stringify(value, null, 1));
  renameSync(`${path}.new`, path);
}

async function main(input) {
  mkdirSync(join(input.folder, "decisions"), { recursive: true });
  const started = Date.now();
  let run;
  let result;
  try {
    run = new Run(input, await readWorkflow(input.workflow));
    run.keep(kept(input.earlier ?? {}, run.workflow.jobs));
    run.workflow.jobs.forEach((job) => job.steps.forEach((step) => step.uses && !isLocal(step.uses) && standIn(input.actions, step.uses)));
    process.on("SIGTERM", () => run.cancel());
    process.on("SIGQUIT", () => (endEverything(), process.exit(1))); // SIGTERM took too long
    const leave = run.workflow.concurrency && (await run.turn("run", concurrencyOf(run.workflow.concurrency, run.scope)));
    run.ready();
    await runJobs(run);
    leave?.();
    result = { conclusion: conclusionOf(run), reason: null, jobs: run.jobs };
  } catch (error) {
    result = { conclusion: error instanceof Cancelled ? "cancelled" : "failure", reason: error.message, jobs: run?.jobs ?? {} };
    process.stderr.write(`${error.message}\n`);
  }
  writeWhole(join(input.folder, "result.json"), { ...result, started, finished: Date.now() });
  process.exit(["success", "skipped"].includes(result.conclusion) ? 0 : 1);
}

await main(readJson(process.argv[2]));
