/**
 * A host that does not see the controllers' directory of images, as one on another computer: its guests boot
 * from what it pulls by checksum. Its cache is too small for three disks: what goes is what no guest needs,
 * and what does not fit is refused in words until there is room. Real PostgreSQL, NATS and QEMU.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { startCompute } from "../../nodes/compute/main.ts";
import { imagesInUse } from "../../nodes/drivers/images/images-in-use.ts";
import { loadCluster } from "../../nodes/plugins/load.ts";
import { until } from "../support/asking.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

const mib = 1024 ** 2;
/** Much more than the holes of the kernel, which some file systems have and others have not. */
const diskMib = 40;
const disks = [1, 2, 3].map(() => randomBytes(diskMib * mib));
const checksums = disks.map((bytes) => createHash("sha256").update(bytes).digest("hex"));
const patient = { timeoutMs: 120_000 };

describe("a host that does not see the images of the controllers", function () {
  this.timeout(180_000);
  let cluster: LiveCluster;
  let sources: string;
  let cache: string;
  let directories: Parameters<typeof imagesInUse>[0];
  const ends: (() => Promise<void>)[] = [];

  before(async function () {
    const guest = guestOfSetup();
    const missing = missingForGuests();
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "there is no tiny guest");
    sources = await mkdtemp(join(tmpdir(), "novact-pulled-"));
    for (const [index, bytes] of disks.entries()) await writeFile(join(sources, `disk-${index + 1}`), bytes);
    let plainBytes = 0;
    for (const name of ["kernel", "ramdisk"] as const) {
      const bytes = await readFile(guest[name]);
      plainBytes += bytes.length;
      await writeFile(join(sources, name), bytes);
    }
    // Two disks fit in beside kernel and ramdisk, and three do not.
    const imageCacheMib = Math.ceil(plainBytes / mib + 2.1 * diskMib);
    const node = {
      name: "node-1",
      hypervisor: "qemu",
      disks: { driver: "files", options: { imageCacheMib, sharedDirectory: "none" } },
    };
    cluster = await startLiveCluster(this, undefined, {
      ...{ nodes: [node], imageSources: sources },
      start: async (file) => {
        // The same cluster, with a state directory of its own.
        const elsewhere = join(dirname(file), "elsewhere");
        await mkdir(elsewhere, { mode: 0o711 });
        const yaml = { ...JSON.parse(await readFile(file, "utf8")), stateDirectory: elsewhere };
        await writeFile(join(elsewhere, "cluster.yaml"), JSON.stringify(yaml));
        const loaded = await loadCluster(join(elsewhere, "cluster.yaml"));
        cache = join(elsewhere, "nodes", "node-1", "images");
        const own = join(elsewhere, "nodes", "node-1");
        directories = { guests: join(own, "guests"), machines: join(own, "machines") };
        const compute = await startCompute({ ...loaded, nodeName: "node-1", log: silentLog });
        ends.push(() => compute.stop({ guests: true, patienceMs: 0 }));
      },
    });
    for (const index of [1, 2, 3])
      await cluster.admin.image.register({
        name: `image-${index}`,
        commandLine: guest.commandLine,
        disk: { path: join(sources, `disk-${index}`), format: "raw" },
        kernel: { path: join(sources, "kernel") },
        ramdisk: { path: join(sources, "ramdisk") },
      });
  });
  after(async () => {
    for (const end of ends) await end();
    await cluster?.stop();
    if (sources !== undefined) await rm(sources, { recursive: true, force: true });
  });

  const attempt = (index: number) => {
    const { admin, flavor } = cluster;
    const asked = { name: `vm-${index}`, flavor, image: `image-${index}`, wait: true };
    return admin.instance.create(asked, patient);
  };
  const create = async (index: number) => {
    const { instance } = await attempt(index);
    expect(instance.state, instance.failure?.message ?? "").to.equal("running");
    return instance.id;
  };
  /** Until nothing of the host names the image any more. */
  const remove = async (id: string, index: number) => {
    await cluster.admin.instance.delete(id, { wait: true }, patient);
    const isFree = (used: ReadonlySet<string>) => !used.has(checksums[index - 1] ?? "");
    await until(() => imagesInUse(directories), isFree, 2_400);
  };
  /** The disks of images that the host has. */
  const cached = async () => {
    const names = await readdir(cache);
    return checksums.flatMap((sha256, index) => (names.includes(sha256) ? [index + 1] : []));
  };
  const ids: string[] = [];

  it("boots a guest from what it pulls, though it begins with bytes of somebody who lied", async () => {
    await writeFile(join(cache, `${checksums[0]}.part`), randomBytes(mib));
    ids.push(await create(1));
    expect(await cached()).to.deep.equal([1]);
    expect((await readFile(join(cache, checksums[0] ?? ""))).equals(disks[0] ?? Buffer.alloc(0))).to.equal(
      true,
    );
    let [text, offset] = ["", 0];
    while (!text.includes("NOVACT-GUEST READY")) {
      const page = await cluster.admin.instance.console(ids[0] ?? "", { offset, waitMs: 10_000 }, patient);
      text += page.text;
      offset = page.nextOffset;
    }
  });

  it("loses the image that no guest needs when another has to come", async () => {
    await remove(await create(2), 2);
    expect(await cached()).to.deep.equal([1, 2]);
    ids.push(await create(3));
    expect(await cached()).to.deep.equal([1, 3]);
  });

  it("refuses in words what does not fit beside the images of its guests, and takes it when it does", async () => {
    const { instance, operation } = await attempt(2);
    expect(instance.state).to.equal("failed");
    expect(operation.error?.message).to.match(/image cache of the host has no room/);
    expect(await cached()).to.deep.equal([1, 3]);
    await remove(instance.id, 2);
    await remove(ids.pop() ?? "", 3);
    ids.push(await create(2));
    expect(await cached()).to.deep.equal([1, 2]);
    const { findings } = await cluster.admin.doctor.examine({}, patient);
    expect(findings.filter(({ message: said }) => /image/i.test(said))).to.deep.equal([]);
  });
});
