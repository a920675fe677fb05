/**
 * novact plugin new: packages of every kind, in the form of this project, and nothing else is touched. That
 * they compile, pass their own tests and are fit is in spec/check/check.spec.ts.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { CommandError } from "../../../nodes/cli/errors.ts";
import { pluginCommand } from "../../../nodes/cli/nouns/plugin.ts";
import { makeSkeleton, type SkeletonKind, skeletonKinds } from "../../../nodes/cli/skeletons/make.ts";
import { runIn } from "../../support/follow-guide.ts";
import { Outside } from "../../support/outside-package.ts";
import { root } from "../../tidy/source-tree.ts";
import { commandOn, nowhere } from "./cli-world.ts";

const kinds = Object.keys(skeletonKinds) as SkeletonKind[];

describe("cli: plugin new", function () {
  this.timeout(120_000);
  let outside: Outside;
  beforeEach(() => {
    outside = new Outside();
  });
  afterEach(() => outside.remove());

  it("offers every kind that there is a skeleton of", () => {
    const command = pluginCommand(async () => undefined).commands.find((one) => one.name() === "new");
    expect(command?.options.find(({ long }) => long === "--kind")?.argChoices).to.deep.equal(kinds);
    const folders = readdirSync(join(root, "nodes/cli/skeletons")).filter((name) => !name.includes("."));
    expect(folders.sort()).to.deep.equal([...kinds].sort());
  });

  for (const kind of kinds)
    it(`makes a whole package for a ${kind}, with every name filled in`, () => {
      const { directory, files } = makeSkeleton("my-own", kind, outside.path);
      expect(files).to.include.members(["package.json", "tsconfig.json", "README.md", "src/plugin.ts"]);
      expect(files.filter((file) => /^spec\/.+\.spec\.ts$/.test(file))).to.not.deep.equal([]);
      for (const file of files)
        expect(readFileSync(join(directory, file), "utf8")).not.to.match(/\{\{|\}\}$/m);
    });

  it("writes in the form that the tools of this project give to sources", async () => {
    for (const kind of kinds) makeSkeleton(`my-${kind}`, kind, outside.path);
    const biome = join(root, "node_modules/.bin/biome");
    const config = `--config-path=${join(root, "biome.json")}`;
    const { code, text } = await runIn(outside.path, biome, [
      "check",
      config,
      ...kinds.flatMap((kind) => ["src", "spec"].map((folder) => join(`my-${kind}`, folder))),
    ]);
    expect(code, text).to.equal(0);
  });

  it("asks for the tools in the versions that this project has", () => {
    const { directory } = makeSkeleton("my-own", "filter", outside.path);
    const { devDependencies } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies;
    expect(Object.keys(devDependencies)).to.include("mocha");
    expect(own).to.deep.include(devDependencies);
  });

  it("refuses a directory that is there, and leaves it as it is", () => {
    mkdirSync(join(outside.path, "my-own"));
    expect(() => makeSkeleton("my-own", "filter", outside.path)).to.throw(CommandError, "something already");
    expect(readdirSync(join(outside.path, "my-own"))).to.deep.equal([]);
  });

  for (const name of ["My-Own", "../up", "a b", "x".repeat(33), "instance", "novact"])
    it(`refuses the name ${name} with what to do, and makes nothing`, async () => {
      expect(() => makeSkeleton(name, "filter", outside.path)).to.throw(CommandError, "name");
      expect(readdirSync(outside.path)).to.deep.equal([]);
    });

  it("refuses a kind that there is none of", async () => {
    const { exit, err } = await commandOn(nowhere)("plugin new x --kind toaster");
    expect(exit).to.equal(2);
    expect(err).to.contain("Allowed choices are filter, weigher, hypervisor,");
  });
});
