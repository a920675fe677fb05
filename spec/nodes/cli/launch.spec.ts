/**
 * novact launch: what it takes where nobody says, by value; and the steps on a cluster in memory, whose
 * images come from a server of our own.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { buildImage, builtIn } from "../../../nodes/catalogue/built.ts";
import {
  flavorFor,
  freeName,
  isPublishingRefused,
  keyIn,
  keyNameOf,
  networkFor,
  outsideOf,
  routerTo,
} from "../../../nodes/cli/nouns/launch/choose.ts";
import { keyInFile, ownKeys } from "../../../nodes/cli/nouns/launch/own-keys.ts";
import { hasBanner } from "../../../nodes/cli/nouns/launch/reach.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { CatalogueServer, digestOf } from "../../support/catalogue-server.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";
import { networkedDrivers } from "../../support/host-drivers.ts";
import { memoryImageDoor } from "../../support/memory-image-door.ts";
import { MemoryImageFiles } from "../../support/memory-image-files.ts";
import { commandOn, connectOn } from "./cli-world.ts";

const never = new AbortController().signal;

const keyBytes = Buffer.from(`\0\0\0\vssh-ed25519\0\0\0 ${"0123456789abcdef".repeat(2)}`, "latin1");
const publicKey = `ssh-ed25519 ${keyBytes.toString("base64")}`;

describe("what novact launch takes where nobody says", () => {
  const properties = (memoryMibMin: number, diskGibMin = 0) =>
    ({ architecture: "x86_64", memoryMibMin, diskGibMin }) as const;
  const disk = (gib: number) =>
    ({ sha256: "a".repeat(64), sizeBytes: 1, format: "qcow2", virtualSizeBytes: gib * 1024 ** 3 }) as const;
  const flavors = [
    { name: "large", vcpus: 2, memoryMib: 2_048, diskGib: 20 },
    { name: "medium", vcpus: 2, memoryMib: 512, diskGib: 5 },
    { name: "thin", vcpus: 1, memoryMib: 512, diskGib: 1 },
    { name: "scratch", vcpus: 1, memoryMib: 128, diskGib: 0, ephemeralGib: 500 },
    { name: "swapping", vcpus: 1, memoryMib: 128, diskGib: 0, swapMib: 64 },
    { name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 },
  ];
  const flavorOf = (memory: number, gib: number | null, least = 0) =>
    flavorFor(flavors, {
      ...{ name: "i", properties: properties(memory, least), disk: gib === null ? null : disk(gib) },
    }).name;

  it("is the smallest flavor that has what the image needs", () => {
    expect(flavorOf(0, null)).to.equal("tiny");
    expect(flavorOf(512, 1)).to.equal("thin");
    expect(flavorOf(512, 1.5)).to.equal("medium");
    expect(flavorOf(512, 1, 6)).to.equal("large");
    expect(flavorOf(0, 1), "the image's own size").to.equal("tiny");
    expect(() => flavorOf(4_096, 1)).to.throw("No flavor has what the image i needs: 4 GiB of memory");
    expect(() => flavorFor([], { name: "i", properties: properties(0), disk: null })).to.throw("No flavor");
  });

  it("is the project's only network, and never one that leads outside", () => {
    const [outside, lan, other] = [
      { name: "public", external: true },
      { name: "lan", external: false },
      { name: "other", external: false },
    ];
    expect(networkFor([])).to.equal(undefined);
    expect(networkFor([outside])).to.equal(undefined);
    expect(networkFor([outside, lan])).to.equal(lan);
    expect(() => networkFor([lan, other])).to.throw("several networks: lan, other");
  });

  it("is the first network outside that has addresses, and a router that leads there, best from the inside", () => {
    const bare = { external: true, subnetIds: [] };
    const outside = { external: true, subnetIds: ["s"] };
    expect(outsideOf([{ external: false, subnetIds: ["s"] }, bare])).to.equal(undefined);
    expect(outsideOf([bare, outside])).to.equal(outside);
    const joint = (networkId: string) => ({ portId: "p", networkId, subnetId: "s", mac: "m", address: "a" });
    const [elsewhere, alone, joined] = [
      { externalNetworkId: "other", interfaces: [joint("lan")] },
      { externalNetworkId: "public", interfaces: [joint("dmz")] },
      { externalNetworkId: "public", interfaces: [joint("lan")] },
    ];
    expect(routerTo([elsewhere], "public", "lan")).to.equal(undefined);
    expect(routerTo([elsewhere, alone], "public", "lan")).to.deep.equal({ router: alone, isJoined: false });
    expect(routerTo([alone, joined], "public", "lan")).to.deep.equal({ router: joined, isJoined: true });
  });

  it("is a name that nobody has, and the same name for the same key", () => {
    expect(freeName("debian", [])).to.equal("debian");
    expect(freeName("debian", ["debian", "debian-2", "debian-4"])).to.equal("debian-3");
    const [key, other] = [keyIn(`${publicKey} me@here\n`) ?? "", keyIn(publicKey) ?? ""];
    expect(key).to.equal(publicKey);
    expect(keyNameOf(key))
      .to.equal(keyNameOf(other))
      .and.to.match(/^ssh-[0-9a-f]{12}$/);
    for (const text of [
      "",
      "x",
      "ssh-ed25519",
      "ssh-ed25519 \u001b[31m",
      "-----BEGIN OPENSSH PRIVATE KEY-----",
    ])
      expect(keyIn(text), text).to.equal(undefined);
  });

  it("is no published port only where every host says that it publishes none", () => {
    const refused = (...filters: readonly unknown[]) =>
      isPublishingRefused(
        new StatusError("noValidHost", "", {
          details: filters.map((one) => ({ hostName: "a", filters: one })),
        }),
      );
    expect(refused({ publishing: "does not" })).to.equal(true);
    expect(refused({ publishing: "does not" }, { publishing: true, ram: "none" })).to.equal(false);
    for (const wrong of [undefined, null, 5, {}, []]) expect(refused(wrong)).to.equal(false);
    expect(isPublishingRefused(new StatusError("noValidHost", ""))).to.equal(false);
    expect(isPublishingRefused(new StatusError("hostPortTaken", ""))).to.equal(false);
    expect(isPublishingRefused("noValidHost")).to.equal(false);
  });
});

describe("novact launch", () => {
  let place: TemporaryDirectory;
  let server: CatalogueServer;
  let env: Readonly<Record<string, string>>;
  const bytes = Buffer.alloc(100_000, "image");

  beforeEach(async () => {
    place = await temporaryDirectory();
    server = await CatalogueServer.start();
    server.put("a.raw", bytes);
    await mkdir(join(place.path, ".ssh"));
    await writeFile(join(place.path, ".ssh", "id_ed25519.pub"), `${publicKey} me@here\n`);
    env = { HOME: place.path };
    const image = { name: "far", file: "a.raw", version: "1", login: "me", checksum: digestOf(bytes) };
    const source = { name: "own", kind: "directory", url: server.url, images: [image] };
    await writeFile(join(place.path, "cluster.yaml"), JSON.stringify({ catalogue: [source] }));
  });
  afterEach(async () => {
    await server.close();
    await place.remove();
  });

  it("finds the keys in ~/.ssh, the best first, with the private half where it is", async () => {
    const ssh = join(place.path, ".ssh");
    await writeFile(join(ssh, "a.pub"), `ssh-rsa ${publicKey.split(" ")[1]}\n`);
    await writeFile(join(ssh, "a"), "private");
    await writeFile(join(ssh, "b.pub"), "nonsense");
    await mkdir(join(ssh, "c.pub"));
    expect(ownKeys(env).map(({ file, identity }) => [file, identity])).to.deep.equal([
      [join(ssh, "id_ed25519.pub"), undefined],
      [join(ssh, "a.pub"), join(ssh, "a")],
    ]);
    expect(ownKeys({ HOME: join(place.path, "none") })).to.deep.equal([]);
    expect(() => keyInFile(join(ssh, "b.pub"))).to.throw("no public key");
  });

  describe("on a cluster", () => {
    let world: Awaited<ReturnType<typeof controllerWorld>>;
    let bootId: string;
    let launch: (line: string) => ReturnType<ReturnType<typeof commandOn>>;

    beforeEach(async () => {
      const imageFiles = new MemoryImageFiles(systemClock);
      const door = memoryImageDoor(systemClock, imageFiles, { server: "one", contents: new Map() });
      world = await controllerWorld({ imageFiles, imageDoors: [door] });
      bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
      await world.host("a", { bootId, drivers: publishing(true) });
      const novact = commandOn(connectOn(world.bus, "test").connect);
      launch = (line) => novact(`${line} --config ${join(place.path, "cluster.yaml")}`, { env });
    });
    afterEach(() => world.stop());

    it("makes what is missing, says so, and takes what is there the next time", async () => {
      const first = await launch("launch tiny --no-ssh");
      expect(first.exit, first.err).to.equal(0);
      for (const line of [
        /^image {5}tiny is in the cluster/m,
        /^flavor {4}tiny, the smallest that fits/m,
        /^network {3}the project has none: lan is made/m,
        /^network {3}it has the range 10\.0\.0\.0\/24/m,
        /^key {7}ssh-[0-9a-f]{12} is made of .*id_ed25519\.pub/m,
        /^instance {2}tiny, whose ssh is published at its host's port 2222/m,
      ])
        expect(first.err).to.match(line);
      const again = await launch("launch tiny --no-ssh --json");
      expect(again.exit, again.err).to.equal(0);
      expect(again.err).to.match(/^network {3}lan, the project's only one/m);
      expect(again.err).to.match(/^key {7}ssh-[0-9a-f]{12}, of .*id_ed25519\.pub/m);
      const { instance, ssh, keyPair } = JSON.parse(again.out);
      expect(instance).to.deep.include({ name: "tiny-2", state: "running" });
      expect(keyPair).to.match(/^ssh-/);
      // The first port of the host is the other instance's.
      expect(ssh).to.deep.include({ address: "127.0.0.1", port: 2_223, login: "root" });
    });

    it("goes on with an instance of the name that is given, if it is of that image", async () => {
      expect((await launch("launch tiny --name web --no-ssh")).exit).to.equal(0);
      const again = await launch("launch tiny --name web --no-ssh");
      expect(again.exit, again.err).to.equal(0);
      expect(again.err).to.include("web is there already, and goes on");
      const listed = JSON.parse((await launch("instance list --json")).out);
      expect(listed).to.have.length(1);
    });

    it("goes by a floating address where no host publishes ports, with ssh let in to this instance alone", async () => {
      await world.host("a", { bootId, drivers: publishing(false) });
      const made = await launch("launch tiny --no-ssh --json");
      expect(made.exit, made.err).to.equal(0);
      expect(made.err).to.include("no host publishes ports");
      expect(JSON.parse(made.out).ssh).to.equal(null);
      const refused = await launch("launch tiny --name tiny --json");
      expect(refused.exit).to.equal(2);
      expect(refused.err).to.include("no network that leads outside has addresses");

      const { network } = await world.admin.network.create({ name: "public", external: true });
      const range = { cidr: "198.51.100.0/29", gateway: "198.51.100.1", dhcp: false };
      await world.admin.subnet.create({ name: "public-v4", network: network.id, ...range });
      const again = await launch("launch tiny --name tiny --no-ssh --json");
      expect(again.exit, again.err).to.equal(0);
      const { ssh } = JSON.parse(again.out);
      expect(ssh).to.deep.include({ port: 22, isHosts: false, login: "root" });
      for (const line of [
        /^router {4}gate leads the network to public from now on/m,
        /^address {3}198\.51\.100\.\d of public leads to tiny/m,
        /^group {5}ssh lets everybody there reach its port 22/m,
      ])
        expect(again.err).to.match(line);
      const { ports } = await world.demo.port.list({});
      const { securityGroups } = await world.demo.securityGroup.list({});
      const groupsOf = ports.map(({ securityGroupIds }) =>
        securityGroupIds.map((id) => securityGroups.find((one) => one.id === id)?.name),
      );
      expect(groupsOf.map((all) => all.toSorted())).to.deep.include(["default", "ssh"]);
      const third = await launch("launch tiny --name tiny --no-ssh --json");
      expect(JSON.parse(third.out).ssh).to.deep.equal(ssh);
      expect((await world.demo.floatingIp.list({})).floatingIps).to.have.length(1);
    });

    it("says how to go on when there is no key, no image, or a network too many", async () => {
      await rm(join(place.path, ".ssh"), { recursive: true });
      const noKey = await launch("launch tiny --no-ssh");
      expect([noKey.exit, noKey.err]).to.deep.include(2);
      expect(noKey.err).to.include("ssh-keygen -t ed25519");
      const noImage = await launch("launch nothing --no-ssh");
      expect(noImage.exit).to.equal(3);
      expect(noImage.err).to.include("Neither the cluster nor the catalogue has an image nothing");
      await launch("network create other");
      const many = await launch("launch tiny --no-ssh");
      expect(many.err).to.include("The project has several networks").and.to.include("--network NAME");
    });

    it("brings an image of a source into the cluster once, for the project alone", async () => {
      await world.admin.flavor.create({ name: "big", vcpus: 1, memoryMib: 512, diskGib: 2 });
      const made = await launch("launch far --no-ssh");
      expect(made.exit, made.err).to.equal(0);
      for (const line of [/^image {5}far is fetched from own/m, /^image {5}far is in the cluster/m])
        expect(made.err).to.match(line);
      const images = JSON.parse((await launch("image list --json")).out);
      expect(images.find(({ name }: { name: string }) => name === "far")).to.deep.include({
        ...{ project: "demo", visibility: "private", state: "active" },
      });
      expect((await launch("launch far --no-ssh")).exit).to.equal(0);
      expect(server.asked.filter((path) => path === "a.raw")).to.have.length(1);
      expect(await readdir(join(place.path, ".cache", "novact", "images"))).to.deep.equal([]);
    });
  });
});

const publishing = (publishes: boolean) =>
  networkedDrivers({ abilities: { configDrive: true }, networking: { publishes } });

describe("what answers for an instance", () => {
  const answering = async (said: string): Promise<Server> => {
    const server = createServer((socket) => {
      // Who has heard enough goes.
      socket.on("error", () => undefined);
      socket.end(said);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return server;
  };
  const isSsh = async (said: string): Promise<boolean> => {
    const server = await answering(said);
    try {
      const { port } = server.address() as { readonly port: number };
      return await hasBanner({ address: "127.0.0.1", port }, never);
    } finally {
      server.close();
    }
  };

  it("is an ssh server only when it says so", async () => {
    expect(await isSsh("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")).to.equal(true);
    expect(await isSsh("a line before\r\nSSH-2.0-x\r\n")).to.equal(true);
    expect(await isSsh("")).to.equal(false);
    expect(await isSsh("HTTP/1.1 400 Bad Request\r\n\r\n")).to.equal(false);
    expect(await isSsh("x".repeat(100_000))).to.equal(false);
    expect(await hasBanner({ address: "127.0.0.1", port: 1 }, never)).to.equal(false);
  });
});

describe("the image that is built here", () => {
  const answer = { disk: "/d.qcow2", sha256: "a".repeat(64), version: "12" };

  it("is what its builder says, or is not there", () => {
    expect(builtIn(JSON.stringify(answer))).to.deep.equal({
      ...{ path: "/d.qcow2", version: "12", checksum: { algorithm: "sha256", digest: "a".repeat(64) } },
    });
    for (const wrong of ["", "{", "null", "5", "[]", "{}", JSON.stringify({ ...answer, sha256: "x" })])
      expect(builtIn(wrong), wrong).to.equal(undefined);
  });

  it("tells what the builder says, and its last words when it fails", async () => {
    const said: string[] = [];
    const built = (script: string) =>
      buildImage({
        ...{ directory: "/nowhere", signal: never, say: (text: string) => said.push(text) },
        program: ["sh", "-c", script, "sh"],
      });
    expect((await built(`echo the tree >&2; echo '${JSON.stringify(answer)}'`)).version).to.equal("12");
    expect(said).to.deep.equal(["the tree"]);
    const reasons = ["echo No room. >&2; exit 1", "exit 0", "kill -9 $$"].map(async (script) => {
      const thrown: unknown = await built(script).catch((error: unknown) => error);
      return thrown instanceof StatusError ? `${thrown.reason} ${thrown.message.split(". ")[1]}` : thrown;
    });
    expect(await Promise.all(reasons)).to.deep.equal([
      "imageNotBuilt No room.",
      "imageNotBuilt The builder said nothing.",
      "imageNotBuilt The builder said nothing.",
    ]);
  });

  it("takes its builder with it when it is not wanted any more", async () => {
    const place = await temporaryDirectory();
    try {
      const stop = new AbortController();
      const script = `trap 'echo gone > "$1/end"; exit 1' TERM; echo ready >&2; while :; do sleep 0.05; done`;
      const say = () => stop.abort(new Error("Interrupted."));
      const program = ["sh", "-c", script, "sh"] as const;
      const building = buildImage({ directory: place.path, signal: stop.signal, say, program });
      const thrown: unknown = await building.catch((error: unknown) => error);
      expect(thrown).to.have.property("message", "Interrupted.");
      expect(await readFile(join(place.path, "end"), "utf8")).to.equal("gone\n");
    } finally {
      await place.remove();
    }
  });
});
