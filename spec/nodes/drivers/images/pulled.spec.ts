/** How a host gets an image that it does not see: whom it asks, when it asks again, and when it gives up. */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { createImageBytes } from "../../../../nodes/drivers/images/bytes.ts";
import { ImageCache } from "../../../../nodes/drivers/images/cache.ts";
import { KnownPeers } from "../../../../nodes/drivers/images/known-peers.ts";
import { imageLimits } from "../../../../nodes/drivers/images/limits.ts";
import { pulledImages } from "../../../../nodes/drivers/images/pulled.ts";
import type { ImageOrigin } from "../../../../nodes/drivers/images/whole.ts";
import { type ImageServer, openImageServer } from "../../../../nodes/image-server/server.ts";
import { createTickets, serverKey } from "../../../../nodes/image-server/ticket.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { Clock } from "../../../../protocol/wire/transport.ts";
import { silentLog, type TemporaryDirectory, temporaryDirectory } from "../../../support/driver-world.ts";

const content = Buffer.from("the bytes of an image");
const image = {
  sha256: createHash("sha256").update(content).digest("hex"),
  sizeBytes: content.length,
  instanceId: "one",
};

/** Waits pass at once, and are counted. */
class HastyClock implements Clock {
  waits = 0;
  #nowMs = 0;
  nowMs(): number {
    return this.#nowMs;
  }
  monotonicMs(): number {
    return this.#nowMs;
  }
  pass(ms: number): void {
    this.#nowMs += ms;
  }
  after(ms: number, work: () => void) {
    this.waits += 1;
    this.#nowMs += ms;
    setImmediate(work);
    return { cancel: () => undefined };
  }
}

