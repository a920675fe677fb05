/**
 * What an image holds, by its first bytes, and the tool that unpacks it. A tool of user space reads it, in a
 * container of its own: the kernel never mounts what a stranger has made.
 */
import { StatusError } from "novact/plugin";

export interface Unpacking {
  readonly kind: "ext" | "tar";
  /** Reads /image, writes to /out. */
  readonly argv: readonly string[];
  /** Of what the tool says on its standard error, the lines that are no complaint. */
  readonly harmless: RegExp;
}

/** Device nodes and what else lies in /dev: a container has a /dev of its own. */
const withoutDevices = ["./dev/*", "dev/*", "/dev/*"].map((pattern) => `--exclude=${pattern}`);

const unpackings: readonly (Unpacking & { readonly at: number; readonly magic: string })[] = [
  {
    ...{ kind: "ext", at: 1080, magic: "\x53\xef" },
    argv: ["/usr/sbin/debugfs", "-R", "rdump / /out", "/image"],
    harmless: /^debugfs [0-9.]+ \(.*\)$/,
  },
  {
    ...{ kind: "tar", at: 257, magic: "ustar" },
    argv: [
      ...["/usr/bin/tar", "--extract", "--file=/image", "--directory=/out", "--numeric-owner"],
      ...["--same-owner", "--preserve-permissions", "--delay-directory-restore", "--anchored"],
      ...["--wildcards", ...withoutDevices, "--warning=no-timestamp"],
    ],
    harmless:
      /^\/usr\/bin\/tar: Removing leading `\/' from (?:member|hard link target) names$|^tar: Removing/,
  },
];

export const headBytes = 2_048;

/** @throws unusableImage */
export function unpackingOf(head: Buffer): Unpacking {
  const found = unpackings.find(({ at, magic }) => head.toString("latin1", at, at + magic.length) === magic);
  if (found !== undefined) return found;
  const message = "The image is no root file system for a container: it is neither ext2, ext3, ext4 nor tar.";
  throw new StatusError("unusableImage", message);
}

/** The first line of what a tool said that is a complaint; undefined: there is none. */
export function complaintOf({ harmless }: Unpacking, said: string): string | undefined {
  return said.split("\n").find((line) => line !== "" && !harmless.test(line));
}
