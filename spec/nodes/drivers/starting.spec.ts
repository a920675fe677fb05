/** What QEMU's driver refuses to start, by value. */
import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { NetworkDevice } from "../../../actors/ports/network.ts";
import {
  closeAll,
  namespaceOf,
  openFor,
  plugsOf,
  refuseElsewhere,
  refuseUnfit,
} from "../../../nodes/drivers/qemu/starting.ts";
import { refuseUnplugged } from "../../../nodes/drivers/unplugged.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { OfferedShapes } from "../../../protocol/shape.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { machineSpec, temporaryDirectory } from "../../support/driver-world.ts";

const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
const offered: OfferedShapes = {
  ...{ versions: [1], machineTypes: [shape.machineType], cpuModels: [shape.cpuModel] },
  ...{ machineType: shape.machineType, cpuModel: shape.cpuModel, aliases: [] },
};
const card = (index: number) => ({
  ...{ portId: `p${index}`, networkId: "n", mac: `52:54:00:00:00:0${index}`, mtuBytes: 1_450 },
});
const cards = (count: number) => Array.from({ length: count }, (_, index) => card(index));
const refusal = (attempt: () => void): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof StatusError && error.reason === "hypervisorRefused") return error.message;
    throw error;
  }
  return "";
};
const unfit = (spec: Partial<MachineSpec>) =>
  refuseUnfit(machineSpec(spec), async () => offered).then(
    () => "",
    (error: unknown) => (error instanceof StatusError ? error.message : String(error)),
  );

describe("a guest with interfaces", () => {
  it("has the shape that has places for them, and no more than these", async () => {
    expect(await unfit({ shape, interfaces: cards(8) })).to.equal("");
    expect(await unfit({ shape, interfaces: [] })).to.equal("");
    expect(await unfit({ interfaces: [] })).to.match(/has interfaces, and no shape/);
    expect(await unfit({ shape, interfaces: cards(9) })).to.match(/8 interfaces at most/);
    expect(await unfit({}), "one of before").to.equal("");
  });

  it("is started where its taps are, if they are in one place", () => {
    const tap = (namespace: string | null) => ({
      ...{ kind: "tap" as const, name: "nvt", namespace, mac: "52:54:00:00:00:01", mtuBytes: 1_450 },
    });
    const stream = { kind: "stream" as const, path: "/s", mac: "52:54:00:00:00:02", mtuBytes: 1_450 };
    expect(namespaceOf({}, "/usual")).to.equal("/usual");
    expect(namespaceOf({ interfaces: [stream] }, "/usual")).to.equal("/usual");
    expect(namespaceOf({ interfaces: [], namespace: "/plugs" }, "/usual"), "for later ones").to.equal(
      "/plugs",
    );
    expect(namespaceOf({ interfaces: [tap("/a")], namespace: "/plugs" }, "/usual")).to.equal("/a");
    expect(namespaceOf({ interfaces: [tap("/a"), stream, tap("/a")] }, "/usual")).to.equal("/a");
    expect(namespaceOf({ interfaces: [tap(null)] }, "/usual")).to.equal(undefined);
    expect(refusal(() => namespaceOf({ interfaces: [tap("/a"), tap(null)] }, "/usual"))).to.match(/several/);
  });

  it("takes no tap of a namespace that its process is not in", async () => {
    const names = new Map([
      ["/proc/7/ns/net", "net:[1]"],
      ["/own", "net:[1]"],
      ["/other", "net:[2]"],
    ]);
    const at = (namespace: string) => ({
      ...{ kind: "tap" as const, name: "nvt", namespace, mac: "52:54:00:00:00:01", mtuBytes: 1_450 },
    });
    const refused = (namespace: string) =>
      refuseElsewhere(7, [at(namespace)], async (path) => names.get(path) ?? "").then(
        () => "",
        ({ message }: Error) => message,
      );
    expect(await refused("/own")).to.equal("");
    expect(await refused("/other")).to.match(/stop it and start it again/);
  });

  it("gets what it may not open itself open, in the order in which its process counts it", async () => {
    const [one, other] = [await temporaryDirectory(), await temporaryDirectory()];
    const [first, second] = [join(one.path, "first"), join(other.path, "second")];
    for (const path of [first, second]) writeFileSync(path, "");
    const about = { mac: "52:54:00:00:00:01", mtuBytes: 1_450 };
    const devices: NetworkDevice[] = [
      { kind: "macvtap", path: first, ...about },
      { kind: "stream", path: "/guests/i/s", ...about },
      { kind: "macvtap", path: second, ...about },
    ];
    const opened = await openFor({ interfaces: devices });
    const named = opened.map(({ fd }) => readlinkSync(`/proc/self/fd/${fd}`));
    expect(named).to.deep.equal([first, second]);
    expect(plugsOf(machineSpec({ shape, interfaces: cards(3) }), devices, "/guests/i")).to.deep.equal([
      // The fourth descriptor is the lease's.
      { place: 0, plug: { kind: "macvtap", descriptor: 4 } },
      { place: 1, plug: { kind: "stream", path: "s" } },
      { place: 2, plug: { kind: "macvtap", descriptor: 5 } },
    ]);
    await closeAll(opened);
    await other.remove();
    const fds = () => readdirSync("/proc/self/fd").length;
    const before = fds();
    const why = await openFor({ interfaces: devices }).catch((error: unknown) => error);
    expect(why).to.include({ reason: "hypervisorRefused" });
    expect(fds(), "nothing stays open").to.equal(before);
    await one.remove();
  });

  it("is plugged into each of them in their order, and into what its hypervisor can open", () => {
    const spec = machineSpec({ shape, interfaces: cards(2) });
    const stream = ({ mac, mtuBytes }: ReturnType<typeof card>) => ({
      ...{ kind: "stream" as const, path: "/s", mac, mtuBytes },
    });
    const paths = { directory: "/", disk: undefined, kernel: undefined, ramdisk: undefined };
    const [one, other] = cards(2).map(stream);
    if (one === undefined || other === undefined) throw new Error("There are two.");
    const plugged = (interfaces: readonly (typeof one)[]) =>
      refusal(() => refuseUnplugged(spec, { ...paths, interfaces }, ["stream"]));
    expect(plugged([one, other])).to.equal("");
    for (const wrong of [[], [one], [other, one], [one, other, other]])
      expect(plugged(wrong)).to.match(/is not plugged into its ports/);
    expect(refusal(() => refuseUnplugged(spec, paths, ["stream"]))).to.match(/not plugged/);
    expect(refusal(() => refuseUnplugged(spec, { ...paths, interfaces: [one, other] }, ["tap"]))).to.match(
      /into tap, and its host's network offers stream/,
    );
    expect(
      refusal(() => refuseUnplugged(machineSpec(), paths, ["tap"])),
      "one of before",
    ).to.equal("");
  });
});
