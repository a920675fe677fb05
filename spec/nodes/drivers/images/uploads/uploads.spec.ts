/**
 * Uploads: one contract for disk and memory, and what only a disk does: power losses, and files left behind.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFile,
  mkdir,
  open as openFile,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { createImageFiles } from "../../../../../nodes/drivers/images/files.ts";
import { imageLimits } from "../../../../../nodes/drivers/images/limits.ts";
import { unpack } from "../../../../../nodes/drivers/images/uploads/unpack.ts";
import { FileUploads } from "../../../../../nodes/drivers/images/uploads/uploads.ts";
import { storageLimits } from "../../../../../protocol/limits/storage.ts";
import { StatusError } from "../../../../../protocol/wire/status.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../../../support/driver-world.ts";
import { type ImageUploadsBench, imageUploadsContract } from "../../../../support/image-uploads-contract.ts";
import { MemoryImageUploads } from "../../../../support/memory-image-uploads.ts";

const program = fileURLToPath(new URL("../../../../support/dying-upload.ts", import.meta.url));

imageUploadsContract("uploads in memory", async (): Promise<ImageUploadsBench> => {
  let nowMs = 1_000_000;
  const held = new Map<string, Set<string>>();
  const uploads = new MemoryImageUploads({ nowMs: () => nowMs }, (sealed, imageId) => {
    held.set(sealed.sha256, new Set(held.get(sealed.sha256)).add(imageId));
  });
  return {
    uploads,
    reopened: () => uploads,
    async writeAndDie(uploadId, content, ackedBytes) {
      await uploads.write(uploadId, 0, content.subarray(0, ackedBytes));
      return ackedBytes;
    },
    // Memory is one step: whoever dies in it has not begun.
    sealAndDie: async () => undefined,
    kept: async (sha256) => uploads.content(sha256),
    holders: async (sha256) => [...(held.get(sha256) ?? [])],
    release: async (imageId) => {
      for (const holders of held.values()) holders.delete(imageId);
    },
    elapse: async (ms) => {
      nowMs += ms;
    },
    close: async () => undefined,
  };
});

async function diskBench(): Promise<ImageUploadsBench> {
  const place = await temporaryDirectory();
  const directory = join(place.path, "store");
  let lateMs = 0;
  let dying: ChildProcess | undefined;
  const open = () => new FileUploads({ directory, nowMs: () => Date.now() + lateMs, freeBytesMin: 0 });
  const files = createImageFiles({ directory, sources: [] });
  return {
    uploads: open(),
    reopened: open,
    async writeAndDie(uploadId, content, ackedBytes) {
      const path = join(place.path, "content");
      await writeFile(path, content);
      const child = spawn(process.execPath, [program, directory, uploadId, path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const closed = once(child, "close");
      dying = child;
      let acknowledged = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Number(line);
        if (acknowledged >= ackedBytes) child.kill("SIGKILL");
      }
      await closed;
      return acknowledged;
    },
    // What a process leaves that was killed before the last rename: all but that rename.
    async sealAndDie(uploadId, request) {
      const { sha256 } = await open().seal(uploadId, request);
      await rename(join(directory, sha256), join(directory, "uploads", `${uploadId}.part`));
    },
    kept: (sha256) => readFile(join(directory, sha256)).catch(() => undefined),
    holders: async (sha256) =>
      (await files.list()).holds.filter((one) => one.sha256 === sha256).map(({ imageId }) => imageId),
    release: async (imageId) => void (await files.release(imageId)),
    elapse: async (ms) => {
      lateMs += ms;
    },
    close: () => {
      // A process that acknowledged nothing is still running.
      dying?.kill("SIGKILL");
      return place.remove();
    },
  };
}

imageUploadsContract("uploads on a disk", diskBench);

describe("uploads on a disk", () => {
  let place: TemporaryDirectory;
  const at = (...parts: string[]) => join(place.path, "store", ...parts);
  const open = () =>
    new FileUploads({ directory: join(place.path, "store"), nowMs: () => Date.now(), freeBytesMin: 0 });
  const upload = { uploadId: "up-1", imageId: "image-1", project: "demo" };
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  const atEnd: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const step of atEnd.splice(0)) await step();
    await place.remove();
  });

  it("go on from what was synced, when the computer has lost power", async () => {
    await open().begin(upload);
    await open().write("up-1", 0, Buffer.alloc(3_000, "a"));
    const record = JSON.parse(await readFile(at("uploads", "up-1.json"), "utf8"));
    const before = { ...record, bootId: "a life before this one", syncedBytes: 1_000 };
    await writeFile(at("uploads", "up-1.json"), JSON.stringify(before));
    const again = open();
    expect((await again.status("up-1"))?.nextOffset).to.equal(1_000);
    await again.write("up-1", 1_000, Buffer.alloc(24, "b"));
    expect((await open().status("up-1"))?.nextOffset).to.equal(1_024);
    expect(await readFile(at("uploads", "up-1.part"), "latin1")).to.equal("a".repeat(1_000) + "b".repeat(24));
  });

  it("take no room for zeros", async () => {
    const uploads = open();
    await uploads.begin(upload);
    await uploads.write("up-1", 0, Buffer.alloc(8 * 1024 ** 2));
    await uploads.write("up-1", 8 * 1024 ** 2, Buffer.from("end"));
    const { size, blocks } = await stat(at("uploads", "up-1.part"));
    expect(size).to.equal(8 * 1024 ** 2 + 3);
    expect(blocks * 512).to.be.below(64 * 1024);
  });

  it("are sealed anew when the process died before the file had its name", async () => {
    const uploads = open();
    await uploads.begin(upload);
    await uploads.write("up-1", 0, Buffer.alloc(1_024, "x"));
    const record = JSON.parse(await readFile(at("uploads", "up-1.json"), "utf8"));
    const sealed = { sha256: "0".repeat(64), sha512: "", md5: "", sizeBytes: 1, format: "raw" };
    const died = { ...record, sealed, sentBytes: 1_024 };
    await writeFile(at("uploads", "up-1.json"), JSON.stringify(died));
    const again = await open().seal("up-1", { format: "raw" });
    expect(again.sizeBytes).to.equal(1_024);
    expect(await readdir(at())).to.include(again.sha256);
    expect(await readdir(at("uploads"))).to.deep.equal(["up-1.json"]);
  });

  it("take no byte more when there is too little room, and lose none", async () => {
    await open().begin(upload);
    await open().write("up-1", 0, Buffer.alloc(1_000, "x"));
    const options = { directory: at(), nowMs: () => Date.now(), freeBytesMin: Number.MAX_SAFE_INTEGER };
    const tight = new FileUploads(options);
    const reason = await tight.write("up-1", 1_000, Buffer.from("y")).then(
      () => "taken",
      (error: { reason?: string }) => error.reason,
    );
    expect(reason).to.equal("diskFull");
    expect((await tight.status("up-1"))?.nextOffset).to.equal(1_000);
  });

  it("lose nothing that was acknowledged while they were swept", async () => {
    await open().begin(upload);
    let written: Promise<string> | undefined;
    const late = Date.now() + storageLimits.uploadKeptMs + 60_000;
    // A client comes back in the very moment in which the upload is found to be old.
    const write = () =>
      uploads.write("up-1", 0, Buffer.from("late")).then(
        () => "kept",
        () => "refused",
      );
    const nowMs = () => {
      written ??= write();
      return late;
    };
    const uploads = new FileUploads({ directory: at(), nowMs, freeBytesMin: 0 });
    await uploads.sweep();
    const there = (await uploads.status("up-1")) === null ? "refused" : "kept";
    expect(await written).to.equal(there);
  });

  it("are unpacked no further when there is too little room", async () => {
    await mkdir(at(), { recursive: true });
    await writeFile(at("packed"), gzipSync(Buffer.alloc(3 * imageLimits.unpackRoomBytes)));
    const target = await openFile(at("target"), "wx");
    const needRoom = async () => {
      throw new StatusError("diskFull", "There is too little room.");
    };
    const { signal } = new AbortController();
    const options = { packing: "gzip", target, bytesMax: 2 ** 40, needRoom, signal } as const;
    const reason = await unpack(at("packed"), options).then(
      () => "unpacked",
      (error: { reason?: string }) => error.reason,
    );
    expect(reason).to.equal("diskFull");
    const { size } = await target.stat();
    await target.close();
    expect(size).to.be.within(imageLimits.unpackRoomBytes, 2 * imageLimits.unpackRoomBytes);
  });

  const outcome = (asked: Promise<unknown>) => asked.catch((error: Error) => error);
  /** Begins a seal that hangs until the end of the case: opening a pipe for reading waits for a writer. */
  const hangingSeal = async (uploads: FileUploads, uploadId: string): Promise<void> => {
    await uploads.begin({ ...upload, uploadId });
    const part = at("uploads", `${uploadId}.part`);
    await rm(part);
    execFileSync("mkfifo", [part]);
    const sealed = outcome(uploads.seal(uploadId, { format: "raw" }));
    atEnd.push(async () => {
      await writeFile(part, "");
      await sealed;
    });
  };

  it("begin while another one is sealed, whoever waits for that one", async () => {
    const uploads = open();
    await hangingSeal(uploads, "up-1");
    const again = outcome(uploads.begin(upload));
    atEnd.push(async () => void (await again));
    const { nextOffset } = await uploads.begin({ ...upload, uploadId: "up-2", project: "other" });
    expect(nextOffset).to.equal(0);
  });

  it("are sealed while those of another project wait for each other", async () => {
    const uploads = open();
    for (const uploadId of ["up-1", "up-2", "up-3"]) await hangingSeal(uploads, uploadId);
    await uploads.begin({ ...upload, uploadId: "up-4", project: "other" });
    await uploads.write("up-4", 0, Buffer.alloc(1_024, "x"));
    expect((await uploads.seal("up-4", { format: "raw" })).sizeBytes).to.equal(1_024);
  });

  it("leave nothing but the part when the file is refused", async () => {
    const uploads = open();
    await uploads.begin(upload);
    await uploads.write("up-1", 0, Buffer.alloc(1_000, "x"));
    for (const format of ["raw", "qcow2", "vmdk", "vhdx", "vdi"] as const)
      await uploads.seal("up-1", { format }).then(
        () => expect.fail("It was taken."),
        () => undefined,
      );
    expect(await readdir(at("uploads"))).to.have.members(["up-1.json", "up-1.part"]);
    expect(await readdir(at())).to.deep.equal(["uploads"]);
    expect(await createImageFiles({ directory: at(), sources: [] }).list()).to.deep.equal({
      files: [],
      holds: [],
    });
  });

  it("lose what a process left that died while it sealed, after an hour", async () => {
    await mkdir(at("uploads"), { recursive: true });
    for (const name of ["up-1.part.7-ab.tmp", "up-2.part.7-ab.tmp"])
      await appendFile(at("uploads", name), "half");
    const longAgo = new Date(Date.now() - storageLimits.uploadKeptMs - 60_000);
    await utimes(at("uploads", "up-1.part.7-ab.tmp"), longAgo, longAgo);
    expect(await open().sweep()).to.deep.equal([]);
    expect(await readdir(at("uploads"))).to.deep.equal(["up-2.part.7-ab.tmp"]);
  });
});
