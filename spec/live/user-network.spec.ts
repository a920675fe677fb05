/**
 * The network driver `user` with real guests and its real switch: addresses by DHCP, what passes and what
 * does not, and that it goes on when the agent or the switch dies. Needs qemu-system-x86_64, qemu-img and the
 * tiny guest that the set-up builds; no root.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect } from "chai";
import { guestUser, isShared } from "../../nodes/drivers/guest-user.ts";
import { livingStat } from "../../nodes/drivers/process-owners.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makeNetworkedHost,
  mtuBytes,
  type NetworkedGuest,
  type NetworkedHost,
  pictureOfHost,
} from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";

const serviceAddress = "169.254.169.254";

describe("guests on networks of one host", function () {
  this.timeout(180_000);
  let host: NetworkedHost;
  let mine: readonly NetworkedGuest[] = [];
  let other: NetworkedGuest;

  before(async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    host = await makeNetworkedHost(guest);
    const of = (numbers: readonly number[]) => numbers.map((last) => `10.9.0.${last}`);
    mine = [11, 12, 13].map((last) => host.makeGuest("mine", last, of([11, 12, 13, 14])));
    other = host.makeGuest("others", 14, of([11, 12, 13]));
    await host.apply(1, [...mine, other]);
    for (const one of [...mine, other]) await host.start(one);
  });
  after(() => host?.close());

  const until = async (what: string, met: () => Promise<boolean>, patienceMs = 60_000) => {
    const deadlineMs = performance.now() + patienceMs;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const lineOf = async (guest: NetworkedGuest, pattern: RegExp): Promise<RegExpExecArray> => {
    let found: RegExpExecArray | null = null;
    const look = async () => {
      found = pattern.exec(await host.consoleOf(guest));
      return found !== null;
    };
    await until(`${guest.address} says ${pattern}`, look);
    if (found === null) throw new Error("It was there.");
    return found;
  };
  /** Its newest pings, by address: how many of the rounds after `round` were answered. */
  const pingsOf = async (guest: NetworkedGuest, after = 0) => {
    const text = await host.consoleOf(guest);
    const found = [...text.matchAll(/NOVACT-GUEST PING (\d+) (\S+) (answers|silent)/g)];
    const rounds = found.filter(([, round]) => Number(round) > after);
    const last = Math.max(after, ...found.map(([, round]) => Number(round)));
    const of = (address: string) => rounds.flatMap(([, , to, how]) => (to === address ? [how] : []));
    return { last, of };
  };
  const answered = async (guest: NetworkedGuest, address: string, after: number) =>
    (await pingsOf(guest, after)).of(address).includes("answers");
  const allAnswer = (after: ReadonlyMap<NetworkedGuest, number>) =>
    Promise.all(
      mine.flatMap((one) =>
        mine.map(({ address }) =>
          until(`${one.address} reaches ${address}`, () => answered(one, address, after.get(one) ?? 0)),
        ),
      ),
    );
  const now = async () =>
    new Map(await Promise.all(mine.map(async (one) => [one, (await pingsOf(one)).last] as const)));

  it("are told their addresses by the switch, and the size of its packets", async () => {
    for (const one of [...mine, other]) {
      const [, address, mtu, server] = await lineOf(
        one,
        /NOVACT-GUEST NET eth0 (\S+) mtu (\d+) server (\S+)/,
      );
      expect([address, Number(mtu), server]).to.deep.equal([`${one.address}/24`, mtuBytes, serviceAddress]);
      await lineOf(one, new RegExp(`READY hostname=${one.spec.guest?.hostname} ip=${one.address}/24`));
    }
  });

  it("are told by the switch who they are, also where two have networks of the same addresses", async () => {
    for (const one of [...mine, other]) {
      const [, name, bytes] = await lineOf(one, /NOVACT-GUEST META name=(\S*) userdata=(\d+)/);
      const { hostname = "", userData } = one.spec.guest ?? {};
      expect([name, Number(bytes)]).to.deep.equal([hostname, Buffer.from(userData ?? "", "base64").length]);
    }
  });

  it("reach those of their own network, and nobody of another network with the same addresses", async () => {
    await allAnswer(new Map());
    const silent = async (guest: NetworkedGuest, addresses: readonly string[]) => {
      await until("three rounds", async () => (await pingsOf(guest)).last >= 3);
      const { of } = await pingsOf(guest);
      for (const address of addresses)
        expect(of(address), address).to.include("silent").and.not.include("answers");
    };
    await silent(
      other,
      mine.map(({ address }) => address),
    );
    for (const one of mine) await silent(one, [other.address]);
  });

  it("have sockets that no other guest's user reaches", function () {
    const [first] = mine;
    const user = guestUser(first?.spec.instanceId ?? "");
    if (first === undefined || user === undefined || isShared(user))
      return skip(this, "guests have no users of their own here");
    const socket = host.socketOf(first);
    const sees = ({ spec }: NetworkedGuest) => {
      const { uid = -1 } = guestUser(spec.instanceId) ?? {};
      const identity = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
      return spawnSync("setpriv", [...identity, "test", "-S", socket]).status === 0;
    };
    expect([...mine, other].map(sees)).to.deep.equal([true, false, false, false]);
  });

  it("go on while the agent is away, and are the next agent's", async () => {
    const said = await host.switchIs();
    const before = await now();
    await host.restartAgent();
    await allAnswer(before);
    expect(await host.apply(2, [...mine, other])).to.equal(2);
    expect((await host.switchIs())?.pid).to.equal(said?.pid);
    for (const one of mine) {
      const { of } = await pingsOf(one, before.get(one));
      for (const { address } of mine) expect(of(address)).not.to.include("silent");
    }
  });

  it("reach each other again after the switch was killed, without a new picture", async () => {
    const said = await host.switchIs();
    process.kill(said?.pid ?? Number.NaN, "SIGKILL");
    const startedMs = performance.now();
    await until("another switch", async () => {
      const next = await host.switchIs();
      return next !== undefined && next.pid !== said?.pid && next.plugs === 4;
    });
    expect(performance.now() - startedMs).to.be.below(20_000);
    await allAnswer(await now());
  });

  it("keep their addresses over a stop and a start", async () => {
    const [first, second] = mine;
    if (first === undefined || second === undefined) throw new Error("There are three.");
    await host.drivers.hypervisor.halt(first.spec.instanceId, new AbortController().signal);
    const { last } = await pingsOf(second);
    await until("it is gone", async () => (await pingsOf(second, last)).of(first.address).includes("silent"));
    await host.start(first);
    const again = (await pingsOf(second)).last;
    await until("it is back", () => answered(second, first.address, again));
  });

  it("are cut off by a picture without them, at once", async () => {
    const [first, second, third] = mine;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error("There are three.");
    await host.apply(3, [second, third, other]);
    const { last } = await pingsOf(second);
    await until("two rounds", async () => (await pingsOf(second)).last >= last + 2);
    const { of } = await pingsOf(second, last + 1);
    expect(of(first.address)).to.include("silent").and.not.include("answers");
    expect(of(third.address)).not.to.include("silent");
    expect(await host.apply(2, [...mine, other]), "an older one changes nothing").to.equal(3);
  });

  it("leave no process and no file of theirs when they are removed", async () => {
    const said = await host.switchIs();
    if (said === undefined) throw new Error("There is a switch.");
    for (const one of [...mine, other]) await host.release(one);
    expect(await host.portFiles()).to.deep.equal([]);
    expect(await host.drivers.network?.list()).to.deep.equal([]);
    expect(livingStat(said.pid)?.startTicks).not.to.equal(said.startTicks);
    expect(existsSync(`/proc/${said.pid}`)).to.equal(false);
    const found = await host.drivers.audit();
    expect([found.holdings, found.strays]).to.deep.equal([[], []]);
  });
});

