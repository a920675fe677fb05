/**
 * Plug-ins as their users have them: novact and every example are packed, installed from their tarballs
 * beside a cluster.yaml, loaded there, checked by the package's own command, and their tests run. Then all
 * of them together are used in a cluster of that package.
 */
import { execFile } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { examplesInUse } from "../support/examples-in-use.ts";
import {
  installPackages,
  makePackageProject,
  type PackageProject,
  packPackage,
} from "../support/package-project.ts";
import { root } from "../tidy/source-tree.ts";

const run = promisify(execFile);
const examples = readdirSync(join(root, "spec/examples")).filter((name) => name !== "node_modules");
/** Examples whose drivers bring no world for the contracts: their own tests run these, where crun is. */
const withoutWorlds: ReadonlySet<string> = new Set(["containers"]);
const tools = ["@types/chai", "@types/mocha", "@types/node", "chai", "mocha", "typescript"];

describe("the examples of plug-ins, packed and installed", function () {
  this.timeout(300_000);
  let project: PackageProject;

  before(async function () {
    project = await makePackageProject(this);
    // By the registry, as authors do. Never by links to our own: npm removes what it has not brought, and
    // does so through a link.
    const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    await installPackages(
      this,
      project.directory,
      tools.map((tool) => `${tool}@${devDependencies[tool]}`),
    );
  });
  after(() => project?.remove());

  const novact = async (...words: readonly string[]) => {
    const bin = join(project.directory, "node_modules/.bin/novact");
    const options = { cwd: project.directory, timeout: 120_000 };
    const done = run(process.execPath, [bin, ...words], options);
    return done.then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    );
  };

  for (const name of examples) {
    it(`${name} is built against the package, packed, and installed from its tarball`, async function () {
      const source = join(project.directory, `source-${name}`);
      cpSync(join(root, "spec/examples", name), source, {
        recursive: true,
        filter: (path) => !/\/(?:build|node_modules)(?:\/|$)/.test(path.slice(root.length)),
      });
      await run(process.execPath, [compilerIn(project), "--project", "."], { cwd: source });
      const tarball = await packPackage(source, project.directory);
      const target = join(project.directory, "node_modules", `novact-${name}`);
      await installPackages(this, project.directory, [tarball]);
      expect(readdirSync(target).sort()).to.deep.equal(["README.md", "build", "package.json"]);
    });

    it(`${name} passes its own tests there`, async () => {
      const mocha = join(project.directory, "node_modules/mocha/bin/mocha.js");
      const argv = [mocha, "--timeout", "60000", `source-${name}/spec/**/*.spec.ts`];
      const { stdout } = await run(process.execPath, argv, { cwd: project.directory });
      expect(stdout).to.match(/ [1-9]\d* passing/);
    });

    it(`${name} is loaded by a cluster.yaml there, and passes novact plugin check`, async () => {
      const yaml = `plugins: [novact-${name}]\nnodes: [{ name: a, hypervisor: fake }]\n`;
      writeFileSync(join(project.directory, "cluster.yaml"), yaml);
      const built = join(project.directory, "node_modules/novact/build/nodes/plugins/load.js");
      const code = `
        import { loadCluster } from ${JSON.stringify(built)};
        const { plugins } = await loadCluster("cluster.yaml");
        console.log(JSON.stringify(plugins.loaded.map(({ name, version }) => ({ name, version }))));`;
      expect(await project.evaluate("24", code)).to.deep.equal([{ name, version: "0.1.0" }]);
      const { code: exit, stdout, stderr } = await novact("plugin", "check", `novact-${name}`, "--json");
      expect(exit, stdout + stderr).to.equal(0);
      const { checks } = JSON.parse(stdout) as { readonly checks: readonly { readonly result: string }[] };
      const results = new Set(checks.map(({ result }) => result));
      expect(results).not.to.include("failed");
      expect(results).to.include(withoutWorlds.has(name) ? "notRun" : "passed");
    });
  }

  examplesInUse(() => project);

  it("a skeleton is made, built, tested and checked there", async () => {
    expect((await novact("plugin", "new", "mine", "--kind", "hypervisor")).code).to.equal(0);
    const mine = join(project.directory, "mine");
    await run(process.execPath, [compilerIn(project)], { cwd: mine });
    const { code, stdout, stderr } = await novact("plugin", "check", "mine", "--json");
    expect(code, stdout + stderr).to.equal(0);
    expect(stdout).to.contain("promises kept");
  });
});

const compilerIn = ({ directory }: PackageProject): string =>
  join(directory, "node_modules/typescript/bin/tsc");
