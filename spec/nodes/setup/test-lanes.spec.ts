/** The lanes of `npm test`: each spec has one, what may run beside what, and how its end is judged. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect } from "chai";
import { filesOfLanes, type Lane, liveLanes, specLanes } from "../../../nodes/setup/tests/lanes.ts";
import { failed, lineOf, nothing, passed, sumOf } from "../../../nodes/setup/tests/outcome.ts";
import { judge, type LanesOutcome } from "../../../nodes/setup/tests/run-lanes.ts";
import { afterSecondTry, filesToTryAgain } from "../../../nodes/setup/tests/second-try.ts";
import { sideBySide } from "../../../nodes/setup/tests/side-by-side.ts";
import { liveFiles, mochaConfig, project, specFiles } from "../../../nodes/setup/tests/spec-files.ts";
import { projectFiles } from "../../tidy/source-tree.ts";

const textOf = (file: string) => readFileSync(join(project, file), "utf8");

describe("the lanes of npm test", () => {
  const config = mochaConfig();
  const all = projectFiles("spec").filter((file) => file.endsWith(".spec.ts"));
  const isLive = (file: string) => file.startsWith("spec/live/");
  const lanesOf = {
    specs: filesOfLanes(specLanes, specFiles(config)),
    live: filesOfLanes(liveLanes, liveFiles(config)),
  };

  it("have every spec once, as mocha alone has those without servers", () => {
    const files = (lanes: (typeof lanesOf)["specs"]) => lanes.flatMap((one) => one.files).sort();
    expect(files(lanesOf.specs)).to.deep.equal(all.filter((file) => !isLive(file)).sort());
    expect(files(lanesOf.live)).to.deep.equal(all.filter(isLive).sort());
  });

  it("have names of their own, and none is without specs", () => {
    const names = [...specLanes, ...liveLanes].map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    expect([...lanesOf.specs, ...lanesOf.live].map(({ lane }) => lane.name)).to.deep.equal(names);
  });

  it("name no live spec that is not there", () => {
    const named = liveLanes.flatMap(({ files }) => /\(\?:(.*)\)/.exec(files.source)?.[1]?.split("|") ?? []);
    const there = [...all.filter(isLive).map((file) => file.slice(10, -8)), ".*"];
    expect(named.filter((name) => !there.includes(name))).to.deep.equal([]);
    expect(new Set(named).size).to.equal(named.length);
  });

  it("leave a live spec alone that nobody has looked at", () => {
    const [found, ...more] = filesOfLanes(liveLanes, ["spec/live/new-here.spec.ts"]);
    expect([found?.lane.runs, more]).to.deep.equal(["alone", []]);
  });

  it("refuse a file that none of them has", () => {
    expect(() => filesOfLanes(specLanes, ["spec/live/up.spec.ts"])).to.throw(
      "No lane has spec/live/up.spec.ts.",
    );
  });

  it("keep apart those that hang processes, and those that read the arguments of all processes", () => {
    const hangs = (file: string) => /new Impostors\(|HangingStorage\b/.test(textOf(file));
    const reads = (file: string) =>
      /readdirSync\("\/proc"\)|processesWith\(|openCluster\(/.test(textOf(file));
    const beside = lanesOf.live.filter(({ lane }) => lane.runs !== "alone");
    expect(beside.flatMap(({ files }) => files.filter(hangs))).to.deep.equal([]);
    const hanging = lanesOf.specs.filter(({ files }) => files.some(hangs)).map(({ lane }) => lane.name);
    const reading = lanesOf.specs.filter(({ files }) => files.some(reads)).map(({ lane }) => lane.name);
    expect({ hanging, reading }).to.deep.equal({ hanging: ["nodes"], reading: ["nodes"] });
  });
});

describe("jobs side by side", () => {
  it("are no more than may be, begin in their order, and answer in it", async () => {
    const [begun, running]: [number[], number[]] = [[], []];
    let most = 0;
    const job = (index: number, turns: number) => async () => {
      begun.push(index);
      running.push(index);
      most = Math.max(most, running.length);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      running.splice(running.indexOf(index), 1);
      return index * 10;
    };
    const answers = await sideBySide([job(0, 50), job(1, 2), job(2, 1), job(3, 1)], 2);
    expect({ answers, begun, most }).to.deep.equal({
      ...{ answers: [0, 10, 20, 30], begun: [0, 1, 2, 3], most: 2 },
    });
  });

  it("are all answered where there are fewer than places", async () => {
    expect(await sideBySide([async () => "a"], 4)).to.deep.equal(["a"]);
  });
});

describe("outcomes", () => {
  it("are added up, and told in a line", () => {
    const sum = sumOf([
      passed,
      nothing,
      failed("a", "b"),
      { ...nothing, skipped: [{ title: "c", reason: "d" }] },
    ]);
    expect(sum).to.deep.equal({
      ...{ passed: 1, failed: 1, unsteady: [] },
      ...{ failures: [{ title: "a", reason: "b" }], skipped: [{ title: "c", reason: "d" }] },
    });
    expect(lineOf("specs", 61_250, sum)).to.equal(
      "specs                61.3 s   1 passed, 1 failed, 1 skipped",
    );
    expect(lineOf("types", 50, passed)).to.equal("types                 0.1 s   1 passed, 0 failed");
    const unsteady = { ...passed, unsteady: [{ title: "e", reason: "f" }] };
    expect(lineOf("live", 50, unsteady)).to.match(/1 passed, 0 failed, 1 unsteady$/);
  });
});

describe("a lane", () => {
  const written = (more: object) =>
    JSON.stringify({
      ...{ passed: 2, failed: 0, failures: [], skipped: [], survivors: [] },
      ...{ passedOf: { "a.spec.ts": 2 }, ...more },
    });

  it("that something outlived has failed beside what its tests have come to, whatever its process says", () => {
    const outcome = judge("one", 0, written({ survivors: ["TCPSocketWrap", "Timeout"] }));
    expect(outcome).to.deep.equal({
      ...{ passed: 2, failed: 1, skipped: [], unsteady: [], passedOf: { "a.spec.ts": 2 } },
      failures: [{ title: "one", reason: "something outlived the tests: TCPSocketWrap, Timeout" }],
    });
  });

  it("of live specs that something outlived is unsteady, unless its process did not end well either", () => {
    const summary = written({ survivors: ["Pipe 30"] });
    const { failed: count, unsteady } = judge("one", 0, summary, "unsteady");
    const reason = "something outlived the tests: Pipe 30";
    expect([count, unsteady]).to.deep.equal([0, [{ title: "one", reason }]]);
    expect(judge("one", 1, summary, "unsteady").failed).to.equal(1);
  });

  it("whose process ended otherwise than its tests say has failed beside what these have come to", () => {
    expect(judge("one", 0, written({})).failed).to.equal(0);
    expect(judge("one", 1, written({})).failed).to.equal(1);
    expect(judge("one", 3, written({ failed: 3 })).failed).to.equal(3);
    expect(judge("one", 255, written({ failed: 300 })).failed).to.equal(300);
    for (const exitCode of [0, 1, 7, null, undefined])
      expect(judge("one", exitCode, written({ failed: 3 })).failed, String(exitCode)).to.equal(4);
    expect(judge("one", 0, undefined).failed).to.equal(1);
    expect(judge("one", 0, written({ passed: 0 })).failed, "no test").to.equal(1);
  });
});

describe("a file that failed", () => {
  const failure = (file: string | undefined, title = "a") => ({ title, reason: "b", file });
  const first = {
    ...{ ...nothing, passed: 5, failed: 2, skipped: [{ title: "c", reason: "d" }] },
    ...{ failures: [failure("x"), failure("y")], passedOf: { x: 2, y: 3 } },
  };
  const second = { ...nothing, passed: 3 };

  it("is tried again, unless too many have failed; what is of no file is not", () => {
    expect(filesToTryAgain(first)).to.deep.equal(["x", "y"]);
    expect(
      filesToTryAgain({ ...first, failures: [failure(undefined), failure("x"), failure("x")] }),
    ).to.deep.equal(["x"]);
    const many = Array.from({ length: 6 }, (_, index) => failure(String(index)));
    expect(filesToTryAgain({ ...first, failures: many })).to.deep.equal([]);
    expect(filesToTryAgain({ ...first, failures: many.slice(1) })).to.have.length(5);
  });

  it("is unsteady when all of it passes alone, and counts as it was then", () => {
    const again = { ...second, skipped: [{ title: "c", reason: "d" }] };
    expect(afterSecondTry(first, "x", again)).to.deep.equal({
      ...{ passed: 6, failed: 1, failures: [failure("y")], unsteady: [failure("x")] },
      ...{ skipped: first.skipped, passedOf: { x: 3, y: 3 } },
    });
  });

  it("has failed as it did when anything of it fails again, and changes no other lane", () => {
    expect(afterSecondTry(first, "x", { ...second, failed: 1, failures: [failure("x", "e")] })).to.equal(
      first,
    );
    expect(afterSecondTry(first, "z", second)).to.equal(first);
    expect(afterSecondTry(first, "x", { ...nothing, skipped: first.skipped }), "nothing passed").to.equal(
      first,
    );
    const skipsMore = { ...second, skipped: [{ title: "e", reason: "d" }] };
    expect(afterSecondTry(first, "x", skipsMore), "it cannot run any more").to.equal(first);
  });
});

describe("a run of lanes", function () {
  this.timeout(60_000);
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-lanes-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Runs specs of these texts, each in a lane of its own, below a process that tells as `npm test` does. */
  async function run(
    texts: Readonly<Record<string, string>>,
    runs: Readonly<Record<string, Lane["runs"]>> = {},
    more: { readonly triesAgain?: boolean } = {},
  ) {
    const names = Object.keys(texts);
    const file = (name: string) => join(directory, `${name}.spec.mjs`);
    for (const name of names) writeFileSync(file(name), texts[name] ?? "");
    const code = `
      import { runLanes } from ${JSON.stringify(join(project, "nodes/setup/tests/run-lanes.ts"))};
      const [names, files, runs, more] = ${JSON.stringify([names, names.map(file), runs, more])};
      const lane = (name) => ({ name, files: new RegExp("/" + name + "\\\\."), why: "", runs: runs[name] });
      const outcome = await runLanes({ lanes: names.map(lane), files, config: { timeout: 5_000 }, ...more });
      console.log("OUTCOME " + JSON.stringify(outcome));`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", code]);
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    await new Promise((resolve) => child.once("close", resolve));
    const outcome = JSON.parse(/^OUTCOME (.*)$/m.exec(output)?.[1] ?? "null") as LanesOutcome | null;
    if (outcome === null) throw new Error(output);
    // Where FORCE_COLOR is set, the marks are coloured.
    return { ...outcome, output: stripVTControlCharacters(output) };
  }

  it("adds up what its lanes have come to, and tells each line with the lane's name", async () => {
    const { output, lines, ...outcome } = await run({
      one: 'it("a", () => {}); it("b", () => { throw new Error("wrong"); });',
      two: 'it("c", () => {}); it("d", function () { this.test.skipReason = "no time"; this.skip(); });',
    });
    const file = relative(project, join(directory, "one.spec.mjs"));
    expect(outcome).to.deep.equal({
      ...{ passed: 2, failed: 1, failures: [{ title: "b", reason: "wrong", file }] },
      ...{ skipped: [{ title: "d", reason: "no time" }], unsteady: [] },
    });
    expect(lines.map((line) => line.replace(/\d+\.\d s/, "N s"))).to.deep.equal([
      "  one                   N s   1 passed, 1 failed",
      "  two                   N s   1 passed, 0 failed, 1 skipped",
    ]);
    expect(output)
      .to.match(/^one \| +✔ a$/m)
      .and.to.match(/^two \| +✔ c$/m);
  });

  it("tries once more what failed, alone, and tells what was unsteady", async () => {
    const sometimes = `import { existsSync, writeFileSync } from "node:fs";
      it("a", () => {}); it("b", () => { if (existsSync("${directory}/mark")) return;
        writeFileSync("${directory}/mark", ""); throw new Error("busy"); });`;
    const always = 'it("c", () => { throw new Error("wrong"); });';
    const { output, lines, ...outcome } = await run({ sometimes, always }, {}, { triesAgain: true });
    const file = (name: string) => relative(project, join(directory, `${name}.spec.mjs`));
    expect(outcome).to.deep.equal({
      ...{ passed: 2, failed: 1, skipped: [] },
      failures: [{ title: "c", reason: "wrong", file: file("always") }],
      unsteady: [{ title: "b", reason: "busy", file: file("sometimes") }],
    });
    expect(lines[0]).to.match(/2 passed, 0 failed, 1 unsteady$/);
    expect(output).to.match(/^again \| +✔ b$/m);
  });

  it("does not forgive a fault that ends the run before its last test", async () => {
    const late = `import { existsSync, writeFileSync } from "node:fs";
      it("a", () => { if (existsSync("${directory}/mark")) return; writeFileSync("${directory}/mark", "");
        setImmediate(() => { throw new Error("late"); }); });
      it("b", () => {});`;
    const { failed: count, failures } = await run({ late }, {}, { triesAgain: true });
    expect(count).to.be.above(0);
    expect(failures.map(({ title }) => title)).to.include("the run");
  });

  it("counts a lane as failed whose process ends before its tests do, and one that ends with a fault", async () => {
    const { failures } = await run({
      gone: 'it("a", () => process.exit(0));',
      late: 'it("b", () => {}); process.on("exit", () => process.kill(process.pid, 9));',
    });
    expect(failures).to.deep.equal([
      { title: "gone", reason: "mocha ended before its tests did" },
      { title: "late", reason: "something outlived the tests: mocha did not end well" },
    ]);
  });

  it("waits for no process that a lane has left with its output, and tells of it", async () => {
    const leave = 'spawn("sleep", ["20"], { stdio: "inherit", detached: true })';
    const text = `import { spawn } from "node:child_process";
      import { writeFileSync } from "node:fs";
      it("a", () => { const left = ${leave}; left.unref(); writeFileSync("${directory}/pid", String(left.pid)); });`;
    const startedAtMs = performance.now();
    const { passed: count, output } = await run({ one: text });
    process.kill(Number(readFileSync(join(directory, "pid"), "utf8")));
    expect(count).to.equal(1);
    expect(output).to.contain("one | a process that it has left behind has its output");
    expect(performance.now() - startedAtMs, "it did not wait for the end of that").to.be.below(20_000);
  });

  it("runs one that waits beside two others, and those that have to be alone when all have ended", async () => {
    const log = join(directory, "log");
    const text = (name: string) => `import { appendFileSync } from "node:fs";
      it("a", async () => { appendFileSync("${log}", "${name} begins\\n");
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        appendFileSync("${log}", "${name} ends\\n"); });`;
    const names = ["one", "two", "three", "four", "five"];
    const runs = { two: "alone", four: "waits" } as const;
    await run(Object.fromEntries(names.map((name) => [name, text(name)])), runs);
    const lines = readFileSync(log, "utf8").trim().split("\n");
    expect(lines.slice(-2)).to.deep.equal(["two begins", "two ends"]);
    expect(lines).to.have.length(10);
    const at = (line: string) => lines.indexOf(line);
    expect(at("four begins"), "it waits for nobody").to.be.below(at("five begins"));
    expect(at("five begins"), "it is the third of two").to.be.above(
      Math.min(at("one ends"), at("three ends")),
    );
  });
});
