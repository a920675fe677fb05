/** A controller's door for the bytes of images, in memory: tickets are plain texts, and nobody listens. */
import type { ImageDoor, TicketFacts } from "../../actors/ports/image-bytes.ts";
import type { Clock } from "../../protocol/wire/transport.ts";
import type { MemoryImageFiles } from "./memory-image-files.ts";
import { MemoryImageUploads } from "./memory-image-uploads.ts";

export interface MemoryImageDoor extends ImageDoor {
  readonly uploads: MemoryImageUploads;
}

/** `contents`: the files of all doors with one store, by checksum. */
export function memoryImageDoor(
  clock: Pick<Clock, "nowMs">,
  files: MemoryImageFiles,
  { server, contents }: { readonly server: string; readonly contents: Map<string, Buffer> },
): MemoryImageDoor {
  const uploads: MemoryImageUploads = new MemoryImageUploads(clock, (sealed, imageId) => {
    const content = uploads.content(sealed.sha256);
    if (content !== undefined) contents.set(sealed.sha256, content);
    files.take(sealed, imageId);
  });
  return {
    ...{ server, url: `memory:${server}`, uploads },
    bytes: {
      open: async (sha256) => {
        const content = files.has(sha256) ? contents.get(sha256) : undefined;
        if (content === undefined) return undefined;
        const read = async (at: number, length: number) => content.subarray(at, at + length);
        return { sizeBytes: content.length, read, close: async () => undefined };
      },
    },
    tickets: { issue: (facts) => JSON.stringify(facts) },
  };
}

/** What a ticket of such a door says. */
export const ticketIn = (ticket: string): TicketFacts => JSON.parse(ticket) as TicketFacts;
