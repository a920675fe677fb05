/**
 * V14: an instance has the volumes with which it was asked for, and its root disk as long as it is there. A
 * volume leaves it by a detach, or with its end: then what is to go with it goes in the same commit. (What is
 * to stay stays by V9.)
 */
import { deletedVolume, volume } from "../../protocol/volume.ts";
import type { AttachedVolume, InstanceRecord } from "../records/instance.ts";
import { createCalls, fieldsOf } from "./calls.ts";
import type { Checker, Committed, Fact } from "./facts.ts";
import { createLedger, isCommitted, type Ledger } from "./ledger.ts";
import { changedId } from "./row-written.ts";

export function volumesOfAnInstance(): Checker {
  const ledger = createLedger();
  const calls = createCalls();
  return {
    promise: "V14",
    see(fact: Fact) {
      const call = calls.endOf(fact);
      if (call !== undefined) {
        const { invoked, completed } = call;
        const asks = invoked.method === "instance.create" && invoked.request.wait !== true;
        return asks && completed.outcome === "ok" ? unlike(invoked.request.volumes, completed.answer) : [];
      }
      if (!isCommitted(fact)) return [];
      const broken = committed(ledger, fact);
      ledger.apply(fact.commit);
      return broken;
    },
  };
}

/** The volumes in the answer to a create, held against those that it has asked for. */
function unlike(asked: unknown, answer: Readonly<Record<string, unknown>> = {}): readonly string[] {
  if (!Array.isArray(asked)) return [];
  const wanted = wordsOf(asked);
  const all = Array.isArray(answer.all) ? answer.all : [answer];
  return all.flatMap((one) => {
    const { id, volumes } = fieldsOf(fieldsOf(one).instance);
    const has = wordsOf(Array.isArray(volumes) ? volumes : []);
    return has === wanted ? [] : [`Instance ${id} was asked for with ${wanted}, and has ${has}.`];
  });
}

const wordsOf = (volumes: readonly unknown[]): string =>
  volumes
    .map((one) => {
      const { bootIndex = "none", deleteOnTermination = false } = fieldsOf(one);
      return `boot index ${bootIndex} ${deleteOnTermination === true ? "going" : "staying"}`;
    })
    .sort()
    .join(", ");

function committed(ledger: Ledger, { commit }: Committed): readonly string[] {
  const rows = commit.rows ?? [];
  const goneWith = (one: AttachedVolume) =>
    rows.some((change) => change.resource.noun === volume.noun && "removed" in change && isOf(one, change)) &&
    rows.some((change) => change.resource.noun === deletedVolume.noun && isOf(one, change));
  // Where no host has anything of the instance, a detach begins and ends in one commit.
  const detachedBy = ({ volumeId }: AttachedVolume) =>
    (commit.events ?? []).some(({ event, body }) => event === "volumeDetached" && body.volumeId === volumeId);
  return (commit.instances ?? []).flatMap(({ row }) => {
    const before = ledger.row(row.id);
    if (before === undefined || before.volumes === row.volumes) return [];
    const has = new Map((row.volumes ?? []).map((one) => [one.volumeId, one]));
    return (before.volumes ?? []).flatMap((was) =>
      told(row, was, { is: has.get(was.volumeId), goneWith, detachedBy }),
    );
  });
}

const isOf = ({ volumeId }: AttachedVolume, change: Parameters<typeof changedId>[0]): boolean =>
  changedId(change) === volumeId;

interface Now {
  /** Undefined: the instance has it no more. */
  readonly is: AttachedVolume | undefined;
  readonly goneWith: (one: AttachedVolume) => boolean;
  readonly detachedBy: (one: AttachedVolume) => boolean;
}

function told(
  row: InstanceRecord,
  was: AttachedVolume,
  { is, goneWith, detachedBy }: Now,
): readonly string[] {
  const { volumeId, bootIndex, deleteOnTermination } = was;
  const isLeaving = was.change?.kind === "leaving";
  const name = `Volume ${volumeId} of instance ${row.id}`;
  if (row.desired === "deleted") {
    const goes = deleteOnTermination && !isLeaving;
    return is === undefined && goes && !goneWith(was) ? [`${name} was to go with it, and stays.`] : [];
  }
  if (bootIndex === 0 && (is === undefined || is.change?.kind === "leaving"))
    return [`${name} is its root disk, and leaves it.`];
  return is === undefined && !isLeaving && !detachedBy(was) ? [`${name} leaves it without a detach.`] : [];
}
