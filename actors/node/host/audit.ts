/**
 * For the doctor: what the host's actors believe, and what is really there. It changes nothing and concludes
 * little: machines under way while it looks are left out, by reading the beliefs both before and after.
 */

import type { ImageCacheAudit } from "../../../protocol/image-cache.ts";
import { reportLimits } from "../../../protocol/limits/report.ts";
import type { hostAgentService } from "../../../protocol/machine.ts";
import type { NetworkingAudit } from "../../../protocol/networking.ts";
import type { Space } from "../../../protocol/space.ts";
import type { VolumeStorageState } from "../../../protocol/volume-storage.ts";
import type { AnswerOf } from "../../../protocol/wire/service.ts";
import type { Holding } from "../../ports/keeper.ts";
import type { MachineFiles } from "../../ports/machine-files.ts";
import { needsBeyond, parseFile, parseTombstone } from "../machine/file.ts";
import type { Ledger } from "./ledger.ts";
import { hostLimits } from "./limits.ts";

type Audit = AnswerOf<typeof hostAgentService.methods.audit>;

/** What is really on the host, found without asking the actors. */
export interface Findings {
  readonly processes: readonly Audit["processes"][number][];
  readonly directories: readonly { readonly instanceId: string; readonly files: readonly string[] }[];
  /** Everything that is kept for guests, the processes and directories too. */
  readonly holdings: readonly (Holding & { readonly kind: string })[];
  readonly strays: readonly string[];
  readonly imageCache?: ImageCacheAudit;
}

export interface AuditOptions {
  readonly hostId: string;
  readonly ledger: Ledger;
  readonly files: Pick<MachineFiles, "readAll">;
  /** What the agent understands of the needs of machines. */
  readonly knows: readonly string[];
  readonly look: () => Promise<Findings>;
  /** False: the disks end with the agent. */
  readonly keepsDisks: boolean;
  readonly spaces: () => readonly Space[];
  readonly storages: { readonly states: readonly VolumeStorageState[] };
  /** Undefined: the host has no network. */
  readonly networking: { readonly state: NetworkingAudit } | undefined;
}

export async function audit(options: AuditOptions): Promise<Audit> {
  const { hostId, ledger, files, knows, look, keepsDisks, spaces, storages, networking } = options;
  const before = new Set(ledger.all().map(({ instanceId }) => instanceId));
  const [found, all] = await Promise.all([look(), files.readAll()]);
  const contents = all.filter(({ instanceId, content }) => parseTombstone(instanceId, content) === undefined);
  const machines = ledger.all();
  const believed = new Set([...before, ...machines.map(({ instanceId }) => instanceId)]);
  const unreadable = contents.filter(
    ({ instanceId, content }) => parseFile(instanceId, content, knows) === undefined,
  );
  const left = new Set(unreadable);
  const orphaned = contents.filter((one) => !believed.has(one.instanceId) && !left.has(one));
  // First what machines have: with those missing in the list, the machines would seem to lack them.
  const machinesFirst = <T extends { readonly instanceId: string }>(all: readonly T[]): readonly T[] =>
    [...all].sort(
      (one, other) => Number(believed.has(other.instanceId)) - Number(believed.has(one.instanceId)),
    );
  const directories = machinesFirst(found.directories);
  const holdings = machinesFirst(
    found.holdings.filter((one) => one.process === undefined && one.files === undefined),
  );
  const strays = [
    ...found.strays,
    ...unreadable.map(({ instanceId, content }) => unreadableFile(instanceId, needsBeyond(content, knows))),
    ...orphaned.map(({ instanceId }) => `The machine file of ${instanceId} belongs to no machine.`),
  ];
  const said = [
    ...unlisted("machines", machines),
    ...unlisted("directories", directories),
    ...unlisted("holdings", holdings),
  ];
  return {
    hostId,
    machines: listed(machines),
    processes: listed(found.processes),
    directories: listed(directories).map(({ instanceId, files }) => ({
      instanceId,
      files: files.slice(0, hostLimits.auditFilesMax),
    })),
    holdings: listed(holdings).map(({ kind, instanceId, ownerEpoch, what }) => ({
      ...{ kind, instanceId, ownerEpoch, what: what.slice(0, reportLimits.auditNameLengthMax) },
    })),
    keepsDisks,
    strays: listed([...said, ...strays]),
    space: spaces().map((one) => ({ ...one })),
    ...(storages.states.length === 0 ? {} : { volumeStorages: storages.states.map((one) => ({ ...one })) }),
    ...imageCacheOf(found),
    ...(networking === undefined ? {} : { networking: networking.state }),
  };
}

function imageCacheOf({ imageCache }: Findings): Pick<Audit, "imageCache"> {
  if (imageCache === undefined) return {};
  return { imageCache: { ...imageCache, baseless: listed(imageCache.baseless) } };
}

/** Such a file must not be taken for garbage when there was a newer agent: the next one goes on with it. */
function unreadableFile(instanceId: string, unknown: readonly string[]): string {
  const file = `The machine file of ${instanceId}`;
  if (unknown.length === 0) return `${file} cannot be understood.`;
  const needs = unknown.join(", ").slice(0, reportLimits.auditNameLengthMax);
  return `${file} needs an agent that knows more (${needs}): keep it, such an agent takes the machine up again.`;
}

/** The first of a list that may be longer than an answer: a disk may be full of anything. */
const listed = <T>(all: readonly T[]): T[] => all.slice(0, reportLimits.auditEntriesMax);

function unlisted(what: string, { length }: readonly unknown[]): readonly string[] {
  const more = length - reportLimits.auditEntriesMax;
  return more > 0 ? [`${more} more ${what} are there than an answer lists.`] : [];
}
