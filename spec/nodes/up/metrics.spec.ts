/** The page of a whole cluster: whose each sample is, and what a dead or silent process does to the page. */
import { expect } from "chai";
import { CountingMeter } from "../../../actors/runtime/counting-meter.ts";
import { exitCodes } from "../../../nodes/package/exit-codes.ts";
import { failureOf } from "../../../nodes/package/failure.ts";
import type { ThreadMeasured } from "../../../nodes/process/messages.ts";
import { type MeasuredProcess, openMetricsPage } from "../../../nodes/up/metrics.ts";
import { promtoolFindings, promtoolMissing } from "../../support/promtool.ts";
import { skip } from "../../support/services.ts";
import { silentLog } from "../../support/silent-log.ts";

const noNats = () => undefined;
const loopback = { port: 0, address: "127.0.0.1" };

function counted(thread: string, turns: number): ThreadMeasured {
  const meter = new CountingMeter(silentLog);
  meter.count("novact_actor_turns_total", {}, turns);
  meter.look("novact_thread_up", () => [[{}, 1]]);
  // As it comes over the channel between processes.
  return JSON.parse(JSON.stringify({ thread, measured: meter.measure() }));
}

const process = (name: string, threads: readonly ThreadMeasured[] | null | undefined): MeasuredProcess => ({
  name,
  current: () => (threads === undefined ? undefined : { measure: async () => threads }),
});

describe("the page of a cluster", () => {
  let close: (() => Promise<void>) | undefined;
  let said: string[];

  beforeEach(() => {
    said = [];
  });
  afterEach(async () => {
    await close?.();
    close = undefined;
  });

  const open = async (
    processes: readonly MeasuredProcess[],
    metrics: typeof loopback | undefined = loopback,
  ) => {
    close = await openMetricsPage({
      ...{
        config: { metrics },
        processes: () => processes,
        nats: noNats,
        say: (text: string) => said.push(text),
      },
    });
    return /http:\S+/.exec(said.join("\n"))?.[0] ?? "";
  };
  const read = async (url: string) => (await fetch(url)).text();
  const figure = (page: string, name: string, labels: string) =>
    page
      .split("\n")
      .find((line) => line.startsWith(`${name}{${labels}`))
      ?.split(" ")
      .at(-1);

  it("has every process and thread, and up's own memory and time", async () => {
    const two = [counted("main", 5), counted("safety", 7)];
    const page = await read(
      await open([process("controller-1", two), process("node-1", [counted("main", 9)])]),
    );
    const turns = (of: string, thread = "main") =>
      figure(page, "novact_actor_turns_total", `process="${of}",thread="${thread}"`);
    expect([turns("controller-1"), turns("controller-1", "safety"), turns("node-1")]).to.deep.equal([
      "5",
      "7",
      "9",
    ]);
    expect(Number(figure(page, "process_resident_memory_bytes", 'process="up"'))).to.be.greaterThan(1e6);
    expect(Number(figure(page, "process_cpu_seconds_total", 'process="up"'))).to.be.greaterThan(0);
    expect(page.match(/^# TYPE novact_actor_turns_total /gm)).to.have.length(1);
  });

  it("shows a process that is down, and a thread that is silent, as 0, and all others as ever", async () => {
    const silent = [counted("main", 1), { thread: "safety", measured: null }];
    const page = await read(
      await open([process("controller-1", silent), process("node-1", undefined), process("node-2", null)]),
    );
    const up = (of: string, thread = "main") =>
      figure(page, "novact_thread_up", `process="${of}",thread="${thread}"`);
    expect(up("controller-1")).to.equal("1");
    expect([up("controller-1", "safety"), up("node-1"), up("node-2")]).to.deep.equal(["0", "0", "0"]);
    expect(up("up")).to.equal("1");
  });

  it("is read by Prometheus's own tool without complaint", async function () {
    if (promtoolMissing !== undefined) return skip(this, promtoolMissing);
    expect(
      promtoolFindings(await read(await open([process("controller-1", [counted("main", 1)])]))),
    ).to.equal("");
  });

  it("is not there, and says nothing, unless the configuration has it", async () => {
    close = await openMetricsPage({
      ...{
        config: { metrics: undefined },
        processes: () => [],
        nats: noNats,
        say: (text: string) => said.push(text),
      },
    });
    expect(said).to.deep.equal([]);
  });

  it("ends the start with what to do when its port is taken or its address is another's", async () => {
    const port = Number(new URL(await open([])).port);
    const failure = async (metrics: typeof loopback) =>
      failureOf(
        await openMetricsPage({
          config: { metrics },
          processes: () => [],
          nats: noNats,
          say: () => undefined,
        }).then(
          () => new Error("It opened."),
          (error: unknown) => error,
        ),
      );
    const taken = await failure({ ...loopback, port });
    expect(taken.text).to.contain(`Port ${port} of 127.0.0.1 is taken`).and.contain("metrics.port");
    expect(taken.exit).to.equal(exitCodes.conflict.exit);
    const strange = await failure({ port: 0, address: "192.0.2.1" });
    expect(strange.text).to.contain("192.0.2.1").and.contain("metrics.address");
  });
});
