/** A log's file on a disk that is full, broken or read-only: lines are lost and counted, nothing else. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openLog } from "../../../nodes/process/log.ts";
import { BoundedFile, type FileCalls } from "../../../nodes/process/log-file.ts";

const codes = ["ENOSPC", "EDQUOT", "EIO", "EROFS"] as const;

const failing = (code: string): never => {
  throw Object.assign(new Error(`${code}: simulated`), { code });
};

/** Files in memory whose calls fail as told. */
class BrokenDisk implements FileCalls {
  readonly files = new Map<string, string>();
  readonly #names = new Map<number, string>();
  #last = 0;
  /** The calls that fail, each with the code of its error. */
  fails: Partial<Record<keyof FileCalls, string>> = {};
  /** Bytes that still fit; undefined: any number. */
  room: number | undefined;

  open(path: string): number {
    this.#may("open");
    this.#last += 1;
    this.#names.set(this.#last, path);
    if (!this.files.has(path)) this.files.set(path, "");
    return this.#last;
  }

  size(descriptor: number): number {
    return this.#text(descriptor).length;
  }

  write(descriptor: number, bytes: Uint8Array, from: number): number {
    this.#may("write");
    const part = bytes.subarray(from, from + (this.room ?? bytes.length));
    if (part.length === 0) failing("ENOSPC");
    if (this.room !== undefined) this.room -= part.length;
    this.files.set(this.#name(descriptor), this.#text(descriptor) + Buffer.from(part).toString());
    return part.length;
  }

  truncate(descriptor: number, size: number): void {
    this.files.set(this.#name(descriptor), this.#text(descriptor).slice(0, size));
  }

  rename(from: string, to: string): void {
    this.#may("rename");
    this.files.set(to, this.files.get(from) ?? "");
    this.files.delete(from);
  }

  close(): void {
    this.#may("close");
  }

  #may(call: keyof FileCalls): void {
    const code = this.fails[call];
    if (code !== undefined) failing(code);
  }

  #name(descriptor: number): string {
    return this.#names.get(descriptor) ?? "";
  }

  #text(descriptor: number): string {
    return this.files.get(this.#name(descriptor)) ?? "";
  }
}

const opened = (calls: FileCalls, bytesMax = 1_000) =>
  new BoundedFile({ path: "log", bytesMax, missing: (lines, code) => `-${lines} ${code}\n`, calls });

describe("the file of a log", () => {
  for (const code of codes)
    it(`drops and counts lines while writing fails with ${code}, and says so afterwards`, () => {
      const disk = new BrokenDisk();
      const file = opened(disk);
      file.write("a\n");
      disk.fails = { write: code };
      for (let line = 0; line < 1_000; line += 1) file.write("lost\n");
      disk.fails = {};
      file.write("b\n");
      file.write("c\n");
      expect(disk.files.get("log")).to.equal(`a\n-1000 ${code}\nb\nc\n`);
    });

  it("leaves no half of a line that no longer fitted", () => {
    const disk = new BrokenDisk();
    const file = opened(disk);
    file.write("first\n");
    disk.room = 3;
    file.write("second\n");
    disk.room = undefined;
    file.write("third\n");
    expect(disk.files.get("log")).to.equal("first\n-1 ENOSPC\nthird\n");
  });

  it("begins a new file when the disk lets it, and is emptied in place when it may not be renamed", () => {
    const disk = new BrokenDisk();
    const file = opened(disk, 10);
    for (const line of ["one\n", "two\n", "three\n"]) file.write(line);
    expect([...disk.files]).to.deep.equal([
      ["log.1", "one\ntwo\n"],
      ["log", "three\n"],
    ]);
    disk.fails = { rename: "EROFS" };
    file.write("sixth\n");
    expect(disk.files.get("log")).to.equal("sixth\n");
  });

  it("goes on when there is no room for the file: at the start, and when it is set aside", () => {
    const disk = new BrokenDisk();
    disk.fails = { open: "ENOSPC" };
    const file = opened(disk, 10);
    file.write("a\n");
    disk.fails = {};
    file.write("b\n");
    expect(disk.files.get("log")).to.equal("-1 ENOSPC\nb\n");
    disk.fails = { open: "EDQUOT" };
    file.write("c\n");
    disk.fails = {};
    file.write("d\n");
    expect(disk.files.get("log")).to.equal("-1 EDQUOT\nd\n");
  });

  it("still tells a path that is wrong from a disk that is full", () => {
    const disk = new BrokenDisk();
    disk.fails = { open: "EACCES" };
    expect(() => opened(disk)).to.throw("EACCES");
  });
});

describe("the log on a full disk", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-full-log-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("does not end the process, however much is logged", async () => {
    symlinkSync("/dev/full", join(directory, "node.log"));
    const log = openLog({ process: "node-1", file: join(directory, "node.log") });
    for (let line = 0; line < 10; line += 1) log.error({ line }, "no room for this");
    // An error that nobody hears would end the process in a later turn.
    await new Promise(setImmediate);
    log.close();
  });

  it("says in a line of its own how many lines are missing", () => {
    const full = new BrokenDisk();
    full.fails = { write: "ENOSPC" };
    const file = join(directory, "node.log");
    const log = openLog({ process: "node-1", file, calls: full });
    for (let line = 0; line < 3; line += 1) log.info({ line }, "lost");
    full.fails = {};
    log.info({}, "there is room");
    log.close();
    const lines = (full.files.get(file) ?? "")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ level, lines: missing, code }) => [level, missing, code])).to.deep.equal([
      ["warn", 3, "ENOSPC"],
      ["info", undefined, undefined],
    ]);
    expect(() => readFileSync(file)).to.throw("ENOENT");
  });
});
