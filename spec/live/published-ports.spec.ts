/**
 * Published ports with real guests: who calls a port of the host reaches the guest's, by ssh with its key,
 * and nothing else is reached by that way, in or out. Needs qemu-system-x86_64, qemu-img, ssh, and the tiny
 * guest that the set-up builds; no root.
 */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { findGateway } from "../../nodes/drivers/user-network/gateway-process.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makeNetworkedHost,
  type NetworkedGuest,
  type NetworkedHost,
  pictureOf,
} from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";

const run = promisify(execFile);
const gateway = "10.9.0.1";

/** A port of this computer that nobody has at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("published ports of guests", function () {
  this.timeout(180_000);
  let host: NetworkedHost;
  let keys: TemporaryDirectory;
  let mine: NetworkedGuest;
  let neighbour: NetworkedGuest;
  let sshPort = 0;
  /** Of this computer: what guests must not reach. */
  let secret: Server;
  let calls = 0;
  let version = 0;

  /** `to`: ports of the first guest by ports of the host. */
  const publish = (to: Readonly<Record<number, number>>) => {
    version += 1;
    const picture = pictureOf(version, [mine, neighbour]);
    const published = Object.entries(to).map(([hostPort, port]) => ({
      ...{ id: `to-${port}`, hostPort: Number(hostPort), address: "127.0.0.1", port },
    }));
    const networks = picture.networks.map((network) => ({
      ...network,
      subnets: network.subnets.map((subnet) => ({ ...subnet, gateway })),
      ports: network.ports.map((port) =>
        port.instanceId === mine.spec.instanceId ? { ...port, published } : port,
      ),
    }));
    // No rule lets anything in: what is published comes in all the same.
    const groups = picture.groups.map((group) => ({
      ...group,
      rules: group.rules.filter(({ direction }) => direction === "egress"),
    }));
    return host.applyPicture({ ...picture, networks, groups } satisfies HostNetworking);
  };
  const until = async (what: string, met: () => Promise<boolean> | boolean) => {
    const deadlineMs = performance.now() + 90_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const gateways = () => readdirSync(host.gatewaysDirectory);
  const gatewayPid = () => {
    const [id] = gateways();
    return id === undefined ? undefined : findGateway(join(host.gatewaysDirectory, id));
  };
  const ssh = async (port: number, command: string): Promise<string> => {
    const options = [
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
      "BatchMode=yes",
      "ConnectTimeout=20",
    ];
    const quiet = [
      "-q",
      "-F",
      "none",
      "-i",
      join(keys.path, "own"),
      ...options.flatMap((one) => ["-o", one]),
    ];
    const { stdout } = await run("ssh", [...quiet, "-p", String(port), "root@127.0.0.1", command]);
    return stdout;
  };
  /**
   * A gateway that hangs from its start, which QEMU now and then does on a busy computer, is ended after 20 s
   * of silence, and the next one answers.
   */
  const answersAgain = (word: string) =>
    until(`${word} by ssh`, async () => {
      const said = await ssh(sshPort, `echo ${word}`).catch(() => "");
      return said.trim() === word;
    });
  const livingGateway = async (): Promise<number> => {
    await until("a gateway lives", () => gatewayPid() !== undefined);
    return gatewayPid() ?? Number.NaN;
  };
  const isOpen = (port: number) =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("close", () => socket.destroy());
    });

  before(async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    if (spawnSync("ssh", ["-V"]).error !== undefined) return skip(this, "ssh is not installed");
    keys = await temporaryDirectory();
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", join(keys.path, "own")]);
    const publicKey = readFileSync(join(keys.path, "own.pub"), "utf8").trim();
    secret = createServer((socket) => {
      calls += 1;
      socket.end("secret");
    }).listen(0, "127.0.0.1");
    await once(secret, "listening");
    host = await makeNetworkedHost(guest, undefined, { publishes: true, publicKey });
    mine = host.makeGuest("mine", 11, []);
    neighbour = host.makeGuest("mine", 12, []);
    sshPort = await freePort();
    await publish({ [sshPort]: 22 });
    for (const one of [mine, neighbour]) await host.start(one);
    await publish({ [sshPort]: 22 });
    for (const one of [mine, neighbour])
      await until(`${one.address} has its ssh server`, async () =>
        (await host.consoleOf(one)).includes("NOVACT-GUEST SSH port=22"),
      );
  });
  after(async () => {
    await host?.close();
    secret?.close();
    await keys?.remove();
  });

  it("answer at the host, by ssh with the guest's key", async () => {
    await until("the port is published", () => host.unpublished().length === 0);
    expect((await ssh(sshPort, "hostname")).trim()).to.equal("mine-11");
    const pid = gatewayPid();
    expect(pid).to.be.a("number");
    expect(gateways()).to.have.length(1);
  });

  it("let nothing out to this computer, nor in by another way", async () => {
    const address = secret.address();
    const port = typeof address === "object" ? address?.port : 0;
    const tried = ["127.0.0.1", gateway, "0.1.0.2", "0.1.0.3", "169.254.169.254"].map(
      (to) => `timeout 3 nc -w 2 ${to} ${port} </dev/null &`,
    );
    expect(await ssh(sshPort, `${tried.join(" ")} wait`)).not.to.contain("secret");
    expect(calls).to.equal(0);
    const banner = await ssh(sshPort, "timeout 3 nc -w 2 127.0.0.1 22 </dev/null");
    expect(banner, "what was tried would have found something").to.match(/^SSH-/);
    const servers = (await host.consoleOf(mine)).matchAll(/NOVACT-GUEST NET eth0 .* server (\S+)/g);
    expect([...servers].map(([, server]) => server)).to.deep.equal(["169.254.169.254"]);
    // The neighbour has a key, a server and no published port; its group lets nobody in either.
    const across = `timeout 5 nc -w 3 ${neighbour.address} 22 </dev/null; true`;
    expect(await ssh(sshPort, across)).to.equal("");
  });

  it("go on while the agent is away, and are the next agent's", async () => {
    const pid = gatewayPid();
    await host.restartAgent();
    expect((await ssh(sshPort, "echo still")).trim()).to.equal("still");
    await publish({ [sshPort]: 22 });
    await until("nothing is missing", () => host.unpublished().length === 0);
    expect(gatewayPid()).to.equal(pid);
  });

  it("answer again after their gateway was killed", async () => {
    const pid = await livingGateway();
    process.kill(pid, "SIGKILL");
    await until("another gateway", () => gatewayPid() !== undefined && gatewayPid() !== pid);
    await until("the port is published", () => host.unpublished().length === 0);
    await answersAgain("again");
  });

  it("answer again after their gateway hung: it is ended, and another one begins", async () => {
    const pid = await livingGateway();
    process.kill(pid, "SIGSTOP");
    await until("it is said", () => host.unpublished().length > 0);
    await until("another gateway", () => gatewayPid() !== undefined && gatewayPid() !== pid);
    await until("the port is published", () => host.unpublished().length === 0);
    await answersAgain("after");
  });

  it("are said not to answer where another program has the port, and do as soon as it has not", async () => {
    const free = await freePort();
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    await publish({ [free]: 23, [port]: 22 });
    await until("it is said", () => host.unpublished().some(({ why }) => why.includes("Another program")));
    expect(host.unpublished()).to.deep.equal([
      { id: "to-22", why: `Another program of the host listens at 127.0.0.1:${port}.` },
    ]);
    taken.close();
    await until("it is published", () => host.unpublished().length === 0);
    expect((await ssh(port, "echo moved")).trim()).to.equal("moved");
    expect(await isOpen(sshPort), "what is not published any more is closed").to.equal(false);
    await publish({ [sshPort]: 22 });
  });

  it("end with the last of them, and with it their gateway", async () => {
    const pid = gatewayPid();
    await publish({});
    await until("the gateway has ended", () => gateways().length === 0);
    expect(() => process.kill(pid ?? Number.NaN, 0)).to.throw(/ESRCH/);
    expect(await isOpen(sshPort)).to.equal(false);
    expect(host.unpublished()).to.deep.equal([]);
  });
});
