/** The status of the ports of deleted instances: how much is read for a list of them, and what is said. */
import { expect } from "chai";
import { passageLimits } from "../../../../actors/control/passage/limits.ts";
import { portStates } from "../../../../actors/control/passage/port-states.ts";
import type { Port } from "../../../../protocol/port.ts";
import * as rows from "../../../support/store-rows.ts";

const portOf = (n: number, deviceId = `i${n}`): Port => ({
  ...{ id: `p${n}`, project: "demo", name: `p${n}`, networkId: "n", mac: "52:54:00:00:00:01" },
  ...{ portSecurity: true, addressPairs: [], bandwidth: null, createdAtMs: 0, device: "instance", deviceId },
  ...{ deleteWithInstance: true, addresses: [], securityGroupIds: [] },
});

const deletedOf = (id: string) =>
  rows.instance(id, { desired: "deleted", state: "deleting", hostId: "h1", interfaces: [rows.plugged("p")] });

/** Asks about ports whose instances are deleted, on a host that is silent. */
async function asked(ports: readonly Port[]) {
  const loads: string[] = [];
  const states = portStates({
    store: {
      instances: {
        list: async ({ ids = [] }) => ({
          rows: ids.map((id) => ({ instance: deletedOf(id), machine: undefined })),
          nextMarker: undefined,
        }),
        load: async (id) => {
          loads.push(id);
          const claims = [rows.claim(id, "h1")];
          return { instance: deletedOf(id), machines: [], claims, operation: undefined };
        },
      },
    },
    directory: {
      facts: () => undefined,
      alive: () => false,
      heldBy: (name) => ({ name, silence: "silent" }),
    },
    hostAgent: () => {
      throw new Error("A silent host is not asked.");
    },
  });
  const said = await states(ports, { project: "demo", signal: new AbortController().signal });
  return { loads, said };
}

describe("the status of deleted instances' ports", () => {
  it("says of one why it is still held", async () => {
    const { loads, said } = await asked([portOf(1)]);
    expect(loads).to.deep.equal(["i1"]);
    expect(said.get("p1")?.statusReason).to.include("name-of-i1 is deleted, but the host h1 is silent");
  });

  it("reads an instance once, whichever of its ports are listed", async () => {
    const { loads, said } = await asked([portOf(1), portOf(2, "i1")]);
    expect(loads).to.deep.equal(["i1"]);
    expect(said.get("p2")).to.deep.equal(said.get("p1"));
  });

  it("reads no more instances for a long list than for a short one, and all of it has a status", async () => {
    const ports = Array.from({ length: 500 }, (_, n) => portOf(n));
    const { loads, said } = await asked(ports);
    expect(loads).to.have.length(passageLimits.heldInstancesMax);
    expect(said.get("p0")?.statusReason).to.include("is deleted");
    expect([...said.values()].map(({ status }) => status)).to.deep.equal(ports.map(() => "unknown"));
  });
});
