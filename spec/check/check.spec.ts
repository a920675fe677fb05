/**
 * novact plugin check, as its author calls it: every skeleton passes, and every way to be wrong that can be
 * seen by trying is found and named. Ctrl-C leaves no guest behind.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import type { SkeletonKind } from "../../nodes/cli/skeletons/make.ts";
import { buildSkeletons, nameOfSkeleton } from "../support/built-skeletons.ts";
import { runIn } from "../support/follow-guide.ts";
import { compileIn, Outside } from "../support/outside-package.ts";
import { root } from "../tidy/source-tree.ts";

const novact = join(root, "nodes/novact.mjs");

interface Report {
  readonly name: string;
  readonly version: string;
  readonly checks: readonly { part: string; check: string; result: string; detail: string }[];
}

describe("novact plugin check", function () {
  this.timeout(180_000);
  let outside: Outside;
  /** With a package of every kind, which no test changes. */
  const made = new Outside();
  const built = (kind: SkeletonKind): string => join(made.path, nameOfSkeleton(kind));
  before(() => buildSkeletons(made));
  after(() => made.remove());
  beforeEach(() => {
    outside = new Outside();
  });
  afterEach(() => outside.remove());

  const check = (directory: string, ...words: readonly string[]) =>
    runIn(directory, process.execPath, [novact, "plugin", "check", ...words]);

  /** What it says with --json, and how it ends. Progress is on its own lines before it. */
  async function report(directory: string, ...words: readonly string[]) {
    const { code, text } = await check(directory, "--json", ...words);
    const line = text.split("\n").find((one) => one.startsWith("{"));
    if (line === undefined) throw new Error(text);
    return { code, ...(JSON.parse(line) as Report) };
  }

  /** Makes a package of one file. `parts`: the plug-in's, as source. */
  function packageOf(
    parts: string,
    more: Readonly<Record<string, string>> = {},
    manifest: object = {},
  ): string {
    const directory = join(outside.path, "acme");
    const about = { name: "novact-acme", version: "3.2.1", type: "module", exports: "./index.js" };
    const files = {
      "package.json": JSON.stringify({ ...about, ...manifest }),
      "index.js": `export default { name: "acme", api: 1, parts: () => (${parts}) };`,
      ...more,
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return outside.install("acme");
  }

  const filterOf = (check: string) =>
    packageOf(`{ filters: [{ name: "acme.mine", effort: 1, check: ${check} }] }`);
  const weigherOf = (weigh: string) =>
    packageOf(`{ weighers: [{ name: "acme.mine", novaName: "m", multiplier: 1, weigh: ${weigh} }] }`);

  it("has every skeleton pass its own tests", async () => {
    const mocha = "node_modules/mocha/bin/mocha.js";
    const { code, text } = await runIn(made.path, process.execPath, [mocha, "my-*/spec/**/*.spec.ts"]);
    expect(code, text).to.equal(0);
    expect(Number(/ (\d+) passing/.exec(text)?.[1])).to.be.above(50);
  });

  /** Of the kinds that have something to try beside loading; filter and hypervisor have tests below. */
  const tried: Readonly<Record<Exclude<SkeletonKind, "filter" | "hypervisor">, readonly string[]>> = {
    weigher: ["weigher my-weigher.emptier purity", "filters and weighers simulation"],
    disks: ["disks.my-disks contract", "keepers.disk contract"],
    volumes: ["volumes.my-volumes contract"],
    network: ["networks.my-network contract"],
    sink: ["sinks.my-sink contract"],
    power: ["power.my-power contract"],
    resource: ["noun my-resource-reminder loads"],
    action: ["noun my-action-care loads"],
  };
  for (const [kind, parts] of Object.entries(tried))
    it(`passes the skeleton of a ${kind}, and tries all of it`, async () => {
      const { code, checks } = await report(built(kind as SkeletonKind));
      const passed = checks.filter(({ result }) => result === "passed");
      expect(passed.map(({ part, check: of }) => `${part} ${of}`)).to.deep.equal(parts);
      const others = checks.filter(({ result }) => result !== "passed");
      expect(others.filter(({ part }) => part !== "filters and weighers")).to.deep.equal([]);
      expect(code).to.equal(0);
    });

  it("passes a filter and a weigher, whose guests have started in ten simulated minutes", async () => {
    const { code, name, version, checks } = await report(built("filter"), "--label", "ready=best");
    expect({ code, name, version }).to.deep.equal({ code: 0, name: "my-filter", version: "0.1.0" });
    expect(checks.map(({ check: of, result }) => `${of} ${result}`)).to.deep.equal([
      ...["purity passed", "purity passed", "simulation passed"],
    ]);
    expect(checks.at(-1)?.detail).to.match(/^1\d\.\d minutes, [1-9]\d* starts of guests/);
  });

  it("says that nothing was tried where no host passes", async () => {
    const { code, checks } = await report(built("filter"));
    expect(code).to.equal(0);
    expect(checks.at(-1)).to.include({ check: "simulation", result: "notRun" });
    expect(checks.at(-1)?.detail).to.contain("--label NAME=VALUE");
  });

  it("passes a driver, all of whose contracts it runs", async () => {
    const { code, checks } = await report(built("hypervisor"));
    expect(code).to.equal(0);
    const contracts = checks.filter((one) => one.check === "contract");
    expect(contracts.map(({ part, result }) => `${part} ${result}`)).to.deep.equal([
      ...["hypervisors.my-hypervisor passed", "keepers.process passed"],
    ]);
    expect(contracts[0]?.detail).to.match(/^2[0-9] promises kept$/);
    const simulated = checks.find(
      ({ part, check: of }) => part === "hypervisors.my-hypervisor" && of === "simulation",
    );
    expect(simulated?.result, simulated?.detail).to.equal("passed");
    expect(simulated?.detail).to.match(/^1\d\.\d minutes, [1-9]\d* starts of guests/);
  });

  it("finds in simulated time what no contract shows: a driver that believes it has a guest", async () => {
    const driver = `{ options: { type: "object" }, open: () => undefined }`;
    const fake = `(computer) => {
      const none = async () => undefined;
      return {
        capabilities: async () => ({ kind: "mine", accelerator: "none", acceleratorReason: "", version: "1",
          networks: [], volumes: [], hotPlug: false, liveMigration: false, console: false, save: false }),
        start: (spec, _paths, signal) => computer.begin(spec, signal),
        list: async () => computer.guests(),
        inspect: async (id) => computer.guests().find((one) => one.instanceId === id),
        pause: none, resume: none, pressPowerButton: none, reset: none, halt: none, detach: none,
        onEvent: () => undefined,
      };
    }`;
    const { code, checks } = await report(
      packageOf(
        `{ hypervisors: { mine: ${driver} } }`,
        { "worlds.js": `export default { simulated: { hypervisors: { mine: ${fake} } } };` },
        { novact: { check: "./worlds.js" } },
      ),
    );
    expect(code).to.equal(10);
    expect(checks.at(-1)).to.include({ part: "hypervisors.mine", check: "simulation", result: "failed" });
    expect(checks.at(-1)?.detail).to.match(/\(I\d+, seed "plug-in \d+"\)$/);
  });

  it("says in a table what was tried, within 100 columns", async () => {
    const { code, text } = await check(built("resource"));
    expect(code, text).to.equal(0);
    expect(text)
      .to.contain("my-resource 0.1.0")
      .and.to.match(/noun my-resource-reminder +loads +passed/);
    for (const line of text.split("\n")) expect(line.length, line).to.be.at.most(100);
  });

  it("tells what a plug-in adds to the API, and writes it where its author wants it", async () => {
    const docs = (...words: readonly string[]) =>
      runIn(built("resource"), process.execPath, [novact, "plugin", "docs", ...words]);
    const { code, text } = await docs();
    expect(code, text).to.equal(0);
    for (const words of [
      "### my-resource-reminder (version 1.0.0)",
      "#### my-resource-reminder.reword",
      "`novact.v1.<cell>.cmd.<project>.my-resource-reminder.<id>.reword`",
      "| `reminder` | [Reminder](#reminder) |  |",
      "| `words` | text, 1 to 1000 characters |  |",
      "| `my-resource.reminders` | 100 | of a project, unless its quota says otherwise |",
    ])
      expect(text).to.contain(words);
    const file = join(outside.path, "README.md");
    writeFileSync(file, "# Mine\n");
    const refused = await docs("--into", file);
    expect([refused.code, readFileSync(file, "utf8")]).to.deep.equal([2, "# Mine\n"]);
    expect(refused.text).to.contain("next: Give a file that has the lines <!-- plug-in api -->");
    const own = "# Mine\n<!-- plug-in api -->\nold\n<!-- /plug-in api -->\nend\n";
    writeFileSync(file, own);
    expect((await docs("--into", file)).code).to.equal(0);
    const written = readFileSync(file, "utf8");
    expect(written.startsWith("# Mine\n<!-- plug-in api -->\n### my-resource-reminder")).to.equal(true);
    expect(written.endsWith("\n<!-- /plug-in api -->\nend\n")).to.equal(true);
    const none = await runIn(built("weigher"), process.execPath, [novact, "plugin", "docs"]);
    expect([none.code, none.text.includes("adds nothing to the API")]).to.deep.equal([2, true]);
  });

  it("passes an extension of the API that is built with declarations, and says each noun once", async () => {
    const directory = join(outside.path, "maintenance");
    cpSync(join(root, "spec/examples/maintenance"), directory, { recursive: true });
    outside.install("maintenance");
    expect(await compileIn(directory)).to.deep.equal({ code: 0, text: "" });
    const { code, checks } = await report(directory);
    expect(code).to.equal(0);
    expect(checks.map(({ part, check }) => `${part} ${check}`)).to.deep.equal([
      ...["noun maintenance-window loads", "noun maintenance loads"],
      ...["filter maintenance.notInWindow purity", "filters and weighers simulation"],
    ]);
    expect(checks.map(({ result }) => result)).to.deep.equal(Array(4).fill("passed"));
  });

  it("finds the driver that breaks a promise, names it, and ends with 10", async () => {
    const directory = join(outside.path, "broken");
    cpSync(built("hypervisor"), directory, { recursive: true, filter: (path) => !path.endsWith("build") });
    cpSync(join(made.path, "built", nameOfSkeleton("hypervisor")), join(directory, "build"), {
      recursive: true,
    });
    outside.install("broken");
    const file = join(directory, "build/src/hypervisor.js");
    const source = readFileSync(file, "utf8");
    const broken = source.replace("await this.#processes.pause(guest);", "");
    expect(broken).not.to.equal(source);
    writeFileSync(file, broken);
    const { code, checks } = await report(directory);
    expect(code).to.equal(10);
    expect(checks.find(({ result }) => result === "failed")).to.include({
      part: "hypervisors.my-hypervisor",
    });
    expect(checks.find(({ result }) => result === "failed")?.detail).to.contain("pauses and resumes");
  });

  it("says which driver has no world, and how to bring one", async () => {
    const driver = `{ options: { type: "object" }, open: () => undefined }`;
    const { code, checks } = await report(packageOf(`{ hypervisors: { mine: ${driver} } }`));
    expect(code).to.equal(0);
    expect(checks[0]).to.include({ part: "hypervisors.mine", check: "contract", result: "notRun" });
    expect(checks[0]?.detail).to.contain(`"novact": { "check": FILE }`);
    expect(checks.at(-1)).to.include({ part: "hypervisors.mine", check: "simulation", result: "notRun" });
    expect(checks.at(-1)?.detail).to.contain("simulated.hypervisors.mine");
  });

  const refusing = (fields: string) => `() => () => (${fields})`;
  const impure: Readonly<Record<string, readonly [() => string, RegExp]>> = {
    "a filter that changes the host": [
      () => filterOf("(host) => { host.labels.seen = 1; return true; }"),
      /it throws/,
    ],
    "a filter that throws": [() => filterOf("(host) => host.nothing.there"), /it throws/],
    "a filter that counts": [
      () => filterOf("((n) => () => n++ % 2 === 0 || (() => ({ reason: 'x', remedy: 'y' })))(0)"),
      /two ways/,
    ],
    "a filter that asks for the time": [() => filterOf("() => Date.now() > 0"), /the clock/],
    "a weigher that asks for chance": [() => weigherOf("() => Math.random()"), /chance/],
    "a weigher that exaggerates": [() => weigherOf("() => 2"), /not between -1 and 1/],
    "a filter that answers neither": [() => filterOf("() => false"), /not true or a function/],
    "a filter without a remedy": [() => filterOf(refusing(`{ reason: "it is hot" }`)), /no remedy/],
    "a filter with a full stop": [
      () => filterOf(refusing(`{ reason: "It is hot.", remedy: "x" }`)),
      /full stop/,
    ],
  };
  for (const [what, [make, words]] of Object.entries(impure))
    it(`finds ${what}`, async () => {
      const { code, checks } = await report(make());
      expect(code).to.equal(10);
      expect(checks[0]).to.include({ check: "purity", result: "failed" });
      expect(checks[0]?.detail).to.match(words);
    });

  it("finds in the simulation what no question alone shows: a weigher that fails there", async () => {
    const { code, checks } = await report(
      weigherOf("(host) => { if (host.name.startsWith('node-')) throw new Error('too long'); return 0; }"),
    );
    expect(code).to.equal(10);
    expect(checks.map(({ check: of, result }) => `${of} ${result}`)).to.deep.equal([
      ...["purity passed", "simulation failed"],
    ]);
    expect(checks.at(-1)?.detail).to.contain("acme.mine");
  });

  const unloadable: Readonly<Record<string, readonly [() => string, RegExp]>> = {
    "a package that is not built": [
      () => packageOf("{}", {}, { exports: "./build/plugin.js" }),
      /Build it: npm run build/,
    ],
    "parts of no kind": [() => packageOf("{ filtres: [] }"), /Did you mean filters/],
    "a directory without a package": [() => join(outside.path), /There is no package/],
    "a world that is not there": [
      () => packageOf("{}", {}, { novact: { check: "./none.js" } }),
      /which is not there/,
    ],
  };
  for (const [what, [make, words]] of Object.entries(unloadable))
    it(`refuses ${what} with what to do`, async () => {
      const { code, text } = await check(make());
      expect(code, text).to.equal(2);
      expect(text)
        .to.match(words)
        .and.to.match(/\nnext: .+\n/);
    });

  it("finds a package by its name, and gives it its options", async () => {
    const source = `export default { name: "acme", api: 1,
      options: { type: "object", required: ["most"], properties: { most: { type: "number" } } },
      parts: ({ most }) => { if (most !== 2) throw new Error("not what was given"); return {}; } };`;
    const package_ = { "index.js": source };
    packageOf(
      "{}",
      Object.fromEntries(
        Object.entries(package_).map(([name, text]) => [`../node_modules/novact-acme/${name}`, text]),
      ),
    );
    rmSync(join(outside.path, "acme"), { recursive: true });
    const about = { name: "novact-acme", version: "3.2.1", type: "module", exports: "./index.js" };
    writeFileSync(join(outside.path, "node_modules/novact-acme/package.json"), JSON.stringify(about));
    expect((await check(outside.path, "novact-acme")).code).to.equal(2);
    const { code, version } = await report(outside.path, "novact-acme", "--options", '{"most":2}');
    expect({ code, version }).to.deep.equal({ code: 0, version: "3.2.1" });
  });

  it("ends by Ctrl-C with 130, and leaves neither a guest nor a directory", async () => {
    const directory = built("hypervisor");
    const temporary = join(outside.path, "tmp");
    mkdirSync(temporary);
    const child = spawn(process.execPath, [novact, "plugin", "check"], {
      cwd: directory,
      env: { ...process.env, TMPDIR: temporary },
      stdio: ["ignore", "ignore", "pipe"],
    });
    await new Promise<void>((resolve) => {
      child.stderr.on("data", () => {
        // A host of the contract has its directory: its guests are next.
        if (readdirSync(temporary).length > 0) resolve();
      });
      const look = setInterval(() => {
        if (readdirSync(temporary).length === 0) return;
        clearInterval(look);
        resolve();
      }, 5);
      child.once("close", () => clearInterval(look));
    });
    child.kill("SIGINT");
    const [code] = await new Promise<[number | null]>((resolve) =>
      child.once("close", (ended) => resolve([ended])),
    );
    expect(code).to.equal(130);
    expect(readdirSync(temporary)).to.deep.equal([]);
    const guests = readdirSync("/proc").filter(
      (pid) => /^\d+$/.test(pid) && commandOf(pid).includes(temporary),
    );
    expect(guests).to.deep.equal([]);
  });
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    // It has ended meanwhile.
    return "";
  }
}
