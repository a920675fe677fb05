/** Two switches as of two computers, on addresses of loopback: what crosses between them. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect } from "chai";
import { vxlanPort, writeVxlan } from "../../../nodes/switch/frames/vxlan.ts";
import type { FakeNic } from "../../support/fake-nic.ts";
import { ip4Frame, udp } from "../../support/frames.ts";
import { SwitchBench } from "../../support/switch-process.ts";
import {
  defaultGroup,
  ends4,
  farOf,
  type Guest,
  pictureOf,
  type RulePicture,
  rule,
} from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 1 };
const two: Guest = { network: 1, number: 2 };
const groups = [defaultGroup([one, two])];
const talk = (from: Guest, to: Guest, text: string) =>
  ip4Frame(ends4(from, to), 17, udp(1_000, 2_000, Buffer.from(text)));
const has = (text: string) => (frame: Buffer) => frame.includes(text);
/** Other runs on this computer have others. */
const byte = () => 1 + Math.floor(Math.random() * 250);
const address = () => `127.${byte()}.${byte()}.${byte()}`;

describe("switches of two computers", function () {
  this.timeout(20_000);
  let [here, there] = [address(), address()];
  let benches: readonly SwitchBench[] = [];
  const side = async (bench: SwitchBench, own: Guest, far: { host: string; guest: Guest }) => {
    bench.start();
    const nic = await bench.listen(own);
    const networking = { ...pictureOf([own], { groups }), far: [farOf(far.host, [far.guest])] };
    const { underlayFault } = await bench.apply([own], networking);
    return { nic, underlayFault };
  };
  const both = async (): Promise<readonly [FakeNic, FakeNic]> => {
    const [first, second] = [new SwitchBench(here), new SwitchBench(there)];
    benches = [first, second];
    const left = await side(first, one, { host: there, guest: two });
    const right = await side(second, two, { host: here, guest: one });
    await Promise.all(
      [first, second].map((bench) => bench.until(({ underlayFault }) => underlayFault === null)),
    );
    return [left.nic, right.nic];
  };

  beforeEach(() => {
    [here, there] = [address(), address()];
  });
  afterEach(() => Promise.all(benches.map((bench) => bench.close())));

  it("carry the frames of their guests to and fro", async () => {
    const [left, right] = await both();
    left.send(talk(one, two, "from here"));
    expect(await right.frame(has("from here"))).to.deep.equal(talk(one, two, "from here"));
    right.send(talk(two, one, "and back"));
    expect(await left.frame(has("and back"))).to.deep.equal(talk(two, one, "and back"));
  });

  it("take nothing from who is no host of the port, and no damaged datagram", async () => {
    const [left, right] = await both();
    const stranger = createSocket("udp4");
    stranger.bind({ address: address(), port: 0 });
    await once(stranger, "listening");
    const say = (bytes: Buffer) => new Promise((resolve) => stranger.send(bytes, vxlanPort, there, resolve));
    await say(writeVxlan(1, talk(one, two, "forged")));
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(7), Buffer.alloc(9), writeVxlan(1, Buffer.alloc(3))])
      await say(bytes);
    stranger.close();
    left.send(talk(one, two, "real"));
    await right.frame(has("real"));
    expect(right.received.filter(has("forged"))).to.deep.equal([]);
  });

  it("stop at a rule of the receiver's, whatever the sender's computer lets go", async () => {
    const [left, right] = await both();
    const { networks } = pictureOf([two]);
    const rules: RulePicture[] = [rule({ protocol: 17, portMin: 3_000, portMax: 3_000 })];
    const picture = { version: 2, networks, groups: [{ id: "default", rules, members: [] }] };
    await benches[1]?.apply([two], { ...picture, far: [farOf(here, [one])] });
    left.send(talk(one, two, "not any more"));
    left.send(ip4Frame(ends4(one, two), 17, udp(1_000, 3_000, Buffer.from("allowed"))));
    await right.frame(has("allowed"));
    expect(right.received.filter(has("not any more"))).to.deep.equal([]);
  });

  it("say when they do not hear each other, and do as soon as the address is free", async () => {
    const taken = createSocket("udp4");
    taken.bind({ address: here, port: vxlanPort, exclusive: true });
    await once(taken, "listening");
    const bench = new SwitchBench(here);
    benches = [bench];
    await side(bench, one, { host: there, guest: two });
    const { underlayFault } = await bench.until((said) => typeof said.underlayFault === "string");
    expect(underlayFault).to.include("EADDRINUSE");
    taken.close();
    await bench.until((said) => said.underlayFault === null);
    expect(bench.log).to.match(/no frames of other hosts at .*\n.*it takes frames of other hosts at/s);
  });
});
