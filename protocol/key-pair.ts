/**
 * Key pairs: the public keys that guests are made with. Each belongs to one user of a project. The private
 * key never comes here: who wants a new pair makes it where it will be used.
 */
import { type Static, Type } from "@sinclair/typebox";
import { keyTypes, PublicKey } from "./guest-data.ts";
import { fieldLimits } from "./limits/fields.ts";
import { kept, made, resource } from "./wire/resource.ts";
import { literals } from "./wire/schema.ts";
import { service } from "./wire/service.ts";

export const keyPair = resource({
  noun: "key-pair",
  one: "keyPair",
  many: "keyPairs",
  owner: "user",
  makes: "project",
  sees: "project",
  /** Nova's, from its microversion 2.92 on. */
  name: Type.String({ minLength: 1, maxLength: fieldLimits.nameLengthMax, pattern: "^[A-Za-z0-9 _@.-]+$" }),
  nameUnique: true,
  numbered: true,
  fields: {
    type: literals(keyTypes),
    publicKey: PublicKey,
    /** MD5 of the key's blob, or of the certificate, in hexadecimal with colons. */
    fingerprint: Type.String(),
    /** SHA-256 of the same, as OpenSSH prints it: `SHA256:` and base64 without padding. */
    fingerprintSha256: Type.String(),
  },
  /** Nova's default. */
  limit: { most: 100, of: "user" },
});

export const KeyPair = keyPair.shape;
export type KeyPair = Static<typeof KeyPair>;

export const keyPairService = service({
  noun: "key-pair",
  version: "1.0.0",
  summary: "Public keys that guests are made with.",
  methods: {
    create: made(
      keyPair,
      { publicKey: PublicKey, type: Type.Optional(literals(keyTypes)) },
      "Imports a public key; its name must be free. The type, unless given, is ssh.",
    ),
    ...kept(keyPair),
  },
});
