// `concurrency`: whose turn it is in a group, kept as ticket files so that several runners see the same queue.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const POLL = 100; // ms

export class Cancelled extends Error {}

/**
 * Wait for one's turn in a group; resolves to a function that gives it up.
 *
 * `queue: max` waits in order of arrival; otherwise only the newest waits and those before it are cancelled.
 * `onWait(run)` is told who holds the group. Throws Cancelled when a newer one took this place.
 */
export async function takeTurn(folder, { group, queue, cancelInProgress }, run, { onWait, stopped }) {
  const tickets = join(folder, encodeURIComponent(group.toLowerCase()));
  mkdirSync(tickets, { recursive: true });
  const ours = draw(tickets, run);
  if (queue !== "max") waiting(tickets, ours).slice(1).forEach((ticket) => rmSync(join(tickets, ticket.name), { force: true }));
  if (cancelInProgress) waiting(tickets, ours).forEach(({ pid }) => process.kill(pid, "SIGTERM"));
  const leave = () => rmSync(join(tickets, ours), { force: true });
  for (;;) {
    const all = present(tickets);
    if (stopped() || !all.some((ticket) => ticket.name === ours)) {
      leave();
      throw new Cancelled(`a newer run took its place in ${group}`);
    }
    if (all[0].name === ours) return leave;
    onWait(all[0].run);
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

/** The next number, made by exactly one. */
function draw(tickets, run) {
  for (let number = 1; ; number += 1) {
    const name = String(number).padStart(6, "0");
    if (present(tickets).some((ticket) => ticket.name >= name)) continue;
    try {
      writeFileSync(join(tickets, name), JSON.stringify({ pid: process.pid, run }), { flag: "wx" });
      return name;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
  }
}

/** Tickets whose runner lives, in order; one who was killed loses its place. */
function present(tickets) {
  const all = [];
  for (const name of readdirSync(tickets).sort()) {
    try {
      const ticket = { name, ...JSON.parse(readFileSync(join(tickets, name), "utf8")) };
      process.kill(ticket.pid, 0);
      all.push(ticket);
    } catch (error) {
      if (error.code === "ESRCH") rmSync(join(tickets, name), { force: true });
      else if (error.code !== "ENOENT" && !(error instanceof SyntaxError)) throw error; // SyntaxError: being written
      else if (error instanceof SyntaxError) all.push({ name, pid: 0, run: "" });
    }
  }
  return all;
}

/** Those before a ticket: the holder first. */
function waiting(tickets, ours) {
  return present(tickets).filter((ticket) => ticket.name < ours && ticket.pid > 0);
}
