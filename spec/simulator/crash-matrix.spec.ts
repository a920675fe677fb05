/** The crash matrix: its pure parts by value, and a sample of its squares as they are. */
import { expect } from "chai";
import { type Ended, endFault } from "./crash-matrix-end.ts";
import { merge, runPart } from "./crash-matrix-jobs.ts";
import { operations } from "./crash-matrix-operations.ts";
import { matrixText, type Row, replay, type Square, totalsOf } from "./crash-matrix-report.ts";
import { faultsAt, runSquare } from "./crash-matrix-square.ts";

const starting = { done: [["running"]], undone: [["stopped"]] };
const told = (outcome: "ok" | "failed" | "unknown") => [{ method: "instance.start", outcome }];
const end: Ended = {
  told: told("ok"),
  operations: [{ kind: "start", state: "done" }],
  things: ["running"],
  refused: false,
};

describe("crash matrix: the end of an operation", () => {
  it("is right when what was answered is so", () => {
    expect(endFault(end, starting)).to.equal(undefined);
  });

  it("is wrong when it was answered and is not so", () => {
    expect(endFault({ ...end, things: ["stopped"] }, starting)).to.equal(
      "The client was told: instance.start ok. In the end there is stopped, not running.",
    );
  });

  it("may be either when nobody knows, and nothing else", () => {
    const unknown = { ...end, told: told("unknown") };
    expect(endFault({ ...unknown, things: ["stopped"] }, starting)).to.equal(undefined);
    expect(endFault(unknown, starting)).to.equal(undefined);
    expect(endFault({ ...unknown, things: [] }, starting)).to.include(
      "there is nothing, not running, or stopped",
    );
  });

  it("is as before when it was refused", () => {
    const refused = { ...end, told: told("failed"), operations: [] };
    expect(endFault({ ...refused, things: ["stopped"] }, starting)).to.equal(undefined);
    expect(endFault(refused, starting)).to.include("start failed. In the end there is running, not stopped");
  });

  it("is failed only where something failed, and with a reason", () => {
    const failed: Ended = { ...end, operations: [{ kind: "start", state: "failed" }], things: ["failed"] };
    expect(endFault(failed, starting)).to.equal(undefined);
    expect(endFault({ ...failed, things: ["failed without a reason"] }, starting)).to.be.a("string");
    expect(endFault({ ...failed, operations: end.operations }, starting)).to.be.a("string");
    expect(endFault({ ...failed, operations: end.operations, refused: true }, starting)).to.equal(undefined);
  });

  it("lets what a guest did by itself be unknown when its host was lost just then", () => {
    const byItself = { ...end, told: [], operations: [], things: ["running"] };
    const goal = { done: [["stopped"]], undone: [["running"]] };
    expect(endFault({ ...byItself, recovered: true }, goal)).to.equal(undefined);
    expect(endFault(byItself, goal)).to.be.a("string");
  });

  it("follows the later one of two commands whose order was changed", () => {
    const both: Ended = {
      ...end,
      told: [...told("ok"), { method: "instance.stop", outcome: "ok" }],
      operations: [
        { kind: "stop", state: "done" },
        { kind: "start", state: "done" },
      ],
    };
    expect(endFault(both, { done: [["stopped"]], undone: [["running"]] })).to.equal(undefined);
  });

  it("knows one thing too many", () => {
    expect(endFault({ ...end, things: ["running", "running"] }, starting)).to.include("running and running");
  });
});

const step = { step: 3, kind: "durable", process: "h1", what: "start" } as const;
const square: Square = { operation: "start", step, fault: "double", red: undefined };
const red: Square = { ...square, fault: "delay", red: { promise: "I7", message: "Something is left." } };
const row: Row = { operation: "start", steps: 4, undisturbed: undefined, squares: [square, red] };

describe("crash matrix: the report", () => {
  it("counts squares", () => {
    expect(totalsOf([row])).to.deep.equal({ operations: 1, steps: 4, squares: 2, green: 1, red: 1 });
  });

  it("counts an operation that is red by itself", () => {
    const sick = { ...row, undisturbed: { promise: "I6", message: "It did not come to rest." } };
    expect(totalsOf([sick])).to.include({ squares: 2, green: 1, red: 2 });
  });

  it("fits 100 columns, and says how to see a red square again", () => {
    const lines = matrixText([row], 1.25).split("\n");
    const table = lines.slice(0, lines.indexOf(""));
    expect(Math.max(...table.map(({ length }) => length))).to.be.at.most(100);
    expect(lines).to.include.members([
      "RED start, step 3, delay: h1 durable start",
      "  I7: Something is left.",
      `  ${replay("start", 3, "delay")}`,
      "2 squares of 1 operation, 50 % green, in 1.3 s.",
    ]);
  });

  it("puts the parts of a row together, in the order of the steps", () => {
    const later = { ...square, step: { ...step, step: 5 } };
    const [merged] = merge([[{ ...row, squares: [later] }], [{ ...row, squares: [square] }]]);
    expect(merged?.squares.map((one) => one.step.step)).to.deep.equal([3, 5]);
  });
});

describe("crash matrix: its squares", () => {
  it("loses no answer of a file", () => {
    expect(faultsAt({ ...step, what: "writeFile" })).to.not.include("loseReply");
    expect(faultsAt(step)).to.include("loseReply");
  });

  it("names each operation once, and has enough of them", () => {
    const names = new Set(operations.map(({ name }) => name));
    expect(names.size).to.equal(operations.length).and.to.be.at.least(24);
  });

  it("counts the same steps each time", async () => {
    const [operation] = operations;
    if (operation === undefined) throw new Error("There is no operation.");
    const [first, second] = [await runSquare(operation), await runSquare(operation)];
    expect(first.counted.length).to.be.above(5);
    expect(second.counted).to.deep.equal(first.counted);
  });

  it("are green, in a sample", async () => {
    const all = operations.map(({ name }) => name);
    const rows = await runPart({ parts: 1, part: 0, sample: 48, operations: all });
    const { red: reds, squares } = totalsOf(rows);
    expect(reds, matrixText(rows, 0)).to.equal(0);
    expect(squares).to.be.above(100);
  }).timeout(180_000);
});
