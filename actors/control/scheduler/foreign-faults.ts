/**
 * Which filters and weighers of plug-ins have failed lately: for the log, which gets few lines however often
 * they are asked, for the meter, and for the doctor. In memory, and forgotten soon: what is still wrong is
 * noted again.
 */
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import { type Meter, nullMeter } from "../../runtime/meter.ts";
import { schedulerLimits } from "./limits.ts";

interface Noted {
  readonly what: string;
  readonly atMs: number;
  readonly loggedAtMs: number;
  /** Faults that the log does not have. */
  readonly untold: number;
}

interface Ports {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Pick<Log, "warn">;
  /** Absent: nobody counts. */
  readonly meter?: Meter | undefined;
}

export class ForeignFaults {
  readonly #ports: Ports;
  /** By name of the filter or weigher: of these there are as many as plug-ins bring. */
  readonly #noted = new Map<string, Noted>();

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  readonly note = (name: string, what: string): void => {
    const { clock, log, meter = nullMeter } = this.#ports;
    meter.count("novact_plugin_faults_total", { part: name });
    const atMs = clock.monotonicMs();
    const before = this.#noted.get(name);
    const quiet = before !== undefined && atMs < before.loggedAtMs + schedulerLimits.faultLogPeriodMs;
    const untold = before?.untold ?? 0;
    if (!quiet)
      log.warn({ part: name, what, untold }, "a filter or weigher of a plug-in, or its facts, have failed");
    this.#noted.set(name, {
      ...{ what, atMs },
      loggedAtMs: quiet ? before.loggedAtMs : atMs,
      untold: quiet ? untold + 1 : 0,
    });
  };

  /** Filters and weighers that have failed a moment ago, each with how it did so last. */
  lately(): readonly { readonly name: string; readonly what: string }[] {
    const fromMs = this.#ports.clock.monotonicMs() - schedulerLimits.faultShownMs;
    return [...this.#noted].flatMap(([name, { what, atMs }]) => (atMs > fromMs ? [{ name, what }] : []));
  }
}
