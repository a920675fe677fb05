/** cluster.yaml: its defaults, and the messages for a person who made a mistake in it. */
import { join } from "node:path";
import { expect } from "chai";
import { defaultConfigFile, loadConfig, parseConfig } from "../../../nodes/config/config.ts";
import { ConfigError, NothingNamedError } from "../../../nodes/config/errors.ts";

const parse = (text: string) => parseConfig(text, "/tmp/cluster.yaml");
const refusal = (text: string): string => {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll("/tmp/cluster.yaml", "file");
    throw error;
  }
  throw new Error("it was accepted");
};

const redfish = (url: string, more = ""): string => `{ url: "${url}", user: u, passwordFile: p${more} }`;
const ipmi = (address: string, more = ""): string =>
  `{ address: "${address}", user: u, passwordFile: p${more} }`;

describe("the configuration", () => {
  it("has sources of images, believed by https or by checksums that are written there", () => {
    const sum = "ab".repeat(32);
    expect(parse("").catalogue).to.deep.equal([]);
    const own = `{ name: own, kind: directory, url: "http://h/i", images: [{ name: a, file: a.raw, checksum: ${sum} }] }`;
    const https = `{ name: u, kind: simplestreams, url: "https://u/" }, { name: d, kind: directory, url: "https://d/x" }`;
    expect(parse(`catalogue: [${own}, ${https}]`).catalogue).to.deep.equal([
      {
        ...{ name: "own", kind: "directory", url: "http://h/i/", list: undefined, caFile: undefined },
        images: [{ name: "a", file: "a.raw", version: "-", login: null, checksum: sum }],
      },
      { name: "u", kind: "simplestreams", url: "https://u/", list: undefined, caFile: undefined, images: [] },
      {
        name: "d",
        kind: "directory",
        url: "https://d/x/",
        list: "SHA256SUMS",
        caFile: undefined,
        images: [],
      },
    ]);
    const http = 'name: a\n    url: "http://h/"';
    expect(refusal(`catalogue:\n  - ${http}\n    kind: simplestreams`)).to.include(
      "file:3: catalogue.0.url: what comes by http",
    );
    expect(refusal(`catalogue:\n  - ${http}\n    kind: directory`)).to.include(
      "file:3: catalogue.0.url: what comes by http",
    );
    expect(refusal("catalogue: [{ name: built, kind: directory, url: https://h/ }]")).to.include("reserved");
    const twice = "{ name: a, kind: directory, url: https://h/ }";
    expect(refusal(`catalogue: [${twice}, ${twice}]`)).to.include("named twice");
    expect(refusal("catalogue: [{ name: a, kind: simplestreams, url: https://h/, list: X }]")).to.include(
      "is for a directory",
    );
    expect(refusal("catalogue: [{ name: a, kind: directory, url: file:///etc/ }]")).to.include(
      "catalogue.0.url",
    );
    expect(refusal("catalogue: [{ name: a, kind: directory, url: https://u:p@h/ }]")).to.include(
      "catalogue.0.url",
    );
  });

  it("lets nodes share their guests' disks, unless they have a file system of their own or say otherwise", () => {
    const shared = (text: string) => parse(text).nodes.map(({ sharedDirectory }) => sharedDirectory);
    expect(shared("")).to.deep.equal(["/tmp/.novact/shared", "/tmp/.novact/shared"]);
    expect(shared("sharedDirectory: none")).to.deep.equal([undefined, undefined]);
    expect(shared("chaos: { allowed: true, nodeFileSystemMib: 64 }")).to.deep.equal([undefined, undefined]);
    const nodes = "nodes: [{ name: a }, { name: b, sharedDirectory: /b }]";
    expect(shared(`sharedDirectory: shared\n${nodes}`)).to.deep.equal(["/tmp/.novact/shared", "/b"]);
  });

  it("needs no word: an empty file is two QEMU nodes that share the machine", () => {
    const config = parse("");
    expect(
      config.nodes.map(({ name, drivers }) => [name, drivers.hypervisor.driver, drivers.disks.driver]),
    ).to.deep.equal([
      ["node-1", "qemu", "files"],
      ["node-2", "qemu", "files"],
    ]);
    expect(config.nodes[0]?.capacity).to.deep.equal(config.nodes[1]?.capacity);
    expect(config.nodes[0]?.capacity.memoryMib).to.be.greaterThan(0);
    expect(config).to.deep.include({ cell: "main", deployment: 0, controllers: 1, demo: true });
    expect(config.projects).to.deep.equal(["demo"]);
    const nats = { url: undefined, port: 4222, websocket: undefined, anonymous: undefined };
    expect(config.nats).to.deep.equal(nats);
    expect(config.stateDirectory).to.equal("/tmp/.novact");
  });

  it("takes a client without credentials for a project only when it is told so", () => {
    expect(parse("projects: [a, b]").nats.anonymous).to.equal(undefined);
    expect(parse("projects: [a, b]\nnats: { anonymous: b }").nats.anonymous).to.equal("b");
    expect(parse("nats: { anonymous: demo }").nats.anonymous).to.equal("demo");
  });

  it("opens a listener for browsers when it is asked for, on any free port and for no other page", () => {
    expect(parse("nats: { websocket: {} }").nats.websocket).to.deep.equal({ port: 0, allowedOrigins: [] });
    const given = { port: 8080, allowedOrigins: ["https://h:1"] };
    expect(parse(`nats: { websocket: ${JSON.stringify(given)} }`).nats.websocket).to.deep.equal(given);
  });

  it("is in the repository as a file that says the defaults", () => {
    const { file: _, ...written } = loadConfig(join(import.meta.dirname, "../../../cluster.yaml"));
    const { file: __, ...defaults } = parseConfig("", join(import.meta.dirname, "../../../cluster.yaml"));
    expect(written).to.deep.equal(defaults);
  });

  it("takes what is written instead of the machine's share", () => {
    const config = parse("nodes: [{ name: big, hypervisor: fake, vcpus: 8, ratios: { cpu: 2.5 } }]");
    expect(config.nodes[0]).to.deep.include({
      ratios: { cpu: 2.5, ram: 1, disk: 1 },
      pretends: true,
    });
    expect(config.nodes[0]?.capacity.vcpus).to.equal(8);
  });

  it("knows by what a node can be switched off, with files relative to it; it reads no password", () => {
    const fingerprint = Array.from({ length: 32 }, () => "AB").join(":");
    const nodes = [
      `{ name: a, power: { redfish: ${redfish("https://b:8443/", `, caFile: certs/ca.pem`)} } }`,
      `{ name: b, power: { redfish: ${redfish("http://127.0.0.1:8000", `, system: s, fingerprint: "${fingerprint}"`)} } }`,
      `{ name: c, power: { ipmi: ${ipmi("10.0.0.9")} } }`,
      "{ name: d }",
    ];
    expect(parse(`nodes: [${nodes.join(", ")}]`).nodes.map(({ power }) => power)).to.deep.equal([
      {
        ...{ kind: "redfish", url: "https://b:8443", user: "u", passwordFile: "/tmp/p" },
        ...{ system: undefined, caFile: "/tmp/certs/ca.pem", fingerprint: undefined },
      },
      {
        ...{ kind: "redfish", url: "http://127.0.0.1:8000", user: "u", passwordFile: "/tmp/p" },
        ...{ system: "s", caFile: undefined, fingerprint: "ab".repeat(32) },
      },
      {
        ...{ kind: "ipmi", address: "10.0.0.9", port: 623, user: "u", passwordFile: "/tmp/p" },
        ...{ interface: "lanplus", cipherSuite: undefined },
      },
      undefined,
    ]);
  });

  it("takes what is reserved off what a node has", () => {
    const size = "vcpus: 8, memoryMib: 4096, diskGib: 100";
    const node = `{ name: a, ${size}, reserved: { vcpus: 2, memoryMib: 96, diskGib: 200 } }`;
    expect(parse(`nodes: [${node}]`).nodes[0]?.capacity).to.deep.equal({
      ...{ vcpus: 6, memoryMib: 4_000, diskGib: 0 },
    });
  });

  it("keeps a node's labels, and says what a label may be", () => {
    const config = parse(
      "nodes: [{ name: big, hypervisor: fake, labels: { rack: r1, zone.io/ssd: 'true' } }]",
    );
    expect(config.nodes[0]?.labels).to.deep.equal({ rack: "r1", "zone.io/ssd": "true" });
    expect(parse("").nodes[0]?.labels).to.deep.equal({});
    expect(refusal("nodes: [{ name: big, labels: { rack: 5 } }]")).to.contain("labels.rack must be a text");
    expect(refusal('nodes: [{ name: big, labels: { rack: "a\\u202eb" } }]')).to.contain(
      "all of which can be seen",
    );
    const idLike = "01a227c6-f83d-775f-8007-f1c27e3e5c48";
    expect(refusal(`nodes: [{ name: ${idLike} }]`)).to.contain("has the form of an id");
    expect(refusal("nodes: [{ name: big, labels: { 'a b': x } }]")).to.contain("labels");
  });

  it("lets single weighers be changed, and keeps the others", () => {
    const changed = parse("scheduler: { weighers: { freeRam: -2 } }").scheduler.weighers;
    expect(changed).to.deep.equal({ ...parse("").scheduler.weighers, freeRam: -2 });
    expect(changed).to.include({ freeCpu: 1, ioLoad: -1, freeDisk: 0 });
  });

  const wrong: readonly (readonly [string, string, string, string])[] = [
    [
      "a misspelt key",
      "cell: main\ncontroler: 1\n",
      "file:2: controler is not a known key. Did you mean",
      "controllers",
    ],
    [
      "an unknown key",
      "a:\n  b: 1\n",
      "file:1: a is not a known key. Use one of: cell, deployment, stateDirectory",
      "demo",
    ],
    ["a deep unknown key", "nodes:\n  - name: a\n    cpus: 2\n", "file:3: nodes.0.cpus", "vcpus"],
    [
      "a text for a number",
      "cell: main\n\ncontrollers: two\n",
      "file:3: controllers must be a whole number",
      '"two"',
    ],
    [
      "a number out of range",
      "nats:\n  port: 99999\n",
      "file:2: nats.port must be at most 65535",
      "0 takes any free",
    ],
    [
      "a deployment that ten bits cannot say",
      "deployment: 1024\n",
      "file:1: deployment must be at most 1023",
      "every id",
    ],
    ["a negative number", "controllers: -1\n", "file:1: controllers must be at least 1", "-1"],
    ["a broken number", "controllers: 1.5\n", "file:1: controllers must be a whole number", "1.5"],
    ["a list for a map", "nats: [1]\n", "file:1: nats must be a map of keys", "[1]"],
    ["a null", "nats:\n", "file:1: nats must be a map of keys", "null"],
    ["a text for a boolean", "demo: maybe\n", "file:1: demo must be true or false", '"maybe"'],
    [
      "an unknown hypervisor",
      "nodes:\n  - name: a\n    hypervisor: xen\n",
      "file:3: nodes.0.hypervisor",
      "qemu, fake",
    ],
    [
      "an unknown filter",
      "scheduler:\n  filters: [ram, color]\n",
      "file:2: scheduler.filters.1 must be one of",
      "color",
    ],
    [
      "an unknown weigher",
      "scheduler:\n  weighers: { freeram: 1 }\n",
      "file:2: scheduler.weighers.freeram",
      "freeRam?",
    ],
    ["a node without a name", "nodes:\n  - vcpus: 1\n", "file:2: nodes.0 lacks the key name", "Add it"],
    ["no node", "nodes: []\n", "file:1: nodes", "compute nodes"],
    [
      "two nodes of one name",
      "nodes:\n  - name: a\n  - name: a\n",
      "file:3: nodes.1.name: two nodes are called a",
      "own",
    ],
    ["a name like an option", "nodes:\n  - name: -a\n", "file:2: nodes.0.name", "a letter or digit first"],
    ["another one", "nodes:\n  - name: --help\n", "file:2: nodes.0.name", "a letter or digit first"],
    ["a path as a name", "nodes:\n  - name: ../a\n", "file:2: nodes.0.name", "letters, digits"],
    ["a controller's name", "nodes:\n  - name: controller-1\n", "file:2: nodes.0.name", "another process"],
    ["a server's name", "nodes:\n  - name: nats\n", "file:2: nodes.0.name", "another process"],
    ["a dot in the cell", "cell: a.b\n", "file:1: cell", "letters, digits"],
    ["a cell like an option", "cell: -c\n", "file:1: cell", "a letter or digit first"],
    [
      "a project like an option",
      "projects: [-p]\n",
      "file:1: projects.0 must be a name",
      "a letter or digit first",
    ],
    [
      "a reserved project",
      "projects: [demo, admin]\n",
      "file:1: projects.1: the name admin is reserved",
      "another",
    ],
    [
      "a project that looks like a host",
      "projects: [host_1]\n",
      "file:1: projects.0: the name host_1",
      "reserved",
    ],
    ["a project twice", "projects:\n  - a\n  - a\n", "file:3: projects.1: a is named twice", "Remove"],
    [
      "an anonymous client that is no project's",
      "nats:\n  anonymous: nobody\n",
      "file:2: nats.anonymous: there is no project nobody",
      "Name one of them",
    ],
    [
      "an anonymous client of a server that is not ours",
      "nats:\n  url: nats://bus:4222\n  anonymous: demo\n",
      "file:3: nats.anonymous is a rule of our own server",
      "remove it here",
    ],
    [
      "a URL of another kind",
      "postgres: { url: mysql://x/y }\n",
      "file:1: postgres.url",
      "postgresql://user",
    ],
    [
      "a page instead of an origin",
      "nats:\n  websocket:\n    allowedOrigins: [https://h/page]\n",
      "file:3: nats.websocket.allowedOrigins.0 must be a page's origin",
      "scheme://host:port",
    ],
    [
      "no origin at all",
      "nats: { websocket: { port: 1, allowedOrigins: [] } }\n",
      "file:1: nats.websocket.allowedOrigins must have at least 1 entry",
      "pages that may connect",
    ],
    [
      "a listener for browsers at somebody else's server",
      "nats:\n  url: nats://h\n  websocket: {}\n",
      "file:3: nats.websocket is a listener of our own",
      "remove it here",
    ],
    [
      "a URL and a port",
      "nats:\n  url: nats://h\n  port: 1\n",
      "file:3: nats.port is the port of our own",
      "Remove",
    ],
    [
      "a power that says nothing",
      "nodes:\n  - name: a\n    power: {}\n",
      "file:3: nodes.0.power is empty",
      "redfish or ipmi",
    ],
    [
      "two powers of one node",
      `nodes:\n  - name: a\n    power:\n      redfish: ${redfish("https://b")}\n      ipmi: ${ipmi("b")}\n`,
      "file:5: nodes.0.power.ipmi is a second way",
      "Remove one",
    ],
    [
      "a password over the network in the clear",
      `nodes:\n  - name: a\n    power: { redfish: ${redfish("http://10.0.0.9")} }\n`,
      "file:3: nodes.0.power.redfish.url would send the password",
      "Write https://",
    ],
    [
      "a password in the URL",
      `nodes:\n  - name: a\n    power: { redfish: ${redfish("https://u:p@b")} }\n`,
      "file:3: nodes.0.power.redfish.url must be ",
      "without user and path",
    ],
    [
      "a password in the file itself",
      "nodes:\n  - name: a\n    power: { ipmi: { address: b, user: u, password: p } }\n",
      "file:3: nodes.0.power.ipmi lacks the key passwordFile",
      "not a known key",
    ],
    [
      "two ways to trust",
      `nodes:\n  - name: a\n    power: { redfish: ${redfish("https://b", `, caFile: c, fingerprint: ${"ab".repeat(32)}`)} }\n`,
      "file:3: nodes.0.power.redfish.fingerprint",
      "Remove it, or caFile",
    ],
    [
      "an option for an address",
      `nodes:\n  - name: a\n    power: { ipmi: ${ipmi("-Pme")} }\n`,
      "file:3: nodes.0.power.ipmi.address",
      "IP address",
    ],
    [
      "a cipher suite without a password",
      `nodes:\n  - name: a\n    power: { ipmi: ${ipmi("b", ", cipherSuite: 0")} }\n`,
      "file:3: nodes.0.power.ipmi.cipherSuite must be at least 1",
      "3 or 17",
    ],
    [
      "a weight that is no number",
      'nodes:\n  - name: a\n    labels: { weight: "NaN" }\n',
      "file:3: nodes.0.labels.weight must be a number from -1 to 1",
      "weigher",
    ],
    [
      "a weight out of range",
      'nodes: [{ name: a, labels: { weight: "2" } }]\n',
      "file:1: nodes.0.labels.weight",
      "from -1 to 1",
    ],
    ["a key twice", "cell: a\ncell: b\n", "file:2: this is not YAML", "unique"],
    ["a broken line", "nats: {port: 1\ncell: a\n", "file:2: this is not YAML", "indentation"],
    ["a tab", "nats:\n\tport: 1\n", "file:2: this is not YAML", "indentation"],
    ["a list at the top", "- a\n", "file:1: the file must be a map of keys", "cluster"],
  ];
  for (const [what, text, start, contains] of wrong) {
    it(`names file, line and what to do for ${what}`, () => {
      const message = refusal(text);
      expect(message.split("\n")[0]).to.satisfy((line: string) => line.startsWith(start), message);
      expect(message).to.contain(contains);
    });
  }

  it("tells of everything that is wrong at once, in the order of the lines", () => {
    const lines = refusal("demo: 1\nnodes:\n  - name: a\n    vcpus: 0\ncontrollers: 99\n").split("\n");
    expect(lines.map((line) => line.split(":")[1])).to.deep.equal(["1", "4", "5"]);
  });

  it("says so when the file is not there", () => {
    expect(() => loadConfig("/nowhere/cluster.yaml")).to.throw(
      NothingNamedError,
      /^There is no configuration file \/nowhere\/cluster\.yaml\.$/,
    );
    expect(defaultConfigFile()).to.match(/cluster\.yaml$/);
  });
});
