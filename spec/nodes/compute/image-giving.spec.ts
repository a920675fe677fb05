/**
 * Hosts that give images of their caches to other hosts, over HTTP and in memory: both keep to one
 * contract.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { expect } from "chai";
import { openImageGiving } from "../../../nodes/compute/image-giving.ts";
import { CacheRoom } from "../../../nodes/drivers/images/cache-room.ts";
import { CachedImages } from "../../../nodes/drivers/images/cached-images.ts";
import { ImageLeases } from "../../../nodes/drivers/images/leases.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { silentLog, temporaryDirectory } from "../../support/driver-world.ts";
import { type GivingWorld, imageGivingContract, type Transfer } from "../../support/image-giving-contract.ts";
import { MemoryImageGiving } from "../../support/memory-image-giving.ts";

const came = { fromPeersBytes: 7, fromControllersBytes: 8, lies: 9 };

async function real(given: { readonly bytesPerSecondMax?: number } = {}): Promise<GivingWorld> {
  const place = await temporaryDirectory();
  const directory = join(place.path, "images");
  await mkdir(directory);
  let passedMs = 0;
  const clock = {
    nowMs: () => Date.now() + passedMs,
    // Each look at the list is due.
    monotonicMs: () => performance.now() * 1_000,
  };
  const bytes = new CachedImages(directory, clock);
  const images = { bytes, list: () => bytes.list(), came, transfersMax: 2, bytesPerSecondMax: undefined };
  const giving = await openImageGiving({
    hostId: "h1",
    images: { ...images, ...given },
    clock,
    log: silentLog,
  });
  const needed = new Map<string, number>();
  /** A room that is too small by one image. */
  const evict = async (sha256: string) => {
    needed.delete(sha256);
    const cacheBytesMax = [...needed.values()].reduce((sum, bytes) => sum + bytes, 0);
    const inUse = async () => new Set(needed.keys());
    const room = new CacheRoom({
      ...{ directory, leases: new ImageLeases(directory), inUse, given: bytes, cacheBytesMax },
      ...{ freeBytesMin: 0, partKeptMs: 1, nowMs: clock.nowMs },
    });
    expect(await room.tidy()).to.equal(true);
  };
  return {
    giving,
    put: async (sha256, content) => {
      needed.set(sha256, content.length);
      await writeFile(join(directory, sha256), content);
    },
    evict,
    pass: (ms) => {
      passedMs += ms;
    },
    begin: ({ url, ticket }, sha256, from) => beginHttp(`${url}/v1/images/${sha256}`, ticket, from),
    close: async () => {
      await giving.close();
      await place.remove();
    },
  };
}

async function beginHttp(url: string, ticket: string, from: number): Promise<Transfer> {
  const headers = { authorization: `Bearer ${ticket}`, range: `bytes=${from}-` };
  const request = httpRequest(url, { agent: false, headers });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.on("error", reject);
    request.end();
  });
  const chunks: Buffer[] = [];
  if (response.statusCode !== 206) {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const { error } = JSON.parse(Buffer.concat(chunks).toString()) as { error: { reason: "notFound" } };
    throw new StatusError(error.reason, "It is refused.");
  }
  const pieces = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  chunks.push((await pieces.next()).value as Buffer);
  return {
    rest: async () => {
      const take = async () => {
        for (let next = await pieces.next(); next.done !== true; next = await pieces.next())
          chunks.push(next.value);
      };
      await take().catch(() => undefined);
      return Buffer.concat(chunks);
    },
    end: () => response.destroy(),
  };
}

async function inMemory(): Promise<GivingWorld> {
  const images = new Map<string, Buffer>();
  let nowMs = 1_000;
  const clock = { nowMs: () => nowMs };
  const giving = new MemoryImageGiving({
    hostId: "h1",
    life: 1,
    clock,
    images: () => images,
    transfersMax: 2,
  });
  return {
    giving,
    put: async (sha256, content) => void images.set(sha256, content),
    evict: async (sha256) => void images.delete(sha256),
    pass: (ms) => {
      nowMs += ms;
    },
    begin: async (offer, sha256, from) => {
      const transfer = giving.begin(offer, sha256);
      const chunks = [transfer.read(from, 1_000) ?? Buffer.alloc(0)];
      const rest = async () => {
        for (let at = from + 1_000; ; at += 1_000_000) {
          const piece = transfer.read(at, 1_000_000);
          if (piece === undefined || piece.length === 0) break;
          chunks.push(piece);
        }
        transfer.end();
        return Buffer.concat(chunks);
      };
      return { rest, end: () => transfer.end() };
    },
    close: async () => undefined,
  };
}

describe("images that a host gives to other hosts, over HTTP", function () {
  this.timeout(30_000);
  imageGivingContract(() => real());

  it("leave no faster than they may, and what came here is told beside them", async () => {
    const world = await real({ bytesPerSecondMax: 8 * 1024 ** 2 });
    const content = Buffer.alloc(3 * 1024 ** 2, 1);
    const sha256 = "a".repeat(64);
    await world.put(sha256, content);
    const since = performance.now();
    const transfer = await world.begin(await world.giving.offer({ sha256, who: "h2" }), sha256, 0);
    expect((await transfer.rest()).equals(content)).to.equal(true);
    // All but the last piece.
    expect(performance.now() - since).to.be.above(300);
    expect(world.giving.told()).to.deep.include(came);
    await world.close();
  });
});

describe("images that a host gives to other hosts, in memory", () => {
  imageGivingContract(inMemory);
});
