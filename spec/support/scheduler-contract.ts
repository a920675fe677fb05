/**
 * The contracts of the scheduler's filters and weighers, ours and those of plug-ins: they are pure, quick to
 * refuse, and answer for any host. Hosts are given as the store has their records, and are seen as the
 * scheduler sees them.
 */
import { expect } from "chai";
import type {
  Check,
  Filter,
  Members,
  Refusal,
  TimedRequest,
} from "../../actors/control/scheduler/filters/filter.ts";
import type { HostView } from "../../actors/control/scheduler/state.ts";
import type { Weigher } from "../../actors/control/scheduler/weighers/weigher.ts";
import { host, knowing, request, type WorldHost } from "../actors/control/scheduler/worlds.ts";

export interface FilterCase {
  /** In a few words, for the title of its test. */
  readonly when: string;
  /** What is not ordinary about the host. */
  readonly host?: Partial<WorldHost>;
  /** What is not ordinary about the request. */
  readonly asked?: Partial<TimedRequest>;
  readonly members?: Members;
  /** Absent: the host passes. */
  readonly refused?: Refusal;
}

export interface WeigherCase {
  readonly when: string;
  readonly host?: Partial<WorldHost>;
  readonly weight: number;
}

/** A host as the scheduler sees it, of a record with these fields. */
export function hostView(changes: Partial<WorldHost> = {}): HostView {
  const view = knowing(host("a", changes)).hosts.at(0);
  if (view === undefined) throw new Error("The scheduler knows no host.");
  return view;
}

const none: Members = new Map();
const timed = (asked: Partial<TimedRequest> = {}): TimedRequest => ({ ...request(), atMs: 1, ...asked });

/** What the filter says of a host; undefined: it lets it pass. */
function verdictOf(filter: Filter, one: FilterCase): Refusal | undefined {
  const view = frozen(hostView(one.host));
  const check = checkOf(filter, one);
  const answer = check?.(view) ?? true;
  return answer === true ? undefined : answer(view);
}

const checkOf = (filter: Filter, { asked, members = none }: FilterCase): Check | undefined =>
  "check" in filter ? filter.check : filter.prepare(frozen(timed(asked)), members, new Map());

/** Describes the tests of a filter. `cases`: hosts that pass and that are refused, one of each at least. */
export function filterContract(filter: Filter, cases: readonly FilterCase[]): void {
  for (const one of cases)
    it(`${one.refused === undefined ? "passes" : "refuses"} a host: ${one.when}`, () => {
      expect(verdictOf(filter, one)).to.deep.equal(one.refused);
    });

  it("has cases of both kinds", () => {
    const refusing = cases.filter(({ refused }) => refused !== undefined);
    expect(refusing).to.have.lengthOf.within(1, cases.length - 1);
  });

  it("says the same when it is asked again, whatever it was asked between", () => {
    const first = cases.map((one) => verdictOf(filter, one));
    const again = [...cases].reverse().map((one) => verdictOf(filter, one));
    expect(again.reverse()).to.deep.equal(first);
  });

  it("answers for every host and every request of its cases, and changes neither", () => {
    for (const { host: changes } of cases)
      for (const { asked, members } of cases) {
        const one = { when: "", ...(changes && { host: changes }), ...(asked && { asked }) };
        const refusal = verdictOf(filter, { ...one, ...(members && { members }) });
        if (refusal !== undefined) expect(refusal).to.have.all.keys("reason", "remedy");
      }
  });

  it("gives sentences without their full stop, which begin small", () => {
    for (const one of cases) {
      const { reason = "x", remedy = "x" } = verdictOf(filter, one) ?? {};
      for (const sentence of [reason, remedy]) expect(sentence).to.match(/^[^A-Z\s].*[^.\s]$|^x$/);
    }
  });

  it("names an effort", () => {
    expect(filter.effort).to.be.above(0);
  });
}

/** Describes the tests of a weigher of hosts, or of groups. */
export function weigherContract(weigher: Weigher, cases: readonly WeigherCase[]): void {
  for (const { when, host: changes, weight } of cases)
    it(`weighs a host: ${when}`, () => {
      if (!("weigh" in weigher)) throw new Error("Only weighers of hosts have cases.");
      expect(weigher.weigh(frozen(hostView(changes)))).to.be.closeTo(weight, 1e-9);
    });

  it("says the same when it is asked again", () => {
    if (!("weigh" in weigher)) return;
    const all = () => cases.map(({ host: changes }) => weigher.weigh(frozen(hostView(changes))));
    expect(all()).to.deep.equal(all());
  });

  it("stays from -1 to 1", () => {
    const weights = cases.map(({ host: changes }) =>
      "weigh" in weigher ? weigher.weigh(frozen(hostView(changes))) : 0,
    );
    for (const weight of weights) expect(weight).to.be.within(-1, 1);
  });

  it("has a multiplier", () => {
    expect(Number.isFinite(weigher.multiplier)).to.equal(true);
  });
}

/** A value that cannot be changed: a filter that tries throws, and its test fails. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
  }
  return value;
}
