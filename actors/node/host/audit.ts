/**
 * For the doctor: what the host's actors believe, and what is really there. It changes nothing and concludes
 * little: machines under way while it looks are left out, by reading the beliefs both before and after.
 */

import type { hostAgentService } from "../../../protocol/machine.ts";
import type { Space } from "../../../protocol/space.ts";
import type { AnswerOf } from "../../../protocol/wire/service.ts";
import type { MachineFiles } from "../../ports/machine-files.ts";
import { parseFile, parseTombstone } from "../machine/file.ts";
import type { Ledger } from "./ledger.ts";

type Audit = AnswerOf<typeof hostAgentService.methods.audit>;

/** What is really on the host, found without asking the actors. */
export interface Findings {
  readonly processes: readonly Audit["processes"][number][];
  readonly directories: readonly { readonly instanceId: string; readonly files: readonly string[] }[];
  readonly strays: readonly string[];
}

export interface AuditOptions {
  readonly hostId: string;
  readonly ledger: Ledger;
  readonly files: Pick<MachineFiles, "readAll">;
  /** What the agent understands of the needs of machines. */
  readonly knows: readonly string[];
  readonly look: () => Promise<Findings>;
  readonly spaces: () => readonly Space[];
}

export async function audit({ hostId, ledger, files, knows, look, spaces }: AuditOptions): Promise<Audit> {
  const before = new Set(ledger.all().map(({ instanceId }) => instanceId));
  const [found, all] = await Promise.all([look(), files.readAll()]);
  const contents = all.filter(({ instanceId, content }) => parseTombstone(instanceId, content) === undefined);
  const machines = ledger.all();
  const believed = new Set([...before, ...machines.map(({ instanceId }) => instanceId)]);
  const unreadable = contents.filter(
    ({ instanceId, content }) => parseFile(instanceId, content, knows) === undefined,
  );
  const orphaned = contents.filter(({ instanceId }) => !believed.has(instanceId));
  return {
    hostId,
    machines: [...machines],
    processes: [...found.processes],
    directories: found.directories.map(({ instanceId, files }) => ({ instanceId, files: [...files] })),
    strays: [
      ...found.strays,
      ...unreadable.map(({ instanceId }) => `The machine file of ${instanceId} cannot be understood.`),
      ...orphaned.map(({ instanceId }) => `The machine file of ${instanceId} belongs to no machine.`),
    ],
    space: spaces().map((one) => ({ ...one })),
  };
}
