/** What is known of the network driver `bridge` without opening it. */
import { Type } from "@sinclair/typebox";
import { IpAddress } from "../../../protocol/ip.ts";
import type { DriverFacts } from "../kinds.ts";

const place = {
  device: Type.String({
    pattern: "^[^\\s/:]{1,15}$",
    description: "this computer's device that is on the network, as eth1",
  }),
  address: Type.String({
    pattern: "^[0-9.]{7,15}/[0-9]{1,2}$",
    description: "this node's own address there, with its prefix, as 203.0.113.7/24",
  }),
};

const options = Type.Object(
  {
    underlay: Type.Optional(
      Type.Unsafe<string>({
        ...IpAddress,
        description: "this computer's address to which others send the frames of its guests, as 192.0.2.10",
      }),
    ),
    underlayOn: Type.Optional(
      Type.Object(
        { ...place },
        {
          additionalProperties: false,
          description:
            "instead of underlay: a device of the computer, and an address of the node alone there",
        },
      ),
    ),
    outside: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[\\x21-\\x7e]{1,64}$" }),
        Type.Object({ ...place }, { additionalProperties: false }),
        {
          description: "by the name of each of the operator's networks to which routers lead from this node",
        },
      ),
    ),
  },
  { additionalProperties: false, description: "networks by Linux's bridges, as root" },
);

export const bridgeNetworkFacts = { options } satisfies DriverFacts<typeof options>;
