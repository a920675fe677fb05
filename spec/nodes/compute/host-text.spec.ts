/** What tools say of a computer becomes what a controller takes of a host. */
import { expect } from "chai";
import { oneLine } from "../../../nodes/compute/host-text.ts";
import { saidDrivers } from "../../../nodes/compute/said-drivers.ts";
import { HostInventory } from "../../../protocol/machine.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import { inventoryOf } from "../../support/scripted-host.ts";

describe("compute: texts of a host about itself", () => {
  for (const text of [
    "no KVM:\n  /dev/kvm is missing\u0007",
    "10.1\u202e\u200b\u2028 (x)",
    "half \ud801",
    `${"x".repeat(1_023)}𝄞 and more`,
    "y".repeat(100_000),
    "",
  ])
    it(`are taken whatever is in them: ${JSON.stringify(text.slice(0, 24))}`, () => {
      const said = { acceleratorReason: oneLine(text), hypervisorVersion: oneLine(text) };
      expect(validatorOf(HostInventory).explain(inventoryOf("h1", said))).to.equal("");
    });

  it("are taken of what bounds guests, too, and are absent where nothing could", () => {
    const names = { hypervisor: "qemu", disks: "files", network: null, volumes: null };
    const able = {
      networks: [],
      volumes: [],
      hotPlug: false,
      liveMigration: false,
      console: true,
      save: false,
    };
    const version = { kind: "qemu", accelerator: "tcg", acceleratorReason: "", version: "10.1" };
    const by = { memory: "v1", processes: "v2", cpu: "none", freezer: "v2" } as const;
    const bounding = { ...by, why: `no cpu controller:\n${"x".repeat(5_000)}` };
    const drivers = saidDrivers(names, { ...version, ...able, bounding });
    expect(drivers.bounding).to.deep.include(by);
    expect(drivers.bounding?.why).to.match(/^no cpu controller: x+$/);
    expect(validatorOf(HostInventory).explain(inventoryOf("h1", { drivers }))).to.equal("");
    expect(saidDrivers(names, { ...version, ...able })).to.deep.equal({ ...names, abilities: able });
    const network = { kind: "user", mtuBytesMax: 1_000_000, spansHosts: true, underlay: "a host's name" };
    const said = saidDrivers(names, { ...version, ...able }, network);
    expect(said.networking).to.deep.equal({ mtuBytesMax: 65_535, spansHosts: true, underlay: null });
    const { networking } = saidDrivers(names, { ...version, ...able }, { ...network, underlay: "192.0.2.1" });
    expect(networking?.underlay).to.equal("192.0.2.1");
    const alone = { physicalNetworks: ["provider"], overlays: false, filters: false, hotPlug: false };
    const { networking: theirs } = saidDrivers(names, { ...version, ...able }, { ...network, ...alone });
    expect(theirs).to.include({ overlays: false, filters: false, hotPlug: false });
    expect(theirs?.physicalNetworks).to.deep.equal(["provider"]);
    expect(validatorOf(HostInventory).explain(inventoryOf("h1", { drivers: said }))).to.equal("");
  });

  it("stay what they are when nothing is wrong with them", () => {
    expect(oneLine("QEMU 10.1.0 (Débian)")).to.equal("QEMU 10.1.0 (Débian)");
  });
});
