/** Images sent and fetched by the SDK, over connections that break off. */
import { createHash } from "node:crypto";
import { expect } from "chai";
import { systemClock } from "../../../nodes/process/clock.ts";
import { createImageTransfers, type ImageSource, type ImageTransfers } from "../../../nodes/sdk/images.ts";
import { refused } from "../../support/asking.ts";
import { type ImageWorld, imageWorld } from "../../support/image-world.ts";

const mib = 1024 ** 2;

/** Bytes that are unlike at each place, without the header of any format. */
function sample(sizeBytes: number): Buffer {
  const content = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 4 <= sizeBytes; at += 4) content.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  return content;
}

describe("images by the SDK", function () {
  this.timeout(120_000);
  let world: ImageWorld;
  let transfers: ImageTransfers;
  beforeEach(async () => {
    world = await imageWorld();
    transfers = createImageTransfers(world.demo, { clock: systemClock, random: Math.random });
  });
  afterEach(() => world.stop());

  const content = sample(20 * mib);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const sourceOf = (bytes: Buffer, begun: number[] = []): ImageSource => ({
    sizeBytes: bytes.length,
    async *from(offset) {
      begun.push(offset);
      for (let at = offset; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
    },
  });
  const made = async (name = "mine") => (await world.demo.image.create({ name })).image.id;
  const fetched = async (id: string, offset = 0): Promise<Buffer> => {
    const { pieces } = await transfers.fetchImage(id, { offset });
    const all: Uint8Array[] = [];
    for await (const piece of pieces) all.push(piece);
    return Buffer.concat(all);
  };

  it("go on where they were when the connection breaks, both ways", async () => {
    const [id, begun] = [await made(), [] as number[]];
    world.breakAfter(3 * mib, 9 * mib, 100);
    const image = await transfers.sendImage(id, sourceOf(content, begun), { format: "raw", sha256 });
    expect(image).to.deep.include({ state: "active", sizeBytes: content.length });
    expect(image.disk).to.include({ sha256 });
    // What had arrived before a break was not sent again.
    expect(begun.length).to.be.at.least(3);
    expect(begun[0]).to.equal(0);
    expect(begun.at(-1)).to.be.greaterThan(0);
    world.breakAfter(2 * mib, 5 * mib, 100);
    expect((await fetched(id)).equals(content)).to.equal(true);
    expect((await fetched(id, 19 * mib)).equals(content.subarray(19 * mib))).to.equal(true);
  });

  it("go over the bus when they are small, and nobody needs HTTP", async () => {
    const [id, small] = [await made(), sample(307_200)];
    world.breakAfter(...Array<number>(20).fill(0));
    const image = await transfers.sendImage(id, sourceOf(small), { format: "raw" });
    expect(image).to.deep.include({ state: "active", sizeBytes: small.length });
  });

  it("are refused with the reason, and what was sent is completed as something else", async () => {
    const [id, small] = [await made(), sample(307_200)];
    const denied = await refused(transfers.sendImage(id, sourceOf(small), { format: "qcow2" }));
    expect(denied.reason).to.equal("unusableImage");
    const begun: number[] = [];
    const image = await transfers.sendImage(id, sourceOf(small, begun), { format: "raw" });
    expect([image.state, begun]).to.deep.equal(["active", []]);
    const other = transfers.fetchImage(id, { sha256: "0".repeat(64) });
    expect((await refused(other)).reason).to.equal("checksumMismatch");
  });

  it("are not taken for those of another file, which was sent before", async () => {
    const [id, small] = [await made(), sample(307_200)];
    await transfers.sendImage(id, sourceOf(small), { format: "raw" });
    const other = Buffer.alloc(small.length, 7);
    const said = { format: "raw", sha256: createHash("sha256").update(other).digest("hex") } as const;
    const { reason, message } = await refused(transfers.sendImage(id, sourceOf(other), said));
    expect([reason, message]).to.deep.equal([
      "checksumMismatch",
      `The image ${id} has the bytes of another file.`,
    ]);
  });

  it("say so when the server cannot be reached for as long as one waits", async () => {
    const id = await made();
    world.breakAfter(...Array<number>(200).fill(0));
    const denied = await refused(
      transfers.sendImage(id, sourceOf(content), { format: "raw", patienceMs: 0 }),
    );
    expect(denied.reason).to.equal("imageElsewhere");
    expect((await world.demo.image.get(id, {})).image.state).to.equal("saving");
  });
});
