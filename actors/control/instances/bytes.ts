/** The size of an instance in an answer, so that a page of instances fits. Pure. */
import type { Instance } from "../../../protocol/instance.ts";
import { jsonBytes } from "../request/page.ts";

/** Most bytes of one character in a JSON string: a control character is written as \u00XX. */
const bytesPerCharacter = 6;
/** Bytes of an instance without its failure, its interfaces and the texts that people write about it. */
const instanceBytes = 4096;
/** Bytes of an interface without its addresses, and of one of these. */
const interfaceBytes = 192;
const addressBytes = 144;

/** An upper bound of an instance's bytes; cheaper than serializing it, as lists are read often. */
export function bytesOfInstance(instance: Instance): number {
  const { metadata, description, lockedReason, keyName, failure, interfaces } = instance;
  const texts = [...Object.entries(metadata).flat(), description ?? "", lockedReason ?? "", keyName ?? ""];
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  const bytes = instanceBytes + characters * bytesPerCharacter + bytesOf(interfaces ?? []);
  return bytes + (failure === null ? 0 : jsonBytes(failure));
}

const bytesOf = (interfaces: NonNullable<Instance["interfaces"]>): number =>
  interfaces.reduce((sum, { addresses }) => sum + interfaceBytes + addresses.length * addressBytes, 0);
