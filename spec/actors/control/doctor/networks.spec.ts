/** Networks of hosts: what the doctor finds, and what it leaves alone. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import { doctorLimits } from "../../../../actors/control/doctor/limits.ts";
import type { NetworkingAudit } from "../../../../protocol/networking.ts";
import { host } from "../scheduler/worlds.ts";
import { healthy } from "./worlds.ts";

const wanted = {
  hostId: "h1",
  ports: 2,
  version: 20,
  parts: ["a", "b"],
  networkIds: ["n"],
  behindRouters: [],
};
const applied: NetworkingAudit = { version: 20, parts: ["b", "a"], lookedAgoMs: 1_000, failure: null };

/** Drivers of a host whose guests are on networks. */
const reaching = (spansHosts: boolean) => ({
  ...{ hypervisor: "qemu", disks: "files", network: "user", volumes: null },
  abilities: {
    ...{ networks: ["stream"], volumes: [], hotPlug: false, liveMigration: false, console: true },
    save: false,
  },
  networking: { mtuBytesMax: 65_535, spansHosts, underlay: null },
});

/** Messages about a host of which this is known. */
function found(networking: NetworkingAudit | undefined, rows = wanted): readonly string[] {
  const { input, audit } = healthy();
  const answers = [{ hostId: "h1", audit: networking === undefined ? audit : { ...audit, networking } }];
  return compare({ ...input, answers, networks: [rows] }).findings.map(
    ({ kind, subject, message }) => `${kind} ${subject}: ${message}`,
  );
}

describe("doctor: networks of hosts", () => {
  it("finds nothing where a host has applied what there is, or is behind, or has no guests on networks", () => {
    expect(found(applied)).to.deep.equal([]);
    expect(found({ ...applied, version: 19, parts: ["a"] })).to.deep.equal([]);
    expect(found(undefined, { ...wanted, ports: 0 })).to.deep.equal([]);
  });

  it("finds a host that knows the newest event and applies something else", () => {
    expect(found({ ...applied, parts: ["a"] })).to.deep.equal([
      "drift host one: What it lets pass is not what is allowed (a,b).",
    ]);
    expect(found({ ...applied, version: 25, parts: [] })).to.have.length(1);
  });

  it("finds published ports at which nobody answers, and why", () => {
    const unpublished = [{ id: "p1", why: "Another program of the host listens at 127.0.0.1:80." }];
    expect(found({ ...applied, unpublished: [] })).to.deep.equal([]);
    expect(found({ ...applied, unpublished })).to.deep.equal([
      "drift host one: Nobody answers at the published port p1: Another program of the host listens at 127.0.0.1:80.",
    ]);
  });

  it("advises where guests with published ports are on a host that publishes none", () => {
    const { input, audit } = healthy();
    const unpublished = ["p1", "p2"].map((id) => ({ id, why: "The driver publishes no ports." }));
    const answers = [{ hostId: "h1", audit: { ...audit, networking: { ...applied, unpublished } } }];
    const told = (publishes: boolean) => {
      const drivers = reaching(true);
      const networking = { mtuBytesMax: 65_535, spansHosts: true, underlay: null, publishes };
      const hosts = input.hosts.map((one) => ({ ...one, drivers: { ...drivers, networking } }));
      const { findings } = compare({ ...input, hosts, answers, networks: [wanted] });
      return findings.map(({ kind, message }) => `${kind}: ${message}`);
    };
    expect(told(false)).to.deep.equal([
      "advice: Its network driver publishes no ports, and its guests have 2 published ports.",
    ]);
    expect(told(true)).to.have.length(2);
  });

  it("finds parts of a picture that a host could not carry out, each apart", () => {
    const failed = [
      { of: "port" as const, id: "p1", why: "No room." },
      { of: "outside" as const, id: "office", why: "No device." },
    ];
    expect(found({ ...applied, failed: [] })).to.deep.equal([]);
    expect(found({ ...applied, failed })).to.deep.equal([
      "drift host one: The port p1 does not work there: No room.",
      "drift host one: The way to the operator's network office does not work there: No device.",
    ]);
  });

  it("says how a guest comes back that has lost what it was plugged into", () => {
    const { input, audit } = healthy();
    const failed = [{ of: "device" as const, id: "p1", why: "It is gone." }];
    const answers = [{ hostId: "h1", audit: { ...audit, networking: { ...applied, failed } } }];
    const plugs = [{ id: "x", name: "p1", portId: "p1", deviceId: "i1" }] as never;
    const nexts = (more: object) =>
      compare({ ...input, answers, networks: [wanted], ...more }).findings.flatMap(({ message, next }) =>
        message.includes("device of the port p1") ? [next] : [],
      );
    expect(nexts({ plugs })).to.deep.equal([
      "Nothing passes it until the guest is started anew: " +
        "novact instance stop i1 --wait && novact instance start i1 --wait",
    ]);
    expect(nexts({})[0]).to.contain("novact instance stop INSTANCE --wait");
  });

  it("lets what users have published hide no failure of another host", () => {
    const { input, audit } = healthy();
    const flood = Array.from({ length: doctorLimits.hostFindingsMax }, (_, n) => ({
      id: `p${n}`,
      why: "No.",
    }));
    const answers = [
      { hostId: "h1", audit: { ...audit, networking: { ...applied, unpublished: flood } } },
      { hostId: "h2", audit: { ...audit, hostId: "h2", networking: { ...applied, failure: "No nft." } } },
    ];
    const { findings } = compare({ ...input, answers, networks: [wanted, { ...wanted, hostId: "h2" }] });
    const messages = findings.map(({ message }) => message);
    expect(messages).to.include("Its network stays as it was: No nft.");
    expect(messages).to.include("1 more finding is there: 1 drift.");
  });

  it("finds a host that answers its guests nothing, and why", () => {
    expect(found({ ...applied, unanswered: null })).to.deep.equal([]);
    expect(found({ ...applied, unanswered: "metadata: EADDRINUSE" })).to.deep.equal([
      "drift host one: Its guests are not answered what they ask it: metadata: EADDRINUSE",
    ]);
  });

  it("finds a host that cannot apply, does not ask any more, or says nothing", () => {
    expect(found({ ...applied, failure: "No nft." })).to.deep.equal([
      "drift host one: Its network stays as it was: No nft.",
    ]);
    const late = { ...applied, lookedAgoMs: doctorLimits.networkPatienceMs + 1 };
    for (const one of [late, { ...applied, lookedAgoMs: null }])
      expect(found(one)).to.deep.equal([
        "drift host one: It does not ask any more for what it has to know of networks.",
      ]);
    expect(found(undefined)).to.deep.equal([
      "drift host one: It has guests on networks, and says nothing of its network: 2 ports.",
    ]);
  });
});

