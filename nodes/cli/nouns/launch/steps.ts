/** What every step of novact launch uses: a line for each, and a line that changes while bytes move. */
import { bytes } from "../../format.ts";
import type { Run } from "../../run.ts";
import { plain } from "../../terminal.ts";

const stepWidth = 10;
/** Where nobody looks at a changing line, a new one is printed after so many percent. */
const toldPercent = 25;

export class Steps {
  readonly #run: Run;
  #lineLength = 0;
  #toldPercent = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  say(step: string, text: string): void {
    this.#clear();
    this.#run.remark(`${step.padEnd(stepWidth)}${plain(text)}`);
  }

  /** Bytes that are there, of all: undefined when nobody knows how many there are. */
  moved(step: string, done: number, of: number | undefined): void {
    const { err } = this.#run.terminal;
    const percent = of === undefined ? 0 : Math.floor((100 * done) / Math.max(1, of));
    const text = of === undefined ? bytes(done) : `${bytes(done)} of ${bytes(of)}, ${percent} %`;
    if (err.isTTY === true) {
      const line = `${step.padEnd(stepWidth)}${text}`;
      err.write(`\r${line.padEnd(this.#lineLength)}`);
      this.#lineLength = line.length;
    } else if (percent >= this.#toldPercent + toldPercent) {
      this.#toldPercent = percent - (percent % toldPercent);
      this.say(step, text);
    }
  }

  #clear(): void {
    if (this.#lineLength > 0) this.#run.terminal.err.write(`\r${" ".repeat(this.#lineLength)}\r`);
    this.#lineLength = 0;
  }
}
