/**
 * What is to be done with the row of an image and what its controller has of its upload, when they do not
 * fit: after a controller died between two steps, or when nobody goes on. Pure.
 */
import type { image } from "../../../../protocol/image.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { UploadStatus } from "../../../ports/image-uploads.ts";

type Row = Pick<RowOf<typeof image>, "state" | "holder" | "sizeBytes">;

/**
 * `activate`: the sealed file is kept, and the row has to say so. `interrupted`: it was being verified, and
 * nobody does that any more. `forget`: the row speaks of bytes that are not there. `discard`: bytes that no
 * row speaks of.
 */
export type Settling = "activate" | "interrupted" | "forget" | "discard" | "nothing";

export interface Found {
  /** The image's; undefined: no image has the id. */
  readonly row: Row | undefined;
  readonly status: UploadStatus | null;
  /** Who looks. */
  readonly server: string;
  /** Whether it is being verified at this moment. */
  readonly sealing: boolean;
}

export function settlingOf({ row, status, server, sealing }: Found): Settling {
  const unwanted = status === null ? "nothing" : "discard";
  // What is being verified ends by itself, and finds out what became of its image.
  if (sealing) return "nothing";
  if (row?.holder !== server) return unwanted;
  switch (row.state) {
    case "active":
    case "deactivated":
      return unwanted;
    case "importing":
      if (status === null) return "forget";
      return status.sealed === null ? "interrupted" : "activate";
    case "queued":
      // Its operation has ended with that, and no host sends it again.
      return status === null || status.from !== undefined ? "forget" : "nothing";
    case "saving":
      return status === null ? "forget" : "nothing";
  }
}

/** Whether a row waits for bytes that somebody has, or has said to have. */
export const isUnsettled = ({ state, holder }: Row): boolean =>
  holder !== null && state !== "active" && state !== "deactivated";
