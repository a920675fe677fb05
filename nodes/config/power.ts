/**
 * The part of cluster.yaml about switching a node off from outside: its schema, its further rules, and its
 * completed form. The configuration only names the file of a password; this file must never read a password,
 * since every command of the CLI reads the configuration.
 */
import { resolve } from "node:path";
import { type Static, type TObject, type TSchema, Type } from "@sinclair/typebox";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { didYouMean } from "../../protocol/wire/nearest.ts";
import { literals } from "../../protocol/wire/schema.ts";
import { checkPart, type Finding, type LineOf } from "./explain.ts";
import { isUrl } from "./urls.ts";

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

export const PowerSchema = Type.Object(
  { redfish: Type.Optional(RedfishSchema), ipmi: Type.Optional(IpmiSchema) },
  {
    // The options of a plug-in's driver: powerFindings judges its name and them.
    additionalProperties: true,
    description: "how the node can be switched off from outside: redfish, ipmi, or a plug-in's driver",
  },
);
type PowerFile = Static<typeof PowerSchema> & Readonly<Record<string, unknown>>;

interface PowerAround {
  readonly lineOf: LineOf;
  /** Undefined: the plug-ins were not loaded, and every name is believed. */
  readonly known: KnownPower | undefined;
}

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

/** A driver that a plug-in brings. */
export interface DriverPower {
  readonly kind: "driver";
  readonly driver: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Directory of the configuration's file. */
  readonly directory: string;
}

export type PowerConfig = RedfishPower | IpmiPower | DriverPower;

/** What is known of the drivers of plug-ins, by name. */
export type KnownPower = Readonly<Record<string, { readonly options: TObject }>>;

/** Names of the two ways that are ours. */
const ownPower = ["redfish", "ipmi"] as const;

const othersIn = (power: PowerFile): readonly string[] =>
  Object.keys(power).filter((key) => !ownPower.some((own) => own === key));

/** Mistakes in one node's power settings that the schema cannot express. */
export function powerFindings(
  power: PowerFile | undefined,
  index: number,
  { lineOf, known }: PowerAround,
): readonly Finding[] {
  if (power === undefined) return [];
  const path = ["nodes", index, "power"];
  const finding = (more: readonly string[], message: string): Finding[] => [
    { line: lineOf([...path, ...more]), message: `${[...path, ...more].join(".")} ${message}` },
  ];
  const { redfish } = power;
  const ways = Object.keys(power);
  if (ways.length === 0) return finding([], "is empty. Write redfish or ipmi into it.");
  const [other] = othersIn(power);
  if (other !== undefined && known !== undefined && !Object.hasOwn(known, other)) {
    const names = [...ownPower, ...Object.keys(known)];
    const hint = didYouMean(other, names) || ` Use one of: ${names.join(", ")}.`;
    return finding([other], `is not a known key.${hint}`);
  }
  if (ways.length > 1) return finding([ways[1] ?? ""], "is a second way. Remove one.");
  if (other !== undefined)
    return optionFindings(power[other], known?.[other]?.options, [...path, other], lineOf);
  if (redfish === undefined) return [];
  if (!isUrl(redfish.url)) return finding(["redfish", "url"], "cannot be read as a URL. Is its port right?");
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

/** `schema`: undefined when the plug-ins were not loaded. */
function optionFindings(
  written: unknown,
  schema: TObject | undefined,
  at: readonly (string | number)[],
  lineOf: LineOf,
): readonly Finding[] {
  if (schema === undefined) return [];
  if (typeof written !== "object" || written === null || Array.isArray(written))
    return [{ line: lineOf(at), message: `${at.join(".")} must be a map of keys: the driver's options.` }];
  const checked = checkPart({ value: { ...written }, at, lineOf }, schema);
  return checked.ok ? [] : checked.findings;
}

/** A plug-in's driver, with its defaults. Undefined: none is written, or no plug-in was loaded. */
function driverPower(power: PowerFile, known: KnownPower | undefined, directory: string) {
  const [driver] = othersIn(power);
  const schema = driver === undefined ? undefined : known?.[driver]?.options;
  if (driver === undefined || schema === undefined) return undefined;
  const value = { ...(power[driver] as Readonly<Record<string, unknown>>) };
  const checked = checkPart({ value, at: [], lineOf: () => 1 }, schema);
  const options = checked.ok ? checked.value : value;
  return { kind: "driver", driver, options, directory } as const;
}

/** Fills in defaults; paths are relative to the directory. */
export function completePower(
  power: PowerFile | undefined,
  directory: string,
  known: KnownPower | undefined,
): PowerConfig | undefined {
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
  if (ipmi === undefined) return power && driverPower(power, known, directory);
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
