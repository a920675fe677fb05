/** What `npm test` learns of a run of mocha: counts, reasons, times, and what outlived the tests. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { root } from "../tidy/source-tree.ts";
import type { Summary } from "./summary-reporter.ts";
import { peersOf } from "./survivors.ts";

const mocha = join(root, "node_modules/mocha/bin/mocha.js");
const reporter = join(root, "spec/support/summary-reporter.ts");

describe("the reporter of npm test", function () {
  this.timeout(60_000);
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-reporter-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Runs a spec of this text; answers its summary, output and exit code. */
  function report(text: string, ...words: readonly string[]) {
    const [spec, file] = [join(directory, "one.spec.mjs"), join(directory, "summary.json")];
    writeFileSync(spec, text);
    const options = [`summary=${file}`, ...words].flatMap((each) => ["--reporter-option", each]);
    const argv = [mocha, "--no-config", "--reporter", reporter, ...options, spec];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
      encoding: "utf8",
      cwd: directory,
      timeout: 50_000,
    });
    const summary = JSON.parse(readFileSync(file, "utf8")) as Summary;
    return { status, output: `${stdout}${stderr}`, summary };
  }

  it("counts, and gives the first line of each failure", () => {
    const { status, summary } = report(
      'describe("a", () => { it("b", () => {}); it("c", () => { throw new Error("wrong\\nmore"); }); });',
    );
    expect(status).to.equal(1);
    expect(summary).to.deep.equal({
      ...{ passed: 1, failed: 1, skipped: [], survivors: [], passedOf: { "one.spec.mjs": 1 } },
      failures: [{ title: "a c", reason: "wrong", file: "one.spec.mjs" }],
    });
  });

  it("gives the reasons of skips as they stand on tests and suites, whoever has put them there", () => {
    const skip = (where: string) => `Object.assign(${where}, { skipReason: "no crun" }); this.skip();`;
    const { status, summary } = report(`
      describe("whole", () => {
        before(function () { ${skip("this.runnable().parent")} });
        it("a", () => {});
        describe("inner", () => { it("b", () => {}); });
      });
      describe("single", () => {
        it("c", function () { ${skip("this.runnable()")} });
        it("d");
      });`);
    expect(status).to.equal(0);
    expect(summary.skipped).to.deep.equal([
      { title: "whole a", reason: "no crun" },
      { title: "whole inner b", reason: "no crun" },
      { title: "single c", reason: "no crun" },
      { title: "single d", reason: "it says no reason" },
    ]);
  });

  it("prints the slowest files with their hooks, and the slowest tests", () => {
    const { output } = report(
      `const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      describe("a", () => { before(() => wait(300)); it("slow", () => wait(200)); it("quick", () => {}); });`,
      "slowest=1",
    );
    expect(output).to.match(
      /1 files with their hooks, 0\.[5-9] s; the slowest:\n +0\.[5-9] s {2}one\.spec\.mjs/,
    );
    expect(output).to.match(/2 tests; the slowest:\n +0\.[2-4] s {2}a slow\n/);
    expect(output).not.to.contain("s  a quick");
  });

  it("ends a run that something outlives, and tells what it was", () => {
    const text = 'it("a", () => { setInterval(() => {}, 1_000); });';
    const { status, summary, output } = report(text, "patienceMs=200");
    expect(status, "as mocha ends a run without failures").to.equal(0);
    expect(summary).to.deep.include({ passed: 1, failed: 0 });
    expect(summary.survivors).to.include("Timeout");
    expect(output).to.match(/1 things outlived the tests:\n +Timeout/);
  });

  it("tells who holds the other end of a pipe: what a child has left behind, by its name alone", () => {
    const text = `import { spawn } from "node:child_process";
      it("a", async () => {
        const script = "sleep 604800 & echo $!";
        const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
        const pid = await new Promise((resolve) => child.stdout.once("data", (text) => resolve(Number(text))));
        setTimeout(() => process.kill(pid), 20_000).unref();
        process.on("exit", () => process.kill(pid));
      });`;
    const { summary, output } = report(text, "patienceMs=1000");
    expect(summary.survivors).to.have.length(1);
    const [survivor = ""] = summary.survivors;
    if (spawnSync("ss", ["-V"]).error === undefined)
      expect(survivor).to.match(/^Pipe \d+ socket:\[\d+\], other end socket:\[\d+\] held by sleep \(\d+\)$/);
    else expect(survivor).to.match(/^Pipe \d+ socket:\[\d+\], other end .* held by nobody known$/);
    expect(output).not.to.include("604800");
  });

  it("reads from ss which socket is at the other end", () => {
    const text = [
      "u_str ESTAB  0      0                 * 6159985            * 6159986",
      "u_str ESTAB  0      0      /run/socket 21                   * 20   ",
      "u_str LISTEN 0      4096   /run/socket 19                   * 0    ",
    ].join("\n");
    expect([...peersOf(text)]).to.deep.equal([
      ["socket:[6159985]", "socket:[6159986]"],
      ["socket:[21]", "socket:[20]"],
    ]);
  });

  it("is not in the way of a run that ends", () => {
    // The patience is longer than the time that the run has here.
    const { status, summary } = report('it("a", () => {});');
    expect([status, summary.survivors]).to.deep.equal([0, []]);
  });
});
