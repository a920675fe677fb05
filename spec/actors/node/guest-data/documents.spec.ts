/**
 * What a guest is told, byte for byte. `NOVACT_WRITE_DOCS=1 npx mocha …` writes the golden files anew, and
 * the change is for a reviewer: guests read these documents.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { documentsOf, type Told } from "../../../../actors/node/guest-data/documents.ts";
import type { GuestPort } from "../../../../actors/node/guest-data/port.ts";
import { netmaskOf } from "../../../../actors/node/guest-data/prefixes.ts";
import { GuestData, hostnameOf } from "../../../../protocol/guest-data.ts";
import { fieldLimits } from "../../../../protocol/limits/fields.ts";
import { validatorOf } from "../../../../protocol/wire/validate.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ann@desk\n";
const data: GuestData = {
  hostname: "web-1",
  availabilityZone: "nova",
  launchIndex: 0,
  metadata: {},
  publicKeys: [],
  userData: null,
  configDrive: true,
};
const bare: Told = {
  instanceId: "01890000-0000-7000-8000-00000000000a",
  project: "demo",
  name: "web 1",
  data,
  ports: [],
};
const byDhcp: GuestPort = {
  id: "port-1",
  networkId: "network-1",
  macAddress: "52:54:00:12:34:56",
  mtuBytes: 1_500,
  ...{ addresses: [], routes: [], dnsServers: [] },
  dhcp: { v4: true, v6: false },
};
const fixed: GuestPort = {
  ...byDhcp,
  id: "port-2",
  networkId: "network-2",
  macAddress: "52:54:00:12:34:57",
  mtuBytes: 1_450,
  addresses: [
    { address: "10.0.0.7", prefixLength: 22, gateway: "10.0.0.1" },
    { address: "2001:db8::7", prefixLength: 64, gateway: "2001:db8::1" },
    { address: "10.9.0.7", prefixLength: 24, gateway: null },
  ],
  routes: [
    { destination: "192.168.0.0/16", gateway: "10.0.0.254" },
    { destination: "2001:db8:9::/48", gateway: "2001:db8::9" },
  ],
  dnsServers: ["10.0.0.2", "2001:db8::2"],
  dhcp: { v4: false, v6: false },
};
const byDhcp6: GuestPort = {
  ...byDhcp,
  id: "port-3",
  networkId: "network-3",
  macAddress: "52:54:00:12:34:58",
  leased6: { address: "2001:db8:3::7", prefixLength: 64, gateway: "2001:db8:3::1" },
  addresses: [{ address: "2001:db8:3::8", prefixLength: 64, gateway: null }],
  routes: [{ destination: "2001:db8:9::/48", gateway: "2001:db8:3::9" }],
  dhcp: { v4: true, v6: true },
};
const full: Told = {
  ...bare,
  name: 'wéb "1"',
  data: {
    ...data,
    availabilityZone: "east",
    launchIndex: 3,
    metadata: { role: "front\u2028end" },
    publicKeys: [
      { name: "ann's", type: "ssh", publicKey: key },
      { name: "windows", type: "x509", publicKey: "-----BEGIN CERTIFICATE-----\n…\n" },
    ],
    userData: Buffer.from("#!/bin/sh\necho hello\n").toString("base64"),
  },
  ports: [byDhcp, fixed, byDhcp6],
};

/** The documents one below the other, without those of dated versions, which are as the latest. */
function shown(told: Told): string {
  return [...documentsOf(told)]
    .filter(([path]) => !/^(?:openstack|ec2)\/\d/.test(path))
    .map(([path, bytes]) => `== ${path} (${bytes.length} bytes)\n${Buffer.from(bytes).toString("utf8")}`)
    .join("\n");
}

const text = (told: Told, path: string): string => Buffer.from(documentsOf(told).get(path) ?? []).toString();
const parsed = (told: Told, path: string): unknown => JSON.parse(text(told, path));

