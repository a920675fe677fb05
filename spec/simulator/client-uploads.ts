/**
 * What a client of the simulated cell does with the bytes of images, call by call: it sends small pieces,
 * over the bus or by the ticket, breaks off, resumes what anybody of its project has begun, sends wrong
 * bytes, deletes in the middle, and fetches. It gives up where a person would: each round has an end.
 */
import { createHash } from "node:crypto";
import type { ImageTicket } from "../../protocol/image-bytes.ts";
import type { ImageStores } from "./image-stores.ts";
import type { Kernel } from "./kernel.ts";
import type { UploadCommand } from "./plan-uploads.ts";
import type { SimulatedProcess } from "./process.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface Around {
  readonly kernel: Kernel;
  readonly process: SimulatedProcess;
  readonly project: string;
  readonly stores: ImageStores;
  /** Undefined: it was refused, or nobody knows. */
  readonly ask: (method: string, id: string, request: Fields) => Promise<Fields | undefined>;
}

/** What an image is to be, by its id: of all clients of a run. */
export type Wanted = Map<string, { readonly project: string; readonly content: Buffer }>;

const pieceBytes = 8;
/** Times that a client begins a transfer anew. */
const roundsMax = 6;
const againMs = 700;
/** Looks until an image is verified: longer than a controller is away. */
const looksMax = 60;
const ticketsMax = 4;

export class SimulatedUploads {
  readonly #around: Around;
  readonly #wanted: Wanted;

  constructor(around: Around, wanted: Wanted) {
    this.#around = around;
    this.#wanted = wanted;
  }

  /** `images`: ids of the images that the clients have made. */
  async perform(command: UploadCommand, target: number, images: readonly string[]): Promise<void> {
    switch (command) {
      case "imageSend":
        return this.#begin(target);
      case "imageResume":
        return this.#resume(target);
      case "imageSpoil":
        return this.#spoil(target);
      case "imageFetch":
        return this.#fetch(images[target % Math.max(1, images.length)]);
    }
  }

