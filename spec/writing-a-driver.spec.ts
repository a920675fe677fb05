/**
 * Follows nodes/drivers/writing-a-driver.md in an empty directory, to the letter: its commands are run, the
 * files that it shows are those that are there, and the driver passes its contract and is loaded by a
 * cluster.yaml. `NOVACT_WRITE_DOCS=1 npx mocha …` writes what it shows anew.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { createDrivers } from "../nodes/drivers/index.ts";
import { registryWith } from "../nodes/drivers/registry.ts";
import { loadCluster } from "../nodes/plugins/load.ts";
import { systemClock, systemIds } from "../nodes/process/clock.ts";
import { machineSpec, silentLog } from "./support/driver-world.ts";
import { type Ran, runIn } from "./support/follow-guide.ts";
import { compileIn, Outside, testIn } from "./support/outside-package.ts";
import { root } from "./tidy/source-tree.ts";

const guide = join(root, "nodes/drivers/writing-a-driver.md");
const block = /^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm;
const never = new AbortController().signal;

describe("nodes/drivers/writing-a-driver.md", function () {
  this.timeout(120_000);
  const outside = new Outside();
  const made = join(outside.path, "toy");
  /** What each command wrote. */
  const ran = new Map<string, Ran>();
  after(() => outside.remove());

  /** The commands of the guide; those that need the registry are done by links. */
  async function follow(line: string): Promise<void> {
    if (line === "cd toy") return;
    if (line === "npm install") outside.install("toy");
    else if (line === "npm test") ran.set(line, await testIn(made));
    else if (line === "npm run build") ran.set(line, await compileIn(made));
    else if (line.startsWith("npx novact ")) {
      const words = line.split(" ").slice(2);
      ran.set(line, await runIn(outside.path, process.execPath, [join(root, "nodes/novact.mjs"), ...words]));
    } else throw new Error(`The spec cannot follow: ${line}`);
  }

  before(async () => {
    for (const [, kind, , text = ""] of readFileSync(guide, "utf8").matchAll(block))
      if (kind === "sh") for (const line of text.trim().split("\n")) await follow(line);
    if (process.env.NOVACT_WRITE_DOCS !== "1") return;
    const shown = readFileSync(guide, "utf8").replace(block, (all, kind, path) =>
      kind === "ts" ? `\`\`\`ts ${path}\n${readFileSync(join(outside.path, path), "utf8")}\`\`\`` : all,
    );
    writeFileSync(guide, shown);
  });

  it("shows every source that the command makes, as it makes it", () => {
    const blocks = [...readFileSync(guide, "utf8").matchAll(block)].filter(([, kind]) => kind === "ts");
    const shown = Object.fromEntries(blocks.map(([, , path = "", text]) => [path, text]));
    const sources = ["src", "spec"].flatMap((folder) =>
      readdirSync(join(made, folder)).map((name) => `toy/${folder}/${name}`),
    );
    const there = sources.map((path) => [path, readFileSync(join(outside.path, path), "utf8")]);
    expect(shown).to.deep.equal(Object.fromEntries(there));
  });

  it("makes a driver that compiles and passes its contracts", () => {
    expect(ran.get("npm run build")).to.deep.equal({ code: 0, text: "" });
    const { code, text = "" } = ran.get("npm test") ?? {};
    expect(code, text).to.equal(0);
    expect(text).to.contain("toy keeps the hypervisor port's promises");
    expect(text).to.contain("the keeper of each process keeps the keeper port's promises");
  });

  it("gives a cluster a node with it, on which a guest starts, and is found by the audit", async () => {
    const [yaml] = [...readFileSync(guide, "utf8").matchAll(block)].filter(([, kind]) => kind === "yaml");
    const [, , path = "", text = ""] = yaml ?? [];
    const home = join(outside.path, "home");
    mkdirSync(join(home, "node_modules"), { recursive: true });
    symlinkSync(made, join(home, "node_modules/novact-toy"));
    writeFileSync(join(home, path), `${text}stateDirectory: state\n`);
    const { config, plugins } = await loadCluster(join(home, path));
    const [node] = config.nodes;
    if (node === undefined) throw new Error("The cluster of the guide has no node.");
    expect(node.drivers.hypervisor.driver).to.equal("toy");
    expect(node.drivers.disks.driver).to.equal("files");
    const drivers = createDrivers(
      node.drivers,
      {
        ...{ hostId: "h1", hostName: node.name, stateDirectory: join(home, "state") },
        ...{ computerDirectory: join(home, "computer"), imageStore: join(home, "images") },
        ...{ clock: systemClock, ids: systemIds(0), log: silentLog },
      },
      registryWith(plugins.parts),
    );
    const spec = machineSpec();
    const paths = await drivers.disks.ensure(spec, never);
    try {
      const { pid } = await drivers.hypervisor.start(spec, paths, never);
      const { processes } = await drivers.audit();
      expect(processes).to.deep.equal([{ instanceId: spec.instanceId, pid, status: "running" }]);
      expect((await drivers.consoles.read(spec.instanceId, {}))?.text).to.equal("READY\n");
    } finally {
      await drivers.hypervisor.halt(spec.instanceId, never);
    }
    expect((await drivers.audit()).processes).to.deep.equal([]);
  });
});
