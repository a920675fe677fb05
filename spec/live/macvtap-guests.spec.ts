/**
 * Real guests on an operator's own network, by the plug-in `macvtap` of the examples: two hosts, each with a
 * cable to a switch that novact knows nothing of. Needs root, iproute2, a kernel with veth and macvtap, QEMU
 * and the tiny guest that the set-up builds; skips loudly elsewhere.
 */

import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { expect } from "chai";
import type { NetworkDriver } from "../../nodes/drivers/kinds.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { whyNoCable } from "../examples/macvtap/spec/cable.ts";
import { nameOf } from "../examples/macvtap/src/names.ts";
import { macvtap } from "../examples/macvtap/src/plugin.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makeNetworkedHost,
  type NetworkedGuest,
  type NetworkedHost,
  networkOf,
} from "../support/networked-guests.ts";
import { makeProviderNetwork, type ProviderNetwork, providerAddress } from "../support/provider-network.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;
const physicalNetwork = "provider";

describe("guests on an operator's network, by macvtap", function () {
  this.timeout(240_000);
  let provider: ProviderNetwork;
  let hosts: readonly NetworkedHost[] = [];
  let guests: readonly NetworkedGuest[] = [];
  const hostIds = [1, 2].map((number) => `host-${number}-${randomBytes(4).toString("hex")}`);

  const driverOf = (index: number): NetworkDriver => ({
    options: macvtap.options,
    open: (context) => {
      const devices = { [physicalNetwork]: provider.devices[index] ?? "" };
      return macvtap.open({ ...context, hostId: hostIds[index] ?? "" }, { devices });
    },
  });
  /** `filtered`: whether its ports have `portSecurity`. */
  const pictureOf = (version: number, own: readonly NetworkedGuest[], filtered = false): HostNetworking => {
    const plain = networkOf("mine", own);
    const ports = plain.ports.map((port) => ({ ...port, portSecurity: filtered, groupIds: [] }));
    return { version, groups: [], networks: [{ ...plain, physicalNetwork, ports }] };
  };

  const at = (index: number): { host: NetworkedHost; guest: NetworkedGuest } => {
    const [host, guest] = [hosts[index], guests[index]];
    if (host === undefined || guest === undefined) throw new Error("There is no such guest.");
    return { host, guest };
  };
  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 60_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const pingsOf = async (index: number, after = 0) => {
    const { host, guest } = at(index);
    const found = [
      ...(await host.consoleOf(guest)).matchAll(/NOVACT-GUEST PING (\d+) (\S+) (answers|silent)/g),
    ];
    const last = Math.max(after, ...found.map(([, round]) => Number(round)));
    const rounds = found.filter(([, round]) => Number(round) > after);
    return {
      last,
      of: (address: string) => rounds.flatMap(([, , to, how]) => (to === address ? [how] : [])),
    };
  };
  const reaches = (index: number, address: string, after = 0) =>
    until(`guest ${index} reaches ${address}`, async () =>
      (await pingsOf(index, after)).of(address).includes("answers"),
    );
  const macvtapOf = (index: number) => nameOf(hostIds[index] ?? "", at(index).guest.plugs[0]?.portId ?? "");
  const macvtaps = (index: number) =>
    readdirSync("/sys/class/net").filter((name) => name.startsWith(macvtapOf(index).slice(0, 7)));

  before(async function () {
    const [missing, guest] = [missingForGuests() ?? whyNoCable(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    provider = await makeProviderNetwork(2);
    // The first asks the operator's DHCP server for its address, the second is told it otherwise.
    hosts = [
      await makeNetworkedHost(guest, driverOf(0), { asks: true, physicalNetwork }),
      await makeNetworkedHost(guest, driverOf(1), { asks: false, physicalNetwork }),
    ];
    guests = hosts.map((host, index) =>
      host.makeGuest("mine", 11 + index, [providerAddress, `10.9.0.${12 - index}`]),
    );
    await provider.serveDhcp({ [at(0).guest.plugs[0]?.mac ?? ""]: at(0).guest.address });
    for (const [index, host] of hosts.entries()) {
      await host.applyPicture(pictureOf(1, [at(index).guest]));
      await host.start(at(index).guest);
    }
  });
  after(async () => {
    for (const host of hosts) await host.close();
    await provider?.close();
  });

  it("have nothing of the operator's network but the open file, as users of their own", async () => {
    const { host, guest } = at(0);
    const living = await host.drivers.hypervisor.inspect(guest.spec.instanceId);
    const opened = readdirSync(`/proc/${living?.pid}/fd`).flatMap((fd) => {
      const target = readlinkSync(`/proc/${living?.pid}/fd/${fd}`);
      return target.includes("macvtap") ? [target] : [];
    });
    expect(opened).to.deep.equal([`/dev/novact-macvtap/${hostIds[0]}/${macvtapOf(0)}`]);
    expect(readlinkSync(`/proc/${living?.pid}/ns/net`)).not.to.equal(readlinkSync("/proc/self/ns/net"));
  });

  it("get an address from the operator's server, and reach it and each other over two cables", async () => {
    const { host, guest } = at(0);
    await until("it is up", async () => (await host.consoleOf(guest)).includes("NOVACT-GUEST READY"));
    expect(await host.consoleOf(guest)).to.contain(`ip=${guest.address}`);
    for (const index of [0, 1]) await reaches(index, providerAddress);
    await reaches(0, at(1).guest.address);
    await reaches(1, at(0).guest.address);
  });

  it("go on when their agent dies, and are adopted with what they have open", async () => {
    const { host, guest } = at(0);
    const before = macvtaps(0);
    const { last } = await pingsOf(0);
    await host.restartAgent();
    expect((await host.start(guest)).status).to.equal("running");
    expect(macvtaps(0)).to.deep.equal(before);
    await reaches(0, providerAddress, last + 1);
  });

  it("reach nobody while the picture says that they are filtered, since nobody here filters", async () => {
    const { host, guest } = at(0);
    await host.applyPicture(pictureOf(2, [guest], true));
    const { last } = await pingsOf(0);
    // The round that was under way may have begun before.
    await until("three rounds", async () => (await pingsOf(0)).last >= last + 3);
    const { of } = await pingsOf(0, last + 1);
    expect(of(providerAddress)).to.include("silent").and.not.include("answers");
    await host.applyPicture(pictureOf(3, [guest]));
    await reaches(0, providerAddress, (await pingsOf(0)).last);
  });

  it("are plugged in at their start alone: later is refused, with what to do, and what they have stays", async () => {
    const { host, guest } = at(1);
    const [plug] = guest.plugs;
    if (plug === undefined || host.drivers.network === undefined) throw new Error("There is one.");
    const { instanceId, ownerEpoch } = guest.spec;
    const more = { ...plug, portId: `${plug.portId.slice(0, -2)}ff`, mac: "52:54:00:09:00:ff" };
    const devices = [];
    for (const one of [plug, more]) {
      const port = { ...one, instanceId, ownerEpoch, hostName: "guest" };
      devices.push(await host.drivers.network.ensurePort(port, never));
    }
    const spec = { ...guest.spec, interfaces: [plug, more] };
    const refusal = await host.drivers.hypervisor
      .rewire?.(spec, devices, never)
      .catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(StatusError);
    expect(refusal)
      .to.have.property("message")
      .that.matches(/only when the guest starts: stop it and start it again/);
    await host.drivers.hypervisor.rewire?.(guest.spec, devices.slice(0, 1), never);
    await host.drivers.network.releaseOthers({ instanceId, ownerEpoch, portIds: [plug.portId] }, never);
    expect(macvtaps(1)).to.deep.equal([macvtapOf(1)]);
    await reaches(1, providerAddress, (await pingsOf(1)).last);
  });

  it("are let go of while they run, and nothing passes any more", async () => {
    const { host, guest } = at(1);
    await host.drivers.hypervisor.rewire?.({ ...guest.spec, interfaces: [] }, [], never);
    const { instanceId, ownerEpoch } = guest.spec;
    await host.drivers.network?.releaseOthers({ instanceId, ownerEpoch, portIds: [] }, never);
    expect(macvtaps(1)).to.deep.equal([]);
    // The round that is under way may have begun before.
    const { last } = await pingsOf(1);
    await until("three rounds", async () => (await pingsOf(1)).last >= last + 3);
    expect((await pingsOf(1, last + 1)).of(providerAddress)).not.to.include("answers");
  });

  it("leave nothing when they end", async () => {
    const { host, guest } = at(0);
    const file = `/dev/novact-macvtap/${hostIds[0]}/${macvtapOf(0)}`;
    expect(existsSync(file)).to.equal(true);
    const living = await host.drivers.hypervisor.inspect(guest.spec.instanceId);
    process.kill(living?.pid ?? 0, "SIGKILL");
    await host.release(guest);
    expect(macvtaps(0)).to.deep.equal([]);
    expect(existsSync(file)).to.equal(false);
  });
});
