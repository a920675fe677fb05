/** What is known of the disks driver `files` without opening it. */
import { Type } from "@sinclair/typebox";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { imageLimits } from "../images/limits.ts";
import type { DriverFacts } from "../kinds.ts";

const mib = (what: string, usual: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1024 ** 3,
      description: `${what}; leave it out for ${usual}`,
    }),
  );

const { peerTransfersMax: most, peerTransfersDefault: usual } = imageLimits;

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
    imageCacheMib: mib("the most that cached images take, in MiB", "half of its file system"),
    imageCacheFreeMib: mib(
      "what cached images leave free on their file system, in MiB",
      "a fiftieth of it, and 2048 at most",
    ),
    imagesOverNetwork: Type.Optional(
      Type.Boolean({
        description:
          "true: images come over the network also where the controllers' directory can be read, as from another computer",
      }),
    ),
    imagePeers: Type.Optional(
      Type.Boolean({
        description:
          "false: images come from controllers alone, and other nodes get none from this one; leave it out for true",
      }),
    ),
    imagePeersAtOnce: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: most,
        description: `other nodes that get images at once, 1 to ${most}, each 9 MiB a second; leave it out for ${usual}`,
      }),
    ),
    imagePeersMibPerSecond: Type.Optional(
      Type.Integer({
        minimum: 16,
        maximum: 1024 ** 2,
        description:
          "the most that leaves for other nodes, in MiB a second and 16 at least; leave it out for no limit",
      }),
    ),
  },
  { additionalProperties: false, description: "disks in files" },
);

export const filesFacts = { options } satisfies DriverFacts<typeof options>;
