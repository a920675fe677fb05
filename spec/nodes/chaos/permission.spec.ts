/** Chaos refuses a cluster that does not allow it, before it looks whether the cluster runs. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parseConfig } from "../../../nodes/config/config.ts";
import { ConfigError } from "../../../nodes/config/errors.ts";

const main = join(import.meta.dirname, "../../../nodes/chaos/main.ts");

describe("the permission for chaos", function () {
  this.timeout(30_000);
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-permission-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const perform = (yaml: string, task: object) => {
    const config = join(directory, "cluster.yaml");
    writeFileSync(config, yaml);
    const argument = JSON.stringify({ json: false, config, ...task });
    return spawnSync(process.execPath, [main, argument], { encoding: "utf8", cwd: directory });
  };

  it("is not there by default, and everything that breaks something is refused without it", () => {
    const tasks = [
      { task: "run", scenario: "mixed" },
      { task: "inject", kind: "kill", target: "nats" },
      { task: "heal" },
    ];
    for (const task of tasks) {
      const { status, stderr } = perform("stateDirectory: state\n", task);
      expect(status, stderr).to.equal(8);
      expect(stderr).to.contain("does not allow").and.to.contain("chaos: { allowed: true }");
    }
    expect(readdirSync(directory)).to.deep.equal(["cluster.yaml"]);
  });

  it("is not needed for looking what there is", () => {
    const { status, stdout } = perform("stateDirectory: state\n", { task: "list" });
    expect(status).to.equal(0);
    expect(stdout).to.contain("mixed").and.to.contain("blackHole").and.to.contain("does not allow it");
  });

  it("does not make what is not there: a scenario, a fault, a process", () => {
    const allowed = "stateDirectory: state\nchaos: { allowed: true }\n";
    const scenario = perform(allowed, { task: "run", scenario: "none-such" });
    expect([scenario.status, scenario.stderr]).to.deep.equal([
      2,
      "error: none-such is neither a file nor a scenario. There are: mixed, host-kill, nats-wipe, " +
        "pause-below-lease, partitions, full-disk, floods, calm.\n",
    ]);
    const fault = perform(allowed, { task: "inject", kind: "burn", target: "nats" });
    expect([fault.status, fault.stderr]).to.satisfy(
      ([status, text]: [number, string]) => status === 2 && text.includes("There is no fault burn."),
    );
    const gone = perform(allowed, { task: "inject", kind: "kill", target: "nats" });
    expect([gone.status, gone.stderr]).to.deep.equal([2, "error: nats does not run at the moment.\n"]);
    const noProxy = perform(allowed, { task: "inject", kind: "cut", target: "node-1" });
    expect(noProxy.stderr).to.contain("No proxy stands between the parties");
  });

  it("is asked for before guests are put into memory", () => {
    expect(() => parseConfig("chaos: { nodeFileSystemMib: 64 }", "/tmp/cluster.yaml")).to.throw(
      ConfigError,
      "chaos.nodeFileSystemMib",
    );
  });
});
