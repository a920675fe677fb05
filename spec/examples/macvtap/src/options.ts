/** What a person may choose in cluster.yaml. */
import { type Static, Type } from "novact/plugin";

export const macvtapOptions = Type.Object(
  {
    devices: Type.Record(
      Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" }),
      // As Linux names devices.
      Type.String({ pattern: "^[A-Za-z0-9_.@-]{1,15}$" }),
      {
        description: "the computer's device for each physical network, as { provider: eth1 }",
        minProperties: 1,
        maxProperties: 64,
      },
    ),
  },
  { additionalProperties: false, description: "guests on the operator's own networks" },
);
export type MacvtapOptions = Static<typeof macvtapOptions>;

/** The device of a physical network; undefined: the host is not on it. */
export const deviceOf = ({ devices }: MacvtapOptions, physicalNetwork: string): string | undefined =>
  Object.hasOwn(devices, physicalNetwork) ? devices[physicalNetwork] : undefined;
