/** The command line of a cluster's processes: which words are a task, and what is said of the others. */
import { expect } from "chai";
import { taskOf, UsageError, usage } from "../../nodes/arguments.ts";
import { failureOf } from "../../nodes/package/failure.ts";

describe("the command line of a process", () => {
  it("is a role with its options", () => {
    expect(taskOf(["up"])).to.deep.equal({ kind: "up", config: undefined });
    expect(taskOf(["up", "--config", "/c"])).to.deep.equal({ kind: "up", config: "/c" });
    expect(taskOf(["controller"])).to.deep.equal({ kind: "controller", config: undefined, index: 0 });
    expect(taskOf(["controller", "--index=2"])).to.deep.include({ index: 2 });
    expect(taskOf(["compute", "--name", "a"])).to.deep.equal({
      kind: "compute",
      config: undefined,
      name: "a",
      network: undefined,
    });
    expect(taskOf(["compute", "--name=a", "--network={}"])).to.deep.include({ network: "{}" });
    expect(() => taskOf(["up", "--network={}"])).to.throw("Only a compute node has a --network.");
  });

  it("takes a name that looks like an option as a name", () => {
    for (const name of ["-a", "--help", "--name"]) {
      expect(taskOf(["compute", `--name=${name}`])).to.deep.include({ kind: "compute", name });
    }
  });

  it("asks for help or the version, with whatever role", () => {
    for (const argv of [
      ["--help"],
      ["-h"],
      ["compute", "--help"],
      ["controller", "--help"],
      ["up", "--help"],
    ]) {
      expect(taskOf(argv), argv.join(" ")).to.deep.equal({ kind: "help" });
    }
    expect(taskOf(["controller", "--version"])).to.deep.equal({ kind: "version" });
  });

  const wrong: readonly (readonly [words: string, says: string])[] = [
    ["", "No role is named."],
    ["down", "There is no role down."],
    ["up more", "more is one word too many."],
    ["up --nmae", "Unknown option '--nmae'"],
    ["up --name=a", "Only a compute node has a --name."],
    ["compute", "Name it with --name."],
    ["compute --name=a --index=1", "Only a controller has an --index."],
    ["controller --index=two", "two is no number of a controller"],
    ["controller --index=-1", "-1 is no number of a controller"],
  ];
  for (const [words, says] of wrong) {
    it(`refuses "${words}", shows the usage, and ends with 2`, () => {
      const argv = words.split(" ").filter((word) => word !== "");
      expect(() => taskOf(argv)).to.throw(UsageError, says);
      try {
        taskOf(argv);
      } catch (error) {
        expect(failureOf(error)).to.deep.include({ exit: 2 });
        expect(failureOf(error).text).to.contain(usage);
      }
    });
  }
});
