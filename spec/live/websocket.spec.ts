/** The listener for browsers of our own NATS server: who may come in by it, and from which pages. */
import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { connect } from "nats.ws";
import { credentialsFile, type NatsCredentials, readCredentials } from "../../nodes/bus/credentials.ts";
import { findNatsServer, type NatsServer, startNatsServer } from "../../nodes/up/nats-server.ts";
import { freePort, isPortFree } from "../../nodes/up/server-process.ts";
import { skip } from "../support/services.ts";

const access = { cell: "main", hosts: ["h1"], projects: ["demo"], anonymous: "demo" };
const page = "https://operators.example:8443";

describe("the WebSocket listener of our own NATS server", function () {
  this.timeout(60_000);
  let directory: string;
  let server: NatsServer;
  const options = () => ({ directory, port: 0, logFile: `${directory}.log`, access });

  before(async function () {
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    directory = mkdtempSync(join(tmpdir(), "novact-websocket-"));
    server = await startNatsServer({ ...options(), webSocket: { port: 0, allowedOrigins: [page] } });
  });
  after(async () => {
    await server?.stop();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    await rm(`${directory}.log`, { force: true });
  });

  const port = () => Number(new URL(server.webSocketUrl ?? "").port);
  const credentials = (user: string): Partial<NatsCredentials> =>
    readCredentials(credentialsFile(directory, user)) ?? {};
  /** What becomes of a WebSocket client that says so: the error's code, or undefined when it is let in. */
  const refusal = async (who: { readonly user?: string; readonly pass?: string }) => {
    const settings = { ...who, servers: server.webSocketUrl ?? "", reconnect: false };
    const connected = await connect(settings).catch((error: { readonly code: string }) => error.code);
    if (typeof connected === "string") return connected;
    await connected.close();
    return undefined;
  };

  /** The HTTP status with which a handshake from a page of this origin is answered; 101: it is let in. */
  const handshake = (
    origin: string | undefined,
    host = `127.0.0.1:${port()}`,
  ): Promise<number | undefined> => {
    const headers = {
      host,
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": Buffer.from("sixteen bytes it").toString("base64"),
      ...(origin === undefined ? {} : { origin }),
    };
    return new Promise((resolve, reject) => {
      const asked = request({ port: port(), host: "127.0.0.1", headers });
      asked.on("response", ({ statusCode }) => resolve(statusCode));
      asked.on("upgrade", ({ statusCode }, socket) => {
        socket.destroy();
        resolve(statusCode);
      });
      asked.on("error", reject);
      asked.end();
    });
  };

  it("lets projects and operators in with their password", async () => {
    const { user, pass } = credentials("demo");
    expect(await refusal({ user: user ?? "", pass: pass ?? "" })).to.equal(undefined);
    const admin = credentials("admin");
    expect(await refusal({ user: "admin", pass: admin.pass ?? "" })).to.equal(undefined);
  });

  it("lets nobody in without credentials: a proxy may stand before it", async () => {
    expect(await refusal({})).to.equal("AUTHORIZATION_VIOLATION");
    expect(await refusal({ user: "demo", pass: "wrong" })).to.equal("AUTHORIZATION_VIOLATION");
  });

  it("lets no host and no controller in: these have no pages", async () => {
    for (const user of ["controller", "host_h1"]) {
      const { pass = "" } = credentials(user);
      expect(pass, user).to.have.length(48);
      expect(await refusal({ user, pass }), user).to.equal("AUTHORIZATION_VIOLATION");
    }
  });

  it("answers pages of the allowed origins, and no others", async () => {
    expect(await handshake(page)).to.equal(101);
    expect(await handshake("https://operators.example")).to.equal(403);
    expect(await handshake("http://operators.example:8443")).to.equal(403);
    expect(await handshake(`http://127.0.0.1:${port()}`)).to.equal(403);
    expect(await handshake("null")).to.equal(403);
  });

  it("listens on 127.0.0.1, and its secrets are for the owner alone", () => {
    const file = join(directory, "nats.conf");
    expect(readFileSync(file, "utf8")).to.match(/websocket \{ host: "127\.0\.0\.1"/);
    expect(statSync(file).mode & 0o077).to.equal(0);
  });

  it("without allowed origins answers only pages from behind its own host and port", async () => {
    await server.stop();
    server = await startNatsServer({ ...options(), webSocket: { port: 0, allowedOrigins: [] } });
    expect(await handshake(`http://127.0.0.1:${port()}`)).to.equal(101);
    expect(await handshake(page)).to.equal(403);
    expect(await handshake(`http://127.0.0.1:${port() - 1}`)).to.equal(403);
    expect(await handshake(undefined)).to.equal(101);
  });

  it("says which key to change when its port is taken", async () => {
    const taken = port();
    const failed = await startNatsServer({
      ...{ ...options(), directory: `${directory}-other` },
      webSocket: { port: taken, allowedOrigins: [] },
    }).catch((error: Error) => error.message);
    await rm(`${directory}-other`, { recursive: true, force: true });
    expect(failed).to.contain(`Port ${taken}`).and.to.contain("nats.websocket.port");
  });

  it("is not there when nobody asks for it", async () => {
    const free = await freePort();
    const other = await startNatsServer({ ...options(), directory: `${directory}-plain` });
    expect(other.webSocketUrl).to.equal(undefined);
    expect(readFileSync(join(`${directory}-plain`, "nats.conf"), "utf8")).not.to.match(/^websocket/m);
    expect(await isPortFree(free)).to.equal(true);
    await other.stop();
    await rm(`${directory}-plain`, { recursive: true, force: true });
  });
});
