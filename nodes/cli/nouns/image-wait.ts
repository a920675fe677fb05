/** What an image waits for that is not active, as a sentence for people: by its row alone. Pure. */
import type { Image } from "../../../protocol/image.ts";
import { bytes } from "../format.ts";

type Waiting = Pick<Image, "id" | "name" | "state" | "holder" | "sizeBytes" | "refusal">;

/** Only a copy of an instance's disk ends with these: the bytes of a file do not. */
const copyReasons: ReadonlySet<string> = new Set([
  ...["copyLost", "notCopyable", "diskMissing", "staleEpoch", "guestFailed", "hypervisorRefused"],
  "operationTimeout",
]);

/** Undefined: for nothing. What was refused is told apart from this. */
export function waitOf({ id, name, state, holder, sizeBytes, refusal }: Waiting): string | undefined {
  const size = typeof sizeBytes === "number" ? `${bytes(sizeBytes)} at most` : "its bytes";
  const [send, again] = ["--file", "--instance"].map((of) => `novact image create ${name} ${of}`);
  const remove = `novact image delete ${id}`;
  switch (state) {
    case "queued":
      if (refusal && copyReasons.has(refusal.reason))
        return `nothing: no disk of an instance was copied. Make another (${again}); remove it: ${remove}`;
      if ((holder ?? null) === null && refusal)
        return `nothing: it was refused. Make it again (${send}, or ${again}); remove it: ${remove}`;
      if ((holder ?? null) === null) return `its bytes: ${send}`;
      if (refusal?.reason === "uploadInterrupted") return `${send}, once more: ${holder} has what was sent`;
      return `somebody who says what ${holder} has (${send}), or removes it: ${remove}`;
    case "saving":
      return [
        `${size}, which are sent to ${holder}: by a host, of an instance;`,
        `of a file, whoever was cut off goes on: ${send}`,
      ].join(" ");
    case "importing":
      return `${holder}, which verifies what was sent`;
    case "deactivated":
      return `somebody to permit its use again: novact image reactivate ${id}`;
    default:
      return undefined;
  }
}
