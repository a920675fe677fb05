/** An image's files on a real disk: stored with the image, and removed with the last image that has them. */
import { createHash } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { Image } from "../../protocol/image.ts";
import { refused } from "../support/asking.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";

const content = new Uint8Array(1024 * 1024).fill(7);
const sha256 = createHash("sha256").update(content).digest("hex");

describe("the files of images, on a controller's disk", function () {
  this.timeout(120_000);
  let cluster: LiveCluster;
  /** Checksums of the image that every live cluster has. */
  let others: readonly string[];
  before(async function () {
    cluster = await startLiveCluster(this);
    others = await readdir(cluster.imageStore);
    await writeFile(join(cluster.imageSources, "disk"), content);
    await writeFile(join(cluster.imageSources, "kernel"), "kernel of two images");
  });
  after(() => cluster?.stop());

  const kept = async () =>
    (await readdir(cluster.imageStore)).filter((name) => !others.includes(name)).sort();
  const register = async (name: string, kernel = false): Promise<Image> => {
    const { image } = await cluster.admin.image.register({
      name,
      disk: { path: join(cluster.imageSources, "disk"), format: "raw", sha256 },
      ...(kernel ? { kernel: { path: join(cluster.imageSources, "kernel") } } : {}),
    });
    return image;
  };
  const create = async (image: string) => {
    const { admin, flavor } = cluster;
    const { instance } = await admin.instance.create({ name: "web", flavor, image, wait: true });
    expect(instance.state).to.equal("running");
    return instance.id;
  };

  it("go when no instance and no image has them, and come again", async () => {
    const { admin } = cluster;
    for (const name of ["first", "again"]) {
      await register(name);
      expect(await kept()).to.deep.equal([sha256]);
      const id = await create(name);
      expect((await refused(admin.image.delete(name, {}))).reason).to.equal("inUse");
      expect(await kept()).to.deep.equal([sha256]);
      await admin.instance.delete(id, { wait: true });
      await admin.image.delete(name, {});
      expect(await kept()).to.deep.equal([]);
    }
    const { findings } = await admin.doctor.examine({}, { timeoutMs: 60_000 });
    expect(findings).to.deep.equal([]);
  });

  it("are no packed file, where a guest is to boot from it by its firmware", async () => {
    const { admin } = cluster;
    const packed = new Uint8Array(1024);
    packed.set([0x1f, 0x8b, 0x08]);
    await writeFile(join(cluster.imageSources, "packed"), packed);
    const disk = { path: join(cluster.imageSources, "packed"), format: "raw" } as const;
    for (const properties of [{}, { hypervisor: "qemu" }, { extra: { img_hv_type: "kvm" } }]) {
      const error = await refused(admin.image.register({ name: "packed", disk, properties }));
      expect(error.reason).to.equal("unusableImage");
      expect(error.message).to.match(/compressed by gzip; unpack it/);
    }
    const kernel = { path: join(cluster.imageSources, "kernel") };
    for (const given of [{ kernel }, { properties: { hypervisor: "containers" } }]) {
      await admin.image.register({ name: "packed", disk, ...given });
      await admin.image.delete("packed", {});
    }
    expect(await kept()).to.deep.equal([]);
  });

  it("stay as long as one image has them", async () => {
    const { admin } = cluster;
    const both = await register("both", true);
    await register("one");
    expect(await kept()).to.deep.equal([sha256, both.kernel?.sha256].sort());
    await admin.image.delete("both", {});
    expect(await kept()).to.deep.equal([sha256]);
    const id = await create("one");
    await admin.instance.delete(id, { wait: true });
    await admin.image.delete("one", {});
    expect(await kept()).to.deep.equal([]);
  });

  it("are there for every image, whoever registers and deletes the same content at once", async () => {
    const life = async (name: string) => {
      for (let round = 0; round < 5; round += 1) {
        await register(`${name}-${round}`);
        await cluster.admin.image.delete(`${name}-${round}`, {});
      }
      await register(name);
    };
    await Promise.all(["a", "b", "c"].map(life));
    expect(await kept()).to.deep.equal([sha256]);
    for (const name of ["a", "b", "c"]) await cluster.admin.image.delete(name, {});
    expect(await kept()).to.deep.equal([]);
  });

  it("are those of the image that has the name now, and of none once it is deleted", async () => {
    const { admin } = cluster;
    const size = { vcpus: 1, memoryMib: 64, diskGib: 1 };
    await admin.flavor.create({ name: "passing", ...size });
    await register("passing");
    const question = { name: "web", flavor: "passing", image: "passing" };
    // The answering controller has flavor and image in its cache from here on.
    const { instance: first } = await admin.instance.create({ ...question, wait: true });
    await admin.instance.delete(first.id, { wait: true });
    await admin.image.delete("passing", {});
    expect((await refused(admin.instance.create(question))).reason).to.equal("unknownImage");
    const image = await register("passing");
    await admin.flavor.delete("passing", {});
    expect((await refused(admin.instance.create(question))).reason).to.equal("unknownFlavor");
    const { flavor } = await admin.flavor.create({ name: "passing", ...size, memoryMib: 96 });
    const { instance } = await admin.instance.create({ ...question, wait: true });
    expect(instance.image.id).to.equal(image.id);
    expect(instance.flavor).to.include({ id: flavor.id, memoryMib: 96 });
    await admin.instance.delete(instance.id, { wait: true });
    await admin.image.delete("passing", {});
    expect(await kept()).to.deep.equal([]);
  });

  it("of a registration that is refused are not kept", async () => {
    const disk = { path: join(cluster.imageSources, "disk"), format: "raw" } as const;
    const kernel = { path: join(cluster.imageSources, "kernel"), sha256: "0".repeat(64) };
    const attempt = cluster.admin.image.register({ name: "wrong", disk, kernel });
    expect((await refused(attempt)).reason).to.equal("checksumMismatch");
    expect(await kept()).to.deep.equal([]);
  });
});
