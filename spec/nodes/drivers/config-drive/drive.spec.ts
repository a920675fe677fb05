/** The file of a config drive: whose it is, when it is made, and that a running guest keeps its own. */
import { chmod, open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { configDriveOf, ensureConfigDrive } from "../../../../nodes/drivers/config-drive/drive.ts";
import { refuseUntold } from "../../../../nodes/drivers/config-drive/untold.ts";
import { guestUser } from "../../../../nodes/drivers/guest-user.ts";
import type { GuestData } from "../../../../protocol/guest-data.ts";
import type { NetworkPicture } from "../../../../protocol/networking.ts";
import { machineSpec, type TemporaryDirectory, temporaryDirectory } from "../../../support/driver-world.ts";
import { readIso } from "../../../support/iso-reader.ts";
import * as world from "../../../support/switch-world.ts";

const guest: GuestData = {
  hostname: "web-1",
  availabilityZone: "nova",
  launchIndex: 0,
  metadata: {},
  publicKeys: [{ name: "mine", type: "ssh", publicKey: "ssh-ed25519 AAAA me" }],
  userData: Buffer.from("hello\n").toString("base64"),
  configDrive: true,
};
const spec = machineSpec({ guest });

describe("a config drive", () => {
  let place: TemporaryDirectory;
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(() => place.remove());

  it("has the documents of the guest, under the label by which it is found", async () => {
    const path = (await ensureConfigDrive(spec, place.path)) ?? "";
    const { label, files } = readIso(await readFile(path), "joliet");
    expect(label).to.equal("config-2");
    expect(JSON.parse(String(files.get("openstack/latest/meta_data.json;1")))).to.include({
      ...{ uuid: spec.instanceId, project_id: "demo", name: "web", hostname: "web-1" },
    });
    expect(String(files.get("openstack/latest/user_data;1"))).to.equal("hello\n");
    expect(String(files.get("user-data;1"))).to.equal("hello\n");
  });

  it("has the network of a guest with interfaces, which it waits for, and of no other", async () => {
    const networks: readonly NetworkPicture[] = [
      world.networkOf(1, [world.portOf({ network: 1, number: 7 })]),
    ];
    const networked = {
      ...spec,
      interfaces: [{ portId: "port-1-7", networkId: "network-1", mac: "52:54:00:00:01:07", mtuBytes: 1_400 }],
    };
    const path = (await ensureConfigDrive(networked, place.path, async () => networks)) ?? "";
    const { files } = readIso(await readFile(path), "joliet");
    const said = JSON.parse(String(files.get("openstack/latest/network_data.json;1")));
    expect(said.links).to.have.length(1);
    expect(said.networks.map(({ type }: { type: string }) => type)).to.deep.equal(["ipv4_dhcp", "ipv6"]);
    const unheard = () => Promise.reject(new Error("nobody says it"));
    expect(await ensureConfigDrive(spec, place.path, unheard)).to.equal(path);
    const failed = await ensureConfigDrive(networked, place.path, unheard).catch(String);
    expect(failed).to.equal("Error: nobody says it");
  });

  it("is the same for the same facts, and small", () => {
    const [one, other] = [configDriveOf(spec, []), configDriveOf({ ...spec }, [])];
    expect(one?.equals(other ?? Buffer.alloc(0))).to.equal(true);
    expect(one?.length).to.be.below(200_000);
  });

  it("holds the most that a guest can be told", () => {
    const most: GuestData = {
      ...guest,
      metadata: Object.fromEntries(
        Array.from({ length: 128 }, (_, index) => [`${"\u{1f600}".repeat(250)}${index}`, '"'.repeat(255)]),
      ),
      publicKeys: [{ name: "x".repeat(255), type: "x509", publicKey: "\u0001".repeat(65_535) }],
      userData: Buffer.alloc(49_149, 1).toString("base64"),
    };
    expect(configDriveOf({ ...spec, guest: most }, [])?.length).to.be.above(500_000);
  });

  it("belongs to the guest's user alone", async () => {
    const { mode, uid } = await stat((await ensureConfigDrive(spec, place.path)) ?? "");
    expect(mode & 0o777).to.equal(0o600);
    expect(uid).to.equal(guestUser(spec.instanceId)?.uid ?? process.getuid?.());
  });

  it("is made anew, and whoever has the one before open reads on in it", async () => {
    const path = (await ensureConfigDrive(spec, place.path)) ?? "";
    const before = await readFile(path);
    const running = await open(path, "r");
    try {
      await ensureConfigDrive({ ...spec, guest: { ...guest, hostname: "other" } }, place.path);
      expect((await running.readFile()).equals(before)).to.equal(true);
      expect((await readFile(path)).equals(before)).to.equal(false);
    } finally {
      await running.close();
    }
  });

  it("leaves no part of itself behind, whatever an agent that died has left", async () => {
    await writeFile(join(place.path, "config.iso.1-aa.tmp"), "half");
    await ensureConfigDrive(spec, place.path);
    expect(await readdir(place.path)).to.deep.equal(["config.iso"]);
    await ensureConfigDrive({ ...spec, guest: { ...guest, configDrive: false } }, place.path);
    expect(await readdir(place.path)).to.deep.equal([]);
    await chmod(place.path, 0o711);
  });

  it("is asked for by those who are to have one, and nobody starts such a guest without", () => {
    const paths = { directory: "/", disk: undefined, kernel: undefined, ramdisk: undefined };
    expect(() => refuseUntold(spec, paths)).to.throw(
      `No config drive was made for instance ${spec.instanceId}.`,
    );
    expect(() => refuseUntold(spec, { ...paths, configDrive: "/config.iso" })).not.to.throw();
    expect(() => refuseUntold(machineSpec(), paths)).not.to.throw();
    expect(() => refuseUntold({ ...spec, guest: { ...guest, configDrive: false } }, paths)).not.to.throw();
  });
});
