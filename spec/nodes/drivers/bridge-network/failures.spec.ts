/** One bad port of a host is closed and said, and all others are as they should be; by a driver of parts. */
import { expect } from "chai";
import { bridgeName } from "../../../../nodes/drivers/bridge-network/device-names.ts";
import type { FilterState } from "../../../../nodes/drivers/bridge-network/filter.ts";
import { BridgeNetwork, type BridgeNetworkParts } from "../../../../nodes/drivers/bridge-network/network.ts";
import type { FabricPlan } from "../../../../nodes/drivers/bridge-network/plan.ts";
import type { PortRecord } from "../../../../nodes/drivers/user-network/ports.ts";
import type { NetworkFailure } from "../../../../protocol/networking.ts";
import { ids, networkPicture, portPicture, portRecord } from "../../../support/fabric-pictures.ts";
import { silentLog } from "../../../support/silent-log.ts";

const never = new AbortController().signal;
const nothing = async () => undefined;
const networking = (version: number) => ({
  ...{ version, groups: [] },
  networks: [networkPicture([portPicture(1), portPicture(2)]), networkPicture([portPicture(3)], 2)],
});

/** Whom rules let pass at the end of each step, by the last digits of their ids. */
function makeDriver() {
  const records = new Map<string, PortRecord>();
  const bad = {
    devices: [] as NetworkFailure[],
    rules: new Map<string, string>(),
    /** Refused as soon as the rules have it. */
    refusesOpened: "",
    /** Failures as soon as the fabric is to answer all three ports. */
    whenOpened: [] as NetworkFailure[],
    routers: [] as NetworkFailure[],
    /** The kernel cannot be asked: for rules, or for devices. */
    throws: undefined as "rules" | "devices" | undefined,
  };
  const throwing = (what: "rules" | "devices") => {
    if (bad.throws === what) throw new Error(`No ${what} today.`);
  };
  const ruled: string[] = [];
  const bridged: string[] = [];
  /** Whom the fabric itself answers, at the end of each step. */
  const answered: string[] = [];
  const rounds: number[] = [];
  let compare = (_signal: AbortSignal): Promise<void> => expect.fail("It has not begun.");
  /** Times that removed tables began to be heard. */
  const heard: number[] = [];
  const short = (id: string) => Number(id.slice(-1));
  const parts: unknown = {
    facts: () => ({ kind: "bridge", mtuBytesMax: 1_450, spansHosts: false }),
    ...{ ready: nothing, log: silentLog },
    rounds: {
      start: (compares: typeof compare) => {
        compare = compares;
      },
      ...{ stop: () => undefined, soon: () => rounds.push(1) },
    },
    tables: { watch: async () => void heard.push(1) },
    files: {
      ...{
        tell: nothing,
        removeLeftovers: nothing,
        read: async () => [...records.values()],
        toldOf: () => "",
      },
      write: async (record: PortRecord) => void records.set(record.portId, record),
      remove: async (id: string) => void records.delete(id),
    },
    picture: { read: async () => null, write: nothing },
    fabric: { open: nothing, plugsPath: async () => "/nowhere" },
    settler: {
      settle: async ({ taps, routes }: FabricPlan) => {
        throwing("devices");
        answered.push(routes.map(({ address }) => address).join());
        bridged.push(taps.flatMap(({ bridge, portId }) => (bridge === null ? [] : [short(portId)])).join());
        return routes.length === 3 && bad.whenOpened.length > 0 ? bad.whenOpened : bad.devices;
      },
      ...{ takeOpened: nothing, ensureTap: nothing, removeTap: nothing, moveTap: nothing },
    },
    limiter: { settle: async () => [] },
    routing: { probe: nothing, facts: () => undefined, settle: async () => bad.routers, detach: nothing },
    filter: {
      detach: nothing,
      get refused() {
        return bad.rules;
      },
      apply: async ({ ports }: FilterState) => {
        throwing("rules");
        if (ports.some(({ portId }) => portId === bad.refusesOpened))
          bad.rules.set(bad.refusesOpened, "refused");
        const open = ports.filter(({ portId }) => !bad.rules.has(portId));
        ruled.push(open.map(({ portId }) => short(portId)).join());
        return open.map(({ portId, networkId, mac }) => ({
          ...{ bridge: bridgeName(networkId), address: `${short(portId)}`, mac },
        }));
      },
    },
  };
  const network = new BridgeNetwork(parts as BridgeNetworkParts);
  return { network, bad, ruled, bridged, answered, rounds, heard, compare: () => compare(never) };
}

async function pluggedIn() {
  const world = makeDriver();
  for (const port of [portRecord(1), portRecord(2), portRecord(3, 2)])
    await world.network.ensurePort(port, never);
  await world.network.apply(networking(1), never);
  for (const list of [world.ruled, world.bridged]) list.length = 0;
  return world;
}

const failed = (verb: Promise<unknown>) =>
  verb.then(
    () => "nothing",
    (error: unknown) => String(error),
  );

