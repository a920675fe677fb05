/** What is known of the volumes driver `files` without opening it. */
import { Type } from "@sinclair/typebox";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import type { DriverFacts } from "../kinds.ts";

const options = Type.Object(
  {
    sharedDirectory: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: fieldLimits.pathLengthMax,
        pattern: "^/",
        description:
          "an absolute path: a directory that nodes share, for their volumes; none: each node has its own volumes",
      }),
    ),
    overcommit: Type.Optional(
      Type.Number({
        minimum: 0.1,
        maximum: 100,
        description:
          "how many times the room of the file system may be promised to volumes; leave it out for 1: no more than there is",
      }),
    ),
  },
  { additionalProperties: false, description: "volumes in raw files" },
);

export const volumeFilesFacts = { options } satisfies DriverFacts<typeof options>;
