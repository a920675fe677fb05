/** Our own PostgreSQL and NATS: started, killed, found again; and the permissions of the bus. */
import { chmodSync, existsSync, mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MikroORM } from "@mikro-orm/postgresql";
import { expect } from "chai";
import { connect, type NatsConnection } from "nats";
import { ormOptions } from "../../db/postgres/connect.ts";
import { credentialsFile, readCredentials } from "../../nodes/bus/credentials.ts";
import { ownServerConnections } from "../../nodes/config/postgres-connections.ts";
import { findProved } from "../../nodes/process/owned-process.ts";
import { findNatsServer, startNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres, startPostgres } from "../../nodes/up/postgres.ts";
import { freePort, isPortFree, type RunningServer } from "../../nodes/up/server-process.ts";
import { skip } from "../support/services.ts";

const access = { cell: "main", hosts: ["h1", "h2"], projects: ["demo", "other"], anonymous: "demo" };

describe("our own PostgreSQL", function () {
  this.timeout(60_000);
  let directory: string;
  const options = () => ({
    directory: join(directory, "postgres"),
    port: 0,
    logFile: join(directory, "postgres.log"),
    database: "novact",
  });

  before(function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    directory = mkdtempSync(join(tmpdir(), "novact-servers-"));
    chmodSync(directory, 0o711);
  });
  after(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  it("keeps its password from start to start and gives every database a URL", async () => {
    const first = await startPostgres(options());
    await first.stop();
    const second = await startPostgres(options());
    const other = await second.createDatabase("other");
    await second.stop();
    expect(new URL(second.url).password).to.equal(new URL(first.url).password).and.to.have.length(48);
    expect(new URL(other).pathname).to.equal("/other");
    expect(existsSync(join(options().directory, "process.json"))).to.equal(false);
  });

  it("takes as many connections as it is told, and without a word those of one controller", async () => {
    for (const [given, taken] of [
      [{ connectionsMax: 77 }, 77],
      [{}, ownServerConnections(1)],
    ] as const) {
      const server = await startPostgres({ ...options(), ...given });
      const orm = await MikroORM.init(ormOptions(server.url, { max: 1, connectionTimeoutMillis: 5_000 }));
      const rows = await orm.em.getConnection().execute("show max_connections");
      await orm.close(true);
      await server.stop();
      expect(rows).to.deep.equal([{ max_connections: String(taken) }]);
    }
  });

  it("ends at Ctrl-C while its data directory is made or it starts, and starts well the next time", async () => {
    const fresh = { ...options(), directory: join(directory, "cut-off") };
    const isReady = (text: string) => text.trimEnd().endsWith("ready");
    const moments = [
      ["data.new", false],
      ["data/postmaster.pid", false],
      // Up, and its database is being made.
      ["data/postmaster.pid", true],
    ] as const;
    for (const [seen, ready] of moments) {
      const [first, second] = [new AbortController(), new AbortController()];
      const stop = { first: first.signal, second: second.signal };
      const started = startPostgres({ ...fresh, stop }).then(
        (server) => server,
        (error: Error) => error.name,
      );
      const file = join(fresh.directory, seen);
      const isThere = () => existsSync(file) && (!ready || isReady(readFileSync(file, "utf8")));
      while (!isThere() && !(await isSettled(started))) await sleep(5);
      first.abort();
      const outcome = await started;
      // It may have been up a moment before it heard; then its owner ends it.
      if (typeof outcome === "string") expect(outcome).to.equal("AbortError");
      else await outcome.stop();
      expect(findProved(join(fresh.directory, "process.json"))).to.equal(undefined);
      expect(existsSync(join(fresh.directory, "data/postmaster.pid"))).to.equal(false);
    }
    await (await startPostgres(fresh)).stop();
  });

  const isSettled = (promise: Promise<unknown>): Promise<boolean> =>
    Promise.race([
      promise.then(() => true),
      new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
    ]);

  it("ends a server that a killed run left behind, and takes its data over", async () => {
    const left = await startPostgres(options());
    const next = await startPostgres(options());
    const end = await left.ended;
    await next.stop();
    expect(end.code).to.equal(0);
    expect(next.pid).not.to.equal(left.pid);
  });
});

