/**
 * What really happened at one thread of a process, as the simulated network and store saw it, beside what the
 * thread's own meter has counted: both must be the same at the end of every run, whatever was lost, doubled
 * or killed on the way.
 */

import type { CommitResult } from "../../actors/records/commit.ts";
import { CountingMeter } from "../../actors/runtime/counting-meter.ts";
import type { MetricName } from "../../actors/runtime/metrics.ts";
import { headerNames } from "../../protocol/wire/headers.ts";
import type { BusDoor, BusMessage, Log } from "../../protocol/wire/transport.ts";

type Sums = ReadonlyMap<string, number>;

export class Tally {
  readonly meter: CountingMeter;
  /** Commits by the result that came back. */
  readonly #commits = new Map<string, number>();
  /** Answers by their code. */
  readonly #answers = new Map<string, number>();
  readonly #keptOut = new Map<string, number>();

  constructor(log: Log) {
    this.meter = new CountingMeter(log);
  }

  /** A commit's result came back; undefined: an error did. */
  committed(result: CommitResult | undefined): void {
    addTo(this.#commits, result?.kind ?? "failed");
  }

  /** A server answered a request. */
  answered({ headers }: BusMessage): void {
    addTo(this.#answers, headers[headerNames.code] ?? "OK");
  }

  /** The door, watched. */
  atDoor(door: BusDoor): BusDoor {
    return {
      admit: (subject, bytes) => {
        const admitted = door.admit(subject, bytes);
        if (admitted !== "take") addTo(this.#keptOut, admitted === "refuse" ? "refused" : "dropped");
        return admitted;
      },
      refusal: (body) => door.refusal(body),
    };
  }

  /** Sentences about what was counted otherwise than it happened. */
  get differences(): readonly string[] {
    return [
      ...differences("commits", this.#commits, this.#counted("novact_commits_total", 0)),
      ...differences("answers", this.#answers, this.#counted("novact_calls_total", 1)),
      ...differences("messages kept out", this.#keptOut, this.#counted("novact_calls_kept_out_total", 1)),
    ];
  }

  /** Sums by the value of one label. */
  #counted(name: MetricName, label: number): Sums {
    const sums = new Map<string, number>();
    for (const { labels, value } of this.meter.read(name)) addTo(sums, labels[label] ?? "", value);
    return sums;
  }
}

function addTo(sums: Map<string, number>, key: string, amount = 1): void {
  sums.set(key, (sums.get(key) ?? 0) + amount);
}

function differences(what: string, happened: Sums, counted: Sums): readonly string[] {
  const keys = new Set([...happened.keys(), ...counted.keys()]);
  return [...keys].flatMap((key) => {
    const [real, said] = [happened.get(key) ?? 0, counted.get(key) ?? 0];
    return real === said ? [] : [`${real} ${what} were ${key}, and the meter counted ${said}`];
  });
}
