/** The log of a server of ours while it runs: what clients make it write does not fill the disk. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { upLimits } from "../../../nodes/up/limits.ts";
import { boundLog } from "../../../nodes/up/server-process.ts";

describe("the log of a running server", () => {
  let directory: string;
  const file = () => join(directory, "nats.log");
  const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;
  const full = () => Buffer.alloc(upLimits.serverLogBytesMax, "x");

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-log-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("is left alone while it is short, and where there is none", () => {
    boundLog(file());
    writeFileSync(file(), "short");
    boundLog(file());
    expect([size(file()), size(`${file()}.1`)]).to.deep.equal([5, undefined]);
  });

  it("is emptied under the server that writes to it, with the old lines beside it", () => {
    const server = openSync(file(), "a");
    writeSync(server, full());
    boundLog(file());
    writeSync(server, "next");
    closeSync(server);
    expect([size(file()), size(`${file()}.1`)]).to.deep.equal([4, upLimits.serverLogBytesMax]);
  });

  it("is emptied also where there is no room for the old lines", () => {
    symlinkSync("/dev/full", `${file()}.1`);
    writeFileSync(file(), full());
    boundLog(file());
    expect([size(file()), size(`${file()}.1`)]).to.deep.equal([0, undefined]);
  });
});
