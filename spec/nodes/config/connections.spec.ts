/** What a configuration connects to, and which of its files say so; errors that name the file or the word. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { connectionOf, parseConfig, postgresUrlOf } from "../../../nodes/config/config.ts";
import { ConfigError, NothingNamedError } from "../../../nodes/config/errors.ts";
import { hostIdOf } from "../../../nodes/config/host-id.ts";
import { configLimits } from "../../../nodes/config/limits.ts";
import { connectionsOf, ownServerConnections } from "../../../nodes/config/postgres-connections.ts";
import { StateFileError } from "../../../nodes/process/state-file.ts";
import { deploymentOf } from "../../../protocol/wire/ids.ts";

const parse = (text: string) => parseConfig(text, "/tmp/cluster.yaml");

describe("the connections of a configuration", () => {
  let directory: string;
  const config = (more = "") => parse(`stateDirectory: ${directory}\n${more}`);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-config-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("to a server by URL take user and password out of the URL", () => {
    expect(connectionOf(config("nats: { url: 'nats://u:p%40ss@bus:4222' }"), "demo")).to.deep.equal({
      servers: ["nats://bus:4222"],
      user: "u",
      pass: "p@ss",
      inboxPrefix: "_INBOX_demo",
    });
    const host = connectionOf(config("nats: { url: 'nats://bus:4222' }"), { host: "h1" });
    expect(host).to.deep.equal({ servers: ["nats://bus:4222"], inboxPrefix: "_INBOX_host_h1" });
  });

  it("to our own servers say that the cluster was never started", () => {
    expect(() => connectionOf(config(), "demo"))
      .to.throw(NothingNamedError, "There are no credentials for demo: the cluster of")
      .with.property("next")
      .that.matches(/novact\S* --config \/tmp\/cluster\.yaml up/);
    expect(() => postgresUrlOf(config())).to.throw(ConfigError, "npm start");
  });

  it("for a project that there is not name those that there are, and blame no line of a file", () => {
    expect(() => connectionOf(config("projects: [demo, web]"), "nope"))
      .to.throw(NothingNamedError, /^There is no project nope: \S+ has demo, web\.$/)
      .with.property("next")
      .that.contains("--project or NOVACT_PROJECT");
    for (const user of ["admin", "controller"])
      expect(() => connectionOf(config(), user)).to.throw(NothingNamedError, "There are no credentials for");
  });

  it("a host keeps its id", () => {
    const id = hostIdOf(config(), "node-1");
    expect(id).to.match(/^[0-9a-f-]{36}$/);
    expect(hostIdOf(config(), "node-1")).to.equal(id);
    expect(hostIdOf(config(), "node-2")).not.to.equal(id);
    expect(deploymentOf(id)).to.equal(0);
    expect(deploymentOf(hostIdOf({ ...config(), deployment: 1_023 }, "node-3"))).to.equal(1_023);
    expect(statSync(join(directory, "nodes", "node-1", "host-id")).isFile()).to.equal(true);
  });

  for (const text of ["", "x\n", "0199c0de-0000-7000-8000-00000000000", "\0".repeat(36)]) {
    it(`a host whose id is ${JSON.stringify(text)} is told so, and gets no other`, () => {
      const file = join(directory, "nodes", "node-1", "host-id");
      hostIdOf(config(), "node-1");
      writeFileSync(file, text);
      expect(() => hostIdOf(config(), "node-1"))
        .to.throw(StateFileError, file)
        .with.property("message")
        .that.matches(/Restore it: novact host list shows the id\. Or delete it/);
      expect(readFileSync(file, "utf8")).to.equal(text);
    });
  }

  it("with damaged credentials, or a damaged URL of the database, name the file", () => {
    for (const folder of ["nats/credentials", "postgres"])
      mkdirSync(join(directory, folder), { recursive: true });
    for (const [file, ask] of [
      ["nats/credentials/demo.json", () => connectionOf(config(), "demo")],
      ["postgres/url", () => postgresUrlOf(config())],
    ] as const) {
      writeFileSync(join(directory, file), "");
      expect(ask, file).to.throw(ConfigError, `${join(directory, file)}:1: `);
    }
  });
});

describe("the connections of controllers to PostgreSQL", () => {
  it("all fit into our own server, however many controllers there are, and leave some to people", () => {
    for (let controllers = 1; controllers <= 16; controllers += 1) {
      const left = ownServerConnections(controllers) - connectionsOf(controllers);
      expect(left).to.equal(configLimits.otherConnectionsMax);
      expect(connectionsOf(controllers)).to.equal(controllers * connectionsOf(1));
    }
  });

  it("are told to people as they are", () => {
    const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
    expect(readme).to.include(`Each controller may open ${connectionsOf(1)} connections there`);
  });
});
