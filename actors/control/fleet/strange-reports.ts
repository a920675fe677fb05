/**
 * What was wrong with the reports of hosts lately: for the log, which gets few lines however much a host
 * sends, and for the doctor. In memory, and forgotten soon: an agent says again what is not stored, so what
 * is still wrong is noted again.
 */

import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { LeftOut } from "../../../protocol/wire/understood.ts";
import { fleetLimits } from "./limits.ts";

/** The faults of one report. */
export interface Strangeness {
  /** Entries with unknown words or forbidden numbers. */
  readonly leftOut: LeftOut | undefined;
  /** Instances whose generation cannot be (protocol/generation.ts). */
  readonly impossible: readonly string[];
  /** Instances that do not exist. */
  readonly unknown: readonly string[];
  /** Instances whose observation was not stored, with the reason. */
  readonly failed: readonly { readonly instanceId: string; readonly reason: string }[];
  /**
   * Deeds of the host's guard that are about no guest of the host. An honest host has some when it comes back
   * after its guests were taken over; so these are no finding of the doctor.
   */
  readonly foreignDeeds: number;
}

interface Noted {
  /** The first entry that cannot be, as a sentence; undefined: there was none. */
  readonly example: string | undefined;
  readonly exampleAtMs: number;
  readonly loggedAtMs: number;
  /** Strange reports that the log does not have. */
  readonly untold: number;
}

const fresh: Noted = { example: undefined, exampleAtMs: 0, loggedAtMs: Number.NEGATIVE_INFINITY, untold: 0 };
const few = <T>(all: readonly T[]): readonly T[] => all.slice(0, fleetLimits.strangeNamedMax);

export class StrangeReports {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #log: Log;
  /** By host: a host that is not registered is not heard at all, so there are as many as there are hosts. */
  readonly #hosts = new Map<string, Noted>();

  constructor({ clock, log }: { readonly clock: Pick<Clock, "monotonicMs">; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Notes what was wrong with a report, and logs it unless the host's last line is too young. */
  note(host: string, strange: Strangeness): void {
    const { leftOut, impossible, unknown, failed, foreignDeeds } = strange;
    const faults = (leftOut?.entries ?? 0) + impossible.length + unknown.length + failed.length;
    if (faults + foreignDeeds === 0) return;
    const atMs = this.#clock.monotonicMs();
    const noted = this.#hosts.get(host) ?? fresh;
    const quiet = atMs < noted.loggedAtMs + fleetLimits.strangeLogPeriodMs;
    if (!quiet) this.#log.warn(fieldsOf(host, strange, noted.untold), "a report was not stored as a whole");
    const example = exampleOf(strange);
    const lasting = this.#isShown(noted) ? noted.example : example;
    this.#hosts.set(host, {
      example: lasting ?? example,
      exampleAtMs: example === undefined ? noted.exampleAtMs : atMs,
      loggedAtMs: quiet ? noted.loggedAtMs : atMs,
      untold: quiet ? noted.untold + 1 : 0,
    });
  }

  /** Hosts whose reports have had entries that cannot be, a moment ago; each with one of them. */
  lately(): readonly { readonly hostId: string; readonly example: string }[] {
    return [...this.#hosts].flatMap(([hostId, noted]) =>
      noted.example !== undefined && this.#isShown(noted) ? [{ hostId, example: noted.example }] : [],
    );
  }

  #isShown({ example, exampleAtMs }: Noted): boolean {
    return example !== undefined && this.#clock.monotonicMs() < exampleAtMs + fleetLimits.strangeShownMs;
  }
}

function exampleOf({ leftOut, impossible: [instanceId] }: Strangeness): string | undefined {
  if (instanceId !== undefined) return `The generation of instance ${instanceId} cannot be.`;
  return leftOut?.sentences[0];
}

function fieldsOf(host: string, strange: Strangeness, untold: number) {
  const { leftOut, impossible, unknown, failed, foreignDeeds } = strange;
  const reasons = Map.groupBy(failed, ({ reason }) => reason);
  return {
    host,
    ...(untold === 0 ? {} : { reportsBefore: untold }),
    ...(leftOut && { leftOut: leftOut.entries, why: few(leftOut.sentences) }),
    ...(impossible.length > 0 && { impossible: impossible.length, impossibleOnes: few(impossible) }),
    ...(unknown.length > 0 && { unknown: unknown.length, unknownOnes: few(unknown) }),
    ...(foreignDeeds > 0 && { foreignDeeds }),
    ...(failed.length > 0 && {
      failed: Object.fromEntries([...reasons].map(([reason, all]) => [reason, all.length])),
      failedOnes: few(failed.map(({ instanceId }) => instanceId)),
    }),
  };
}
