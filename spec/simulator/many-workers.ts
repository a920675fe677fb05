/** Child processes that run plans, as their parent has them: ask one, or end all. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Job } from "./many-worker.ts";
import type { Plan } from "./plan.ts";
import { brokenReport, type RunReport } from "./report.ts";

/** A run takes a fraction of a second; one that takes so long goes round in circles. */
export const runMsMax = 120_000;

/**
 * Processes that end one after the other without a single report: then none can start, and no run says why.
 */
export const deathsMax = 5;

interface Asked extends Job {
  readonly done: (report: RunReport) => void;
  readonly timer: NodeJS.Timeout;
}

/** One child; started when it is needed, and again after a run that never ended. */
export class Worker {
  readonly #mutant: string;
  readonly #msMax: number;
  #child: ChildProcess | undefined;
  #asked: Asked | undefined;
  #number = 0;
  /** Since the last report of a run. */
  #deaths = 0;

  constructor(mutant?: string, msMax: number = runMsMax) {
    this.#mutant = mutant ?? "";
    this.#msMax = msMax;
  }

  /** One at a time. @throws Error when {@link deathsMax} processes in a row have ended without a report */
  run(plan: Plan): Promise<RunReport> {
    if (this.#deaths >= deathsMax)
      return Promise.reject(new Error(`${deathsMax} processes in a row ended before they had run a plan.`));
    const child = this.#child ?? this.#start();
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#giveUp(), this.#msMax);
      this.#asked = { number, plan, done: resolve, timer };
      child.send({ number, plan } satisfies Job);
    });
  }

  end(): void {
    const child = this.#child;
    this.#child = undefined;
    clearTimeout(this.#asked?.timer);
    this.#asked = undefined;
    child?.kill("SIGKILL");
  }

  #start(): ChildProcess {
    const child = fork(join(import.meta.dirname, "many-worker.ts"), [this.#mutant], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    child.on("message", ({ number, report }: { number: number; report: RunReport }) => {
      this.#deaths = 0;
      if (this.#asked?.number === number) this.#settle(report);
    });
    child.on("exit", (code, signal) => {
      this.#deaths += 1;
      if (this.#child === child) this.#broken(`The process that ran it ended: ${signal ?? code}.`);
    });
    return child;
  }

  #giveUp(): void {
    this.#broken(`The run did not end within ${this.#msMax / 1_000} s.`);
  }

  #broken(message: string): void {
    const asked = this.#asked;
    const child = this.#child;
    this.#child = undefined;
    child?.kill("SIGKILL");
    if (asked !== undefined) this.#settle(brokenReport(asked.plan, message));
  }

  #settle(report: RunReport): void {
    const asked = this.#asked;
    this.#asked = undefined;
    clearTimeout(asked?.timer);
    asked?.done(report);
  }
}
