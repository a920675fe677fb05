/**
 * N7: at rest, nothing of networks is left over. A host has no tap, network, gateway or published port of a
 * guest that is gone or on another host, and for routers what its applied picture says, no more and no less;
 * the ledger has no row whose owner is gone.
 */
import type { Checker, Committed, LedgerRow, Quiet } from "./facts.ts";
import { isCommitted } from "./ledger.ts";
import { isForRouters, lacking, madeForRouters } from "./made-for-routers.ts";

export function nothingIsLeft(): Checker {
  /** Ids of ports that go with the instance that they were made with. */
  const madeWith = new Set<string>();
  return {
    promise: "N7",
    see(fact) {
      if (isCommitted(fact)) for (const id of portsMadeWith(fact)) madeWith.add(id);
      if (fact.kind !== "quiet" || fact.ledger === undefined) return [];
      const ledger = ledgerOf(fact, fact.ledger, madeWith);
      return [
        ...rowsLeft(ledger),
        ...leftOnHosts(ledger, fact.networks ?? []),
        ...routersOn(fact.networks ?? []),
      ];
    },
  };
}

const portsMadeWith = ({ commit: { rows = [] } }: Committed): readonly string[] =>
  rows.flatMap((change) => {
    if (change.resource.table !== "plug" || !("made" in change)) return [];
    const { portId, deleteWithInstance } = { ...change.made } as Readonly<Record<string, unknown>>;
    return deleteWithInstance === true ? String(portId) : [];
  });

interface Ledger {
  readonly rows: readonly LedgerRow[];
  /** Ids of present rows, by kind. */
  readonly ids: ReadonlyMap<LedgerRow["what"], ReadonlySet<string>>;
  /** Hosts of the instances that exist, null: on none. */
  readonly hostOf: ReadonlyMap<string, string | null>;
  readonly madeWith: ReadonlySet<string>;
}

function ledgerOf({ instances }: Quiet, rows: readonly LedgerRow[], madeWith: ReadonlySet<string>): Ledger {
  const byWhat = Map.groupBy(rows, ({ what }) => what);
  const ids = new Map([...byWhat].map(([what, some]) => [what, new Set(some.map(({ id }) => id))] as const));
  const live = instances.filter(({ deleted }) => !deleted);
  return { rows, ids, hostOf: new Map(live.map(({ id, hostId }) => [id, hostId])), madeWith };
}

function rowsLeft(ledger: Ledger): readonly string[] {
  return ledger.rows.flatMap((row) => {
    const why = strange(ledger, row);
    return why === undefined ? [] : [`The ${row.what} ${row.id} is left ${why}.`];
  });
}

/** Besides instances, what may be plugged into a port. */
const users = ["router", "router interface", "floating address"] as const;

/** Undefined: the row's owner exists. */
function strange({ ids, hostOf, madeWith }: Ledger, { what, id, of }: LedgerRow): string | undefined {
  const has = (other: LedgerRow["what"], otherId = of ?? "") => ids.get(other)?.has(otherId) === true;
  switch (what) {
    case "network":
    case "router":
    case "floating address":
      return undefined;
    case "router interface":
      return has("router") ? undefined : `of router ${of}, which is gone`;
    case "subnet":
      return has("network") ? undefined : `of network ${of}, which is gone`;
    case "port":
      return madeWith.has(id) && !has("plug", id) ? "of an instance that has let go of it" : undefined;
    case "address":
    case "group membership":
      return has("port") ? undefined : `of port ${of}, which is gone`;
    case "plug":
      return hostOf.has(of ?? "") || users.some((one) => has(one)) ? undefined : `of ${of}, which is gone`;
    case "published port":
      return has("plug") ? undefined : `of port ${of}, into which nothing is plugged`;
  }
}

type OnHost = NonNullable<Quiet["networks"]>[number];

function leftOnHosts(ledger: Ledger, hosts: readonly OnHost[]): readonly string[] {
  const plugs = ledger.rows.filter(({ what }) => what === "plug");
  const networks = ledger.ids.get("network") ?? new Set();
  return hosts.flatMap(({ hostId, has = [] }) => {
    const ports = plugs.filter(({ of }) => ledger.hostOf.get(of ?? "") === hostId).map(({ id }) => id);
    const published = ledger.rows.filter(
      ({ what, of }) => what === "published port" && ports.includes(of ?? ""),
    );
    // Routers lead to more networks than those of the ports; which of them, N6 knows.
    const wanted = new Set([
      ...ports,
      ...(ports.length === 0 ? [] : networks),
      ...published.map(({ id }) => id),
    ]);
    return has
      .filter((thing) => !isForRouters(thing) && !wanted.has(thing.row))
      .map(
        ({ what, row }) => `On host ${hostId} the ${what} is left, for ${row}, which nothing there wants.`,
      );
  });
}

/** Whether that picture is the one that the store says, N6 knows. */
function routersOn(hosts: readonly OnHost[]): readonly string[] {
  return hosts.flatMap(({ hostId, has, applied }) => {
    if (has === undefined) return [];
    const [there, wanted] = [has.filter(isForRouters), madeForRouters(applied)];
    return [
      ...lacking(there, wanted).map(({ what, row }) => `On host ${hostId} the ${what} is left, for ${row}.`),
      ...lacking(wanted, there).map(({ what, row }) => `On host ${hostId} the ${what} of ${row} is missing.`),
    ];
  });
}
