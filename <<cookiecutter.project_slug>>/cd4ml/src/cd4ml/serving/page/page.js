"use strict";
// Sends the form to POST /predict, and shows the answer. All text from the contract or the service goes through
// textContent, and never through HTML.

const SHOWN = 12; // columns in "What moves this answer"
const form = document.getElementById("form");
const fields = [...form.querySelectorAll("[data-column]")];
const {path, task, target, unit, threshold} = form.dataset;
const part = (id) => document.getElementById(id);

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// ---- numbers

const percent = (share) => `${(100 * share).toLocaleString(undefined, {minimumFractionDigits: 1, maximumFractionDigits: 1})} %`;
const number = (value, digits) => value.toLocaleString(undefined, {maximumSignificantDigits: digits});

function signed(difference) {
  const points = task !== "regression";
  const size = Math.abs(points ? 100 * difference : difference);
  const text = points ? size.toLocaleString(undefined, {minimumFractionDigits: 1, maximumFractionDigits: 1}) : number(size, 3);
  return `${difference < 0 ? "\u2212" : "+"}${text}`;
}

function shown(value, type) {
  if (value === null || value === "") return "no value";
  if (typeof value === "number") return number(value, 9);
  return type === "timestamp" ? value.replace("T", " ") : String(value);
}

// ---- the request

function valueOf(field) {
  const {type, suffix = ""} = field.dataset;
  if (field.value === "") return null;
  if (type === "number" || type === "integer") return Number(field.value);
  if (type === "boolean") return field.value === "true";
  if (type === "timestamp") return field.value + (/T\d\d:\d\d$/.test(field.value) ? ":00" : "") + suffix;
  return field.value;
}

function incomplete() { // what the browser cannot read has no value to send
  return fields.filter((field) => field.validity.badInput).map((field) => {
    const what = field.dataset.type === "timestamp" ? "a complete date and time" : "a number";
    return {column: field.dataset.column, rule: what};
  });
}

async function ask(row) {
  const headers = {"Content-Type": "application/json"};
  const key = part("key")?.value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  const body = JSON.stringify({rows: [row], explain: true});
  const reply = await fetch(path, {method: "POST", headers, body, credentials: "same-origin"});
  const content = await reply.json().catch(() => ({}));
  return {status: reply.status, content};
}

function say(text, {spokenOnly = false} = {}) {
  part("status").textContent = text;
  part("status").classList.toggle("spoken", spokenOnly);
}

// ---- errors

