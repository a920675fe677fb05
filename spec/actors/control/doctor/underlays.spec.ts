/** Hosts with one underlay address: what the doctor finds, and what it leaves alone. By value. */
import { expect } from "chai";
import { underlayFindings } from "../../../../actors/control/doctor/underlays.ts";
import { host } from "../scheduler/worlds.ts";
import { healthy } from "./worlds.ts";

const drivers = (underlay: string | null, network: string) => ({
  ...{ hypervisor: "qemu", disks: "files", network, volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: true, liveMigration: false, console: true, save: false },
  },
  networking: { mtuBytesMax: 1_450, spansHosts: true, underlay },
});

/** `silent`: numbers of the hosts that do not answer. */
function found(
  underlays: readonly (string | null)[],
  silent: readonly number[] = [],
  { network = "bridge", boots = [] as readonly string[] } = {},
): readonly string[] {
  const { input, audit } = healthy();
  const ids = underlays.map((_, number) => `h${number}`);
  const hosts = ids.map((id, number) =>
    host(id, {
      drivers: drivers(underlays[number] ?? null, network),
      bootId: boots[number] ?? "boot",
    }),
  );
  const answers = ids.map((hostId, number) =>
    silent.includes(number) ? { hostId, error: "No answer." } : { hostId, audit: { ...audit, hostId } },
  );
  const hostNames = new Map(ids.map((id) => [id, id]));
  const about = { settled: new Map(), unsettled: new Set<string>(), hostNames };
  return underlayFindings({ ...input, hosts, answers }, about).map(
    ({ kind, subject, message }) => `${kind} ${subject}: ${message}`,
  );
}

describe("doctor: underlays of hosts", () => {
  it("finds hosts that have the same, once for all of them", () => {
    expect(found(["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1"])).to.deep.equal([
      "drift host h0: Its underlay address 192.0.2.1 is also that of host h2, host h3.",
    ]);
  });

  it("names only so many of them", () => {
    const [finding = ""] = found(Array.from({ length: 9 }, () => "192.0.2.1"));
    expect(finding).to.match(/of host h1, host h2, host h3, host h4, host h5, and others\.$/);
  });

  it("finds nothing where each has its own or none, or the other one does not answer", () => {
    expect(found(["192.0.2.1", "192.0.2.2", null, null])).to.deep.equal([]);
    expect(found(["192.0.2.1", "192.0.2.1"], [0])).to.deep.equal([]);
  });

  it("leaves hosts alone that have one switch, on one computer", () => {
    const same = ["192.0.2.1", "192.0.2.1"];
    expect(found(same, [], { network: "user", boots: ["a", "a"] })).to.deep.equal([]);
    expect(found(same, [], { network: "user", boots: ["a", "b"] })).to.have.length(1);
    expect(found(same, [], { network: "of a plug-in", boots: ["a", "b"] })).to.deep.equal([]);
  });
});
