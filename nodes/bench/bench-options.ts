/**
 * The command line of the benchmarks: what may be asked for, and what is wrong with what was asked for. It
 * must never load a benchmark: help and refusals come before anything is started.
 */
import { parseArgs } from "node:util";
import { floodMeanings } from "../chaos/flood-kinds.ts";
import { recoveryCases, thirdLostName } from "./recovery-cases.ts";

/** The benchmarks in the order of `all`, with what they measure, in the words of the README. */
const meanings = {
  accept: "create to durable answer, beside one NATS round trip and one PostgreSQL commit",
  lifecycle: "create, stop, start and delete of guests that only pretend, at 1, 8 and 32 clients",
  boot: "create to the guest's CPU running, beside the same QEMU command by hand",
  reads: "get and list with 500 and 10,000 instances",
  scheduler: "one decision among 10, 1,000 and 10,000 hosts; many at once; explanations",
  "many-hosts": "creates on 1,000 hosts with one and two controllers, and the hosts' cost at rest",
  rebuild: "how soon a controller that starts places with 1,000 and 10,000 hosts",
  memory: "the idle control plane",
  network:
    "ports of the kernel's bridges, what rules cost packets, and ports a create; most of it needs root",
  images: "bytes of images up to a controller and down to a host, beside plain HTTP",
  storage: "volumes into a guest and out of it, beside bare QMP; races for one; then what `images` has",
  growth: "what each process holds after 13,000 creates, and minutes later: a quarter of an hour",
  recovery: "guests whose host loses its power, its agent or its network: half an hour",
  flood: "what others notice while one tenant sends all it can: a quarter of an hour",
} as const;

export type BenchName = keyof typeof meanings;
export const benchNames = Object.keys(meanings) as readonly BenchName[];

const takenBy: Readonly<Partial<Record<BenchName, readonly (keyof BenchValues)[]>>> = {
  growth: ["creates", "rest"],
  recovery: ["runs", "guests", "case"],
  flood: ["seconds", "rest", "guests", "case"],
};
const casesOf: Readonly<Partial<Record<BenchName, readonly string[]>>> = {
  recovery: [...Object.keys(recoveryCases), thirdLostName],
  flood: Object.keys(floodMeanings),
};

export interface BenchValues {
  readonly runs?: number;
  readonly creates?: number;
  readonly guests?: number;
  readonly seconds?: number;
  readonly rest?: number;
  readonly case?: readonly string[];
}

export interface BenchRequest {
  readonly names: readonly BenchName[];
  readonly values: BenchValues;
}

/** What somebody asked for is not possible. */
export class BenchUsageError extends Error {}

const flags = {
  runs: { type: "string" },
  creates: { type: "string" },
  guests: { type: "string" },
  case: { type: "string", multiple: true },
  seconds: { type: "string" },
  rest: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;
const numberMax = 1_000_000;

/** The benchmarks of `all`: the long ones have options. */
const short = benchNames.filter((name) => takenBy[name] === undefined);

/** Undefined: help was asked for. @throws BenchUsageError */
export function benchRequestOf(argv: readonly string[]): BenchRequest | undefined {
  const { positionals, values } = parsed(argv);
  if (values.help === true) return undefined;
  const names = positionals.flatMap((name) => (name === "all" ? short : [nameOf(name)]));
  if (names.length === 0) throw new BenchUsageError("Say which benchmark.");
  const { case: cases, help: _help, ...numbers } = values;
  const given = Object.entries(numbers).map(([name, text]) => [name, numberOf(name, text)] as const);
  const asked = { ...Object.fromEntries(given), ...(cases && { case: cases }) };
  for (const option of Object.keys(asked)) assertTaken(option, names);
  for (const name of names) assertCases(name, cases ?? []);
  return { names, values: asked };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags, allowPositionals: true });
  } catch (thrown) {
    throw new BenchUsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function nameOf(name: string): BenchName {
  const found = benchNames.find((one) => one === name);
  if (found === undefined) throw new BenchUsageError(`There is no benchmark ${name}.`);
  return found;
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  const min = name === "rest" ? 0 : 1;
  if (/^\d+$/.test(text) && value >= min && value <= numberMax) return value;
  throw new BenchUsageError(`--${name} takes a whole number from ${min} to ${numberMax}, not ${text}.`);
}

/** An option that changes nothing would be believed to. @throws BenchUsageError */
function assertTaken(option: string, names: readonly BenchName[]): void {
  for (const name of names)
    if (!(takenBy[name] ?? []).some((one) => one === option))
      throw new BenchUsageError(`${name} has no option --${option}.`);
}

/** @throws BenchUsageError */
function assertCases(name: BenchName, cases: readonly string[]): void {
  const known = casesOf[name] ?? [];
  const unknown = cases.find((one) => !known.includes(one));
  if (unknown !== undefined)
    throw new BenchUsageError(`${name} has no case ${unknown}, but: ${known.join(", ")}.`);
}

const lines = (entries: Readonly<Record<string, string>>): string =>
  Object.entries(entries)
    .map(([name, text]) => `  ${name.padEnd(19)} ${text}\n`)
    .join("");

const casesText: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(recoveryCases).map(([name, { summary }]) => [name, summary])),
  [thirdLostName]: "three of nine hosts lose their power at once",
};

/** What a refusal ends with. */
export const benchUsageShort = `Usage: npm run bench -- NAME... [options], with NAME one of: ${[...benchNames, "all"].join(", ")}.
--help names the options and cases.
`;

export const benchUsage = `Usage: npm run bench -- NAME... [options]

One JSON value a line goes to stdout, progress to stderr. Names:
${lines({ ...meanings, all: "all of them but growth, recovery and flood" })}
growth:
  --creates N         instances that stay until all are made (10,000); 3,000 more are made and deleted at once
  --rest N            seconds until memory is looked at again, with all instances and without any (300)
recovery:
  --case NAME         only this case; may be given several times
  --runs N            runs of each case (5)
  --guests N          guests of one run; without it, as many as the case has
flood:
  --case NAME         only this attack, and its control run; may be given several times
  --seconds N         length of each attack and of each control run (60)
  --rest N            seconds after the last attack until memory is looked at again (0: it is not)
  --guests N          guests of the other tenants (20)
All:
  --help, -h          this text

Cases of recovery:
${lines(casesText)}
Cases of flood:
${lines(floodMeanings)}`;
