/** Images from files and into files, by the commands. */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { kindOfFile } from "../../../nodes/cli/nouns/image-file.ts";
import { type ImageWorld, imageWorld } from "../../support/image-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

const mib = 1024 ** 2;

describe("the kind of an image's file", () => {
  it("is said by its name, or by the user, and by nothing else", () => {
    expect(kindOfFile("a.qcow2", {})).to.deep.equal({ format: "qcow2" });
    expect(kindOfFile("/x.y/a.vmdk.gz", {})).to.deep.equal({ format: "vmdk", packing: "gzip" });
    expect(kindOfFile("a.RAW.ZST", {})).to.deep.equal({ format: "raw", packing: "zstd" });
    expect(kindOfFile("a.img", { format: "raw" })).to.deep.equal({ format: "raw" });
    expect(kindOfFile("a.img.xz", { format: "qcow2" })).to.deep.equal({ format: "qcow2", packing: "xz" });
    expect(() => kindOfFile("disk", {})).to.throw("does not say its format");
    expect(() => kindOfFile("a.img.gz", {})).to.throw("does not say its format");
  });
});

describe("images in files", function () {
  this.timeout(120_000);
  let world: ImageWorld;
  beforeEach(async () => {
    world = await imageWorld();
  });
  afterEach(() => world.stop());

  const content = Buffer.alloc(3 * mib);
  for (let at = 0; at < content.length; at += 4) content.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const at = (name: string) => join(world.place.path, name);
  const novact = (line: string) => commandOn(connectOn(world.bus, "test").connect)(line);

  it("are sent, and sent again without a second one, and saved as they were", async () => {
    await writeFile(at("disk.raw"), content);
    world.breakAfter(mib);
    const first = await novact(
      `image create mine --file ${at("disk.raw")} --property hw_disk_bus=virtio --json`,
    );
    expect([first.exit, first.err]).to.deep.equal([0, ""]);
    const image = JSON.parse(first.out);
    expect(image).to.deep.include({ name: "mine", state: "active", sizeBytes: content.length });
    expect(image.properties.extra).to.deep.equal({ hw_disk_bus: "virtio" });
    const again = await novact(`image create mine --file ${at("disk.raw")} --json`);
    expect(JSON.parse(again.out).id).to.equal(image.id);
    expect(again.err).to.include("has these bytes already");
    const saved = await novact(`image save mine --file ${at("back.raw")} --json`);
    expect(JSON.parse(saved.out)).to.deep.equal({ file: at("back.raw"), sha256, sizeBytes: content.length });
    expect((await readFile(at("back.raw"))).equals(content)).to.equal(true);
    const taken = await novact(`image save mine --file ${at("back.raw")}`);
    expect([taken.exit !== 0, taken.err]).to.satisfy(([failed, err]: [boolean, string]) => {
      return failed && err.includes("--overwrite");
    });
  });

  it("go on where an earlier run was cut off, and begin anew when that was something else", async () => {
    await writeFile(at("disk.raw"), content);
    const { image } = await world.demo.image.create({ name: "mine" });
    await world.demo.image.upload(image.id, { sizeBytes: content.length });
    await world.uploads.write(image.id, 0, content.subarray(0, mib));
    const sent = await novact(`image create mine --file ${at("disk.raw")} --json`);
    expect([sent.exit, JSON.parse(sent.out).id]).to.deep.equal([0, image.id]);
    expect(sent.err).to.include(`Going on with the image ${image.id}`);
    const aside = at(`back.raw.${sha256.slice(0, 16)}.part`);
    await writeFile(aside, content.subarray(0, 2 * mib));
    const saved = await novact(`image save ${image.id} --file ${at("back.raw")}`);
    expect(saved.err).to.include("Going on at 2 MiB of 3 MiB");
    expect((await readFile(at("back.raw"))).equals(content)).to.equal(true);
    await writeFile(aside, Buffer.alloc(mib, "x"));
    const wrong = await novact(`image save ${image.id} --file ${at("back.raw")} --overwrite`);
    expect(wrong.exit).not.to.equal(0);
    expect(wrong.err).to.include("Run the same command again");
    expect((await novact(`image save ${image.id} --file ${at("back.raw")} --overwrite`)).exit).to.equal(0);
    expect((await readdir(world.place.path)).filter((name) => name.endsWith(".part"))).to.deep.equal([]);
  });

  it("say what to do when they are none", async () => {
    await writeFile(at("empty.raw"), "");
    for (const [file, words] of [
      [at("nothing.raw"), "There is no file"],
      [at("empty.raw"), "is empty"],
    ] as const) {
      const { exit, err } = await novact(`image create mine --file ${file}`);
      expect([exit !== 0, err.includes(words)]).to.deep.equal([true, true]);
    }
    await writeFile(at("disk.qcow2"), content);
    const { exit, err } = await novact(`image create mine --file ${at("disk.qcow2")}`);
    expect(exit).not.to.equal(0);
    expect(err).to.include("reason: unusableImage").and.to.include("novact image delete");
    expect((await world.demo.image.list({ name: "mine" })).images[0]?.state).to.equal("queued");
  });
});
