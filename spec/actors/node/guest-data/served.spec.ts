/** What a guest finds at its host by HTTP, path by path, as cloud-init and old images ask for it. */
import { expect } from "chai";
import { documentsOf, type Told } from "../../../../actors/node/guest-data/documents.ts";
import { servedAt } from "../../../../actors/node/guest-data/served.ts";

const key = (name: string) => ({ name, type: "ssh" as const, publicKey: `ssh-ed25519 AAAA ${name}\n` });
const told: Told = {
  ...{ instanceId: "01890000-0000-7000-8000-00000000000a", project: "demo", name: "web 1" },
  data: {
    ...{ hostname: "web-1", availabilityZone: "east", launchIndex: 3, metadata: { role: "front" } },
    ...{ publicKeys: [key("ann"), key("bob/\n2=eve")], configDrive: false },
    userData: Buffer.from([0, 255, 10, 13]).toString("base64"),
  },
  ports: [
    {
      ...{ id: "port-1", networkId: "network-1", macAddress: "52:54:00:12:34:56", mtuBytes: 1_400 },
      ...{ address4: "10.0.0.7", addresses: [], routes: [], dnsServers: [] },
      dhcp: { v4: true, v6: false },
    },
  ],
};
const without: Told = { ...told, data: { ...told.data, userData: null, publicKeys: [] }, ports: [] };

const text = (path: string, of = told): string | undefined => {
  const served = servedAt(of, path);
  return served && Buffer.from(served.bytes).toString("latin1");
};
const lines = (path: string, of = told) => text(path, of)?.split("\n");

describe("what a guest finds by HTTP", () => {
  it("is under OpenStack's paths what the config drive has, byte for byte", () => {
    const documents = [...documentsOf(told)].filter(([path]) => path.startsWith("openstack/"));
    expect(documents.length).to.be.greaterThan(40);
    for (const [path, bytes] of documents)
      expect(Buffer.from(servedAt(told, `/${path}`)?.bytes ?? []).equals(bytes), path).to.equal(true);
  });

  it("lists OpenStack's versions and documents, as cloud-init looks for them", () => {
    for (const path of ["/openstack", "/openstack/"])
      expect(lines(path)).to.include.members(["2012-08-10", "2018-08-27", "latest"]);
    expect(lines("/openstack/latest/")).to.have.members([
      ...["meta_data.json", "vendor_data.json", "vendor_data2.json", "network_data.json", "user_data"],
    ]);
    expect(lines("/openstack/latest", without)).to.not.include.members(["user_data"]);
  });

  it("is Amazon's tree, which a reader walks by its slashes", () => {
    expect(lines("/")).to.include.members(["1.0", "2009-04-04", "latest"]);
    expect(lines("/2009-04-04/")).to.deep.equal(["meta-data/", "user-data"]);
    expect(lines("/latest/meta-data/")).to.have.members([
      ...["ami-launch-index", "hostname", "instance-id", "local-hostname", "local-ipv4"],
      ...["placement/", "public-keys/"],
    ]);
    expect(lines("/latest/meta-data/placement/")).to.deep.equal(["availability-zone"]);
    expect(lines("/latest/meta-data/public-keys/")).to.deep.equal(["0=ann", "1=bob__2=eve"]);
    expect(lines("/latest/meta-data/public-keys/1/")).to.deep.equal(["openssh-key"]);
  });

  it("is each of Amazon's fields at a path of its own, under each version", () => {
    const fields = {
      ...{ "instance-id": told.instanceId, "local-ipv4": "10.0.0.7", "ami-launch-index": "3" },
      ...{ hostname: "web-1", "placement/availability-zone": "east" },
      "public-keys/0/openssh-key": "ssh-ed25519 AAAA ann\n",
    };
    for (const version of ["1.0", "2009-04-04", "latest"])
      for (const [path, value] of Object.entries(fields))
        expect(text(`/${version}/meta-data/${path}`), path).to.equal(value);
    expect(text("/latest/user-data")).to.equal("\u0000ÿ\n\r");
  });

  it("is nothing where nothing is, whatever the path says", () => {
    for (const path of [
      ...["/latest/dynamic/", "/2016-09-02/meta-data/", "/latest/api/token", "/openstack/2099-01-01"],
      ...["/openstack/latest/../latest", "/latest/meta-data/hostname/x", "/ec2/latest/meta-data.json"],
      ...["/latest/meta-data/public-keys/0/_name", "/latest/meta-data/constructor", "/latest/__proto__"],
      ...["/openstack/latest/bytes", "/openstack/latest/meta_data.json/bytes", "/meta-data", "/user-data"],
    ])
      expect(servedAt(told, path), path).to.equal(undefined);
    for (const path of ["/latest/user-data", "/openstack/latest/user_data", "/latest/meta-data/local-ipv4"])
      expect(servedAt(without, path), path).to.equal(undefined);
    expect(text("/latest/meta-data/public-keys/", without)).to.equal("");
  });

  it("says of each of its kind what it is", () => {
    const typeOf = (path: string) => servedAt(told, path)?.type;
    expect(typeOf("/openstack/latest/meta_data.json")).to.equal("application/json");
    expect(typeOf("/latest/user-data")).to.equal("application/octet-stream");
    expect(typeOf("/latest/meta-data/hostname")).to.match(/^text\/plain/);
  });
});
