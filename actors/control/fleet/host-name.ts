/**
 * Whether a host may have the name that it gives itself. People say a host by its name or its id; a host must
 * not be able to make another one ambiguous by calling itself the same. Reads only.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import type { HostDirectory } from "../directory/directory.ts";

export interface NameOptions {
  readonly store: StorePart<{ hosts: "called" }>;
  readonly directory: Pick<HostDirectory, "alive">;
}

/**
 * Refuses a name that a living host has, or that is another host's id, unless the host had the name before: a
 * host that came later must not keep the first one out. A silent or fenced host keeps no name: a computer
 * that was installed anew has the name of its former life. @throws ALREADY_EXISTS hostNameTaken
 */
export async function refuseTakenName(
  { hostId, name }: { readonly hostId: string; readonly name: string },
  before: HostRecord | undefined,
  { store, directory }: NameOptions,
): Promise<void> {
  if (before?.name === name) return;
  const others = (await store.hosts.called(name)).filter(({ id }) => id !== hostId);
  const fenced = ({ lease }: HostRecord) => lease !== null && lease.fencedBy !== null;
  const holder = others.find((other) => other.id === name || (directory.alive(other.id) && !fenced(other)));
  if (holder === undefined) return;
  const what = holder.id === name ? "is the id of another host" : `is the name of the host ${holder.id}`;
  throw new StatusError("hostNameTaken", `The host ${hostId} cannot be called ${name}: that ${what}.`);
}
