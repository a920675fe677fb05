/**
 * What every host keeps to that gives images of its cache to other hosts: it tells what it has, gives it to
 * whoever was offered it, to so many at once, and a transfer that is cut off gives no other bytes than
 * those of the image.
 */
import { createHash } from "node:crypto";
import { expect } from "chai";
import type { ImageGiving } from "../../actors/ports/image-giving.ts";
import { type ImageOffer, toldOf } from "../../protocol/image-peer.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { until } from "./asking.ts";

export interface GivingWorld {
  /** It gives two images at once. */
  readonly giving: ImageGiving;
  put(sha256: string, content: Buffer): Promise<void>;
  /** As one that has to make room. */
  evict(sha256: string): Promise<void>;
  pass(ms: number): void;
  /** Resolves when the first bytes from there on have come. @throws Error with the reason of the refusal */
  begin(offer: ImageOffer, sha256: string, from: number): Promise<Transfer>;
  close(): Promise<void>;
}

export interface Transfer {
  /** All that comes; fewer bytes than there are: it was cut off. */
  rest(): Promise<Buffer>;
  end(): void;
}

/** Larger than what is under way between two ends. */
const sizeBytes = 24 * 1024 ** 2;
const contentOf = (seed: number): Buffer => {
  const content = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 4) content.writeUInt32LE((at * 2_654_435_761 + seed) >>> 0, at);
  return content;
};
const contents = [1, 2].map(contentOf);
const checksums = contents.map((content) => createHash("sha256").update(content).digest("hex"));
const [one = Buffer.alloc(0), other = Buffer.alloc(0)] = contents;
const [sha256 = "", otherSha256 = ""] = checksums;

export function imageGivingContract(open: () => Promise<GivingWorld>): void {
  let world: GivingWorld;
  beforeEach(async () => {
    world = await open();
    await world.put(sha256, one);
  });
  afterEach(() => world.close());

  const offer = (of = sha256, who = "h2") => world.giving.offer({ sha256: of, who });
  const refusal = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "none",
      (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
    );
  const told = async () => world.giving.told();

  it("tells what it has, and what it has no more", async () => {
    await world.put(otherSha256, other);
    const both = await until(told, ({ has }) => has.length === 2, 400);
    expect([...both.has].sort()).to.deep.equal([sha256, otherSha256].map(toldOf).sort());
    await world.evict(otherSha256);
    await until(told, ({ has }) => has.length === 1 && has[0] === toldOf(sha256), 400);
  });

  it("gives an image from any byte on to whoever was offered it, and counts what it sent", async () => {
    const transfer = await world.begin(await offer(), sha256, 5);
    expect((await transfer.rest()).equals(one.subarray(5))).to.equal(true);
    transfer.end();
    const after = await until(told, ({ sending }) => sending === 0);
    expect(after.sentBytes).to.equal(sizeBytes - 5);
  });

  it("offers nothing that it has not, and opens nothing else and nothing later by what it offered", async () => {
    expect(await refusal(offer(otherSha256))).to.equal("notFound");
    const offered = await offer();
    await world.put(otherSha256, other);
    expect(await refusal(world.begin(offered, otherSha256, 0))).to.equal("ticketMismatch");
    world.pass(3_600_000);
    expect(await refusal(world.begin(offered, sha256, 0))).to.equal("ticketInvalid");
    const late = await offer();
    await world.evict(sha256);
    expect(await refusal(world.begin(late, sha256, 0))).to.equal("notFound");
  });

  it("gives to two at once, and says so to a third one, by whom it is asked again later", async () => {
    const offers = await Promise.all(["h2", "h3", "h4"].map((who) => offer(sha256, who)));
    const [first, second, third] = offers;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error("There are three.");
    const both = [await world.begin(first, sha256, 0), await world.begin(second, sha256, 0)];
    expect(world.giving.told().sending).to.equal(2);
    expect(await refusal(world.begin(third, sha256, 0))).to.equal("tooManyRequests");
    expect(await refusal(offer())).to.equal("tooManyRequests");
    for (const transfer of both) transfer.end();
    await until(told, ({ sending }) => sending === 0);
    const again = await world.begin(third, sha256, 0);
    expect((await again.rest()).equals(one)).to.equal(true);
  });

  it("gives an image to a host once at a time, whatever that host holds open", async () => {
    const [first, second] = [await offer(), await offer()];
    const transfer = await world.begin(first, sha256, 0);
    expect(await refusal(world.begin(second, sha256, 0))).to.equal("tooManyRequests");
    expect(await refusal(world.begin(first, sha256, 0))).to.equal("tooManyRequests");
    const other = await world.begin(await offer(sha256, "h3"), sha256, 0);
    for (const one of [transfer, other]) one.end();
    await until(told, ({ sending }) => sending === 0);
  });

  it("ends what it sends of an image that has to make room, and sends no other bytes", async () => {
    const transfer = await world.begin(await offer(), sha256, 0);
    await world.evict(sha256);
    const rest = await transfer.rest();
    expect(rest.length).to.be.below(sizeBytes);
    expect(rest.equals(one.subarray(0, rest.length))).to.equal(true);
    await until(told, ({ sending }) => sending === 0);
  });
}
