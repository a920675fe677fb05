/** Who may do what on our own NATS server, by value, and the configuration file that says so. */
import { expect } from "chai";
import { connectionsMax, type NatsAccount, natsAccounts, natsUsers } from "../../../nodes/bus/access.ts";
import { busLimits } from "../../../nodes/bus/limits.ts";
import { natsServerConfig } from "../../../nodes/bus/server-config.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";

const access = { cell: "main", hosts: ["h1", "h2"], projects: ["demo", "other"] };
const account = (name: string): NatsAccount => {
  const found = natsAccounts(access).find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no account ${name}`);
  return found;
};

describe("the users of the bus", () => {
  it("are the controller, every host, the operator and every project, each with an inbox of its own", () => {
    const users = natsUsers(access);
    const names = ["controller", "host_h1", "host_h2", "admin", "demo", "other"];
    expect(users.map(({ name }) => name)).to.deep.equal(names);
    expect(users.map(({ inboxPrefix }) => inboxPrefix)).to.deep.equal(names.map((name) => `_INBOX_${name}`));
    for (const { name, subscribe } of users) expect(subscribe, name).to.include(`_INBOX_${name}.>`);
  });

  it("hear at the common inbox only as the anonymous user, and nobody does where there is none", () => {
    const common = (anonymous?: string) =>
      natsUsers({ ...access, anonymous })
        .filter(({ subscribe }) => subscribe.includes("_INBOX.>"))
        .map(({ name }) => name);
    expect(common()).to.deep.equal([]);
    expect(common("demo")).to.deep.equal(["demo"]);
  });

  it("cannot be named so that a name becomes a pattern", () => {
    expect(() => natsUsers({ ...access, projects: ["a.>"] })).to.throw("not a valid subject token");
    expect(() => natsUsers({ ...access, hosts: ["*"] })).to.throw("not a valid subject token");
  });

  it("may make no consumer, which would publish where its maker may not", () => {
    const may = natsUsers(access).flatMap(({ name, publish }) => (name === "controller" ? [] : publish));
    expect(
      may.filter((subject) => subject.includes("CONSUMER") || subject.startsWith("$JS.>")),
    ).to.deep.equal([]);
  });
});

describe("the accounts of the bus", () => {
  it("are one for the cell, one for operators, one for each project", () => {
    const users = (one: NatsAccount) => one.users.map(({ name }) => name).join(" ");
    expect(natsAccounts(access).map((one) => `${one.name}: ${users(one)}`)).to.deep.equal([
      "CELL: controller host_h1 host_h2",
      "OPERATORS: admin",
      "PROJECT_demo: demo",
      "PROJECT_other: other",
    ]);
  });

  it("let a project's own commands, discovery, events and answers pass, and nothing else", () => {
    expect(account("PROJECT_demo").border).to.deep.equal({
      says: ["novact.v1.main.cmd.demo.>", "$SRV.>"],
      hears: ["novact.v1.main.evt.demo.>", "_INBOX_demo.>"],
      asks: [],
    });
    expect(account("OPERATORS").border).to.deep.equal({
      says: ["novact.v1.main.cmd.>", "$SRV.>"],
      hears: ["novact.v1.main.evt.>", "_INBOX_admin.>"],
      asks: [
        "$JS.API.INFO",
        "$JS.API.STREAM.NAMES",
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.INFO.NOVACT_main_EVENTS",
        "$JS.API.STREAM.MSG.GET.NOVACT_main_EVENTS",
      ],
    });
  });

  it("let the largest request pass, and much less than a host or controller may send", () => {
    const payload = account("PROJECT_demo").limits?.payloadBytes ?? 0;
    expect(payload).to.be.greaterThan(wireLimits.bodyBytesMax + wireLimits.headerBytesMax);
    expect(payload).to.be.lessThan(busLimits.busPayloadBytesMax / 8);
    expect(busLimits.busPayloadBytesMax).to.be.at.least(
      wireLimits.answerBytesMax + wireLimits.headerBytesMax,
    );
    const project = busLimits.clientConnectionsMax * payload;
    expect(busLimits.natsPendingBytesMax / 2).to.be.greaterThan(project);
    expect(busLimits.natsPendingBytesMax / 2).to.be.at.least(4 * busLimits.busPayloadBytesMax);
  });

  it("leave room for the cell when every account outside of it has all its connections", () => {
    for (const projects of [1, 10, 1_000]) {
      const many = { ...access, projects: Array.from({ length: projects }, (_, index) => `p${index}`) };
      const taken = natsAccounts(many).reduce((sum, { limits }) => sum + (limits?.connections ?? 0), 0);
      const cell = access.hosts.length * busLimits.hostConnectionsMax + busLimits.controllerConnectionsMax;
      expect(taken).to.equal((projects + 1) * busLimits.clientConnectionsMax);
      expect(connectionsMax(many) - taken).to.equal(cell + busLimits.strangerConnectionsMax);
    }
  });
});

describe("the configuration of our own NATS server", () => {
  const settings = { passwords: { demo: "p" }, port: 1, storeDirectory: "/s", pidFile: "/p" };
  const text = natsServerConfig({ access, ...settings });
  const lines = text.split("\n").map((line) => line.trim());

  it("is for this machine alone, and takes nobody without credentials", () => {
    expect(text).to.contain('host: "127.0.0.1"').and.not.to.contain("no_auth_user");
    expect(text).to.contain('user: "demo", password: "p"');
    const open = natsServerConfig({ access: { ...access, anonymous: "demo" }, ...settings });
    expect(open).to.contain('no_auth_user: "demo"');
  });

  it("takes nobody without credentials at the listener for browsers, whoever is anonymous", () => {
    const webSocket = { port: 2, allowedOrigins: [] };
    const both = natsServerConfig({ access: { ...access, anonymous: "demo" }, ...settings, webSocket });
    expect(both).to.match(/^websocket \{.*no_auth_user: "websocket\.nobody" \}$/m);
    expect(both).to.match(/user: "websocket\.nobody".*deny: ">".*deny: ">"/);
  });

  it("exports each subject to the one account that it is for, and imports it there", () => {
    const exports = lines.filter((line) => /^\{ (?:stream|service): "/.test(line));
    expect(exports.filter((line) => !/, accounts: \["\w+"\] \}$/.test(line))).to.deep.equal([]);
    const imports = lines.filter((line) => /^\{ (?:stream|service): \{/.test(line));
    expect(exports).to.have.length(imports.length);
    const passing = exports.filter((line) => line.includes("PROJECT_demo"));
    expect(passing).to.deep.equal([
      '{ stream: "novact.v1.main.evt.demo.>", accounts: ["PROJECT_demo"] }',
      '{ stream: "_INBOX_demo.>", accounts: ["PROJECT_demo"] }',
    ]);
  });

  it("limits every account but the cell's, and gives JetStream to the cell's alone", () => {
    const limits = "limits { max_connections: 64, max_subscriptions: 100, max_payload: 327680 }";
    expect(lines.filter((line) => line === limits)).to.have.length(3);
    expect(lines.filter((line) => line === "jetstream: enabled")).to.have.length(1);
    expect(lines).to.include(`max_connections: ${connectionsMax(access)}`);
  });
});
