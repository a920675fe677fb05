/**
 * `npm run crashmatrix`: for every operation and every step of it, one run for each thing that can happen
 * there; prints the matrix and its red squares, and ends with 1 when there is one.
 */
import type { Operation } from "./crash-matrix-acts.ts";
import { runParts } from "./crash-matrix-jobs.ts";
import { operations } from "./crash-matrix-operations.ts";
import { type MatrixOptions, matrixOptionsOf, matrixUsage } from "./crash-matrix-options.ts";
import { matrixText, totalsOf } from "./crash-matrix-report.ts";
import { type Aimed, runSquare } from "./crash-matrix-square.ts";
import { UsageError } from "./main-options.ts";

const chosen = ({ operation }: MatrixOptions): readonly Operation[] =>
  operation === undefined ? operations : operations.filter(({ name }) => name === operation);

/** The steps of each operation, or one run line by line. */
async function list(options: MatrixOptions): Promise<number> {
  for (const operation of chosen(options)) {
    console.log(operation.name);
    const { counted } = await runSquare(operation);
    for (const { step, kind, process, what } of counted) console.log(`  ${step} ${process} ${kind} ${what}`);
  }
  return 0;
}

async function trace(options: MatrixOptions): Promise<number> {
  const [operation] = chosen(options);
  if (operation === undefined) throw new UsageError("--trace needs one --operation.");
  const { counted } = await runSquare(operation);
  const step = options.step === undefined ? undefined : counted[options.step];
  if (options.step !== undefined && step === undefined)
    throw new UsageError(`${operation.name} has the steps 0 to ${counted.length - 1}.`);
  const aimed: Aimed | undefined = step && { step, fault: options.fault };
  const { red } = await runSquare(operation, aimed, (line) => console.log(line));
  console.log(red === undefined ? "green" : `RED ${red.promise}: ${red.message}`);
  return red === undefined ? 0 : 1;
}

async function matrix(options: MatrixOptions): Promise<number> {
  const begunMs = performance.now();
  let squares = 0;
  const rows = await runParts(
    {
      ...{ parts: options.jobs, sample: options.sample },
      operations: chosen(options).map(({ name }) => name),
    },
    (more) => {
      squares += more;
      if (process.stderr.isTTY && squares % 20 === 0) process.stderr.write(`\r${squares} squares`);
    },
  );
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  const seconds = (performance.now() - begunMs) / 1_000;
  const totals = totalsOf(rows);
  console.log(options.json ? JSON.stringify({ totals, seconds, rows }) : matrixText(rows, seconds));
  return totals.red === 0 ? 0 : 1;
}

async function main(argv: readonly string[]): Promise<number> {
  const options = matrixOptionsOf(argv);
  if (options === undefined) {
    process.stdout.write(matrixUsage);
    return 0;
  }
  return options.trace ? trace(options) : options.list ? list(options) : matrix(options);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  process.stderr.write(`${thrown.message}\n\n${matrixUsage}`);
  process.exitCode = 2;
}
