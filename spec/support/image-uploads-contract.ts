/** What every implementation of the port for uploads must do. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import type { ImageUploads, SealRequest } from "../../actors/ports/image-uploads.ts";
import { storageLimits } from "../../protocol/limits/storage.ts";
import { StatusError } from "../../protocol/wire/status.ts";

export interface ImageUploadsBench {
  readonly uploads: ImageUploads;
  /** The same uploads in the next life of the process. */
  reopened(): ImageUploads;
  /**
   * Writes the content to an upload from its next offset on in a process that is killed in the midst of it,
   * once it has had so many bytes acknowledged; answers how many were.
   */
  writeAndDie(uploadId: string, content: Buffer, ackedBytes: number): Promise<number>;
  /**
   * Seals an upload whose bytes are kept as they were sent, in a process that is killed just before the file
   * has its name.
   */
  sealAndDie(uploadId: string, request: SealRequest): Promise<void>;
  /** The content of a kept file; undefined: there is none. */
  kept(sha256: string): Promise<Buffer | undefined>;
  /** The images that a file is held for. */
  holders(sha256: string): Promise<readonly string[]>;
  /** Lets go of an image's files, as ImageFiles does. */
  release(imageId: string): Promise<void>;
  /** Lets so much time go by for the uploads there are. */
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const chunkBytes = 512 * 1024;

/** Bytes that are unlike at each place, with a MiB of zeros among them. */
function sample(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) content.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  return content.fill(0, 1_000_000, Math.min(bytes, 2_048_576));
}

