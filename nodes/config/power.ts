/**
 * The part of cluster.yaml about switching a node off from outside: its schema, its further rules, and its
 * completed form. The configuration only names the file of a password; this file must never read a password,
 * since every command of the CLI reads the configuration.
 */
import { resolve } from "node:path";
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { literals } from "../../protocol/wire/schema.ts";
import type { Finding } from "./explain.ts";

const ipmiInterfaces = ["lanplus", "lan"] as const;

const part = <P extends Record<string, TSchema>>(properties: P, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });
const file = (description: string) =>
  Type.String({ minLength: 1, maxLength: fieldLimits.pathLengthMax, description });

const user = Type.String({
  pattern: "^[^\\x00-\\x1f\\x7f:]{1,64}$",
  description: "the user's name at the power controller, without a colon; one that may switch, and no more",
});
const passwordFile = file(
  "the file that holds the password as its only line, readable by its owner alone (chmod 600); relative to this file",
);

const RedfishSchema = part(
  {
    url: Type.String({
      pattern: "^https?://[^\\s/@?#]+/?$",
      description: "https://address or https://address:port of the controller, without user and path",
    }),
    user,
    passwordFile,
    system: Type.Optional(
      Type.String({
        pattern: "^[^\\x00-\\x20/?#]{1,128}$",
        description: "the system's id at the controller; leave it out when it has only one",
      }),
    ),
    caFile: Type.Optional(
      file("the certificates, in PEM, that the controller's is signed by; relative to this file"),
    ),
    fingerprint: Type.Optional(
      Type.String({
        pattern: "^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$",
        description: "the SHA-256 fingerprint of the controller's own certificate, in hexadecimal",
      }),
    ),
  },
  "a controller that speaks Redfish",
);

const IpmiSchema = part(
  {
    address: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9.:-]{0,254}$",
      description: "the controller's name or IP address",
    }),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, description: "the controller's UDP port, mostly 623" }),
    ),
    user,
    passwordFile,
    interface: Type.Optional(
      Type.Unsafe<(typeof ipmiInterfaces)[number]>({
        ...literals(ipmiInterfaces),
        description: "lanplus is IPMI 2.0; lan is 1.5, which only very old controllers need",
      }),
    ),
    // Suite 0 is not allowed: it lets in anybody without a password.
    cipherSuite: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 17,
        description: "the cipher suite, mostly 3 or 17; leave it out to ask the controller",
      }),
    ),
  },
  "a controller that speaks IPMI over the network",
);

export const PowerSchema = part(
  { redfish: Type.Optional(RedfishSchema), ipmi: Type.Optional(IpmiSchema) },
  "how the node can be switched off from outside: redfish or ipmi",
);
type PowerFile = Static<typeof PowerSchema>;

export interface RedfishPower {
  readonly kind: "redfish";
  /** Scheme, host and port alone. */
  readonly url: string;
  readonly user: string;
  /** Absolute path, as caFile. */
  readonly passwordFile: string;
  readonly system: string | undefined;
  readonly caFile: string | undefined;
  /** SHA-256 in lower case, without colons. */
  readonly fingerprint: string | undefined;
}

export interface IpmiPower {
  readonly kind: "ipmi";
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Absolute path. */
  readonly passwordFile: string;
  readonly interface: (typeof ipmiInterfaces)[number];
  readonly cipherSuite: number | undefined;
}

export type PowerConfig = RedfishPower | IpmiPower;

/** Mistakes in one node's power settings that the schema cannot express. */
export function powerFindings(
  power: PowerFile | undefined,
  index: number,
  lineOf: (path: readonly (string | number)[]) => number,
): readonly Finding[] {
  if (power === undefined) return [];
  const path = ["nodes", index, "power"];
  const finding = (more: readonly string[], message: string): Finding[] => [
    { line: lineOf([...path, ...more]), message: `${[...path, ...more].join(".")} ${message}` },
  ];
  const { redfish, ipmi } = power;
  if (redfish === undefined && ipmi === undefined)
    return finding([], "is empty. Write redfish or ipmi into it.");
  if (redfish !== undefined && ipmi !== undefined) return finding(["ipmi"], "is a second way. Remove one.");
  if (redfish === undefined) return [];
  const { protocol, hostname } = new URL(redfish.url);
  if (protocol === "http:" && !/^(?:127\.[\d.]+|localhost|\[::1\])$/.test(hostname)) {
    return finding(
      ["redfish", "url"],
      "would send the password over the network in the clear. Write https://.",
    );
  }
  if (redfish.caFile !== undefined && redfish.fingerprint !== undefined) {
    return finding(["redfish", "fingerprint"], "says alone whom to trust. Remove it, or caFile.");
  }
  return [];
}

/** Fills in defaults; paths are relative to the directory. */
export function completePower(power: PowerFile | undefined, directory: string): PowerConfig | undefined {
  const { redfish, ipmi } = power ?? {};
  if (redfish !== undefined) {
    return {
      kind: "redfish",
      url: new URL(redfish.url).origin,
      user: redfish.user,
      passwordFile: resolve(directory, redfish.passwordFile),
      system: redfish.system,
      caFile: redfish.caFile === undefined ? undefined : resolve(directory, redfish.caFile),
      fingerprint: redfish.fingerprint?.replaceAll(":", "").toLowerCase(),
    };
  }
  if (ipmi === undefined) return undefined;
  return {
    kind: "ipmi",
    address: ipmi.address,
    port: ipmi.port ?? 623,
    user: ipmi.user,
    passwordFile: resolve(directory, ipmi.passwordFile),
    interface: ipmi.interface ?? "lanplus",
    cipherSuite: ipmi.cipherSuite,
  };
}
