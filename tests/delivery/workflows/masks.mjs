// Secrets do not reach a log: every value that was added is written as ***.

/** The ways in which a program is likely to write a value. */
const spellings = [
  (value) => value,
  (value) => JSON.stringify(value).slice(1, -1),
  (value) => Buffer.from(value).toString("base64"),
  (value) => encodeURIComponent(value),
];

export class Masks {
  #values = new Set();

  /** Mask a value and, when it has several lines, each of them. */
  add(value) {
    for (const part of [value, ...value.split(/\r?\n/)].map((text) => text.trim()).filter(Boolean)) {
      spellings.forEach((spell) => this.#values.add(spell(part)));
    }
  }

  clean(text) {
    const longestFirst = [...this.#values].sort((a, b) => b.length - a.length);
    return longestFirst.reduce((cleaned, value) => cleaned.replaceAll(value, "***"), text);
  }

  /** Whether a text holds something that must not be passed on. */
  covers(text) {
    return this.clean(text) !== text;
  }
}
