/** The server for the bytes of images, with clients that are honest, cut off, slow and hostile. */
import { EventEmitter, once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { OpenImage, TicketFacts } from "../../../actors/ports/image-bytes.ts";
import { imageServerLimits } from "../../../nodes/image-server/limits.ts";
import { readToEnd } from "../../../nodes/image-server/patience.ts";
import {
  type ImageServer,
  type ImageServerOptions,
  openImageServer,
} from "../../../nodes/image-server/server.ts";
import { createTickets, serverKey } from "../../../nodes/image-server/ticket.ts";
import { until } from "../../support/asking.ts";
import { silentLog } from "../../support/driver-world.ts";
import { MemoryImageUploads } from "../../support/memory-image-uploads.ts";

const sha256 = "a".repeat(64);
const file = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 31) % 251));
/** Zeros without an end, for readers that do not read. */
const endless = "e".repeat(64);

describe("the server for the bytes of images", () => {
  const clusterKey = Buffer.alloc(32, 7);
  const tickets = createTickets(clusterKey);
  let server: ImageServer;
  let uploads: MemoryImageUploads;
  let open = 0;
  let readAt = 0;

  const files = async () => open;
  const image = (sizeBytes: number, read: OpenImage["read"]): OpenImage => {
    open += 1;
    const close = async () => {
      open -= 1;
    };
    return { sizeBytes, read, close };
  };
  beforeEach(async () => {
    open = 0;
    readAt = 0;
    uploads = new MemoryImageUploads({ nowMs: () => Date.now() });
    await uploads.begin({ uploadId: "up-1", imageId: "image-1", project: "demo" });
    server = await serve({});
  });
  afterEach(() => server.close());

  const serve = (
    given: Pick<ImageServerOptions, "pace" | "requestHeadersMsMax" | "transfersMax" | "mayLeave">,
  ) =>
    openImageServer({
      ...{
        server: "controller-1",
        key: serverKey(clusterKey, "controller-1"),
        address: "127.0.0.1",
        port: 0,
      },
      ...{ uploads, nowMs: () => 1_000, log: silentLog, ...given },
      bytes: {
        async open(asked) {
          if (asked === sha256)
            return image(file.length, async (at, length) => file.subarray(at, at + length));
          if (asked !== endless) return undefined;
          return image(1024 ** 4, async (at, length) => {
            readAt = at;
            await sleep(5);
            return Buffer.alloc(length);
          });
        },
      },
    });
  /** Another server, which soon loses patience. */
  const impatient = async (): Promise<void> => {
    await server.close();
    server = await serve({ pace: { quietMsMax: 400, bytesPerMsMin: 4 }, requestHeadersMsMax: 300 });
  };

  const ticket = (given: Partial<TicketFacts> = {}): string =>
    tickets.issue({
      ...{ server: "controller-1", verb: "fetch", of: sha256, who: "demo", expiresAtMs: 2_000 },
      ...given,
    });
  const sending = () => ticket({ verb: "send", of: "up-1" });

  interface Asked {
    readonly method?: string;
    readonly path?: string;
    readonly bearer?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Buffer | Readable;
  }
  const begin = ({ method = "GET", path = `/v1/images/${sha256}`, bearer, headers }: Asked): ClientRequest =>
    httpRequest(`${server.url}/`, {
      ...{ method, path, agent: false },
      headers: { ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
    });
  const ask = async (asked: Asked) => {
    const request = begin(asked);
    // A body that is refused may be cut off while it is sent.
    request.on("error", () => undefined);
    if (asked.body instanceof Readable) asked.body.pipe(request);
    else request.end(asked.body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const content = Buffer.concat(chunks);
    return { status: response.statusCode, headers: response.headers, content };
  };
  const refusal = async (asked: Asked): Promise<string> => {
    const { status, content } = await ask(asked);
    const { error } = JSON.parse(content.toString()) as { error: { reason: string; next: string } };
    expect(error.next).not.to.equal("");
    return `${status} ${error.reason}`;
  };
  const send = (body: Buffer | Readable, headers: Readonly<Record<string, string>> = {}, method = "PUT") => ({
    ...{ method, path: "/v1/uploads/up-1", bearer: sending(), headers, body },
  });
  const sealedAs = async (content: Buffer) => {
    const sealed = await uploads.seal("up-1", { format: null });
    expect(uploads.content(sealed.sha256)?.equals(content)).to.equal(true);
  };

  it("gives a file, or a range of it, to whoever has a ticket", async () => {
    const whole = await ask({ bearer: ticket() });
    expect(whole.content.equals(file)).to.equal(true);
    expect(whole.headers).to.include({ etag: `"${sha256}"`, "content-length": String(file.length) });
    const part = await ask({ bearer: ticket(), headers: { range: "bytes=99000-" } });
    expect(part.status).to.equal(206);
    expect(part.headers["content-range"]).to.equal("bytes 99000-99999/100000");
    expect(part.content.equals(file.subarray(99_000))).to.equal(true);
    const head = await ask({ method: "HEAD", bearer: ticket() });
    expect([head.status, head.content.length]).to.deep.equal([200, 0]);
    expect(open).to.equal(0);
  });

  it("takes a body, and the rest of it by either header", async () => {
    expect((await ask(send(file.subarray(0, 10_000)))).content.toString()).to.equal('{"nextOffset":10000}');
    const range = { "content-range": `bytes 10000-59999/${file.length}` };
    expect((await ask(send(file.subarray(10_000, 60_000), range))).status).to.equal(200);
    const offset = { "upload-offset": "50000" };
    const last = await ask(send(Readable.from([file.subarray(50_000)]), offset, "PATCH"));
    expect(last.headers["upload-offset"]).to.equal(String(file.length));
    await sealedAs(file);
  });

  it("keeps what had come when a client is cut off, and says so to whoever goes on", async () => {
    const request = begin({ ...send(file), headers: { "content-length": String(file.length) } });
    request.on("error", () => undefined);
    request.write(file.subarray(0, 30_000));
    const status = async () =>
      Number((await ask({ ...send(Buffer.alloc(0)), method: "HEAD" })).headers["upload-offset"]);
    await new Promise((resolve) => request.write("", resolve));
    request.destroy();
    // The server hears of it when it does.
    const next = await until(status, (offset) => offset > 0);
    expect(next).to.be.at.most(30_000);
    expect((await ask(send(file.subarray(next), { "upload-offset": String(next) }))).status).to.equal(200);
    await sealedAs(file);
  });

  it("refuses a gap before the body comes, with the offset that is wanted", async () => {
    await uploads.write("up-1", 0, file.subarray(0, 7));
    const { status, content } = await ask(send(file, { "upload-offset": "8", expect: "100-continue" }));
    const { error } = JSON.parse(content.toString());
    expect({ status, reason: error.reason, details: error.details }).to.deep.equal({
      ...{ status: 409, reason: "uploadOffset", details: { nextOffset: 7 } },
    });
  });

  it("refuses whoever has no ticket, or one for something else", async () => {
    expect(await refusal({})).to.equal("401 ticketInvalid");
    expect(await refusal({ bearer: "x.y.z" })).to.equal("401 ticketInvalid");
    expect(await refusal({ headers: { authorization: `Basic ${ticket()}` } })).to.equal("401 ticketInvalid");
    expect(await refusal({ bearer: ticket({ expiresAtMs: 1_000 }) })).to.equal("401 ticketInvalid");
    expect(await refusal({ bearer: ticket({ server: "host-1" }) })).to.equal("401 ticketInvalid");
    expect(await refusal({ bearer: `${ticket().slice(0, -4)}AAAA` })).to.equal("401 ticketInvalid");
    expect(await refusal({ bearer: ticket({ of: endless }) })).to.equal("403 ticketMismatch");
    expect(await refusal({ bearer: ticket({ verb: "send" }) })).to.equal("403 ticketMismatch");
    expect(await refusal({ ...send(file), bearer: ticket({ of: "up-1" }) })).to.equal("403 ticketMismatch");
    const gone = { path: `/v1/images/${"0".repeat(64)}`, bearer: ticket({ of: "0".repeat(64) }) };
    expect(await refusal(gone)).to.equal("404 notFound");
    expect((await uploads.status("up-1"))?.nextOffset).to.equal(0);
  });

  for (const path of [
    ...["/", "/v1/images/", "/v1/images/..", "/v1/images/../../etc/passwd", "/v1/images/%2e%2e%2fkey"],
    ...[`/v1/images/${sha256}/..`, `/v1/images/${sha256}?x=1`, "//etc/passwd", "/v1/uploads/up-1.part"],
    ...["/v1/uploads/..%00", `/v1/uploads/${"a".repeat(65)}`, "/v1/images/a\\b", "http://other/v1/images/a"],
  ])
    it(`knows nothing of ${path}`, async () => {
      expect(await refusal({ path, bearer: ticket() })).to.equal("404 notFound");
    });

  it("refuses methods and ranges that are none", async () => {
    expect(await refusal({ method: "DELETE", bearer: ticket() })).to.equal("405 unknownMethod");
    expect(await refusal({ method: "PUT", bearer: ticket() })).to.equal("405 unknownMethod");
    for (const range of ["bytes=100000-", "bytes=5-3", "bytes=0-1,5-6", `bytes=${"9".repeat(30)}-`])
      expect(await refusal({ bearer: ticket(), headers: { range } })).to.equal("416 rangeInvalid");
    for (const range of ["bytes 9-5/10", "bytes 0-99/50", "bytes */50"])
      expect(await refusal(send(file, { "content-range": range }))).to.equal("416 rangeInvalid");
    expect(open).to.equal(0);
    expect((await uploads.status("up-1"))?.nextOffset).to.equal(0);
  });

  it("takes no more of a body than was said", async () => {
    const range = { "content-range": "bytes 0-99/100000" };
    expect(await refusal(send(file, range))).to.equal("400 bodyTooLarge");
    expect((await uploads.status("up-1"))?.nextOffset).to.equal(0);
    const pieces = Readable.from([file.subarray(0, 60), file.subarray(60, 120)]);
    expect(await refusal(send(pieces, range))).to.equal("400 bodyTooLarge");
    expect((await uploads.status("up-1"))?.nextOffset).to.be.at.most(100);
  });

  /** A connection of our own, and all that comes of it until it ends. */
  const raw = async (text: string): Promise<{ socket: Socket; ended: Promise<string> }> => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    const heard: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => heard.push(chunk));
    socket.on("error", () => undefined);
    const ended = new Promise<string>((resolve) => {
      socket.once("close", () => resolve(Buffer.concat(heard).toString("latin1")));
    });
    await once(socket, "connect");
    socket.write(text);
    return { socket, ended };
  };

  it("ends connections whose headers drip", async () => {
    await impatient();
    const { socket, ended } = await raw(`GET /v1/images/${sha256} HTTP/1.1\r\n`);
    const drip = setInterval(() => socket.write("x: y\r\n"), 50);
    expect(await ended).to.match(/^HTTP\/1\.1 408 /);
    clearInterval(drip);
  });

  it("ends uploads whose body drips, and keeps what had come", async () => {
    await impatient();
    const head = `PUT /v1/uploads/up-1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${sending()}\r\n`;
    const { socket, ended } = await raw(`${head}content-length: 1000000\r\n\r\n`);
    const drip = setInterval(() => socket.write("y"), 50);
    expect(await ended).to.match(/^HTTP\/1\.1 408 [\s\S]*"reason":"tooSlow"/);
    clearInterval(drip);
    expect((await uploads.status("up-1"))?.nextOffset).to.be.within(1, 1_000);
  });

  it("ends readers that do not read, and reads little ahead of them", async () => {
    await impatient();
    const bearer = ticket({ of: endless });
    const head = `GET /v1/images/${endless} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bearer}\r\n\r\n`;
    const { socket } = await raw(head);
    socket.pause();
    await until(files, (many) => many > 0);
    await until(files, (many) => many === 0);
    expect(readAt).to.be.below(64 * 1024 ** 2);
    socket.destroy();
  });

  it("refuses a body from whoever only reads, and does not hear it to its end", async () => {
    const head = `GET /v1/images/${sha256} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ticket()}\r\n`;
    for (const length of ["content-length: 1000000000", "transfer-encoding: chunked"]) {
      const { socket, ended } = await raw(`${head}${length}\r\n\r\n`);
      const drip = setInterval(() => socket.write("1\r\ny\r\n"), 50);
      expect(await ended).to.match(/^HTTP\/1\.1 400 [\s\S]*"reason":"bodyTooLarge"/);
      clearInterval(drip);
    }
    expect(open).to.equal(0);
  });

  it("cuts off whoever does not read the end of an answer, and nobody else", async () => {
    const pace = { quietMsMax: 5, bytesPerMsMin: 4 };
    const answer = (writableFinished: boolean) => {
      const state = { writableFinished, destroyed: false, writableLength: 8 };
      const response = Object.assign(new EventEmitter(), state, {
        destroy() {
          response.destroyed = true;
          response.emit("close");
          return response;
        },
      });
      return response as typeof response & Parameters<typeof readToEnd>[0];
    };
    const [stalled, whole, read] = [answer(false), answer(true), answer(false)];
    await Promise.all([readToEnd(stalled, pace), readToEnd(whole, pace)]);
    expect([stalled.destroyed, whole.destroyed]).to.deep.equal([true, false]);
    const reading = readToEnd(read, { ...pace, quietMsMax: 3_600_000 });
    read.emit("finish");
    await reading;
    expect(read.destroyed).to.equal(false);
  });

  it("refuses headers without an end", async () => {
    const { ended } = await raw(`GET / HTTP/1.1\r\nx: ${"y".repeat(100_000)}\r\n\r\n`);
    // What it has not read may reset the connection before its answer is read.
    expect(await ended).to.match(/^(?:HTTP\/1\.1 431 [\s\S]*)?$/);
    expect(open).to.equal(0);
  });

  it("lets a ticket be in use so often at once, and no more often", async () => {
    const bearer = ticket({ of: endless });
    const path = `/v1/images/${endless}`;
    const others = await Promise.all(
      Array.from({ length: imageServerLimits.transfersPerTicketMax }, async () => {
        const request = begin({ path, bearer });
        request.on("error", () => undefined);
        request.end();
        const [response] = (await once(request, "response")) as [IncomingMessage];
        response.on("error", () => undefined).resume();
        return request;
      }),
    );
    expect(await refusal({ path, bearer })).to.equal("429 tooManyRequests");
    expect((await ask({ bearer: ticket() })).status).to.equal(200);
    for (const request of others) request.destroy();
    await until(files, (many) => many === 0);
    const again = await ask({ method: "HEAD", path, bearer });
    expect(again.status).to.equal(200);
  });

  /** A transfer that goes on until it is ended. */
  const transfer = async (facts: Partial<TicketFacts>) => {
    const request = begin({ path: `/v1/images/${endless}`, bearer: ticket({ of: endless, ...facts }) });
    request.on("error", () => undefined);
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.on("error", () => undefined).resume();
    return request;
  };
  const given = async () => server.given.transfers;

  it("gives a file to so many at once by tickets that say how many, and to whoever has another", async () => {
    const [first, bounded] = [ticket({ of: endless, who: "h9", atOnceMax: 1 }), ticket({ atOnceMax: 1 })];
    const one = await transfer({ atOnceMax: 1 });
    const path = `/v1/images/${endless}`;
    expect(await refusal({ path, bearer: first })).to.equal("429 tooManyRequests");
    expect((await ask({ bearer: bounded })).status).to.equal(200);
    const other = await transfer({ who: "somebody" });
    one.destroy();
    await until(given, (transfers) => transfers === 1);
    const again = await transfer({ atOnceMax: 1 });
    for (const request of [other, again]) request.destroy();
    await until(given, (transfers) => transfers === 0);
  });

  it("gives so many images at once, no faster than it may, and counts what has left", async () => {
    await server.close();
    const pieces: number[] = [];
    server = await serve({ transfersMax: 1, mayLeave: async (bytes) => void pieces.push(bytes) });
    expect((await ask({ bearer: ticket() })).content.equals(file)).to.equal(true);
    expect(server.given.bytes).to.equal(file.length);
    expect(pieces).to.deep.equal([file.length]);
    await until(given, (transfers) => transfers === 0);
    const one = await transfer({});
    expect(await refusal({ bearer: ticket() })).to.equal("429 tooManyRequests");
    one.destroy();
    await until(given, (transfers) => transfers === 0);
    expect((await ask({ bearer: ticket() })).status).to.equal(200);
  });

  it("says nothing of a ticket, and ends what is under way when it closes", async () => {
    const secret = ticket({ of: endless });
    const answers = [await ask({ bearer: `${secret}A` }), await ask({ bearer: secret })];
    for (const { content } of answers) expect(content.toString()).not.to.include(secret.slice(0, 40));
    const request = begin({ path: `/v1/images/${endless}`, bearer: secret });
    request.on("error", () => undefined);
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const cut = once(response, "error");
    response.resume();
    await server.close();
    await cut;
    await until(files, (many) => many === 0);
  });
});
