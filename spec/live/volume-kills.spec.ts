/**
 * A volume of a guest is where its row says, wherever between an attach and a detach the host's agent was
 * killed: in QEMU nothing of it is left that the row does not have, and nobody has its file locked. A real
 * cluster and QEMU; the guest writes all the time. NOVACT_VOLUMES=full: 20 kills, and the whole patience.
 */
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type BenchCluster, openCluster } from "../../nodes/bench/bench-cluster.ts";
import { registerGuest } from "../../nodes/bench/boot.ts";
import { commandOf } from "../../nodes/bench/by-hand.ts";
import { tinyGuest } from "../../nodes/bench/counting-guest.ts";
import { VolumeConsole, volumeGuestData } from "../../nodes/bench/volume-guest.ts";
import { guestFiles } from "../../nodes/drivers/guest-directory.ts";
import { QmpConnection } from "../../nodes/drivers/qemu/qmp.ts";
import { dataFile, nameOf } from "../../nodes/drivers/volumes/names.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { until } from "../support/asking.ts";
import { silentLog } from "../support/driver-world.ts";
import { missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

const full = process.env.NOVACT_VOLUMES === "full";
const kills = full ? 20 : 4;
/** 100 s. */
const triesMax = 4_000;
const patient = { timeoutMs: 120_000 };
const quiet = () => undefined;

describe("a volume whose host's agent is killed", function () {
  this.timeout(full ? 600_000 : 240_000);
  let cluster: Awaited<ReturnType<typeof openCluster>>;
  let guest: { readonly id: string; readonly directory: string; readonly console: VolumeConsole };
  let volumeId: string;

  before(async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    const missing = missingForGuests();
    if (missing !== undefined) skip(this, missing);
    cluster = await openCluster({ guests: "real", accelerator: "tcg", nodes: 1, say: quiet });
    await registerGuest(cluster, await tinyGuest(join(tmpdir(), "novact-bench-guest"), quiet));
    const asked = { name: "one", flavor: "bench", image: "bench", userData: volumeGuestData, wait: true };
    const { id } = (await cluster.demo.instance.create(asked, patient)).instance;
    const { directory } = commandOf(cluster, id);
    guest = { id, directory, console: new VolumeConsole(directory) };
    await guest.console.ready();
    volumeId = (await cluster.demo.volume.create({ name: "data", sizeGib: 1 })).volume.id;
  });
  after(() => cluster?.close());

  const rowOf = async () => (await cluster.demo.volume.get(volumeId, {})).volume;
  const ask = (verb: "volumeAttach" | "volumeDetach") =>
    cluster.demo.instance[verb](guest.id, { volume: volumeId }, patient);
  /** The host's word is behind the row by a moment, and the row behind QEMU by none. */
  const expectAsIts = async (status: "available" | "in-use", what: string) => {
    const { epoch } = await rowOf();
    const volumes = join(cluster.config.nodes[0]?.sharedDirectory ?? "", "volumes");
    const isOpen = status === "in-use";
    expect(await namesInQemu(guest.directory), what).to.deep.equal(isOpen ? whatIsThere : []);
    expect(isFree(join(volumes, nameOf(volumeId, epoch), dataFile)), what).to.equal(!isOpen);
  };

  it("is where its row says", async () => {
    let killed: number | undefined;
    for (let kill = 0; kill < kills; kill += 1) {
      const verb = kill % 2 === 0 ? "volumeAttach" : "volumeDetach";
      const before = guest.console.count("HAS", volumeId);
      const agent = await agentAfter(cluster, killed);
      const asked = ask(verb);
      await new Promise((resolve) => setTimeout(resolve, (kill * 67) % 241));
      process.kill(agent, "SIGKILL");
      killed = agent;
      const { operation } = await asked;
      const what = `kill ${kill} of ${verb}`;
      const isDone = async () => (await cluster.demo.operation.get(operation.id, {})).operation;
      const { state, error } = await until(isDone, (one) => one.state !== "running", triesMax);
      expect(state, `${what}: ${error?.message}`).to.equal("done");
      const { status } = await rowOf();
      expect(status, what).to.equal(verb === "volumeAttach" ? "in-use" : "available");
      await expectAsIts(status === "in-use" ? "in-use" : "available", what);
      if (status === "in-use") await guest.console.said("HAS", volumeId, before);
      else
        await until(
          async () => guest.console.count("LOST", volumeId),
          (lost) => lost >= before,
          triesMax,
        );
    }
    await agentAfter(cluster, killed);
    const { findings } = await cluster.admin.doctor.examine({}, patient);
    expect(findings.filter(({ message }) => message.includes(volumeId))).to.deep.equal([]);
  });
});

/** What QEMU has of a volume in the first place: its group, its device, and its nodes. */
const whatIsThere = ["data0", "group", "volume0", "volume0"];

/** Asked by the monitor for people: the other one is the agent's. */
async function namesInQemu(directory: string): Promise<readonly string[]> {
  const options = { clock: systemClock, log: silentLog, onEvent: quiet, onClose: quiet };
  const qmp = await QmpConnection.open(join(directory, guestFiles.qmpDebug), options);
  try {
    const nodes = (await qmp.execute("query-named-block-nodes", { flat: true })) as Named[];
    const listed = async (path: string) => (await qmp.execute("qom-list", { path })) as Named[];
    const [objects, devices] = [await listed("/objects"), await listed("/machine/peripheral")];
    const names = [
      ...nodes.map((one) => one["node-name"] ?? ""),
      ...objects.map(({ name = "" }) => (name.startsWith("volume.") ? "group" : name)),
      ...devices.map(({ name = "" }) => name),
    ];
    return names.filter((name) => /^(?:group|(?:volume|data|gone)[0-9]+)$/.test(name)).sort();
  } finally {
    qmp.close();
  }
}

interface Named {
  readonly name?: string;
  readonly "node-name"?: string;
}

/** The agent that follows the killed one: the operation may have been done before that one died. */
async function agentAfter(cluster: BenchCluster, killed: number | undefined): Promise<number> {
  const look = async () => cluster.processes().find(({ name }) => name === "compute")?.pid;
  const pid = await until(look, (one) => one !== undefined && one !== killed, triesMax);
  return pid ?? Number.NaN;
}

/** Nobody has the file open: QEMU's own tool gets the lock, and writes. */
function isFree(path: string): boolean {
  try {
    execFileSync("qemu-io", ["-f", "raw", "-c", "write 1M 512", path], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
