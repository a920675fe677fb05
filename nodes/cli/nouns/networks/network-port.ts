/** The network's port that is meant when an instance is named. */
import { CommandError } from "../../errors.ts";
import { instanceId } from "../../resolve.ts";
import type { Run } from "../../run.ts";
import type { Session } from "../../session.ts";

/** The port of the instance's first interface with an address of IPv4. @throws CommandError usage */
export async function networkPortOf(run: Run, api: Session, key: string): Promise<string> {
  const { instance } = await api.instance.get(await instanceId(run, api, key), {}, run.call());
  const found = (instance.interfaces ?? []).find(({ addresses }) =>
    addresses.some(({ address }) => !address.includes(":")),
  );
  if (found !== undefined) return found.portId;
  throw new CommandError(
    "usage",
    `The instance ${instance.name} is on no network with addresses of IPv4.`,
    "Make it on one: novact instance create --network.",
  );
}
