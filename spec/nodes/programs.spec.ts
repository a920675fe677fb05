/**
 * The programs as processes: how each answers a question about itself and a wrong command line, and the modes
 * of what it makes. Nothing here starts a server.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { exitCodes } from "../../nodes/package/exit-codes.ts";
import { ownRelease, releaseText } from "../../nodes/package/release.ts";

const nodes = join(import.meta.dirname, "../../nodes");
const version = releaseText(ownRelease());

describe("a program", function () {
  this.timeout(60_000);
  let directory: string;
  const config = () => join(directory, "cluster.yaml");
  const run = (program: string, ...argv: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(nodes, program), ...argv], {
      ...{ encoding: "utf8", cwd: directory },
    });
    expect(stderr, argv.join(" ")).not.to.match(/\n\s+at /);
    return { status, stdout, stderr };
  };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-programs-"));
    writeFileSync(config(), "stateDirectory: state\nnodes: [{ name: a, hypervisor: fake }]\n");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("answers --help and --version, whatever the role", () => {
    for (const role of ["controller", "compute"]) {
      const { status, stdout } = run("main.ts", role, "--help");
      expect([status, stdout.includes("--name NODE")], role).to.deep.equal([0, true]);
    }
    expect(run("main.ts", "compute", "--version")).to.deep.include({ status: 0, stdout: `${version}\n` });
    expect(run("novact.mjs", "--version")).to.deep.include({ status: 0, stdout: `${version}\n` });
  });

  it("for developers answers --help whatever else is said, and ends with 2 on an unknown option", () => {
    const simulator = "../spec/simulator";
    const programs: readonly (readonly [string, ...string[]])[] = [
      ["bench/main.ts", "flood"],
      [`${simulator}/main.ts`, "--seed=1"],
      [`${simulator}/crash-matrix.ts`, "--jobs=1"],
      [`${simulator}/scenario-main.ts`, "--trace"],
    ];
    for (const [program, ...argv] of programs) {
      const { status, stdout } = run(program, ...argv, "--help");
      expect([status, stdout.split(" ")[0]], program).to.deep.equal([0, "Usage:"]);
      const refused = run(program, ...argv, "--nmae");
      expect([refused.status, refused.stdout], program).to.deep.equal([exitCodes.usage.exit, ""]);
      expect(refused.stderr, program).to.contain("--nmae").and.to.contain("Usage:");
    }
  });

  it("ends with 2 on a wrong command line or configuration, and makes nothing", () => {
    const { usage } = exitCodes;
    writeFileSync(join(directory, "wrong.yaml"), "stateDirectory: state\nndoes: []\n");
    const wrong: readonly (readonly string[])[] = [
      ["main.ts"],
      ["main.ts", "down"],
      ["main.ts", "up", "--config", join(directory, "wrong.yaml")],
      ["main.ts", "controller", "--config", join(directory, "wrong.yaml")],
      ["bench/main.ts", "accept", "--nmae"],
      ["chaos/main.ts", JSON.stringify({ task: "run", scenario: "nope", config: config() })],
    ];
    for (const [program = "", ...argv] of wrong) {
      expect(run(program, ...argv).status, argv.join(" ")).to.equal(usage.exit);
    }
    expect(existsSync(join(directory, "state"))).to.equal(false);
  });

  it("ends with 3 for a node that there is not, before its name becomes one of a file", () => {
    const { status, stderr } = run("main.ts", "compute", "--name=../../b", "--config", config());
    expect(status).to.equal(exitCodes.notFound.exit);
    expect(stderr).to.contain("There is no node ../../b");
    expect(existsSync(join(directory, "state"))).to.equal(false);
  });

  it("of a node ends with 4 when its id is damaged, and names the file", () => {
    run("main.ts", "compute", "--name=a", "--config", config());
    const file = join(directory, "state", "nodes", "a", "host-id");
    writeFileSync(file, "");
    const { status, stderr } = run("main.ts", "compute", "--name=a", "--config", config());
    expect(stderr).to.contain(`${file} is empty.`);
    expect(status).to.equal(exitCodes.conflict.exit);
  });

  it("makes files that others can read and pass through, but not write, whatever the umask", () => {
    const script = join(directory, "make.ts");
    const made = join(directory, "made");
    const modes: string[] = [];
    const first = `import "${join(nodes, "process/umask.ts")}";\nimport { mkdirSync } from "node:fs";\n`;
    writeFileSync(script, `${first}mkdirSync(${JSON.stringify(made)});\n`);
    for (const umask of ["077", "027", "000"]) {
      rmSync(made, { recursive: true, force: true });
      spawnSync("sh", ["-c", `umask ${umask}; exec "$0" "$1"`, process.execPath, script]);
      modes.push(spawnSync("stat", ["-c", "%a", made], { encoding: "utf8" }).stdout.trim());
    }
    expect(modes).to.deep.equal(["755", "755", "755"]);
  });

  it("does so by its first import", () => {
    for (const program of [
      "main.ts",
      "chaos/main.ts",
      "bench/main.ts",
      "setup/test.ts",
      "up/write-schema.ts",
    ]) {
      const [first] = /^import .*$/m.exec(readFileSync(join(nodes, program), "utf8")) ?? [];
      expect(first, program).to.match(/^import "\.\.?\/process\/umask\.ts";$/);
    }
    const bootstrap = readFileSync(join(nodes, "bootstrap.mjs"), "utf8");
    expect(bootstrap).to.match(/^process\.umask\(0o022\);$/m);
  });
});
