/** How large an instance is in an answer, so that a page of them fits. Pure. */
import type { Instance } from "../../../protocol/instance.ts";
import { jsonBytes } from "../request/page.ts";

/** One character of a string in JSON, at most: a control character is written as \u00XX. */
const bytesPerCharacter = 6;
/** Everything of an instance but its metadata and its failure. */
const instanceBytes = 4096;

/** Not less than it takes; cheaper than to write it out, for lists are read often. */
export function bytesOfInstance({ metadata, failure }: Instance): number {
  const characters = Object.entries(metadata).reduce(
    (sum, [key, value]) => sum + key.length + value.length,
    0,
  );
  return instanceBytes + characters * bytesPerCharacter + (failure === null ? 0 : jsonBytes(failure));
}
