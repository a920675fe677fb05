/**
 * The golden scenarios: each log comes out word for word, no promise is broken on the way, and every mutant
 * still finds its guard (that each fails is shown by scenario-mutants.ts, one process a scenario).
 */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { parseAction } from "./scenario-actions.ts";
import { firstDifference } from "./scenario-difference.ts";
import { readScenario, scenarioNames } from "./scenario-files.ts";
import { mutated, parseScenario, ScenarioError, withExpected } from "./scenario-format.ts";
import { performScenario } from "./scenario-run.ts";

describe("scenarios", () => {
  for (const name of scenarioNames()) {
    it(`${name} comes out as it is written`, async () => {
      const scenario = readScenario(name);
      const { log, violations } = await performScenario(scenario);
      expect(violations).to.deep.equal([]);
      expect(log.map((line) => line.trim())).to.deep.equal(scenario.expected);
    });
  }

  it("there are as many as the famous bugs ask for, and each guard is where its mutant looks", () => {
    const scenarios = scenarioNames().map(readScenario);
    expect(scenarios.length).to.be.at.least(22);
    const mutants = scenarios.flatMap(({ mutant }) => mutant ?? []);
    expect(mutants.length).to.be.at.least(12);
    for (const mutant of mutants) {
      const source = readFileSync(new URL(`../../${mutant.file}`, import.meta.url), "utf8");
      expect(mutated(mutant, source)).not.to.equal(source);
    }
  });
});

describe("the text of a scenario", () => {
  const head = "title: A\nsource: B\nnaive: C\n";

  it("is read", () => {
    const more = "  goes on\nhosts: 2\nshutdown: never\n\n";
    const commands = "commands:\n@1.5 user u2 stop web within 7 wait\n\n";
    const text = `${head}${more}${commands}expected:\n   1.0  a\n`;
    expect(parseScenario(text)).to.deep.equal({
      ...{ title: "A", source: "B", naive: "C goes on", hosts: 2, controllers: 1, capacity: 4 },
      ...{
        disks: undefined,
        shutdownSeconds: undefined,
        startSeconds: 0.5,
        untilSeconds: 4,
        mutant: undefined,
      },
      happenings: [
        {
          atSeconds: 1.5,
          action: {
            ...{ kind: "user", user: "u2", command: "stop", name: "web", count: undefined },
            ...{ withinSeconds: 7, wait: true, fields: {}, forSeconds: 0 },
          },
          text: "user u2 stop web within 7 wait",
        },
      ],
      expected: ["1.0  a"],
    });
  });

  it("says which line cannot be understood", () => {
    const wrong: readonly (readonly [string, number, string])[] = [
      ["", 1, "commands:"],
      ["colour: red\ncommands:\n", 1, "colour"],
      [`${head}title: D\ncommands:\n`, 4, "two headers"],
      [`${head}hosts: many\ncommands:\n`, 4, "is a number"],
      [`${head}commands:\n@1 user u1 create a\nsoon\n`, 6, 'as in "@12.5"'],
      [`${head}commands:\n@1 user u1 dance a\n`, 5, '"dance" is none of'],
      [`${head}commands:\n@1 fault killAgent\n`, 5, "ends before whom it strikes"],
      [`${head}commands:\n@1 fault killAgent h1 for long\n`, 5, '"for" has a number after it'],
      [`${head}commands:\n@1 lose request ensure at all\n`, 5, 'What does "at all" mean?'],
      [`${head}commands:\n@1 when step start by h1\n`, 5, '"when" needs a "then"'],
      [`${head}commands:\n@1 lose step start\n`, 5, "is not for step"],
      ["title: A\ncommands:\n", 2, '"source" is missing'],
    ];
    for (const [text, line, message] of wrong) {
      const read = () => parseScenario(text);
      expect(read, text).to.throw(ScenarioError, message);
      expect(read, text).to.throw(`Line ${line}:`);
    }
  });

  it("asks for any method, of a user or of the operator, with more fields", () => {
    const group = parseAction("user u1 asks server-group.create name=apart policy=anti-affinity");
    expect(group).to.deep.equal({
      ...{ kind: "ask", user: "u1", method: "server-group.create", about: "", forSeconds: 0 },
      fields: { name: "apart", policy: "anti-affinity" },
    });
    expect(parseAction("operator asks quota.set demo instances=2 vcpus=null")).to.deep.include({
      ...{ kind: "ask", user: "", method: "quota.set", about: "demo" },
      fields: { instances: 2, vcpus: null },
    });
    expect(parseAction("user u1 create web count 3 atLeast=2 recovery.policy=leave")).to.deep.include({
      ...{ kind: "user", name: "web", count: 3 },
      fields: { atLeast: 2, recovery: { policy: "leave" } },
    });
  });

  it("names a step, and what happens at that moment", () => {
    expect(parseAction("when step start by h1 nth 2 then fault powerLoss h1 for 9")).to.deep.equal({
      ...{ kind: "aim", fate: undefined, step: "step", what: "start", process: "h1", nth: 2, times: 1 },
      ...{ bySeconds: undefined, forSeconds: 0 },
      next: {
        kind: "fault",
        fault: "powerLoss",
        target: "h1",
        other: undefined,
        times: undefined,
        forSeconds: 9,
      },
    });
  });

  it("keeps everything but the log when that is written anew", () => {
    const written = withExpected(`${head}\ncommands:\n@1 user u1 list\n\nexpected:\n  old\n`, ["new"]);
    expect(written).to.equal(`${head}\ncommands:\n@1 user u1 list\n\nexpected:\n  new\n`);
    expect(withExpected(written, ["new"])).to.equal(written);
  });

  it("differs where the first line does", () => {
    expect(firstDifference(["a", "b"], [" a", "b "])).to.equal(undefined);
    expect(firstDifference(["a", "b"], ["a"])).to.equal('Line 2 of the log is "missing", not "b".');
  });
});
