/**
 * The file by which the driver `bridge` tells its responder whom to answer, and the one by which the
 * responder says who it is. Both outlive either process; a damaged one must never be taken for an empty one.
 */
import { readFile } from "node:fs/promises";
import { type Static, Type } from "@sinclair/typebox";
import { Cidr, IpAddress } from "../../protocol/ip.ts";
import { answer, Count, Id, nullable, Path } from "../../protocol/wire/schema.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";

/** Names in the directory of a responder. */
export const responderFiles = {
  /** Whom to answer; the driver alone writes it. */
  state: "responder.json",
  /** Which process answers; the responder alone writes it, and touches it as long as it lives. */
  process: "responder-process.json",
  /** Locked (flock) as long as a responder lives. */
  lock: "responder-lock",
  log: "responder.log",
} as const;

/** What DHCP tells a port (nodes/dhcp/lease.ts). */
const Lease = answer({
  ...{ address: Count, prefix: Count, router: nullable(Count), dnsServers: Type.Array(Count) },
  routes: Type.Array(answer({ destination: Count, prefix: Count, router: Count })),
  ...{ mtuBytes: Count, hostName: nullable(Type.String()), mac: Type.String() },
});

const FixedAddress = answer({ address: IpAddress, prefixLength: Count, gateway: nullable(IpAddress) });

/** What is told by HTTP. */
const Told = answer({
  /** Of the file that says the rest (nodes/metadata/told-file.ts); it may not be there. */
  path: Path,
  instanceId: Id,
  /** All of the guest that this host knows, in any order (actors/node/guest-data/port.ts). */
  ports: Type.Array(
    answer({
      ...{ id: Id, networkId: Id, macAddress: Type.String(), mtuBytes: Count },
      address4: Type.Optional(IpAddress),
      leased6: Type.Optional(FixedAddress),
      addresses: Type.Array(FixedAddress),
      routes: Type.Array(answer({ destination: Cidr, gateway: IpAddress })),
      dnsServers: Type.Array(IpAddress),
      dhcp: answer({ v4: Type.Boolean(), v6: Type.Boolean(), router: Type.Optional(Type.Boolean()) }),
    }),
  ),
});

const AnsweredGuest = answer({
  /** The service address from which the port's questions come. */
  own: IpAddress,
  /** The service address that the kernel turns into everybody's. */
  all: IpAddress,
  /** Null: DHCP tells the port nothing. */
  lease: nullable(Lease),
  /** Absent: the port is told nothing by HTTP. */
  told: Type.Optional(Told),
});
export type AnsweredGuest = Static<typeof AnsweredGuest>;

/** What DHCPv6 and advertisements tell a port (nodes/dhcp6/lease.ts). Addresses and MACs are digits. */
const Lease6 = answer({
  ...{ address: Type.String(), range: Type.String(), prefix: Count, gateway: nullable(Type.String()) },
  ...{ dnsServers: Type.Array(Type.String()), mtuBytes: Count },
});

const AnsweredGuest6 = answer({
  /** What the kernel writes as the sender of the port's frames. */
  asker: Type.String(),
  /** Number of the hatch of the port's bridge. */
  hatch: Count,
  mac: Type.String(),
  lease: Lease6,
  /** As whom the port is told. */
  sender: answer({ mac: Type.String(), address: Type.String() }),
  /** Whether a router of ours has the gateway's address. */
  isRouted: Type.Boolean(),
});
export type AnsweredGuest6 = Static<typeof AnsweredGuest6>;

const ResponderState = answer({
  guests: Type.Array(AnsweredGuest),
  /** Ports with a lease of IPv6. Absent: none. */
  guests6: Type.Optional(Type.Array(AnsweredGuest6)),
});
export type ResponderState = Static<typeof ResponderState>;

const ResponderProcess = answer({
  ...{ pid: Count, startTicks: Count, release: Type.String() },
  /** What it does not answer, and why; null: it answers all. Absent: it is of before. */
  fault: Type.Optional(nullable(Type.String())),
});
/** `startTicks` (field 22 of /proc/PID/stat) and the pid name one process of this boot. */
export type ResponderProcess = Static<typeof ResponderProcess>;

/** @throws Error when the file is missing, or is no state */
export async function readResponderState(path: string): Promise<ResponderState> {
  const state: unknown = JSON.parse(await readFile(path, "utf8"));
  const validator = validatorOf(ResponderState);
  if (validator.accepts(state)) return state;
  throw new Error(`It is no state of a responder. ${validator.explain(state)}`);
}

/** Undefined: no responder has said anything that can be read. */
export async function readResponderProcess(path: string): Promise<ResponderProcess | undefined> {
  try {
    const said: unknown = JSON.parse(await readFile(path, "utf8"));
    return validatorOf(ResponderProcess).accepts(said) ? said : undefined;
  } catch {
    return undefined;
  }
}
