/**
 * What may be published, whoever asks for it, and the rows of it. A host's port is one instance's in the
 * whole cell; here it is only looked for who has it, and the commit decides.
 */
import { subnet } from "../../../protocol/network.ts";
import {
  type AskedPublication,
  publishedAddressDefault,
  publishedPort,
} from "../../../protocol/published-port.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Store } from "../../ports/store.ts";
import type { RowChange } from "../../records/rows.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { rowMade } from "../request/row-changes.ts";
import { referringTo } from "../request/rows.ts";

type PublicationWorld = Pick<CatalogOptions, "clock" | "ids">;
type Gated = Pick<RowOf<typeof subnet>, "id" | "cidr" | "gateway">;

/** A guest answers callers whom it does not know by its gateway, whose address they have therefore. */
const publishableIn = (subnets: readonly Gated[]): ReadonlySet<string> =>
  new Set(subnets.flatMap(({ id, cidr, gateway }) => (gateway !== null && !cidr.includes(":") ? [id] : [])));

/** Ids of the subnets of a network at whose addresses guests can be published. */
export async function publishableOn(
  networkId: string,
  { rows }: Pick<Store, "rows">,
): Promise<ReadonlySet<string>> {
  return publishableIn(await referringTo(subnet, { networkId: [networkId] }, rows));
}

/** What is wrong with the wishes themselves. @throws schemaMismatch */
export function assertBindable(asked: readonly AskedPublication[], field: string): void {
  // Callers of other computers would be let in with addresses that guests may have themselves.
  const far = asked.find(({ address = publishedAddressDefault }) => address !== publishedAddressDefault);
  if (far !== undefined)
    throw faulty(field, `is ${far.address}; hosts publish at ${publishedAddressDefault} only`);
}

/** No two of one request alike. @throws schemaMismatch */
export function assertDifferent(asked: readonly AskedPublication[]): void {
  for (const field of ["hostPort", "port"] as const) {
    const all = asked.map((one) => one[field]);
    const twice = all.find((one, at) => all.indexOf(one) !== at);
    const whose = field === "hostPort" ? "the host's port" : "the guest's port";
    if (twice !== undefined) throw faulty("publish", `has ${whose} ${twice} twice`);
  }
}

/** What is known of ports of hosts. */
export interface HostPorts {
  readonly store: Pick<Store, "rows">;
  /**
   * The cluster's own servers listen there: a guest that has one of them while its server is away would be
   * told passwords. Absent: none are known.
   */
  readonly hostPortsReserved?: ReadonlySet<number> | undefined;
}

/** Said before the commit, whose refusal does not tell which name is taken. @throws hostPortTaken */
export async function assertHostPortsFree(
  asked: readonly AskedPublication[],
  { store: { rows }, hostPortsReserved }: HostPorts,
): Promise<void> {
  const reserved = asked.find(({ hostPort }) => hostPortsReserved?.has(hostPort));
  if (reserved !== undefined)
    throw new StatusError(
      "hostPortTaken",
      `The port ${reserved.hostPort} of hosts is for a server of the cluster.`,
    );
  for (const { hostPort } of asked)
    if ((await rows.called(publishedPort, String(hostPort))).length > 0) throw hostPortTaken(hostPort);
}

const hostPortTaken = (hostPort: number): StatusError =>
  new StatusError(
    "hostPortTaken",
    `The port ${hostPort} of hosts is published for another instance already.`,
  );

export const notPublishable = (): StatusError =>
  new StatusError("notPublishable", "The instance has no address of IPv4 in a subnet with a gateway.");

export const fieldsOf = ({ hostPort, port, address }: AskedPublication, portId: string) => ({
  ...{ name: String(hostPort), hostPort, protocol: "tcp" as const },
  ...{ address: address ?? publishedAddressDefault, portId, port },
});

/** `portId`: of a plug that is there, or is made in the same commit before. */
export function publicationMade(
  asked: AskedPublication,
  { portId, project }: { readonly portId: string; readonly project: string },
  { clock, ids }: PublicationWorld,
): { readonly change: RowChange; readonly row: RowOf<typeof publishedPort> } {
  const own = { id: ids.next(), project, ...fieldsOf(asked, portId) };
  const row = { ...own, createdAtMs: clock.nowMs(), version: 1 };
  return { change: rowMade(publishedPort, row), row };
}