describe("images that a host asks controllers for", () => {
  const key = Buffer.alloc(32, 3);
  let place: TemporaryDirectory;
  let server: ImageServer;
  let clock: HastyClock;
  let asked: object[];
  const at = (...parts: string[]) => join(place.path, ...parts);
  const { signal } = new AbortController();

  beforeEach(async () => {
    place = await temporaryDirectory();
    for (const name of ["store", "seen", "images"]) await mkdir(at(name));
    await writeFile(at("store", image.sha256), content);
    const bytes = createImageBytes(at("store"));
    const common = { server: "c", key: serverKey(key, "c"), nowMs: () => 1, log: silentLog };
    server = await openImageServer({ ...common, address: "127.0.0.1", port: 0, bytes });
    [clock, asked] = [new HastyClock(), []];
  });
  afterEach(async () => {
    await server.close();
    await place.remove();
  });

  const good = (): ImageOrigin => ({
    url: server.url,
    ticket: createTickets(key).issue({
      ...{ server: "c", verb: "fetch", of: image.sha256, who: "h", expiresAtMs: 2 },
    }),
  });
  /** `answers`: to one question after the other; the last one to all further ones. */
  const cacheWith = (...answers: (() => Promise<readonly ImageOrigin[]>)[]) => cacheOf(undefined, answers);
  const cacheOf = (
    peers: KnownPeers | undefined,
    answers: readonly (() => Promise<readonly ImageOrigin[]>)[],
  ) => {
    const bring = pulledImages({
      ...{ clock, peers },
      ask: async (question) => {
        asked.push(question);
        return (answers[asked.length - 1] ?? answers.at(-1))?.() ?? [];
      },
    });
    return new ImageCache({ images: at("images") }, { store: at("seen"), bring });
  };
  const refuses = (reason: "noResponders" | "imageNotFound" | "storeUnavailable") => () =>
    Promise.reject(new StatusError(reason, "So it is."));
  const reasonOf = (work: Promise<unknown>) =>
    work.then(
      () => "none",
      (error: unknown) =>
        error instanceof StatusError ? `${error.reason}: ${error.message}` : String(error),
    );

  it("come from the directory that the host sees, and nobody is asked", async () => {
    await writeFile(at("seen", image.sha256), content);
    const path = await cacheWith(async () => [good()]).ensure(image, signal);
    expect((await readFile(path)).equals(content)).to.equal(true);
    expect(asked).to.deep.equal([]);
  });

  it("are asked for with the instance, and only until they are there", async () => {
    const cache = cacheWith(async () => [good()]);
    const path = await cache.ensure(image, signal);
    expect((await readFile(path)).equals(content)).to.equal(true);
    await cache.ensure(image, signal);
    expect(asked).to.deep.equal([{ instanceId: "one", sha256: image.sha256 }]);
  });

  it("are asked for again while no controller answers, or none of those that are named gives them", async () => {
    const gone = async () => [{ url: "http://127.0.0.1:1", ticket: "x" }];
    const answers = [refuses("noResponders"), refuses("storeUnavailable"), async () => [], gone];
    await cacheWith(...answers, async () => [good()]).ensure(image, signal);
    expect(asked).to.have.length(5);
  });

  it("are given up after a while, in words, and come when somebody gives them again", async () => {
    const failed = await reasonOf(cacheWith(refuses("noResponders")).ensure(image, signal));
    expect(failed).to.equal(
      "imageMissing: The host does not get the image: no controller gives it: So it is.",
    );
    expect(clock.waits).to.equal(imageLimits.pullPatienceMs / imageLimits.pullAgainMs);
    await cacheWith(async () => [good()]).ensure(image, signal);
  });

  it("are not asked for twice when controllers say no, nor for nobody", async () => {
    const refused = await reasonOf(cacheWith(refuses("imageNotFound")).ensure(image, signal));
    expect(refused).to.match(/^imageMissing: .*none of this host's\.$/);
    expect(asked).to.have.length(1);
    const { instanceId: _, ...nobodys } = image;
    expect(await reasonOf(cacheWith(async () => [good()]).ensure(nobodys, signal))).to.match(/^imageMissing/);
    expect(asked).to.have.length(1);
  });

  it("are waited for while servers are busy, and asked for without other hosts when it takes too long", async () => {
    const key = serverKey(Buffer.alloc(32, 3), "full");
    const common = { server: "full", key, nowMs: () => 1, log: silentLog, transfersMax: 0 };
    const full = await openImageServer({
      ...{ ...common, address: "127.0.0.1", port: 0, bytes: createImageBytes(at("store")) },
    });
    const of = { verb: "fetch", of: image.sha256, who: "h", expiresAtMs: 2, server: "full" } as const;
    const busy = { url: full.url, ticket: createTickets(Buffer.alloc(32, 3)).issue(of), hostId: "h2" };
    const peers = new KnownPeers({ clock, log: silentLog });
    const cache = cacheOf(peers, [async () => ("peers" in (asked.at(-1) ?? {}) ? [busy] : [good()])]);
    await cache.ensure(image, signal);
    await full.close();
    const turns = Math.ceil(imageLimits.pullTurnMsMin / imageLimits.pullAgainMs);
    expect(asked).to.have.length(turns + 2);
    expect(asked[0]).to.deep.equal({ instanceId: "one", sha256: image.sha256, peers: { notFrom: [] } });
    expect(asked.at(-1)).to.deep.equal({ instanceId: "one", sha256: image.sha256 });
    expect([peers.fromPeersBytes, peers.fromControllersBytes]).to.deep.equal([0, content.length]);
  });

  it("are not asked for again where they were given badly, for a while", async () => {
    const peers = new KnownPeers({ clock, log: silentLog });
    const gone = async () => [{ url: "http://127.0.0.1:1", ticket: "x", hostId: "h2" }];
    await cacheOf(peers, [gone, async () => [good()]]).ensure(image, signal);
    expect(asked[1]).to.deep.include({ peers: { notFrom: ["h2"] } });
    peers.noted({ url: "", ticket: "", hostId: "h3" }, "lied", image.sha256);
    peers.noted({ url: "", ticket: "", hostId: "h3" }, "failed", image.sha256);
    expect(peers.notFrom(image.sha256)).to.deep.equal(["h3", "h2"]);
    clock.pass(imageLimits.peerFailedMs);
    expect(peers.notFrom(image.sha256)).to.deep.equal(["h3"]);
    expect(peers.notFrom("0".repeat(64))).to.deep.equal([]);
    clock.pass(imageLimits.peerLiedMs);
    expect(peers.notFrom(image.sha256)).to.deep.equal([]);
  });

  it("end with whoever waits for them", async () => {
    const abort = new AbortController();
    const stopping = async () => {
      abort.abort();
      return [];
    };
    expect(await reasonOf(cacheWith(stopping).ensure(image, abort.signal))).to.match(/AbortError/);
  });
});
