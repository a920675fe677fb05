/** The network interfaces of a guest: which port of a network each is plugged into. Schemas only. */
import { type Static, Type } from "@sinclair/typebox";
import { IpAddress, MacAddress } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { answer, Count, Id, Label, literals, request } from "./wire/schema.ts";

/** As an instance shows it. */
export const Interface = answer({
  portId: Id,
  networkId: Id,
  mac: MacAddress,
  addresses: Type.Array(answer({ subnetId: Id, address: IpAddress })),
});
export type Interface = Static<typeof Interface>;

/** What a host is told: everything else about a port is in the picture of its network. */
export const MachineInterface = answer({
  portId: Id,
  networkId: Id,
  mac: MacAddress,
  /** As its network had it when the port was plugged in. */
  mtuBytes: Count,
});
export type MachineInterface = Static<typeof MachineInterface>;

/** One interface that a create asks for: a network or a port, not both. */
export const AskedInterface = request({
  /** Id or name of a network: a port is made on it, which goes with the instance. */
  network: Type.Optional(Label),
  /** With `network`: this address, and no other. */
  address: Type.Optional(IpAddress),
  /** Id or name of a port that nothing is plugged into. It stays when the instance is deleted. */
  port: Type.Optional(Label),
});
export type AskedInterface = Static<typeof AskedInterface>;

/** Nova's words: `auto` is one interface, on the only network that can be meant; `none` is no interface. */
const networkWords = ["auto", "none"] as const;

/** The interfaces that a create asks for, in the guest's order. */
export const AskedInterfaces = Type.Union([
  Type.Array(AskedInterface, { maxItems: networkLimits.interfacesPerInstanceMax }),
  literals(networkWords),
]);
export type AskedInterfaces = Static<typeof AskedInterfaces>;
