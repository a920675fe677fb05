/**
 * The contract of every network driver: ports by owner epoch, each plugged into a device that
 * stays the same. The bench does what happens from outside.
 */
import { expect } from "chai";
import type { Network, NetworkDevice, PortSpec, ToldGuest } from "../../actors/ports/network.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import type { Bandwidth } from "../../protocol/port.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { keeperContract } from "./keeper-contract.ts";

export interface NetworkBench {
  readonly network: Network;
  /** Opens the device, as a hypervisor of the port's instance does. Absent: nobody has to. */
  openDevice?(device: NetworkDevice, port: PortSpec): Promise<void>;
  /** What the driver says to whoever asks from the port. Absent: its guests have nobody to ask. */
  toldTo?(port: PortSpec): Promise<ToldGuest | undefined>;
  /** The driver of the agent's next life, on the same host. */
  restartAgent(): Promise<Network>;
  close(): Promise<void>;
}

export interface NetworkContract {
  readonly name: string;
  makeBench(): Promise<NetworkBench>;
  /** That of all ports, for a driver that carries no other networks. Absent: ports are on none. */
  readonly physicalNetwork?: string;
  /** Time-out of each test. */
  readonly timeoutMs: number;
}

const never = new AbortController().signal;
const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
  );

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const numbered = (number: number, given: Partial<PortSpec> = {}): PortSpec => {
  const tail = number.toString(16).padStart(2, "0");
  const [portId, instanceId] = [`port-${number}`, `instance-${number}`];
  const mac = `52:54:00:00:01:${tail}`;
  const [networkId, hostName] = ["network-1", `guest-${number}`];
  return { ...{ portId, networkId, instanceId, ownerEpoch: 1, hostName, mac, mtuBytes: 1_400 }, ...given };
};

const pictureOfPort = (
  port: PortSpec,
  bandwidth: Bandwidth | undefined,
): Omit<HostNetworking, "version"> => ({
  networks: [
    {
      ...{ id: port.networkId, number: 77, mtuBytes: port.mtuBytes, subnets: [] },
      ...(port.physicalNetwork === undefined ? {} : { physicalNetwork: port.physicalNetwork }),
      ports: [
        {
          ...{ id: port.portId, instanceId: port.instanceId, mac: port.mac, addresses: [] },
          ...{ portSecurity: true, addressPairs: [], groupIds: [], ...(bandwidth && { bandwidth }) },
        },
      ],
    },
  ],
  groups: [],
});

