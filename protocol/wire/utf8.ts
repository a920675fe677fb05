/**
 * Text to bytes and back, in UTF-8, by what Node and browsers have in common: this folder runs in both, so
 * nothing in it may import a module of Node's.
 */

/** `ignoreBOM`: a byte order mark is a character like any other, and JSON's parser refuses it. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Undefined when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Half a surrogate pair becomes U+FFFD. */
export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text);
