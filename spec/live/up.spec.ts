/** `up` as a person runs it: one process that starts, keeps and ends a whole cluster with a real guest. */
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { exitCodes } from "../../nodes/package/exit-codes.ts";
import { connect } from "../../nodes/sdk/sdk.ts";
import { upLimits } from "../../nodes/up/limits.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";
import { processesWith, UpRun } from "../support/up-run.ts";

describe("up", function () {
  this.timeout(180_000);
  let directory: string;
  let config: string;
  const runs: UpRun[] = [];

  const start = (): UpRun => {
    const run = new UpRun(config);
    runs.push(run);
    return run;
  };
  const pidOf = async (run: UpRun, pattern: RegExp): Promise<number> =>
    Number(/pid (\d+)/.exec(await run.says(pattern))?.[1]);
  const guests = () => processesWith(directory).filter(({ program }) => program.includes("qemu-system"));

  before(function () {
    const missing = missingForGuests();
    const guest = guestOfSetup();
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    directory = mkdtempSync(join(tmpdir(), "novact-up-"));
    chmodSync(directory, 0o711);
    cpSync(guest.directory, join(directory, "state", "guest"), { recursive: true });
    chmodSync(join(directory, "state"), 0o711);
    config = join(directory, "cluster.yaml");
    const node = "nodes: [{ name: node-1, accelerator: tcg, memoryMib: 1024 }]";
    writeFileSync(config, `stateDirectory: state\nnats: { port: 0 }\n${node}\n`);
  });
  after(async () => {
    for (const { child } of runs) if (child.exitCode === null) child.kill("SIGKILL");
    if (directory === undefined) return;
    for (const { pid } of processesWith(directory)) process.kill(pid, "SIGKILL");
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  it("starts everything, shows a guest boot, and refuses to run twice", async () => {
    const run = start();
    await run.says("NOVACT-GUEST READY hostname=hello");
    await run.says("What now?");
    const second = start();
    await second.says(`process ${run.child.pid} runs it`);
    expect((await second.ended).code).to.equal(exitCodes.conflict.exit);
  });

  it("has two guests of its demo's network, of which one pings the other", async () => {
    const run = runs[0] ?? start();
    await run.says(/instance friend boots now, and pings hello/);
    await using novact = await connect({ config, project: "demo" });
    const { instances } = await novact.instance.list({ name: "friend" });
    const signal = AbortSignal.timeout(120_000);
    let seen = "";
    for await (const text of novact.console(instances[0]?.id ?? "", { follow: true, signal })) {
      seen += text;
      if (seen.includes("NOVACT-GUEST USERDATA")) break;
    }
    expect(seen).to.contain("3 packets transmitted, 3 packets received, 0% packet loss");
    const way = await novact.network.explain({ from: "friend", to: "hello" });
    expect([way.passes, way.message]).to.deep.equal([true, "It passes from friend to hello."]);
  });

  it("starts again what dies, on the same port", async () => {
    const run = runs[0] ?? start();
    const port = /NATS answers on 127\.0\.0\.1:(\d+)/.exec(run.output)?.[1];
    process.kill(await pidOf(run, /NATS answers .*pid \d+/), "SIGKILL");
    process.kill(await pidOf(run, /PostgreSQL answers .*pid \d+/), "SIGKILL");
    process.kill(await pidOf(run, /controller-1 serves .*pid \d+/), "SIGKILL");
    const before = guests();
    process.kill(await pidOf(run, /node-1 serves .*pid \d+/), "SIGKILL");
    for (const name of ["NATS", "PostgreSQL", "controller-1", "node-1"]) {
      await run.says(new RegExp(`${name} was ended by SIGKILL`));
      await run.says(new RegExp(`${name} is back`), 30_000);
    }
    const settings = readFileSync(join(directory, "state", "nats", "nats.conf"), "utf8");
    expect(settings).to.contain(`port: ${port}`);
    expect(guests()).to.deep.equal(before).and.to.have.length(2);
  });

  it("when it is killed itself: its nodes end, guests run on, and the next one takes everything over", async () => {
    const run = runs[0] ?? start();
    const before = guests();
    run.child.kill("SIGKILL");
    await run.ended;
    const isNode = ({ program }: { program: string }) => program.endsWith("node");
    const deadlineMs = performance.now() + 30_000;
    while (processesWith(config).some(isNode) && performance.now() < deadlineMs) await sleep(50);
    expect(processesWith(config).filter(isNode)).to.deep.equal([]);
    expect(guests()).to.deep.equal(before).and.to.have.length(2);

    const next = start();
    await next.says("What now?");
    expect(next.output).to.contain("2 instances are remembered, 2 of them to be running");
    expect(guests()).to.deep.equal(before);
  });

  it("ends everything at SIGINT, guests first, and leaves no process, socket or lock", async () => {
    const run = runs.at(-1) ?? start();
    run.child.kill("SIGINT");
    // npm passes on the signal that the terminal has sent already.
    run.child.kill("SIGINT");
    expect(await run.ended).to.deep.equal({ code: exitCodes.interrupted.exit, signal: null });
    expect(run.output).to.match(
      /guests are powered down.*controllers end.*PostgreSQL end.*everything is down/s,
    );
    expect(run.output).not.to.contain("again: ");
    expect(processesWith(directory)).to.deep.equal([]);
    expect(existsSync(join(directory, "state", "up.json"))).to.equal(false);
  });

  it("finds its data again and boots what shall run; a second signal does not wait for the guest", async () => {
    const run = start();
    await run.says(/NOVACT-GUEST READY/);
    await run.says("What now?");
    run.child.kill("SIGTERM");
    await sleep(upLimits.upEchoMsMax + 100);
    const atMs = performance.now();
    run.child.kill("SIGTERM");
    expect((await run.ended).code).to.equal(exitCodes.ok.exit);
    expect(performance.now() - atMs).to.be.lessThan(upLimits.upGuestPatienceMs);
    expect(processesWith(directory)).to.deep.equal([]);
  });

  it("ends guests as it should when all of its processes hear the signal, as those of a service do", async () => {
    const run = start();
    await run.says(/NOVACT-GUEST READY/);
    await run.says("What now?");
    const isOurs = ({ program }: { program: string }) => program.endsWith("node");
    for (const { pid } of processesWith(config).filter(isOurs)) process.kill(pid, "SIGTERM");
    expect((await run.ended).code).to.equal(exitCodes.ok.exit);
    expect(run.output).to.match(/guests are powered down.*everything is down/s);
    expect(processesWith(directory)).to.deep.equal([]);
  });

  it("says which key to change when the port is taken, and leaves nothing behind", async () => {
    const taken: Server = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const other = join(directory, "taken.yaml");
    writeFileSync(other, `stateDirectory: state\nnats: { port: ${port} }\n`);
    const run = new UpRun(other);
    runs.push(run);
    const end = await run.ended;
    taken.close();
    expect(end.code).to.equal(exitCodes.conflict.exit);
    expect(run.output).to.contain(`Port ${port} of 127.0.0.1 is taken`).and.to.contain("nats.port");
    expect(processesWith(directory)).to.deep.equal([]);
  });
});
