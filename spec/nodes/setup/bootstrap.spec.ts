/** The set-up before the first line of TypeScript, with an npm of the test's own that does not end. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";

const nodes = join(import.meta.dirname, "../../../nodes");

describe("the set-up", function () {
  this.timeout(60_000);
  let directory: string;
  const started: ChildProcess[] = [];
  const pidFile = () => join(directory, "npm.pid");

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-bootstrap-"));
    mkdirSync(join(directory, "nodes", "setup"), { recursive: true });
    mkdirSync(join(directory, "bin"));
    for (const name of ["bootstrap.mjs", "setup/run-command.mjs", "setup/system-packages.mjs"]) {
      cpSync(join(nodes, name), join(directory, "nodes", name));
    }
    writeFileSync(join(directory, "package-lock.json"), "{}");
    // It has a child, as npm has, and does not end by itself.
    const script = `sleep 600 & echo $! > ${pidFile()}.new; mv ${pidFile()}.new ${pidFile()}; wait\n`;
    writeFileSync(join(directory, "bin", "npm"), `#!/bin/sh\n${script}`);
    chmodSync(join(directory, "bin", "npm"), 0o755);
  });
  afterEach(() => {
    for (const child of started.splice(0)) child.kill("SIGKILL");
    const left = existsSync(pidFile()) ? Number(readFileSync(pidFile(), "utf8")) : 0;
    if (left > 0 && isAlive(left)) process.kill(left, "SIGKILL");
    rmSync(directory, { recursive: true });
  });

  const start = (program: string, argv: readonly string[], environment = {}) => {
    const PATH = `${join(directory, "bin")}${delimiter}${process.env.PATH ?? ""}`;
    const { npm_lifecycle_event: _, ...env } = process.env;
    const child = spawn(program, argv, {
      ...{ cwd: directory, stdio: ["ignore", "pipe", "pipe"], env: { ...env, PATH, ...environment } },
    });
    started.push(child);
    const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
    return { child, ended };
  };
  const npmChild = async (): Promise<number> => {
    const deadlineMs = performance.now() + 30_000;
    while (!existsSync(pidFile()) && performance.now() < deadlineMs) await sleep(20);
    return Number(readFileSync(pidFile(), "utf8"));
  };
  const isAlive = (pid: number): boolean =>
    existsSync(`/proc/${pid}/stat`) && !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  const untilGone = async (pid: number): Promise<void> => {
    const deadlineMs = performance.now() + 10_000;
    while (isAlive(pid) && performance.now() < deadlineMs) await sleep(20);
    expect(isAlive(pid)).to.equal(false);
  };

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    it(`ends with ${code} at ${signal}, and npm with all its children before it`, async () => {
      const { child, ended } = start(process.execPath, ["nodes/bootstrap.mjs"]);
      const pid = await npmChild();
      child.kill(signal);
      expect(await ended).to.equal(code);
      await untilGone(pid);
    });
  }

  it("ends when the shell of npm start was ended alone, which passes no signal on", async () => {
    const shell = ["-c", '"$0" nodes/bootstrap.mjs && true', process.execPath];
    const { child } = start("sh", shell, { npm_lifecycle_event: "start" });
    const pid = await npmChild();
    child.kill("SIGTERM");
    await untilGone(pid);
  });

  it("tells what tests alone would use and cannot have, and goes on", async () => {
    const program = (name: string, text: string) => {
      writeFileSync(join(directory, "bin", name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(directory, "bin", name), 0o755);
    };
    for (const name of ["sudo", "apt-get"]) program(name, `echo "E: no $*" >&2; exit 100`);
    const module = join(directory, "nodes/setup/system-packages.mjs");
    const packages = readFileSync(module, "utf8");
    writeFileSync(module, packages.replace(/program: "(?:crun|busybox)"/g, 'program: "not-there-yet"'));
    const code = `
      import { installTestPackages } from ${JSON.stringify(module)};
      await installTestPackages(console.log);
      console.log("went on");`;
    const { child, ended } = start(process.execPath, ["--input-type=module", "--eval", code]);
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    expect(await ended).to.equal(0);
    expect(output)
      .to.match(/crun busybox-static/)
      .and.to.match(/The tests run without: .* are skipped\.\nwent on\n/);
  });

  it("ends with the code of what is missing, and nothing goes on beside it", async () => {
    writeFileSync(join(directory, "bin", "npm"), "#!/bin/sh\nexit 7\n");
    const { ended } = start(process.execPath, ["nodes/bootstrap.mjs"]);
    expect(await ended).to.equal(6);
  });
});
