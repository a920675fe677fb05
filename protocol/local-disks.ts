/**
 * The ephemeral disk and the swap disk of an instance, as its flavor gives them. They lie beside its root
 * disk, wherever that is, and go with it: their room is counted with the root disk's. Schemas and sums only.
 */
import { Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";

const mibPerGib = 1_024;

/** Sizes of both; 0: there is no such disk. */
export const localDisks = {
  /** Formatted with ext4, with the label `ephemeral0`, when the instance is made. */
  ephemeralGib: Type.Integer({ minimum: 0, maximum: fieldLimits.diskGibMax }),
  /** With the label `swap0`. */
  swapMib: Type.Integer({ minimum: 0, maximum: fieldLimits.swapMibMax }),
};

/** The same where a peer of before says nothing of them. Absent: 0. */
export const localDisksTold = {
  ephemeralGib: Type.Optional(localDisks.ephemeralGib),
  swapMib: Type.Optional(localDisks.swapMib),
};

export interface LocalDisks {
  readonly ephemeralGib?: number | undefined;
  readonly swapMib?: number | undefined;
}

/** The sizes above 0: the row of an instance without such disks is as before. */
export const localDisksOf = ({ ephemeralGib = 0, swapMib = 0 }: LocalDisks) => ({
  ...(ephemeralGib === 0 ? {} : { ephemeralGib }),
  ...(swapMib === 0 ? {} : { swapMib }),
});

/** The room of both, in whole GiB: the ledger counts no less. */
export const localGibOf = ({ ephemeralGib = 0, swapMib = 0 }: LocalDisks): number =>
  ephemeralGib + Math.ceil(swapMib / mibPerGib);

/** The size of the root disk, of all that an instance has on disk; 0: it has none. */
export const rootGibOf = (flavor: LocalDisks & { readonly diskGib: number }): number =>
  flavor.diskGib - localGibOf(flavor);