function mark(field, message) {
  part(field.getAttribute("aria-describedby").split(" ")[1]).textContent = message;
  if (message) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function clear() {
  for (const field of [...fields, part("key")]) if (field) mark(field, "");
  part("problem").textContent = "";
  say("");
}

function words(rule) {
  return rule === "not null" || rule === "required" ? "Fill this in." : `This has to be ${rule}.`;
}

function columnIs(field, column) { // the service cuts long names
  const name = field.dataset.column;
  return name === column || (column.endsWith("…") && name.startsWith(column.slice(0, -1)));
}

function withdraw() { // what was shown is of another row than the one that was rejected
  part("prediction").replaceChildren();
  part("explanation").hidden = true;
}

function showErrors(errors, detail) {
  const others = [];
  for (const {column, rule} of errors) {
    const field = column === null || column === undefined ? null : fields.find((each) => columnIs(each, column));
    if (!field) others.push(column ? `${column}: ${rule}` : rule);
    else if (field.getAttribute("aria-invalid") !== "true") mark(field, words(rule));
  }
  const invalid = fields.filter((field) => field.getAttribute("aria-invalid") === "true");
  const counted = invalid.length === 1 ? "One value is" : `${invalid.length} values are`;
  const message = invalid.length ? `${counted} not accepted; see the form.` : detail;
  part("problem").textContent = [message, ...others].filter(Boolean).join(" ");
  if (invalid.length) invalid[0].focus();
}

function showFailure(status, content) {
  const detail = content.detail || `The service answered with status ${status}.`;
  const key = part("key");
  if (status === 401 && key) {
    mark(key, key.value ? "This is not one of the service's keys." : "Enter a key of this service.");
    part("problem").textContent = "The service requires an API key.";
    key.focus();
  } else if (Array.isArray(content.errors)) showErrors(content.errors, detail);
  else part("problem").textContent = detail;
}

// ---- the answer

function bar(share, at) {
  const fill = element("span", {className: "fill"});
  fill.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  const made = element("span", {className: "bar"}, fill);
  made.setAttribute("aria-hidden", "true");
  if (at !== "") {
    const tick = element("span", {className: "tick"});
    tick.style.left = `${100 * at}%`;
    made.append(tick);
  }
  return made;
}

function probabilityRow(name, share, at = "", chosen = false) {
  const label = element("span", {className: "label"}, element(chosen ? "strong" : "span", {}, name));
  return element("li", {}, label, element("span", {className: "number"}, percent(share)), bar(share, at));
}

function probabilityList(probability) {
  if (task === "binary") return [probabilityRow("Probability of true", probability, threshold)];
  const classes = Object.entries(probability).sort(([, one], [, other]) => other - one);
  return classes.map(([name, share], rank) => probabilityRow(name, share, "", rank === 0));
}

function showPrediction({predictions: [prediction], probabilities}) {
  const value = typeof prediction === "number" ? number(prediction, 6) + (unit ? ` ${unit}` : "") : String(prediction);
  const shownValue = element("p", {className: "value"}, element("span", {className: "target"}, target), " ", value);
  const all = [shownValue];
  let spoken = `${target}: ${value}`;
  if (probabilities) {
    const list = probabilityList(probabilities[0]);
    const most = element("ul", {className: "classes"}, ...list.slice(0, SHOWN));
    all.push(most);
    if (list.length > SHOWN) {
      const summary = element("summary", {}, `${list.length - SHOWN} more classes`);
      all.push(element("details", {}, summary, element("ul", {className: "classes"}, ...list.slice(SHOWN))));
    }
    const [probability] = probabilities;
    spoken += task === "binary" ? `, probability of true ${percent(probability)}` : `, probability ${percent(probability[prediction])}`;
  }
  if (threshold) all.push(element("p", {className: "hint"}, `The mark: true at ${percent(Number(threshold))} or more.`));
  part("prediction").replaceChildren(...all);
  say(spoken, {spokenOnly: true});
}

function contributionRow(row, reference, [column, difference], most) {
  const {type} = fields.find((field) => field.dataset.column === column)?.dataset ?? {};
  const fill = element("span", {className: `fill ${difference < 0 ? "lower" : "higher"}`});
  fill.style.width = `${50 * Math.abs(difference) / most}%`;
  const bars = element("span", {className: "bar signed"}, fill);
  bars.setAttribute("aria-hidden", "true");
  const instead = `${shown(row[column], type)} instead of ${shown(reference[column], type)}`;
  const name = column.split(/(?<=_)/).flatMap((piece) => [piece, element("wbr", {})]); // a narrow line ends after a _
  const heading = element("th", {scope: "row"}, ...name, element("span", {className: "instead"}, instead));
  return element("tr", {}, heading, element("td", {className: "bars"}, bars), element("td", {className: "number"}, signed(difference)));
}

function showExplanation(row, prediction, {explanations: [contributions], reference}) {
  const all = Object.entries(contributions).sort(([, one], [, other]) => Math.abs(other) - Math.abs(one));
  const most = all.length ? Math.abs(all[0][1]) : 0;
  const least = Math.max(most / 200, task === "regression" ? 0 : 0.0005, Number.MIN_VALUE);
  const moved = all.filter(([, difference]) => Math.abs(difference) >= least).slice(0, SHOWN);
  const score = {binary: "the probability of true", multiclass: `the probability of ${prediction}`, regression: target}[task];
  part("method").textContent =
    `How much ${score} changes, compared with the same row with this one column at its training median, or its most ` +
    `frequent value (${task === "regression" ? unit || "in the target's unit" : "in percentage points"}). One column at ` +
    "a time: the changes do not add up, and they show how the model calculates, not what causes what.";
  part("contributions").replaceChildren(...moved.map((each) => contributionRow(row, reference, each, most)));
  const rest = all.slice(moved.length).map(([column]) => column);
  const few = moved.length ? "Smaller changes, or none: " : "No column changes it: ";
  part("unmoved").textContent = rest.length > SHOWN ? `${few}${rest.length} other columns.` : rest.length ? `${few}${rest.join(", ")}.` : "";
  part("explanation").hidden = false;
}

// ---- events

let waiting = false;

async function submit() {
  if (waiting) return;
  clear();
  const unread = incomplete();
  if (unread.length) {
    withdraw();
    return showErrors(unread, "");
  }
  waiting = true;
  say("Asking the service…");
  try {
    const row = Object.fromEntries(fields.map((field) => [field.dataset.column, valueOf(field)]));
    const {status, content} = await ask(row);
    say("");
    if (status !== 200) {
      withdraw();
      return showFailure(status, content);
    }
    showPrediction(content);
    showExplanation(row, content.predictions[0], content);
    part("answer").scrollIntoView({block: "nearest"});
  } catch (failure) {
    say("");
    withdraw();
    part("problem").textContent = `No answer from the service: ${failure.message}`;
  } finally {
    waiting = false;
  }
}

function outdate() {
  if (!part("explanation").hidden) say("The form has changed since; press Predict again.");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
form.addEventListener("input", outdate);
form.addEventListener("reset", () => {
  clear();
  outdate();
});
