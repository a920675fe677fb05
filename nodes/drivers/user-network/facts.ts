/** What is known of the network driver `user` without opening it. */
import { Type } from "@sinclair/typebox";
import type { DriverFacts } from "../kinds.ts";

const options = Type.Object({}, { additionalProperties: false, description: "no options: there are none" });

export const userNetworkFacts = { options } satisfies DriverFacts<typeof options>;
