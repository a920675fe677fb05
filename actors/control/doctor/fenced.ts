/**
 * What a lost host leaves behind: the brake on recovery, and instances that are down because their host is
 * fenced, each with what somebody can do about it. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import { type DoctorInput, hostCalled, type Known } from "./input.ts";

export function brakeFindings({ brake }: DoctorInput): Finding[] {
  if (brake?.on !== true) return [];
  const names = brake.lost.map(({ name }) => name).join(", ");
  return [
    {
      kind: "stuck",
      subject: "recovery",
      message: `It is stopped: of ${brake.of} hosts ${brake.lost.length} were lost at once (${names}).`,
      next: "Look at the network, NATS and PostgreSQL first. Of a host that is off, say so: novact host fence.",
    },
  ];
}

/** One finding for each instance: the remedy is not the same for all. */
export function fencedFindings({ hosts, instances, brake }: DoctorInput, known: Known): Finding[] {
  const fenced = new Set(hosts.flatMap(({ id, lease }) => (lease?.fencedBy ? [id] : [])));
  return instances.flatMap(({ instance }) => {
    const { id, hostId, desired } = instance;
    const down = desired === "running" || desired === "paused";
    if (hostId === null || !fenced.has(hostId) || !down) return [];
    const message = `It shall be ${desired}, and ${hostCalled(known, hostId)} is fenced.`;
    return [
      { kind: "stuck" as const, subject: `instance ${id}`, message, next: nextOf(instance, brake?.on) },
    ];
  });
}

/**
 * Hosts that do not answer, and may run guests of instances that are deleted: what these are plugged into
 * keeps its addresses until then (N1). One finding for each host.
 */
export function heldFindings({ answers, unsettled }: DoctorInput, known: Known): Finding[] {
  const silent = new Set(answers.flatMap((one) => ("error" in one ? [one.hostId] : [])));
  const held = new Map<string, { instances: number; ports: number }>();
  for (const { instance, claims } of unsettled) {
    const ports = instance.interfaces?.length ?? 0;
    if (instance.desired !== "deleted" || ports === 0) continue;
    for (const hostId of new Set(claims.map((claim) => claim.hostId))) {
      const sum = held.get(hostId) ?? { instances: 0, ports: 0 };
      held.set(hostId, { instances: sum.instances + 1, ports: sum.ports + ports });
    }
  }
  return [...held].flatMap(([hostId, { instances, ports }]) => {
    if (!silent.has(hostId)) return [];
    const host = hostCalled(known, hostId);
    const of = `the ${counted(ports, "port")} of ${counted(instances, "deleted instance")}`;
    return [
      {
        kind: "stuck" as const,
        subject: host,
        message: `It does not answer, and may run guests with the addresses of ${of}.`,
        next: `They are free when it answers. Is it off for good? novact host fence, then novact host remove.`,
      },
    ];
  });
}

function nextOf({ id, movable, storageId, image, flavor }: InstanceRecord, braked = false): string {
  if (movable)
    return braked ? `Recovery is stopped; this one by hand: novact instance evacuate ${id}.` : explain(id);
  const diskless = image.disk === null && flavor.diskGib === 0;
  if (storageId === null && !diskless)
    return "Its disk is only on that host: bring the host back, or delete the instance.";
  return `Its recovery policy keeps it there. Bring the host back, or: novact instance evacuate ${id}.`;
}

const explain = (id: string) => `It starts elsewhere when it finds room: novact instance explain ${id}.`;
