/** No tap comes on a bridge before its rules are in the kernel, by a driver whose parts only take notes. */
import { expect } from "chai";
import { BridgeNetwork, type BridgeNetworkParts } from "../../../../nodes/drivers/bridge-network/network.ts";
import type { FabricPlan } from "../../../../nodes/drivers/bridge-network/plan.ts";
import type { PortRecord } from "../../../../nodes/drivers/user-network/ports.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { networkPicture, portPicture, portRecord } from "../../../support/fabric-pictures.ts";
import { silentLog } from "../../../support/silent-log.ts";

const never = new AbortController().signal;
const nothing = async () => undefined;

function makeDriver() {
  const notes: string[] = [];
  const records = new Map<string, PortRecord>();
  const state = { refuses: false, isFull: false };
  const networking = { version: 1, groups: [], networks: [networkPicture([portPicture(1)])] };
  const onBridge = ({ taps }: FabricPlan) => taps.filter(({ bridge }) => bridge !== null).length;
  const parts: unknown = {
    facts: () => ({ kind: "bridge", mtuBytesMax: 1_450, spansHosts: false }),
    ...{
      ready: nothing,
      log: silentLog,
      rounds: { start: () => undefined, stop: () => undefined, soon: () => undefined },
    },
    files: {
      tell: async () => undefined,
      ...{ removeLeftovers: nothing, read: async () => [...records.values()] },
      write: async (record: PortRecord) => void records.set(record.portId, record),
      remove: async (id: string) => void records.delete(id),
    },
    picture: {
      read: async () => networking,
      write: async () => {
        if (state.isFull) throw new StatusError("diskFull", "No space is left.");
      },
    },
    fabric: { open: nothing, plugsPath: async () => "/nowhere" },
    settler: {
      settle: async (plan: FabricPlan) => {
        notes.push(`${onBridge(plan)} on bridges`);
        return [];
      },
      ...{ takeOpened: nothing, ensureTap: nothing, removeTap: nothing },
      moveTap: async () => void notes.push("moved"),
    },
    limiter: { settle: async () => [] },
    routing: { probe: nothing, facts: () => undefined, settle: async () => [], detach: nothing },
    filter: {
      detach: nothing,
      apply: async () => {
        if (state.refuses) throw new Error("The kernel refuses.");
        notes.push("rules");
        return [];
      },
    },
  };
  return { network: new BridgeNetwork(parts as BridgeNetworkParts), notes, state };
}

const failed = (verb: Promise<unknown>) =>
  verb.then(
    () => "nothing",
    (error: unknown) => String(error),
  );

describe("The driver of bridges, whose rules the kernel refuses", () => {
  it("asks for them again, and puts no tap on a bridge until they are in", async () => {
    const { network, notes, state } = makeDriver();
    await network.list();
    notes.length = 0;
    state.refuses = true;
    const { portId } = portRecord(1);
    for (let times = 0; times < 2; times += 1) {
      expect(await failed(network.ensurePort(portRecord(1), never))).to.include("refuses");
      expect(await failed(network.plugged(portId, never))).to.include("refuses");
    }
    expect(notes).to.deep.equal([]);
    state.refuses = false;
    await network.ensurePort(portRecord(1), never);
    await network.plugged(portId, never);
    expect(notes).to.deep.equal(["rules", "1 on bridges", "moved", "1 on bridges"]);
  });

  it("asks for them when a picture came whose rules were refused", async () => {
    const { network, notes, state } = makeDriver();
    await network.ensurePort(portRecord(1), never);
    state.refuses = true;
    const networking = { version: 2, groups: [], networks: [networkPicture([portPicture(1)])] };
    await network.apply(networking, never).catch(() => undefined);
    notes.length = 0;
    expect(await failed(network.plugged(portRecord(1).portId, never))).to.include("refuses");
    state.refuses = false;
    await network.plugged(portRecord(1).portId, never);
    expect(notes).to.deep.equal(["rules", "1 on bridges", "moved", "1 on bridges"]);
  });

  it("carries a picture out that the disk has no room for, and says that it is not kept", async () => {
    const { network, notes, state } = makeDriver();
    await network.ensurePort(portRecord(1), never);
    notes.length = 0;
    state.isFull = true;
    const none = { version: 2, groups: [], networks: [] };
    expect(await failed(network.apply(none, never))).to.include("No space");
    expect(notes).to.deep.equal(["rules", "0 on bridges"]);
    state.isFull = false;
    expect(await network.apply(none, never)).to.equal(2);
  });
});
