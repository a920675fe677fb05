/** The command line of the simulator: what may be asked for, and what is wrong with what was asked for. */
import { parseArgs } from "node:util";
import type { PlanSize } from "./plan-parameters.ts";

export const usage = `Usage: npm run simulate -- [options]

One run:
  --seed N            one run of this seed; a violation is explained by its trace
  --plan FILE         one run of a plan that was written down by --minimize
  --trace             the whole trace of it, the same bytes each time
  --minimize          the shortest plan that still breaks the same promise
  --out FILE          where --minimize writes it (simulator-plan-<seed>.json)
Many:
  --seeds N           that many runs, one seed after the other
  --from M            the first of them (1)
  --jobs J            processes that run them (2)
  --mutant NAME       with one guard of the code switched off
  --mutants           each guard of the list switched off in turn: a promise must break
All:
  --hosts N --instances N --controllers N --seconds N
                      how large a run is; without them each seed draws its own size
  --json              the result as JSON
  --help, -h          this text
`;

/** What somebody asked for is not possible. */
export class UsageError extends Error {}

export interface Options {
  readonly mode: "one" | "many" | "mutants";
  readonly seed: string;
  readonly planFile: string | undefined;
  readonly trace: boolean;
  readonly minimize: boolean;
  readonly out: string | undefined;
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  readonly mutant: string | undefined;
  readonly size: PlanSize;
  readonly json: boolean;
}

const flags = {
  seed: { type: "string" },
  plan: { type: "string" },
  trace: { type: "boolean" },
  minimize: { type: "boolean" },
  out: { type: "string" },
  seeds: { type: "string" },
  from: { type: "string" },
  jobs: { type: "string" },
  mutant: { type: "string" },
  mutants: { type: "boolean" },
  hosts: { type: "string" },
  instances: { type: "string" },
  controllers: { type: "string" },
  seconds: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const parse = (argv: readonly string[]) =>
  parseArgs({ args: [...argv], options: flags, strict: true }).values;
type Values = ReturnType<typeof parse>;

/** Seeds of a search for one mutant, unless it says otherwise. */
export const mutantSeedsDefault = 400;

/** Undefined: help was asked for. @throws UsageError */
export function optionsOf(argv: readonly string[]): Options | undefined {
  const values = parsed(argv);
  if (values.help === true) return undefined;
  const mode = modeOf(values);
  return {
    mode,
    seed: values.seed ?? "1",
    planFile: values.plan,
    trace: values.trace === true,
    minimize: values.minimize === true,
    out: values.out,
    seeds: whole(values, "seeds", 1, 10_000_000) ?? mutantSeedsDefault,
    from: whole(values, "from", 0, Number.MAX_SAFE_INTEGER / 2) ?? 1,
    jobs: whole(values, "jobs", 1, 64) ?? 2,
    mutant: values.mutant,
    size: sizeOf(values),
    json: values.json === true,
  };
}

function parsed(argv: readonly string[]): Values {
  try {
    return parse(argv);
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function modeOf(values: Values): Options["mode"] {
  const one = values.seed !== undefined || values.plan !== undefined;
  const asked = [one, values.seeds !== undefined || values.from !== undefined, values.mutants === true];
  if (values.mutants === true && (one || values.mutant !== undefined))
    throw new UsageError("--mutants goes with neither --seed, --plan nor --mutant.");
  if (values.seed !== undefined && values.plan !== undefined)
    throw new UsageError("--seed and --plan say both what to run.");
  if (one && asked[1] === true) throw new UsageError("--seed and --seeds say both what to run.");
  if (!one && (values.trace === true || values.minimize === true))
    throw new UsageError("--trace and --minimize need one run: --seed N or --plan FILE.");
  if (values.mutants === true) return "mutants";
  if (one) return "one";
  if (asked[1] === true || values.mutant !== undefined) return "many";
  throw new UsageError("Say what to run: --seed N, --plan FILE, --seeds N or --mutants.");
}

function sizeOf(values: Values): PlanSize {
  const sizes = {
    controllers: whole(values, "controllers", 1, 20),
    hosts: whole(values, "hosts", 1, 1_000),
    instances: whole(values, "instances", 1, 100_000),
    seconds: whole(values, "seconds", 1, 100_000),
  };
  return Object.fromEntries(Object.entries(sizes).filter(([, value]) => value !== undefined));
}

type Numbered = "seeds" | "from" | "jobs" | "controllers" | "hosts" | "instances" | "seconds";

const whole = (values: Values, name: Numbered, min: number, max: number): number | undefined =>
  wholeNumber(name, values[name], { min, max });

/** The number that an option was given; undefined: it was not given. @throws UsageError */
export function wholeNumber(
  name: string,
  text: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} takes a whole number from ${min} to ${max}, not ${text}.`);
}
