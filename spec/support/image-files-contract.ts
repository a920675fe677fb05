/** What every implementation of the port for the files of images must do. */
import { expect } from "chai";
import type { ImageFiles } from "../../actors/ports/image-files.ts";
import { StatusError } from "../../protocol/wire/status.ts";

export interface ImageFilesBench {
  readonly files: ImageFiles;
  /** Another controller with the same files. */
  readonly other: ImageFiles;
  /** The path of a file with this content, to be registered. */
  give(content: string): Promise<string>;
  /** Whether a host that needs the file finds it, whole. */
  readable(sha256: string): Promise<boolean>;
  /** As a removal leaves the file that dies between its two looks. */
  leaveAside(sha256: string): Promise<void>;
  close(): Promise<void>;
}

const nobody = async () => new Set<string>();

export function imageFilesContract(title: string, makeBench: () => Promise<ImageFilesBench>): void {
  describe(`${title} keep the promises of the port for the files of images`, () => {
    let bench: ImageFilesBench;
    let path: string;
    beforeEach(async () => {
      bench = await makeBench();
      path = await bench.give("kernel");
    });
    afterEach(() => bench.close());

    /** Registered for the image, and not decided. */
    const register = async (imageId: string, files = bench.files): Promise<string> =>
      (await files.registerPlain({ path }, imageId)).sha256;
    /** Registered, and named from then on by what the caller calls a row. */
    const keep = async (imageId: string): Promise<string> => {
      const sha256 = await register(imageId);
      await bench.files.release(imageId);
      return sha256;
    };
    const list = async () => {
      const { files, holds } = await bench.files.list();
      return {
        files: files.map(({ sha256, sizeBytes, aside }) => ({ sha256, sizeBytes, aside })),
        holds: holds.map(({ imageId, sha256 }) => ({ imageId, sha256 })),
      };
    };

    it("keep a file under its checksum, and list it with who holds it", async () => {
      const { sha256, sizeBytes } = await bench.files.registerPlain({ path }, "image-1");
      await register("image-2", bench.other);
      const { files, holds } = await list();
      expect(files).to.deep.equal([{ sha256, sizeBytes, aside: false }]);
      const expected = ["image-1", "image-2"].map((imageId) => ({ imageId, sha256 }));
      expect(holds).to.have.deep.members(expected);
      expect(await bench.readable(sha256)).to.equal(true);
    });

    it("refuse a file that is not the one that was named, and hold nothing for it", async () => {
      const wrong = { path, sha256: "0".repeat(64) };
      const error = await bench.files.registerPlain(wrong, "image-1").catch((thrown: unknown) => thrown);
      expect((error as StatusError).reason).to.equal("checksumMismatch");
      expect(error).to.be.instanceOf(StatusError);
      expect(await list()).to.deep.equal({ files: [], holds: [] });
    });

    it("remove what nobody names or holds, once, and say what that was", async () => {
      const sha256 = await keep("image-1");
      expect(await bench.files.removeUnnamed([sha256], nobody)).to.deep.equal([sha256]);
      expect(await bench.readable(sha256)).to.equal(false);
      expect(await list()).to.deep.equal({ files: [], holds: [] });
      expect(await bench.other.removeUnnamed([sha256], nobody)).to.deep.equal([]);
    });

    it("keep what an image names, and what is not asked for", async () => {
      const sha256 = await keep("image-1");
      expect(await bench.files.removeUnnamed([sha256], async () => new Set([sha256]))).to.deep.equal([]);
      expect(await bench.files.removeUnnamed([], nobody)).to.deep.equal([]);
      expect(await bench.readable(sha256)).to.equal(true);
    });

    it("keep what is held, until the last of those that hold it lets go", async () => {
      const sha256 = await register("image-1");
      await register("image-2", bench.other);
      expect(await bench.files.release("image-1")).to.deep.equal([sha256]);
      expect(await bench.files.release("image-1")).to.deep.equal([]);
      expect(await bench.files.removeUnnamed([sha256], nobody)).to.deep.equal([]);
      expect(await bench.readable(sha256)).to.equal(true);
      await bench.files.release("image-2");
      expect(await bench.files.removeUnnamed([sha256], nobody)).to.deep.equal([sha256]);
    });

    it("take a file again that was removed", async () => {
      const sha256 = await keep("image-1");
      await bench.files.removeUnnamed([sha256], nobody);
      expect(await register("image-2", bench.other)).to.equal(sha256);
      expect(await bench.readable(sha256)).to.equal(true);
    });

    for (const look of [1, 2])
      it(`keep what is registered anew while a removal looks for the ${look}. time`, async () => {
        const sha256 = await keep("image-1");
        let looks = 0;
        const removed = await bench.files.removeUnnamed([sha256], async () => {
          looks += 1;
          if (looks === look) await register("image-2", bench.other);
          return new Set();
        });
        expect(looks).to.equal(2);
        expect(await bench.readable(sha256)).to.equal(true);
        // What went was the file from before, if any.
        expect(removed).to.deep.equal(look === 1 ? [] : [sha256]);
      });

    for (const look of [1, 2])
      it(`keep what gets its row while a removal looks for the ${look}. time`, async () => {
        const sha256 = await keep("image-1");
        let looks = 0;
        await bench.files.removeUnnamed([sha256], async () => {
          looks += 1;
          // As it was read before the row was written.
          const read = new Set(looks > look ? [sha256] : []);
          if (looks !== look) return read;
          await register("image-2", bench.other);
          await bench.other.release("image-2");
          return read;
        });
        expect(await bench.readable(sha256)).to.equal(true);
      });

    it("hold a file once, however often it is registered for the same image", async () => {
      const sha256 = await register("image-1");
      expect(await register("image-1", bench.other)).to.equal(sha256);
      expect(await bench.files.release("image-1")).to.deep.equal([sha256]);
      expect(await bench.files.removeUnnamed([sha256], nobody)).to.deep.equal([sha256]);
    });

    it("put back what a removal that died has put aside, when it is named or held", async () => {
      const sha256 = await keep("image-1");
      await bench.leaveAside(sha256);
      expect((await list()).files.map(({ aside }) => aside)).to.deep.equal([true]);
      expect(await bench.other.removeUnnamed([sha256], async () => new Set([sha256]))).to.deep.equal([]);
      expect(await bench.readable(sha256)).to.equal(true);
      await register("image-2");
      await bench.leaveAside(sha256);
      expect(await bench.files.removeUnnamed([sha256], nobody)).to.deep.equal([]);
      expect(await bench.readable(sha256)).to.equal(true);
      expect((await list()).files).to.have.length(1);
    });

    it("end what a removal that died has put aside, when nobody wants it", async () => {
      const sha256 = await keep("image-1");
      await bench.leaveAside(sha256);
      expect(await bench.files.removeUnnamed([sha256], nobody)).to.deep.equal([sha256]);
      expect(await list()).to.deep.equal({ files: [], holds: [] });
    });

    it("keep every file that a row names, whoever registers and removes it at the same time", async () => {
      const rows = new Set<string>();
      const sha256 = await keep("image-0");
      // Each awaits a number of times of its own, so that the steps of all fall between each other.
      const pause = async (times: number) => {
        for (let time = 0; time < times; time += 1) await new Promise((resolve) => setImmediate(resolve));
      };
      const named = (times: number) => async () => {
        const read = new Set(rows.size > 0 ? [sha256] : []);
        await pause(times);
        return read;
      };
      const life = async (index: number): Promise<void> => {
        const files = index % 2 === 0 ? bench.files : bench.other;
        for (let round = 0; round < 12; round += 1) {
          const imageId = `image-${index}-${round}`;
          await register(imageId, files);
          await pause((index * 7 + round * 3) % 5);
          rows.add(imageId);
          await files.release(imageId);
          expect(await untilReadable(bench, sha256), imageId).to.equal(true);
          rows.delete(imageId);
          await files.removeUnnamed([sha256], named((index + round) % 4));
        }
      };
      await Promise.all([0, 1, 2, 3].map(life));
      await bench.files.removeUnnamed([sha256], nobody);
      expect(await list()).to.deep.equal({ files: [], holds: [] });
    });
  });
}

/**
 * For a moment it may be out of the way, while a removal that began before looks again; it comes back by
 * itself.
 */
async function untilReadable(bench: ImageFilesBench, sha256: string): Promise<boolean> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    if (await bench.readable(sha256)) return true;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return false;
}
