/**
 * Names in the state directory that are none of ours, for the doctor: what somebody has put there. What file
 * systems, NFS and desktops keep in every directory that they are mounted at or shown is theirs, and nothing
 * to look at.
 */
import { readdir } from "node:fs/promises";
import { isTemporaryName } from "../durable-file.ts";
import { namesGuest, type StateDirectories } from "../guest-directory.ts";

/** Temporary names belong to work that is under way. */
export async function foreignNames(
  directories: Pick<StateDirectories, "guests" | "images">,
): Promise<readonly string[]> {
  const [guests, images] = await Promise.all([readdir(directories.guests), readdir(directories.images)]);
  const foreign = (name: string): boolean => !isOfTheSystem(name);
  return [
    ...guests
      .filter((name) => !namesGuest(name) && foreign(name))
      .map((name) => `guests/${name} belongs to no instance.`),
    ...images
      .filter((name) => !ofImages.test(name) && !isTemporaryName(name) && foreign(name))
      .map((name) => `images/${name} is no image.`),
  ];
}

/** Names of cached images, parts, leases, and images that are set aside. */
const ofImages = /^[0-9a-f]{64}(?:\.part|\.[0-9a-f-]+\.(?:lease|aside))?$/;

const ofTheSystem: readonly RegExp[] = [
  // Made by mkfs, and by file systems and servers that have snapshots.
  /^lost\+found$/,
  /^\.snapshots?$/,
  /^~snapshot$/,
  /^\.zfs$/,
  /^\.glusterfs$/,
  // A file that was removed while somebody had it open: by NFS clients, and by FUSE.
  /^\.nfs[0-9A-Fa-f]+$/,
  /^\.fuse_hidden[0-9A-Fa-f]+$/,
  // Of desktops that were shown the directory.
  /^\.DS_Store$/,
  /^\._/,
  /^\.(?:Trashes|Spotlight-V100|fseventsd|TemporaryItems)$/,
  /^\.Trash-[0-9]+$/,
  /^System Volume Information$/,
  /^\$RECYCLE\.BIN$/i,
  /^(?:Thumbs\.db|desktop\.ini)$/i,
  /^@eaDir$/,
];

const isOfTheSystem = (name: string): boolean => ofTheSystem.some((pattern) => pattern.test(name));
