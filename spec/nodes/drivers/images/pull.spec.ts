/** Images that come to a host over HTTP: from honest servers, from dying ones, and from those that lie. */
import { createHash } from "node:crypto";
import { appendFile, chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { createImageBytes } from "../../../../nodes/drivers/images/bytes.ts";
import { ImageCache } from "../../../../nodes/drivers/images/cache.ts";
import { pullImage } from "../../../../nodes/drivers/images/pull.ts";
import type { ImageOrigin } from "../../../../nodes/drivers/images/whole.ts";
import { type ImageServer, openImageServer } from "../../../../nodes/image-server/server.ts";
import { createTickets, serverKey } from "../../../../nodes/image-server/ticket.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog, type TemporaryDirectory, temporaryDirectory } from "../../../support/driver-world.ts";

const content = Buffer.from(Array.from({ length: 1_500_000 }, (_, at) => (at * 31) % 251)).fill(
  0,
  200_000,
  700_000,
);
const image = {
  sha256: createHash("sha256").update(content).digest("hex"),
  sizeBytes: content.length,
};

describe("an image that comes to a host over HTTP", () => {
  const clusterKey = Buffer.alloc(32, 7);
  const pace = { quietMsMax: 30_000, bytesPerMsMin: 4 };
  let place: TemporaryDirectory;
  let server: ImageServer;
  let others: Server[];
  const at = (...parts: string[]) => join(place.path, ...parts);

  beforeEach(async () => {
    place = await temporaryDirectory();
    others = [];
    noted.length = 0;
    came.clear();
    for (const name of ["store", "images"]) await mkdir(at(name));
    await writeFile(at("store", image.sha256), content);
    server = await openImageServer({
      ...{
        server: "controller-1",
        key: serverKey(clusterKey, "controller-1"),
        address: "127.0.0.1",
        port: 0,
      },
      ...{ bytes: createImageBytes(at("store")), nowMs: () => 1_000, log: silentLog },
    });
  });
  afterEach(async () => {
    await server.close();
    for (const other of others) {
      other.closeAllConnections();
      other.close();
    }
    await place.remove();
  });

  const good = (): ImageOrigin => ({
    url: server.url,
    ticket: createTickets(clusterKey).issue({
      ...{ server: "controller-1", verb: "fetch", of: image.sha256, who: "host-1", expiresAtMs: 2_000 },
    }),
  });
  const other = async (answer: RequestListener): Promise<ImageOrigin> => {
    const made = createServer(answer);
    others.push(made);
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}`, ticket: "x" };
  };
  /** A server that answers as ours does, with these bytes in place of those from `from` on. */
  const lying = (bytes: (from: number) => Buffer, ends = true) =>
    other((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1]);
      response.writeHead(206, {
        "content-range": `bytes ${from}-${content.length - 1}/${content.length}`,
        ...(ends ? { "content-length": content.length - from } : {}),
      });
      response.write(bytes(from), () => (ends ? response.destroy() : response.end()));
    });
  const noted: string[] = [];
  const came = new Map<string | undefined, number>();
  const pull = (origins: readonly ImageOrigin[], signal = new AbortController().signal) =>
    pullImage({
      ...{ image, origins, path: at("images", "part"), pace, signal },
      peerPace: { quietMsMax: 200, bytesPerMsMin: 4 },
      noted: ({ hostId = "controller" }, fault) => noted.push(`${hostId} ${fault}`),
      came: ({ hostId }, bytes) => came.set(hostId, (came.get(hostId) ?? 0) + bytes),
    });
  const refusal = async (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => "none",
      (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
    );
  const isWhole = async () => (await readFile(at("images", "part"))).equals(content);

  it("comes whole, and goes on where a part ends", async () => {
    await pull([good()]);
    expect(await isWhole()).to.equal(true);
    await pull([]);
    await writeFile(at("images", "part"), content.subarray(0, 400_000));
    let asked = "";
    const counting = await other((request, response) => {
      asked = request.headers.range ?? "";
      response.writeHead(404).end();
    });
    await pull([counting, good()]);
    expect(asked).to.equal("bytes=400000-");
    expect(await isWhole()).to.equal(true);
  });

  it("comes from the next server when one dies in the midst of it, or is not there", async () => {
    const dying = await lying((from) => content.subarray(from, from + 600_000));
    const gone = await other(() => undefined);
    others[1]?.close();
    await pull([gone, dying, dying, good()]);
    expect(await isWhole()).to.equal(true);
  });

  it("keeps its part when no server gives the rest, for the next time", async () => {
    const dying = await lying((from) => content.subarray(from, from + 600_000));
    expect(await refusal(pull([dying]))).to.equal("imageMissing");
    const { length } = await readFile(at("images", "part"));
    expect(length).to.be.within(1, 600_000);
    expect(await refusal(pull([]))).to.equal("imageMissing");
    await pull([good()]);
    expect(await isWhole()).to.equal(true);
  });

  it("is not what a server says that sends other bytes, whoever sends the rest", async () => {
    const wrong = await lying((from) => Buffer.alloc(content.length - from, 1), false);
    const half = await lying((from) => Buffer.alloc(Math.min(content.length - from, 500_000), 2));
    await pull([wrong, good()]);
    expect(await isWhole()).to.equal(true);
    await writeFile(at("images", "part"), "");
    await pull([half, good()]);
    expect(await isWhole()).to.equal(true);
    await writeFile(at("images", "part"), Buffer.alloc(9, 3));
    await pull([good()]);
    expect(await isWhole()).to.equal(true);
    await writeFile(at("images", "part"), "");
    expect(await refusal(pull([wrong]))).to.equal("checksumMismatch");
    expect(await readFile(at("images", "part"), "latin1")).to.equal("");
  });

  it("is taken from no answer but the one that was asked for", async () => {
    const answers: RequestListener[] = [
      (_, response) => response.writeHead(200).end(content),
      (_, response) => response.writeHead(302, { location: good().url }).end(),
      (_, response) => response.writeHead(206, { "content-range": "bytes 5-9/10" }).end("12345"),
      (_, response) => response.writeHead(206).end(content),
      (request) => request.socket.end("no HTTP\r\n\r\n"),
    ];
    for (const answer of answers) expect(await refusal(pull([await other(answer)]))).to.equal("imageMissing");
    const long = await lying(() => Buffer.concat([content, Buffer.alloc(600_000)]), false);
    expect(await refusal(pull([long]))).to.match(/imageMissing|checksumMismatch/);
    const { length } = await readFile(at("images", "part"));
    expect(length).to.be.at.most(content.length);
    expect(await refusal(pull([{ ...good(), ticket: "x.y.z" }]))).to.equal("imageMissing");
  });

  it("ends when nobody waits any more, and a server that is silent ends it as well", async () => {
    const silent = await other(() => undefined);
    const abort = new AbortController();
    const pulled = pull([silent], abort.signal);
    abort.abort();
    expect(await refusal(pulled)).to.match(/AbortError|aborted/i);
    const { signal } = new AbortController();
    const hasty = { quietMsMax: 50, bytesPerMsMin: 4 };
    const path = at("images", "part");
    const asked = pullImage({ image, origins: [silent], path, pace: hasty, signal });
    expect(await refusal(asked)).to.equal("imageMissing");
  });

  it("comes from a host, which is left for another server when it dies, is silent, or is none any more", async () => {
    const dying = { ...(await lying((from) => content.subarray(from, from + 600_000))), hostId: "dying" };
    const silent = { ...(await other(() => undefined)), hostId: "silent" };
    const older = { ...(await other((_, response) => response.writeHead(404).end())), hostId: "older" };
    await pull([silent, older, dying, good()]);
    expect(await isWhole()).to.equal(true);
    expect(noted).to.deep.equal(["silent failed", "older failed", "dying failed"]);
    expect((came.get("dying") ?? 0) + (came.get(undefined) ?? 0)).to.equal(content.length);
    expect(came.get("dying")).to.be.within(1, 600_000);
  });

  it("comes from a controller before any host when a host gave other bytes, of whom it is told", async () => {
    const wrong = () => lying((from) => Buffer.alloc(content.length - from, 1), false);
    const hosts = await Promise.all(["one", "two"].map(async (hostId) => ({ ...(await wrong()), hostId })));
    await pull([...hosts, good()]);
    expect(await isWhole()).to.equal(true);
    expect(noted).to.deep.equal(["one lied"]);
    expect(came.get("two")).to.equal(undefined);
  });

  it("waits for its turn, with what has come, while a server gives it to others", async () => {
    const busy = await other((_, response) => response.writeHead(429).end());
    await writeFile(at("images", "part"), content.subarray(0, 400_000));
    expect(await refusal(pull([{ ...busy, hostId: "busy" }, busy]))).to.equal("tooManyRequests");
    expect(noted).to.deep.equal(["busy busy", "controller busy"]);
    expect((await readFile(at("images", "part"))).length).to.equal(400_000);
    const wrong = {
      ...(await lying((from) => Buffer.alloc(content.length - from, 1), false)),
      hostId: "liar",
    };
    await writeFile(at("images", "part"), "");
    expect(await refusal(pull([wrong, busy]))).to.equal("tooManyRequests");
    await pull([good()]);
    expect(await isWhole()).to.equal(true);
  });

  it("goes on with a part that a dead agent has made read-only", async () => {
    await writeFile(at("images", "part"), content.subarray(0, 400_000));
    await chmod(at("images", "part"), 0o440);
    await pull([good()]);
    expect(await isWhole()).to.equal(true);
  });

  it("says that the disk is full, and not that no server gives it", async () => {
    await symlink("/dev/full", at("images", "part"));
    const failed = await pull([good(), good()]).catch((error: unknown) => error);
    expect(failed).to.have.property("code", "ENOSPC");
  });

  it("comes into the cache, from a part that a dead agent has left", async () => {
    await appendFile(at("images", `${image.sha256}.part`), content.subarray(0, 300_000));
    const cache = new ImageCache({ images: at("images") }, (one, path, signal) =>
      pullImage({ image: one, path, origins: [good()], pace, signal }),
    );
    const { signal } = new AbortController();
    const paths = await Promise.all([cache.ensure(image, signal), cache.ensure(image, signal)]);
    expect(paths[0]).to.equal(paths[1]);
    expect((await readFile(paths[0])).equals(content)).to.equal(true);
    expect(await readdir(at("images"))).to.deep.equal([image.sha256]);
  });
});
