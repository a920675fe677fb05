/**
 * One direction of one connection: passes bytes from one socket to another, under a rule that may change at
 * any time. Bytes that are held back or delayed stay in order, and none is ever lost or invented; a source
 * that sends faster than the rule passes is not read.
 */
import type { Socket } from "node:net";
import type { Rule } from "./link-rules.ts";

/** Most delayed bytes that are kept; beyond it the source has to wait. */
const lateBytesMax = 4 * 1024 * 1024;

interface Late {
  readonly dueMs: number;
  readonly chunk: Buffer;
}

export class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #late: Late[] = [];
  #rule: Rule;
  #lateBytes = 0;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, rule: Rule) {
    this.#from = from;
    this.#to = to;
    this.#rule = rule;
    from.on("data", (chunk: Buffer) => this.#take(chunk));
    from.on("end", () => this.#finish());
    from.on("close", () => this.#finish());
    to.on("drain", () => this.#pump());
    this.#pump();
  }

  /** Passes the end of the source on to the target once no bytes are held back. */
  #finish(): void {
    this.#ended = true;
    this.#pump();
  }

  setRule(rule: Rule): void {
    this.#rule = rule;
    this.#pump();
  }

  #take(chunk: Buffer): void {
    this.#late.push({ dueMs: performance.now() + this.#delayMs(), chunk });
    this.#lateBytes += chunk.length;
    this.#pump();
  }

  #delayMs(): number {
    return this.#rule.kind === "delay" ? this.#rule.delayMs + Math.random() * this.#rule.jitterMs : 0;
  }

  /** Passes on the bytes that may pass now, and schedules itself for the rest. */
  #pump(): void {
    clearTimeout(this.#timer);
    const held = this.#rule.kind === "blackHole";
    while (!held && !this.#to.writableNeedDrain) {
      const first = this.#late[0];
      if (first === undefined) break;
      const leftMs = this.#rule.kind === "delay" ? first.dueMs - performance.now() : 0;
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), leftMs);
        break;
      }
      this.#late.shift();
      this.#lateBytes -= first.chunk.length;
      if (this.#to.writable) this.#to.write(first.chunk);
    }
    if (this.#lateBytes > lateBytesMax) this.#from.pause();
    else this.#from.resume();
    if (this.#ended && !held && this.#late.length === 0) this.#to.end();
  }
}
