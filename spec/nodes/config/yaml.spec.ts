/** Whatever YAML a configuration is, its fault has a file and a line, and is not taken for a bug. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { loadConfig, parseConfig } from "../../../nodes/config/config.ts";
import { ConfigError, NothingNamedError } from "../../../nodes/config/errors.ts";
import { configLimits } from "../../../nodes/config/limits.ts";

/** The faults of a text; empty: it was taken. @throws whatever is no fault of the configuration */
function faultsOf(text: string): readonly string[] {
  try {
    parseConfig(text, "/tmp/cluster.yaml");
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
}

/** Nine aliases of what has nine aliases of what has nine. */
const laughs = (levels: number): string =>
  Array.from({ length: levels }, (_, n) => {
    const before = n === 0 ? "x" : `*l${n - 1}`;
    return `l${n}: &l${n} [${Array.from({ length: 9 }, () => before).join(", ")}]`;
  }).join("\n");

describe("the YAML of a configuration", () => {
  const wrong: readonly (readonly [what: string, text: string, line: number, says: string])[] = [
    ["an alias of what it stands in", "nodes: &n [*n]\n", 1, "the alias *n stands in what it names"],
    ["the same, deeper", "demo: true\nnats: &n\n  websocket:\n    port: *n\n", 4, "would have no end"],
    ["an alias of nothing", "cell: main\nprojects: *y\n", 2, "the alias *y has no &y before it"],
    ["an alias before its anchor", "cell: *c\nprojects: [&c a]\n", 1, "has no &c before it"],
    ["aliases without measure", laughs(6), 2, "aliases (*NAME) repeat too much"],
    ["aliases of aliases of aliases", laughs(9), 7, "aliases (*NAME) repeat too much"],
    ["no number", "scheduler:\n  weighers: { freeRam: .nan }\n", 2, "Found: NaN."],
    ["no number for a whole one", "controllers: .NaN\n", 1, "Found: NaN."],
    ["an infinite number", "nodes: [{ name: a, ratios: { cpu: .inf } }]\n", 1, "Found: Infinity."],
    ["a number beyond all", "controllers: 1e999\n", 1, "Found: Infinity."],
    ["an unknown tag", "cell: !mine main\n", 1, "this is not YAML"],
    ["a tag of JavaScript", "cell: !!js/function 'return 1'\n", 1, "this is not YAML"],
    ["a binary", "cell: !!binary aGVsbG8=\n", 1, "cell"],
    ["a key twice", "demo: true\ndemo: true\n", 2, "unique"],
    ["a key twice below", "nats:\n  port: 1\n  port: 2\n", 3, "unique"],
    ["two documents", "cell: a\n---\ncell: b\n", 2, "this is not YAML"],
    ["a key that is a list", "? [cell]\n: main\n", 1, "a key is a word"],
    ["a key that is an alias", "cell: &c main\n*c : 1\n", 2, "a key is a word"],
    ["a key that is nothing", "? \n: main\n", 1, "is not a known key"],
    ["a key of objects", "__proto__: { cell: a }\n", 1, "is not a known key"],
    ["another one", "nodes: [{ name: a, constructor: 1 }]\n", 1, "is not a known key"],
    ["a merge", "nodes:\n  - &a { name: a }\n  - { <<: *a, name: b }\n", 3, "is not a known key"],
    ["a bell", "cell: \u0007\n", 1, "cell"],
    ["only a text", "main\n", 1, "must be a map of keys"],
    ["only null", "~\nnull\n", 1, "must be a map of keys"],
    ["no end of brackets", "nodes: [[[[\n", 2, "this is not YAML"],
    ["no bottom", `nodes: ${"[".repeat(20_000)}\n`, 1, "nested too deeply"],
    ["no bottom of maps", `nodes: ${"{a: ".repeat(10_000)}1${"}".repeat(10_000)}\n`, 1, "nested too deeply"],
    ["a URL that is none", "nats: { url: 'nats://[::' }\n", 1, "nats.url"],
    ["a port that is none", "nats: { url: 'nats://h:99999' }\n", 1, "nats.url"],
    ["a password that cannot be read", "nats: { url: 'nats://u:%zz@h' }\n", 1, "nats.url"],
    ["a database's URL that is none", "postgres: { url: 'postgres://[/d' }\n", 1, "postgres.url"],
    [
      "a power controller's URL that is none",
      "nodes:\n  - name: a\n    power: { redfish: { url: 'https://b:99999', user: u, passwordFile: p } }\n",
      3,
      "nodes.0.power.redfish.url",
    ],
  ];
  for (const [what, text, line, says] of wrong)
    it(`with ${what} is refused with its line`, () => {
      const [first = ""] = faultsOf(text);
      expect(first).to.match(/^\/tmp\/cluster\.yaml:\d+: /);
      expect(first).to.contain(`cluster.yaml:${line}: `).and.contain(says);
    }).timeout(30_000);

  it("with a fault in every line is told of twenty", () => {
    const lines = Array.from({ length: 500 }, (_, n) => `k${n}: a: b`);
    expect(faultsOf(lines.join("\n"))).to.have.length(configLimits.faultsToldMax);
  });

  it("of any depth is refused", () => {
    for (let depth = 100; depth <= 2_000; depth += 100)
      for (const text of [
        `nodes: ${"[".repeat(depth)}${"]".repeat(depth)}`,
        `sinks: [{ driver: file, options: ${"{ a: ".repeat(depth)}1${"}".repeat(depth)} }]`,
      ])
        expect(faultsOf(text)[0]).to.match(/^\/tmp\/cluster\.yaml:1: ./);
  });

  it("may name a part once and mean it often", () => {
    const nodes = Array.from({ length: 500 }, (_, n) => `  - { name: n${n}, hypervisor: fake, ratios: *r }`);
    const text = `nodes:\n  - { name: a, hypervisor: fake, ratios: &r { cpu: 2 } }\n${nodes.join("\n")}\n`;
    const config = parseConfig(text, "/tmp/cluster.yaml");
    expect(config.nodes.map(({ ratios }) => ratios.cpu)).to.deep.equal(Array.from({ length: 501 }, () => 2));
  });

  it("of any kind is taken or refused, and never a bug", () => {
    const word = fc.constantFrom(
      ...[
        "nodes",
        "cell",
        "name",
        "a",
        "&a",
        "*a",
        "!t",
        "- ",
        ": ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "|",
        ">",
      ],
      ...[
        "'",
        '"',
        "#",
        "?",
        "~",
        ".nan",
        "-.inf",
        "1e9",
        "---",
        "%YAML 1.1",
        "<<",
        "\t",
        "\u0000",
        "\ud800",
        "\ufeff",
      ],
    );
    const texts = fc.array(word, { maxLength: 30 }).map((words) => words.join(""));
    fc.assert(
      fc.property(texts, (text) => {
        for (const fault of faultsOf(text)) expect(fault).to.match(/^\/tmp\/cluster\.yaml:\d+: ./);
      }),
      { numRuns: 500 },
    );
  }).timeout(60_000);
});

describe("the file of a configuration", () => {
  let directory: string;
  const at = (name: string) => join(directory, name);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-yaml-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("is an ordinary one, and no larger than any could be", () => {
    mkdirSync(at("cluster.yaml"));
    expect(() => loadConfig(at("cluster.yaml"))).to.throw(NothingNamedError, "is no ordinary file");
    expect(() => loadConfig("/dev/zero")).to.throw(NothingNamedError, "is no ordinary file");
    writeFileSync(at("large.yaml"), "cell: a\n");
    truncateSync(at("large.yaml"), configLimits.fileBytesMax + 1);
    expect(() => loadConfig(at("large.yaml"))).to.throw(ConfigError, "large.yaml:1: it has 1048577 bytes");
  });

  it("that has no end is refused by up in one line, with the code of a wrong file", () => {
    const main = join(import.meta.dirname, "../../../nodes/main.ts");
    writeFileSync(at("cluster.yaml"), "nodes: &n [*n]\n");
    const options = { encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" } as const;
    const run = spawnSync(process.execPath, [main, "up", "--config", at("cluster.yaml")], options);
    expect(run.stderr).to.match(/cluster\.yaml:1: the alias \*n stands in what it names[^\n]*\n$/);
    expect(run.stderr).to.not.contain("    at ");
    expect(run.status).to.equal(2);
  }).timeout(120_000);
});
