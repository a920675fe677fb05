/** What fills a file system with real tools ends before that is full, whoever takes the room meanwhile. */
import { execFile, execFileSync } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, statfsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { expect } from "chai";
import { FileCopies } from "../../nodes/drivers/copies/copies.ts";
import { makeStateDirectories } from "../../nodes/drivers/guest-directory.ts";
import { FileUploads } from "../../nodes/drivers/images/uploads/uploads.ts";
import { systemIds } from "../../nodes/process/clock.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { until } from "../support/asking.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";
import { mountSmall, type SmallFileSystem } from "../support/small-file-system.ts";

const run = promisify(execFile);
const mib = 1024 ** 2;
const never = new AbortController().signal;

describe("a file system that is being filled", function () {
  this.timeout(120_000);
  let small: SmallFileSystem;
  let place: TemporaryDirectory;
  before(function () {
    const missing = missingForGuests();
    if (missing?.includes("not installed")) skip(this, missing);
  });
  beforeEach(async function () {
    small = mountSmall(this, 1_024);
    place = await temporaryDirectory();
  });
  afterEach(async () => {
    small?.remove();
    await place?.remove();
  });

  const freeMib = (): number => {
    const { bavail, bsize } = statfsSync(small.path);
    return Math.floor((bavail * bsize) / mib);
  };
  const take = (name: string, sizeMib: number) =>
    run("fallocate", ["--length", `${sizeMib}M`, join(small.path, name)]);
  /** A raw disk that no tool makes smaller. */
  const noise = async (sizeMib: number): Promise<string> => {
    const path = join(place.path, "disk.raw");
    const bytes = function* () {
      for (let made = 0; made < sizeMib; made += 1) yield crypto.getRandomValues(Buffer.alloc(65_536));
    };
    await pipeline(
      Readable.from(bytes()).map((piece: Buffer) => Buffer.concat(Array<Buffer>(16).fill(piece))),
      createWriteStream(path),
    );
    return path;
  };
  const refused = async (asked: Promise<unknown>): Promise<StatusError> => {
    const thrown = await asked.catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(StatusError);
    return thrown as StatusError;
  };

  it("by a conversion keeps what uploads leave free, and the upload keeps its part", async () => {
    const path = join(place.path, "disk.vmdk");
    const options = ["-O", "vmdk", "-o", "subformat=streamOptimized"];
    execFileSync("qemu-img", ["convert", "-f", "raw", ...options, await noise(256), path]);
    const freeBytesMin = 900 * mib - (await stat(path)).size;
    const directory = join(small.path, "store");
    const uploads = new FileUploads({ directory, nowMs: () => Date.now(), freeBytesMin });
    await uploads.begin({ uploadId: "up", imageId: "image", project: "demo" });
    const content = await readFile(path);
    for (let offset = 0; offset < content.length; offset += mib)
      await uploads.write("up", offset, content.subarray(offset, offset + mib));
    const { reason, detail } = await refused(uploads.seal("up", { format: "vmdk" }));
    expect([reason, detail], "and no tool has met the end of the disk").to.deep.equal([
      "diskFull",
      undefined,
    ]);
    expect((await readdir(join(directory, "uploads"))).sort()).to.deep.equal(["up.json", "up.part"]);
    expect((await uploads.status("up"))?.nextOffset).to.equal(content.length);
  });

  it("by a copy of a disk has room for the guests that are there, when somebody takes the rest", async () => {
    const directories = makeStateDirectories(small.path);
    const instanceId = systemIds(1).next();
    const own = join(directories.guests, instanceId);
    mkdirSync(own);
    const disk = join(place.path, "disk.qcow2");
    execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", await noise(192), disk]);
    await take("before", freeMib() - 340);
    const copies = new FileCopies(directories, async () => disk, []);
    const filled = refused(copies.fill({ imageId: "image", instanceId, ownerEpoch: 1, base: null }, never));
    await until(
      async () => existsSync(join(own, "copy.part")),
      (isBegun) => isBegun,
    );
    await take("later", 200);
    const { reason, detail } = await filled;
    expect([reason, detail], "and no tool has met the end of the disk").to.deep.equal([
      "diskFull",
      undefined,
    ]);
  });
});
