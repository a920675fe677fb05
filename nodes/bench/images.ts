/**
 * What the bytes of an image cost on their way, both ends in this process: up to a controller and down to a
 * host, each beside plain HTTP that hashes and writes as well, in turns, so that other load slows both
 * alike; and down to several hosts at once, with and without their giving it to each other. It must never
 * count the time in which nothing is sent.
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TicketFacts } from "../../actors/ports/image-bytes.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { createImageBytes } from "../drivers/images/bytes.ts";
import { pullImage } from "../drivers/images/pull.ts";
import { FileUploads } from "../drivers/images/uploads/uploads.ts";
import { usualPace } from "../image-server/patience.ts";
import { openImageServer } from "../image-server/server.ts";
import { createTickets, serverKey } from "../image-server/ticket.ts";
import { systemClock } from "../process/clock.ts";
import { round, spread } from "./figures.ts";
import { imageCreates, type MadeFile } from "./image-creates.ts";
import { imagesTogether } from "./image-peers.ts";
import type { Note } from "./note.ts";

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

export interface ImageSizes {
  readonly mib: number;
  readonly pairs: number;
  readonly note: Note;
}

interface Cost {
  readonly mibPerSecond: number;
  readonly cpuSecondsPerGib: number;
}

export async function images({ mib = 256, pairs = 3, note }: Partial<ImageSizes> & Pick<ImageSizes, "note">) {
  const directory = await mkdtemp(join(tmpdir(), "novact-bench-images-"));
  const ways: (() => Promise<void>)[] = [];
  try {
    const file = await makeFile(directory, mib);
    const plain = await openPlain(directory, file.path);
    ways.push(plain.close);
    const ours = await openOurs(directory);
    ways.push(ours.close);
    const down = await compared(mib, pairs, {
      plain: () => plain.down(),
      ours: () => ours.down(file),
    });
    note("down", down);
    const up = await compared(mib, pairs, { plain: () => plain.up(), ours: () => ours.up(file.path) });
    note("up", up);
    const seal = await costOf(mib, () => ours.seal());
    note("seal", seal);
    const creates = await imageCreates({ directory, file, url: ours.url, ticket: ours.ticket, pairs });
    note("creates", creates);
    const together = await imagesTogether({ directory, file });
    note("together", together);
    return { mib, down, up, seal, creates, together };
  } finally {
    for (const close of ways) await close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function compared(
  mib: number,
  pairs: number,
  ways: { readonly plain: () => Promise<void>; readonly ours: () => Promise<void> },
) {
  const measured: { readonly plain: Cost; readonly ours: Cost }[] = [];
  for (let pair = 0; pair < pairs; pair += 1)
    measured.push({ plain: await costOf(mib, ways.plain), ours: await costOf(mib, ways.ours) });
  const ratioOf = (cost: (one: Cost) => number, share: (plain: number, ours: number) => number) =>
    round(spread(measured.map(({ plain, ours }) => share(cost(plain), cost(ours)))).p50);
  return {
    /** Above 1: ours takes longer, or more processor time. */
    timeRatio: ratioOf(
      ({ mibPerSecond }) => mibPerSecond,
      (plain, ours) => plain / ours,
    ),
    cpuRatio: ratioOf(
      ({ cpuSecondsPerGib }) => cpuSecondsPerGib,
      (plain, ours) => ours / plain,
    ),
    measured,
  };
}

async function costOf(mib: number, work: () => Promise<void>): Promise<Cost> {
  const [since, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - since) / 1_000;
  return {
    mibPerSecond: round(mib / seconds),
    cpuSecondsPerGib: round(((user + system) / 1e6 / mib) * 1_024),
  };
}

/** Bytes that are no zeros, under their checksum. */
async function makeFile(directory: string, mib: number): Promise<MadeFile> {
  await mkdir(join(directory, "store"), { mode: 0o700 });
  const piece = randomBytes(1024 ** 2);
  const hash = createHash("sha256");
  for (let index = 0; index < mib; index += 1) hash.update(piece);
  const sha256 = hash.digest("hex");
  const path = join(directory, "store", sha256);
  const file = await open(path, "wx", 0o400);
  for (let index = 0; index < mib; index += 1) await file.write(piece);
  await file.close();
  return { path, sha256, sizeBytes: mib * 1024 ** 2 };
}

/** Hashes what passes through. */
function hashing(): Transform {
  const hash = createHash("sha256");
  return new Transform({
    transform: (chunk: Buffer, _, next) => {
      hash.update(chunk);
      next(null, chunk);
    },
  });
}

/** Plain HTTP of Node's streams; whoever receives hashes and writes. */
async function openPlain(directory: string, source: string) {
  const target = join(directory, "plain");
  const take = async (body: IncomingMessage): Promise<void> => {
    await pipeline(body, hashing(), createWriteStream(target, { flush: true }));
    await rm(target);
  };
  const server = createServer((request, response) => {
    const done =
      request.method === "PUT"
        ? take(request).then(() => response.end("{}"))
        : pipeline(createReadStream(source), response);
    done.catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    async down() {
      const request = httpRequest(url, { agent: false });
      request.end();
      await take(await answerTo(request));
    },
    up: () => sendFile(httpRequest(url, { method: "PUT", agent: false }), source),
    close: async () => {
      server.close();
    },
  };
}

type Asked = ReturnType<typeof httpRequest>;

function answerTo(request: Asked): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
  });
}

async function sendFile(request: Asked, source: string): Promise<void> {
  const answered = answerTo(request);
  await pipeline(createReadStream(source), request);
  const response = await answered;
  response.resume();
  if (response.statusCode !== 200) throw new Error(`The server answered ${response.statusCode}.`);
}

async function openOurs(directory: string) {
  const clusterKey = randomBytes(32);
  const tickets = createTickets(clusterKey);
  const nowMs = systemClock.nowMs;
  const uploads = new FileUploads({ directory: join(directory, "store"), nowMs });
  const server = await openImageServer({
    ...{ server: "bench", key: serverKey(clusterKey, "bench"), address: "127.0.0.1", port: 0 },
    ...{ bytes: createImageBytes(join(directory, "store")), uploads, nowMs, log },
  });
  const ticket = (verb: TicketFacts["verb"], of: string): string =>
    tickets.issue({ server: "bench", verb, of, who: "bench", expiresAtMs: nowMs() + 600_000 });
  const upload = { uploadId: "up", imageId: "image", project: "bench" };
  return {
    ...{ url: server.url, ticket: (sha256: string) => ticket("fetch", sha256) },
    async down(image: MadeFile) {
      const path = join(directory, "part");
      const origins = [{ url: server.url, ticket: ticket("fetch", image.sha256) }];
      const { signal } = new AbortController();
      await pullImage({ image, origins, path, pace: usualPace, signal });
      await rm(path);
    },
    async up(source: string) {
      await uploads.discard("up");
      await uploads.begin(upload);
      const headers = { authorization: `Bearer ${ticket("send", "up")}` };
      const url = `${server.url}/v1/uploads/up`;
      await sendFile(httpRequest(url, { method: "PUT", agent: false, headers }), source);
    },
    /** What was sent last: read once more, for three checksums. */
    async seal() {
      await uploads.seal("up", { format: null });
    },
    close: () => server.close(),
  };
}
