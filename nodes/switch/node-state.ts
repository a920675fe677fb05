/**
 * What one compute node wants of the switch that it shares with the other nodes of its computer, and what the
 * node is told of that: two files in a directory of the node's own. A file that cannot be used leaves what is
 * wanted as it is. The node must never be told that a state is applied before it is.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pace } from "./pace.ts";
import { Report } from "./reports.ts";
import {
  type SwitchApplied,
  type SwitchState,
  stateHash,
  stateOf,
  switchFiles,
  writeSwitchApplied,
} from "./state.ts";
import { StateWatch } from "./state-watch.ts";

export interface NodeEvents {
  /** The node wants something else, which has to be applied before this returns. */
  changed(): void;
  say(text: string): void;
  /** What the switch says of itself to the node. */
  process(node: NodeState): Pick<SwitchApplied, "pid" | "startTicks" | "release" | "plugs" | "underlayFault">;
}

export class NodeState {
  readonly directory: string;
  readonly #events: NodeEvents;
  readonly #pace: Pace;
  readonly #applied: Report;
  readonly #watch: StateWatch;
  #state: SwitchState | undefined;
  #isRead = false;
  #isClosed = false;
  #said: Pick<SwitchApplied, "version" | "state" | "fault"> = { version: null, state: null, fault: null };

  /** `pace`: of all nodes together. */
  constructor(directory: string, pace: Pace, events: NodeEvents) {
    this.directory = directory;
    this.#pace = pace;
    this.#events = events;
    const failed = (error: unknown) => events.say(`a file could not be written: ${messageOf(error)}`);
    this.#applied = new Report(() => this.#write(), failed);
    this.#applied.due();
    this.#watch = new StateWatch(join(directory, switchFiles.state), () => this.#read());
  }

  /** Undefined: the node has wanted nothing yet. */
  get state(): SwitchState | undefined {
    return this.#state;
  }

  /** Its state was looked for, and found or not. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** The node says that its state is new. */
  told(): void {
    this.#watch.ask();
  }

  /** Something of what the node is told has changed. */
  due(): void {
    this.#applied.due();
  }

  close(): void {
    this.#isClosed = true;
    this.#watch.close();
  }

  async #read(): Promise<void> {
    try {
      const text = await this.#newest();
      if (this.#isClosed) return;
      this.#pace.do(() => this.#take(text));
    } catch (error) {
      const fault = this.#hasNone(error) ? null : messageOf(error);
      if (fault !== null && fault !== this.#said.fault)
        this.#events.say(`the state is not applied: ${fault}`);
      this.#said = { ...this.#said, fault };
    }
    if (!this.#isRead) {
      this.#isRead = true;
      // What all nodes want is applied with the first look at the last of them.
      this.#pace.do(() => this.#events.changed());
    }
    this.due();
  }

  /** The node has wanted nothing yet, which is no fault. */
  #hasNone(error: unknown): boolean {
    return this.#said.state === null && (error as NodeJS.ErrnoException).code === "ENOENT";
  }

  /** What the file says when something may be applied. The first state does not wait: no guest has any. */
  async #newest(): Promise<string> {
    for (;;) {
      if (this.#isRead) await this.#pace.free();
      const text = await readFile(join(this.directory, switchFiles.state), "utf8");
      // Meanwhile another node may have had something applied.
      if (!this.#isRead || this.#pace.isFree) return text;
    }
  }

  #take(text: string): void {
    const hash = stateHash(text);
    if (hash !== this.#said.state) {
      this.#state = stateOf(text);
      this.#events.changed();
    }
    this.#said = { version: this.#state?.networking?.version ?? null, state: hash, fault: null };
  }

  #write(): Promise<void> {
    const applied = { ...this.#events.process(this), ...this.#said };
    return writeSwitchApplied(join(this.directory, switchFiles.applied), applied);
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