  async #begin(target: number): Promise<void> {
    const { ask, project } = this.#around;
    const content = contentOf(target);
    const made = await ask("image.create", "", {
      name: `sent-${target % 5}`,
      visibility: visibilityOf(target),
    });
    const id = idOf(made?.image);
    if (id === undefined) return;
    this.#wanted.set(id, { project, content });
    const how = hows[target % hows.length] ?? "whole";
    const sent = how === "wrong" ? Buffer.from(content).fill("!", pieceBytes, pieceBytes + 1) : content;
    const sending = { id, content: sent, sha256: digestOf(content), byTicket: target % 2 === 1 };
    if (how === "brokenOff" || how === "deleted") await this.#pieces(sending, 1 + (target % 3));
    else await this.#send(sending);
    if (how === "deleted") await ask("image.delete", id, {});
    // The refused bytes are there, and can be sealed under their own checksum.
    if (how === "wrong" && target % 3 > 0) await this.#send({ ...sending, sha256: digestOf(sent) });
  }

  async #resume(target: number): Promise<void> {
    const begun = this.#begun(target);
    if (begun === undefined) return;
    const { id, content } = begun;
    await this.#send({ id, content, sha256: digestOf(content), byTicket: target % 2 === 1 });
  }

  async #spoil(target: number): Promise<void> {
    const begun = this.#begun(target);
    if (begun === undefined) return;
    const content = Buffer.alloc(begun.content.length, "spoilt ");
    await this.#pieces({ ...begun, content, sha256: digestOf(content), byTicket: target % 2 === 1 }, 1);
  }

  #begun(target: number) {
    const own = [...this.#wanted].filter(([, { project }]) => project === this.#around.project);
    const [id = "", wanted] = own[target % Math.max(1, own.length)] ?? [];
    return wanted === undefined ? undefined : { id, content: wanted.content };
  }

  /** Until it is active, or refused. */
  async #send(sending: Sending): Promise<void> {
    const { ask } = this.#around;
    const { id, content, sha256 } = sending;
    for (let round = 0; round < roundsMax; round += 1) {
      if (round > 0) await this.#pause();
      const state = fieldsOf((await ask("image.get", id, {}))?.image).state;
      if (state === "active" || state === "deactivated") return;
      if (state !== "importing" && !(await this.#pieces(sending))) continue;
      const said = { format: "raw", sizeBytes: content.length, sha256 };
      if ((await ask("image.complete", id, said)) === undefined) continue;
      const { state: last, refusal } = await this.#verified(id);
      const { reason } = fieldsOf(refusal);
      if (last === "active" || (reason !== undefined && reason !== "uploadInterrupted")) return;
    }
  }

  /** Whether all have arrived. `atMost`: breaks off after so many. */
  async #pieces({ id, content, byTicket }: Sending, atMost = piecesMax): Promise<boolean> {
    const { ask } = this.#around;
    const begun = (await ask("image.upload", id, { sizeBytes: content.length }))?.upload;
    let { nextOffset: offset } = fieldsOf(begun);
    for (let piece = 0; piece < atMost && typeof offset === "number" && offset < content.length; piece += 1) {
      const bytes = content.subarray(offset, offset + pieceBytes);
      if (byTicket) {
        offset = await this.#put(begun as ImageTicket, offset, bytes);
        continue;
      }
      const data = bytes.toString("base64");
      offset = (await ask("image.write", id, { offset, data }))?.nextOffset;
    }
    return offset === content.length;
  }

  /** Undefined: it did not arrive, or nobody knows. */
  async #put(ticket: ImageTicket, offset: number, bytes: Buffer): Promise<number | undefined> {
    await this.#way();
    const sent = await this.#around.stores.take(ticket, offset, bytes).catch(() => undefined);
    await this.#way();
    return sent;
  }

  async #verified(id: string): Promise<Fields> {
    for (let look = 0; look < looksMax; look += 1) {
      const image = fieldsOf((await this.#around.ask("image.get", id, {}))?.image);
      if (image.state !== "importing") return image;
      await this.#pause();
    }
    return {};
  }

  async #fetch(id: string | undefined): Promise<void> {
    if (id === undefined) return;
    const { ask, stores, process } = this.#around;
    let got = Buffer.alloc(0);
    let first: unknown;
    for (let asked = 0; asked < ticketsMax; asked += 1) {
      const answer = await ask("image.ticket", id, {});
      if (answer === undefined) return;
      const { sha256, sizeBytes, download } = answer;
      first ??= sha256;
      if (first !== sha256) return;
      for (;;) {
        if (got.length === sizeBytes) return stores.served(process.name, String(sha256), got);
        await this.#way();
        const piece = stores.give(download as ImageTicket, got.length, pieceBytes);
        if (piece === undefined || piece.length === 0) break;
        got = Buffer.concat([got, piece]);
      }
    }
  }

  #way(): Promise<void> {
    const { kernel, process } = this.#around;
    return kernel.sleep(process, wayMs, "");
  }

  #pause(): Promise<void> {
    const { kernel, process } = this.#around;
    return kernel.sleep(process, againMs, "");
  }
}

interface Sending {
  readonly id: string;
  readonly content: Buffer;
  /** Said of the whole. */
  readonly sha256: string;
  readonly byTicket: boolean;
}

const hows = ["whole", "brokenOff", "whole", "wrong", "brokenOff", "deleted", "whole"] as const;
const piecesMax = 100;
const wayMs = 3;

/** Few files: some images have the same one. */
const contentOf = (target: number): Buffer => Buffer.alloc(20 + (target % 4) * 5, `file ${target % 4} `);
const visibilityOf = (target: number) => (target % 3 === 0 ? "community" : "private");
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? (value as Fields) : {};
const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

function idOf(image: unknown): string | undefined {
  const { id } = fieldsOf(image);
  return typeof id === "string" ? id : undefined;
}
