/** What an image waits for that is not active, as a sentence for people: by its row alone. Pure. */
import type { Image } from "../../../protocol/image.ts";
import { bytes } from "../format.ts";

type Waiting = Pick<Image, "id" | "name" | "state" | "holder" | "sizeBytes" | "refusal">;

/** Undefined: for nothing. What was refused is told apart from this. */
export function waitOf({ id, name, state, holder, sizeBytes, refusal }: Waiting): string | undefined {
  const size = typeof sizeBytes === "number" ? `${bytes(sizeBytes)} at most` : "its bytes";
  const send = `novact image create ${name} --file`;
  switch (state) {
    case "queued":
      if ((holder ?? null) === null) return `its bytes: ${send}`;
      if (refusal?.reason === "uploadInterrupted") return `${send}, once more: ${holder} has what was sent`;
      return `somebody who says what ${holder} has (${send}), or removes it: novact image delete ${id}`;
    case "saving":
      return `${size}, which are sent to ${holder}; whoever was cut off goes on: ${send}`;
    case "importing":
      return `${holder}, which verifies what was sent`;
    case "deactivated":
      return `somebody to permit its use again: novact image reactivate ${id}`;
    default:
      return undefined;
  }
}
