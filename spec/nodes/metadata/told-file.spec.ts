/** The file of what a guest is told: read for one instance, and never believed when it is damaged. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { readToldFile, type ToldFile, toldOf } from "../../../nodes/metadata/told-file.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";

const file: ToldFile = {
  ...{ instanceId: "instance-1", project: "demo", name: "web", portIds: ["port-2", "port-1"] },
  data: {
    ...{ hostname: "web", availabilityZone: "nova", launchIndex: 0, metadata: {}, publicKeys: [] },
    ...{ userData: null, configDrive: false },
  },
};
const port = (id: string) => ({
  ...{ id, networkId: "network-1", macAddress: "52:54:00:00:00:01", mtuBytes: 1_400 },
  ...{ addresses: [], routes: [], dnsServers: [], dhcp: { v4: true, v6: false } },
});

describe("the file of what a guest is told", () => {
  let place: TemporaryDirectory;
  let path = "";
  beforeEach(async () => {
    place = await temporaryDirectory();
    path = join(place.path, "port-1.told");
  });
  afterEach(() => place.remove());

  it("is read for its own instance, and for no other life of the port", async () => {
    await writeFile(path, JSON.stringify(file));
    expect(await readToldFile(path, "instance-1")).to.deep.equal(file);
    expect(await readToldFile(path, "instance-2")).to.equal(undefined);
  });

  it("says nothing when it is missing, damaged, or says something else", async () => {
    expect(await readToldFile(path, "instance-1")).to.equal(undefined);
    for (const text of [
      "",
      "{",
      "null",
      JSON.stringify({ ...file, data: { ...file.data, hostname: "-" } }),
    ]) {
      await writeFile(path, text);
      expect(await readToldFile(path, "instance-1"), text).to.equal(undefined);
    }
  });

  it("has the ports in the guest's order, as far as the host knows them", () => {
    const told = toldOf(file, [port("port-1"), port("port-2"), port("port-3")]);
    expect(told.ports.map(({ id }) => id)).to.deep.equal(["port-2", "port-1"]);
    expect(toldOf(file, [port("port-1")]).ports).to.have.length(1);
  });
});
