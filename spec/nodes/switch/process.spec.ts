/** The switch's real process with fake guests: what passes, what does not, and how it lives. */
import { once } from "node:events";
import { linkSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { switchFiles } from "../../../nodes/switch/state.ts";
import type { FakeNic } from "../../support/fake-nic.ts";
import { arpFrame, dhcpFrame, ethernet, flags, ip4Frame, tcp, udp } from "../../support/frames.ts";
import { SwitchBench } from "../../support/switch-process.ts";
import {
  defaultGroup,
  ends4,
  type Guest,
  ip4Of,
  macOf,
  pictureOf,
  plugOf,
  rule,
  sendAll,
} from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 1 };
const two: Guest = { network: 1, number: 2 };
const other: Guest = { network: 2, number: 1 };
const all = [one, two, other];
const talk = (from: Guest, to: Guest, text: string) =>
  ip4Frame(ends4(from, to), 17, udp(1_000, 2_000, Buffer.from(text)));
/** From the client's port 40,000 to the server's 22, or back. */
const segment = (from: Guest, to: Guest, bits: number, text = "") => {
  const ports: readonly [number, number] = from === one ? [40_000, 22] : [22, 40_000];
  return ip4Frame(ends4(from, to), 6, tcp(ports[0], ports[1], bits, Buffer.from(text)));
};
const has = (text: string) => (frame: Buffer) => frame.includes(text);

