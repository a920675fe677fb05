/**
 * The contract of every network driver that routes: pictures in, frames out. Guests are cards whose frames
 * the spec writes and reads; which process carries them in between it does not know. What must not arrive is
 * sent before something that must, so that nobody waits for nothing.
 */
import { expect } from "chai";
import type { NetworkDevice, PortSpec } from "../../actors/ports/network.ts";
import type { GroupPicture, HostNetworking, RouterPicture } from "../../protocol/networking.ts";
import { macOf, portRecord } from "./fabric-pictures.ts";
import type { FakeNic } from "./fake-nic.ts";
import { sealed, summed } from "./forged-frames.ts";
import * as frames from "./frames.ts";
import type { NetworkBench } from "./network-contract.ts";
import {
  gatewayMac,
  interfaceAt,
  pictureOf,
  type RoutedGuest,
  type RoutedWorld,
  routerPicture,
} from "./routed-pictures.ts";

export interface RoutingBench extends Omit<NetworkBench, "openDevice"> {
  /** Opens the device, as a hypervisor of the port's instance does; the spec is the guest behind it. */
  plugCard(device: NetworkDevice, port: PortSpec): Promise<Pick<FakeNic, "send" | "received" | "frame">>;
}

export interface RoutingContract {
  readonly name: string;
  makeBench(): Promise<RoutingBench>;
  /** Time-out of each test. */
  readonly timeoutMs: number;
}

const never = new AbortController().signal;
const openPort = 5_000;

const only: GroupPicture = {
  ...{ id: "only", members: [] },
  rules: [
    {
      ...{ direction: "ingress", ipVersion: 4, protocol: 17, portMin: openPort, portMax: openPort },
      ...{ remoteCidr: null, remoteGroupId: null },
    },
  ],
};

/** Networks 1 and 2 are joined by a router, and 3 and 4, with the same addresses, by another. */
const near: RoutedGuest = { number: 1, network: 1, address: "10.1.0.5" };
const mate: RoutedGuest = { number: 2, network: 1, address: "10.1.0.6" };
const away: RoutedGuest = { number: 3, network: 2, address: "10.2.0.5" };
const choosy: RoutedGuest = { number: 4, network: 2, address: "10.2.0.6", group: only.id };
const twin: RoutedGuest = { number: 5, network: 3, address: "10.1.0.5" };
const twinAway: RoutedGuest = { number: 6, network: 4, address: "10.2.0.5" };
const all = [near, mate, away, choosy, twin, twinAway];
const gates = { near: gatewayMac(1), away: gatewayMac(2), twin: gatewayMac(3) };
const smallBytes = 1_300;

const worldOf = (version: number, given: Partial<RouterPicture> | null = {}): RoutedWorld => ({
  ...{ version, guests: all, groups: [only] },
  networks: [1, 2, 3, 4].map((number) => ({
    ...{ number, cidrs: [`10.${number > 2 ? number - 2 : number}.0.0/24`] },
    ...(number === 2 ? { mtuBytes: smallBytes } : {}),
  })),
  routers:
    given === null
      ? []
      : [
          routerPicture(1, {
            ...{ interfaces: [interfaceAt(1, 1, "10.1.0.1"), interfaceAt(2, 2, "10.2.0.1")], ...given },
          }),
          routerPicture(2, { interfaces: [interfaceAt(3, 3, "10.1.0.1"), interfaceAt(4, 4, "10.2.0.1")] }),
        ],
});

/** Of one guest to an address, by a MAC address: its router's, if nothing else is said. */
const ends = (from: RoutedGuest, destination: string, destinationMac: string): frames.Ends => ({
  ...{ sourceMac: macOf(from.number), destinationMac, source: from.address, destination },
});
const udpTo = (of: frames.Ends, text: string, port = openPort): Buffer =>
  sealed(frames.ip4Frame(of, 17, frames.udp(4_000, port, Buffer.from(text))));
