/**
 * The documents for people who join, upgrade or report a hole: CONTRIBUTING, CHANGELOG, SECURITY. Their lists
 * of scripts, rules and users are those of the code, in both directions; and every document names only paths
 * and commands that exist. Sentences are judged by people.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { natsUsers } from "../nodes/bus/access.ts";
import { lostCommands, lostPaths, read, table } from "./tidy/document-text.ts";
import { projectFiles, root } from "./tidy/source-tree.ts";
import { pureRule, textRules } from "./tidy/text-rules.ts";

const scripts: Readonly<Record<string, string>> = JSON.parse(read("package.json")).scripts;

/** Records of a time: what they name may be gone. */
const ofTheirTime = /^(?:CHANGELOG\.md|spec\/decisions\/)/;

describe("documents", () => {
  for (const path of projectFiles().filter((one) => one.endsWith(".md") && !ofTheirTime.test(one))) {
    it(`${path} names paths and commands that exist`, () => {
      expect(lostPaths(path)).to.deep.equal([]);
      expect(lostCommands(read(path))).to.deep.equal([]);
    });
  }

  it("would be seen to name what does not exist", () => {
    const text = "`spec/nowhere.ts`, `nodes/cli/nouns/<noun>.ts`, `nodes/<noun>/never.ts`, `NOTHING.md`";
    expect(lostPaths("a.md", text)).to.deep.equal(["spec/nowhere.ts", "nodes/<noun>/never.ts", "NOTHING.md"]);
    const commands =
      "```\nnpm run check\nnpm run fly\nnode spec/nothing.ts\n```\n`npx mocha --no-config spec/no.ts`";
    expect(lostCommands(commands)).to.deep.equal([
      "npm run fly",
      "node spec/nothing.ts",
      "mocha --no-config spec/no.ts",
    ]);
  });
});

describe("CONTRIBUTING.md", () => {
  const rows = table("CONTRIBUTING.md", "rules");
  /** An entry for each spec that a row names; `group` is a `describe` of spec/tidy.spec.ts. */
  const checks = rows.flatMap(([rule = "", , cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`(?: \*([^*]+)\*)?/g)].map(([, spec = "", group]) => ({ rule, spec, group })),
  );

  it("lists every script of package.json that a person runs, and only those", () => {
    const listed = table("CONTRIBUTING.md", "scripts").map(
      ([cell = ""]) => /npm (?:run )?([\w:-]+)/.exec(cell)?.[1],
    );
    // npm runs these itself.
    const own = /^(?:pre|post)[a-z]+$/;
    const known = Object.keys(scripts).filter((name) => !own.test(name));
    expect([...listed].sort()).to.deep.equal(known.sort());
  });

  it("has a reason and a spec for each rule", () => {
    for (const [rule = "", why = "", cell = ""] of rows) {
      expect(why, rule).to.not.equal("");
      expect(
        checks.filter((check) => check.rule === rule),
        cell,
      ).to.not.be.empty;
    }
    expect(checks.filter(({ spec }) => !existsSync(join(root, spec)))).to.deep.equal([]);
  });

  it("lists every rule about the text of a file, in the words of its test", () => {
    const listed = checks.filter(({ group }) => group === "text").map(({ rule }) => rule);
    const known = [...textRules, pureRule].map(({ name }) => name);
    expect([...listed].sort()).to.deep.equal(known.sort());
  });

  it("lists every group of spec/tidy.spec.ts, and only those", () => {
    const groups = [...read("spec/tidy.spec.ts").matchAll(/^ {2}describe\("([^"]+)"/gm)].map(
      ([, name]) => name,
    );
    const listed = checks.filter(({ spec }) => spec === "spec/tidy.spec.ts").map(({ group }) => group);
    expect([...new Set(listed)].sort()).to.deep.equal(groups.sort());
  });

  it("lists every document spec", () => {
    const specs = readdirSync(join(root, "spec")).filter((name) => /^documents.*\.spec\.ts$/.test(name));
    expect(specs.filter((name) => !checks.some(({ spec }) => spec === `spec/${name}`))).to.deep.equal([]);
  });

  const guide = (name: string): string =>
    new RegExp(`<!-- ${name} -->\n([\\s\\S]*?)<!-- /${name} -->`).exec(read("CONTRIBUTING.md"))?.[1] ?? "";

  it("names every file that its example of a noun is in", () => {
    const named = guide("noun");
    const files = projectFiles().filter((path) => path.endsWith(".ts") && !path.startsWith("spec/documents"));
    const about = files.filter((path) => read(path).includes("server-group"));
    expect(about).to.include("actors/promises/groups-and-quotas.ts");
    const all = read("CONTRIBUTING.md");
    expect(named).not.to.equal("");
    expect(about.filter((path) => !all.includes(`\`${path}\``))).to.deep.equal([]);
  });

  it("names every port of a driver, and every contract of one", () => {
    const named = guide("driver");
    const contracts = readdirSync(join(root, "spec/support")).filter((name) => name.endsWith("-contract.ts"));
    // What is no driver's: what controllers store, say, publish and decide.
    const others = ["store", "bus", "event-stream", "scheduler"].map((name) => `${name}-contract.ts`);
    const missing = contracts.filter((name) => !named.includes(`\`spec/support/${name}\``));
    expect(missing.filter((name) => !others.includes(name))).to.deep.equal([]);
    const ports = readdirSync(join(root, "actors/ports")).map((name) => `actors/ports/${name}`);
    // The store and its ports, for the same reason.
    const elsewhere = /\/(?:store|pages|signs-of-life|event-stream|[a-z-]+-reads)\.ts$/;
    const lost = ports.filter((path) => !named.includes(`\`${path}\``) && !elsewhere.test(path));
    expect(lost).to.deep.equal([]);
  });
});