describe("our own NATS server", function () {
  this.timeout(30_000);
  let directory: string;
  let server: RunningServer;
  const connections: NatsConnection[] = [];

  const as = async (user: string): Promise<NatsConnection> => {
    const { servers, ...rest } = readCredentials(credentialsFile(directory, user)) ?? { servers: [] };
    const connection = await connect({ servers: [...servers], ...rest, reconnect: false });
    connections.push(connection);
    return connection;
  };
  const anonymous = async (): Promise<NatsConnection> => {
    const connection = await connect({ servers: server.url, reconnect: false });
    connections.push(connection);
    return connection;
  };
  const refusal = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => "allowed",
      (error: { code: string }) => error.code,
    );

  before(async function () {
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    directory = mkdtempSync(join(tmpdir(), "novact-servers-"));
    server = await startNatsServer({ directory, port: 0, logFile: join(directory, "nats.log"), access });
  });
  after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server?.stop();
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  it("takes a client without credentials for the tenant demo, and for nothing else", async () => {
    const controller = await as("controller");
    controller.subscribe("novact.v1.main.cmd.*.instance.list", {
      callback: (_, message) => message.respond("[]"),
    });
    await controller.flush();
    const client = await anonymous();
    expect((await client.request("novact.v1.main.cmd.demo.instance.list")).string()).to.equal("[]");
    for (const subject of [
      "cmd.other.instance.list",
      "cmd.admin.host.list",
      "host.h1.ensure",
      "report.h1.register",
    ]) {
      expect(await refusal(client.request(`novact.v1.main.${subject}`)), subject).to.equal(
        "PERMISSIONS_VIOLATION",
      );
    }
    expect(await refusal(client.request("$JS.API.INFO"))).to.equal("PERMISSIONS_VIOLATION");
  });

  it("lets a tenant hear the events of its own project only", async () => {
    const client = await anonymous();
    const heard: (string | undefined)[] = [];
    for (const subject of ["evt.other.instance.*.*", "evt.>", "cmd.demo.>"]) {
      client.subscribe(`novact.v1.main.${subject}`, { callback: (error) => heard.push(error?.code) });
    }
    for (const subject of ["evt.demo.>", "evt.demo.*.i2.*"]) {
      client.subscribe(`novact.v1.main.${subject}`, {
        callback: (error, message) => heard.push(error?.code ?? message.subject),
      });
    }
    await client.flush();
    const controller = await as("controller");
    controller.publish("novact.v1.main.evt.other.instance.i1.placed");
    controller.publish("novact.v1.main.evt.demo.instance.i2.placed");
    await controller.flush();
    await client.flush();
    expect(heard).to.deep.equal([
      ...Array(3).fill("PERMISSIONS_VIOLATION"),
      ...Array(2).fill("novact.v1.main.evt.demo.instance.i2.placed"),
    ]);
  });

  it("lets a host answer its own requests and report under its own id only", async () => {
    const controller = await as("controller");
    const host = await as("host_h1");
    host.subscribe("novact.v1.main.host.h1.*", { callback: (_, message) => message.respond("done") });
    controller.subscribe("novact.v1.main.report.*.*", { callback: (_, message) => message.respond("heard") });
    await Promise.all([host.flush(), controller.flush()]);
    expect((await controller.request("novact.v1.main.host.h1.ensure")).string()).to.equal("done");
    expect((await host.request("novact.v1.main.report.h1.heartbeat")).string()).to.equal("heard");
    for (const subject of ["report.h2.heartbeat", "host.h2.ensure", "cmd.demo.instance.list"]) {
      expect(await refusal(host.request(`novact.v1.main.${subject}`)), subject).to.equal(
        "PERMISSIONS_VIOLATION",
      );
    }
  });

  it("keeps its passwords to the owner", () => {
    const text = readFileSync(join(directory, "nats.conf"), "utf8");
    const secret = readCredentials(credentialsFile(directory, "controller"))?.pass ?? "";
    expect(secret).to.have.length(48);
    expect(text).to.contain(secret);
    expect(readFileSync(join(directory, "nats.log"), "utf8")).not.to.contain(secret);
  });

  it("says which key to change when its port is taken", async () => {
    const taken = server.port;
    expect(await isPortFree(taken)).to.equal(false);
    const second = mkdtempSync(join(tmpdir(), "novact-servers-"));
    const start = startNatsServer({
      directory: second,
      port: taken,
      logFile: join(second, "nats.log"),
      access,
    });
    const message = await start.then(String, (error: Error) => error.message);
    await rm(second, { recursive: true });
    expect(message).to.contain(`Port ${taken}`).and.to.contain("nats.port");
  });

  it("comes back on the same port with the same passwords after it was killed", async () => {
    const directory2 = mkdtempSync(join(tmpdir(), "novact-servers-"));
    const port = await freePort();
    const options = { directory: directory2, port, logFile: join(directory2, "nats.log"), access };
    const first = await startNatsServer(options);
    const before = readCredentials(credentialsFile(directory2, "demo"));
    process.kill(first.pid, "SIGKILL");
    expect((await first.ended).signal).to.equal("SIGKILL");
    const second = await startNatsServer(options);
    expect(readCredentials(credentialsFile(directory2, "demo"))).to.deep.equal(before);
    await second.stop();
    await rm(directory2, { recursive: true });
  });
});
