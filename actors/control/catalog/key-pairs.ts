/** Key pairs: public keys, checked and named by their fingerprints when they come in, never changed. */
import { createHash, X509Certificate } from "node:crypto";
import { keyPair, type keyPairService } from "../../../protocol/key-pair.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { resourceHandlers } from "./resource-handlers.ts";

export function keyPairHandlers(options: CatalogOptions): Handlers<typeof keyPairService> {
  const { create, list, get, delete: remove } = resourceHandlers(keyPair, options);
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => {
      const { name, publicKey, type = "ssh" } = request;
      const fields = { name, type, publicKey, ...fingerprintsOf(publicKey, type) };
      return create(fields, { request, context });
    },
  };
}

/** @throws schemaMismatch */
function fingerprintsOf(publicKey: string, type: "ssh" | "x509") {
  const blob = type === "ssh" ? sshBlob(publicKey) : certificate(publicKey);
  if (blob === undefined) {
    const wanted =
      type === "ssh"
        ? "one line of OpenSSH's authorized_keys, such as ssh-ed25519 AAAA… comment"
        : "a certificate in PEM";
    throw new StatusError("schemaMismatch", `The public key must be ${wanted}.`);
  }
  const md5 = createHash("md5").update(blob).digest("hex");
  const sha256 = createHash("sha256").update(blob).digest("base64");
  return {
    fingerprint: (md5.match(/../g) ?? []).join(":"),
    fingerprintSha256: `SHA256:${sha256.replace(/=+$/, "")}`,
  };
}

/** The types of keys that OpenSSH 9 knows, hardware keys included (ssh -Q key-plain). */
const sshTypes: ReadonlySet<string> = new Set([
  ...["ssh-rsa", "ssh-dss", "ssh-ed25519", "sk-ssh-ed25519@openssh.com"],
  ...["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
  "sk-ecdsa-sha2-nistp256@openssh.com",
]);

/** The blob between type and comment; undefined when it is not whole, or of another type (RFC 4253, 6.6). */
function sshBlob(line: string): Buffer | undefined {
  const [, type = "", base64 = ""] = /^(\S+)[ \t]+([\w+/]+={0,2})(?:[ \t][^\r\n]*)?\r?\n?$/.exec(line) ?? [];
  const blob = Buffer.from(base64, "base64");
  const [own, ...parts] = fieldsOf(blob) ?? [];
  return sshTypes.has(type) && own?.toString("latin1") === type && parts.length > 0 ? blob : undefined;
}

/** Each field has its length before it; undefined when the last one is cut short. */
function fieldsOf(blob: Buffer): readonly Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

function certificate(pem: string): Buffer | undefined {
  try {
    return new X509Certificate(pem).raw;
  } catch {
    return undefined;
  }
}
