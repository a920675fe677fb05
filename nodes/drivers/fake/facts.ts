/** What is known of the drivers `fake` without opening them. */
import { Type } from "@sinclair/typebox";
import type { DriverFacts, HypervisorFacts } from "../kinds.ts";

const hypervisorOptions = Type.Object(
  {
    startLatencyMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 600_000,
        description: "the time in ms from the start of a guest until it runs; leave it out for none",
      }),
    ),
  },
  { additionalProperties: false, description: "guests that only pretend" },
);

const none = Type.Object({}, { additionalProperties: false, description: "no options: there are none" });

export const fakeHypervisorFacts = {
  ...{ options: hypervisorOptions, disks: "fake", volumes: "fake", pretends: true },
} satisfies HypervisorFacts<typeof hypervisorOptions>;

/** Of each other kind. */
export const fakeFacts = { options: none, pretends: true } satisfies DriverFacts<typeof none>;
