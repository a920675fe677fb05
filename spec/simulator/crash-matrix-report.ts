/** The crash matrix as text for people: the table, the red squares, and how to see one again. Pure. */
import type { CellFault, Red } from "./crash-matrix-square.ts";
import type { CountedStep } from "./interposer.ts";

export interface Square {
  readonly operation: string;
  readonly step: CountedStep;
  readonly fault: CellFault;
  readonly red: Red | undefined;
}

/** An operation: its undisturbed run, and all of its squares. */
export interface Row {
  readonly operation: string;
  readonly steps: number;
  /** The failure of the undisturbed run, if it failed. */
  readonly undisturbed: Red | undefined;
  readonly squares: readonly Square[];
}

export interface Totals {
  readonly operations: number;
  readonly steps: number;
  readonly squares: number;
  readonly green: number;
  readonly red: number;
}

/** Of the squares alone; an undisturbed run that is red makes its operation's row count one red more. */
export function totalsOf(rows: readonly Row[]): Totals {
  const sum = (count: (row: Row) => number) => rows.reduce((total, row) => total + count(row), 0);
  const squares = sum((row) => row.squares.length);
  const red = sum(redIn);
  return {
    operations: rows.length,
    steps: sum(({ steps }) => steps),
    squares,
    green: sum(greenIn),
    red,
  };
}

const greenIn = ({ squares }: Row): number => squares.filter(({ red }) => red === undefined).length;
const redIn = (row: Row): number =>
  row.squares.length - greenIn(row) + (row.undisturbed === undefined ? 0 : 1);

export function matrixText(rows: readonly Row[], seconds: number): string {
  const totals = totalsOf(rows);
  const percent = totals.squares === 0 ? 0 : Math.floor((totals.green / totals.squares) * 1_000) / 10;
  return [
    line("operation", "steps", "squares", "green", "red"),
    ...rows.map((row) => line(row.operation, row.steps, row.squares.length, greenIn(row), redIn(row))),
    line("total", totals.steps, totals.squares, totals.green, totals.red),
    "",
    ...redText(rows),
    `${totals.squares} squares of ${counted(totals.operations, "operation")}, ${percent} % green, in ${seconds.toFixed(1)} s.`,
  ].join("\n");
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

function line(name: string, ...numbers: readonly (number | string)[]): string {
  return name.padEnd(40) + numbers.map((number) => String(number).padStart(8)).join("");
}

function redText(rows: readonly Row[]): readonly string[] {
  return rows.flatMap(({ operation, undisturbed, squares }) => [
    ...(undisturbed === undefined ? [] : [`RED ${operation}, undisturbed`, ...said(undisturbed), ""]),
    ...squares.flatMap(({ step, fault, red }) =>
      red === undefined
        ? []
        : [
            `RED ${operation}, step ${step.step}, ${fault}: ${step.process} ${step.kind} ${step.what}`,
            ...said(red),
            `  ${replay(operation, step.step, fault)}`,
            "",
          ],
    ),
  ]);
}

const said = ({ promise, message }: Red): readonly string[] => [`  ${promise}: ${message}`];

export function replay(operation: string, step: number, fault: CellFault): string {
  return `npm run crashmatrix -- --operation "${operation}" --step ${step} --fault ${fault} --trace`;
}
