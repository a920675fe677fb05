/** What is known of the network driver `bridge` without opening it. */
import { Type } from "@sinclair/typebox";
import { IpAddress } from "../../../protocol/ip.ts";
import type { DriverFacts } from "../kinds.ts";

const options = Type.Object(
  {
    underlay: Type.Optional(
      Type.Unsafe<string>({
        ...IpAddress,
        description: "this computer's address to which others send the frames of its guests, as 192.0.2.10",
      }),
    ),
  },
  { additionalProperties: false, description: "networks by Linux's bridges, as root" },
);

export const bridgeNetworkFacts = { options } satisfies DriverFacts<typeof options>;
