/**
 * Checks what a create says of its guest, and resolves the key pair: the key is copied, so that the guest has
 * it whatever becomes of the pair. A key pair of another project or user is not found (I12).
 */
import { keyPair } from "../../../protocol/key-pair.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { StorePart } from "../../ports/store.ts";
import type { GuestDataRecord } from "../../records/instance.ts";
import { onlyOne } from "../request/rows.ts";

/** The part of a create request about what the guest is told. */
export interface GuestQuestion {
  /** Id or name. */
  readonly keyName?: string;
  readonly userData?: string;
  readonly hostname?: string;
  readonly configDrive?: boolean;
}

export interface AskedGuest {
  /** Null: made of the name. */
  readonly hostname: string | null;
  readonly keyName: string | null;
  readonly configDrive: boolean;
  readonly userDataBytes: number;
  /** Undefined: neither a key nor user data. */
  readonly data: GuestDataRecord | undefined;
}

/** Reads nothing when there is no key. @throws unknownKeyPair, ambiguous, and the store's errors */
export async function guestOf(
  { keyName, userData, hostname, configDrive }: GuestQuestion,
  project: string,
  store: StorePart<{ rows: "called" }>,
): Promise<AskedGuest> {
  const pair = keyName === undefined ? undefined : await pairOf(keyName, project, store);
  const publicKeys =
    pair === undefined ? [] : [{ name: pair.name, type: pair.type, publicKey: pair.publicKey }];
  const told = pair !== undefined || userData !== undefined;
  return {
    hostname: hostname ?? null,
    keyName: pair?.name ?? null,
    configDrive: configDrive ?? told,
    userDataBytes: Buffer.byteLength(userData ?? "", "base64"),
    data: told ? { publicKeys, userData: userData ?? null } : undefined,
  };
}

async function pairOf(key: string, project: string, store: StorePart<{ rows: "called" }>) {
  // The caller's name is its project's, which has no other user yet.
  const found = await store.rows.called(keyPair, key, { project, user: project });
  const pair = onlyOne(keyPair, key, found);
  if (pair !== undefined) return pair;
  throw new StatusError("unknownKeyPair", `There is no key pair ${key}.`);
}
