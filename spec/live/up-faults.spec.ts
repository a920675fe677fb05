/**
 * `up` where something is wrong: a node, a state file, the umask, the disk; and a person who presses Ctrl-C
 * before the cluster is up. Nodes are fake ones, unless a test is about guests.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { exitCodes } from "../../nodes/package/exit-codes.ts";
import { connect } from "../../nodes/sdk/sdk.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";
import { processesWith, UpRun, type UpRunOptions } from "../support/up-run.ts";

const exits = (name: keyof typeof exitCodes): number => exitCodes[name].exit;

describe("up, when something is wrong", function () {
  this.timeout(180_000);
  let directory: string;
  const runs: UpRun[] = [];
  const state = (...parts: readonly string[]) => join(directory, "state", ...parts);
  const config = () => join(directory, "cluster.yaml");

  const configure = (nodes: string, more = "") =>
    writeFileSync(
      config(),
      `stateDirectory: state\nnats: { port: 0 }\ndemo: false\nnodes: [${nodes}]\n${more}`,
    );
  const fake = (...names: readonly string[]) =>
    configure(names.map((name) => `{ name: ${name}, hypervisor: fake }`).join(", "));
  const start = (options: UpRunOptions = {}): UpRun => {
    const run = new UpRun(config(), options);
    runs.push(run);
    return run;
  };
  const stop = async (run: UpRun) => {
    run.child.kill("SIGINT");
    expect((await run.ended).code, run.output).to.equal(exits("interrupted"));
    expect(processesWith(directory)).to.deep.equal([]);
  };

  before(function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-faults-"));
    chmodSync(directory, 0o711);
  });
  afterEach(async () => {
    for (const { child } of runs.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
    for (const { pid } of processesWith(directory)) process.kill(pid, "SIGKILL");
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  it("runs without broken nodes, says what is wrong with each, and takes back the one that is mended", async () => {
    fake("a", "b", "c", "d");
    mkdirSync(state("nodes", "b"), { recursive: true });
    mkdirSync(state("run", "d.json"), { recursive: true });
    for (const each of ["", "nodes", "nodes/b", "run"]) chmodSync(state(each), 0o711);
    writeFileSync(state("nodes", "b", "host-id"), "");
    writeFileSync(state("nodes", "c"), "a file where a directory belongs");
    const run = start();
    await run.says("What now?");
    expect(run.output).to.match(/b stays down until .*\/b\/host-id is empty\./);
    expect(run.output).to.match(/c stays down until .*nodes\/c/);
    expect(run.output).to.match(/d did not start: .*d\.json.*; it is tried again/);
    expect(run.output).to.contain("the cluster runs without b, c, d: see above");
    rmSync(state("run", "d.json"), { recursive: true });
    await run.says("d is back");
    await createOn(config());
    expect(readFileSync(state("nodes", "b", "host-id"), "utf8")).to.equal("");
    await stop(run);
  });

  /** Proves that the cluster is of use: makes an instance on one of its nodes. */
  async function createOn(file: string): Promise<void> {
    mkdirSync(state("import"));
    writeFileSync(state("import", "kernel"), "not a kernel");
    await using admin = await connect({ config: file, project: "admin" });
    await admin.image.register({ name: "fake", kernel: { path: state("import", "kernel") } });
    await using demo = await connect({ config: file, project: "demo" });
    const { instance } = await demo.instance.create({ name: "i", flavor: "tiny", image: "fake", wait: true });
    expect(instance.state).to.equal("running");
    const { hosts } = await admin.host.list({});
    expect(hosts.map(({ name }) => name).sort()).to.deep.equal(["a", "d"]);
  }

  it("ends with the fault when no node is left, and leaves nothing behind", async () => {
    fake("a");
    mkdirSync(state("nodes", "a"), { recursive: true });
    writeFileSync(state("nodes", "a", "host-id"), "x\n");
    const run = start();
    expect((await run.ended).code, run.output).to.equal(exits("conflict"));
    expect(run.output)
      .to.contain(`${state("nodes", "a", "host-id")} is damaged. `)
      .and.not.to.match(/\n\s+at /);
    expect(processesWith(directory)).to.deep.equal([]);
  });

  it("names a damaged password or credential, loses nothing, and goes on when it is restored", async () => {
    fake("a");
    const first = start();
    await first.says("What now?");
    await makeFlavor(config());
    await stop(first);
    for (const file of [state("postgres", "password"), state("nats", "credentials", "demo.json")]) {
      const sound = readFileSync(file);
      writeFileSync(file, "");
      const run = start();
      expect((await run.ended).code, run.output).to.equal(exits("conflict"));
      expect(run.output)
        .to.contain(file)
        .and.to.contain("Restore it")
        .and.not.to.match(/\n\s+at /);
      expect(processesWith(directory)).to.deep.equal([]);
      writeFileSync(file, sound);
    }
    const again = start();
    await again.says("What now?");
    await using admin = await connect({ config: config(), project: "admin" });
    expect((await admin.flavor.list({})).flavors.map(({ name }) => name)).to.include("kept");
    await stop(again);
  });

  async function makeFlavor(file: string): Promise<void> {
    await using admin = await connect({ config: file, project: "admin" });
    await admin.flavor.create({ name: "kept", vcpus: 1, memoryMib: 64, diskGib: 0 });
  }

  for (const umask of ["077", "027", "000"]) {
    it(`keeps its secrets and lets its own users pass, started with umask ${umask}`, async () => {
      fake("a");
      const run = start({ umask });
      await run.says("What now?");
      const found = everythingIn(state());
      const modes = (wanted: (one: Found) => boolean) =>
        found.filter(wanted).map(({ path, mode }) => `${path} ${mode.toString(8)}`);
      expect(modes(({ mode }) => (mode & 0o022) !== 0)).to.deep.equal([]);
      const secrets = /(?:password|\/url|credentials\/(?:admin|controller|host_[^/]*)\.json|nats\.conf)$/;
      expect(found.filter(({ path }) => secrets.test(path)).length).to.be.greaterThan(5);
      expect(modes(({ path, mode }) => secrets.test(path) && (mode & 0o077) !== 0)).to.deep.equal([]);
      for (const path of [state(), state("postgres"), state("nodes"), state("nodes", "a")]) {
        expect(lstatSync(path).mode & 0o001, path).to.equal(0o001);
      }
      await stop(run);
    });
  }

  it("lets guests' users pass to their directories, started with umask 077", async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    configure("{ name: a, accelerator: tcg, memoryMib: 1024 }");
    writeFileSync(config(), readFileSync(config(), "utf8").replace("demo: false\n", ""));
    mkdirSync(state());
    cpSync(guest.directory, state("guest"), { recursive: true });
    chmodSync(state(), 0o700);
    const run = start({ umask: "077" });
    await run.says("NOVACT-GUEST READY hostname=hello");
    await run.says("What now?");
    await stop(run);
  });

  it("ends a guest's build at the first Ctrl-C, and starts nothing any more", async () => {
    const run = await building("trap '' INT");
    run.child.kill("SIGINT");
    expect((await run.ended).code, run.output).to.equal(exits("interrupted"));
    const after = run.output.slice(run.output.indexOf("everything goes down"));
    expect(after).not.to.match(/serves|is back|building/);
    nothingIsLeft();
  });

  it("kills it at the second one, however deaf it is", async () => {
    const run = await building("trap '' INT TERM", { npm_lifecycle_event: undefined });
    // Both at once, before the first has ended everything. The kernel keeps equal ones once, so they differ.
    run.child.kill("SIGINT");
    run.child.kill("SIGTERM");
    const atMs = performance.now();
    expect((await run.ended).code, run.output).to.equal(exits("interrupted"));
    expect(run.output).to.match(/SIG(TERM|INT) again: /);
    // A generous bound for "at once": what it would have waited for takes ten minutes.
    expect(performance.now() - atMs).to.be.lessThan(20_000);
    nothingIsLeft();
  });

  /** A start whose guest is being built, by an apt that does not end by itself. */
  async function building(deafness: string, environment: UpRunOptions["environment"] = {}): Promise<UpRun> {
    configure("{ name: a, accelerator: tcg, memoryMib: 1024 }");
    const tools = join(directory, "tools");
    mkdirSync(tools);
    const script = `#!/bin/sh\n${deafness}\ncd ${tools}\nsleep 600 & echo $$ > pid.new; mv pid.new pid; wait; wait; wait\n`;
    writeFileSync(join(tools, "apt-cache"), script);
    chmodSync(join(tools, "apt-cache"), 0o755);
    const run = start({ environment: { PATH: `${tools}:${process.env.PATH ?? ""}`, ...environment } });
    await run.says("tiny guest: building");
    const deadlineMs = performance.now() + 60_000;
    while (!existsSync(join(tools, "pid")) && performance.now() < deadlineMs) await sleep(20);
    expect(existsSync(join(tools, "pid")), run.output).to.equal(true);
    return run;
  }

  function nothingIsLeft(): void {
    expect(processesWith(directory)).to.deep.equal([]);
    expect(readdirSync(state()).filter((name) => name.startsWith("guest"))).to.deep.equal([]);
    expect(existsSync(state("up.json"))).to.equal(false);
  }

  it("says that the disk is full, and ends with the code of that", async function () {
    mkdirSync(state());
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m,mode=0711", "novact-full", state()]);
    if (mounted.status !== 0) return skip(this, "no file system can be mounted here");
    try {
      fake("a");
      const run = start();
      expect((await run.ended).code, run.output).to.equal(exits("exhausted"));
      expect(run.output)
        .to.match(/No space left/)
        .and.not.to.match(/\n\s+at /);
      expect(processesWith(directory)).to.deep.equal([]);
    } finally {
      spawnSync("umount", [state()]);
    }
  });
});

interface Found {
  readonly path: string;
  readonly mode: number;
}

/** Files and directories, but no links (whose modes mean nothing), sockets included. */
function everythingIn(directory: string): readonly Found[] {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return ["", ...names].flatMap((name) => {
    const path = join(directory, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat === undefined || stat.isSymbolicLink() ? [] : [{ path, mode: stat.mode & 0o777 }];
  });
}
