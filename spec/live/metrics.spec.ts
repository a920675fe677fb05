/**
 * The page for Prometheus of a whole cluster with real servers: every process and thread is on it, it agrees
 * with what a client did, Prometheus's own tool reads it, and processes that die come back to it.
 */
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { connect, type StatusError } from "../../nodes/sdk/sdk.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { promtoolFindings, promtoolMissing } from "../support/promtool.ts";
import { skip } from "../support/services.ts";
import { processesWith, UpRun } from "../support/up-run.ts";

describe("the page for Prometheus of a whole cluster", function () {
  this.timeout(120_000);
  let directory: string;
  let config: string;
  let run: UpRun;
  let url: string;

  before(async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    directory = mkdtempSync(join(tmpdir(), "novact-metrics-"));
    chmodSync(directory, 0o711);
    config = join(directory, "cluster.yaml");
    const nodes = "nodes: [{ name: node-1, hypervisor: fake }, { name: node-2, hypervisor: fake }]";
    const rest = "nats: { port: 0 }\ncontrollers: 2\ndemo: false\nmetrics: { port: 0 }";
    writeFileSync(config, `stateDirectory: state\n${rest}\n${nodes}\n`);
    run = new UpRun(config);
    await run.says("What now?");
    url = /Prometheus reads (http:\S+)/.exec(run.output)?.[1] ?? "";
  });
  after(async () => {
    if (directory === undefined) return;
    if (run.child.exitCode === null) run.child.kill("SIGKILL");
    for (const { pid } of processesWith(directory)) process.kill(pid, "SIGKILL");
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  const read = async (): Promise<string> => (await fetch(url)).text();
  /** The sum of all samples whose labels hold this text. */
  const sumOf = (page: string, name: string, labels = ""): number =>
    page
      .split("\n")
      .filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  const until = async (holds: (page: string) => boolean): Promise<string> => {
    for (;;) {
      const page = await read();
      if (holds(page)) return page;
      await sleep(100);
    }
  };
  const up = (page: string, process: string, thread = "main") =>
    sumOf(page, "novact_thread_up", `process="${process}",thread="${thread}"`);

  /** A commit is counted in line first, and by its result later: no page of between the two. */
  const settled = async (): Promise<string> => {
    const names = ["novact_commit_line_seconds_count", "novact_commits_total"];
    const counts = (page: string) => names.map((name) => sumOf(page, name)).join(" ");
    let last = "";
    return until((page) => {
      const before = last;
      last = counts(page);
      return last === before;
    });
  };

  it("is on loopback, and has every process with its threads", async () => {
    expect(new URL(url).hostname).to.equal("127.0.0.1");
    const page = await read();
    for (const name of ["up", "controller-1", "controller-2", "node-1", "node-2"])
      expect(up(page, name), name).to.equal(1);
    for (const name of ["controller-1", "controller-2"]) expect(up(page, name, "safety"), name).to.equal(1);
    expect(sumOf(page, "novact_nats_connected")).to.equal(6);
    expect(up(page, "nats")).to.equal(1);
    expect(sumOf(page, "novact_nats_connections")).to.be.at.least(6);
    expect(page).to.match(/^novact_nats_slow_consumers_total\{.*\} 0$/m);
    expect(sumOf(page, "process_resident_memory_bytes")).to.be.greaterThan(5 * 30e6);
  });

  it("counts what a client does: calls, commits with their batches, guests", async () => {
    const before = await settled();
    await using admin = await connect({ config, project: "admin" });
    await using demo = await connect({ config, project: "demo" });
    const kernel = join(directory, "state", "import", "kernel");
    mkdirSync(join(kernel, ".."));
    writeFileSync(kernel, "not a kernel");
    await admin.image.register({ name: "fake", kernel: { path: kernel } });
    const made: string[] = [];
    for (const name of ["one", "two", "three"]) {
      const wanted = { name, flavor: "tiny", image: "fake", wait: true };
      made.push((await demo.instance.create(wanted)).instance.id);
    }
    const missing = await demo.instance.get("no-such-instance", {}).catch((error: StatusError) => error.code);
    expect(missing).to.equal("NOT_FOUND");
    await until((one) => sumOf(one, "novact_guests", 'state="running"') === made.length);
    const page = await settled();
    const calls = (method: string, code: string) =>
      sumOf(page, "novact_calls_total", `method="${method}",code="${code}"`);
    expect(calls("image.register", "OK")).to.equal(1);
    expect(calls("instance.create", "OK")).to.equal(made.length);
    expect(calls("instance.get", "NOT_FOUND")).to.equal(1);
    const rose = (name: string, labels = "") => sumOf(page, name, labels) - sumOf(before, name, labels);
    const committed = rose("novact_commits_total", 'result="committed"');
    expect(committed).to.be.at.least(1 + 2 * made.length);
    expect(rose("novact_commit_batch_commits_sum")).to.be.at.least(committed);
    expect(rose("novact_commit_batch_seconds_count")).to.be.within(
      1,
      rose("novact_commit_batch_commits_sum"),
    );
    expect(rose("novact_commit_line_seconds_count")).to.be.at.least(committed);
    expect(sumOf(page, "novact_lease_renewals_total")).to.be.greaterThan(0);
    expect(sumOf(page, "novact_lease_oldest_seconds")).to.be.greaterThan(0);
    expect(sumOf(page, "novact_postgres_connections")).to.be.greaterThan(3);
    expect(sumOf(page, "novact_file_system_free_bytes")).to.be.greaterThan(0);
    expect(sumOf(page, "novact_actor_turns_total")).to.be.greaterThan(10);
    await until((one) => sumOf(one, "novact_events_unpublished") === 0);
    for (const id of made) expect(page, "no id of a tenant's is on the page").to.not.contain(id);
    expect(page).to.not.contain("demo");
  });

  it("is read by Prometheus's own tool without complaint", async function () {
    if (promtoolMissing !== undefined) return skip(this, promtoolMissing);
    expect(promtoolFindings(await read())).to.equal("");
  });

  it("shows a process that died as down, and then as it came back", async () => {
    const started = (page: string) => sumOf(page, "process_start_time_seconds", 'process="node-2"');
    const before = started(await read());
    const pid = Number(/node-2 serves \(pid (\d+)\)/.exec(run.output)?.[1]);
    process.kill(pid, "SIGKILL");
    await until((page) => up(page, "node-2") === 0);
    await run.says("node-2 is back");
    const page = await until((one) => up(one, "node-2") === 1);
    expect(started(page)).to.be.greaterThan(before);
  });

  it("shows a process that stands still as down within its time, and everything else", async () => {
    const pid = Number(/node-1 serves \(pid (\d+)\)/.exec(run.output)?.[1]);
    process.kill(pid, "SIGSTOP");
    try {
      const page = await read();
      expect(up(page, "node-1")).to.equal(0);
      expect(up(page, "controller-1")).to.equal(1);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until((page) => up(page, "node-1") === 1);
  });

  it("ends with the cluster", async () => {
    run.child.kill("SIGTERM");
    expect((await run.ended).code, run.output).to.equal(0);
    expect(await fetch(url).catch((error: Error) => error.name)).to.equal("TypeError");
  });
});
