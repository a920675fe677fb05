/** The command line of the crash matrix: what may be asked for, and what is wrong with what was asked for. */
import { parseArgs } from "node:util";
import { operations } from "./crash-matrix-operations.ts";
import { type CellFault, cellFaultNames } from "./crash-matrix-square.ts";
import { UsageError, wholeNumber } from "./main-options.ts";

export const matrixUsage = `Usage: npm run crashmatrix -- [options]

  --operation NAME    only this operation; --list names them all
  --jobs N            processes that run the squares (2)
  --sample N          every N-th square only (1)
  --json              the result as JSON
  --list              runs no square: names operations and their steps
  --trace             one run of the --operation, line by line
  --step N            with --trace: something happens at this step
  --fault NAME        with --step: what happens (crashAfter), of ${cellFaultNames.join(", ")}
  --help, -h          this text
`;

export interface MatrixOptions {
  /** The name of an operation that there is; undefined: all. */
  readonly operation: string | undefined;
  readonly step: number | undefined;
  readonly fault: CellFault;
  readonly trace: boolean;
  readonly jobs: number;
  readonly sample: number;
  readonly json: boolean;
  readonly list: boolean;
}

const flags = {
  operation: { type: "string" },
  step: { type: "string" },
  fault: { type: "string" },
  trace: { type: "boolean", default: false },
  jobs: { type: "string" },
  sample: { type: "string" },
  json: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  help: { type: "boolean", short: "h" },
} as const;
const parse = (argv: readonly string[]) => parseArgs({ args: [...argv], options: flags }).values;
type Values = ReturnType<typeof parse>;

const stepMax = 100_000;

/** Undefined: help was asked for. @throws UsageError */
export function matrixOptionsOf(argv: readonly string[]): MatrixOptions | undefined {
  const values = parsed(argv);
  if (values.help === true) return undefined;
  const { operation, trace, json, list } = values;
  const step = wholeNumber("step", values.step, { min: 0, max: stepMax });
  assertTogether(values);
  return {
    ...{ operation, step, trace, json, list, fault: faultNamed(values.fault ?? "crashAfter") },
    jobs: wholeNumber("jobs", values.jobs, { min: 1, max: 64 }) ?? 2,
    sample: wholeNumber("sample", values.sample, { min: 1, max: stepMax }) ?? 1,
  };
}

function parsed(argv: readonly string[]): Values {
  try {
    return parse(argv);
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function assertTogether({ operation, step, fault, trace, list }: Values): void {
  const names = operations.map(({ name }) => name);
  if (operation !== undefined && !names.includes(operation))
    throw new UsageError(`There is no operation ${operation}, but: ${names.join("; ")}.`);
  if (trace && operation === undefined) throw new UsageError("--trace needs one --operation.");
  if (trace && list) throw new UsageError("--trace and --list say both what to do.");
  if (step !== undefined && !trace) throw new UsageError("--step needs --trace.");
  if (fault !== undefined && step === undefined) throw new UsageError("--fault needs a --step.");
}

function faultNamed(name: string): CellFault {
  const found = cellFaultNames.find((fault) => fault === name);
  if (found === undefined)
    throw new UsageError(`There is no fault ${name}, but: ${cellFaultNames.join(", ")}.`);
  return found;
}
