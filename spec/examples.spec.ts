/**
 * The examples of plug-ins are what an outsider could write: each is a package of its own, and knows nothing
 * of this tree but what the package novact offers.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { pluginDocument } from "../nodes/plugins/document.ts";
import { documentMarks, withDocument } from "../nodes/plugins/document-marks.ts";
import { loadPlugins } from "../nodes/plugins/load.ts";
import { readSourceTree, root } from "./tidy/source-tree.ts";

const folder = join(root, "spec/examples");
const examples = readdirSync(folder).filter((name) => name !== "node_modules");
const files = readSourceTree().filter(({ path }) => path.startsWith("spec/examples/"));

describe("the examples of plug-ins", () => {
  it("are packages, each with a README, a build and tests", () => {
    expect(examples).to.include("cooling");
    for (const name of examples) {
      const manifest = JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8"));
      expect(manifest.name).to.equal(`novact-${name}`);
      expect(manifest.scripts, name).to.include.keys("build", "test", "prepack");
      expect(readFileSync(join(folder, name, "README.md"), "utf8")).to.match(/^# novact-/);
      const own = files.filter(({ path }) => path.startsWith(`spec/examples/${name}/`));
      expect(own.filter(({ path }) => path.endsWith(".spec.ts"))).to.not.have.length(0);
    }
  });

  it("tell in their README what they add to the API: NOVACT_WRITE_DOCS=1 writes it anew", async () => {
    const told: string[] = [];
    for (const name of examples) {
      const file = join(folder, name, "README.md");
      const text = readFileSync(file, "utf8");
      const chosen = JSON.stringify({ plugins: [{ package: "./src/plugin.ts" }] });
      const { loaded } = await loadPlugins(chosen, join(folder, name, "cluster.yaml"), {});
      const document = loaded[0] && pluginDocument(loaded[0]);
      expect(text.includes(documentMarks.from), name).to.equal(document !== undefined);
      if (document === undefined) continue;
      told.push(name);
      const right = withDocument(text, document);
      if (process.env.NOVACT_WRITE_DOCS === "1") writeFileSync(file, right);
      else expect(text, name).to.equal(right);
    }
    expect(told).to.include("maintenance");
  });

  it("import of novact the plug-in's entry and, in tests, the contract's; of files only their own", () => {
    const strange = files.flatMap(({ path, code, imports }) => {
      const isSpec = /^spec\/examples\/[^/]+\/spec\//.test(path);
      const own = path.split("/").slice(0, 3).join("/");
      const offered = isSpec ? /^novact\/(?:plugin|contract)$/ : /^novact\/plugin$/;
      const entries = [...code.matchAll(/\bfrom\s+"(novact[^"]*)"/g)].map(([, entry = ""]) => entry);
      const others = imports.filter(({ target, isFile }) =>
        isFile ? !target.startsWith(`${own}/`) : !/^(?:node:|novact$|@types\/)/.test(target),
      );
      const wrong = others.map(({ target }) => target).filter((target) => !(isSpec && target === "chai"));
      return [...wrong, ...entries.filter((entry) => !offered.test(entry))].map((one) => `${path}: ${one}`);
    });
    expect(strange).to.deep.equal([]);
    expect(files.flatMap(({ imports }) => imports).some(({ target }) => target === "novact")).to.equal(true);
  });
});
