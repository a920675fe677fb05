/**
 * The rows of volumes against those of instances: one commit writes both, so a difference is a bug of novact,
 * and is reported as such. And what is left of deleted volumes, which takes room as long as no host has
 * removed it. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { gibibytes } from "../../../protocol/wire/wording.ts";
import type { AttachedVolume } from "../../records/instance.ts";
import type { DoctorInput } from "./input.ts";
import { doctorLimits } from "./limits.ts";

type Input = Pick<DoctorInput, "volumes" | "deletedVolumes" | "instances" | "unsettled" | "hosts" | "nowMs">;
type VolumeRow = NonNullable<DoctorInput["volumes"]>[number];

export function volumeFindings(input: Input): Finding[] {
  const held = heldBy(input);
  const rows = new Map((input.volumes ?? []).map((row) => [row.id, row]));
  return [
    ...[...rows.values()].flatMap((row) =>
      rows.has(row.instanceId ?? "") ? ofCopy(row, input) : ofRow(row, held.get(row.id)),
    ),
    ...(input.volumes === undefined ? [] : [...held.keys()].filter((id) => !rows.has(id)).map(rowless)),
    ...(input.deletedVolumes ?? []).flatMap((row) => ofDeleted(row, input)),
  ];
}

interface Held extends Pick<AttachedVolume, "epoch"> {
  readonly instanceId: string;
}

/** By the id of the volume, as the instances have them. Deleted ones hold theirs until they are settled. */
function heldBy({ instances, unsettled }: Input): ReadonlyMap<string, Held> {
  const all = [...instances, ...unsettled].map(({ instance }) => instance);
  return new Map(
    all.flatMap(({ id, volumes }) =>
      (volumes ?? []).map(({ volumeId, epoch }) => [volumeId, { instanceId: id, epoch }] as const),
    ),
  );
}

const next = "Report it: one transaction writes both. Keep the database as it is until then.";

function ofRow({ id, name, instanceId, epoch }: VolumeRow, held: Held | undefined): Finding[] {
  const subject = `volume ${name} (${id})`;
  const differs = (message: string): Finding[] => [{ kind: "drift", subject, message, next }];
  if (instanceId === null)
    return held === undefined ? [] : differs(`Instance ${held.instanceId} has it, and its row has nobody.`);
  if (held?.instanceId !== instanceId)
    return differs(`Its row has instance ${instanceId}, which does not have it.`);
  if (held.epoch === epoch) return [];
  return differs(`Its row has epoch ${epoch}, and instance ${instanceId} has epoch ${held.epoch}.`);
}

/** Held by the other one of the two; a copy of many bytes takes its time. */
function ofCopy({ id, name, made, instanceId, createdAtMs }: VolumeRow, { nowMs }: Input): Finding[] {
  if (made || nowMs - createdAtMs < doctorLimits.volumeLeftMs) return [];
  return [
    {
      ...{ kind: "stuck", subject: `volume ${name} (${id})` },
      message: `It is still to be made as a copy of volume ${instanceId}, which nobody has meanwhile.`,
      next: "Is a host up that sees both? The controllers' logs say what failed. Or delete the copy: novact volume delete.",
    },
  ];
}

const rowless = (id: string): Finding => ({
  ...{ kind: "drift", subject: `volume ${id}`, next },
  message: "An instance has it, and it has no row.",
});

/** A host that answers removes it within a round or two of the sweeper. */
function ofDeleted(
  { id, sizeGib, storageId, hostId, createdAtMs }: NonNullable<DoctorInput["deletedVolumes"]>[number],
  { hosts, nowMs }: Input,
): Finding[] {
  if (nowMs - createdAtMs < doctorLimits.volumeLeftMs) return [];
  const host = hosts.find((one) => one.id === hostId);
  const where = storageId === null ? `the own disk of host ${host?.name ?? hostId}` : `storage ${storageId}`;
  return [
    {
      ...{ kind: "leak", subject: `deleted volume ${id}` },
      message: `Its ${gibibytes(sizeGib)} on ${where} are still taken: no host has removed the file.`,
      next: "Is a host up that sees it? Its log says why the file stays. A host that is gone for good: novact host remove.",
    },
  ];
}
