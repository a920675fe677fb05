/**
 * V13: from the commit in which a copy of a volume is asked for until the one in which the copy is there, or
 * is given up, each of the two volumes is held by the other one, and no longer. When all is quiet no copy is
 * still to be made.
 */
import { volume } from "../../protocol/volume.ts";
import { volumeCopy } from "../../protocol/volume-copy.ts";
import type { RowOf } from "../../protocol/wire/resource.ts";
import type { RowChange } from "../records/rows.ts";
import type { Checker, Committed, Quiet } from "./facts.ts";
import { isCommitted } from "./ledger.ts";
import { changedId, rowAfter } from "./row-written.ts";

type VolumeRow = RowOf<typeof volume>;
type CopyRow = RowOf<typeof volumeCopy>;

interface Known {
  readonly volumes: Map<string, VolumeRow>;
  /** Ids of all that there ever were. */
  readonly ever: Set<string>;
  /** By the new volume's id. */
  readonly copies: Map<string, CopyRow>;
}

export function copiesHoldBoth(): Checker {
  const known: Known = { volumes: new Map(), ever: new Set(), copies: new Map() };
  return {
    promise: "V13",
    see(fact) {
      if (fact.kind === "quiet") return still(fact);
      return isCommitted(fact) ? committed(known, fact) : [];
    },
  };
}

function committed(known: Known, { commit }: Committed): readonly string[] {
  const touched = new Set((commit.rows ?? []).flatMap((change) => noted(known, change)));
  if (touched.size === 0) return [];
  return [
    ...[...known.copies.values()].flatMap((copy) => notHeld(copy, known.volumes)),
    ...[...touched].flatMap((id) => heldInVain(id, known)),
  ];
}

/** Ids of the volumes of which something is told. */
function noted({ volumes, ever, copies }: Known, change: RowChange): readonly string[] {
  const { noun } = change.resource;
  const id = changedId(change);
  if (noun === volume.noun) {
    ever.add(id);
    put(volumes, id, rowAfter(change, volumes.get(id)) as VolumeRow | undefined);
    return [id];
  }
  if (noun !== volumeCopy.noun) return [];
  const { sourceId = id } = copies.get(id) ?? {};
  put(copies, id, rowAfter(change, copies.get(id)) as CopyRow | undefined);
  return [id, sourceId];
}

function put<T>(table: Map<string, T>, id: string, row: T | undefined): void {
  if (row === undefined) table.delete(id);
  else table.set(id, row);
}

function notHeld({ id, sourceId }: CopyRow, volumes: Known["volumes"]): readonly string[] {
  const holds = (one: string, other: string) => volumes.get(one)?.instanceId === other;
  const who = `Volume ${id} is to be made of ${sourceId}`;
  return [
    ...(holds(sourceId, id) ? [] : [`${who}, which is not held for that.`]),
    ...(holds(id, sourceId) ? [] : [`${who}, and is not held until then.`]),
  ];
}

/** Held by another volume, of which no copy is to be made. */
function heldInVain(id: string, { volumes, ever, copies }: Known): readonly string[] {
  const holder = volumes.get(id)?.instanceId ?? null;
  // Who holds it is an instance, of which V2 says more.
  if (holder === null || !ever.has(holder)) return [];
  const isCopied = copies.get(id)?.sourceId === holder || copies.get(holder)?.sourceId === id;
  return isCopied ? [] : [`Volume ${id} is held by the volume ${holder}, and no copy is to be made.`];
}

const still = ({ volumes }: Quiet): readonly string[] =>
  (volumes?.copies ?? []).map(
    ({ id, sourceId }) => `The copy ${id} of the volume ${sourceId} was never made.`,
  );
