/** The status of ports in views of what is plugged into them. */
import type { Instance } from "../../../../protocol/instance.ts";
import type { Port } from "../../../../protocol/port.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import type { Fact } from "../../table.ts";
import type { Style } from "../../terminal.ts";

const styles: Readonly<Record<NonNullable<Port["status"]>, Style>> = {
  ...{ active: "green", down: "dim", build: "yellow", error: "red", unknown: "red" },
};

/** No fact: nobody has said a status. */
export function statusFact(title: string, one: Port | undefined): readonly Fact[] {
  if (one?.status === undefined) return [];
  const { status, statusReason } = one;
  return [[title, statusReason === undefined ? status : `${status}: ${statusReason}`, styles[status]]];
}

/** The ports of an instance as they are now; without those that are gone meanwhile. */
export async function portsOf(
  run: Run,
  api: Session,
  { interfaces }: Pick<Instance, "interfaces">,
): Promise<readonly Port[]> {
  const asked = (interfaces ?? []).map(({ portId }) => portOf(portId, run, api));
  return (await Promise.all(asked)).filter((one) => one !== undefined);
}

async function portOf(id: string, run: Run, api: Session): Promise<Port | undefined> {
  try {
    return (await api.port.get(id, {}, run.call())).port;
  } catch (thrown) {
    if (thrown instanceof StatusError && thrown.code === "NOT_FOUND") return undefined;
    throw thrown;
  }
}
