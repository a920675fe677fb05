/**
 * A tree of files in memory, and the archive that Linux unpacks as its first root (cpio, "newc" format).
 * Written here so that devices and owners need no privileges, and the same tree always gives the same bytes.
 * Source of the format: Documentation/driver-api/early-userspace/buffer-format.rst of the Linux kernel.
 */

/** One entry of the tree; paths have no leading slash, and every directory comes before its contents. */
export type Entry =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly content: Buffer }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
      readonly kind: "device";
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const typeBits = { directory: 0o040000, file: 0o100000, link: 0o120000, device: 0o020000 } as const;

/** The archive; all entries are owned by root and dated at the Unix epoch. */
export function cpioArchive(entries: readonly Entry[]): Buffer {
  const records = entries.map((entry, index) => record(entry, index + 1));
  return Buffer.concat([...records, record({ kind: "file", path: "TRAILER!!!", mode: 0, content: none }, 0)]);
}

const none = Buffer.alloc(0);

function record(entry: Entry, inode: number): Buffer {
  const content =
    entry.kind === "file" ? entry.content : entry.kind === "link" ? Buffer.from(entry.target) : none;
  const permissions = entry.kind === "directory" ? 0o755 : entry.kind === "link" ? 0o777 : entry.mode;
  const mode = inode === 0 ? 0 : typeBits[entry.kind] | permissions;
  const [major, minor] = entry.kind === "device" ? [entry.major, entry.minor] : [0, 0];
  const name = Buffer.from(`${entry.path}\0`);
  const links = entry.kind === "directory" ? 2 : 1;
  // inode, mode, uid, gid, links, mtime, size, device (2), special device (2), length of the name, checksum
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, major, minor, name.length, 0];
  const header = `070701${fields.map((value) => value.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(content)]);
}

/** The data, filled up to a multiple of four bytes. */
function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}
