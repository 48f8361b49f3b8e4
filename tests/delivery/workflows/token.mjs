// The token of a job. It says itself what it may do, and the fake GitHub believes it: only tests make one.

const SCOPES = ["actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues", "models",
  "packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses"];
const LEVELS = ["none", "read", "write"];
const NO_READ = ["id-token"]; // "write" or nothing

/**
 * The rights of a job: its own `permissions`, else the workflow's, else the repository's setting.
 *
 * Whoever names one scope has none of the others. `maximum` is "read" for a pull request from a fork.
 */
export function permissionsOf(job, workflow, { default: preset, maximum = "write" }) {
  const stated = job.permissions ?? workflow.permissions ?? preset ?? { contents: "read", packages: "read" };
  const granted = typeof stated === "string" ? everything(stated) : stated;
  const capped = Object.entries(granted).map(([scope, level]) => [scope, lower(scope, level, maximum)]);
  return { ...Object.fromEntries(capped.filter(([, level]) => level !== "none")), metadata: "read" };
}

function everything(stated) {
  const level = stated === "write-all" ? "write" : "read";
  return Object.fromEntries(SCOPES.map((scope) => [scope, level]));
}

function lower(scope, level, maximum) {
  if (LEVELS.indexOf(level) <= LEVELS.indexOf(maximum)) return level;
  return NO_READ.includes(scope) ? "none" : maximum;
}

/** A token with what the fake GitHub needs to know about its holder. */
export function tokenOf(holder) {
  return "ghs_" + Buffer.from(JSON.stringify({ kind: "workflow", ...holder })).toString("base64url");
}
