/**
 * V9: what a storage has acknowledged to a guest is in the volume from then on, whoever has the volume next:
 * each guest finds the number that was written last. No two processes take turns: after another one has
 * written, a process writes again only if it got the volume anew. No volume goes but by its deletion, or with
 * an instance that was to take the volume along.
 */
import { volume } from "../../protocol/volume.ts";
import { volumeCopy } from "../../protocol/volume-copy.ts";
import type { RowOf } from "../../protocol/wire/resource.ts";
import type { Checker, Committed, Quiet } from "./facts.ts";
import { createLedger, isCommitted, type Ledger } from "./ledger.ts";
import { changedId } from "./row-written.ts";
import type { VolumeWritten } from "./volume-access.ts";

interface Written {
  /** The number that was acknowledged last. */
  count: number;
  writer: string;
  readonly earlier: Set<string>;
}

export function writesSurvive(): Checker {
  const volumes = new Map<string, Written>();
  const ledger = createLedger();
  return {
    promise: "V9",
    see(fact) {
      if (isCommitted(fact)) {
        copied(volumes, fact);
        const broken = gone(ledger, fact);
        ledger.apply(fact.commit);
        return broken;
      }
      if (fact.kind === "volumeWritten") return written(volumes, fact);
      return fact.kind === "quiet" ? atRest(volumes, fact) : [];
    },
  };
}

/** This commit takes the source from everybody: the copy gets all writes before. */
function copied(volumes: Map<string, Written>, { commit }: Committed): void {
  for (const change of commit.rows ?? []) {
    if (change.resource.noun !== volumeCopy.noun || !("made" in change)) continue;
    const { id, sourceId } = change.made as RowOf<typeof volumeCopy>;
    const count = volumes.get(sourceId)?.count ?? 0;
    volumes.set(id, { count, writer: "nobody", earlier: new Set() });
  }
}

function written(volumes: Map<string, Written>, fact: VolumeWritten): readonly string[] {
  const { volumeId, epoch, hostId, pid, instanceId, found } = fact;
  // Whoever gives a volume back and gets it again has it in another epoch.
  const writer = `${hostId}/${pid} in epoch ${epoch}`;
  const known = volumes.get(volumeId) ?? { count: 0, writer, earlier: new Set<string>() };
  volumes.set(volumeId, known);
  const who = `Volume ${volumeId}: ${writer} of ${instanceId}`;
  const lost =
    found === known.count ? [] : [`${who} finds ${found}, and ${known.count} was written there last.`];
  const again = known.earlier.has(writer) ? [`${who} writes again after ${known.writer} has written.`] : [];
  if (known.writer !== writer) known.earlier.add(known.writer);
  Object.assign(known, { count: found + 1, writer });
  return [...lost, ...again];
}

/** The file of each volume has the number that was written last. */
function atRest(volumes: ReadonlyMap<string, Written>, { volumes: rest }: Quiet): readonly string[] {
  const rows = new Set((rest?.rows ?? []).map(({ id }) => id));
  return (rest?.files ?? []).flatMap(({ volumeId, writes }) => {
    const count = volumes.get(volumeId)?.count ?? 0;
    if (!rows.has(volumeId) || writes === undefined || writes === count) return [];
    return [`Volume ${volumeId} has ${writes} in its file, and ${count} was written there last.`];
  });
}

function gone(ledger: Ledger, { commit }: Committed): readonly string[] {
  const { rows = [], instances = [], request } = commit;
  const removed = rows.filter((change) => change.resource.noun === volume.noun && "removed" in change);
  // Whoever deletes a volume changes no instance with it.
  if (removed.length === 0 || (request !== undefined && instances.length === 0)) return [];
  const before = instances.flatMap(({ row }) => ledger.row(row.id)?.volumes ?? []);
  return removed.map(changedId).flatMap((id) => {
    const its = before.find(({ volumeId }) => volumeId === id);
    if (its?.deleteOnTermination === true && its.change?.kind !== "leaving") return [];
    return [`Volume ${id} went with its instance, and was not to go with it.`];
  });
}
