/** MAC addresses of what has an id. Pure. */

/**
 * A MAC address: locally administered, QEMU's prefix, and the last four bytes of the id, which are random in
 * a UUID version 7.
 */
export function macAddressOf(id: string): string {
  const tail = id.replaceAll("-", "").slice(-8);
  const hex = /^[0-9a-f]{8}$/.test(tail) ? tail : hexOf(id);
  return `52:54:${hex.match(/../g)?.join(":") ?? "00:00:00:00"}`;
}

/** Four bytes from an id that is no UUID (in tests and simulators). Source: FNV-1a, 32 bits. */
function hexOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