describe("doctor: hosts whose guests do not reach all of their networks", () => {
  const at = (hostId: string, networkIds: readonly string[]) => ({ ...wanted, hostId, networkIds });
  /** Sentences about hosts with guests on these networks; the second host is on a computer of its own. */
  function cut(spans: readonly boolean[], networks: readonly (readonly string[])[], boots = ["a", "b"]) {
    const { input } = healthy();
    const names = ["h1", "h2"];
    const hosts = names.map((id, n) =>
      host(id, { bootId: boots[n] ?? "", drivers: reaching(spans[n] === true) }),
    );
    const rows = names.map((id, n) => at(id, networks[n] ?? []));
    return compare({ ...input, hosts, networks: rows, answers: [] })
      .findings.filter(({ message }) => message.startsWith("Its guests do not reach"))
      .map(({ subject, message }) => `${subject}: ${message}`);
  }

  it("finds those without an underlay whose networks have guests on other computers", () => {
    const first = "host name-h1: Its guests do not reach those of other computers, on 1 network.";
    expect(cut([false, true], [["n", "m"], ["n"]])).to.deep.equal([first]);
    expect(cut([false, false], [["n"], ["n"]])).to.have.length(2);
  });

  it("finds nothing where they reach each other, share no network, or are on one computer", () => {
    expect(cut([true, true], [["n"], ["n"]])).to.deep.equal([]);
    expect(cut([false, false], [["n"], ["m"]])).to.deep.equal([]);
    expect(cut([false, false], [["n"], ["n"]], ["a", "a"])).to.deep.equal([]);
  });
});
