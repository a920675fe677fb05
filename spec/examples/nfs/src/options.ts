/** The options of the driver in cluster.yaml. */
import { Type } from "novact/plugin";

export const nfsOptions = Type.Object(
  {
    server: Type.String({
      ...{ minLength: 1, maxLength: 253, pattern: "^[A-Za-z0-9][A-Za-z0-9.:-]*$" },
      description: "the name or address of the NFS server",
    }),
    path: Type.String({
      ...{ minLength: 2, maxLength: 255, pattern: "^/[^?#]*$" },
      description: "the directory of the volumes on it, which it exports, or one below that",
    }),
    user: Type.Integer({
      ...{ minimum: 0, maximum: 2 ** 31 - 1 },
      description: "the number of the user on the server that owns that directory",
    }),
    group: Type.Integer({
      ...{ minimum: 0, maximum: 2 ** 31 - 1 },
      description: "the number of that user's group",
    }),
    writer: Type.Integer({
      ...{ default: 65_534, minimum: 1, maximum: 2 ** 31 - 1 },
      description: "the number of the user that writes to volumes, which must be another one",
    }),
    firstGroup: Type.Integer({
      ...{ default: 1_000_000_000, minimum: 1, maximum: 2_000_000_000 },
      description:
        "the first of the numbers of groups that writers have; none above it may be anybody else's on the server",
    }),
    shared: Type.Boolean({
      default: false,
      description: "true: nodes with this path have their volumes together; else each has a path of its own",
    }),
    overcommit: Type.Number({
      ...{ default: 1, minimum: 0.1, maximum: 100 },
      description: "how many times the room of the server may be promised to volumes",
    }),
  },
  { additionalProperties: false },
);
