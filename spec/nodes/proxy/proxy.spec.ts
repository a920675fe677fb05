/**
 * The proxy between the parties of a cluster, over the loopback: which bytes pass, which do not, and when.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { openLinks } from "../../../nodes/chaos/links.ts";
import { parseConfig } from "../../../nodes/config/config.ts";
import { listenForRules } from "../../../nodes/proxy/control.ts";
import { linkName, parseRequest, passing, rulesOf } from "../../../nodes/proxy/link-rules.ts";
import { type LinkProxy, startProxy } from "../../../nodes/proxy/proxy.ts";
import { freePort } from "../../../nodes/up/server-process.ts";

const link = linkName("node-1", "nats");
const blackHole = { kind: "blackHole" } as const;

/** A connection; tests can wait for a text that it received. */
class Line {
  readonly socket: Socket;
  text = "";
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.text += chunk.toString();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
    });
  }

  async until(condition: (line: Line) => boolean, withinMs = 2_000): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (!condition(this)) {
      if (performance.now() > deadlineMs) throw new Error(`It did not come; there is: ${this.text}`);
      await sleep(5);
    }
  }
}

describe("the proxy of the links", () => {
  let server: Server;
  let proxy: LinkProxy;
  let port: number;
  /** The server's ends of all connections. */
  let accepted: Line[];
  const open = async (): Promise<Line> => {
    const line = new Line(connect({ host: "127.0.0.1", port }));
    await new Promise((resolve) => line.socket.once("connect", resolve));
    return line;
  };
  const pair = async (): Promise<readonly [Line, Line]> => {
    const client = await open();
    client.socket.write("hello ");
    const count = accepted.length;
    for (let look = 0; look < 200 && accepted.length === count; look += 1) await sleep(5);
    const end = accepted.at(-1);
    if (end === undefined) throw new Error("Nothing came in at the server.");
    await end.until(({ text }) => text.includes("hello"));
    return [client, end];
  };

  beforeEach(async () => {
    accepted = [];
    server = createServer((socket) => accepted.push(new Line(socket)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const serverPort = typeof address === "object" && address !== null ? address.port : 0;
    port = await freePort();
    proxy = await startProxy([{ name: link, port, serverHost: "127.0.0.1", serverPort }]);
  });
  afterEach(async () => {
    await proxy.close();
    for (const { socket } of accepted) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it("passes everything on, and the end of a connection as well", async () => {
    const [client, end] = await pair();
    end.socket.write("welcome");
    await client.until(({ text }) => text === "welcome");
    client.socket.end();
    await end.until(({ closed }) => closed);
    await client.until(({ closed }) => closed);
    expect(proxy.show()).to.deep.equal([{ name: link, rules: passing, connections: 0 }]);
  });

  it("closes what is cut, refuses what is new, and passes again when it is healed", async () => {
    const [client, end] = await pair();
    proxy.set(link, rulesOf({ kind: "cut" }, "both"));
    await client.until(({ closed }) => closed);
    await end.until(({ closed }) => closed);
    const refused = new Line(connect({ host: "127.0.0.1", port }));
    await refused.until(({ closed }) => closed);
    proxy.heal();
    await pair();
  });

  it("holds back what goes into a black hole, in one direction only, and loses nothing", async () => {
    const [client, end] = await pair();
    proxy.set(link, rulesOf(blackHole, "fromServer"));
    client.socket.write("still heard");
    await end.until(({ text }) => text.includes("still heard"));
    end.socket.write("nobody hears this");
    end.socket.end();
    await sleep(100);
    expect([client.text, client.closed]).to.deep.equal(["", false]);
    proxy.heal();
    await client.until(({ text, closed }) => text === "nobody hears this" && closed);
  });

  it("lets new connections into a black hole, where nothing happens", async () => {
    proxy.set(link, rulesOf(blackHole, "both"));
    const client = await open();
    client.socket.write("hello");
    await sleep(100);
    expect(accepted.at(-1)?.text ?? "").to.equal("");
    expect(client.closed).to.equal(false);
    proxy.heal();
    for (let look = 0; look < 100 && accepted.at(-1)?.text !== "hello"; look += 1) await sleep(5);
    expect(accepted.at(-1)?.text).to.equal("hello");
    client.socket.destroy();
  });

  it("delays, and keeps the order", async () => {
    const [client, end] = await pair();
    proxy.set(link, rulesOf({ kind: "delay", delayMs: 120, jitterMs: 40 }, "toServer"));
    const startedAtMs = performance.now();
    for (const word of ["one ", "two ", "three"]) {
      client.socket.write(word);
      await sleep(2);
    }
    await end.until(({ text }) => text === "hello one two three");
    expect(performance.now() - startedAtMs).to.be.at.least(115);
    end.socket.write("at once");
    const answeredAtMs = performance.now();
    await client.until(({ text }) => text === "at once");
    expect(performance.now() - answeredAtMs).to.be.below(100);
  });

  it("lets much more pass than it keeps, also late", async () => {
    const [client, end] = await pair();
    proxy.set(link, rulesOf({ kind: "delay", delayMs: 20, jitterMs: 0 }, "both"));
    const bytes = 20 * 1024 * 1024;
    client.socket.write(Buffer.alloc(bytes, "x"));
    await end.until(({ text }) => text.length === bytes + "hello ".length, 8_000);
  });

  it("is told its rules over a socket of its owner, and forgets those of whoever goes away", async () => {
    const directory = mkdtempSync(join(tmpdir(), "novact-proxy-"));
    const config = parseConfig("stateDirectory: .", join(directory, "cluster.yaml"));
    mkdirSync(join(directory, "run"));
    const path = join(directory, "run", "proxy.sock");
    const control = await listenForRules(path, proxy);
    try {
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      const first = await openLinks(config);
      await first?.set(link, rulesOf(blackHole, "both"), false);
      expect(proxy.show()[0]?.rules.toServer).to.deep.equal(blackHole);
      first?.close();
      for (let look = 0; look < 100 && proxy.show()[0]?.rules !== passing; look += 1) await sleep(5);
      expect(proxy.show()[0]?.rules).to.equal(passing);
      const second = await openLinks(config);
      await second?.set(link, rulesOf(blackHole, "both"), true);
      second?.close();
      await sleep(50);
      const third = await openLinks(config);
      expect((await third?.show())?.[0]?.rules.toServer).to.deep.equal(blackHole);
      const stray = third?.set(linkName("node-9", "nats"), passing, false);
      expect(await stray?.catch((error: Error) => error.message)).to.contain("node-9/nats");
      await third?.heal();
      expect(proxy.show()[0]?.rules).to.equal(passing);
      third?.close();
    } finally {
      await control.close();
      rmSync(directory, { recursive: true });
    }
    expect(await openLinks(config)).to.equal(undefined);
  });

  it("takes no request that is none", () => {
    for (const line of ["", "{", "[]", "null", '{"set":"node-1"}', '{"set":"node-1/nats","rules":{}}']) {
      expect(parseRequest(line), line).to.equal(undefined);
    }
    const late = { kind: "delay", delayMs: -1, jitterMs: 0 };
    const rules = { toServer: late, fromServer: late };
    expect(parseRequest(JSON.stringify({ set: link, rules }))).to.equal(undefined);
  });
});