const has = (text: string) => (frame: Buffer) => frame.includes(text);
const textOf = (bytes: Buffer): string => bytes.toString("hex").match(/../g)?.join(":") ?? "";
const addressAt = (frame: Buffer, offset: number): string =>
  [...frame.subarray(offset, offset + 4)].join(".");
const timeToLiveOf = (frame: Buffer): number | undefined => frame[22];
const isIcmp = (type: number, code: number) => (frame: Buffer) =>
  frame.readUInt16BE(12) === 0x800 && frame[23] === 1 && frame[34] === type && frame[35] === code;
export function routingContract({ name, makeBench, timeoutMs }: RoutingContract): void {
  describe(`${name} routes as every driver that routes`, function () {
    this.timeout(timeoutMs);
    let bench: RoutingBench;
    const cards = new Map<RoutedGuest, Awaited<ReturnType<RoutingBench["plugCard"]>>>();
    const card = (guest: RoutedGuest) => cards.get(guest) ?? expect.fail("It is not plugged in.");
    let version = 0;
    const tell = async (given?: Partial<RouterPicture> | null) => {
      version += 1;
      const picture: HostNetworking = pictureOf(worldOf(version, given));
      await bench.network.apply(picture, never);
    };
    /** No earlier frame with the text has come when a later one has come by the same way. */
    const arrives = async (guest: RoutedGuest, text: string) => {
      const frame = await card(guest).frame(has(text));
      return { frame, others: card(guest).received.filter((one) => one.includes("forbidden")) };
    };

    before(async () => {
      bench = await makeBench();
      for (const guest of all) {
        const port = portRecord(guest.number, guest.network);
        const device = await bench.network.ensurePort(port, never);
        cards.set(guest, await bench.plugCard(device, port));
        await bench.network.plugged(port.portId, never);
      }
      await tell();
    });
    after(() => bench?.close());

    it("says that it routes", async () => {
      expect((await bench.network.facts()).outside).to.be.an("array");
    });

    it("tells who asks for a router's address the MAC address of the router", async () => {
      const asked = {
        operation: 1,
        senderMac: macOf(near.number),
        sender: near.address,
        target: "10.1.0.1",
      } as const;
      card(near).send(frames.arpFrame(asked));
      const answer = await card(near).frame(
        (frame) => frame.readUInt16BE(12) === 0x806 && frame.readUInt16BE(20) === 2,
      );
      expect([textOf(answer.subarray(22, 28)), addressAt(answer, 28)]).to.deep.equal([
        gates.near,
        "10.1.0.1",
      ]);
    });

    it("carries a packet from one network to the other, as the router, and one hop older", async () => {
      card(near).send(udpTo(ends(near, away.address, gates.near), "question"));
      const { frame } = await arrives(away, "question");
      expect(textOf(frame.subarray(0, 12))).to.equal(`${macOf(away.number)}:${gates.away}`);
      expect([addressAt(frame, 26), addressAt(frame, 30)]).to.deep.equal([near.address, away.address]);
      expect(timeToLiveOf(frame)).to.equal(63);
      expect(sealed(frame).equals(frame), "the sum of its header").to.equal(true);
      card(away).send(udpTo(ends(away, near.address, gates.away), "answer"));
      expect(textOf((await arrives(near, "answer")).frame.subarray(6, 12))).to.equal(gates.near);
    });

    it("answers at the router's own addresses whether it lives", async () => {
      for (const [index, address] of ["10.1.0.1", "10.2.0.1"].entries()) {
        const of = ends(near, address, gates.near);
        card(near).send(sealed(frames.ip4Frame(of, 1, summed(8, Buffer.from([0, 7, 0, index])))));
        const answer = await card(near).frame(
          (frame) => isIcmp(0, 0)(frame) && addressAt(frame, 26) === address,
        );
        expect(addressAt(answer, 30)).to.equal(near.address);
      }
    });

    it("tells a sender whose packet has made too many hops, or has no way", async () => {
      const expiring = frames.ip4Frame(ends(near, away.address, gates.near), 17, frames.udp(4_001, openPort));
      expiring[22] = 1;
      card(near).send(sealed(expiring));
      expect(addressAt(await card(near).frame(isIcmp(11, 0)), 26)).to.equal("10.1.0.1");
      card(near).send(udpTo(ends(near, "192.0.2.1", gates.near), "nowhere"));
      const unreachable = await card(near).frame((frame) => frame[23] === 1 && frame[34] === 3);
      expect(unreachable[35]).to.be.oneOf([0, 1]);
    });

    it("tells a sender whose packet is too large for the other network how large it may be", async () => {
      const large = udpTo(ends(near, away.address, gates.near), "large".repeat(270));
      // It may not be made smaller on the way.
      large.writeUInt16BE(0x4000, 20);
      card(near).send(sealed(large));
      expect((await card(near).frame(isIcmp(3, 4))).readUInt16BE(40)).to.equal(smallBytes);
    });

    it("leaves it to the groups of the port what gets in", async () => {
      const of = ends(near, choosy.address, gates.near);
      card(near).send(udpTo(of, "forbidden", openPort + 1), udpTo(of, "allowed"));
      expect((await arrives(choosy, "allowed")).others).to.deep.equal([]);
    });

    it("keeps two routers apart whose guests have the same addresses", async () => {
      card(twin).send(udpTo(ends(twin, away.address, gates.twin), "of the twin"));
      await arrives(twinAway, "of the twin");
      card(near).send(udpTo(ends(near, away.address, gates.near), "of the first"));
      await arrives(away, "of the first");
      expect(card(away).received.filter(has("of the twin"))).to.deep.equal([]);
      expect(card(twinAway).received.filter(has("of the first"))).to.deep.equal([]);
    });

    it("lets nobody send by a router as somebody else", async () => {
      const forged = { ...ends(near, away.address, gates.near), source: mate.address };
      card(near).send(udpTo(forged, "forbidden"), udpTo(ends(near, away.address, gates.near), "honest"));
      expect((await arrives(away, "honest")).others).to.deep.equal([]);
    });

    it("leads on by a static route, but never to addresses of a link or of the host", async () => {
      const to = (destination: string) => ({ destination, nextHop: away.address });
      await tell({ routes: ["192.0.2.0/24", "198.51.100.7/32", "169.254.0.0/16", "100.64.0.0/10"].map(to) });
      for (const address of ["169.254.1.1", "169.254.169.1", "100.64.0.2"])
        card(near).send(udpTo(ends(near, address, gates.near), "forbidden"));
      for (const address of ["198.51.100.7", "192.0.2.9"]) {
        card(near).send(udpTo(ends(near, address, gates.near), `by ${address}`));
        const { frame, others } = await arrives(away, `by ${address}`);
        expect(textOf(frame.subarray(0, 6))).to.equal(macOf(away.number));
        expect(others).to.deep.equal([]);
      }
      await tell();
    });

    it("goes on in the next life of the agent", async () => {
      await (await bench.restartAgent()).list();
      card(near).send(udpTo(ends(near, away.address, gates.near), "after that"));
      await arrives(away, "after that");
    });

    it("leads nowhere any more when the picture has no router, and again when it has", async () => {
      const network = await bench.restartAgent();
      const told = async (given?: null) => {
        version += 1;
        await network.apply(pictureOf(worldOf(version, given)), never);
      };
      await told(null);
      card(near).send(
        udpTo(ends(near, away.address, gates.near), "forbidden"),
        udpTo(ends(near, mate.address, macOf(mate.number)), "to the mate"),
      );
      await arrives(mate, "to the mate");
      await told();
      card(near).send(udpTo(ends(near, away.address, gates.near), "once more"));
      expect((await arrives(away, "once more")).others).to.deep.equal([]);
    });
  });
}
