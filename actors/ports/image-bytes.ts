/**
 * The ports by which the bytes of images travel: where a computer has them, and the tickets that open the way
 * to them. Who may have a ticket must never be decided here: the rows say so, before one is issued.
 */
import type { ImageUploads } from "./image-uploads.ts";

/** An image file that is kept, open. */
export interface OpenImage {
  readonly sizeBytes: number;
  /** As many bytes as there are from `at` on, up to `length`. */
  read(at: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The image files that one computer has. */
export interface ImageBytes {
  /** Undefined: no file here has that checksum. */
  open(sha256: string): Promise<OpenImage | undefined>;
}

export interface TicketFacts {
  /** The server that it is for: its name in the configuration, or the id of a host. */
  readonly server: string;
  readonly verb: "send" | "fetch";
  /** `send`: the upload; `fetch`: the checksum of the file. */
  readonly of: string;
  /** The project or the host that asked; for the log. */
  readonly who: string;
  /** Wall clock. A transfer that has begun goes on. */
  readonly expiresAtMs: number;
  /**
   * So many transfers of the file by such tickets at once; whoever is beyond is to wait for its turn, or to
   * get it elsewhere. Absent: the ticket opens at once.
   */
  readonly atOnceMax?: number;
}

export interface ImageTickets {
  /** A text for `Authorization: Bearer`. It must never come into a log, an event or an argument. */
  issue(facts: TicketFacts): string;
}

/** Where one controller takes the bytes of images, and gives them. */
export interface ImageDoor {
  /** Its name in tickets: of this controller alone, and the same in all its lives. */
  readonly server: string;
  /** Without a slash at its end. */
  readonly url: string;
  readonly bytes: ImageBytes;
  readonly uploads: ImageUploads;
  readonly tickets: ImageTickets;
  /** Images on their way now, and bytes that have left. Absent: it does not count. */
  readonly given?: { readonly transfers: number; readonly bytes: number };
}