describe("the documents of a guest", () => {
  for (const [name, told] of [
    ["bare", bare],
    ["full", full],
  ] as const)
    it(`are those of the golden file: ${name}`, () => {
      const file = join(import.meta.dirname, `${name}.golden`);
      if (process.env.NOVACT_WRITE_DOCS === "1") writeFileSync(file, shown(told));
      expect(shown(told)).to.equal(readFileSync(file, "utf8"));
    });

  it("are the same under every version that readers may ask for", () => {
    const documents = documentsOf(full);
    const dated = [...documents.keys()].filter((path) => /^(?:openstack|ec2)\/\d/.test(path));
    expect(dated).to.have.length(9 * 5 + 2);
    for (const path of dated)
      expect(documents.get(path), path).to.deep.equal(documents.get(path.replace(/\/[\d-]+\//, "/latest/")));
  });

  it("hold the user data byte for byte, whatever the bytes are", () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const told = { ...bare, data: { ...data, userData: bytes.toString("base64") } };
    for (const path of ["openstack/latest/user_data", "ec2/latest/user-data", "user-data"])
      expect(Buffer.from(documentsOf(told).get(path) ?? []).equals(bytes), path).to.equal(true);
  });

  it("describe no network to a guest without ports, which then asks by DHCP", () => {
    const paths = [...documentsOf(bare).keys()].filter((path) => /network/.test(path));
    expect(paths).to.deep.equal([]);
  });

  it("give only keys for ssh to readers that know no others", () => {
    expect(text(full, "meta-data")).to.include("ann@desk").and.not.include("CERTIFICATE");
    expect(text(full, "ec2/latest/meta-data.json")).to.include("ann@desk").and.not.include("CERTIFICATE");
    expect(text(full, "openstack/latest/meta_data.json")).to.include("CERTIFICATE");
  });

  it("cannot be broken out of by a name or a value", () => {
    const hostile = '"\n}, "uuid": "x\u0000\u2028';
    const told = { ...full, name: hostile, data: { ...full.data, metadata: { [hostile]: hostile } } };
    expect(parsed(told, "openstack/latest/meta_data.json")).to.include({
      uuid: bare.instanceId,
      name: hostile,
    });
    expect(parsed(told, "meta-data")).to.include({ "instance-id": bare.instanceId });
  });
});

describe("the netmask of a prefix", () => {
  const cases = [
    [0, false, "0.0.0.0"],
    [9, false, "255.128.0.0"],
    [24, false, "255.255.255.0"],
    [32, false, "255.255.255.255"],
    [0, true, "::"],
    [48, true, "ffff:ffff:ffff::"],
    [61, true, "ffff:ffff:ffff:fff8::"],
    [128, true, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ] as const;
  for (const [length, six, mask] of cases)
    it(`of ${length} bits is ${mask}`, () => expect(netmaskOf(length, six)).to.equal(mask));
});

describe("a guest's host name", () => {
  const instanceId = "01890000-0000-7000-8000-00000000000a";

  it("is made of the instance's name, and legal whatever that is", () => {
    const made = (name: string) => hostnameOf({ name, instanceId });
    expect(["web one", "Web_1.example", "--a--", "ünï", "!!!", "x".repeat(80)].map(made)).to.deep.equal([
      ...["web-one", "web-1-example", "a", "n", `i-${instanceId}`, "x".repeat(63)],
    ]);
    for (const name of [`${"x".repeat(62)}- y`, "-", "\u{1f600}", `${"a".repeat(62)}--b`])
      expect(validatorOf(GuestData).accepts({ ...data, hostname: made(name) }), name).to.equal(true);
  });

  it("is a label of RFC 1123 where one is asked for", () => {
    const accepted = (hostname: string) => validatorOf(GuestData).accepts({ ...data, hostname });
    expect(["a", "A-1", "x".repeat(63), "1"].filter((name) => !accepted(name))).to.deep.equal([]);
    const wrong = ["", "-a", "a-", "a.b", "a b", "a_b", "é", "x".repeat(64), "a\n"];
    expect(wrong.filter(accepted)).to.deep.equal([]);
  });
});

describe("user data", () => {
  const accepted = (userData: string) => validatorOf(GuestData).accepts({ ...data, userData });

  it("is base64 of as many bytes as Nova takes, and not one more", () => {
    const most = Buffer.alloc(fieldLimits.userDataBytesMax).toString("base64");
    expect(most.length).to.be.at.most(fieldLimits.userDataLengthMax);
    expect(accepted(most)).to.equal(true);
    expect(accepted(Buffer.alloc(fieldLimits.userDataBytesMax + 1).toString("base64"))).to.equal(false);
    expect(["", "YQ==", "YWI=", "YWJj"].filter((one) => !accepted(one))).to.deep.equal([]);
    expect(["YQ", "YQ=", "YW_j", "YWJj\n", "=", "YQ==YQ=="].filter(accepted)).to.deep.equal([]);
  });
});
