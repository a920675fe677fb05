/** Sound plug-ins: the places where novact finds them, the copy of novact that each gets, and their parts. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { loadConfig } from "../../../nodes/config/config.ts";
import * as ours from "../../../nodes/plugins/index.ts";
import { loadCluster } from "../../../nodes/plugins/load.ts";
import { root } from "../../tidy/source-tree.ts";
import { PluginDirectory, pluginSource } from "./plugin-directory.ts";

const cooling = pluginSource(`
  options: Type.Object({ degreesMax: Type.Integer({ default: 70, description: "how hot a host may be" }) }),
  parts: ({ degreesMax }) => ({
    filters: [{ name: "acme.cool", effort: efforts.waiting, check: () => (degreesMax > 0 ? true : refusal) }],
    weighers: [{ name: "acme.cooler", novaName: "acme_cooler", multiplier: degreesMax, weigh: () => 0.5 }],
    hypervisors: { xen: { options: Type.Object({ cpuMax: Type.Integer() }), open: () => ({}) } },
  })`);

/** The filters of every list. */
const always = ["configDrive", "localDisks", "networked", "shape", "volumes"];

describe("a plug-in", () => {
  let directory: PluginDirectory;

  beforeEach(() => {
    directory = new PluginDirectory();
  });

  afterEach(() => directory.remove());

  const load = async (plugins: string) => {
    directory.configure(plugins);
    return loadCluster(directory.file);
  };

  it("is found from the directory of cluster.yaml, and its parts are used unless the file says otherwise", async () => {
    directory.install("acme-cooling", cooling);
    const { config, plugins } = await load("plugins: [acme-cooling]");
    expect(plugins.loaded.map(({ name, version }) => [name, version])).to.deep.equal([["acme", "1.2.3"]]);
    expect(config.scheduler.filters.at(-1)).to.equal("acme.cool");
    expect(config.scheduler.filters).to.include("numa");
    expect(config.scheduler.weighers).to.include({ "acme.cooler": 70, freeRam: 1 });
    expect(Object.keys(plugins.parts.hypervisors)).to.deep.equal(["xen"]);
  });

  it("brings drivers that a node can choose, with options that its schema checks", async () => {
    directory.install("acme-cooling", cooling);
    const choose = (driver: string) => {
      directory.write(
        "cluster.yaml",
        `plugins: [acme-cooling]\nnodes:\n  - { name: a, hypervisor: ${driver} }`,
      );
      return loadCluster(directory.file);
    };
    const { config } = await choose("{ driver: xen, options: { cpuMax: 4 } }");
    expect(config.nodes[0]?.drivers.hypervisor).to.deep.equal({ driver: "xen", options: { cpuMax: 4 } });
    const refused = (driver: string) => choose(driver).catch((thrown: unknown) => String(thrown));
    expect(await refused("{ driver: xen, options: { cpuMax: four } }")).to.contain(
      "cluster.yaml:3: nodes.0.hypervisor.options.cpuMax must be a whole number",
    );
    expect(await refused("xeno")).to.contain("must be one of: qemu, fake, xen");
  });

  it("brings sinks of events, which are checked as ours are", async () => {
    directory.install(
      "queue",
      pluginSource(
        `parts: () => ({ sinks: { queue: { options: Type.Object({ topic: Type.String() }), open: () => ({}) } } })`,
      ),
    );
    const choose = (sinks: string) => load(`plugins: [queue]\nsinks:\n${sinks}`);
    const { config } = await choose(
      "  - { driver: queue, options: { topic: a } }\n  - { driver: file, options: { path: f } }",
    );
    expect(config.sinks).to.deep.equal([
      { name: "queue", driver: "queue", options: { topic: "a" }, line: 3 },
      { name: "file", driver: "file", options: { path: "f", sizeMaxMib: 64, keep: 4 }, line: 4 },
    ]);
    const refused = (sinks: string) => choose(sinks).catch((thrown: unknown) => String(thrown));
    expect(await refused("  - { driver: queues }")).to.contain(
      'cluster.yaml:3: sinks.0.driver must be one of: file, webhook, queue. Found: "queues". Did you mean queue?',
    );
    expect(await refused("  - { driver: queue, options: { topik: a } }")).to.contain("Did you mean topic?");
    const twice = "  - { driver: queue, options: { topic: a } }\n";
    expect(await refused(twice + twice)).to.contain(
      "cluster.yaml:4: sinks.1 is a second sink queue. Give each a name of its own: name: NAME.",
    );
    expect(await refused("  - { driver: webhook, options: { url: 'http://example.org/' } }")).to.contain(
      "https://…",
    );
  });

  it("gets its options, with its own defaults, and its parts can be chosen by name", async () => {
    directory.install("acme-cooling", cooling);
    const chosen = "scheduler: { filters: [enabled, acme.cool], weighers: { acme.cooler: -3 } }";
    const { config } = await load(
      `plugins: [{ package: acme-cooling, options: { degreesMax: 5 } }]\n${chosen}`,
    );
    expect(config.scheduler.filters).to.deep.equal(["enabled", "acme.cool", ...always]);
    expect(config.scheduler.weighers["acme.cooler"]).to.equal(-3);
    expect(config.plugins).to.deep.equal([{ package: "acme-cooling", options: { degreesMax: 5 } }]);
  });

  it("may be a file beside cluster.yaml, whose version is a digest of the file", async () => {
    directory.write("rules/cool.js", cooling);
    directory.write("package.json", JSON.stringify({ type: "module", version: "9.9.9" }));
    const { plugins } = await load("plugins: [./rules/cool.js]");
    expect(plugins.loaded[0]?.version).to.match(/^sha256-[0-9a-f]{12}$/);
  });

  it("may have entries for imports alone, or be CommonJS", async () => {
    directory.install("esm", cooling, { exports: { ".": { import: "./index.js" } } });
    directory.install(
      "common",
      `module.exports = require("novact/plugin").definePlugin({ name: "old", api: { from: 1, to: 9 }, parts: () => ({}) });`,
      { type: "commonjs" },
    );
    const { plugins } = await load("plugins: [esm, common]");
    expect(plugins.loaded.map(({ name }) => name)).to.deep.equal(["acme", "old"]);
  });

  it("gets the novact that runs, though another copy lies beside it", async () => {
    directory.install("novact", "export const definePlugin = () => { throw new Error('the other'); };", {
      exports: { "./plugin": "./index.js" },
    });
    directory.install(
      "acme",
      `import * as novact from "novact/plugin"; globalThis.pluginsNovact = novact;\n${pluginSource("")}`,
    );
    await load("plugins: [acme]");
    expect((globalThis as { pluginsNovact?: object }).pluginsNovact).to.equal(ours);
  });

  it("is known by what it is: one that was made by another copy of definePlugin is as good", async () => {
    directory.install("acme", "export default { name: 'acme', api: 1, parts: () => ({ filters: [] }) };");
    expect((await load("plugins: [acme]")).plugins.loaded).to.have.length(1);
  });

  it("is not loaded by readers that need nothing of it: its names are believed", () => {
    directory.install("acme", "throw new Error('it was loaded');");
    directory.configure("plugins: [acme]\nscheduler: { filters: [acme.cool], weighers: { acme.w: 1 } }");
    expect(loadConfig(directory.file).scheduler.filters).to.deep.equal(["acme.cool", ...always]);
    directory.write(
      "cluster.yaml",
      "plugins: [acme]\nnodes: [{ name: a, hypervisor: xen, disks: { driver: lvm } }]",
    );
    expect(loadConfig(directory.file).nodes[0]?.drivers).to.deep.include({
      hypervisor: { driver: "xen", options: {} },
      disks: { driver: "lvm", options: {} },
    });
    directory.configure("plugins: [acme]\nscheduler: { filters: [enabeld] }");
    expect(() => loadConfig(directory.file)).to.throw(/Did you mean enabled\?/);
  });

  it("may say undefined for what a filter or weigher has not", async () => {
    const filter = `{ name: "acme.cool", effort: 1, check: undefined, prepare: () => undefined }`;
    const weigher = `{ name: "acme.low", novaName: "low", multiplier: 1, amount: undefined, weigh: () => 0 }`;
    directory.install(
      "acme",
      pluginSource(`parts: () => ({ filters: [${filter}], weighers: [${weigher}] })`),
    );
    directory.configure("plugins: [acme]");
    const { parts } = (await loadCluster(directory.file)).plugins;
    expect(parts.filters[0]).to.have.all.keys("name", "effort", "prepare");
    expect(parts.weighers[0]).to.have.all.keys("name", "novaName", "multiplier", "weigh");
  });

  it("counts a filter that is named twice in the choice once", async () => {
    directory.install("acme", pluginSource(""));
    directory.configure("plugins: [acme]\nscheduler: { filters: [enabled, enabled] }");
    expect((await loadCluster(directory.file)).config.scheduler.filters).to.deep.equal([
      "enabled",
      ...always,
    ]);
  });

  it("that is broken keeps a process of the cluster down with one line, and harms no command", () => {
    directory.install("acme", "throw new Error('no licence');");
    directory.configure("plugins: [acme]");
    const run = (...words: string[]) =>
      spawnSync(process.execPath, words, {
        cwd: root,
        encoding: "utf8",
        env: { ...process.env, NO_COLOR: "1" },
      });
    const config = ["--config", directory.file];
    for (const role of [["controller"], ["compute", "--name=a"], ["up"]]) {
      const { status, stderr } = run(join(root, "nodes/main.ts"), ...role, ...config);
      expect(stderr.trim().split("\n"), role[0]).to.deep.equal([
        `${directory.file}:1: plugins.0 (acme): it has thrown while it was loaded: no licence. Ask its author.`,
      ]);
      expect(status, role[0]).to.equal(2);
    }
    const version = run(join(root, "nodes/novact.mjs"), "version", "--client", ...config);
    expect([version.status, version.stderr]).to.deep.equal([0, ""]);
  });
});
