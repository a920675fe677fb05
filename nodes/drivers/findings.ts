/**
 * What is on a host, from the keepers of its drivers: each is asked by the same port, whatever it keeps. This
 * file must know no kind of driver.
 */
import type { Keeper } from "../../actors/ports/keeper.ts";
import type { AuditFindings } from "./kinds.ts";

type Strays = () => Promise<readonly string[]>;

/** @throws what a keeper throws: with one that cannot be asked, nothing is known of the host */
export async function findingsOf(
  keepers: readonly Keeper[],
  strays: readonly (Strays | undefined)[],
): Promise<AuditFindings> {
  const [listed, strange] = await Promise.all([
    Promise.all(keepers.map(async (keeper) => ({ kind: keeper.kind, all: await keeper.list() }))),
    Promise.all(strays.map((look) => look?.() ?? [])),
  ]);
  const holdings = listed.flatMap(({ kind, all }) => all.map((one) => ({ ...one, kind })));
  return {
    holdings,
    processes: holdings.flatMap(({ instanceId, process }) =>
      process === undefined ? [] : [{ instanceId, ...process }],
    ),
    directories: holdings.flatMap(({ instanceId, files }) =>
      files === undefined ? [] : [{ instanceId, files }],
    ),
    strays: strange.flat(),
  };
}
