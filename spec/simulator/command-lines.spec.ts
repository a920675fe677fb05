/** The command lines of the simulator and of the crash matrix, by value; their programs are not started. */
import { expect } from "chai";
import { matrixOptionsOf, matrixUsage } from "./crash-matrix-options.ts";
import { optionsOf, UsageError, usage } from "./main-options.ts";

describe("the command line of the simulator", () => {
  it("asks for help whatever else it says", () => {
    expect(optionsOf(["--seeds", "10000", "--help"])).to.equal(undefined);
    expect(optionsOf(["-h"])).to.equal(undefined);
    expect(usage).to.match(/^ {2}--help/m);
  });

  it("is refused where it would be guessed at", () => {
    for (const line of ["", "--seed 1 --sed 2", "--seeds no", "--seeds 0", "seeds", "--seed 1 --seeds 2"])
      expect(() => optionsOf(line.split(" ").filter(Boolean)), line).to.throw(UsageError);
  });
});

describe("the command line of the crash matrix", () => {
  it("is read as it stands", () => {
    const usual = { operation: undefined, step: undefined, trace: false, json: false, list: false };
    expect(matrixOptionsOf([])).to.deep.equal({ ...usual, fault: "crashAfter", jobs: 2, sample: 1 });
    const argv = ["--operation", "create", "--step", "4", "--fault", "crashBefore", "--trace"];
    expect(matrixOptionsOf(argv)).to.include({
      operation: "create",
      step: 4,
      fault: "crashBefore",
      trace: true,
    });
    expect(matrixOptionsOf(["--jobs", "3", "--sample", "10"])).to.include({ jobs: 3, sample: 10 });
  });

  it("asks for help whatever else it says", () => {
    expect(matrixOptionsOf(["--jobs", "2", "--help"])).to.equal(undefined);
    for (const option of ["operation", "jobs", "sample", "json", "list", "trace", "step", "fault", "help"])
      expect(matrixUsage).to.match(new RegExp(`^ {2}--${option}\\b`, "m"));
  });

  it("is refused where it would be guessed at", () => {
    const create = "--operation create";
    for (const line of [
      ...[
        "--jbos 2",
        "--jobs no",
        "--sample 0",
        "--operation nope",
        "--trace",
        "create",
        `${create} --step 1`,
      ],
      ...[
        `${create} --trace --step x`,
        `${create} --trace --step 1 --fault nope`,
        `${create} --trace --list`,
      ],
      `${create} --trace --fault crashAfter`,
    ])
      expect(() => matrixOptionsOf(line.split(" ")), line).to.throw(UsageError);
  });
});
