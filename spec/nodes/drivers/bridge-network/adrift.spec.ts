/** Which taps a guest has lost, and which only wait for one; by a fabric of parts, which is empty. */
import { expect } from "chai";
import type { Fabric } from "../../../../nodes/drivers/bridge-network/fabric.ts";
import { planOf } from "../../../../nodes/drivers/bridge-network/plan.ts";
import { Settler } from "../../../../nodes/drivers/bridge-network/settler.ts";
import { networkPicture, portPicture, portRecord } from "../../../support/fabric-pictures.ts";
import { silentLog } from "../../../support/silent-log.ts";

const never = new AbortController().signal;
const tap = "nvt00000000a001";
const networking = { version: 1, groups: [], networks: [networkPicture([portPicture(1)])] };
// The bridge is somebody else's business here.
const plan = {
  ...planOf({ networking, underlay: null, services: [], ports: [portRecord(1)] }),
  ...{ bridges: [], places: [], neighbours: [] },
};

/** `plugs`: the taps where hypervisors open them, and whether one has opened each. */
function makeSettler() {
  const plugs = new Map<string, boolean>();
  const linkOf = ([ifname, isOpen]: [string, boolean]) => ({
    ...{ ifname, flags: isOpen ? ["UP", "LOWER_UP"] : ["NO-CARRIER", "UP"], mtu: 1_500 },
    linkinfo: { info_kind: "tun", info_data: { type: "tap", user: 0 } },
  });
  const answering = (links: ReadonlyMap<string, boolean>) => (_: string, __: unknown, given: object) => {
    const lines = "input" in given ? String(given.input).trim().split("\n") : [];
    const said = lines.map((line) => {
      const name = / show dev (\S+)$/.exec(line)?.[1];
      if (name === undefined) return { output: JSON.stringify([...links].map(linkOf)), errors: "" };
      const isOpen = links.get(name);
      return isOpen === undefined
        ? { output: "", errors: `Device "${name}" does not exist.` }
        : { output: JSON.stringify([linkOf([name, isOpen])]), errors: "" };
    });
    for (const line of lines) {
      const made = /^tuntap add dev (\S+)/.exec(line)?.[1];
      if (made !== undefined) plugs.set(made, false);
    }
    const [output, errors] = (["output", "errors"] as const).map((one) =>
      said.map((of) => of[one]).join("\n"),
    );
    return Promise.resolve({ exitCode: 0, output, errors });
  };
  const fabric: unknown = {
    ...{ path: async () => "/nowhere", directory: "/nowhere", underlay: {} },
    ...{ run: answering(new Map()), runAmongPlugs: answering(plugs), runAtUnderlay: answering(new Map()) },
  };
  const settler = new Settler(fabric as Fabric, silentLog);
  return { settler, plugs, settle: () => settler.settle(plan, never) };
}

describe("A tap that is not where packets pass", () => {
  it("is one that a guest has lost, when it was there in another life of the agent", async () => {
    const { settler, settle } = makeSettler();
    expect(await settle()).to.deep.equal([]);
    expect(settler.isAdrift(tap)).to.equal(true);
  });

  it("is none such while it waits for its first hypervisor, and is when that has not opened it", async () => {
    const { settler, settle } = makeSettler();
    await settler.ensureTap(tap, 0, true);
    await settler.takeOpened(plan);
    await settle();
    expect(settler.isAdrift(tap)).to.equal(false);
    const moved = await settler.moveTap(tap).catch(String);
    expect(moved).to.include("No hypervisor has opened the tap");
    expect(settler.isAdrift(tap)).to.equal(true);
  });

  it("is one that a guest has lost, also when it is made again for a port that was there", async () => {
    const { settler, settle } = makeSettler();
    await settler.ensureTap(tap, 0, false);
    await settler.takeOpened(plan);
    await settle();
    expect(settler.isAdrift(tap)).to.equal(true);
  });

  it("may be lost again as soon as a hypervisor has opened it", async () => {
    const { settler, plugs, settle } = makeSettler();
    await settler.ensureTap(tap, 0, true);
    plugs.set(tap, true);
    await settler.takeOpened(plan);
    await settle();
    expect(settler.isAdrift(tap)).to.equal(true);
  });
});