describe("guests on one network of two computers", function () {
  this.timeout(180_000);
  const byte = () => 1 + Math.floor(Math.random() * 250);
  const underlays = [1, 2].map((last) => `127.${byte()}.${byte()}.${last}`) as [string, string];
  const hosts: NetworkedHost[] = [];
  const guests: NetworkedGuest[] = [];

  before(async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    for (const underlay of underlays) hosts.push(await makeNetworkedHost(guest, underlay));
    for (const [at, host] of hosts.entries())
      guests.push(host.makeGuest("mine", 11 + at, ["10.9.0.11", "10.9.0.12"]));
    await apply(1);
    for (const [at, host] of hosts.entries()) await host.start(guests[at] as NetworkedGuest);
  });
  after(() => Promise.all(hosts.map((host) => host.close())));

  const apply = async (version: number) => {
    for (const [at, host] of hosts.entries()) {
      const [own, others] = [guests.filter((_, n) => n === at), guests.filter((_, n) => n !== at)];
      await host.applyPicture(pictureOfHost(version, own, { host: underlays[1 - at] ?? "", guests: others }));
    }
  };
  const roundsOf = async (at: number) => {
    const text = (await hosts[at]?.consoleOf(guests[at] as NetworkedGuest)) ?? "";
    const found = [...text.matchAll(/NOVACT-GUEST PING (\d+) (\S+) (answers|silent)/g)];
    const other = guests[1 - at]?.address;
    return found.flatMap(([, round, address, how]) =>
      address === other ? [{ round: Number(round), how }] : [],
    );
  };
  const hears = async (at: number, how: string) => {
    const last = (await roundsOf(at)).at(-1)?.round ?? 0;
    const deadlineMs = performance.now() + 60_000;
    for (;;) {
      const later = (await roundsOf(at)).filter(({ round }) => round > last);
      if (later.some((one) => one.how === how)) return;
      if (performance.now() > deadlineMs) throw new Error(`Guest ${at} never found the other one ${how}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  it("reach each other by the underlay", async () => {
    await Promise.all([hears(0, "answers"), hears(1, "answers")]);
  });

  it("reach each other again after a switch was killed", async () => {
    const pid = (await hosts[0]?.switchIs())?.pid ?? 0;
    process.kill(pid, "SIGKILL");
    await Promise.all([hears(0, "answers"), hears(1, "answers")]);
    while ((await hosts[0]?.switchIs())?.pid === pid) await new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.all([hears(0, "answers"), hears(1, "answers")]);
  });

  it("do not reach each other when the picture of one has the other on no host", async () => {
    const [host, own] = [hosts[0], guests[0]];
    if (host === undefined || own === undefined) throw new Error("They were started.");
    await host.applyPicture(pictureOfHost(2, [own], { host: "", guests: [] }));
    await Promise.all([hears(0, "silent"), hears(1, "silent")]);
    await apply(3);
    await Promise.all([hears(0, "answers"), hears(1, "answers")]);
  });
});
