/**
 * Sends an image from a file, and saves one into a file. Both go on where they were, after a broken
 * connection and when the same command is run again; the checksum of the whole decides whether it is right.
 * What a file is, is said by its name or by the user, and never guessed from its content.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Image } from "../../../protocol/image.ts";
import { type packings, uploadFormats } from "../../../protocol/image-bytes.ts";
import { CommandError } from "../errors.ts";
import { bytes } from "../format.ts";
import type { Run } from "../run.ts";
import type { Session } from "../session.ts";
import { plain } from "../terminal.ts";

type Format = (typeof uploadFormats)[number];
type Packing = (typeof packings)[number];

export interface FileKind {
  readonly format?: Format;
  readonly packing?: Packing;
}

const packingEndings: Readonly<Record<string, Packing>> = { gz: "gzip", xz: "xz", zst: "zstd" };

/** What a file is by its options, or by its name: `disk.vmdk.gz`. @throws CommandError */
export function kindOfFile(
  path: string,
  said: FileKind,
): { readonly format: Format; readonly packing?: Packing } {
  const endings = path.toLowerCase().split(".").slice(1);
  const ended = packingEndings[endings.at(-1) ?? ""];
  const inner = ended === undefined ? endings.at(-1) : endings.at(-2);
  const packing = said.packing ?? ended;
  const format = said.format ?? uploadFormats.find((known) => known === inner);
  if (format === undefined)
    throw new CommandError(
      "usage",
      `The name of ${path} does not say its format.`,
      `Give --format: ${uploadFormats.join(", ")}.`,
    );
  return packing === undefined ? { format } : { format, packing };
}

export interface Sent extends FileKind {
  readonly file: string;
  /** Makes the image, when none of this name waits for bytes. */
  readonly make: () => Promise<Image>;
  readonly name: string;
}

/** Makes an image of a file, or goes on with the one that an earlier run of the command has made. */
export async function sendFile(run: Run, session: Session, sent: Sent): Promise<Image> {
  const path = resolve(sent.file);
  const { size: sizeBytes } = await stat(path).catch(() => {
    throw new CommandError("usage", `There is no file ${path}.`, "Name the file of the image.");
  });
  if (sizeBytes === 0) throw new CommandError("usage", `The file ${path} is empty.`, "Name another one.");
  const kind = kindOfFile(path, sent);
  const progress = new TransferProgress(run);
  try {
    const sha256 = await hashOf(path, (done) => progress.show("checking", done, sizeBytes));
    const before = await findBefore(session, sent.name, sha256, run);
    if (before?.state === "active") {
      run.remark(`The image ${sent.name} has these bytes already.`);
      return before;
    }
    if (before !== undefined) run.remark(`Going on with the image ${before.id}.`);
    const image = before ?? (await sent.make());
    const from = (offset: number) => createReadStream(path, { start: offset });
    const onProgress = (done: number) => progress.show("sending", done, sizeBytes);
    const { signal } = run.terminal;
    return await session.sendImage(image.id, { sizeBytes, from }, { ...kind, sha256, onProgress, signal });
  } finally {
    progress.end();
  }
}

/** The own image of this name that waits for bytes, or has exactly these. @throws CommandError ambiguous */
async function findBefore(
  session: Session,
  name: string,
  sha256: string,
  run: Run,
): Promise<Image | undefined> {
  const { images } = await session.image.list({ name }, run.call());
  const own = images.filter(({ project }) => project === session.project);
  const waiting = own.filter(({ state }) => state !== "active" && state !== "deactivated");
  const [first, ...others] = waiting;
  if (others.length > 0)
    throw new CommandError(
      "ambiguous",
      `${waiting.length} images called ${name} wait for bytes: ${waiting.map(({ id }) => id).join(", ")}.`,
      "Remove those that are not meant: novact image delete.",
    );
  return first ?? own.find(({ state, disk }) => state === "active" && disk?.sha256 === sha256);
}

export interface Saved {
  readonly image: string;
  readonly file: string;
  readonly part?: "disk" | "kernel" | "ramdisk";
  readonly overwrite?: true;
}

/** The file is written aside, and gets its name when it is whole and right. */
export async function saveFile(run: Run, session: Session, saved: Saved) {
  const path = resolve(saved.file);
  if (saved.overwrite !== true && (await isThere(path)))
    throw new CommandError(
      "usage",
      `The file ${path} is there already.`,
      "Name another one, or --overwrite.",
    );
  const part = saved.part === undefined ? {} : { part: saved.part };
  const { sha256, sizeBytes } = await session.image.ticket(saved.image, part, run.call());
  // By its checksum: what was begun of another file is not gone on with.
  const aside = `${path}.${sha256.slice(0, 16)}.part`;
  const progress = new TransferProgress(run);
  try {
    const offset = await takenBefore(aside, sizeBytes);
    if (offset > 0) run.remark(`Going on at ${bytes(offset)} of ${bytes(sizeBytes)}.`);
    const onProgress = (done: number) => progress.show("saving", done, sizeBytes);
    const options = { ...part, offset, sha256, onProgress, signal: run.terminal.signal };
    const { pieces } = await session.fetchImage(saved.image, options);
    const target = await open(aside, "a", 0o600);
    try {
      for await (const piece of pieces) await target.appendFile(piece);
      await target.datasync();
    } finally {
      await target.close();
    }
  } finally {
    progress.end();
  }
  await takeName(aside, path, sha256);
  return { file: path, sha256, sizeBytes };
}

async function takeName(aside: string, path: string, sha256: string): Promise<void> {
  // As it is on the disk, and not as it came: two runs of the command may have written to it.
  const found = await hashOf(aside, () => undefined);
  if (found !== sha256) {
    await rm(aside, { force: true });
    throw new CommandError(
      "checksumMismatch",
      "What was saved is not the image's file, and was removed.",
      "Run the same command again; if it stays so, tell the operators.",
    );
  }
  await rename(aside, path);
}

/** How many bytes an earlier run has left. */
async function takenBefore(aside: string, sizeBytes: number): Promise<number> {
  const found = await stat(aside).catch(() => undefined);
  if (found === undefined || found.size <= sizeBytes) return found?.size ?? 0;
  await rm(aside, { force: true });
  return 0;
}

async function hashOf(path: string, onProgress: (doneBytes: number) => void): Promise<string> {
  const hash = createHash("sha256");
  let done = 0;
  for await (const piece of createReadStream(path, { highWaterMark: 1024 ** 2 })) {
    const chunk = piece as Buffer;
    hash.update(chunk);
    done += chunk.length;
    onProgress(done);
  }
  return hash.digest("hex");
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** One changing line on a terminal; nothing elsewhere, where nobody looks. */
class TransferProgress {
  readonly #run: Run;
  #lineLength = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  show(what: string, done: number, all: number): void {
    const { err } = this.#run.terminal;
    if (err.isTTY !== true) return;
    const percent = Math.floor((100 * done) / all);
    const text = plain(`${what}: ${bytes(done)} of ${bytes(all)}, ${percent} %`);
    err.write(`\r${text.padEnd(this.#lineLength)}`);
    this.#lineLength = text.length;
  }

  end(): void {
    if (this.#lineLength > 0) this.#run.terminal.err.write(`\r${" ".repeat(this.#lineLength)}\r`);
    this.#lineLength = 0;
  }
}
