/** The command line of the benchmarks: what is asked for, and what is refused, by value. */
import { expect } from "chai";
import {
  BenchUsageError,
  benchNames,
  benchRequestOf,
  benchUsage,
} from "../../../nodes/bench/bench-options.ts";
import { floodKindsOf } from "../../../nodes/bench/flood.ts";
import { floodMeanings } from "../../../nodes/chaos/flood-kinds.ts";

describe("the command line of the benchmarks", () => {
  it("is read as it stands", () => {
    const argv = [
      "flood",
      "--case",
      "large",
      "--case",
      "small",
      "--seconds",
      "5",
      "--rest",
      "0",
      "--guests",
      "4",
    ];
    const values = { case: ["large", "small"], seconds: 5, rest: 0, guests: 4 };
    expect(benchRequestOf(argv)).to.deep.equal({ names: ["flood"], values });
    expect(benchRequestOf(["recovery", "--case", "thirdLost", "--runs", "1"])).to.deep.equal({
      ...{ names: ["recovery"], values: { case: ["thirdLost"], runs: 1 } },
    });
    expect(benchRequestOf(["accept", "reads"])?.names).to.deep.equal(["accept", "reads"]);
    const long: readonly string[] = ["growth", "recovery", "flood"];
    const short = benchNames.filter((name) => !long.includes(name));
    expect(benchRequestOf(["all"])).to.deep.equal({ names: short, values: {} });
  });

  it("asks for help wherever it does so, and starts nothing then", () => {
    for (const argv of [["--help"], ["flood", "--help"], ["-h", "accept"], ["flood", "--seconds", "5", "-h"]])
      expect(benchRequestOf(argv), argv.join(" ")).to.equal(undefined);
  });

  it("is refused where it would be guessed at", () => {
    const wrong: readonly (readonly [string, string])[] = [
      ["", "Say which benchmark."],
      ["flod", "There is no benchmark flod."],
      ["flood --secnds 5", "Unknown option '--secnds'"],
      ["flood --seconds", "argument missing"],
      ["flood --seconds 0", "--seconds takes a whole number from 1"],
      ["flood --seconds 5s", "not 5s"],
      ["flood --case smal", "flood has no case smal, but: questions, large, small"],
      ["recovery --case large", "recovery has no case large, but: powerLoss"],
      ["accept --seconds 5", "accept has no option --seconds."],
      ["flood accept --guests 5", "accept has no option --guests."],
      ["all --case large", "accept has no option --case."],
      ["flood --runs 2", "flood has no option --runs."],
      ["flood --creates 2", "flood has no option --creates."],
      ["growth --guests 2", "growth has no option --guests."],
    ];
    for (const [line, sentence] of wrong)
      expect(() => benchRequestOf(line.split(" ").filter(Boolean)), line)
        .to.throw(BenchUsageError)
        .with.property("message")
        .that.contains(sentence);
  });

  it("has a help with every name, case and option", () => {
    const options = ["--case", "--creates", "--runs", "--guests", "--seconds", "--rest", "--help"];
    for (const word of [
      ...benchNames,
      "all",
      ...Object.keys(floodMeanings),
      "powerLoss",
      "thirdLost",
      ...options,
    ])
      expect(benchUsage, word).to.match(new RegExp(`^  ${word}\\b`, "m"));
  });

  it("knows the attacks that a flood has", () => {
    expect(() => floodKindsOf(Object.keys(floodMeanings))).not.to.throw();
  });
});
