/** What is known of the disks driver `files` without opening it. */
import { Type } from "@sinclair/typebox";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import type { DriverFacts } from "../kinds.ts";

const options = Type.Object(
  {
    sharedDirectory: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: fieldLimits.pathLengthMax,
        description:
          "a directory that nodes share, for the guests' disks; relative to the state directory; none: each node keeps its own",
      }),
    ),
  },
  { additionalProperties: false, description: "disks in files" },
);

export const filesFacts = { options } satisfies DriverFacts<typeof options>;
