/** The parts that decide, by value. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { PortSpec } from "novact/plugin";
import { lackOf, tryDevices } from "../src/begin.ts";
import type { SeenMacvtap } from "../src/kernel.ts";
import { aliasOf, nameOf, ownerIn, ownerOf, prefixOf } from "../src/names.ts";
import { deviceOf } from "../src/options.ts";
import { PictureFile } from "../src/picture-file.ts";
import { appliedOf, changesOf, ownAmong } from "../src/plan.ts";
import { readMacvtaps } from "../src/seen.ts";
import { FakeKernel } from "./fake-kernel.ts";
import { pictureOf } from "./pictures.ts";
import { physicalNetwork, silentLog } from "./worlds.ts";

const uuid = "0193f2a4-7d1c-7c3e-9b1a-5d7e8f90ab12";
const options = { devices: { [physicalNetwork]: "eth1", lab: "eth2.100" } };
const port: PortSpec = {
  ...{ portId: "port-1", networkId: "network", physicalNetwork, instanceId: "instance-1", ownerEpoch: 3 },
  ...{ hostName: "guest", mac: "52:54:00:00:00:01", mtuBytes: 1_400 },
};
const is = (given: Partial<SeenMacvtap> = {}): SeenMacvtap => ({
  ...{ name: nameOf("host", "port-1"), alias: aliasOf(ownerOf("host", port)), device: "eth1" },
  ...{ mac: port.mac, mtuBytes: 1_400, isUp: true, isSilent: true, takesGroups: true, ...given },
});
const refusal = (act: Promise<unknown>) =>
  act.then(
    () => "none",
    (error: Error) => error.message,
  );

describe("a macvtap's name and alias", () => {
  it("fit into what Linux takes, whatever the ids", () => {
    for (const [host, id] of [
      ["h", "p"],
      [uuid, uuid],
      ["h".repeat(64), "p".repeat(64)],
    ] as const) {
      expect(nameOf(host, id)).to.match(/^nvm[0-9a-f]{12}$/);
      const longest = { hostId: host, instanceId: id, portId: id, ownerEpoch: 999_999_999_999_999 };
      expect(aliasOf(longest).length).to.be.below(256);
      expect(ownerIn(aliasOf(longest))).to.deep.equal(longest);
    }
    expect(nameOf("one", "p").startsWith(prefixOf("one"))).to.equal(true);
    expect(prefixOf("one")).not.to.equal(prefixOf("other"));
  });

  it("are nobody's where they are not such", () => {
    const whole = aliasOf({ hostId: "h", instanceId: "i", ownerEpoch: 1, portId: "p" });
    for (const alias of [null, "", "eth1", whole.slice(1), `${whole}/`, `${whole} `, whole.replace("1", "x")])
      expect(ownerIn(alias), String(alias)).to.equal(undefined);
    expect(() => ownerOf("host", { ...port, instanceId: "a b\nlink del eth1" })).to.throw(/cannot be told/);
  });
});

describe("what ip says of macvtaps", () => {
  const row = {
    ...{ ifindex: 4, link: "eth1", ifname: "nvm000000000001", flags: ["BROADCAST", "ALLMULTI", "UP"] },
    ...{ mtu: 1_400, address: "52:54:00:aa:00:01", ifalias: "mine", inet6_addr_gen_mode: "none" },
  };

  it("is read, also where there is nothing", () => {
    const [all, part] = readMacvtaps(JSON.stringify([row, {}, { ifname: "nvm2", flags: [] }]));
    expect(all).to.deep.equal({
      ...{
        name: "nvm000000000001",
        alias: "mine",
        device: "eth1",
        mac: "52:54:00:aa:00:01",
        mtuBytes: 1_400,
      },
      ...{ isUp: true, isSilent: true, takesGroups: true },
    });
    expect(part).to.include({ name: "nvm2", alias: null, device: null, isUp: false, isSilent: false });
    for (const nothing of ["", "\n", "[]", "[{}]"]) expect(readMacvtaps(nothing)).to.deep.equal([]);
    expect(() => readMacvtaps("[{")).to.throw(SyntaxError);
  });
});

describe("what macvtaps are to be", () => {
  const changes = (seen: SeenMacvtap, picture = pictureOf(1, [port])) =>
    changesOf(ownAmong([seen], "host").own, appliedOf(picture, options));

  it("is open, of the port's address and size, on the device of the picture", () => {
    expect(changes(is())).to.deep.equal([]);
    const open = { name: is().name, isUp: true };
    expect(changes(is({ isUp: false }))).to.deep.equal([open]);
    expect(changes(is({ isSilent: false }))).to.deep.equal([open]);
    expect(changes(is({ takesGroups: false }))).to.deep.equal([open]);
    const right = { mac: port.mac, mtuBytes: 1_400 };
    expect(changes(is({ mac: "52:54:00:00:00:99" }))).to.deep.equal([{ ...open, ...right }]);
    expect(changes(is({ mtuBytes: 1_280 }))).to.deep.equal([{ ...open, ...right }]);
  });

  it("is closed without a picture, of another port, of another device, and where it would be filtered", () => {
    const closed = [{ name: is().name, isUp: false }];
    expect(changesOf(ownAmong([is()], "host").own, { version: 0, ports: [] })).to.deep.equal(closed);
    expect(changes(is(), pictureOf(1, [{ ...port, portId: "port-2" }]))).to.deep.equal(closed);
    expect(changes(is({ device: "eth2.100" }))).to.deep.equal(closed);
    expect(changes(is({ device: null }))).to.deep.equal(closed);
    expect(changes(is(), pictureOf(1, [port], ["port-1"]))).to.deep.equal(closed);
  });

  it("has nothing of networks that are on none of the host's devices", () => {
    const networks = pictureOf(1, [port]).networks;
    for (const other of ["elsewhere", "toString", undefined]) {
      const picture = {
        version: 7,
        groups: [],
        networks: networks.map((one) => ({ ...one, physicalNetwork: other })),
      };
      // By JSON, in which an absent field stays absent.
      const { networks: said } = JSON.parse(JSON.stringify(picture)) as typeof picture;
      expect(appliedOf({ ...pictureOf(7, []), networks: said as typeof networks }, options)).to.deep.equal({
        ...{ version: 7, ports: [] },
      });
    }
    expect(deviceOf(options, "lab")).to.equal("eth2.100");
    expect(deviceOf(options, "constructor")).to.equal(undefined);
  });

  it("is not said of what is somebody else's", () => {
    const other = aliasOf(ownerOf("other-host", port));
    const seen = [is({ alias: other }), is({ alias: "mine" }), is({ name: "macvtap0" }), is({ alias: null })];
    expect(ownAmong(seen, "host")).to.deep.equal({ own: [], begun: [is({ alias: null })] });
  });
});

describe("a picture's file", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "novact-macvtap-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("is what was written, is none at first, and is not taken for an empty one when it is damaged", async () => {
    const [home, errors] = [join(directory, "a", "b"), [] as string[]];
    const file = new PictureFile(home, {
      ...silentLog,
      error: (_, message) => void errors.push(message ?? ""),
    });
    expect(await file.read()).to.equal(null);
    const applied = appliedOf(pictureOf(3, [port], ["port-1"]), options);
    for (const _ of ["once", "twice"]) await file.write(applied);
    expect(await file.read()).to.deep.equal(applied);
    expect(await readdir(home)).to.deep.equal(["picture.json"]);
    const damaged = [
      "",
      "{",
      "null",
      "[]",
      '{"version":1}',
      '{"version":1,"ports":[{}]}',
      '{"version":"1","ports":[]}',
    ];
    for (const text of damaged) {
      await writeFile(join(home, "picture.json"), text);
      expect(await file.read(), text).to.equal(undefined);
    }
    expect(errors).to.have.length(damaged.length);
  });
});

describe("what a computer lacks", () => {
  it("is said in words that tell what to do", () => {
    expect(lackOf(true, () => true)).to.equal(undefined);
    expect(lackOf(false, () => true)).to.match(/root/);
    expect(lackOf(true, (name) => name !== "ip")).to.match(/needs ip: apt install iproute2/);
  });

  it("is tried with each device, and leaves nothing", async () => {
    const kernel = new FakeKernel();
    expect(await refusal(tryDevices(kernel, options, "host"))).to.match(
      /no device eth2.100.*physical network lab/,
    );
    expect(await refusal(tryDevices(kernel, { devices: { [physicalNetwork]: "eth1" } }, "host"))).to.equal(
      "none",
    );
    expect([...kernel.links.keys(), ...kernel.files]).to.deep.equal([]);
  });
});
