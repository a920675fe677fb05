/** What is known of the network driver `user` without opening it. */
import { Type } from "@sinclair/typebox";
import { IpAddress } from "../../../protocol/ip.ts";
import { networkLimits } from "../../../protocol/limits/network.ts";
import { PhysicalNetwork } from "../../../protocol/network.ts";
import type { DriverFacts } from "../kinds.ts";

const options = Type.Object(
  {
    underlay: Type.Optional(
      Type.Unsafe<string>({
        ...IpAddress,
        description: "this computer's address to which others send the frames of its guests, as 192.0.2.10",
      }),
    ),
    outside: Type.Optional(
      Type.Array(PhysicalNetwork, {
        ...{ uniqueItems: true, maxItems: networkLimits.physicalNetworksMax },
        description: "external networks' physical networks that this computer reaches by its own addresses",
      }),
    ),
  },
  { additionalProperties: false, description: "networks without root" },
);

export const userNetworkFacts = { options } satisfies DriverFacts<typeof options>;
