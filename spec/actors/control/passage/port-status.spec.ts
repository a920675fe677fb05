/** The status of a port, by value: each of the words, and what makes it. */
import { expect } from "chai";
import {
  type PluggedGuest,
  type PortFacts,
  type PortWord,
  portStatus,
} from "../../../../actors/control/passage/port-status.ts";
import type { NetworkFailure, PortPicture } from "../../../../protocol/networking.ts";
import type { Port } from "../../../../protocol/port.ts";

const port: Port = {
  ...{ id: "p", project: "demo", name: "p", networkId: "n", mac: "52:54:00:00:00:01" },
  ...{ portSecurity: true, addressPairs: [{ cidr: "10.7.0.0/16", mac: null }] },
  bandwidth: { ingress: { kilobitsPerSecond: 20_000, burstKilobits: 2_000 }, egress: null },
  ...{ createdAtMs: 0, device: "instance", deviceId: "i", deleteWithInstance: true },
  addresses: [
    { subnetId: "s4", address: "10.0.0.1" },
    { subnetId: "s6", address: "fd00::1" },
  ],
  securityGroupIds: ["g1", "g2"],
};
const applied: PortPicture = {
  ...{ id: "p", instanceId: "i", mac: port.mac, portSecurity: true },
  addressPairs: [{ mac: null, cidr: "10.7.0.0/16" }],
  addresses: [
    { address: "fd00::1", subnetId: "s6" },
    { address: "10.0.0.1", subnetId: "s4" },
  ],
  bandwidth: { egress: null, ingress: { burstKilobits: 2_000, kilobitsPerSecond: 20_000 } },
  groupIds: ["g2", "g1"],
};
const guest: PluggedGuest = {
  ...{ name: "web", state: "running", runs: true, hostName: "h1", change: undefined, isLimiting: true },
};
const said = (failure: string | null, its: PortPicture | undefined): PortWord => ({
  ...{ kind: "said", networking: { failure, port: its } },
});
const failing = (of: NetworkFailure["of"]): PortWord => {
  const failed = { of, id: "it", why: "There is no room." };
  return { kind: "said", networking: { failure: null, port: applied, failed } };
};
const statusOf = (given: Partial<PortFacts>) =>
  portStatus({ port, guest, word: said(null, applied), operator: false, ...given });
const of = (given: Partial<PluggedGuest>) => statusOf({ guest: { ...guest, ...given } }).status;

describe("the status of a port", () => {
  it("is active when its host has applied it as it is now, in whatever order that is said", () => {
    expect(statusOf({})).to.deep.equal({ status: "active" });
    expect(statusOf({ word: said("A later picture fails.", applied) }).status).to.equal("active");
    for (const state of ["paused", "rebooting", "stopping", "failed"] as const)
      expect(of({ state }), state).to.equal("active");
  });

  it("is an error, for everybody with what to do, when the running guest has lost what it was plugged into", () => {
    for (const operator of [true, false])
      expect(statusOf({ word: failing("device"), operator })).to.deep.equal({
        status: "error",
        statusReason: `What ${guest.name} was plugged into is gone from the host h1: stop ${guest.name} and start it again.`,
      });
    expect(statusOf({ word: failing("device"), guest: { ...guest, runs: false } }).status).to.equal("down");
  });

  it("is an error when its host cannot carry it, though the host has applied all else, and says why to operators", () => {
    for (const what of ["port", "network"] as const) {
      const word = failing(what);
      expect(statusOf({ word })).to.deep.equal({
        status: "error",
        statusReason: "The host h1 cannot carry it; operators are told why by novact doctor.",
      });
      expect(statusOf({ word, operator: true }).statusReason).to.equal(
        "The host h1 cannot carry it: There is no room.",
      );
    }
  });

  it("is active, with a reason, while only a way to others fails", () => {
    expect(statusOf({ word: failing("outside") })).to.deep.equal({
      status: "active",
      statusReason: "It does not reach the outside; operators are told why by novact doctor.",
    });
    expect(statusOf({ word: failing("tunnel"), operator: true }).statusReason).to.equal(
      "It does not reach other hosts' guests of its network: There is no room.",
    );
    expect(statusOf({ word: failing("router") }).status).to.equal("active");
    expect(statusOf({ word: failing("responder"), operator: true })).to.deep.equal({
      status: "active",
      statusReason: "It does not reach what tells it its addresses of IPv6: There is no room.",
    });
  });

  it("is down when nothing is plugged in, or what is plugged in does not run", () => {
    const unplugged = { ...port, device: null, deviceId: null };
    expect(statusOf({ port: unplugged, guest: undefined }).status).to.equal("down");
    expect(statusOf({ guest: undefined }).status).to.equal("down");
    for (const state of ["stopped", "failed", "deleting"] as const)
      expect(of({ state, runs: false }), state).to.equal("down");
    expect(of({ state: "stopped", runs: false, hostName: null })).to.equal("down");
  });

  it("is on its way while the guest starts, while it is plugged in or let go of, and until its host has applied it", () => {
    for (const state of ["building", "starting"] as const) {
      expect(of({ state, runs: true }), state).to.equal("build");
      expect(of({ state, runs: false, hostName: null }), state).to.equal("build");
    }
    expect(of({ state: "rebooting", runs: false })).to.equal("build");
    expect(of({ change: "attaching" })).to.equal("build");
    expect(of({ change: "leaving" })).to.equal("build");
    expect(statusOf({ word: said(null, undefined) }).status).to.equal("build");
  });

  const changes: Partial<PortPicture>[] = [
    { instanceId: "j" },
    { mac: "52:54:00:00:00:02" },
    { portSecurity: false },
    { addressPairs: [] },
    { addresses: applied.addresses.slice(1) },
    { groupIds: ["g1", "g3"] },
    { bandwidth: { ingress: null, egress: { kilobitsPerSecond: 20_000, burstKilobits: 2_000 } } },
  ];
  for (const change of changes)
    it(`is not active as long as its host has it with another ${Object.keys(change)}`, () => {
      expect(statusOf({ word: said(null, { ...applied, ...change }) }).status).to.equal("build");
      expect(statusOf({ word: said("The disk is full.", { ...applied, ...change }) }).status).to.equal(
        "error",
      );
    });

  it("is an error when its host says that it fails, and only operators are told why", () => {
    const word = said("The disk is full.", undefined);
    const [user, operator] = [statusOf({ word }), statusOf({ word, operator: true })];
    expect([user.status, operator.status]).to.deep.equal(["error", "error"]);
    expect(operator.statusReason).to.contain("The disk is full.");
    expect(user.statusReason).not.to.contain("disk");
    expect(of({ isLimiting: false }), "a limit that nobody keeps").to.equal("error");
    expect(statusOf({ word: { kind: "said", networking: null } }).status).to.equal("error");
  });

  it("is unknown when its host does not say, whatever was so before", () => {
    for (const why of ["silent", "unanswered"] as const)
      expect(statusOf({ word: { kind: "unheard", why } }).status, why).to.equal("unknown");
    const silent: PortWord = { kind: "unheard", why: "silent" };
    expect(statusOf({ word: silent, guest: { ...guest, state: "unknown", runs: true } }).status).to.equal(
      "unknown",
    );
  });

  it("is not said of what is no instance's", () => {
    expect(statusOf({ port: { ...port, device: "router" }, guest: undefined })).to.deep.equal({});
  });
});
