/** The size of an instance in an answer, so that a page of instances fits. Pure. */
import type { Instance } from "../../../protocol/instance.ts";
import { jsonBytes } from "../request/page.ts";

/** Most bytes of one character in a JSON string: a control character is written as \u00XX. */
const bytesPerCharacter = 6;
/** Bytes of an instance without its failure and the texts that people write about it. */
const instanceBytes = 4096;

/** An upper bound of an instance's bytes; cheaper than serializing it, as lists are read often. */
export function bytesOfInstance({ metadata, description, lockedReason, failure }: Instance): number {
  const texts = [...Object.entries(metadata).flat(), description ?? "", lockedReason ?? ""];
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  return instanceBytes + characters * bytesPerCharacter + (failure === null ? 0 : jsonBytes(failure));
}
