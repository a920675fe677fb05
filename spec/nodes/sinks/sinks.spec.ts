/** The sinks file and webhook: the contract, and what is theirs alone. */
import { createHmac } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { fileSink } from "../../../nodes/sinks/file.ts";
import { openSinks, SinkError } from "../../../nodes/sinks/index.ts";
import { webhookSink } from "../../../nodes/sinks/webhook.ts";
import type { Event } from "../../../protocol/event.ts";
import { eventSinkContract } from "../../support/event-sink-contract.ts";
import { eventOf, eventsBetween } from "../../support/event-stream-contract.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { rememberingLog } from "../../support/wire-world.ts";

const never = new AbortController().signal;

function directoryWorld() {
  const directory = mkdtempSync(join(tmpdir(), "novact-sinks-"));
  const clock = new SimulatedClock();
  return {
    directory,
    context: { name: "audit", cell: "test", directory, clock, log: rememberingLog() },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

const eventsIn = (path: string): readonly Event[] =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line))
    : [];

eventSinkContract("file", async () => {
  const { directory, context, remove } = directoryWorld();
  const path = join(directory, "log/events.jsonl");
  return {
    open: () => fileSink.open(context, { path: "log/events.jsonl", sizeMaxMib: 1, keep: 2 }),
    received: async () => eventsIn(path),
    break: async () => {
      rmSync(`${path}.kept`, { force: true });
      writeFileSync(`${path}.kept`, readFileSync(path));
      rmSync(path);
      mkdirSync(path);
    },
    mend: async () => {
      rmSync(path, { recursive: true });
      writeFileSync(path, readFileSync(`${path}.kept`));
    },
    close: async () => remove(),
  };
});

/** A web server on this computer, with the posts that it has received. */
async function receiver() {
  const posts: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  let status = 200;
  let silent = false;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += String(part);
    });
    request.on("end", () => {
      if (silent) return;
      if (status === 200) posts.push({ headers: request.headers, body });
      response.writeHead(status, { location: "http://127.0.0.1:1/elsewhere" }).end("words");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=geheim`,
    posts,
    answer: (code: number) => {
      status = code;
    },
    fallSilent: () => {
      silent = true;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

eventSinkContract("webhook", async () => {
  const { context, remove } = directoryWorld();
  const server = await receiver();
  return {
    open: () => webhookSink.open(context, { url: server.url, timeoutSeconds: 5 }),
    received: async () => server.posts.flatMap(({ body }) => JSON.parse(body).events),
    break: async () => server.answer(503),
    mend: async () => server.answer(200),
    hang: async () => server.fallSilent(),
    secret: "geheim",
    close: async () => {
      await server.close();
      remove();
    },
  };
});

describe("the sink file", () => {
  const { directory, context, remove } = directoryWorld();
  const path = join(directory, "events.jsonl");
  const open = () => fileSink.open(context, { path: "events.jsonl", sizeMaxMib: 1, keep: 2 });
  after(remove);
  afterEach(() => {
    for (const end of ["", ".1", ".2", ".3"]) rmSync(`${path}${end}`, { force: true });
  });

  it("is put aside at its bound, so that it and those kept are all that there is", async () => {
    const large = (sequence: number) => eventOf(sequence, { body: { text: "x".repeat(600 * 1024) } });
    for (let sequence = 1; sequence <= 5; sequence += 1) await open().deliver([large(sequence)], never);
    const kept = ["", ".1", ".2"].map((end) => eventsIn(`${path}${end}`).map(({ sequence }) => sequence));
    expect(kept).to.deep.equal([[5], [4], [3]]);
    expect(existsSync(`${path}.3`)).to.equal(false);
  });

  it("leaves a line that a crash has cut off to itself, and can be read by its owner alone", async () => {
    await open().deliver(eventsBetween(1, 2), never);
    truncateSync(path, statSync(path).size - 5);
    await open().deliver(eventsBetween(2, 3), never);
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines).to.have.length(5);
    expect(lines.slice(2, 4).map((line) => JSON.parse(line).sequence)).to.deep.equal([2, 3]);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });
});

describe("the sink webhook", () => {
  let world: ReturnType<typeof directoryWorld>;
  let server: Awaited<ReturnType<typeof receiver>>;
  beforeEach(async () => {
    world = directoryWorld();
    server = await receiver();
  });
  afterEach(async () => {
    await server.close();
    world.remove();
  });
  const openWith = (more: object = {}) =>
    webhookSink.open(world.context, { url: server.url, timeoutSeconds: 1, ...more });
  const failure = async (sink: ReturnType<typeof openWith>, signal = never): Promise<string> =>
    sink.deliver(eventsBetween(1, 2), signal).then(
      () => "it was taken",
      (thrown: unknown) => String(thrown),
    );

  it("signs what it posts with the secret that is in the file at that moment", async () => {
    const secretFile = join(world.directory, "secret");
    writeFileSync(secretFile, "one\n", { mode: 0o600 });
    const sink = openWith({ secretFile: "secret" });
    for (const secret of ["one", "two"]) {
      writeFileSync(secretFile, `${secret}\n`);
      await sink.deliver(eventsBetween(1, 2), never);
      const { headers, body } = server.posts.at(-1) ?? { headers: {}, body: "" };
      const signed = createHmac("sha256", secret).update(`${String(headers["novact-time"])}.${body}`);
      expect(headers["novact-signature"]).to.equal(`sha256=${signed.digest("hex")}`);
      expect(headers["novact-events"]).to.equal("1-2");
      expect(JSON.parse(body)).to.deep.include({ cell: "test", sink: "audit" });
    }
  });

  it("follows nobody elsewhere, and says what was answered without the rest of the URL", async () => {
    for (const code of [302, 404, 500]) {
      server.answer(code);
      const said = await failure(openWith());
      expect(said).to.match(new RegExp(`http://127\\.0\\.0\\.1:\\d+ has answered ${code}$`));
      expect(said).to.not.contain("geheim");
    }
  });

  it("gives up a receiver that does not answer or is not there, and one whose time is over", async () => {
    server.fallSilent();
    expect(await failure(openWith())).to.match(/cannot be reached \(no answer in time\)$/);
    const aborted = new AbortController();
    setImmediate(() => aborted.abort(new Error("the controller stops")));
    expect(await failure(openWith({ timeoutSeconds: 25 }), aborted.signal)).to.not.equal("it was taken");
    await server.close();
    const said = await failure(openWith());
    expect(said)
      .to.match(/cannot be reached \(ECONNREFUSED\)$/)
      .and.not.contain("geheim");
  });

  it("cannot be opened with a secret that others can read: which sink, and what to type", () => {
    writeFileSync(join(world.directory, "secret"), "one", { mode: 0o644 });
    const chosen = { name: "audit", driver: "webhook" };
    const options = { url: server.url, secretFile: "secret", timeoutSeconds: 1 };
    expect(() => openSinks([{ ...chosen, options }], { webhook: webhookSink }, world.context)).to.throw(
      SinkError,
      /^sinks\.0 \(audit\): .*can be used by others than its owner .* Type: chmod 600/,
    );
    expect(() => openSinks([{ ...chosen, options }], {}, world.context)).to.throw(/has opened nothing/);
  });
});
