/**
 * Networks: made and changed by their projects. Only operators make one that all projects see. A network goes
 * with its subnets, and not as long as a port is on it.
 */
import { type Network, network, type networkService, subnet } from "../../../../protocol/network.ts";
import { port } from "../../../../protocol/port.ts";
import { router } from "../../../../protocol/router.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { CallContext, Handlers } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { adminProject } from "../../../../protocol/wire/subjects.ts";
import { counted, isOrAre } from "../../../../protocol/wire/wording.ts";
import type { RowReads } from "../../../ports/row-reads.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { rowRemoved } from "../../request/row-changes.ts";
import { referringTo, shownRow } from "../../request/rows.ts";
import { resourceHandlers } from "../resource-handlers.ts";

type NetworkRow = RowOf<typeof network>;

/** That of Ethernet less what VXLAN over IPv4 takes (RFC 7348, 5): 14 + 8 + 8 + 20 bytes. */
const usualMtuBytes = 1_450;

interface Sharing {
  readonly shared?: boolean;
  readonly external?: boolean;
  readonly physicalNetwork?: string | null;
}

const operatorsChoices = { shared: "shared", external: "external", physicalNetwork: "one of theirs" };

export interface NetworkOptions extends CatalogOptions {
  /** Answers what lets one instance reach another. */
  readonly explainPassage: Handlers<typeof networkService>["explain"];
}

export function networkHandlers(options: NetworkOptions): Handlers<typeof networkService> {
  const { rows } = options.store;
  const subnetsOf = (ids: readonly string[]) => referringTo(subnet, { networkId: ids }, rows);
  const join = async (networks: readonly NetworkRow[]): Promise<readonly Network[]> => {
    const subnets = await subnetsOf(networks.map(({ id }) => id));
    return networks.map((one) => ({
      ...shownRow<typeof network>(one),
      subnetIds: subnets.filter(({ networkId }) => networkId === one.id).map(({ id }) => id),
    }));
  };
  const handlers = resourceHandlers(network, options, {
    join: (networks) => join(networks),
    held: "Ports are on the network, which other projects may have, or routers lead to it: novact port list.",
    taken: () => new StatusError("generationConflict", "Another network was given the same segment."),
    goesToo: async ({ id }) => (await subnetsOf([id])).map((one) => rowRemoved(subnet, one)),
  });
  const { create, change, list, get, delete: remove } = handlers;
  return {
    ...{ list, get, delete: remove, explain: options.explainPassage },
    create: (request, context) => {
      assertMayShare(request, context);
      const { name, mtuBytes = usualMtuBytes, shared = false, external = false } = request;
      const { physicalNetwork = null } = request;
      const fields = async () => ({ name, mtuBytes, shared, external, physicalNetwork });
      return untilFree(() => create(fields, { request, context }));
    },
    set: (request, context) => {
      assertMayShare(request, context);
      return change("set", { request, context }, async (before) => {
        const after = { ...before, ...request };
        if (before.shared && !after.shared) await assertOwnPorts(before, rows);
        if (before.external && !after.external) await assertLeadsNobody(before, rows);
        return { after, body: { ...request } };
      });
    },
  };
}

/** How often another segment is taken: numbers come around again once all were given. */
const segmentAttemptsMax = 20;

async function untilFree<A>(make: () => Promise<A>): Promise<A> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await make();
    } catch (thrown) {
      const taken = thrown instanceof StatusError && thrown.reason === "generationConflict";
      if (!taken || attempt === segmentAttemptsMax) throw thrown;
    }
  }
}

/** A network is taken from nobody who has a port on it. @throws inUse */
async function assertOwnPorts({ id, project, name }: NetworkRow, rows: RowReads): Promise<void> {
  const ports = await referringTo(port, { networkId: [id] }, rows);
  const foreign = ports.filter((one) => one.project !== project).length;
  if (foreign === 0) return;
  const have = `${counted(foreign, "port")} of other projects ${isOrAre(foreign)} on it`;
  throw new StatusError("inUse", `The network ${name} stays shared: ${have}.`);
}

/** @throws inUse */
async function assertLeadsNobody({ id, name }: NetworkRow, rows: RowReads): Promise<void> {
  const routers = await referringTo(router, { externalNetworkId: [id] }, rows);
  if (routers.length === 0) return;
  const lead = `${counted(routers.length, "router")} ${routers.length === 1 ? "leads" : "lead"} to it`;
  throw new StatusError("inUse", `The network ${name} stays external: ${lead}.`);
}

/** @throws adminOnly */
function assertMayShare(asked: Sharing, { project }: CallContext): void {
  if (project === adminProject) return;
  const said = Object.entries(operatorsChoices).find(([field]) => Reflect.get(asked, field) !== undefined);
  if (said === undefined) return;
  throw new StatusError("adminOnly", `Whether a network is ${said[1]} is the operators' choice.`);
}
