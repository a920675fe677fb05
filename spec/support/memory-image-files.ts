/** The files of images in memory: the content of a file is its path, and every path may be read. */
import { createHash } from "node:crypto";
import type {
  DiskSource,
  FileHold,
  FileSource,
  ImageFiles,
  KeptFile,
  NamedFiles,
} from "../../actors/ports/image-files.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock } from "../../protocol/wire/transport.ts";

export class MemoryImageFiles implements ImageFiles {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #kept = new Map<string, KeptFile>();
  readonly #aside = new Set<KeptFile>();
  readonly #holds = new Set<FileHold>();
  /** By checksum, also of files that are gone by now. */
  readonly contents = new Map<string, Buffer>();

  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  async register(source: DiskSource, imageId: string) {
    const file = await this.registerPlain(source, imageId);
    return { ...file, format: source.format, virtualSizeBytes: 1024 ** 3 };
  }

  async registerPlain({ path, ...claims }: FileSource, imageId: string) {
    const sha256 = createHash("sha256").update(path).digest("hex");
    const sizeBytes = path.length;
    if ((claims.sha256 ?? sha256) !== sha256 || (claims.sizeBytes ?? sizeBytes) !== sizeBytes)
      throw new StatusError("checksumMismatch", "The file is another one.");
    const atMs = this.#clock.nowMs();
    this.#holds.add({ imageId, sha256, heldAtMs: atMs });
    this.#kept.set(sha256, { sha256, sizeBytes, keptAtMs: atMs, aside: false });
    this.contents.set(sha256, Buffer.from(path));
    return { sha256, sizeBytes };
  }

  /** Takes a file that an upload was made into, and holds it for its image. */
  take(
    { sha256, sizeBytes }: { readonly sha256: string; readonly sizeBytes: number },
    imageId: string,
  ): void {
    const atMs = this.#clock.nowMs();
    this.#holds.add({ imageId, sha256, heldAtMs: atMs });
    if (!this.#kept.has(sha256)) this.#kept.set(sha256, { sha256, sizeBytes, keptAtMs: atMs, aside: false });
  }

  has(sha256: string): boolean {
    return this.#kept.has(sha256);
  }

  async release(imageId: string): Promise<readonly string[]> {
    const held = [...this.#holds].filter((hold) => hold.imageId === imageId);
    for (const hold of held) this.#holds.delete(hold);
    return [...new Set(held.map(({ sha256 }) => sha256))];
  }

  async list() {
    return { files: [...this.#kept.values(), ...this.#aside], holds: [...this.#holds] };
  }

  async removeUnnamed(sha256s: readonly string[], named: NamedFiles): Promise<readonly string[]> {
    for (const sha256 of await this.#unwanted(sha256s, named)) this.#setAside(sha256);
    const aside = [...this.#aside].filter(({ sha256 }) => sha256s.includes(sha256));
    const going = await this.#unwanted(sha256s, named);
    for (const file of aside) {
      this.#aside.delete(file);
      if (!going.has(file.sha256)) this.#kept.set(file.sha256, { ...file, aside: false });
    }
    return [...new Set(aside.map(({ sha256 }) => sha256))].filter((sha256) => going.has(sha256));
  }

  async removeHalfCopies(): Promise<void> {
    // None is ever made: a file is there at once.
  }

  /** As a removal leaves it that dies half-way. */
  leaveAside(sha256: string): void {
    this.#setAside(sha256);
  }

  #setAside(sha256: string): void {
    const file = this.#kept.get(sha256);
    if (file === undefined) return;
    this.#kept.delete(sha256);
    this.#aside.add({ ...file, aside: true });
  }

  async #unwanted(sha256s: readonly string[], named: NamedFiles): Promise<ReadonlySet<string>> {
    const held = new Set([...this.#holds].map(({ sha256 }) => sha256));
    const wanted = await named();
    return new Set(sha256s.filter((sha256) => !held.has(sha256) && !wanted.has(sha256)));
  }
}
