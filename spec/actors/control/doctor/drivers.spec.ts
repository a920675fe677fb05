/** Drivers that differ between hosts are told as observations, and are no findings. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import { driverObservations } from "../../../../actors/control/doctor/drivers.ts";
import type { HostDrivers } from "../../../../protocol/host-drivers.ts";
import { healthy } from "./worlds.ts";

const driversOf = (hypervisor: string, hotPlug = false): HostDrivers => ({
  ...{ hypervisor, disks: "files", network: null, volumes: null },
  abilities: {
    ...{ networks: ["user"], volumes: [], hotPlug, liveMigration: false, console: true, save: false },
  },
});
const hostOf = (
  name: string,
  hypervisorVersion: string,
  drivers: HostDrivers | null = driversOf("qemu"),
) => ({
  ...{ name, hypervisor: "qemu", hypervisorVersion, drivers },
});

describe("doctor: drivers", () => {
  it("says nothing of nodes that run different drivers, nor of one driver that is everywhere the same", () => {
    const mixed = [hostOf("a", "7.2"), hostOf("b", "7.2", null), hostOf("c", "1.4", driversOf("crun", true))];
    expect(driverObservations(mixed)).to.deep.equal([]);
    expect(driverObservations([])).to.deep.equal([]);
  });

  it("names the nodes that have one driver in different versions, or with different abilities", () => {
    const versions = [hostOf("a", "7.2"), hostOf("b", "8.1"), hostOf("c", "7.2")];
    expect(driverObservations(versions)).to.deep.equal([
      { subject: "driver qemu", message: "Hosts have it with different versions: 7.2 on a, c; 8.1 on b." },
    ]);
    const abilities = [hostOf("a", "7.2"), hostOf("b", "7.2", driversOf("qemu", true))];
    expect(driverObservations(abilities).map(({ message }) => message)).to.deep.equal([
      "Hosts have it with different abilities: user, console on a; user, hot plug, console on b.",
    ]);
  });

  it("names a few of many hosts", () => {
    const many = Array.from({ length: 9 }, (_, index) => hostOf(`h${index}`, index === 8 ? "8.1" : "7.2"));
    expect(driverObservations(many)[0]?.message).to.include(
      "7.2 on h0, h1, h2, h3, h4 and 3 more hosts; 8.1 on h8.",
    );
  });

  it("are no findings", () => {
    const { input } = healthy();
    const [host] = input.hosts;
    if (host === undefined) throw new Error("There is a host.");
    const other = { ...host, id: "h2", name: "two", hypervisorVersion: "9.9", instances: 0 };
    const idle = { ...other, vcpusClaimed: 0, memoryMibClaimed: 0, diskGibClaimed: 0 };
    const { findings, observations } = compare({ ...input, hosts: [host, idle] });
    expect(findings).to.deep.equal([]);
    expect(observations).to.have.length(1);
  });
});
