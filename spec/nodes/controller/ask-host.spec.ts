/** A controller's `ensure` to a host's agent, and the words that the agent must know. */
import { expect } from "chai";
import { workEffects } from "../../../actors/control/instance/state.ts";
import type { InstanceRecord } from "../../../actors/records/instance.ts";
import { askHost } from "../../../nodes/controller/ask-host.ts";
import type { MachineIntent } from "../../../protocol/machine.ts";
import { newborn } from "../../support/instances.ts";
import { machine } from "../../support/store-rows.ts";

const numa = { dedicated: true, nodes: [{ node: 0, vcpus: 1, memoryMib: 64 }] };

const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };

interface Wanted {
  readonly leaseEpoch: number;
  readonly bound?: boolean;
  readonly machineType?: string;
  readonly shape?: InstanceRecord["shape"];
  readonly intent?: Partial<MachineIntent>;
}

/** The lease epoch and the needs of the request. */
async function askedOf({ leaseEpoch, bound = false, machineType, shape = null, intent }: Wanted) {
  const loaded = newborn(1, { leaseEpoch });
  const claims = loaded.claims.map((claim) => ({ ...claim, numa: bound ? numa : null }));
  const { image } = loaded.instance;
  const extra = machineType === undefined ? {} : { extra: { hw_machine_type: machineType } };
  const properties: InstanceRecord["image"]["properties"] = { ...image.properties, ...extra };
  const instance = { ...loaded.instance, image: { ...image, properties }, shape };
  const [effect] = workEffects({ ...loaded, instance, claims });
  if (effect?.kind !== "ensure") throw new Error("Its host is told.");
  const { kind: _, hostId: __, ...asked } = effect;
  const heard: unknown[] = [];
  const host = {
    ensure: async (request: { readonly leaseEpoch: number; readonly needs: readonly string[] }) => {
      heard.push([request.leaseEpoch, ...request.needs]);
      return { observation: machine("i") };
    },
  };
  await askHost(host, { ...asked, intent: { ...asked.intent, ...intent } });
  expect(heard).to.have.length(1);
  return heard[0];
}

describe("what a controller asks of a host's agent", () => {
  const cases: readonly (readonly [string, Wanted, readonly unknown[]])[] = [
    ["a plain guest", { leaseEpoch: 0 }, [0]],
    ["a guest under a lease", { leaseEpoch: 3 }, [3, "lease"]],
    ["a guest with CPUs of its own", { leaseEpoch: 0, bound: true }, [0, "binding"]],
    ["a guest of a machine type", { leaseEpoch: 3, machineType: "q35" }, [3, "lease", "machineType"]],
    ["a guest of a shape", { leaseEpoch: 0, machineType: "q35", shape }, [0, "shape"]],
    ["a guest of a shape that goes", { leaseEpoch: 0, shape, intent: { power: "deleted" } }, [0]],
    [
      "a guest that is to be down",
      { leaseEpoch: 3, bound: true, intent: { power: "stopped" } },
      [3, "lease", "binding"],
    ],
    [
      "a guest that goes, with all it has",
      { leaseEpoch: 3, bound: true, machineType: "q35", intent: { power: "deleted" } },
      [0],
    ],
    [
      "a guest that goes elsewhere, and leaves its disk",
      { leaseEpoch: 3, bound: true, intent: { power: "deleted", keepDisk: true } },
      [3, "lease"],
    ],
  ];
  for (const [what, wanted, asked] of cases)
    it(`of ${what}: ${asked.slice(1).join(", ") || "nothing that not every agent knows"}`, async () => {
      expect(await askedOf(wanted)).to.deep.equal(asked);
    });
});
