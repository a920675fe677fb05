/** Ports whose rules the kernel has refused are tried again after growing pauses, or when changed. */
import { expect } from "chai";
import type { FilterState } from "../../../../nodes/drivers/bridge-network/filter.ts";
import { bridgeNetworkLimits } from "../../../../nodes/drivers/bridge-network/limits.ts";
import { nobody, Refusals } from "../../../../nodes/drivers/bridge-network/rules/refusals.ts";
import type { GroupPicture, PortPicture } from "../../../../protocol/networking.ts";
import { ids, networkPicture, portPicture, portRecord } from "../../../support/fabric-pictures.ts";
import { rule } from "../../../support/switch-world.ts";

const { refusedRetryMsMin: firstMs, refusedRetryMsMax: lastMs } = bridgeNetworkLimits;
const [one, other] = [ids.port(1), ids.port(2)];
const bad: GroupPicture = { id: "bad", members: [], rules: [rule({ remoteGroupId: "far" })] };
const far: GroupPicture = { id: "far", members: ["10.9.0.7/32"], rules: [] };

const state = (
  first: Partial<PortPicture> = {},
  groups: readonly GroupPicture[] = [bad, far],
): FilterState => ({
  networking: {
    ...{ version: 1, groups },
    networks: [networkPicture([{ ...portPicture(1, ["bad"]), ...first }, portPicture(2)])],
  },
  ports: [portRecord(1), portRecord(2)],
});
const said = (...portIds: string[]) => new Map(portIds.map((id) => [id, "no such protocol"]));

describe("ports whose rules the kernel has refused", () => {
  it("are tried again after a pause that grows up to a bound, and wait in between", () => {
    const refusals = new Refusals();
    let nowMs = 1_000;
    refusals.remember(said(one), nobody, state(), nowMs);
    const pausesMs: number[] = [firstMs];
    for (let pauseMs: number = 2 * firstMs; pauseMs < lastMs; pauseMs *= 2) pausesMs.push(pauseMs);
    for (const pauseMs of [...pausesMs, lastMs, lastMs]) {
      const early = refusals.split(state(), nowMs + pauseMs - 1);
      expect([early.waiting, early.due.size]).to.deep.equal([said(one), 0]);
      nowMs += pauseMs;
      const { waiting, due } = refusals.split(state(), nowMs);
      expect([waiting.size, [...due]]).to.deep.equal([0, [one]]);
      refusals.remember(said(one), waiting, state(), nowMs);
    }
  });

  it("wait on while others are refused, and are forgotten when they are taken or gone", () => {
    const refusals = new Refusals();
    refusals.remember(said(one), nobody, state(), 0);
    const { waiting } = refusals.split(state(), 1);
    refusals.remember(said(one, other), waiting, state(), 1);
    expect([...refusals.split(state(), firstMs).due]).to.deep.equal([one]);
    expect([...refusals.split(state(), firstMs + 1).due]).to.deep.equal([one, other]);
    const without = { ...state(), ports: [portRecord(2)] };
    expect(refusals.split(without, 2)).to.deep.equal({ waiting: said(other), due: new Set() });
    refusals.remember(nobody, nobody, state(), 3);
    expect([refusals.all, refusals.split(state(), 4).due.size]).to.deep.equal([nobody, 0]);
  });

  it("are tried at once when their picture has changed, from the first pause on", () => {
    const changes = {
      port: state({ addressPairs: [{ cidr: "10.9.0.9/32", mac: null }] }),
      plug: { ...state(), ports: [{ ...portRecord(1), hostName: "another" }, portRecord(2)] },
      group: state({}, [{ ...bad, rules: [] }, far]),
      "group of a rule": state({}, [bad, { ...far, members: ["10.9.0.8/32"] }]),
      network: {
        ...state(),
        networking: {
          ...{ version: 1, groups: [bad, far] },
          networks: [{ ...networkPicture([portPicture(1, ["bad"]), portPicture(2)]), number: 4_000 }],
        },
      },
    };
    for (const [what, changed] of Object.entries(changes)) {
      const refusals = new Refusals();
      refusals.remember(said(one), nobody, state(), 0);
      refusals.remember(said(one), nobody, state(), firstMs);
      expect([...refusals.split(changed, firstMs).due], what).to.deep.equal([one]);
      refusals.remember(said(one), nobody, changed, firstMs);
      expect([...refusals.split(changed, 2 * firstMs).due], what).to.deep.equal([one]);
    }
  });

  it("wait on whatever changes of other ports", () => {
    const refusals = new Refusals();
    refusals.remember(said(one), nobody, state(), 0);
    const networks = [networkPicture([portPicture(1, ["bad"]), portPicture(3)])];
    const changed = { ...state(), networking: { version: 2, groups: [bad, far], networks } };
    expect(refusals.split(changed, 1)).to.deep.equal({ waiting: said(one), due: new Set() });
  });
});
