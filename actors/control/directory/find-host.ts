/**
 * Finds the one host that a person means by an id or a name. Names are labels: a computer that was installed
 * anew has the same name as the row of its former life, and then only the id tells them apart. Reads only.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";

/** @throws NOT_FOUND hostNotFound; FAILED_PRECONDITION hostAmbiguous */
export async function findHost(key: string, store: StorePart<{ hosts: "called" }>): Promise<HostRecord> {
  const [host, ...others] = await store.hosts.called(key);
  if (host === undefined) throw new StatusError("hostNotFound", `There is no host ${key}.`);
  if (others.length === 0) return host;
  const hosts = [host, ...others];
  const message = `Several hosts are called ${key}: ${hosts.map(described).join(", ")}.`;
  throw new StatusError("hostAmbiguous", message, { details: hosts.map(({ id }) => ({ hostId: id })) });
}

function described({ id, lease, registeredAtMs }: HostRecord): string {
  const held = lease === null ? "without a lease" : lease.fencedBy === null ? "lease held" : "lease fenced";
  return `${id} (${held}, registered ${new Date(registeredAtMs).toISOString()})`;
}
