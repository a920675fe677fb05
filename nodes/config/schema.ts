/**
 * The schema of cluster.yaml: every key, its range, and a `description` that tells a person with a mistake in
 * the file what to write. Defaults are in `config.ts`, which works out those that depend on the computer.
 */
import { type Static, Type } from "@sinclair/typebox";
import { weighers } from "../../actors/control/scheduler/weighers/index.ts";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { HostText } from "../../protocol/offered.ts";
import { deploymentMax } from "../../protocol/wire/ids.ts";
import { Label } from "../../protocol/wire/schema.ts";
import { CatalogueSchema } from "./catalogue.ts";
import { PluginsSchema } from "./plugins.ts";
import { PowerSchema } from "./power.ts";
import { SinksSchema } from "./sinks.ts";

const part = <P extends Record<string, ReturnType<typeof Type.Optional>>>(
  properties: P,
  description: string,
) => Type.Object(properties, { additionalProperties: false, description });

/** Name or map: what it is, and whether there is such a driver, is judged in drivers.ts. */
const driver = (what: string) =>
  Type.Optional(
    Type.Unsafe<string | { readonly driver: string; readonly options?: Readonly<Record<string, unknown>> }>({
      description: `the driver of ${what}: its name, or { driver: its name, options: { ... } }`,
    }),
  );

const port = (what: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description: `the TCP port of 127.0.0.1 for our own ${what}; 0 takes any free one`,
    }),
  );
const ratio = (what: string) =>
  Type.Optional(
    Type.Number({
      minimum: 0.1,
      maximum: 100,
      description: `how many times the ${what} of the node may be promised to instances`,
    }),
  );
const sharedDirectory = (whose: string) =>
  Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: fieldLimits.pathLengthMax,
      description: [
        `a directory that nodes share, for the disks of ${whose}`,
        "relative to the state directory",
        "none: each node keeps its own",
      ].join("; "),
    }),
  );
/** The same pattern as HostLabels of the protocol. */
const labelKey = { pattern: "^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$" };
/** As hosts may offer them: controllers refuse others, and the host with them. */
const labelText = Type.String({
  maxLength: fieldLimits.metadataValueLengthMax,
  pattern: HostText.pattern ?? "",
  description: `a text of at most ${fieldLimits.metadataValueLengthMax} characters on one line, all of which can be seen`,
});
const reserved = (what: string, maximum: number) =>
  Type.Optional(
    Type.Integer({ minimum: 0, maximum, description: `so many ${what} of the node are kept from instances` }),
  );
/**
 * A token of subjects that is also a word of command lines and the name of a file: it begins with a letter or
 * digit, so that no program takes it for an option.
 */
const token = {
  pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
  description: "a name of 1 to 64 letters, digits, - and _, a letter or digit first",
};

/** An IPv4 address, or what only an IPv6 address is made of; the system refuses what is neither. */
const ipAddress = {
  pattern: "^(?:[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$",
  maxLength: 45,
};

export const NodeSchema = Type.Object(
  {
    // As clients have to name it: the protocol's own pattern.
    name: Type.String({
      pattern: Label.pattern ?? "",
      description: "a name of letters, digits, ., - and _, a letter or digit first, different for every node",
    }),
    hypervisor: driver("guests"),
    disks: driver("root disks"),
    network: driver("guests' network interfaces"),
    volumes: driver("volumes"),
    accelerator: Type.Optional(
      Type.String({ description: "the option of that name of the hypervisor's driver" }),
    ),
    vcpus: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 4_096,
        description: "CPUs of the node; leave it out to take the computer's",
      }),
    ),
    memoryMib: Type.Optional(
      Type.Integer({
        minimum: fieldLimits.memoryMibMin,
        maximum: fieldLimits.memoryMibMax,
        description: "memory for guests in MiB; leave it out to take this node's share of the computer's",
      }),
    ),
    diskGib: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 16 * 1024 * 1024,
        description:
          "disk space for guests in GiB, of a shared directory all of it; leave it out to take this node's share",
      }),
    ),
    sharedDirectory: sharedDirectory("this node's guests"),
    reserved: Type.Optional(
      part(
        {
          vcpus: reserved("CPUs", 4_096),
          memoryMib: reserved("MiB of memory", fieldLimits.memoryMibMax),
          diskGib: reserved("GiB of disk", 16 * 1024 * 1024),
        },
        "what is kept from instances, before the ratios",
      ),
    ),
    ratios: Type.Optional(
      part({ cpu: ratio("CPUs"), ram: ratio("memory"), disk: ratio("disk space") }, "the overcommit ratios"),
    ),
    power: Type.Optional(PowerSchema),
    labels: Type.Optional(
      Type.Record(Type.String(labelKey), labelText, {
        maxProperties: fieldLimits.hostLabelsMax,
        additionalProperties: false,
        description:
          "words about the node, such as { rack: r1 }: names of letters, digits, . _ / -, and texts",
      }),
    ),
  },
  { additionalProperties: false, description: "a compute node" },
);

