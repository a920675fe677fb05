/**
 * The rules of the driver `bridge` in a real kernel: what is allowed passes, and of what is not allowed, or
 * forged, nothing does, whatever is changed meanwhile. Needs root, nft, conntrack and QEMU (which only holds
 * taps).
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { bridgeMac, tapName } from "../../nodes/drivers/bridge-network/device-names.ts";
import type { PacketFilter, ServiceRoute } from "../../nodes/drivers/bridge-network/filter.ts";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import { compile } from "../../nodes/drivers/bridge-network/rules/compile.ts";
import { emptyLedger, nextLedger } from "../../nodes/drivers/bridge-network/rules/ledger.ts";
import { wholeText } from "../../nodes/drivers/bridge-network/rules/text.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { readResponderProcess, responderFiles } from "../../nodes/responder/state.ts";
import { directions } from "../../protocol/security-group.ts";
import type { FakeNic } from "../support/fake-nic.ts";
import { forgedFrames, sealed } from "../support/forged-frames.ts";
import { advertisement, datagram } from "../support/fragments.ts";
import * as frames from "../support/frames.ts";
import { connects, dgram, echoes, Lines } from "../support/guest-programs.ts";
import { establishedLines, oneWay, smallChanges, udpAt } from "../support/rule-changes.ts";
import { missingForFabrics, ScratchFabric } from "../support/scratch-fabric.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import * as world from "../support/switch-world.ts";

const at = (number: number, network = 1): world.Guest => ({ network, number });
const [caller, called, twinCaller, twinCalled] = [at(7), at(8), at(7, 2), at(8, 2)];
const [client, server] = [at(9), at(10)];
const all = [caller, called, twinCaller, twinCalled, client, server];
const never = new AbortController().signal;

const pictureOf = (rules: readonly world.RulePicture[]) => world.told6(world.twinPicture(all, rules));
const everything = [...world.sendAll, world.rule({}), world.rule({ ipVersion: 6 })];

const first = (guest: world.Guest): world.Guest => ({ ...guest, network: 1 });
const ends = (from: world.Guest, to: world.Guest) => world.ends4(first(from), first(to));
const udpFrame = (of: frames.Ends, port: number, text: string, source = 4_000) =>
  sealed(frames.ip4Frame(of, 17, frames.udp(source, port, Buffer.from(text))));

const filters: PacketFilter[] = [];
const makeFilter = (): PacketFilter => {
  filters.unshift(packetFilter({ clock: systemClock, log: silentLog }));
  return filters[0] as PacketFilter;
};

describe("rules of the kernel's bridge", function () {
  this.timeout(60_000);
  let fabric: ScratchFabric;
  let filter: PacketFilter;
  const cards = new Map<world.Guest, FakeNic>();
  const ports = all.map((guest) => ({
    ...world.plugOf(guest),
    ...{ mac: world.macOf(first(guest)), ownerEpoch: 1, hostName: `guest-${guest.network}-${guest.number}` },
  }));

  const apply = (rules: readonly world.RulePicture[]): Promise<readonly ServiceRoute[]> =>
    filter.apply({ networking: pictureOf(rules), ports }, fabric, never);
  const card = (guest: world.Guest): FakeNic => {
    const found = cards.get(guest);
    if (found === undefined) throw new Error("It has no card.");
    return found;
  };
  let marks = 0;
  /** How many of the frames came, by the word that is in them. */
  const arrived = async (from: world.Guest, to: world.Guest, sent: readonly Buffer[], word: string) => {
    marks += 1;
    const mark = `mark-${marks}.`;
    card(to).received.length = 0;
    card(from).send(...sent, udpFrame(ends(from, to), 5_999, mark));
    await card(to).frame((frame) => frame.includes(mark));
    return card(to).received.filter((frame) => frame.includes(word)).length;
  };
  const thousand = (frame: Buffer): readonly Buffer[] => Array.from({ length: 1_000 }, () => frame);

  before(async function () {
    const missing = missingForFabrics();
    if (missing !== undefined) return skip(this, missing);
    fabric = await ScratchFabric.make();
    filter = makeFilter();
    await filter.apply({ networking: null, ports: [] }, fabric, never);
    for (const number of [1, 2]) await fabric.makeBridge(`network-${number}`);
    for (const guest of [caller, called, twinCaller, twinCalled])
      cards.set(guest, await fabric.plugCard(world.portIdOf(guest), `network-${guest.network}`));
  });
  after(async () => {
    for (const one of filters) await one.detach(false);
    for (const one of cards.values()) await one.close();
    await fabric?.close();
  });

  it("let through what is allowed, and of 1,000 other packets none", async () => {
    await apply(oneWay);
    const good = Array.from({ length: 20 }, () => udpFrame(ends(caller, called), 5_000, "good"));
    expect(await arrived(caller, called, good, "good")).to.equal(20);
    expect(
      await arrived(caller, called, thousand(udpFrame(ends(caller, called), 5_001, "bad")), "bad"),
    ).to.equal(0);
  });

  it("let answers through, and keep networks of the same addresses apart", async () => {
    await apply(oneWay);
    await arrived(caller, called, [udpFrame(ends(caller, called), 5_000, "question")], "question");
    const answer = udpFrame(ends(called, caller), 4_000, "answer", 5_000);
    expect(await arrived(called, caller, [answer], "answer")).to.equal(1);
    const same = udpFrame(ends(twinCalled, twinCaller), 4_000, "answer", 5_000);
    expect(await arrived(twinCalled, twinCaller, thousand(same), "answer")).to.equal(0);
  });

  it("put fragments of one network together, and never those of two with the same addresses", async () => {
    await apply(oneWay);
    const parts = (id: number) => datagram(ends(caller, called), id);
    expect(await arrived(caller, called, parts(700), "last")).to.equal(1);
    expect(await arrived(twinCaller, twinCalled, parts(701), "last")).to.equal(1);
    const [begin, end] = parts(702);
    expect(await arrived(caller, called, [begin], "first")).to.equal(0);
    expect(await arrived(twinCaller, twinCalled, [end], "first")).to.equal(0);
    expect(card(called).received.filter((frame) => frame.includes("last")).length).to.equal(0);
    expect(await arrived(caller, called, [end], "last")).to.equal(1);
  });

  const mine = ends(caller, called);
  const word = Buffer.from("forged");
  const kinds = forgedFrames(caller, called, word);

  it("are all that keeps the forged frames back, which would come in their place", async () => {
    for (const family of ["bridge", "inet"]) await fabric.told("nft", ["delete", "table", family, "nv"]);
    for (const [kind, frame] of Object.entries(kinds))
      expect(await arrived(caller, called, [frame], "forged"), kind).to.equal(1);
  });

  for (const [kind, frame] of Object.entries(kinds))
    it(`let none of 1,000 forged ${kind} through, where everything is allowed`, async () => {
      await apply(everything);
      const good = sealed(frames.ip4Frame(mine, 17, frames.udp(1, 5_000, word)));
      expect(await arrived(caller, called, [good], "forged")).to.equal(1);
      expect(await arrived(caller, called, thousand(frame), "forged")).to.equal(0);
    });

  it("let nobody tell in two fragments of an address", async () => {
    await apply(everything);
    const six = world.ends6(caller, called);
    for (const [id, address] of [world.ip6Of(caller), "fd00:1::77"].entries()) {
      const told = advertisement(six, id + 1, address, "claims");
      expect(await arrived(caller, called, told, "claims"), address).to.equal(0);
    }
  });

  it("stay closed while all of them are made anew under a flood", async () => {
    await apply(oneWay);
    const picture = pictureOf(oneWay);
    const ids = ports.map(({ portId }) => portId);
    const text = wholeText(compile({ networking: picture, ports }, nextLedger(emptyLedger, picture, ids)));
    let isOver = false;
    const flood = (async () => {
      let sent = 0;
      for (; !isOver; sent += 100) {
        card(caller).send(...thousand(udpFrame(ends(caller, called), 5_001, "bad")).slice(0, 100));
        await new Promise((resolve) => setImmediate(resolve));
      }
      return sent;
    })();
    card(called).received.length = 0;
    for (let times = 0; times < 20; times += 1) await fabric.told("nft", ["-f", "-"], text);
    isOver = true;
    expect(await flood).to.be.greaterThan(1_000);
    expect(card(called).received.filter((frame) => frame.includes("bad")).length).to.equal(0);
    expect(await arrived(caller, called, [], "bad")).to.equal(0);
  });

  describe("with the responder", () => {
    const offered = async (guest: world.Guest, given: Partial<frames.DhcpGiven> = {}) => {
      const discover = sealed(frames.dhcpFrame(world.macOf(first(guest)), { type: 1, ...given }));
      const own = card(guest);
      own.received.length = 0;
      const isAnswer = (frame: Buffer) => frame.readUInt16BE(12) === 0x800 && frame.readUInt16BE(34) === 67;
      // The process may just begin: a guest asks again, too.
      const asking = setInterval(() => own.send(discover), 200);
      own.send(discover);
      const frame = await own.frame(isAnswer);
      clearInterval(asking);
      const text = (from: number, to: number) => [...frame.subarray(from, to)].join(".");
      return { frame, from: text(26, 30), to: text(30, 34), yours: text(58, 62) };
    };

    before(async () => {
      await fabric.routes(await apply([]));
    });

    it("tell each guest its own address, also where two networks have the same ones", async () => {
      for (const guest of [caller, called, twinCaller, twinCalled]) {
        const { frame, from, to, yours } = await offered(guest);
        const address = world.ip4Of(first(guest));
        expect({ from, to, yours }).to.deep.equal({ from: "169.254.169.254", to: address, yours: address });
        expect(frame.includes(`guest-${guest.network}-${guest.number}`)).to.equal(true);
        expect(frame.toString("hex", 0, 6)).to.equal(world.macOf(first(guest)).replaceAll(":", ""));
        expect(frame.toString("hex", 6, 12)).to.equal(
          bridgeMac(`network-${guest.network}`).replaceAll(":", ""),
        );
      }
    });

    it("broadcast to who asks for it, and show nobody else the question or the answer", async () => {
      card(called).received.length = 0;
      const { to, yours } = await offered(caller, { broadcast: true });
      expect([to, yours]).to.deep.equal(["255.255.255.255", world.ip4Of(caller)]);
      const isDhcp = (frame: Buffer) =>
        frame.readUInt16BE(12) === 0x800 && [67, 68].includes(frame.readUInt16BE(34));
      expect(card(called).received.filter(isDhcp).length).to.equal(0);
    });

    it("have it begun again when it was killed", async () => {
      const said = () => readResponderProcess(join(fabric.directory, responderFiles.process));
      const before = await said();
      if (before === undefined) throw new Error("There is a responder.");
      process.kill(before.pid, "SIGKILL");
      while (!(await said().then((now) => now !== undefined && now.pid !== before.pid)))
        await new Promise((resolve) => setTimeout(resolve, 50));
      expect((await offered(caller)).yours).to.equal(world.ip4Of(caller));
    });

    const ask = (senderMac: string, sender: string) =>
      frames.arpFrame({ operation: 1, senderMac, sender, target: "169.254.169.254" });

    it("answer who asks for its address, and learn of nobody", async () => {
      const own = card(caller);
      const isAnswer = (frame: Buffer) => frame.readUInt16BE(12) === 0x806 && frame.readUInt16BE(20) === 2;
      const answering = `link set dev ${tapName(world.portIdOf(caller))} type bridge_slave proxy_arp`;
      await fabric.ip([`${answering} on`]);
      const open = pictureOf(oneWay);
      for (const network of open.networks) for (const port of network.ports) port.portSecurity = false;
      for (const networking of [pictureOf(oneWay), open]) {
        await filter.apply({ networking, ports }, fabric, never);
        own.received.length = 0;
        own.send(ask(world.macOf(caller), world.ip4Of(caller)), ask("02:de:ad:be:ef:01", "10.0.1.99"));
        const answerer = (await own.frame(isAnswer)).toString("hex", 22, 28);
        expect(answerer).to.equal(bridgeMac("network-1").replaceAll(":", ""));
        expect(await fabric.told("ip", ["neigh", "show", "nud", "all"])).not.to.match(/10\.0\.1\.[0-9]/);
      }
      await Promise.all([fabric.ip([`${answering} off`]), apply(oneWay)]);
    });

    it("take nothing else from a guest to the host itself", async () => {
      const listening = dgram(fabric, 5_000);
      await listening.next("listening");
      for (const port of [5_000, 68, 53])
        card(caller).send(
          sealed(
            frames.ip4Frame(
              { ...mine, destinationMac: bridgeMac("network-1"), destination: "169.254.169.254" },
              17,
              frames.udp(4_000, port, Buffer.from("intruder")),
            ),
          ),
        );
      // For the bridge alone, whoever sends.
      for (let group = 0; group < 16; group += 1) {
        const destinationMac = `01:80:c2:00:00:0${group.toString(16)}`;
        const forged = { ...mine, destinationMac, sourceMac: "02:de:ad:be:ef:01", source: "100.64.0.4" };
        const to = { ...forged, destination: "169.254.169.254" };
        card(caller).send(sealed(frames.ip4Frame(to, 17, frames.udp(4_000, 5_000, Buffer.from("group")))));
      }
      expect((await offered(caller)).yours).to.equal(world.ip4Of(caller));
      expect(listening.heard).to.deep.equal(["listening"]);
    });
  });

  describe("when they change", () => {
    const tcpAt = (port: number) =>
      directions.map((direction) => world.rule({ direction, protocol: 6, portMin: port, portMax: port }));
    let speaker: Lines;

    before(async () => {
      await apply([...tcpAt(22), ...tcpAt(23)]);
      const plug = (guest: world.Guest) =>
        fabric.plugHost(world.portIdOf(guest), "network-1", {
          mac: world.macOf(guest),
          addresses: [`${world.ip4Of(guest)}/24`],
        });
      const [clientHost, serverHost] = [await plug(client), await plug(server)];
      const listener = new Lines(serverHost.node(echoes));
      await listener.next("listening");
      speaker = new Lines(clientHost.node(connects(world.ip4Of(server))));
      await speaker.next("connected 22");
      await speaker.next("connected 23");
    });

    const says = async (port: number, text: string) => {
      speaker.write(`${port} ${text}`);
      await speaker.next(`${port} heard ${text}`);
    };
    const zoneOf = async (port: number) =>
      (await fabric.told("conntrack", ["-L", "-p", "tcp", "--dport", `${port}`]))
        .trim()
        .split("\n")
        .filter(Boolean);

    it("end an open connection that they do not allow any more, and no other", async () => {
      await says(22, "one");
      await says(23, "one");
      await apply(tcpAt(23));
      expect(await zoneOf(22)).to.have.length(0);
      expect(await zoneOf(23)).to.have.length(1);
      speaker.write("22 two");
      for (const text of ["two", "three", "four"]) await says(23, text);
      expect(speaker.heard.filter((line) => line.startsWith("22 heard two"))).to.have.length(0);
      // TCP says it again when it is allowed again, and so it was lost before.
      await apply([...tcpAt(22), ...tcpAt(23)]);
      await speaker.next("22 heard two");
    });

    it("stop thousands at once without having everybody wait, and end them bit by bit", async () => {
      await says(22, "before");
      const [{ zone = "" } = {}] = (await zoneOf(22)).map(
        (line) => /zone=(?<zone>\d+)/.exec(line)?.groups ?? {},
      );
      const [from, to] = [world.ip4Of(caller), world.ip4Of(server)];
      const several = Array.from({ length: 3_000 }, (_, index) => 10_000 + index);
      const path = join(fabric.directory, "made");
      // The one that is still allowed is between the same two: no line may name just these.
      await writeFile(path, establishedLines(from, to, zone, [23, ...several]));
      await fabric.told("conntrack", ["-R", path]);
      const count = async () => Number(await fabric.told("conntrack", ["-C"]));
      await apply(tcpAt(23));
      expect(await count(), "nobody has waited for them").to.be.greaterThan(2_000);
      speaker.write("22 stopped");
      for (const text of ["seven", "eight", "nine"]) await says(23, text);
      expect(speaker.heard.filter((line) => line.startsWith("22 heard stopped"))).to.have.length(0);
      const before = await count();
      while ((await count()) >= before) await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await fabric.told("conntrack", ["-L", "-s", from, "-p", "tcp", "--dport", "23"])).to.include(
        from,
      );
      await fabric.told("conntrack", ["-D", "-s", from]);
      await fabric.told("nft", ["flush", "set", "bridge", "nv", "revoked_tcp4"]);
      await apply([...tcpAt(22), ...tcpAt(23)]);
      await speaker.next("22 heard stopped");
    });

    it("do not let the one who was called go on as if it had begun", async () => {
      const fromServer = world.rule({ direction: "egress", protocol: 6 });
      const toClient = world.rule({
        direction: "ingress",
        protocol: 6,
        remoteCidr: `${world.ip4Of(server)}/32`,
      });
      await apply([...tcpAt(23), fromServer, toClient]);
      expect(await zoneOf(22)).to.have.length(0);
      speaker.write("22 call");
      for (const text of ["five", "six"]) await says(23, text);
      expect(speaker.heard.filter((line) => line.startsWith("22 heard call"))).to.have.length(0);
      const set = await fabric.told("nft", ["list", "set", "bridge", "nv", "revoked_tcp4"]);
      expect(set).to.include(`${world.ip4Of(server)} . ${world.ip4Of(client)} . 22`);
    });

    it("remember what was revoked as long as somebody goes on sending", async () => {
      await apply([...oneWay, udpAt(6_000, "ingress"), udpAt(6_000, "egress")]);
      await arrived(caller, called, [udpFrame(mine, 6_000, "call")], "call");
      await apply([...oneWay, udpAt(4_000, "ingress"), udpAt(4_000, "egress")]);
      const answer = udpFrame(ends(called, caller), 4_000, "late", 6_000);
      expect(await arrived(called, caller, thousand(answer), "late")).to.equal(0);
      // The rules would let another one begin the same way.
      const other = udpFrame(ends(called, caller), 4_000, "other", 6_001);
      expect(await arrived(called, caller, [other], "other")).to.equal(1);
    });

    it("are put back when somebody else has changed them, or taken them away", async () => {
      await apply(oneWay);
      const bad = thousand(udpFrame(ends(caller, called), 5_001, "bad"));
      for (const broken of [
        "flush chain bridge nv guard",
        "flush set bridge nv sources4",
        "delete table bridge nv",
      ]) {
        await fabric.told("nft", broken.split(" "));
        await apply(oneWay);
        expect(await arrived(caller, called, bad, "bad"), broken).to.equal(0);
      }
    });

    /** The kernel gives what is made anew another number. */
    const handles = async () =>
      (await fabric.told("nft", ["-a", "list", "ruleset"]))
        .split("\n")
        .filter((line) => line.includes("# handle"));

    it("are, after many small changes, as if they had been made anew, and an agent that begins leaves them", async () => {
      for (const [guests, groups, port] of smallChanges(all)) {
        const networking = world.pictureOf(guests, { groups, port });
        const plugs = guests.map((guest) => ({ ...world.plugOf(guest), ownerEpoch: 1 }));
        await filter.apply({ networking, ports: plugs }, fabric, never);
        const before = await handles();
        await makeFilter().apply({ networking, ports: plugs }, fabric, never);
        expect(await handles()).to.deep.equal(before);
      }
    });
  });
});
