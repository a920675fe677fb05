/**
 * Whether filters and weighers are pure: each is asked about hosts and requests of many kinds that cannot be
 * changed, twice, in another order, and without clock and chance. Faults are sentences.
 */
import type { Filter, Members, TimedRequest } from "../../actors/control/scheduler/filters/filter.ts";
import type { HostView } from "../../actors/control/scheduler/state.ts";
import type { Weigher } from "../../actors/control/scheduler/weighers/weigher.ts";
import { host, knowing, request, type WorldHost } from "../actors/control/scheduler/worlds.ts";

type Labels = Readonly<Record<string, string>>;

const records: readonly Partial<WorldHost>[] = [
  {},
  { enabled: false, disabledReason: "maintenance" },
  { labels: { zone: "a", ready: "yes", "inlet-celsius": "21.5" } },
  { labels: { zone: "", ready: "no", "inlet-celsius": "n/a" } },
  { vcpus: 1, memoryMib: 1, diskGib: 0 },
  { vcpus: 8, vcpusClaimed: 8, memoryMibClaimed: 8_192, diskGibClaimed: 100, instances: 40 },
  { architecture: "aarch64", hypervisor: "other", accelerator: "kvm", features: ["avx2"] },
  { failedBuilds: 7, ioOps: 9, machineTypes: ["q35"], storageId: "storage" },
  { lastSeenAtMs: 0, version: 9, generation: 9, number: 9 },
];
const wishes: readonly Partial<TimedRequest>[] = [
  {},
  { vcpus: 64, memoryMib: 1_048_576, diskGib: 10_000 },
  { vcpus: 1, memoryMib: 1, diskGib: 0 },
  { image: { architecture: "aarch64", memoryMibMin: 512, diskGibMin: 10 } },
  { excluded: ["h0", "h1"].map((hostId) => ({ hostId, reason: "It has failed before." })) },
];
const groups: readonly Members[] = [new Map(), new Map([["h0", 3]])];

const hostsWith = (labels: Labels): readonly HostView[] =>
  [...records, { labels }, { labels, instances: 3, vcpusClaimed: 3 }].map((changes, index) =>
    hostOf(`h${index}`, changes),
  );
const asked = wishes.map((changes) => frozen<TimedRequest>({ ...request(), atMs: 1, ...changes }));

function hostOf(id: string, changes: Partial<WorldHost>): HostView {
  const view = knowing(host(id, changes)).hosts.at(0);
  if (view === undefined) throw new Error("The scheduler knows no host.");
  return frozen(view);
}

/** What is wrong with the filter; empty: nothing that can be seen by asking it. */
export function filterFaults(filter: Filter, labels: Labels): readonly string[] {
  const questions = hostsWith(labels).flatMap((view) =>
    asked.flatMap((one) => groups.map((members) => () => verdictOf(filter, view, one, members))),
  );
  return faultsOf(questions, filter.effort > 0 ? [] : ["its effort is not above 0"]);
}

/** The same of a weigher. */
export function weigherFaults(weigher: Weigher, labels: Labels): readonly string[] {
  if ("weigh" in weigher)
    return faultsOf(hostsWith(labels).map((view) => () => weightOf(weigher.weigh(view))));
  if ("policy" in weigher)
    return faultsOf([0, 1, 7, 1_000].map((count) => () => weightOf(weigher.weighCount(count))));
  return [];
}

type Question = () => string;

function faultsOf(questions: readonly Question[], before: readonly string[] = []): readonly string[] {
  const faults = new Set(before);
  const ask = (question: Question): string => {
    try {
      return quietly(question, (what) => faults.add(`it asks for ${what}: what it answers depends on more`));
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      faults.add(thrown instanceof Wrong ? why : `it throws: ${why}`);
      return "";
    }
  };
  const first = questions.map(ask);
  const again = [...questions].reverse().map(ask).reverse();
  if (faults.size === 0 && first.some((answer, index) => answer !== again[index]))
    faults.add("it answers the same question in two ways");
  return [...faults];
}

const nothingStored: ReadonlyMap<string, number> = new Map();

class Wrong extends Error {}

function verdictOf(filter: Filter, view: HostView, one: TimedRequest, members: Members): string {
  const check = "check" in filter ? filter.check : filter.prepare(one, members, nothingStored);
  if (check === undefined) return "does not concern it";
  const answer: unknown = check(view);
  if (answer === true) return "passes";
  if (typeof answer !== "function") throw new Wrong(`it answers ${typeof answer}, not true or a function`);
  const refusal: unknown = answer(view);
  if (typeof refusal !== "object" || refusal === null) throw new Wrong("it refuses without words");
  for (const field of ["reason", "remedy"]) {
    const words: unknown = new Map(Object.entries(refusal)).get(field);
    if (typeof words !== "string" || words.trim() === "") throw new Wrong(`its refusal has no ${field}`);
    if (/^\s|[.\s]$/.test(words))
      throw new Wrong(`its ${field} has a full stop or blanks at its ends: ${words}`);
  }
  return JSON.stringify(refusal);
}

function weightOf(weight: unknown): string {
  if (typeof weight !== "number" || !(weight >= -1 && weight <= 1))
    throw new Wrong(`it weighs ${String(weight)}, which is not between -1 and 1`);
  return String(weight);
}

/** Runs it with a clock and a chance that tell of being used. What it runs does not wait. */
function quietly<T>(work: () => T, told: (what: string) => void): T {
  const [{ random }, { now }] = [Math, Date];
  Math.random = () => {
    told("chance");
    return random();
  };
  Date.now = () => {
    told("the clock");
    return now();
  };
  try {
    return work();
  } finally {
    Object.assign(Math, { random });
    Object.assign(Date, { now });
  }
}

/** A value that cannot be changed: who tries throws. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
  }
  return value;
}
