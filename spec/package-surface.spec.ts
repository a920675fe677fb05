/**
 * Every name that the package offers, in one list (spec/versions/surface.json): a name that comes or goes is
 * seen in the change that does it. `NOVACT_WRITE_DOCS=1 npx mocha …` writes the list anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { exportedNames } from "./tidy/exports.ts";
import { readSourceTree, root, type SourceFile } from "./tidy/source-tree.ts";

const list = join(root, "spec/versions/surface.json");
const files = new Map(readSourceTree().map((file) => [file.path, file]));

/** Source of each entry, from package.json: what is imported in Node, else what its declarations are of. */
const sources: Readonly<Record<string, string>> = {
  novact: sourceOf("."),
  "novact/browser": sourceOf("./browser"),
  "novact/protocol": sourceOf("./protocol"),
  "novact/plugin": sourceOf("./plugin"),
  "novact/contract": sourceOf("./contract"),
};

function sourceOf(entry: string): string {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, { readonly types: string }>>;
  };
  return (exports[entry]?.types ?? "").replace(/^\.\/build\//, "").replace(/\.d\.ts$/, ".ts");
}

const reexport = /^export\s+(type\s+)?(?:\*|\{([^}]*)\})\s*from\s*"([^"]+)"/gm;

/** Names that can be imported from a file; `type` before those of which nothing is left at run time. */
function namesOf(path: string): readonly string[] {
  const file = files.get(path);
  if (file === undefined) throw new Error(`There is no ${path}.`);
  const own = exportedNames(file).map(({ name, isType }) => (isType ? `type ${name}` : name));
  return [
    ...new Set([...own, ...[...file.code.matchAll(reexport)].flatMap((found) => passedOn(file, found))]),
  ];
}

function passedOn(file: SourceFile, [, type, braced, target = ""]: RegExpExecArray): readonly string[] {
  if (braced === undefined) return namesOf(join(file.path, "..", target));
  const names = braced.split(",").map((name) => name.trim().replace(/^(type\s+)?.*\sas\s+/, "$1"));
  return names.filter((name) => name !== "").map((name) => (type === undefined ? name : `type ${name}`));
}

/** A schema and its type have one name: what is left at run time stands for both. */
function surfaceOf(path: string): readonly string[] {
  const names = namesOf(path);
  return names
    .filter((name) => !names.includes(name.replace(/^type /, "")) || !name.startsWith("type "))
    .sort();
}

describe("the surface of the package", () => {
  const surface = () =>
    Object.fromEntries(Object.entries(sources).map(([entry, path]) => [entry, surfaceOf(path)]));

  before(() => {
    if (process.env.NOVACT_WRITE_DOCS !== "1") return;
    writeFileSync(list, `${JSON.stringify(surface(), undefined, 2)}\n`);
  });

  it("is what the list says: NOVACT_WRITE_DOCS=1 writes it anew, and the change is for a reviewer", () => {
    expect(surface()).to.deep.equal(JSON.parse(readFileSync(list, "utf8")));
  });

  it("is read right: the values of each list are what can be imported", async () => {
    for (const [entry, path] of Object.entries(sources)) {
      const found: object = await import(join(root, path));
      const values = surfaceOf(path).filter((name) => !name.startsWith("type "));
      expect(values, entry).to.deep.equal(Object.keys(found).sort());
    }
  });

  it("has all of novact/protocol in novact and in novact/browser", () => {
    const inProtocol = surfaceOf(sources["novact/protocol"] ?? "");
    for (const entry of ["novact", "novact/browser"])
      expect(surfaceOf(sources[entry] ?? ""), entry).to.include.members([...inProtocol]);
  });
});

describe("the programs of the package", () => {
  it("are all that is started as a process or a thread of its own: no import leads to these", () => {
    const started = [...files.values()].flatMap(({ path, code }) =>
      path.startsWith("nodes/")
        ? [...code.matchAll(/\bprogramFile\("([^"]+)"\)/g)].map(([, name]) => name)
        : [],
    );
    const built = readFileSync(join(root, "nodes/package/build.ts"), "utf8");
    expect(started).to.not.have.length(0);
    expect(started.filter((name) => !built.includes(`"${name}"`))).to.deep.equal([]);
  });
});
