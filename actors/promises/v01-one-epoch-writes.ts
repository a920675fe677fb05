/**
 * V1: at no instant can two processes write to one volume, of whatever instances, on whatever hosts and of
 * whatever epochs; and only the process that can write does. A process that cannot write is not counted only
 * while its host is fenced: then it is never let go again (as in I2).
 */
import type { Checker, Fact } from "./facts.ts";
import { Leases } from "./leases.ts";
import { isCommitted } from "./ledger.ts";
import type { VolumeOpened, VolumeWritten } from "./volume-access.ts";

/** The processes that have each volume open, by `host/pid`, and processes that cannot write. */
interface Known {
  readonly open: Map<string, Map<string, VolumeOpened>>;
  readonly held: Set<string>;
  readonly leases: Leases;
}

export function oneEpochWrites(): Checker {
  const known: Known = { open: new Map(), held: new Set(), leases: new Leases() };
  return { promise: "V1", see: (fact) => faultsOf(known, fact) };
}

const nameOf = ({ hostId, pid }: { readonly hostId: string; readonly pid: number }) => `${hostId}/${pid}`;

function faultsOf(known: Known, fact: Fact): readonly string[] {
  const { open, held, leases } = known;
  switch (fact.kind) {
    case "volumeOpened": {
      const processes = open.get(fact.volumeId) ?? new Map<string, VolumeOpened>();
      open.set(fact.volumeId, processes.set(nameOf(fact), fact));
      return tooMany(known, fact.volumeId);
    }
    case "volumeClosed":
      open.get(fact.volumeId)?.delete(nameOf(fact));
      return [];
    case "guestHeld":
      held.add(nameOf(fact));
      return [];
    case "guestFree":
      held.delete(nameOf(fact));
      return everywhere(known);
    case "guestEnded":
      held.delete(nameOf(fact));
      return [];
    case "committed": {
      if (!isCommitted(fact)) return [];
      leases.committed(fact);
      return fact.commit.leasesGranted === undefined ? [] : everywhere(known);
    }
    case "volumeWritten":
      return written(known, fact);
    default:
      return [];
  }
}

const everywhere = (known: Known): readonly string[] =>
  [...known.open.keys()].flatMap((volumeId) => tooMany(known, volumeId));

function writers({ open, held, leases }: Known, volumeId: string): readonly VolumeOpened[] {
  return [...(open.get(volumeId)?.values() ?? [])].filter(
    (one) => !(held.has(nameOf(one)) && leases.isOut(one.hostId)),
  );
}

const wordsOf = (one: VolumeOpened): string => `${nameOf(one)} of ${one.instanceId} (epoch ${one.epoch})`;

function tooMany(known: Known, volumeId: string): readonly string[] {
  const all = writers(known, volumeId);
  if (all.length < 2) return [];
  return [`Volume ${volumeId} has ${all.length} writers: ${all.map(wordsOf).join(", ")}.`];
}

function written(known: Known, fact: VolumeWritten): readonly string[] {
  const all = writers(known, fact.volumeId);
  const [one] = all;
  if (all.length === 1 && one !== undefined && nameOf(one) === nameOf(fact)) return [];
  const able = all.map(wordsOf).join(", ") || "none";
  return [`Volume ${fact.volumeId}: ${nameOf(fact)} wrote to it, but able to are: ${able}.`];
}
