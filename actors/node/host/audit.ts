/**
 * What the host believes beside what is really there, for the doctor. It changes nothing and concludes
 * little: what is under way while it looks is left out, by looking at the beliefs both before and after.
 */

import type { hostAgentService } from "../../../protocol/machine.ts";
import type { AnswerOf } from "../../../protocol/wire/service.ts";
import type { MachineFiles } from "../../ports/machine-files.ts";
import { parseFile, parseTombstone } from "../machine/file.ts";
import type { Ledger } from "./ledger.ts";

type Audit = AnswerOf<typeof hostAgentService.methods.audit>;

/** Found without asking the actors. */
export interface Findings {
  readonly processes: readonly Audit["processes"][number][];
  readonly directories: readonly { readonly instanceId: string; readonly files: readonly string[] }[];
  readonly strays: readonly string[];
}

export interface AuditOptions {
  readonly hostId: string;
  readonly ledger: Ledger;
  readonly files: Pick<MachineFiles, "readAll">;
  readonly look: () => Promise<Findings>;
}

export async function audit({ hostId, ledger, files, look }: AuditOptions): Promise<Audit> {
  const before = new Set(ledger.all().map(({ instanceId }) => instanceId));
  const [found, all] = await Promise.all([look(), files.readAll()]);
  const contents = all.filter(({ instanceId, content }) => parseTombstone(instanceId, content) === undefined);
  const machines = ledger.all();
  const believed = new Set([...before, ...machines.map(({ instanceId }) => instanceId)]);
  const unreadable = contents.filter(
    ({ instanceId, content }) => parseFile(instanceId, content) === undefined,
  );
  const orphaned = contents.filter(({ instanceId }) => !believed.has(instanceId));
  return {
    hostId,
    machines: [...machines],
    processes: [...found.processes],
    directories: found.directories.map(({ instanceId, files }) => ({ instanceId, files: [...files] })),
    strays: [
      ...found.strays,
      ...unreadable.map(({ instanceId }) => `The machine file of ${instanceId} cannot be read.`),
      ...orphaned.map(({ instanceId }) => `The machine file of ${instanceId} belongs to no machine.`),
    ],
  };
}