/** Names of ours and of plug-ins' are told apart in scheduler.ts. */
const multiplier = Type.Number({
  minimum: -1_000,
  maximum: 1_000,
  description: "the multiplier; 0 switches the weigher off, a negative one turns it around",
});
const multipliers = Object.fromEntries(weighers.map(({ name }) => [name, Type.Optional(multiplier)]));

export const ClusterSchema = Type.Object(
  {
    cell: Type.Optional(
      Type.String({
        ...token,
        description: "the deployment's name: letters, digits, - and _, a letter or digit first",
      }),
    ),
    deployment: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: deploymentMax,
        description: "the number that every id of this deployment carries; one of its own for each",
      }),
    ),
    stateDirectory: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: fieldLimits.pathLengthMax,
        description: "where everything is kept; relative to this file",
      }),
    ),
    nats: Type.Optional(
      part(
        {
          url: Type.Optional(
            Type.String({
              pattern: "^(nats|tls)://[^\\s]+$",
              description: "nats://user:password@host:port of a running server; leave it out to run our own",
            }),
          ),
          port: port("NATS server"),
          anonymous: Type.Optional(
            Type.String({
              ...token,
              description:
                "the project that a client without credentials is; leave it out to refuse such a client",
            }),
          ),
          websocket: Type.Optional(
            part(
              {
                port: port("NATS server's WebSocket listener"),
                allowedOrigins: Type.Optional(
                  Type.Array(
                    Type.String({
                      pattern: "^https?://[^\\s/,]+$",
                      description: "a page's origin, as scheme://host or scheme://host:port",
                    }),
                    { minItems: 1, maxItems: 100, description: "the origins of the pages that may connect" },
                  ),
                ),
              },
              "the listener for browsers; leave it out to have none",
            ),
          ),
        },
        "the message bus",
      ),
    ),
    postgres: Type.Optional(
      part(
        {
          url: Type.Optional(
            Type.String({
              pattern: "^postgres(ql)?://[^\\s]+/[^\\s/]+$",
              description: "postgresql://user:password@host:port/database; leave it out to run our own",
            }),
          ),
          port: port("PostgreSQL"),
        },
        "the database",
      ),
    ),
    controllers: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 16, description: "how many controller processes to run here" }),
    ),
    nodes: Type.Optional(
      Type.Array(NodeSchema, { minItems: 1, maxItems: 1_000, description: "the compute nodes to run here" }),
    ),
    sharedDirectory: sharedDirectory("the guests of every node that does not say its own"),
    projects: Type.Optional(
      Type.Array(Type.String(token), {
        minItems: 1,
        maxItems: 1_000,
        description: "the tenants; the first one is taken where nobody names one",
      }),
    ),
    imageDirectories: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: fieldLimits.pathLengthMax }), {
        maxItems: 100,
        description: "where image files may be registered from, with all below; relative to this file",
      }),
    ),
    images: Type.Optional(
      part(
        { port: port("controller's images; each further controller has the next one") },
        "where images are sent and fetched",
      ),
    ),
    catalogue: Type.Optional(CatalogueSchema),
    plugins: Type.Optional(PluginsSchema),
    sinks: Type.Optional(SinksSchema),
    scheduler: Type.Optional(
      part(
        {
          filters: Type.Optional(
            Type.Array(Type.String({ maxLength: 100 }), { description: "which filters a host must pass" }),
          ),
          weighers: Type.Optional(
            Type.Object(multipliers, {
              additionalProperties: multiplier,
              description: "multipliers of weighers, by name",
            }),
          ),
        },
        "how hosts are chosen",
      ),
    ),
    metrics: Type.Optional(
      Type.Object(
        {
          port: Type.Integer({
            minimum: 0,
            maximum: 65_535,
            description: "the TCP port of the page for Prometheus; 0 takes any free one",
          }),
          address: Type.Optional(
            Type.String({
              ...ipAddress,
              description:
                "the IP address of this computer to listen on; leave it out for 127.0.0.1. Whoever can connect may read",
            }),
          ),
        },
        {
          additionalProperties: false,
          description: "the page for Prometheus, such as { port: 9464 }; leave it out to count nothing",
        },
      ),
    ),
    chaos: Type.Optional(
      part(
        {
          allowed: Type.Optional(
            Type.Boolean({
              description: "true: novact chaos may break this cluster on purpose; false: it refuses to",
            }),
          ),
          nodeFileSystemMib: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 16 * 1024,
              description:
                "the size of a file system of its own for the guests of each node, in MiB; 0: none. Needs root",
            }),
          ),
        },
        "whether it may be broken on purpose",
      ),
    ),
    demo: Type.Optional(
      Type.Boolean({
        description: "true: make a network with two instances at the first start; false: nothing",
      }),
    ),
  },
  { additionalProperties: false, description: "the cluster" },
);
export type ClusterFile = Static<typeof ClusterSchema>;
