/**
 * What has passed a port, by the counts of its tap and of its bandwidth limit. The rules have no rule for a
 * port, and so they count none: who was refused by them is not known here. Pure.
 */
import type { PortTraffic } from "../../../protocol/traffic.ts";
import { tapName } from "./device-names.ts";
import type { SeenLimit } from "./limit-table.ts";
import type { SeenTraffic } from "./seen-traffic.ts";

export interface SeenPorts {
  /** By the name of the device. */
  readonly taps: ReadonlyMap<string, SeenTraffic>;
  readonly limits: readonly SeenLimit[];
}

/** Undefined: no hypervisor has opened the port's tap. */
export function trafficOf(portId: string, { taps, limits }: SeenPorts): PortTraffic | undefined {
  const tap = tapName(portId);
  const seen = taps.get(tap);
  if (seen === undefined) return undefined;
  const limitAt = (hook: SeenLimit["hook"]) =>
    limits.find((one) => one.tap === tap && one.hook === hook)?.dropped ?? null;
  const { received, sent } = seen;
  return {
    ...{ portId, agoMs: 0 },
    ingress: {
      ...{ packets: sent.packets, bytes: sent.bytes },
      dropped: { rule: null, limit: limitAt("egress"), other: sent.dropped },
    },
    egress: {
      ...{ packets: received.packets, bytes: received.bytes },
      dropped: { rule: null, limit: limitAt("ingress"), forged: null, other: null },
    },
  };
}
