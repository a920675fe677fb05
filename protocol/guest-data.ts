/**
 * What a guest is told about itself: its name, the keys that may log in, the user data that it acts on. The
 * controller takes it down when the instance is made; the agent hands it to the guest. User data may hold
 * secrets of the guest's owner: it stands in no event, no log and no answer.
 */
import { type Static, Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";
import { answer, Count, Label, literals, Metadata, nullable } from "./wire/schema.ts";

export const keyTypes = ["ssh", "x509"] as const;

/** A label of RFC 1123, section 2.1: what DHCP, /etc/hosts and DNS take. */
export const Hostname = Type.String({
  pattern: `^[A-Za-z0-9](?:[A-Za-z0-9-]{0,${fieldLimits.hostnameLengthMax - 2}}[A-Za-z0-9])?$`,
  description: "a host name of 1 to 63 letters, digits and -, a letter or digit first and last",
});

/** Any bytes, in base64. As long as Nova's, which also counts the characters of the base64. */
export const UserData = Type.String({
  maxLength: fieldLimits.userDataLengthMax,
  pattern: "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
  description: `at most ${fieldLimits.userDataBytesMax} bytes, in base64`,
});

/**
 * One line of OpenSSH's authorized_keys, or a certificate in PEM; kept as it is, byte for byte. As long as
 * Nova's column: an RSA key of 16,384 bits has some 2,800 bytes.
 */
export const PublicKey = Type.String({
  minLength: 1,
  maxLength: 65_535,
  examples: [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f someone@somewhere",
  ],
});

/** The facts for a guest beside the instance's id, name and ports. */
export const GuestData = answer({
  hostname: Hostname,
  availabilityZone: Label,
  /** Number of the instance among those of one create, from 0. */
  launchIndex: Count,
  metadata: Metadata,
  publicKeys: Type.Array(answer({ name: Type.String(), type: literals(keyTypes), publicKey: PublicKey }), {
    maxItems: fieldLimits.guestKeysMax,
  }),
  userData: nullable(UserData),
  /** True: the guest is told by a drive of its own. */
  configDrive: Type.Boolean(),
});
export type GuestData = Static<typeof GuestData>;

/**
 * The host name made of an instance's name, where none was asked for. A space in it would begin a second
 * argument of a kernel's command line.
 */
export function hostnameOf({
  name,
  instanceId,
}: {
  readonly name: string;
  readonly instanceId: string;
}): string {
  const hostname = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .slice(0, fieldLimits.hostnameLengthMax)
    .replaceAll(/^-+|-+$/g, "");
  return hostname === "" ? `i-${instanceId.slice(0, 61)}` : hostname;
}
