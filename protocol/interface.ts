/** The network interfaces of a guest: which port of a network each is plugged into. Schemas only. */
import { type Static, Type } from "@sinclair/typebox";
import { IpAddress, MacAddress } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { answer, Count, Id, Label, literals, request } from "./wire/schema.ts";

/** What is on its way with an interface, until the instance's host says that it is so. */
const interfaceChanges = ["attaching", "leaving"] as const;
export type InterfaceChange = (typeof interfaceChanges)[number];

/** As an instance shows it. */
export const Interface = answer({
  portId: Id,
  networkId: Id,
  mac: MacAddress,
  addresses: Type.Array(answer({ subnetId: Id, address: IpAddress })),
  /** `attaching`: its host has not said yet that it is plugged in; `leaving`: nor that it is let go of. */
  change: Type.Optional(literals(interfaceChanges)),
});
export type Interface = Static<typeof Interface>;

/** What a host is told: everything else about a port is in the picture of its network. */
export const MachineInterface = answer({
  portId: Id,
  networkId: Id,
  mac: MacAddress,
  /** As its network had it when the port was plugged in. */
  mtuBytes: Count,
  /** The operator's network on which the port is. Absent: its network has a number alone. */
  physicalNetwork: Type.Optional(Type.String()),
  /**
   * Its place among those that the guest has room for: what the guest calls it goes by that. Absent: its
   * position in the list. Present in all, or in none.
   */
  place: Type.Optional(Count),
});
export type MachineInterface = Static<typeof MachineInterface>;

/** One interface that is asked for: a network or a port, not both. */
export const askedInterface = {
  /** Id or name of a network: a port is made on it, which goes with the instance. */
  network: Type.Optional(Label),
  /** With `network`: this address, and no other. */
  address: Type.Optional(IpAddress),
  /** Id or name of a port that nothing is plugged into. It stays when the instance lets go of it. */
  port: Type.Optional(Label),
};
export const AskedInterface = request(askedInterface);
export type AskedInterface = Static<typeof AskedInterface>;

/** Nova's words: `auto` is one interface, on the only network that can be meant; `none` is no interface. */
const networkWords = ["auto", "none"] as const;

/** The interfaces that a create asks for, in the guest's order. */
export const AskedInterfaces = Type.Union([
  Type.Array(AskedInterface, { maxItems: networkLimits.interfacesPerInstanceMax }),
  literals(networkWords),
]);
export type AskedInterfaces = Static<typeof AskedInterfaces>;
