/**
 * `npm run crashmatrix`: for every operation and every step of it, one run for each thing that can happen
 * there; prints the matrix and its red squares, and ends with 1 when there is one.
 *
 *   npm run crashmatrix -- [--operation NAME] [--jobs N] [--sample N] [--json] [--list]
 *   npm run crashmatrix -- --operation NAME [--step N --fault FAULT] --trace
 */
import { parseArgs } from "node:util";
import type { Operation } from "./crash-matrix-acts.ts";
import { runParts } from "./crash-matrix-jobs.ts";
import { operations } from "./crash-matrix-operations.ts";
import { matrixText, totalsOf } from "./crash-matrix-report.ts";
import { type Aimed, type CellFault, cellFaultNames, runSquare } from "./crash-matrix-square.ts";

const { values } = parseArgs({
  options: {
    operation: { type: "string" },
    step: { type: "string" },
    fault: { type: "string" },
    trace: { type: "boolean", default: false },
    jobs: { type: "string", default: "2" },
    sample: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

function chosen(): readonly Operation[] {
  if (values.operation === undefined) return operations;
  const found = operations.filter(({ name }) => name === values.operation);
  if (found.length > 0) return found;
  throw new Error(
    `There is no operation ${values.operation}: ${operations.map(({ name }) => name).join("; ")}.`,
  );
}

function faultNamed(name: string): CellFault {
  const found = cellFaultNames.find((fault) => fault === name);
  if (found === undefined) throw new Error(`There is no fault ${name}: ${cellFaultNames.join(", ")}.`);
  return found;
}

/** The steps of each operation, or one run line by line. */
async function list(): Promise<number> {
  for (const operation of chosen()) {
    console.log(operation.name);
    const { counted } = await runSquare(operation);
    for (const { step, kind, process, what } of counted) console.log(`  ${step} ${process} ${kind} ${what}`);
  }
  return 0;
}

async function trace(): Promise<number> {
  const [operation] = chosen();
  if (operation === undefined || values.operation === undefined) throw new Error("Say which --operation.");
  const { counted } = await runSquare(operation);
  const step = values.step === undefined ? undefined : counted[Number(values.step)];
  if (values.step !== undefined && step === undefined)
    throw new Error(`${operation.name} has the steps 0 to ${counted.length - 1}.`);
  const aimed: Aimed | undefined = step && { step, fault: faultNamed(values.fault ?? "crashAfter") };
  const { red } = await runSquare(operation, aimed, (line) => console.log(line));
  console.log(red === undefined ? "green" : `RED ${red.promise}: ${red.message}`);
  return red === undefined ? 0 : 1;
}

async function matrix(): Promise<number> {
  const begunMs = performance.now();
  let squares = 0;
  const rows = await runParts(
    {
      parts: Math.max(1, Number(values.jobs)),
      sample: Math.max(1, Number(values.sample)),
      operations: chosen().map(({ name }) => name),
    },
    (more) => {
      squares += more;
      if (process.stderr.isTTY && squares % 20 === 0) process.stderr.write(`\r${squares} squares`);
    },
  );
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  const seconds = (performance.now() - begunMs) / 1_000;
  const totals = totalsOf(rows);
  console.log(values.json ? JSON.stringify({ totals, seconds, rows }) : matrixText(rows, seconds));
  return totals.red === 0 ? 0 : 1;
}

process.exitCode = await (values.trace ? trace() : values.list ? list() : matrix());