describe("the switch's process", function () {
  this.timeout(20_000);
  let bench: SwitchBench;
  let nics: readonly FakeNic[];
  const nic = (index: number): FakeNic => {
    const found = nics[index];
    if (found === undefined) throw new Error("There is no such guest.");
    return found;
  };
  /** A frame that is known to pass, behind others: when it is there, they would be, too. */
  const passed = async (from: Guest, to: Guest, text: string) => {
    nic(all.indexOf(from)).send(talk(from, to, text));
    await nic(all.indexOf(to)).frame(has(text));
  };

  beforeEach(async () => {
    bench = new SwitchBench();
    bench.start();
    nics = await Promise.all(all.map((guest) => bench.listen(guest)));
  });
  afterEach(() => bench.close());

  it("carries frames between guests of one network, and none to another network", async () => {
    const applied = await bench.apply(all, pictureOf(all));
    expect(applied).to.deep.include({ version: 1, plugs: 3, fault: null });
    nic(0).send(talk(one, other, "to the other network"));
    nic(0).send(
      ethernet({ sourceMac: macOf(one), destinationMac: "ff:ff:ff:ff:ff:ff" }, 0x0800, Buffer.alloc(40)),
    );
    await passed(one, two, "first");
    await passed(two, one, "back");
    expect(nics.map(({ received }) => received.length)).to.deep.equal([1, 1, 0]);
  });

  it("passes nothing before the first picture, nor for a plug that is not in it", async () => {
    expect(await bench.apply(all, null)).to.deep.include({ version: null, plugs: 3 });
    nic(0).send(talk(one, two, "too early"));
    await bench.apply(all, pictureOf([two, other]));
    nic(0).send(talk(one, two, "not in the picture"));
    nic(1).send(talk(two, one, "to whom is not in the picture"));
    await bench.apply(all, pictureOf(all));
    await passed(one, two, "now");
    expect(nics.map(({ received }) => received.length)).to.deep.equal([0, 1, 0]);
  });

  it("answers ARP and DHCP, and shows neither to others", async () => {
    await bench.apply(all, pictureOf(all));
    nic(0).send(arpFrame({ operation: 1, senderMac: macOf(one), sender: ip4Of(one), target: ip4Of(two) }));
    const answer = await nic(0).frame((frame) => frame.readUInt16BE(12) === 0x0806);
    expect(answer.toString("hex", 22, 28)).to.equal(macOf(two).replaceAll(":", ""));
    nic(0).send(dhcpFrame(macOf(one), { type: 1 }));
    const offer = await nic(0).frame((frame) => frame.readUInt16BE(12) === 0x0800);
    expect([...offer.subarray(58, 62)]).to.deep.equal(ip4Of(one).split(".").map(Number));
    expect(nic(1).received).to.deep.equal([]);
  });

  it("lets no forged frame out of 1,000 of each kind, and no frame of a flood at a closed port", async () => {
    const open = rule({ protocol: 17, portMin: 2_000, portMax: 2_000, remoteCidr: "10.0.1.0/24" });
    const group = { ...defaultGroup(all), rules: [...sendAll, open] };
    await bench.apply(all, pictureOf(all, { groups: [group] }));
    const three: Guest = { network: 1, number: 3 };
    const ends = ends4(one, two);
    const arp = { operation: 2, senderMac: macOf(one), sender: ip4Of(three), target: ip4Of(two) } as const;
    const advertisement = Buffer.from([9, 0, 0, 0, 1, 2, 0, 9]);
    const kinds: Readonly<Record<string, Buffer>> = {
      mac: talk({ ...one, number: 3 }, two, "forged"),
      address: ip4Frame({ ...ends, source: ip4Of(three) }, 17, udp(1_000, 2_000)),
      arp: arpFrame(arp),
      arpToOne: ethernet(ends, 0x0806, arpFrame(arp).subarray(14)),
      dhcpServer: ip4Frame(ends, 17, udp(67, 2_000)),
      router: ip4Frame(ends, 1, advertisement),
      tagged: ethernet(ends, 0x8100, Buffer.concat([Buffer.from([0, 1, 8, 0]), Buffer.alloc(40)])),
      unknown: ethernet(ends, 0x88cc, Buffer.alloc(40)),
      closedPort: ip4Frame(ends, 17, udp(1_000, 2_001)),
      closedTcp: ip4Frame(ends, 6, tcp(1_000, 22, flags.syn)),
      unaskedAnswer: ip4Frame(ends, 6, tcp(2_000, 1_000, flags.acknowledge)),
    };
    for (const frame of Object.values(kinds)) {
      nic(0).send(...Array.from({ length: 1_000 }, () => frame));
      await passed(one, two, "allowed");
      expect(nic(1).received.splice(0)).to.have.length(1);
    }
  });

  it("ends a connection with its rule, at once", async () => {
    const ssh = rule({ protocol: 6, portMin: 22, portMax: 22 });
    const opened = { ...defaultGroup(all), rules: [...sendAll, ssh] };
    await bench.apply(all, pictureOf(all, { groups: [opened] }));
    nic(0).send(segment(one, two, flags.syn));
    await nic(1).until(() => nic(1).received.length === 1);
    nic(1).send(segment(two, one, flags.syn | flags.acknowledge));
    nic(0).send(segment(one, two, flags.acknowledge, "open"));
    await nic(1).frame(has("open"));
    const ping = rule({ protocol: 17 });
    await bench.apply(all, pictureOf(all, { groups: [{ ...opened, rules: [...sendAll, ping] }] }));
    nic(0).send(segment(one, two, flags.acknowledge, "after"));
    nic(1).send(segment(two, one, flags.acknowledge, "after"));
    await passed(one, two, "still allowed");
    await passed(two, one, "still allowed");
    expect(nics.slice(0, 2).flatMap(({ received }) => received.filter(has("after")))).to.deep.equal([]);
  });

  for (const signal of ["SIGKILL", "SIGTERM"] as const)
    it(`lets answers pass again after ${signal}, though nobody asks anew, unless the rule is gone`, async () => {
      const open = (version: number, protocol: number) => {
        const ssh = rule({ protocol, portMin: 22, portMax: 22 });
        const group = { ...defaultGroup(all), rules: [...sendAll, ssh] };
        return { ...pictureOf(all, { groups: [group] }), version };
      };
      const again = async () => {
        await bench.kill(signal);
        await nic(0).until(() => !nic(0).isConnected);
        bench.start();
        await bench.until(({ plugs, state }) => plugs === 3 && state !== null);
      };
      await bench.apply(all, open(1, 6));
      nic(0).send(segment(one, two, flags.syn));
      await nic(1).until(() => nic(1).received.length === 1);
      nic(1).send(segment(two, one, flags.syn | flags.acknowledge));
      await nic(0).until(() => nic(0).received.length === 1);
      await bench.kept(1);
      await again();
      nic(1).send(segment(two, one, flags.acknowledge, "goes on"));
      await nic(0).frame(has("goes on"));
      await bench.apply(all, open(2, 17));
      await again();
      nic(1).send(segment(two, one, flags.acknowledge, "not any more"));
      nic(1).send(ip4Frame(ends4(two, one), 17, udp(9, 22, Buffer.from("allowed"))));
      await nic(0).frame(has("allowed"));
      expect(nic(0).received.filter(has("not any more"))).to.deep.equal([]);
    });

  it("goes on after SIGKILL as soon as it is started again", async () => {
    await bench.apply(all, pictureOf(all));
    nic(0).send(segment(one, two, flags.syn));
    await nic(1).until(() => nic(1).received.length === 1);
    await bench.kill();
    await nic(0).until(() => !nic(0).isConnected);
    bench.start();
    await bench.until(({ plugs, version }) => plugs === 3 && version === 1);
    nic(0).send(segment(one, two, flags.acknowledge, "goes on"));
    await nic(1).frame(has("goes on"));
    nic(1).send(segment(two, one, flags.acknowledge, "and back"));
    await nic(0).frame(has("and back"));
  });

  it("keeps what is applied when the state is damaged or missing, and says so once", async () => {
    await bench.apply(all, pictureOf(all));
    const path = join(bench.node, switchFiles.state);
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    const { version } = await bench.until(({ fault }) => fault === "It is no JSON.");
    expect(version).to.equal(1);
    bench.process.kill("SIGHUP");
    writeFileSync(path, '{"networking":null}');
    await bench.until(({ fault }) => fault?.includes("plugs is missing") === true);
    rmSync(path);
    await bench.until(({ fault }) => fault?.includes("ENOENT") === true);
    await passed(one, two, "goes on");
    expect(bench.log.match(/is not applied: It is no JSON/g)).to.have.length(1);
    const next = { ...pictureOf(all), version: 2 };
    expect(await bench.apply(all, next)).to.deep.include({ fault: null, version: 2 });
  });

  it("connects again when a guest hangs up, and hangs up on one that sends no frames, but not for long", async () => {
    await bench.apply(all, pictureOf(all));
    nic(0).hangUp();
    await nic(0).until(() => !nic(0).isConnected);
    await nic(0).until(() => nic(0).isConnected);
    nic(0).sendBytes(Buffer.from("ffffffff00", "hex"));
    await nic(0).until(() => !nic(0).isConnected);
    await nic(0).until(() => nic(0).isConnected);
    nic(0).sendBytes(Buffer.from("ffffffff00", "hex"));
    await nic(0).until(() => !nic(0).isConnected);
    await nic(0).until(() => nic(0).isConnected);
    expect(bench.log.match(/no stream of frames/g), "said once").to.have.length(1);
  });

  it("does not follow a link that a guest puts in the place of its socket", async () => {
    const guest: Guest = { network: 1, number: 9 };
    const theirs = await bench.listen({ network: 9, number: 9 });
    symlinkSync(plugOf({ network: 9, number: 9 }, bench.directory).path, plugOf(guest, bench.directory).path);
    await bench.apply([...all, guest], pictureOf([...all, guest]));
    await bench.until(({ plugs }) => plugs === 3);
    nic(0).send(talk(one, guest, "nobody"));
    await passed(one, two, "goes on");
    expect([theirs.isConnected, theirs.received]).to.deep.equal([false, []]);
  });

  it("does not follow another name that a guest gives to somebody's socket", async () => {
    const guest: Guest = { network: 1, number: 9 };
    const theirs = await bench.listen({ network: 9, number: 9 });
    linkSync(plugOf({ network: 9, number: 9 }, bench.directory).path, plugOf(guest, bench.directory).path);
    await bench.apply([...all, guest], pictureOf([...all, guest]));
    await bench.until(({ plugs }) => plugs === 3);
    nic(0).send(talk(one, guest, "nobody"));
    await passed(one, two, "goes on");
    expect([theirs.isConnected, theirs.received]).to.deep.equal([false, []]);
  });

  it("is the only one of its directory, and ends when it is told to, or its directory is gone", async () => {
    await bench.apply(all, pictureOf(all));
    const first = bench.process;
    const [code] = await once(bench.start(), "exit");
    expect([code, bench.log.includes("another switch has")]).to.deep.equal([0, true]);
    const ended = once(first, "exit");
    first.kill("SIGTERM");
    expect((await ended)[0]).to.equal(0);
    const next = bench.start();
    await bench.until(({ plugs }) => plugs === 3);
    const gone = once(next, "exit");
    renameSync(bench.directory, `${bench.directory}.gone`);
    expect((await gone)[0]).to.equal(0);
    rmSync(`${bench.directory}.gone`, { recursive: true });
  });
});
