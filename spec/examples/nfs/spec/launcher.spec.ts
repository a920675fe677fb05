/** How bridges begin, with a shell in the daemon's place. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { launcher } from "../src/daemon-line.ts";
import { nfsLimits } from "../src/limits.ts";

describe("a bridge that begins", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-nfs-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const begin = (pid: string, program: string) => {
    const log = openSync(join(directory, "log"), "w");
    const line = ["-c", launcher, pid, "sh", "-c", program];
    const { status } = spawnSync("sh", line, { stdio: ["ignore", log, log] });
    closeSync(log);
    return { status, said: readFileSync(join(directory, "log"), "utf8") };
  };

  it("is the process that has written its number", () => {
    const pid = join(directory, "pid");
    const { status, said } = begin(pid, "echo $$");
    expect([status, said]).to.deep.equal([0, readFileSync(pid, "utf8")]);
  });

  it("becomes nothing when its directory has lost its name", () => {
    const { status, said } = begin(join(directory, "gone/pid"), "echo begun");
    expect(status).not.to.equal(0);
    expect(said).not.to.contain("begun");
  });

  it("lives on when it has said more than its log may hold", () => {
    const line = "x".repeat(99);
    const talk = `i=0; while [ $i -lt 100 ]; do echo ${line} || :; i=$((i+1)); done; exit 7`;
    const { status, said } = begin(join(directory, "pid"), talk);
    expect([status, said.length]).to.deep.equal([7, nfsLimits.logBytesMax]);
  });
});
