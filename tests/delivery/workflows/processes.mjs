// Run one program of a step: its output line by line, its time bounded, its children ended with it.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const LINGER = 2000; // ms to wait for output after a program ended but a child of it keeps the pipe open
const GRACE = 7500; // ms between asking and ending, as GitHub's runner does on a cancellation

const known = new Set(); // of every job, for when the runner itself must go

/** End whatever any job started. */
export function endEverything() {
  known.forEach((processes) => processes.endAll());
}

/** Every process group that was started, so that a job can end what its steps left running. */
export class Processes {
  #groups = new Set();
  #running = new Set();

  constructor() {
    known.add(this);
  }

  /** Start a program; resolves to {code, timedOut, cancelled}. */
  run(command, { cwd, env, milliseconds, onLine }) {
    return new Promise((resolve) => {
      const child = spawn(command[0], command.slice(1), { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
      const ended = { code: 1, timedOut: false, cancelled: false };
      const entry = { end: (why) => ((ended[why] = true), this.#end(child)) };
      this.#running.add(entry);
      if (child.pid) this.#groups.add(child.pid);
      const clock = setTimeout(() => entry.end("timedOut"), Math.min(milliseconds, 2 ** 31 - 1));
      const closed = [child.stdout, child.stderr].map((stream) => readLines(stream, onLine));
      const finish = async (code) => {
        clearTimeout(clock);
        this.#running.delete(entry);
        let linger;
        await Promise.race([Promise.all(closed), new Promise((go) => (linger = setTimeout(go, LINGER)))]);
        clearTimeout(linger);
        resolve({ ...ended, code: ended.timedOut || ended.cancelled ? code || 1 : code });
      };
      child.on("error", (error) => (onLine(String(error.message)), finish(127)));
      child.on("exit", (code, signal) => finish(code ?? (signal ? 128 : 1)));
    });
  }

  /** End what runs now, as a cancellation does. */
  cancel() {
    this.#running.forEach((entry) => entry.end("cancelled"));
  }

  /** End what the steps left running. */
  endAll() {
    this.#groups.forEach((group) => signal(group, "SIGKILL"));
    this.#groups.clear();
  }

  #end(child) {
    signal(child.pid, "SIGTERM");
    setTimeout(() => signal(child.pid, "SIGKILL"), GRACE).unref();
  }
}

function readLines(stream, onLine) {
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  lines.on("line", onLine);
  return new Promise((resolve) => lines.on("close", resolve));
}

function signal(group, name) {
  try {
    process.kill(-group, name);
  } catch {
    // gone already
  }
}
