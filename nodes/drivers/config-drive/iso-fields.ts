/** The small fields that ISO 9660 is made of. Pure. */

export const sectorBytes = 2_048;
export const sectorsOf = (bytes: number): number => Math.ceil(bytes / sectorBytes);

/** A number twice: with its low byte first, then with its high byte first (ECMA-119, 7.2.3 and 7.3.3). */
export function bothEndian(value: number, bytes: 2 | 4): Buffer {
  const field = Buffer.alloc(bytes * 2);
  field.writeUIntLE(value, 0, bytes);
  field.writeUIntBE(value, bytes, bytes);
  return field;
}

/** Text filled up with spaces; for Joliet in UCS-2 with the high byte first. */
export function textField(text: string, { length, joliet }: { length: number; joliet: boolean }): Buffer {
  if (!joliet) return Buffer.from(text.padEnd(length), "latin1");
  const field = ucs2(text.padEnd(Math.floor(length / 2)));
  return Buffer.concat([field, Buffer.alloc(length - field.length)]);
}

export const ucs2 = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();

/** Seven bytes (ECMA-119, 9.1.5), in UTC. */
export function recordTime(atMs: number): Buffer {
  const at = new Date(atMs);
  return Buffer.from([
    ...[at.getUTCFullYear() - 1_900, at.getUTCMonth() + 1, at.getUTCDate()],
    ...[at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds(), 0],
  ]);
}

/** Digits, and a byte for the zone (ECMA-119, 8.4.26.1), in UTC; undefined: no time. */
export function volumeTime(atMs: number | undefined): Buffer {
  if (atMs === undefined) return Buffer.from([...Buffer.from("0".repeat(16), "latin1"), 0]);
  const digits = new Date(atMs).toISOString().replaceAll(/\D/g, "").slice(0, 16);
  return Buffer.from([...Buffer.from(digits, "latin1"), 0]);
}
