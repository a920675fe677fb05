/**
 * What becomes of an image's files, through the controllers: they go with the last image that has them, and
 * nothing that fails or dies in between leaves one for ever, or takes one that an image has.
 */
import { expect } from "chai";
import { sweepImageFiles } from "../../actors/control/catalog/image-sweeper.ts";
import { catalogLimits } from "../../actors/control/catalog/limits.ts";
import { storageLimits } from "../../protocol/limits/storage.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";
import { MemoryImageFiles } from "../support/memory-image-files.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

describe("the files of images", () => {
  let world: World;
  let files: MemoryImageFiles;
  /** What is taken now was taken so long ago. */
  let agoMs = 0;
  beforeEach(async () => {
    agoMs = 0;
    files = new MemoryImageFiles({ nowMs: () => Date.now() - agoMs });
    world = await controllerWorld({ controllers: 2, imageFiles: files, catalog: false });
  });
  afterEach(() => world.stop());

  const register = (name: string, kernel = "/kernel", options = {}) =>
    world.admin.image.register({ name, kernel: { path: kernel } }, options);
  const kept = async () => (await files.list()).files.map(({ sizeBytes }) => sizeBytes);
  const sweep = () => sweepImageFiles({ store: world.store, files }, { nowMs: Date.now }, silentLog);
  const size = (path: string) => path.length;

  it("go with their image, all of them, and nothing is held any more", async () => {
    const { image } = await world.admin.image.register({
      name: "whole",
      disk: { path: "/a-disk", format: "raw" },
      kernel: { path: "/a-kernel" },
      ramdisk: { path: "/the-ramdisk" },
    });
    expect(await kept()).to.have.members(["/a-disk", "/a-kernel", "/the-ramdisk"].map(size));
    expect((await files.list()).holds).to.deep.equal([]);
    await world.admin.image.delete(image.name, {});
    expect(await files.list()).to.deep.equal({ files: [], holds: [] });
    await register("whole", "/a-kernel");
    expect(await kept()).to.deep.equal([size("/a-kernel")]);
  });

  it("stay while another image has them", async () => {
    await register("one");
    await register("two");
    await world.admin.image.delete("one", {});
    expect(await kept()).to.deep.equal([size("/kernel")]);
    await world.admin.image.delete("two", {});
    expect(await kept()).to.deep.equal([]);
  });

  it("stay while an instance uses the image", async () => {
    await world.host("a");
    await world.admin.flavor.create({ name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 });
    await register("tiny");
    const { instance } = await world.demo.instance.create({ name: "web", flavor: "tiny", image: "tiny" });
    expect((await refused(world.admin.image.delete("tiny", {}))).reason).to.equal("inUse");
    expect(await kept()).to.deep.equal([size("/kernel")]);
    await world.demo.instance.delete(instance.id, { wait: true });
    await world.admin.image.delete("tiny", {});
    expect(await kept()).to.deep.equal([]);
  });

  it("of a registration that is refused are not kept, unless an image has them", async () => {
    const wrong = { path: "/ramdisk", sha256: "0".repeat(64) };
    const ask = () => world.admin.image.register({ name: "x", kernel: { path: "/kernel" }, ramdisk: wrong });
    expect((await refused(ask())).reason).to.equal("checksumMismatch");
    expect(await files.list()).to.deep.equal({ files: [], holds: [] });
    await register("other");
    expect((await refused(ask())).reason).to.equal("checksumMismatch");
    expect(await kept()).to.deep.equal([size("/kernel")]);
    expect((await files.list()).holds).to.deep.equal([]);
  });

  it("of two that are called the same are both kept, and who names them is told both ids", async () => {
    const both = await Promise.all([register("same", "/first"), register("same", "/second!")]);
    const ids = both.map(({ image }) => image.id).sort();
    expect(await kept()).to.have.length(2);
    expect((await files.list()).holds).to.deep.equal([]);
    const several = await refused(world.admin.image.get("same", {}));
    expect([several.reason, several.message]).to.deep.equal([
      "ambiguous",
      `2 images are called same: ${ids.join(", ")}.`,
    ]);
    await world.admin.flavor.create({ name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 });
    const create = (image: string) => world.demo.instance.create({ name: "web", flavor: "tiny", image });
    expect((await refused(create("same"))).reason).to.equal("ambiguous");
    await world.host("a");
    expect((await create(ids[1] ?? "")).instance.image.id).to.equal(ids[1]);
    await world.admin.image.delete(ids[0] ?? "", {});
    expect((await world.admin.image.get("same", {})).image.id).to.equal(ids[1]);
  });

  it("of a request that comes twice at once are kept once, and held by nobody", async () => {
    const twice = { requestId: "once" };
    const [one, other] = await Promise.all([register("same", "/k", twice), register("same", "/k", twice)]);
    expect(one).to.deep.equal(other);
    expect(await kept()).to.deep.equal([2]);
    expect((await files.list()).holds).to.deep.equal([]);
  });

  it("survive every order of registrations and removals of the same content", async () => {
    const life = async (name: string) => {
      for (let round = 0; round < 8; round += 1) {
        const { image } = await register(name);
        const sha256 = image.kernel?.sha256;
        await until(files.list.bind(files), (now) =>
          now.files.some((one) => one.sha256 === sha256 && !one.aside),
        );
        await world.admin.image.delete(name, {});
      }
    };
    await Promise.all(["one", "two", "three"].map(life));
    expect(await files.list()).to.deep.equal({ files: [], holds: [] });
  });

  it("that could not be removed are removed later, and the request is answered all the same", async () => {
    await register("alive", "/alive");
    const { image } = await register("stuck");
    const remove = files.removeUnnamed.bind(files);
    files.removeUnnamed = async () => {
      throw new StatusError("internal", "The disk is broken.");
    };
    expect(await world.admin.image.delete("stuck", {})).to.deep.equal({ image });
    files.removeUnnamed = remove;
    // It is young: it might be new.
    await sweep();
    expect(await kept()).to.have.members([size("/alive"), size("/kernel")]);
    const { findings, compared } = await world.admin.doctor.examine({}, { timeoutMs: 60_000 });
    expect(compared.imageFiles).to.equal(2);
    expect(findings.map(({ subject }) => subject)).to.deep.equal([`image file ${image.kernel?.sha256}`]);
    const late = { nowMs: () => Date.now() + catalogLimits.imageLeftoverMs + 1_000 };
    await sweepImageFiles({ store: world.store, files }, late, silentLog);
    expect(await kept()).to.deep.equal([size("/alive")]);
  }).timeout(20_000);

  it("of a registration that died are held for a day, then removed", async () => {
    await register("alive", "/alive");
    agoMs = storageLimits.imageHoldMs - 60_000;
    await files.registerPlain({ path: "/lately" }, "image-lately");
    agoMs = storageLimits.imageHoldMs + 60_000;
    await files.registerPlain({ path: "/long-ago" }, "image-long-ago");
    await sweep();
    expect(await kept()).to.have.members([size("/alive"), size("/lately")]);
    expect((await files.list()).holds.map(({ imageId }) => imageId)).to.deep.equal(["image-lately"]);
  });

  it("of one that died after its row was written stay, and are let go of at once", async () => {
    const { image } = await register("alive", "/alive");
    await files.registerPlain({ path: "/alive" }, image.id);
    await sweep();
    expect(await kept()).to.deep.equal([size("/alive")]);
    expect((await files.list()).holds).to.deep.equal([]);
  });

  it("that a removal which died has put aside are put back, or gone", async () => {
    const { image } = await register("alive", "/alive");
    const { sha256 = "" } = image.kernel ?? {};
    files.leaveAside(sha256);
    const gone = await files.registerPlain({ path: "/gone" }, "image-gone");
    await files.release("image-gone");
    files.leaveAside(gone.sha256);
    await sweep();
    const { files: now } = await files.list();
    expect(now.map((one) => [one.sha256, one.aside])).to.deep.equal([[sha256, false]]);
  });

  it("are left alone by a database that has no image at all: it may be the wrong one", async () => {
    agoMs = storageLimits.imageHoldMs + 60_000;
    await files.registerPlain({ path: "/of-another" }, "image-of-another");
    await sweep();
    expect(await kept()).to.deep.equal([size("/of-another")]);
  });

  it("are looked after by each controller when it starts", async () => {
    await register("alive", "/alive");
    agoMs = catalogLimits.imageLeftoverMs + 60_000;
    await files.registerPlain({ path: "/left-over" }, "image-over");
    await files.release("image-over");
    const { store } = world;
    const next = await controllerWorld({ store, imageFiles: files, catalog: false });
    await until(kept, (sizes) => sizes.length === 1);
    expect(await kept()).to.deep.equal([size("/alive")]);
    await next.stop();
  });
});
