/**
 * The serial consoles' logs: positions never change, pages never cut a character, disk space never grows
 * beyond its limit.
 */
import { execFileSync } from "node:child_process";
import { appendFile, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { FileConsoles } from "../../../nodes/drivers/console-file.ts";
import { readConsolePage } from "../../../nodes/drivers/console-page.ts";
import { makeStateDirectories } from "../../../nodes/drivers/guest-directory.ts";
import { driverLimits } from "../../../nodes/drivers/limits.ts";
import { consolesContract } from "../../support/consoles-contract.ts";
import { silentLog, type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";

const pageOf = (text: string | Buffer, from: { offset?: number; tailLines?: number } = {}) => {
  const bytes = Buffer.from(text);
  return readConsolePage({ size: bytes.length, read: async (a, b) => bytes.subarray(a, b) }, from);
};

/** Reads from a position to the end, as a client that follows does. */
async function readAll(bytes: Buffer, offset = 0) {
  const pages: string[] = [];
  for (let at = offset; ; ) {
    const page = await pageOf(bytes, { offset: at });
    expect(page.offset, "pages join").to.equal(pages.length === 0 ? page.offset : at);
    pages.push(page.text);
    at = page.nextOffset;
    if (!page.more) return { text: pages.join(""), pages, end: at };
  }
}

consolesContract("consoles in files", async () => {
  const place = await temporaryDirectory();
  const directories = makeStateDirectories(place.path);
  return {
    consoles: new FileConsoles(directories, silentLog),
    print: async (instanceId, text) => {
      const directory = join(directories.guests, instanceId);
      await mkdir(directory, { recursive: true });
      await appendFile(join(directory, "console.log"), text);
    },
    close: () => place.remove(),
  };
});

describe("a page of a console", () => {
  it("begins at the first byte, and says where the next one begins", async () => {
    expect(await pageOf("one\ntwo\n")).to.deep.equal({
      text: "one\ntwo\n",
      offset: 0,
      nextOffset: 8,
      more: false,
    });
    expect(await pageOf("one\ntwo\n", { offset: 4 })).to.include({ text: "two\n", offset: 4, nextOffset: 8 });
  });

  it("is empty at the end, beyond it, and of nothing", async () => {
    expect(await pageOf("one", { offset: 3 })).to.deep.equal({
      text: "",
      offset: 3,
      nextOffset: 3,
      more: false,
    });
    expect(await pageOf("one", { offset: 99 })).to.deep.equal({
      text: "",
      offset: 3,
      nextOffset: 3,
      more: false,
    });
    expect(await pageOf("")).to.deep.equal({ text: "", offset: 0, nextOffset: 0, more: false });
  });

  it("of the last lines has exactly those", async () => {
    expect((await pageOf("a\nb\nc\n", { tailLines: 2 })).text).to.equal("b\nc\n");
    expect((await pageOf("a\nb\nc", { tailLines: 2 })).text).to.equal("b\nc");
    expect((await pageOf("a\nb\n", { tailLines: 9 })).text).to.equal("a\nb\n");
    expect(await pageOf("a\nb\n", { tailLines: 0 })).to.include({ text: "", offset: 4, more: false });
    expect((await pageOf("a\n\n\n", { tailLines: 2 })).text).to.equal("\n\n");
  });

  it("leaves an unfinished sequence at the end for the next page", async () => {
    const bytes = Buffer.from("x日");
    const first = await pageOf(bytes.subarray(0, 3));
    expect(first).to.deep.equal({ text: "x", offset: 0, nextOffset: 1, more: false });
    expect(await pageOf(bytes, { offset: first.nextOffset })).to.include({ text: "日", nextOffset: 4 });
  });

  it("never splits a character, whatever the text, and joins to the whole of it", async () => {
    const long = fc
      .string({ unit: "grapheme", minLength: 200, maxLength: 600 })
      .map((text) => text.repeat(400));
    await fc.assert(
      fc.asyncProperty(long, async (text) => {
        const { text: read, pages } = await readAll(
          Buffer.from(text).subarray(-driverLimits.consoleLogBytesMax + 4),
        );
        for (const page of pages)
          expect(JSON.stringify(page).length).to.be.at.most(driverLimits.consolePageBytesMax);
        return text.endsWith(read.replace(/^\ufffd+/, ""));
      }),
      { numRuns: 12 },
    );
  });

  it("ends and stays within its encoded size for bytes of any kind", async () => {
    for (const byte of [0x00, 0x01, 0x1b, 0x22, 0x5c, 0x80, 0xc3, 0xe2, 0xf0, 0xff]) {
      const bytes = Buffer.alloc(300_000, byte);
      const { pages, end } = await readAll(bytes);
      for (const page of pages) {
        expect(Buffer.byteLength(JSON.stringify(page))).to.be.at.most(driverLimits.consolePageBytesMax);
      }
      expect(bytes.length - end, `byte ${byte}`).to.be.below(4);
    }
  });

  it("of a log beyond its limit begins where the kept part does", async () => {
    const bytes = Buffer.alloc(driverLimits.consoleLogBytesMax + 1_000, "a");
    expect((await pageOf(bytes, { offset: 0 })).offset).to.equal(1_000);
    expect((await pageOf(bytes, { tailLines: 5 })).nextOffset).to.equal(bytes.length);
  });
});

describe("the consoles' files", () => {
  let place: TemporaryDirectory;
  let consoles: FileConsoles;
  let file: string;

  beforeEach(async () => {
    place = await temporaryDirectory();
    const directories = makeStateDirectories(join(place.path, "state"));
    consoles = new FileConsoles(directories, silentLog);
    await mkdir(join(directories.guests, "i1"));
    file = join(directories.guests, "i1", "console.log");
  });
  afterEach(() => place.remove());

  it("are undefined as long as there is no log", async () => {
    expect(await consoles.read("i1", {})).to.equal(undefined);
    expect(await consoles.read("i2", {})).to.equal(undefined);
  });

  it("keep their positions and lose their disk space when they are trimmed", async () => {
    const line = `${"x".repeat(63)}\n`;
    const lines = (4 * driverLimits.consoleLogBytesMax) / line.length;
    await writeFile(file, line.repeat(lines));
    const before = await consoles.read("i1", { tailLines: 1 });
    await consoles.trim();
    const { size, blocks } = await stat(file);
    expect(size).to.equal(4 * driverLimits.consoleLogBytesMax);
    expect(blocks * 512).to.be.at.most(driverLimits.consoleLogBytesMax + 8_192);
    expect(await consoles.read("i1", { tailLines: 1 })).to.deep.equal(before);
    await appendFile(file, "after\n");
    const next = await consoles.read("i1", { offset: before?.nextOffset ?? 0 });
    expect(next).to.include({ text: "after\n", offset: size, nextOffset: size + 6 });
    expect((await consoles.read("i1", { offset: 0 }))?.text).not.to.include("\0");
  });

  it("are left alone while they are small", async () => {
    await writeFile(file, "small\n");
    await consoles.trim();
    expect((await consoles.read("i1", {}))?.text).to.equal("small\n");
  });

  it("are never followed to another place, and a pipe in their place stops nobody", async () => {
    await symlink("/etc/passwd", file);
    expect(await consoles.read("i1", {})).to.equal(undefined);
    execFileSync("sh", ["-c", 'rm "$1" && mkfifo "$1"', "sh", file]);
    expect(await consoles.read("i1", {})).to.equal(undefined);
    await consoles.trim();
  });

  it("cannot be asked for outside their directory", async () => {
    const error = await consoles.read("../../etc", {}).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Error);
  });
});
