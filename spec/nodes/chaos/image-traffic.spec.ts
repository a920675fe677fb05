/** The uploads of a client of the load, by value, against a server of the spec's own. */
import { expect } from "chai";
import type { Fact } from "../../../actors/promises/facts.ts";
import { type ImageTrafficOptions, sendImages } from "../../../nodes/chaos/image-traffic.ts";
import { createRandom } from "../../../nodes/chaos/random.ts";
import type { ImageSource, SendOptions } from "../../../nodes/sdk/images.ts";
import { StatusError } from "../../../nodes/sdk/sdk.ts";

const imagesMade = 12;

/** A client that has sent some images, to a cluster that keeps them as `kept` says. */
async function traffic(kept: (content: Buffer) => Buffer) {
  const facts: Fact[] = [];
  const files = new Map<string, Buffer>();
  const brokenOff = new Set<string>();
  const over = new AbortController();
  const there = new Set<string>();
  let made = 0;
  const image = {
    create: async () => {
      made += 1;
      if (made === imagesMade) over.abort();
      there.add(`image-${made}`);
      return { image: { id: `image-${made}` } };
    },
    delete: async (id: string) => void there.delete(id),
  };
  const sendImage = async (id: string, source: ImageSource, { signal, onProgress }: SendOptions) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of source.from(0)) pieces.push(piece);
    onProgress?.(1, source.sizeBytes);
    if (signal?.aborted) brokenOff.add(id);
    signal?.throwIfAborted();
    files.set(id, kept(Buffer.concat(pieces)));
  };
  async function* all(id: string) {
    yield files.get(id) ?? Buffer.alloc(0);
  }
  const fetchImage = async (id: string) => ({ pieces: all(id) });
  const calls: object = { image, sendImage, fetchImage };
  const novact = calls as ImageTrafficOptions["novact"];
  const options: ImageTrafficOptions = {
    ...{ name: "sent", novact, random: createRandom(1, "images"), pauseMs: 0, ending: over.signal },
    recorder: { tell: (fact) => void facts.push(fact) },
  };
  await sendImages(options);
  return { facts, files, brokenOff, there };
}

describe("chaos: images of the load", () => {
  it("are sent, some of them once more after they were broken off, fetched, and deleted", async () => {
    const { facts, files, brokenOff, there } = await traffic((content) => content);
    const served = facts.flatMap((fact) => (fact.kind === "imageServed" ? [fact] : []));
    expect(served).to.have.length(imagesMade).and.to.have.length(facts.length);
    expect(served.filter(({ sha256, digest }) => sha256 !== digest)).to.deep.equal([]);
    expect(brokenOff.size).to.be.above(0).and.to.be.below(imagesMade);
    expect([...brokenOff].every((id) => files.has(id))).to.equal(true);
    expect(there.size).to.equal(0);
    const bootable = [...files.values()].filter((content) => content.readUInt16BE(510) === 0x55aa);
    expect(bootable.filter(({ length }) => length % 512 === 0)).to.have.length(imagesMade);
  });

  it("are told as what came, and not as what was sent", async () => {
    const { facts } = await traffic((content) => content.fill(0, 1_000, 2_000));
    const differ = facts.filter((fact) => fact.kind === "imageServed" && fact.sha256 !== fact.digest);
    expect(differ).to.have.length(imagesMade);
  });

  it("that are refused are told with the reason, and others are sent", async () => {
    const { facts, there } = await traffic(() => {
      throw new StatusError("checksumMismatch", "They are others.");
    });
    const reasons = facts.map((fact) => (fact.kind === "imageRefused" ? fact.reason : fact.kind));
    expect(reasons).to.deep.equal(Array.from({ length: imagesMade }, () => "checksumMismatch"));
    expect(there.size).to.equal(0);
  });
});