export function networkContract({ name, makeBench, physicalNetwork, timeoutMs }: NetworkContract): void {
  const portOf = (number: number, given: Partial<PortSpec> = {}) =>
    numbered(number, { physicalNetwork, ...given });
  let made = 0;
  keeperContract({
    name,
    timeoutMs,
    makeBench: async () => {
      const bench = await makeBench();
      return {
        keeper: bench.network,
        keep: async (ownerEpoch) => {
          made += 1;
          const port = portOf(made % 250, { ownerEpoch });
          await bench.network.ensurePort(port, never);
          return port;
        },
        restartAgent: () => bench.restartAgent(),
        close: () => bench.close(),
      };
    },
  });

  describe(`${name} keeps the network port's promises`, function () {
    this.timeout(timeoutMs);
    let bench: NetworkBench;
    let network: Network;
    beforeEach(async () => {
      bench = await makeBench();
      network = bench.network;
    });
    afterEach(() => bench.close());

    it("says what it is", async () => {
      const facts = await network.facts();
      expect(facts.kind).to.match(/^[a-z][a-z0-9-]*$/);
      expect(facts.mtuBytesMax).to.be.within(1_280, 65_535);
      expect(facts.spansHosts).to.be.a("boolean");
      const { physicalNetworks = [], overlays = true } = facts;
      expect(overlays || physicalNetworks.length > 0, "it carries a network").to.equal(true);
      if (physicalNetwork !== undefined) expect(physicalNetworks).to.include(physicalNetwork);
    });

    it("plugs a port into a device that has its address and size, and a name that Linux takes", async () => {
      const port = portOf(1);
      const device = await network.ensurePort(port, never);
      expect(device).to.include({ mac: port.mac, mtuBytes: port.mtuBytes });
      if (device.kind === "macvtap") expect(device.path).to.match(/^\//);
      if (device.kind !== "tap") return;
      expect(device.name).to.match(/^[A-Za-z0-9_.-]{1,15}$/);
      expect(device.namespace === null || device.namespace.startsWith("/")).to.equal(true);
    });

    it("gives every port a device of its own, and the same one when it is asked again, or by the next life", async () => {
      const one = await network.ensurePort(portOf(1), never);
      const other = await network.ensurePort(portOf(2), never);
      expect(one).not.to.deep.equal(other);
      expect(await network.ensurePort(portOf(1), never)).to.deep.equal(one);
      expect(await (await bench.restartAgent()).ensurePort(portOf(1), never)).to.deep.equal(one);
      expect(await network.list()).to.have.length(2);
    });

    it("hears that a device was opened, again and again, and by the next life", async () => {
      const port = portOf(1);
      const device = await network.ensurePort(port, never);
      await bench.openDevice?.(device, port);
      for (const _ of ["once", "twice"]) await network.plugged(port.portId, never);
      expect(await network.ensurePort(port, never)).to.deep.equal(device);
      const next = await bench.restartAgent();
      await next.plugged(port.portId, never);
      expect(await next.ensurePort(port, never)).to.deep.equal(device);
    });

    it("knows what the guest of a port is told, as of the newest wish, until the port goes", async function () {
      const { toldTo } = bench;
      if (toldTo === undefined) return this.skip();
      const told = (hostname: string): ToldGuest => ({
        ...{ project: "demo", name: "web", portIds: ["port-1", "port-2"] },
        data: {
          ...{ hostname, availabilityZone: "nova", launchIndex: 0, metadata: {}, publicKeys: [] },
          ...{ userData: "c2VjcmV0", configDrive: false },
        },
      });
      const port = portOf(1);
      await network.ensurePort(port, never);
      expect(await toldTo(port)).to.equal(undefined);
      for (const name of ["first", "second", "second"]) {
        await network.ensurePort({ ...port, told: told(name) }, never);
        expect(await toldTo(port)).to.deep.equal(told(name));
      }
      expect(JSON.stringify(await network.list())).not.to.include("c2VjcmV0");
      const next = await bench.restartAgent();
      await next.list();
      expect(await toldTo(port)).to.deep.equal(told("second"));
      const other = { ...port, instanceId: "instance-9" };
      await next.ensurePort(other, never);
      expect(await toldTo(other)).to.equal(undefined);
      await next.ensurePort({ ...other, told: told("third") }, never);
      await next.releasePort(port.portId, 1, never);
      expect(await toldTo(other)).to.equal(undefined);
    });

    it("counts of its own ports alone, in whole numbers, what has passed them, and changes nothing", async function () {
      if (network.traffic === undefined) return this.skip();
      expect(await network.traffic(never)).to.deep.equal([]);
      const port = portOf(1);
      const device = await network.ensurePort(port, never);
      await network.apply({ ...pictureOfPort(port, undefined), version: 1 }, never);
      await bench.openDevice?.(device, port);
      await network.plugged(port.portId, never);
      const held = await network.list();
      for (const one of [network, await bench.restartAgent()]) {
        const counted = (await one.traffic?.(never)) ?? [];
        expect([[], [port.portId]]).to.deep.include(counted.map(({ portId }) => portId));
        for (const { agoMs, ingress, egress } of counted)
          for (const number of [agoMs, ingress.packets, ingress.bytes, egress.packets, egress.bytes])
            expect(number).to.satisfy(isCount);
        for (const { ingress, egress } of counted)
          for (const dropped of [...Object.values(ingress.dropped), ...Object.values(egress.dropped)])
            expect(dropped === null || isCount(dropped)).to.equal(true);
        network = one;
      }
      expect(await network.list()).to.deep.equal(held);
      await network.releasePort(port.portId, port.ownerEpoch, never);
      expect(await network.traffic?.(never)).to.deep.equal([]);
      const error = await network.traffic?.(AbortSignal.abort()).catch((one: unknown) => one);
      expect(error).to.have.property("name", "AbortError");
    });

    it("applies newer pictures, again the same, and none that is older, whoever applied the newer one", async () => {
      const at = (version: number) => ({ version, networks: [], groups: [] });
      expect(await network.apply(at(7), never)).to.equal(7);
      expect(await network.apply(at(7), never)).to.equal(7);
      expect(await network.apply(at(6), never)).to.equal(7);
      const next = await bench.restartAgent();
      expect(await next.apply(at(5), never)).to.equal(7);
      expect(await next.apply(at(9), never)).to.equal(9);
    });

    it("takes bandwidth limits on, changes them and takes them away, and so does the next life", async () => {
      const port = portOf(1);
      const device = await network.ensurePort(port, never);
      await bench.openDevice?.(device, port);
      await network.plugged(port.portId, never);
      const limit = { kilobitsPerSecond: 20_000, burstKilobits: 2_000 };
      const limits = [{ ingress: limit, egress: limit }, { ingress: null, egress: limit }, undefined];
      for (const [at, bandwidth] of limits.entries()) {
        const picture = { ...pictureOfPort(port, bandwidth), version: at + 1 };
        expect(await network.apply(picture, never)).to.equal(at + 1);
        const next = await bench.restartAgent();
        expect(await next.apply(picture, never)).to.equal(at + 1);
        network = next;
      }
    });

    for (const guests of [false, true])
      it(`keeps ports and picture when the agent ends ${guests ? "with" : "without"} its guests`, async () => {
        const device = await network.ensurePort(portOf(1), never);
        await network.apply({ version: 7, networks: [], groups: [] }, never);
        for (const _ of ["once", "twice"]) await network.detach(guests);
        const next = await bench.restartAgent();
        expect(await next.list()).to.have.length(1);
        expect(await next.apply({ version: 6, networks: [], groups: [] }, never)).to.equal(7);
        const again = await next.ensurePort(portOf(1), never);
        // Without guests nobody is in the namespace any more: it may be another one.
        const isElsewhere = guests && device.kind === "tap" && again.kind === "tap";
        expect(again).to.deep.equal(isElsewhere ? { ...device, namespace: again.namespace } : device);
      });

    it("gives a port to a newer owner epoch, and refuses an older one from then on", async () => {
      await network.ensurePort(portOf(1), never);
      const moved = portOf(1, { ownerEpoch: 2, mtuBytes: 1_300 });
      expect((await network.ensurePort(moved, never)).mtuBytes).to.equal(1_300);
      expect(await reasonOf(network.ensurePort(portOf(1), never))).to.equal("staleEpoch");
      expect((await network.list()).map(({ ownerEpoch }) => ownerEpoch)).to.deep.equal([2]);
    });

    it("gives a port to another instance, whose owner epochs are its own, and keeps it when the first goes", async () => {
      await network.ensurePort(portOf(1, { ownerEpoch: 5 }), never);
      const [left] = await network.list();
      const other = portOf(1, { instanceId: "instance-9", mtuBytes: 1_300 });
      expect((await network.ensurePort(other, never)).mtuBytes).to.equal(1_300);
      if (left !== undefined) await network.release(left, never);
      expect((await network.list()).map(({ instanceId }) => instanceId)).to.deep.equal(["instance-9"]);
    });

    it("releases a port of this owner epoch or an earlier one, also twice, and no later one", async () => {
      await network.ensurePort(portOf(1, { ownerEpoch: 2 }), never);
      await network.ensurePort(portOf(2), never);
      await network.releasePort("port-1", 1, never);
      expect(await network.list()).to.have.length(2);
      for (const _ of [1, 2]) await network.releasePort("port-1", 2, never);
      await network.releasePort("port-3", 1, never);
      expect((await network.list()).map(({ instanceId }) => instanceId)).to.deep.equal(["instance-2"]);
    });

    it("releases the instance's other ports, of this owner epoch or an earlier one, and nobody else's", async () => {
      const of = (number: number, ownerEpoch = 2) =>
        network.ensurePort(portOf(number, { instanceId: "instance-1", ownerEpoch }), never);
      const devices = [await of(1), await of(2), await of(3, 1), await of(4, 3)];
      await network.ensurePort(portOf(5), never);
      const kept = { instanceId: "instance-1", ownerEpoch: 2, portIds: ["port-1", "port-9"] };
      for (const _ of ["once", "twice"]) await network.releaseOthers(kept, never);
      const left = (await network.list()).map(({ instanceId, ownerEpoch }) => `${instanceId} ${ownerEpoch}`);
      expect(left.sort()).to.deep.equal(["instance-1 2", "instance-1 3", "instance-5 1"]);
      expect(await of(1)).to.deep.equal(devices[0]);
    });

    it("makes nothing for a port that is larger than it carries", async () => {
      const { mtuBytesMax } = await network.facts();
      const large = portOf(1, { mtuBytes: mtuBytesMax + 1 });
      expect(await reasonOf(network.ensurePort(large, never))).to.equal("hypervisorRefused");
      expect(await network.list()).to.deep.equal([]);
    });

    it("makes nothing for a port of a network that it does not carry", async () => {
      const { overlays = true } = await network.facts();
      const strange = ["a-physical-network-that-is-not-here", ...(overlays ? [] : [undefined])];
      for (const other of strange) {
        const port = portOf(1, { physicalNetwork: other });
        expect(await reasonOf(network.ensurePort(port, never)), String(other)).to.equal("hypervisorRefused");
      }
      expect(await network.list()).to.deep.equal([]);
    });

    it("ends early when it is called off, and makes nothing", async () => {
      const error = await network.ensurePort(portOf(1), AbortSignal.abort()).catch((one: unknown) => one);
      expect(error).to.have.property("name", "AbortError");
      expect(await network.list()).to.deep.equal([]);
    });
  });
}
