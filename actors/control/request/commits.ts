/**
 * Commits of this process: wakes who waits for them here (waits.ts), and tells the other controllers by
 * hints, which may be lost. Here they are counted, by their results. It adds nothing to a commit itself.
 */
import { floatingIp, floatingTarget } from "../../../protocol/floating-ip.ts";
import { network, subnet } from "../../../protocol/network.ts";
import { address, groupMembership, port } from "../../../protocol/port.ts";
import { publishedPort } from "../../../protocol/published-port.ts";
import { router, routerInterface } from "../../../protocol/router.ts";
import { securityGroupRule } from "../../../protocol/security-group.ts";
import type { Store } from "../../ports/store.ts";
import type { Commit, CommitResult } from "../../records/commit.ts";
import type { OperationRecord } from "../../records/instance.ts";
import type { RowChange } from "../../records/rows.ts";
import { type Meter, nullMeter } from "../../runtime/meter.ts";
import { requestLimits } from "./limits.ts";

/** A controller's hint to the other controllers after a commit. */
export interface CommitHint {
  readonly lastSequence: number;
  /** Ids of operations that ended. */
  readonly ended: readonly string[];
  /** Projects that have new events. */
  readonly projects: readonly string[];
  /** Ids of what was made, changed or removed of networks, and of what that refers to. Absent: none. */
  readonly touched?: readonly string[];
}

/** Who is told of each commit of this process that has events. */
interface Waiting {
  committed(commit: Commit): void;
}

interface Untold {
  lastSequence: number;
  readonly ended: string[];
  readonly projects: Set<string>;
  readonly touched: Set<string>;
}

export class Commits {
  readonly #store: Pick<Store, "commit">;
  readonly #onCommit: (hint: CommitHint) => void;
  readonly #waits: Waiting | undefined;
  readonly #meter: Meter;
  #untold: Untold | undefined;

  /**
   * `onCommit`: called after commits of this process that have events, once for commits that come together;
   * it tells the publisher and the other controllers. `waits`: those in this process who wait, if any can.
   */
  constructor(
    store: Pick<Store, "commit">,
    onCommit: (hint: CommitHint) => void,
    waits?: Waiting,
    meter: Meter = nullMeter,
  ) {
    this.#store = store;
    this.#onCommit = onCommit;
    this.#waits = waits;
    this.#meter = meter;
    meter.zero("novact_commits_total");
  }

  readonly commit = async (commit: Commit): Promise<CommitResult> => {
    let result: CommitResult;
    try {
      result = await this.#store.commit(commit);
    } catch (thrown) {
      this.#meter.count("novact_commits_total", { result: "failed" });
      throw thrown;
    }
    this.#meter.count("novact_commits_total", { result: result.kind });
    if (result.kind === "committed" && result.lastSequence > 0) {
      this.#waits?.committed(commit);
      this.#tell(result.lastSequence, commit);
    }
    return result;
  };

  /** Collects commits of one moment, which come one after the other, into one hint. */
  #tell(lastSequence: number, commit: Commit): void {
    const { operations = [], events = [], rows = [] } = commit;
    const first = this.#untold === undefined;
    const hint = this.#untold ?? { lastSequence, ended: [], projects: new Set(), touched: new Set() };
    this.#untold = hint;
    hint.lastSequence = Math.max(hint.lastSequence, lastSequence);
    hint.ended.push(...operations.filter(hasEnded).map(({ id }) => id));
    for (const { project } of events) hint.projects.add(project);
    for (const id of [...touchedBy(rows), ...movedIn(commit)]) hint.touched.add(id);
    if (!first) return;
    queueMicrotask(() => {
      this.#untold = undefined;
      const { projects, touched, ...told } = hint;
      const ids = [...touched].slice(0, requestLimits.touchedIdsMax);
      this.#onCommit({ ...told, projects: [...projects], ...(ids.length === 0 ? {} : { touched: ids }) });
    });
  }
}

/** The tables of which the pictures of hosts are made. */
const ofNetworks = new Set(
  [
    ...[network, subnet, port, address, groupMembership, securityGroupRule, publishedPort],
    ...[router, routerInterface, floatingIp, floatingTarget],
  ].map(({ table }) => table),
);

/** Ids of changed and removed rows, and of the rows to which new ones refer. */
function touchedBy(rows: readonly RowChange[]): readonly string[] {
  const judged = rows.filter(({ resource }) => ofNetworks.has(resource.table));
  const made = new Set(judged.flatMap((one) => ("made" in one ? one.made.id : [])));
  return judged.flatMap((one) => idsOf(one).filter((id) => !made.has(id)));
}

/** Networks of guests that are on another host from now on, or on none, and of interfaces that come or go. */
function movedIn({ instances = [], claims = [], claimsReleased = [] }: Commit): readonly string[] {
  const moved = new Set([...claims, ...claimsReleased].map(({ instanceId }) => instanceId));
  return instances.flatMap(({ row: { id, generation, interfaces } }) =>
    (interfaces ?? []).flatMap(({ networkId, change }) => {
      const isNews = change?.generation === generation || moved.has(id);
      return isNews ? networkId : [];
    }),
  );
}

function idsOf(change: RowChange): readonly string[] {
  if ("removed" in change) return [change.removed];
  if ("patched" in change) return [change.patched];
  const row = "made" in change ? change.made : change.changed;
  const refers = Object.keys(change.resource.uses ?? {}).map((field) => Reflect.get(row, field) as unknown);
  return [row.id, ...refers.filter((one) => typeof one === "string")];
}

export function hasEnded(operation: OperationRecord): boolean {
  return operation.state !== "running";
}
