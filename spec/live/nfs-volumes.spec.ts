/**
 * Volumes on a real server of NFS, by the plug-in `nfs` of the examples: the contract of the port, what keeps
 * a former writer out, and a guest that has such volumes. Needs root, the packages of nfs-ganesha (unpacked,
 * not installed), QEMU and the tiny guest that the set-up builds; skips loudly elsewhere.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { GuestVolume } from "../../actors/ports/hypervisor.ts";
import type { BlockDevice, VolumeUse } from "../../actors/ports/volumes.ts";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import { firstShape } from "../../protocol/shape.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { Daemons } from "../examples/nfs/src/daemons.ts";
import { Nfs3 } from "../examples/nfs/src/nfs3.ts";
import { NfsVolumes } from "../examples/nfs/src/storage.ts";
import { until } from "../support/asking.ts";
import { machineSpec, type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import {
  beginGanesha,
  type Ganesha,
  missingForGanesha,
  owner,
  unpackGanesha,
  writerUid,
} from "../support/ganesha.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { qemuHost } from "../support/qemu-host.ts";
import { skip } from "../support/services.ts";
import { volumesContract } from "../support/volumes-contract.ts";
import { writingGuest } from "../support/writing-guest.ts";

const never = new AbortController().signal;
/** Of `until`, 25 ms apart. */
const triesMax = 8_000;
const mib = 1024 ** 2;
const firstGroup = 1_000_000_000;
const timeoutMs = 300_000;

