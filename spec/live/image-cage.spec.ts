/** The cage in which a tool looks at an image of unknown origin: what it can see and do there, really. */
import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { type FileHandle, open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { runCaged } from "../../nodes/drivers/images/cage.ts";
import { imageLimits } from "../../nodes/drivers/images/limits.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { skip } from "../support/services.ts";

describe("a tool that looks at an image of unknown origin", () => {
  let place: TemporaryDirectory;
  let image: FileHandle;
  before(function () {
    for (const tool of ["setpriv", "prlimit", "unshare"])
      if (spawnSync(tool, ["--version"], { stdio: "ignore" }).error !== undefined)
        skip(this, `${tool} is not installed`);
  });
  beforeEach(async () => {
    place = await temporaryDirectory();
    await writeFile(join(place.path, "image"), "of unknown origin", { mode: 0o444 });
    image = await open(join(place.path, "image"), "r");
  });
  afterEach(async () => {
    await image?.close();
    await place?.remove();
  });

  const run = async (...tool: string[]) => {
    const signal = new AbortController().signal;
    return runCaged(tool, { descriptor: image.fd, signal });
  };

  it("reads the image by its descriptor", async () => {
    expect((await run("cat", "/proc/self/fd/3")).output).to.equal("of unknown origin");
  });

  it("has no network, where the kernel grants it a namespace", async function () {
    const wall = process.getuid?.() === 0 ? ["--net"] : ["--user", "--net"];
    if (spawnSync("unshare", [...wall, "true"]).status !== 0) skip(this, "the kernel grants no namespaces");
    const { output } = await run("readlink", "/proc/self/ns/net");
    expect(output.trim()).to.match(/^net:/).and.not.to.equal(readlinkSync("/proc/self/ns/net"));
    expect((await run("cat", "/proc/self/net/dev")).output).not.to.match(/eth|ens|docker|wlan/);
  });

  it("has no rights, and no way to any", async () => {
    const { output } = await run("cat", "/proc/self/status");
    expect(output).to.match(/^NoNewPrivs:\t1$/m);
    for (const set of ["Inh", "Prm", "Eff", "Amb"])
      expect(output).to.match(new RegExp(`^Cap${set}:\\t0+$`, "m"));
    if (process.getuid?.() !== 0) return;
    expect(output)
      .to.match(/^Uid:\t65534\t65534\t65534\t65534$/m)
      .and.to.match(/^CapBnd:\t0+$/m);
  });

  it("writes no file, and has little memory and time", async () => {
    const { output } = await run("cat", "/proc/self/limits");
    const limit = (name: string, value: number, hard = value) =>
      new RegExp(`^Max ${name} +${value} +${hard} `, "m");
    const { imageInspectMemoryBytesMax, imageInspectTimeoutMs, imageInspectFilesMax } = imageLimits;
    expect(output)
      .to.match(limit("file size", 0))
      .and.to.match(limit("core file size", 0))
      .and.to.match(limit("address space", imageInspectMemoryBytesMax))
      .and.to.match(limit("cpu time", imageInspectTimeoutMs / 1_000, imageInspectTimeoutMs / 1_000 + 1))
      .and.to.match(limit("open files", imageInspectFilesMax));
    const writing = await run("dd", "if=/proc/self/fd/3", `of=${join(place.path, "copy")}`);
    expect(writing.exitCode).not.to.equal(0);
    const left = await readdir(place.path);
    expect(left.filter((name) => name !== "image" && name !== "copy")).to.deep.equal([]);
  });

  it("has one heap, whatever threads it has, and its end says what ended it", async () => {
    expect((await run("env")).output).to.match(/^MALLOC_ARENA_MAX=1$/m);
    const ended = async (script: string) => {
      const { exitCode, endSignal, isLate } = await run("sh", "-c", script);
      return { exitCode, endSignal, isLate };
    };
    const killed = { exitCode: null, isLate: false };
    expect(await ended("exit 3")).to.deep.equal({ exitCode: 3, endSignal: null, isLate: false });
    expect(await ended("kill -KILL $$")).to.deep.equal({ ...killed, endSignal: "SIGKILL" });
    expect(await ended("kill -SEGV $$")).to.deep.equal({ ...killed, endSignal: "SIGSEGV" });
    expect((await run("no-such-tool")).exitCode).to.equal(127);
  });
});
