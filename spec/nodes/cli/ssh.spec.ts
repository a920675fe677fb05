/** novact instance ssh: the way to an instance, and the arguments of ssh, which a script writes down. */
import { once } from "node:events";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { sshArguments, wayTo, whatIsNeeded } from "../../../nodes/cli/nouns/ssh.ts";
import type { PublishedPort } from "../../../protocol/published-port.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";
import { networkedDrivers } from "../../support/host-drivers.ts";
import { commandOn, connectOn } from "./cli-world.ts";

const published = (hostPort: number, port: number): PublishedPort => ({
  ...{ id: `p${port}`, project: "demo", name: String(hostPort), hostPort, protocol: "tcp" },
  ...{ address: "127.0.0.1", portId: "n", port, createdAtMs: 0 },
});

const drivers = networkedDrivers();

describe("novact instance ssh", () => {
  let place: TemporaryDirectory;
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(() => place.remove());

  it("goes by the published port of ssh, or by another that is named, and else says how there comes to be one", () => {
    const running = { name: "web", state: "running" } as const;
    const all = [published(8_080, 80), published(2_222, 22)];
    const floating = [{ name: "198.51.100.7" }];
    expect(wayTo(running, 22, all, floating)).to.deep.equal({
      ...{ address: "127.0.0.1", port: 2_222, isHosts: true },
    });
    expect(wayTo(running, 80, all).port).to.equal(8_080);
    expect(wayTo(running, 22, [], floating)).to.deep.equal({
      ...{ address: "198.51.100.7", port: 22, isHosts: false },
    });
    expect(() => wayTo(running, 22, []))
      .to.throw("not published")
      .and.to.include({
        reason: "usage",
        next: [
          "Publish it at a port of its host that is free: novact published-port create web 2222:22;",
          "or lead an address to it: novact floating-ip create NETWORK --instance web.",
        ].join(" "),
      });
    expect(() => wayTo({ name: "web", state: "stopped" }, 22, all))
      .to.throw()
      .and.to.include({
        reason: "notRunning",
      });
  });

  it("says of a floating address what ssh may have failed by, and what helps", () => {
    const said = whatIsNeeded("novact", { name: "box" }, { address: "198.19.4.10", port: 22 });
    expect(said).to.contain("nothing answered, port 22 of box needs a rule");
    expect(said).to.contain("novact security-group-rule create default ingress --protocol tcp --port 22.");
    expect(said).to.contain("the key was refused").and.to.contain("--identity FILE");
  });

  it("believes the first key of an instance, remembers it by instance, and takes no word for an option", () => {
    const words = ["-oProxyCommand=evil", "ls"];
    const way = { address: "127.0.0.1", port: 2_222, isHosts: true };
    const given = { instance: { id: "i1" }, way, login: "debian", known: "/k/i1", identity: "/key", words };
    expect(sshArguments(given)).to.deep.equal([
      ...["-p", "2222", "-l", "debian", "-o", "HostKeyAlias=i1", "-o", 'UserKnownHostsFile="/k/i1"'],
      ...["-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=accept-new", "-i", "/key"],
      ...["--", "127.0.0.1", "-oProxyCommand=evil", "ls"],
    ]);
  });

  it("calls the user's ssh, and ends as it does", async () => {
    const world = await controllerWorld();
    const novact = commandOn(connectOn(world.bus, "test").connect);
    const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    await world.host("a", {
      bootId,
      drivers,
    });
    await novact("network create web");
    await novact("subnet create of-web 10.0.0.0/29 --network web");
    const create = "instance create vm --flavor tiny --image tiny --network web --publish 2222:22 --wait";
    expect((await novact(create)).exit).to.equal(0);
    await mkdir(join(place.path, "bin"));
    const ssh = join(place.path, "bin", "ssh");
    await writeFile(ssh, `#!/bin/sh\nprintf '%s\\n' "$@" >"${place.path}/said"\nexit 7\n`);
    await chmod(ssh, 0o755);
    const env = { PATH: `${place.path}/bin:/usr/bin:/bin`, HOME: place.path };
    const gone = await novact("instance ssh vm --no-wait --login me -- uname -a", { env });
    expect(gone.exit, gone.err).to.equal(7);
    const said = (await readFile(join(place.path, "said"), "utf8")).trim().split("\n");
    expect(said).to.include.members(["2222", "me", "127.0.0.1"]);
    expect(said.slice(-2)).to.deep.equal(["uname", "-a"]);
    const { mode } = await stat(join(place.path, ".local/state/novact/known-hosts"));
    expect(mode & 0o777).to.equal(0o700);
    const none = await novact("instance ssh vm --port 80", { env });
    expect([none.exit, none.err.includes("novact published-port create vm 2222:80")]).to.deep.equal([
      2,
      true,
    ]);
    await world.host("a", { bootId: "another", drivers });
    const elsewhere = await novact("instance ssh vm", { env });
    expect([elsewhere.exit, elsewhere.err]).to.deep.include(2);
    expect(elsewhere.err).to.contain("is not this computer").and.to.contain("--tunnel");
    expect((await novact("instance ssh vm --no-wait --tunnel", { env })).exit).to.equal(7);
    await world.stop();
  });

  it("waits until the guest behind a published port has booted, and says so", async () => {
    const world = await controllerWorld();
    const novact = commandOn(connectOn(world.bus, "test").connect);
    const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    await world.host("a", { bootId, drivers });
    let connections = 0;
    // Below the ports that the kernel gives to any program, which are not published.
    const hostPort = 20_000 + (process.pid % 10_000);
    const port = createServer((socket) => {
      connections += 1;
      // As the listener of a host does while nothing answers behind it.
      if (connections < 3) socket.destroy();
      else socket.end("SSH-2.0-dropbear\r\n");
    }).listen(hostPort, "127.0.0.1");
    await once(port, "listening");
    await novact("network create web");
    await novact("subnet create of-web 10.0.0.0/29 --network web");
    const create = `instance create vm --flavor tiny --image tiny --network web --publish ${hostPort}:22 --wait`;
    const created = await novact(create);
    expect(created.exit, created.err).to.equal(0);
    await mkdir(join(place.path, "bin"));
    await writeFile(join(place.path, "bin", "ssh"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    const env = { PATH: `${place.path}/bin:/usr/bin:/bin`, HOME: place.path };
    const gone = await novact("instance ssh vm", { env });
    port.close();
    expect([gone.exit, connections], gone.err).to.deep.equal([0, 3]);
    expect(gone.err).to.contain("waiting for vm to answer").and.to.contain("it answers, after");
    await world.stop();
  });
});
