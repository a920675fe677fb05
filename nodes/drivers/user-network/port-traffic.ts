/**
 * What the switch has counted of its ports, read from its file: frames by the reason for which they were
 * dropped become what people know of. The file is the switch's alone; one that says something else counts
 * nothing. Pure.
 */
import { type Static, Type } from "@sinclair/typebox";
import type { PortTraffic } from "../../../protocol/traffic.ts";
import { Count } from "../../../protocol/wire/schema.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import type { DropCause } from "../../switch/counters.ts";

const Frames = Type.Object({ frames: Count, bytes: Count });
const Counted = Type.Object({
  sent: Frames,
  received: Frames,
  dropped: Type.Record(Type.String(), Count),
});
const File = Type.Record(Type.String(), Counted);

type Cause = "rule" | "limit" | "forged" | "other";

/** Of frames that the port was to receive; all others have to do with what it has sent. */
const ingressCauses: Readonly<Record<string, Cause>> = {
  ingressRule: "rule",
  ingressLimit: "limit",
  queueFull: "other",
  notConnected: "other",
} satisfies Partial<Record<DropCause, Cause>>;

/** Absent: another one. */
const egressCauses: Readonly<Record<string, Cause>> = {
  egressRule: "rule",
  noConnection: "rule",
  egressLimit: "limit",
  ...{ forgedMac: "forged", forgedAddress: "forged", forgedArp: "forged" },
  ...{ dhcpServer: "forged", router: "forged" },
} satisfies Partial<Record<DropCause, Cause>>;

/** Of the ports with these ids, as far as they are in the file. */
export function trafficIn(text: string, portIds: ReadonlySet<string>, agoMs: number): readonly PortTraffic[] {
  const said = parsed(text);
  if (!validatorOf(File).accepts(said)) return [];
  return Object.entries(said).flatMap(([portId, counted]) =>
    portIds.has(portId) ? [{ portId, agoMs, ...directionsOf(counted) }] : [],
  );
}

function directionsOf({ sent, received, dropped }: Static<typeof Counted>) {
  const [ingress, egress] = [noDrops(), noDrops()];
  for (const [reason, frames] of Object.entries(dropped)) {
    const cause = ingressCauses[reason];
    if (cause === undefined) egress[egressCauses[reason] ?? "other"] += frames;
    else ingress[cause] += frames;
  }
  const { forged: _, ...ofOthers } = ingress;
  return {
    ingress: { packets: received.frames, bytes: received.bytes, dropped: ofOthers },
    egress: { packets: sent.frames, bytes: sent.bytes, dropped: egress },
  };
}

const noDrops = (): Record<Cause, number> => ({ rule: 0, limit: 0, forged: 0, other: 0 });

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Of no use: nothing is known.
    return undefined;
  }
}