export function imageUploadsContract(title: string, makeBench: () => Promise<ImageUploadsBench>): void {
  describe(`${title} keep the promises of the port for uploads`, () => {
    let bench: ImageUploadsBench;
    const upload = { uploadId: "up-1", imageId: "image-1", project: "demo" };
    const content = sample(3 * 1024 * 1024);
    beforeEach(async () => {
      bench = await makeBench();
      await bench.uploads.begin(upload);
    });
    afterEach(() => bench.close());

    const send = async (bytes: Buffer, from = 0, uploads = bench.uploads): Promise<void> => {
      for (let at = from; at < bytes.length; at += chunkBytes)
        await uploads.write("up-1", at, bytes.subarray(at, at + chunkBytes));
    };
    const refusal = async (asked: Promise<unknown>): Promise<StatusError> => {
      const thrown = await asked.then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(thrown).to.be.instanceOf(StatusError);
      return thrown as StatusError;
    };

    it("take bytes in order, and keep the whole under its checksum, held for its image", async () => {
      await send(content);
      const wanted = { sha256: sha256(content), sizeBytes: content.length };
      const sealed = await bench.uploads.seal("up-1", { format: "raw", ...wanted });
      expect(sealed).to.deep.equal({
        ...wanted,
        sha512: createHash("sha512").update(content).digest("hex"),
        md5: createHash("md5").update(content).digest("hex"),
        ...{ format: "raw", virtualSizeBytes: content.length },
      });
      expect((await bench.kept(sealed.sha256))?.equals(content)).to.equal(true);
      expect(await bench.holders(sealed.sha256)).to.deep.equal(["image-1"]);
      expect(await bench.uploads.seal("up-1", { format: "raw" })).to.deep.equal(sealed);
      expect(await bench.reopened().seal("up-1", { format: "raw" })).to.deep.equal(sealed);
      const { nextOffset, sealed: told } = (await bench.reopened().status("up-1")) ?? {};
      expect({ nextOffset, told }).to.deep.equal({ nextOffset: content.length, told: sealed });
      const late = await refusal(bench.uploads.write("up-1", content.length, Buffer.from("x")));
      expect(late.reason).to.equal("uploadSealed");
    });

    it("take a chunk twice, and one that begins before what is there", async () => {
      const { write } = { write: bench.uploads.write.bind(bench.uploads) };
      expect((await write("up-1", 0, content.subarray(0, 1_000))).nextOffset).to.equal(1_000);
      expect((await write("up-1", 0, content.subarray(0, 1_000))).nextOffset).to.equal(1_000);
      expect((await write("up-1", 500, content.subarray(500, 2_000))).nextOffset).to.equal(2_000);
      expect((await write("up-1", 100, content.subarray(100, 200))).nextOffset).to.equal(2_000);
      await send(content, 2_000);
      const sealed = await bench.uploads.seal("up-1", { format: "raw" });
      expect(sealed.sha256).to.equal(sha256(content));
    });

    it("refuse a gap, and say where the next byte belongs", async () => {
      await bench.uploads.write("up-1", 0, content.subarray(0, 1_000));
      for (const offset of [1_001, -1, 0.5, Number.NaN, 2 ** 53]) {
        const { reason, details } = await refusal(bench.uploads.write("up-1", offset, Buffer.from("x")));
        expect({ reason, details }).to.deep.equal({ reason: "uploadOffset", details: { nextOffset: 1_000 } });
      }
      expect((await bench.uploads.status("up-1"))?.nextOffset).to.equal(1_000);
    });

    it("take no byte beyond what was said, until more is said", async () => {
      const bounded = { ...upload, bytesMax: 4 };
      expect((await bench.uploads.begin(bounded)).bytesMax).to.equal(4);
      await bench.uploads.write("up-1", 0, Buffer.from("abc"));
      const { reason } = await refusal(bench.uploads.write("up-1", 3, Buffer.from("de")));
      expect(reason).to.equal("uploadTooLarge");
      expect(await bench.uploads.status("up-1")).to.deep.include({ nextOffset: 3, bytesMax: 4 });
      await bench.uploads.begin({ ...upload, bytesMax: 5 });
      expect((await bench.uploads.write("up-1", 3, Buffer.from("de"))).nextOffset).to.equal(5);
    });

    it("take writes that come at once as if they came one after the other", async () => {
      const half = content.length / 2;
      const both = [0, 1, 2].flatMap(() => [
        bench.uploads.write("up-1", 0, content.subarray(0, half)),
        bench.uploads.write("up-1", half, content.subarray(half)),
      ]);
      for (const { nextOffset } of await Promise.all(both)) expect(nextOffset).to.be.at.least(half);
      const sealed = await bench.uploads.seal("up-1", { format: "raw" });
      expect(sealed.sha256).to.equal(sha256(content));
    });

    for (const acked of [0, 700_000, 2_500_000])
      it(`have all that was acknowledged when the process is killed after ${acked} bytes`, async () => {
        const acknowledged = await bench.writeAndDie("up-1", content, acked);
        expect(acknowledged).to.be.at.least(acked);
        const again = bench.reopened();
        const { nextOffset = 0 } = (await again.status("up-1")) ?? {};
        expect(nextOffset).to.be.at.least(acknowledged);
        await send(content, nextOffset, again);
        const sealed = await again.seal("up-1", { format: "raw", sha256: sha256(content) });
        expect((await bench.kept(sealed.sha256))?.equals(content)).to.equal(true);
      });

    it("are not sealed when the process is killed before the file has its name, and go on", async () => {
      await send(content);
      await bench.sealAndDie("up-1", { format: "raw" });
      expect(await bench.kept(sha256(content))).to.equal(undefined);
      const again = bench.reopened();
      const { nextOffset, sealed } = (await again.status("up-1")) ?? {};
      expect({ nextOffset, sealed }).to.deep.equal({ nextOffset: content.length, sealed: null });
      expect((await again.list()).map((one) => one.sealed)).to.deep.equal([null]);
      const longer = Buffer.concat([content, Buffer.alloc(512, 7)]);
      await send(longer, content.length, again);
      const made = await again.seal("up-1", { format: "raw" });
      expect(made.sha256).to.equal(sha256(longer));
      expect((await bench.kept(made.sha256))?.equals(longer)).to.equal(true);
    });

    it("hold what is sealed again, when it is sealed once more after it was let go of", async () => {
      await send(content);
      const made = await bench.uploads.seal("up-1", { format: "raw" });
      await bench.release("image-1");
      expect(await bench.holders(made.sha256)).to.deep.equal([]);
      expect(await bench.uploads.seal("up-1", { format: "raw" })).to.deep.equal(made);
      expect(await bench.holders(made.sha256)).to.deep.equal(["image-1"]);
    });

    it("refuse what is not the file that was named, and keep the part", async () => {
      await send(content);
      const wrong = [{ sha256: "0".repeat(64) }, { sha512: "0".repeat(128) }, { md5: "0".repeat(32) }];
      for (const named of [...wrong, { sizeBytes: content.length + 512 }]) {
        const { reason } = await refusal(bench.uploads.seal("up-1", { format: "raw", ...named }));
        expect(reason).to.equal("checksumMismatch");
      }
      expect(await bench.holders(sha256(content))).to.deep.equal([]);
      expect((await bench.uploads.status("up-1"))?.nextOffset).to.equal(content.length);
      await bench.uploads.seal("up-1", { format: "raw" });
    });

    it("take no byte while they are verified, and keep nobody waiting for that", async () => {
      await send(content);
      const sealing = bench.uploads.seal("up-1", { format: "raw" });
      const more = bench.uploads.write("up-1", content.length, Buffer.alloc(512));
      expect((await refusal(more)).reason).to.equal("uploadSealed");
      await sealing;
    });

    it("refuse a file of another format than was said", async () => {
      const qcow2 = Buffer.concat([Buffer.from("QFI\xfb", "latin1"), Buffer.alloc(1_020)]);
      await send(qcow2);
      for (const said of [{ format: "raw" }, { format: "raw", packing: "gzip" }, { format: "vdi" }] as const)
        expect((await refusal(bench.uploads.seal("up-1", said))).reason).to.equal("unusableImage");
      await bench.uploads.discard("up-1");
      await bench.uploads.begin(upload);
      await send(content);
      const { reason } = await refusal(bench.uploads.seal("up-1", { format: "qcow2" }));
      expect(reason).to.equal("unusableImage");
    });

    it("unpack what was said to be packed, and compare what was sent", async () => {
      const packed = gzipSync(content);
      await send(packed);
      const said = { format: "raw", packing: "gzip", sha256: sha256(packed) } as const;
      const sealed = await bench.uploads.seal("up-1", said);
      expect(sealed.sha256).to.equal(sha256(content));
      expect((await bench.kept(sealed.sha256))?.equals(content)).to.equal(true);
    });

    it("refuse what is packed by half", async () => {
      const packed = gzipSync(content);
      await send(packed.subarray(0, packed.length / 2));
      const { reason } = await refusal(bench.uploads.seal("up-1", { format: "raw", packing: "gzip" }));
      expect(reason).to.equal("unusableImage");
    });

    it("let a project have four under way, and forget those that stand still for an hour", async () => {
      const begin = (index: number, project = "demo") =>
        bench.uploads.begin({ uploadId: `more-${index}`, imageId: `image-${index}`, project });
      for (const index of [2, 3, 4]) await begin(index);
      expect((await refusal(begin(5))).reason).to.equal("tooManyUploads");
      await begin(6, "other");
      expect((await bench.uploads.begin(upload)).nextOffset).to.equal(0);
      expect(await bench.uploads.sweep()).to.deep.equal([]);
      await bench.elapse(storageLimits.uploadKeptMs + 1_000);
      expect(await bench.uploads.sweep()).to.have.length(5);
      expect(await bench.uploads.list()).to.deep.equal([]);
      await begin(5);
      expect((await bench.uploads.list()).map(({ uploadId }) => uploadId)).to.deep.equal(["more-5"]);
    });

    it("give no upload to another project, and know nothing of one that is discarded", async () => {
      const { reason } = await refusal(bench.uploads.begin({ ...upload, project: "other" }));
      expect(reason).to.equal("nameTaken");
      await bench.uploads.write("up-1", 0, content);
      await bench.uploads.discard("up-1");
      await bench.uploads.discard("up-1");
      expect(await bench.uploads.status("up-1")).to.equal(null);
      for (const name of ["up-1", "../up-1", "up-1.part", ""]) {
        expect((await refusal(bench.uploads.write(name, 0, content))).reason).to.equal("notFound");
        expect((await refusal(bench.uploads.seal(name, { format: "raw" }))).reason).to.equal("notFound");
        expect(await bench.uploads.status(name)).to.equal(null);
      }
      expect((await bench.uploads.begin(upload)).nextOffset).to.equal(0);
    });
  });
}
