/**
 * Whether this command runs on the computer of a host: a published port answers there alone, and at the same
 * port of another computer somebody else may listen. Says nothing where it cannot know: tenants may not ask
 * for hosts.
 */
import { readFile } from "node:fs/promises";
import { CommandError } from "../errors.ts";

/** The kernel makes another one at each start of the computer; undefined: this is no Linux, so no host. */
async function ownBootId(): Promise<string | undefined> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    return undefined;
  }
}

interface At {
  readonly host: { readonly name: string; readonly bootId: string };
  /** Of the instance. */
  readonly name: string;
  readonly hostPort: number;
}

/** @throws CommandError usage */
export async function refuseElsewhere({ host, name, hostPort }: At): Promise<void> {
  if (host.bootId === (await ownBootId())) return;
  throw new CommandError(
    "usage",
    `The instance ${name} is on the host ${host.name}, which is not this computer: its port ${hostPort} answers there.`,
    `Run the command on the computer of ${host.name}; or add --tunnel, if port ${hostPort} here leads there.`,
  );
}