describe("SECURITY.md", () => {
  it("lists every user of the bus, and only those", () => {
    const made = { cell: "main", hosts: ["h1"], projects: ["demo"] };
    const known = natsUsers(made).map(({ name }) => name.replace("h1", "<id>").replace("demo", "<project>"));
    const listed = table("SECURITY.md", "users").map(([cell = ""]) => cell.replaceAll("`", ""));
    expect([...listed].sort()).to.deep.equal(known.sort());
  });

  it("has a spec for each promise", () => {
    const part = /## Protected\n([\s\S]*?)\n## /.exec(read("SECURITY.md"))?.[1] ?? "";
    const rows = part
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .slice(2);
    expect(rows).to.not.be.empty;
    for (const row of rows) expect(row).to.match(/`spec\/[\w./-]+`/);
  });
});

describe("CHANGELOG.md", () => {
  const text = read("CHANGELOG.md");
  const versions = [...text.matchAll(/^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2}|unreleased)$/gm)].map(
    ([, version = "", date = ""]) => ({ version, date }),
  );
  const order = (version: string): number =>
    version.split(".").reduce((sum, part) => sum * 1_000 + Number(part), 0);

  it("has a heading of one form for each version, the newest first", () => {
    expect(text.match(/^## /gm)).to.have.length(versions.length);
    const numbers = versions.map(({ version }) => order(version));
    expect(numbers).to.deep.equal([...numbers].sort((a, b) => b - a));
  });

  it("begins with the version of package.json, or with the one that comes after it and is not released", () => {
    const { version } = JSON.parse(read("package.json"));
    const [first, second] = versions;
    if (first?.date === "unreleased") {
      expect(second?.version).to.equal(version);
      expect(order(first.version)).to.be.greaterThan(order(version));
    } else expect(first?.version).to.equal(version);
  });

  it("sorts changes by their kind", () => {
    const kinds = [...text.matchAll(/^### (.*)$/gm)].map(([, kind]) => kind);
    const known = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
    expect(kinds.filter((kind) => kind === undefined || !known.includes(kind))).to.deep.equal([]);
    expect(kinds).to.not.be.empty;
  });
});