describe("volumes on NFS", function () {
  this.timeout(timeoutMs);
  let directory: TemporaryDirectory;
  let server: Ganesha;
  let made = 0;
  const begun: ChildProcess[] = [];
  const opened = new Set<Daemons>();

  before(async function () {
    const missing = missingForGuests() ?? (await missingForGanesha());
    if (missing !== undefined) return skip(this, missing);
    directory = await temporaryDirectory();
    const packages = await unpackGanesha(directory.path).catch((error: unknown) =>
      skip(this, error instanceof Error ? error.message : String(error)),
    );
    server = await beginGanesha(directory.path, packages);
  });
  afterEach(async () => {
    for (const one of begun.splice(0)) one.kill("SIGKILL");
    for (const daemons of opened) for (const one of await daemons.list()) await daemons.end(one);
    opened.clear();
  });
  after(async () => {
    await server?.close();
    await directory?.remove();
  });

  /** A host with a state directory of its own, and as many lives of its agent as are wanted. */
  const hostOn = (path: string, hostId: string) => {
    made += 1;
    const state = join(directory.path, `state-${made}`);
    mkdirSync(state, { mode: 0o711 });
    const place = { server: server.host, path, writerUid, firstGroup };
    return () => {
      const daemons = new Daemons({ directory: join(state, "nfs"), place });
      opened.add(daemons);
      const nfs = new Nfs3({ host: server.host, path, owner, writerUid });
      return new NfsVolumes({
        ...{ hostId, firstGroup, overcommit: 1, shared: true },
        nfs,
        bridges: daemons,
      });
    };
  };
  const hosts = () => {
    made += 1;
    const path = server.makeDirectory(`volumes-${made}`);
    return { path, one: hostOn(path, "one"), other: hostOn(path, "other") };
  };
  const use = (given: Partial<VolumeUse> = {}): VolumeUse => ({
    ...{ instanceId: "instance-1", ownerEpoch: 1, epoch: 1, takesOver: true, mode: "readWrite" },
    ...given,
  });

  volumesContract({
    ...{ name: "volumes on a real server of NFS", timeoutMs },
    makeBench: async () => {
      const { one, other } = hosts();
      const volumes = one();
      const { capacityBytes } = await volumes.usage();
      return {
        ...{ volumes, other: other(), tooLargeBytes: capacityBytes + mib },
        restartAgent: async () => one(),
        close: async () => undefined,
      };
    },
  });

  /** A process that has the volume open as a guest's has, and writes when it is told. */
  const writerOf = ({ path }: BlockDevice) => {
    const argv = ["-f", "raw", `nbd+unix:///?socket=${path}`];
    const tool = spawn("qemu-io", argv, { stdio: ["pipe", "pipe", "inherit"] });
    begun.push(tool);
    let said = "";
    tool.stdout?.on("data", (bytes) => (said += bytes));
    return async (command: string): Promise<string> => {
      said = "";
      tool.stdin?.write(`${command}\n`);
      return until(
        async () => said,
        (text) => /(?:wrote|read) \d+|failed/.test(text),
        triesMax,
      );
    };
  };

  it("are kept from their former writer by the server itself, whatever it has open", async () => {
    const { one, other, path } = hosts();
    const [here, there] = [one(), other()];
    await here.create("v1", { epoch: 1, sizeBytes: mib }, never);
    const former = writerOf(await here.open("v1", use(), never));
    expect(await former("write -P 1 0 4096")).to.contain("wrote 4096");
    const next = writerOf(await there.open("v1", use({ epoch: 2, ownerEpoch: 2 }), never));
    expect(await former("write -P 2 0 4096")).to.contain("write failed");
    expect(await former("read 0 4096")).to.contain("read failed");
    expect(await next("write -P 3 4096 4096")).to.contain("wrote 4096");
    const bytes = readFileSync(join(path, "v1.e2/data.raw"));
    expect([bytes[0], bytes[4_096]]).to.deep.equal([1, 3]);
  });

  it("are refused on a server that makes all clients one user", async () => {
    const here = hostOn(server.squashed, "one")();
    const refused = await here
      .create("v1", { epoch: 1, sizeBytes: mib }, never)
      .catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(StatusError).and.include({ reason: "hypervisorRefused" });
    expect(readdirSync(server.squashed)).to.deep.equal(["storage"]);
  });

  it("have their bridge again when it has died, and leave none", async () => {
    const { one } = hosts();
    const here = one();
    await here.create("v1", { epoch: 1, sizeBytes: mib }, never);
    const device = await here.open("v1", use(), never);
    const pid = Number(readFileSync(join(device.path, "../pid"), "utf8"));
    process.kill(pid, "SIGKILL");
    await until(
      async () => isLiving(pid),
      (lives) => !lives,
      triesMax,
    );
    expect(await one().open("v1", use(), never)).to.deep.equal(device);
    expect(await writerOf(device)("write -P 1 0 4096")).to.contain("wrote 4096");
    const next = Number(readFileSync(join(device.path, "../pid"), "utf8"));
    for (const holding of await here.list()) await here.release(holding, never);
    expect([isLiving(next), await here.list()]).to.deep.equal([false, []]);
    expect(readdirSync(join(device.path, "../.."))).to.deep.equal([]);
  });

  it("are told of as unknown while the server is silent, and are there again when it answers", async () => {
    const { one } = hosts();
    const here = one();
    await here.create("v1", { epoch: 1, sizeBytes: mib }, never);
    const said = () =>
      here.volumes().then(
        (volumes) => volumes.map(({ volumeId }) => volumeId).join(" "),
        (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
      );
    server.process.kill("SIGSTOP");
    try {
      // The kernel stops its threads one by one, and one of them may still answer.
      await until(said, (one) => one === "storageUnknown", triesMax);
    } finally {
      server.process.kill("SIGCONT");
    }
    expect(await until(said, (one) => one !== "storageUnknown", triesMax)).to.equal("v1");
  });

  it("are a guest's, which writes to them, gives them back, and has them taken away", async function () {
    const guest = guestOfSetup();
    if (guest === undefined) return skip(this, "no guest was built");
    const { one, path } = hosts();
    const here = one();
    const imageStore = join(directory.path, "store");
    const store = new ImageStore({ directory: imageStore, sources: [guest.directory] });
    const kernel = await store.registerFile({ path: guest.kernel });
    const ramdisk = await store.registerFile({ path: guest.ramdisk });
    const image = { id: "tiny", disk: null, kernel, ramdisk, commandLine: guest.commandLine };
    const drivers: Drivers = qemuHost({ imageStore, stateDirectory: join(directory.path, "state") });
    const { hypervisor, disks } = drivers;
    const shape = firstShape((await hypervisor.capabilities()).shapes);
    if (shape === null) throw new Error("QEMU offers no shapes.");
    const spec = machineSpec({ image, shape, guest: writingGuest });
    const { instanceId } = spec;
    const volumeAt = async (place: number): Promise<GuestVolume> => {
      const volumeId = `0${randomUUID().slice(1)}`;
      await here.create(volumeId, { epoch: 1, sizeBytes: 16 * mib }, never);
      const device = await here.open(volumeId, use({ instanceId }), never);
      return { volumeId, epoch: 1, place, device };
    };
    const said = ({ volumeId }: GuestVolume): boolean =>
      readFileSync(join(path, `${volumeId}.e1/data.raw`))
        .subarray(0, 20)
        .toString() === "NOVACT-GUEST WRITES ";
    const isWritten = (one: GuestVolume) =>
      until(
        async () => said(one),
        (met) => met,
        triesMax,
      );
    const has = async () => (await hypervisor.volumesOf?.(instanceId, never))?.map(({ place }) => place);
    try {
      const [cold, hot] = [await volumeAt(0), await volumeAt(25)];
      await hypervisor.start(spec, { ...(await disks.ensure(spec, never)), volumes: [cold] }, never);
      await isWritten(cold);
      await hypervisor.attachVolume?.(spec, hot, never);
      await isWritten(hot);
      const larger = hypervisor.resizeVolume?.(spec, hot, 32 * mib, never);
      expect(await larger?.catch((error: { reason?: string }) => error.reason)).to.equal("hypervisorRefused");
      await hypervisor.detachVolume?.(spec, hot, {}, never);
      expect(await has()).to.deep.equal([0]);
      // A bridge that hangs keeps nobody: what waits for it is given up first.
      process.kill(Number(readFileSync(join(cold.device.path, "../pid"), "utf8")), "SIGSTOP");
      await hypervisor.detachVolume?.(spec, cold, { force: true }, never);
      expect((await hypervisor.volumesOf?.(instanceId, never))?.map(({ state }) => state)).not.to.include(
        "attached",
      );
      expect((await hypervisor.inspect(instanceId))?.status).to.equal("running");
    } finally {
      await hypervisor.halt(instanceId, never);
      await hypervisor.detach();
    }
    for (const holding of await here.list()) await here.release(holding, never);
    expect(execFileSync("find", [join(directory.path), "-name", "nbd"], { encoding: "utf8" })).to.equal("");
  });
});

function isLiving(pid: number): boolean {
  try {
    return !/^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