describe("One bad port of the driver of bridges", () => {
  const one: NetworkFailure = { of: "port", id: ids.port(1), why: "It has no device." };

  it("keeps the picture of nobody else back, has no rules, and is tried again soon", async () => {
    const { network, bad, ruled, rounds } = await pluggedIn();
    bad.devices = [one];
    expect(await network.apply(networking(2), never)).to.equal(2);
    expect(ruled).to.deep.equal(["1,2,3", "2,3"]);
    expect(network.failures()).to.deep.equal([one]);
    expect(rounds).to.have.length(1);
  });

  it("is the only one whose verbs fail", async () => {
    const { network, bad } = await pluggedIn();
    bad.devices = [one];
    await network.apply(networking(2), never);
    expect(await failed(network.plugged(ids.port(2), never))).to.equal("nothing");
    expect(await failed(network.ensurePort(portRecord(2), never))).to.equal("nothing");
    for (const verb of [network.plugged(ids.port(1), never), network.ensurePort(portRecord(1), never)])
      expect(await failed(verb)).to.include("It has no device.");
    await network.releasePort(ids.port(2), 1, never);
    expect(await network.list()).to.have.length(2);
  });

  it("has no rules before its devices are right", async () => {
    const { network, bad, ruled } = await pluggedIn();
    bad.devices = [one];
    await network.apply(networking(2), never);
    ruled.length = 0;
    await network.apply(networking(3), never);
    bad.devices = [];
    await network.apply(networking(4), never);
    expect(ruled).to.deep.equal(["2,3", "2,3", "1,2,3"]);
    expect(network.failures()).to.deep.equal([]);
    expect(await failed(network.plugged(ids.port(1), never))).to.equal("nothing");
  });

  it("is answered by its host as soon as it is right", async () => {
    const { network, bad, answered } = await pluggedIn();
    bad.devices = [one];
    await network.apply(networking(2), never);
    bad.devices = [];
    answered.length = 0;
    await network.apply(networking(3), never);
    expect(answered.at(-1)).to.equal("1,2,3");
  });

  it("is said when its devices are right and the kernel takes no rules of it", async () => {
    const { network, bad } = await pluggedIn();
    bad.devices = [one];
    await network.apply(networking(2), never);
    bad.devices = [];
    bad.refusesOpened = ids.port(1);
    await network.apply(networking(3), never);
    expect(network.failures().map(({ id, why }) => [id, why.endsWith("refused")])).to.deep.equal([
      [ids.port(1), true],
    ]);
  });

  it("is closed when its devices fail as soon as it is opened", async () => {
    const { network, bad, ruled } = await pluggedIn();
    bad.devices = [one];
    await network.apply(networking(2), never);
    bad.devices = [];
    bad.whenOpened = [one];
    ruled.length = 0;
    await network.apply(networking(3), never);
    expect(ruled).to.deep.equal(["2,3", "1,2,3", "2,3"]);
    expect(network.failures()).to.deep.equal([one]);
  });

  it("is on no bridge when the kernel takes no rules of it", async () => {
    const { network, bad, ruled, bridged } = await pluggedIn();
    bad.rules.set(ids.port(2), "no such protocol");
    expect(await network.apply(networking(2), never)).to.equal(2);
    expect([ruled, bridged]).to.deep.equal([["1,3"], ["1,3"]]);
    expect(
      network.failures().map(({ of, id, why }) => [of, id, why.endsWith("no such protocol")]),
    ).to.deep.equal([["port", ids.port(2), true]]);
    expect(await failed(network.plugged(ids.port(1), never))).to.equal("nothing");
    expect(await failed(network.plugged(ids.port(2), never))).to.include("no such protocol");
  });

  it("may be a whole network, all ports of which have no rules then", async () => {
    const { network, bad, ruled } = await pluggedIn();
    bad.devices = [{ of: "network", id: ids.network(1), why: "It has no bridge." }];
    await network.apply(networking(2), never);
    expect(ruled).to.deep.equal(["1,2,3", "3"]);
    expect(await failed(network.plugged(ids.port(1), never))).to.include("It has no bridge.");
    expect(await failed(network.plugged(ids.port(3), never))).to.equal("nothing");
  });

  it("may be a router, which closes no port", async () => {
    const { network, bad, ruled } = await pluggedIn();
    bad.routers = [{ of: "router", id: "r", why: "It has no rules." }];
    expect(await network.apply(networking(2), never)).to.equal(2);
    expect(ruled).to.deep.equal(["1,2,3"]);
    expect(network.failures()).to.deep.equal(bad.routers);
    expect(await failed(network.plugged(ids.port(1), never))).to.equal("nothing");
  });
});

describe("Tables of the driver of bridges that somebody removes", () => {
  it("are heard of also while devices cannot be made, and not before there are any", async () => {
    const { network, bad, heard, compare } = await pluggedIn();
    await network.apply(networking(2), never);
    for (const [throws, times] of [["devices", 1] as const, ["rules", 0] as const]) {
      heard.length = 0;
      bad.throws = throws;
      expect(await failed(compare())).to.include(`No ${throws} today.`);
      expect(heard, throws).to.have.length(times);
    }
  });
});
