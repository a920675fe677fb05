/**
 * The port by which the program counts itself. Each fact is counted in one place, by whoever makes it true,
 * and what can be read at any time (a length, a time since) is read when somebody asks, so that it costs
 * nothing meanwhile. Where nobody reads, the meter is `nullMeter`, which does nothing.
 *
 * A meter must never throw, wait, or change what it counts; no decision may rest on it.
 */
import type { CounterName, GaugeName, LabelsOf, SizeName, TimeName } from "./metrics.ts";

export interface Meter {
  /** False: nothing is kept. For callers that would work out something for the meter alone. */
  readonly on: boolean;
  /** Adds `by`, or 1. */
  count<N extends CounterName>(name: N, labels: LabelsOf<N>, by?: number): void;
  /** Notes a duration in ms. */
  time<N extends TimeName>(name: N, labels: LabelsOf<N>, ms: number): void;
  /** Notes the number of elements of a batch, or the like. */
  size<N extends SizeName>(name: N, labels: LabelsOf<N>, amount: number): void;
  /**
   * Calls `read` whenever somebody reads the meter. Several readers of one metric are added up where their
   * labels are the same. What `read` throws goes to the log, and its values are missing.
   */
  look<N extends GaugeName | CounterName>(name: N, read: () => Iterable<Reading<N>>): void;
  /** Shows these as 0 with all labels of closed lists, so that their first rise is seen as one. */
  zero(...names: readonly CounterName[]): void;
}

export type Reading<N extends GaugeName | CounterName> = readonly [labels: LabelsOf<N>, value: number];

const nothing = (): void => undefined;
export const nullMeter: Meter = {
  on: false,
  count: nothing,
  time: nothing,
  size: nothing,
  look: nothing,
  zero: nothing,
};

/** The one reading of a metric without labels; undefined: it is not known now. */
export const only = (value: number | undefined): readonly (readonly [Record<never, never>, number])[] =>
  value === undefined ? [] : [[{}, value]];
