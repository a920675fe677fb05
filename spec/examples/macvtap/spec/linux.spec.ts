/**
 * The driver on the kernel of this computer, with a cable for the operator's device: the contract, what
 * passes and what does not, and what is found again. Needs root and iproute2; skipped loudly elsewhere.
 */
import type { FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { networkContract } from "novact/contract";
import type { HostNetworking, PortSpec } from "novact/plugin";
import { nameOf } from "../src/names.ts";
import { type Cable, layCable, whyNoCable } from "./cable.ts";
import { pictureOf } from "./pictures.ts";
import { makeHost, physicalNetwork } from "./worlds.ts";

const never = new AbortController().signal;
const timeoutMs = 60_000;

/** What `virtio_net_hdr` of Linux has before each frame; all zeros: nothing is left to the device. */
const headerBytes = 10;
/** One that IEEE has set apart for trials. */
const etherType = 0x88b5;

function frame(to: string, from: string, text: string): Buffer {
  const macs = [to, from].map((mac) => Buffer.from(mac.replaceAll(":", ""), "hex"));
  const type = Buffer.from([etherType >> 8, etherType & 0xff]);
  return Buffer.concat([Buffer.alloc(headerBytes), ...macs, type, Buffer.from(text.padEnd(64, "\0"))]);
}

/** The text of the next frame of ours; the computer's own are passed over. */
async function textFrom(handle: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(2_048);
  for (;;) {
    const bytes = await handle.read(buffer).then(
      ({ bytesRead }) => bytesRead,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EAGAIN") throw error;
        return 0;
      },
    );
    if (bytes > headerBytes + 14 && buffer.readUInt16BE(headerBytes + 12) === etherType)
      return buffer.toString("utf8", headerBytes + 14, bytes).replace(/\0.*$/s, "");
    if (bytes === 0) await sleep(5);
  }
}

