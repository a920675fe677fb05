/**
 * Three hosts and one controller, with real PostgreSQL, NATS, HTTP and files: hosts get images from each
 * other, also when the controller has the file no more, when one of them gives other bytes, and when one is
 * killed in the middle.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type RunningCompute, startCompute } from "../../nodes/compute/main.ts";
import { loadCluster } from "../../nodes/plugins/load.ts";
import type { Host } from "../../protocol/host.ts";
import { toldOf } from "../../protocol/image-peer.ts";
import { until } from "../support/asking.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { type Noted, rememberingLog } from "../support/wire-world.ts";

const mib = 1024 ** 2;
const sizeMib = 48;
const patient = { timeoutMs: 120_000 };
const computeModule = new URL("../../nodes/compute/main.ts", import.meta.url).href;
const loadModule = new URL("../../nodes/plugins/load.ts", import.meta.url).href;

/** One node in a process of its own, which can be killed. */
const child = `
  const [{ startCompute }, { loadCluster }] = await Promise.all([import("${computeModule}"), import("${loadModule}")]);
  const silent = () => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  await startCompute({ ...(await loadCluster(process.argv[1])), nodeName: process.argv[2], log });
`;

describe("images that hosts get from each other", function () {
  this.timeout(240_000);
  let cluster: LiveCluster;
  let sources: string;
  let file: string;
  let killable: ChildProcess;
  const computes: RunningCompute[] = [];
  const noted: Noted[] = [];
  /** Of three images. */
  const checksums: string[] = [];

  before(async function () {
    sources = await mkdtemp(join(tmpdir(), "novact-peers-"));
    for (const index of [1, 2, 3]) {
      const bytes = randomBytes(sizeMib * mib);
      checksums.push(createHash("sha256").update(bytes).digest("hex"));
      await writeFile(join(sources, `disk-${index}`), bytes);
    }
    const nodes = [1, 2, 3].map((index) => ({
      ...{ name: `node-${index}`, hypervisor: "fake" },
      disks: {
        driver: "files",
        options: { imagesOverNetwork: true, ...(index === 1 ? { imagePeersMibPerSecond: 16 } : {}) },
      },
    }));
    cluster = await startLiveCluster(this, undefined, {
      ...{ nodes, imageSources: sources },
      start: async (path) => {
        file = path;
        killable = startChild();
        for (const nodeName of ["node-2", "node-3"]) {
          const log = rememberingLog(noted);
          computes.push(await startCompute({ ...(await loadCluster(file)), nodeName, log }));
        }
      },
    });
    for (const index of [1, 2, 3])
      await cluster.admin.image.register(
        { name: `image-${index}`, disk: { path: join(sources, `disk-${index}`), format: "raw" } },
        patient,
      );
  });
  after(async () => {
    killable?.kill("SIGKILL");
    for (const compute of computes) await compute.stop({ guests: true, patienceMs: 0 });
    await cluster?.stop();
    if (sources !== undefined) await rm(sources, { recursive: true, force: true });
  });

  const startChild = () =>
    spawn(process.execPath, ["--input-type=module", "-e", child, file, "node-1"], { stdio: "inherit" });
  const cached = (node: number, index: number) =>
    join(cluster.state(`node-${node}`), "images", checksums[index - 1] ?? "");
  const peer = async (node: number): Promise<NonNullable<Host["imagePeer"]> | undefined> =>
    (await cluster.admin.host.get(`node-${node}`, {})).host.imagePeer;
  /** Until the controller has heard that the node has the image. */
  const tells = (node: number, index: number) =>
    until(
      () => peer(node),
      (told) => told?.has.includes(toldOf(checksums[index - 1] ?? "")) === true,
      1_200,
    );
  /** As of the heartbeat that has this. */
  const figures = async (node: number, isSo: (told: NonNullable<Host["imagePeer"]>) => boolean) => {
    const told = await until(
      () => peer(node),
      (one) => one !== undefined && isSo(one),
      1_200,
    );
    return told ?? expect.fail();
  };
  /** Makes a guest of the image on the node, and only there. */
  const create = async (node: number, index: number) => {
    for (const other of [1, 2, 3])
      if (other === node) await cluster.admin.host.enable(`node-${other}`, {});
      else await cluster.admin.host.disable(`node-${other}`, { reason: "not here" });
    const name = `vm-${node}-${index}`;
    const asked = { name, flavor: cluster.flavor, image: `image-${index}`, wait: true };
    const { instance } = await cluster.admin.instance.create(asked, patient);
    expect(instance.state, instance.failure?.message ?? "").to.equal("running");
  };
  const isRight = async (node: number, index: number) => {
    const hash = createHash("sha256").update(await readFile(cached(node, index)));
    expect(hash.digest("hex")).to.equal(checksums[index - 1]);
  };
  const bytes = sizeMib * mib;

  it("come from another host, also when the controller has them no more", async () => {
    await create(1, 1);
    const first = await tells(1, 1);
    expect(first).to.include({ fromControllersBytes: bytes, fromPeersBytes: 0, sentBytes: 0 });
    const kept = join(cluster.imageStore, checksums[0] ?? "");
    await rename(kept, `${kept}.away`);
    await create(2, 1);
    await rename(`${kept}.away`, kept);
    await isRight(2, 1);
    const second = await figures(2, ({ fromPeersBytes }) => fromPeersBytes > 0);
    expect(second).to.include({ fromControllersBytes: 0, fromPeersBytes: bytes, lies: 0 });
    expect((await figures(1, ({ sentBytes }) => sentBytes >= bytes)).sentBytes).to.equal(bytes);
  });

  it("come from the controller when a host gives other bytes, which costs time and is told", async () => {
    await create(1, 2);
    await tells(1, 2);
    const before = await peer(3);
    await rm(cached(1, 2));
    await writeFile(cached(1, 2), randomBytes(bytes));
    await create(3, 2);
    await isRight(3, 2);
    const after = await figures(3, ({ lies }) => lies > 0);
    expect(after.lies).to.equal(1);
    expect(after.fromControllersBytes).to.equal((before?.fromControllersBytes ?? 0) + bytes);
    const { host } = await cluster.admin.host.get("node-1", {});
    const lines = noted.filter(({ message }) => message.includes("other bytes"));
    expect(lines.map(({ fields }) => fields.peer)).to.deep.equal([host.id]);
  });

  it("go on from the controller when the host is killed that gives them", async () => {
    await create(1, 3);
    await tells(1, 3);
    const before = await peer(2);
    const made = create(2, 3);
    const part = `${cached(2, 3)}.part`;
    const size = async () => (await stat(part).catch(() => ({ size: 0 }))).size;
    await until(size, (now) => now > 8 * mib, 24_000);
    killable.kill("SIGKILL");
    await once(killable, "exit");
    await made;
    await isRight(2, 3);
    const brought = (before?.fromPeersBytes ?? 0) + (before?.fromControllersBytes ?? 0) + bytes;
    const after = await figures(
      2,
      ({ fromPeersBytes, fromControllersBytes }) => fromPeersBytes + fromControllersBytes >= brought,
    );
    const fromPeers = after.fromPeersBytes - (before?.fromPeersBytes ?? 0);
    const fromControllers = after.fromControllersBytes - (before?.fromControllersBytes ?? 0);
    expect(fromPeers).to.be.above(8 * mib);
    expect(fromControllers).to.be.above(0);
    // Where it went on nothing came twice, but what was under way.
    expect(fromPeers + fromControllers).to.be.below(bytes + 2 * mib);
    expect(
      (await readdir(join(cluster.state("node-2"), "images"))).some((name) => name.endsWith(".part")),
    ).to.equal(false);
  });
});
