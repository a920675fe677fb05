/** The plan made of a scenario's faults, by value: the same seed must break the same things. */
import { expect } from "chai";
import { type Parties, planOf } from "../../../nodes/chaos/plan.ts";
import { createRandom } from "../../../nodes/chaos/random.ts";
import { contradictions, type Fault, parseScenario, type Scenario } from "../../../nodes/chaos/scenario.ts";
import { scenarios } from "../../../nodes/chaos/scenarios.ts";

const parties: Parties = {
  controllers: ["controller-1", "controller-2"],
  nodes: ["node-1", "node-2", "fake-1"],
  realNodes: ["node-1", "node-2"],
  projects: ["demo", "other"],
};
const load: Scenario["load"] = [{ name: "some", clients: 1, instances: 1 }];
const plan = (faults: readonly Fault[], seed = 1, seconds = 60) =>
  planOf({ load, faults: [...faults] }, { seed, durationMs: seconds * 1_000, parties });

describe("the plan of a chaos run", () => {
  it("is made of the seed: the times, and who is hit", () => {
    const faults: Fault[] = [
      { kind: "kill", target: "controller", everySeconds: 20 },
      { kind: "pause", target: "node", atSeconds: 5, forSeconds: 2 },
    ];
    const short = plan(faults).map(({ number, atMs, target, durationMs, fault }) => [
      ...[number, atMs, target, durationMs, fault.kind],
    ]);
    expect(short).to.deep.equal([
      [1, 5_000, "fake-1", 2_000, "pause"],
      [2, 16_037, "controller-2", 0, "kill"],
      [3, 40_065, "controller-2", 0, "kill"],
    ]);
    expect(plan(faults)).to.deep.equal(plan(faults));
    expect(plan(faults, 2)).to.not.deep.equal(plan(faults));
  });

  it("ends what lasts before the load ends", () => {
    const faults: Fault[] = [{ kind: "pause", target: "nats", everySeconds: 3, forSeconds: 10 }];
    for (const { atMs, durationMs } of plan(faults)) expect(atMs + durationMs).to.be.at.most(58_000);
    expect(plan(faults, 1, 11)).to.deep.equal([]);
  });

  it("breaks nothing that is broken already", () => {
    const faults: Fault[] = [
      { kind: "pause", target: "node-1", everySeconds: 4, forSeconds: 3 },
      { kind: "kill", target: "node-1", everySeconds: 4 },
    ];
    const steps = plan(faults, 5, 600);
    for (const [index, { atMs }] of steps.entries()) {
      const before = steps[index - 1];
      if (before !== undefined) expect(atMs).to.be.greaterThan(before.atMs + before.durationMs);
    }
    expect(new Set(steps.map(({ fault }) => fault.kind))).to.deep.equal(new Set(["pause", "kill"]));
  });

  it("lets a link be broken while its process is paused: they are different things", () => {
    const faults: Fault[] = [
      { kind: "pause", target: "node-1", atSeconds: 5, forSeconds: 10 },
      { kind: "cut", target: "node-1", atSeconds: 6, forSeconds: 10 },
      { kind: "cut", target: "node-1", atSeconds: 7, forSeconds: 10 },
    ];
    expect(plan(faults).map(({ fault, atMs }) => [fault.kind, atMs])).to.deep.equal([
      ["pause", 5_000],
      ["cut", 6_000],
    ]);
  });

  it("fills only disks of nodes that have some, and hits no guests where there are none", () => {
    const faults: Fault[] = [
      { kind: "fill", target: "node", everySeconds: 7 },
      { kind: "kill", target: "guest", everySeconds: 7 },
    ];
    const without = { ...parties, realNodes: [] };
    expect(planOf({ load, faults }, { seed: 1, durationMs: 60_000, parties: without })).to.deep.equal([]);
    const hit = new Set(plan(faults, 3, 600).map(({ target }) => target));
    expect(hit).to.deep.equal(new Set(["node-1", "node-2", "guest"]));
  });

  it("floods in the name of the last project, and of one that is named", () => {
    const faults: Fault[] = [
      { kind: "flood", target: "project", atSeconds: 5, forSeconds: 3 },
      { kind: "flood", target: "demo", of: "polls", atSeconds: 6 },
    ];
    const steps = plan(faults).map(({ target, durationMs }) => [target, durationMs]);
    expect(steps).to.deep.equal([
      ["other", 3_000],
      ["demo", 5_000],
    ]);
  });

  it("has numbers that do not depend on the machine", () => {
    const random = createRandom(42, "x");
    expect([random.next(), random.next()].map((value) => value.toFixed(6))).to.deep.equal([
      "0.274514",
      "0.696550",
    ]);
    expect(createRandom(42, "y").next()).to.not.equal(createRandom(42, "x").next());
    expect(createRandom(1, "x").weighted({ a: 0, b: 1, c: 0 })).to.equal("b");
    expect(() => random.pick([])).to.throw(RangeError);
  });
});

describe("a scenario file", () => {
  const findings = (text: string): readonly string[] => {
    const parsed = parseScenario(text);
    return parsed.ok ? [] : parsed.findings.map(({ line, message }) => `${line}: ${message}`);
  };
  const head = "load: [{ name: some, clients: 1, instances: 2 }]\nfaults:\n";

  it("says its mistakes with their line", () => {
    expect(findings(`${head}  - { kind: kil, target: nats, atSeconds: 1 }`)[0]).to.match(
      /^3: faults\.0\.kind/,
    );
    expect(findings(`${head}  - { kind: kill, target: nats }`)).to.deep.equal([
      "3: faults.0: write either atSeconds or everySeconds.",
    ]);
    expect(findings(`${head}  - { kind: wipe, target: postgres, atSeconds: 1 }`)[0]).to.contain("only nats");
    expect(findings(`${head}  - { kind: cut, target: nats, atSeconds: 1 }`)[0]).to.contain(
      "a link is named by",
    );
    expect(findings(`${head}  - { kind: delay, target: node, atSeconds: 1 }`)[0]).to.contain("needs delayMs");
    expect(findings(`${head}  - { kind: flood, target: node, atSeconds: 1 }`)[0]).to.contain("a project");
    expect(findings(`${head}  - { kind: flood, target: project, of: air, atSeconds: 1 }`)[0]).to.contain(
      "questions, large, small",
    );
    expect(findings(`${head}  - { kind: kill, target: node, of: polls, atSeconds: 1 }`)[0]).to.contain(
      "of flood only",
    );
    expect(findings(`${head}  - { kind: kill, target: node, server: nats, atSeconds: 1 }`)[0]).to.contain(
      "Remove",
    );
  });

  it("may say what those that come with novact say", () => {
    for (const [name, scenario] of Object.entries(scenarios)) {
      expect(findings(JSON.stringify(scenario)), name).to.deep.equal([]);
      for (const fault of scenario.faults) expect(contradictions(fault), name).to.deep.equal([]);
    }
  });
});