describe("macvtaps of this computer", function () {
  this.timeout(timeoutMs);
  before(function () {
    const why = whyNoCable();
    if (why === undefined) return;
    console.warn(`macvtaps are not tried here: ${why}`);
    this.skip();
  });

  networkContract({
    ...{ name: "macvtap on Linux", physicalNetwork, timeoutMs },
    makeBench: async () => {
      const cable = layCable();
      const host = await makeHost(cable.kernel, cable);
      return {
        network: host.network,
        openDevice: async (device) => {
          if (device.kind === "macvtap") await cable.open(device.path);
        },
        restartAgent: host.restartAgent,
        close: async () => {
          await host.close();
          await cable.close();
        },
      };
    },
  });

  describe("on one cable", () => {
    let cable: Cable;
    let host: Awaited<ReturnType<typeof makeHost>>;
    beforeEach(async () => {
      cable = layCable();
      host = await makeHost(cable.kernel, cable);
    });
    afterEach(async () => {
      await host.close();
      await cable.close();
    });

    const portOf = (number: number): PortSpec => ({
      ...{ portId: `port-${number}`, networkId: "network", physicalNetwork, instanceId: `i-${number}` },
      ...{ ownerEpoch: 1, hostName: "guest", mac: `52:54:00:00:00:0${number}`, mtuBytes: 1_400 },
    });
    const plug = async (number: number) => {
      const { path } = await host.network.ensurePort(portOf(number), never);
      const handle = await cable.open(path);
      await host.network.plugged(`port-${number}`, never);
      return handle;
    };
    const apply = (networking: HostNetworking) => host.network.apply(networking, never);
    const both = [portOf(1), portOf(2)];

    it("carry frames when the picture has both ends, and none before, after, or where they would be filtered", async () => {
      const [one, other] = [await plug(1), await plug(2)];
      const send = (text: string) =>
        one.write(frame("52:54:00:00:00:02", "52:54:00:00:00:01", text)).catch(() => undefined);
      await send("before any picture");
      await apply(pictureOf(1, [portOf(1)]));
      await send("to a port that no picture has");
      await apply(pictureOf(2, both));
      await send("first");
      expect(await textFrom(other)).to.equal("first");
      await apply(pictureOf(3, both, ["port-2"]));
      await send("to a port that is filtered");
      await apply(pictureOf(4, [portOf(2)]));
      await send("from a port that went");
      await apply(pictureOf(5, both));
      await send("second");
      expect(await textFrom(other)).to.equal("second");
    });

    it("lead to whoever is on the cable, and from there", async () => {
      const guest = await plug(1);
      await apply(pictureOf(1, [portOf(1)]));
      const there = { ...portOf(9), portId: "far" };
      const { ip, far, kernel } = cable;
      ip(
        "link",
        "add",
        "link",
        far,
        "name",
        `${far}m`,
        "address",
        there.mac,
        "type",
        "macvtap",
        "mode",
        "bridge",
      );
      ip("link", "set", "dev", `${far}m`, "addrgenmode", "none", "up");
      const server = await cable.open(await kernel.fileOf(`${far}m`));
      await guest.write(frame(there.mac, portOf(1).mac, "question"));
      expect(await textFrom(server)).to.equal("question");
      await server.write(frame(portOf(1).mac, there.mac, "answer"));
      expect(await textFrom(guest)).to.equal("answer");
      // As ARP asks, and as IPv6 asks for neighbours, to groups that nobody has told the macvtap of.
      for (const to of ["ff:ff:ff:ff:ff:ff", "33:33:ff:00:00:01"]) {
        await server.write(frame(to, there.mac, `to ${to}`));
        expect(await textFrom(guest)).to.equal(`to ${to}`);
      }
    });

    it("are made again what the picture says, whatever somebody has changed", async () => {
      await plug(1);
      await apply(pictureOf(1, both));
      const name = nameOf(cable.hostId, "port-1");
      const link = async () => (await cable.kernel.macvtaps()).find((one) => one.name === name);
      const before = await link();
      for (const change of [
        "down",
        "mtu 1280",
        "address 52:54:00:00:00:77",
        "addrgenmode eui64",
        "allmulticast off",
      ]) {
        cable.ip("link", "set", "dev", name, ...change.split(" "));
        expect(await link(), change).not.to.deep.equal(before);
        await apply(pictureOf(1, both));
        expect(await link(), change).to.deep.equal(before);
      }
    });

    it("say that nobody has opened them, also one that was made anew under who had", async () => {
      const { path } = await host.network.ensurePort(portOf(1), never);
      const plugged = () =>
        host.network.plugged("port-1", never).then(
          () => "plugged",
          (error: Error) => error.message,
        );
      expect(await plugged()).to.match(/No hypervisor has opened/);
      await cable.open(path);
      expect(await plugged()).to.equal("plugged");
      cable.ip("link", "del", "dev", nameOf(cable.hostId, "port-1"));
      expect(await plugged()).to.match(/There is no port/);
      expect((await host.network.ensurePort(portOf(1), never)).path).to.equal(path);
      expect(await plugged()).to.match(/No hypervisor has opened/);
    });

    it("are refused at the agent's start on a device that takes none, with its name", async () => {
      const { ip, device, far } = cable;
      ip("link", "add", `${far}b`, "type", "bridge");
      ip("link", "set", "dev", device, "master", `${far}b`);
      try {
        const refusal = await host.network.facts().catch((error: Error) => error.message);
        expect(refusal).to.equal(`No macvtap could be made on the device ${device}.`);
        ip("link", "set", "dev", device, "nomaster");
        expect(await host.network.facts()).to.include({ kind: "macvtap", mtuBytesMax: 1_500 });
      } finally {
        ip("link", "del", `${far}b`);
      }
      expect(cable.names()).to.deep.equal([]);
    });

    it("are not touched where they are somebody else's, also another host's of the computer", async () => {
      const other = await makeHost(cable.kernel, { ...cable, hostId: `${cable.hostId}-2` });
      await other.network.ensurePort(portOf(1), never);
      await other.network.apply(pictureOf(1, both), never);
      await host.network.ensurePort(portOf(2), never);
      const name = nameOf(cable.hostId, "port-3");
      await cable.kernel.make({ ...portOf(3), name, device: cable.device, alias: "mine" });
      for (const version of [2, 3]) await apply(pictureOf(version, []));
      expect(cable.names()).to.have.members([nameOf(cable.hostId, "port-2"), name]);
      expect(await host.network.list()).to.have.length(1);
      expect(await other.network.list()).to.have.length(1);
      const seen = (await cable.kernel.macvtaps()).find(
        (one) => one.name === nameOf(`${cable.hostId}-2`, "port-1"),
      );
      expect(seen?.isUp).to.equal(true);
      const refusal = await host.network.ensurePort(portOf(3), never).catch((error: Error) => error.message);
      expect(refusal).to.match(/somebody else's/);
      await other.close();
    });
  });
});
