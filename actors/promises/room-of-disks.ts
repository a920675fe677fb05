/**
 * Part of I3: what an instance takes of a host or of a storage is the room of all its disks, the ephemeral
 * disk and the swap disk among them. Pure.
 */
import { localGibOf, rootGibOf } from "../../protocol/local-disks.ts";
import type { Commit } from "../records/commit.ts";

const gib = 1024 ** 3;

/** A new instance has room for its image beside its other disks, and for those. */
export const roomOfDisks = ({ instances = [] }: Pick<Commit, "instances">): readonly string[] =>
  instances.flatMap(({ expectedVersion, row }) => {
    if (expectedVersion !== 0) return [];
    const { flavor, image, id } = row;
    const imageGib = Math.ceil((image.disk?.virtualSizeBytes ?? 0) / gib);
    if (rootGibOf(flavor) >= imageGib) return [];
    const needs = imageGib + localGibOf(flavor);
    return [`Instance ${id} takes ${flavor.diskGib} GiB, and its disks may need ${needs} GiB.`];
  });
