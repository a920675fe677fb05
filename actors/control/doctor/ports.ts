/**
 * Ports and the instances that they are held for. Both change in the same commits, so a lasting difference is
 * a bug of novact: an address that nobody can have, or a guest whose address may become another one's. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import type { DoctorInput } from "./input.ts";

export function portFindings({ plugs = [], instances, unsettled }: DoctorInput): Finding[] {
  const known = new Set([...instances, ...unsettled].map(({ instance }) => instance.id));
  const ofInstances = plugs.filter(({ device }) => device === "instance");
  const held = new Map(ofInstances.map(({ portId, deviceId }) => [portId, deviceId]));
  const leaked = ofInstances
    .filter(({ deviceId }) => !known.has(deviceId))
    .map(
      ({ portId, deviceId }): Finding => ({
        kind: "leak",
        subject: `port ${portId}`,
        message: `It is held for instance ${deviceId}, which is gone.`,
        next: "Its addresses can be given to nobody. This is a bug of novact: report it.",
      }),
    );
  const loose = instances.flatMap(({ instance: { id, interfaces } }) =>
    (interfaces ?? [])
      .filter(({ portId }) => held.get(portId) !== id)
      .map(
        ({ portId }): Finding => ({
          kind: "drift",
          subject: `instance ${id}`,
          message: `It is plugged into port ${portId}, which is not held for it.`,
          // Its delete would let go of the port of whoever has it now, or be refused again and again.
          next: "Somebody else may get its address. Report this bug of novact, and do not delete the instance yet.",
        }),
      ),
  );
  return [...leaked, ...loose];
}
