/**
 * Ports and the instances that they are held for. Both change in the same commits, so a lasting difference is
 * a bug of novact: an address that nobody can have, or a guest whose address may become another one's. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import type { DoctorInput } from "./input.ts";

export function portFindings({ plugs = [], instances, unsettled }: DoctorInput): Finding[] {
  const known = new Set([...instances, ...unsettled].map(({ instance }) => instance.id));
  const ofInstances = plugs.filter(({ device }) => device === "instance");
  const held = new Map(plugs.map((one) => [one.portId, one]));
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
      .filter(({ portId }) => !isHeldFor(id, held.get(portId)))
      .map(
        ({ portId }): Finding => ({
          kind: "drift",
          subject: `instance ${id}`,
          message: `It is plugged into port ${portId}, which is held for ${holderOf(held.get(portId))}.`,
          next: `Report it, unless rows were removed by hand. Its way out: novact instance delete ${id}.`,
        }),
      ),
  );
  return [...leaked, ...loose];
}

type Plug = NonNullable<DoctorInput["plugs"]>[number];

const isHeldFor = (id: string, plug: Plug | undefined): boolean =>
  plug?.device === "instance" && plug.deviceId === id;

const holderOf = (plug: Plug | undefined): string =>
  plug === undefined ? "nobody" : `${plug.device} ${plug.deviceId}`;
