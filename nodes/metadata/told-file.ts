/**
 * The file by which a network driver says what the guest behind a port is told, beside its addresses, which
 * are in the picture. It lies with the port's own file, and goes with the port; nobody but the agent's user
 * may read it, for user data may be secret. It is read anew for each request, so that nothing of it is kept.
 */
import { readFile } from "node:fs/promises";
import { type Static, Type } from "@sinclair/typebox";
import type { Told } from "../../actors/node/guest-data/documents.ts";
import type { GuestPort } from "../../actors/node/guest-data/port.ts";
import { inOrder } from "../../actors/node/guest-data/told-ports.ts";
import { GuestData } from "../../protocol/guest-data.ts";
import { answer, Id, Name } from "../../protocol/wire/schema.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";

const ToldFile = answer({
  ...{ instanceId: Id, project: Id, name: Name, data: GuestData },
  /** Of all ports of the guest, in its order. */
  portIds: Type.Array(Id),
});
export type ToldFile = Static<typeof ToldFile>;

/** Undefined: no file that can be read is about this instance. */
export async function readToldFile(path: string, instanceId: string): Promise<ToldFile | undefined> {
  const said = toldFileOf(await readFile(path, "utf8").catch(() => "null"));
  // The file may be of another life of the port.
  return said?.instanceId === instanceId ? said : undefined;
}

/** Undefined: the text is none. */
export function toldFileOf(text: string): ToldFile | undefined {
  try {
    const said: unknown = JSON.parse(text);
    return validatorOf(ToldFile).accepts(said) ? said : undefined;
  } catch {
    return undefined;
  }
}

/** `ports`: those of the guest that the host knows, in any order. */
export const toldOf = (
  { instanceId, project, name, data, portIds }: ToldFile,
  ports: readonly GuestPort[],
): Told => ({ instanceId, project, name, data, ports: inOrder(portIds, ports) });
