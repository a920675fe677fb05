/** Networks on the command line of `novact instance create`, and addresses in what it shows. */
import { expect } from "chai";
import { controllerWorld } from "../../support/controller-world.ts";
import { networkedDrivers } from "../../support/host-drivers.ts";
import { commandOn, connectOn } from "./cli-world.ts";

const drivers = networkedDrivers();

describe("novact instance create on networks", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a", { drivers });
    novact = commandOn(connectOn(world.bus, "test").connect);
    await novact("network create web");
    await novact("subnet create of-web 10.0.0.0/29 --network web");
  });
  afterEach(() => world.stop());

  const create = (name: string, more: string) =>
    novact(`instance create ${name} --flavor tiny --image tiny --wait ${more}`);

  it("plugs the instance into networks and ports, and shows its addresses", async () => {
    await novact("port create mine --network web --address 10.0.0.6");
    const made = await create("vm", "--network web,address=10.0.0.4 --port mine");
    expect(made.exit, made.err).to.equal(0);
    const shown = await novact("instance show vm");
    expect(shown.out).to.match(/^interface 0 +10\.0\.0\.4 \(52:54:.*\), port .*, network .*$/m);
    expect(shown.out).to.match(/^interface 1 +10\.0\.0\.6 /m);
    const listed = await novact("instance list");
    expect(listed.out).to.contain("10.0.0.4, 10.0.0.6");
  });

  it("gives it none when that is asked for, and refuses what contradicts itself", async () => {
    const none = await create("bare", "--network none --json");
    expect(none.exit, none.err).to.equal(0);
    expect(none.out).to.match(/"interfaces": ?\[\]/);
    const both = await create("both", "--network none --network web");
    expect([both.exit, both.err]).to.deep.equal([
      2,
      "error: --network none goes with no other network or port.\nreason: usage (INVALID_ARGUMENT)\n" +
        "next: Leave it out, or name nothing else.\n",
    ]);
  });

  it("plugs it into the only network, and names those that there are else", async () => {
    const made = await create("vm", "--network auto --json");
    expect(made.exit, made.err).to.equal(0);
    expect(made.out).to.match(/"address": ?"10\.0\.0\.2"/);
    await novact("network create db");
    const several = await create("more", "--network auto");
    expect(several.exit).to.equal(2);
    expect(several.err).to.match(
      /The project has 2 networks, and auto chooses only among one: web \(.*\), db \(/,
    );
    expect((await create("both", "--network auto --port p")).err).to.contain(
      "--network auto goes with no other",
    );
  });

  it("publishes ports, and shows them", async () => {
    const made = await create("vm", "--network web --publish 2222:22 --publish 127.0.0.1:8080:80/tcp");
    expect(made.exit, made.err).to.equal(0);
    const shown = await novact("instance show vm");
    expect(shown.out).to.match(/^published +127\.0\.0\.1:2222 to port 22$/m);
    expect(shown.out).to.match(/^published +127\.0\.0\.1:8080 to port 80$/m);
    expect((await novact("published-port create vm 4430:443")).exit).to.equal(0);
    expect((await novact("published-port delete 8080")).exit).to.equal(0);
    const listed = await novact("published-port list");
    expect(listed.out).to.contain("4430").and.not.to.contain("8080");
  });

  it("publishes nothing that it cannot", async () => {
    const wrongs = {
      "80:80": "low ones need root",
      "40000:80": "Choose one from 1024 to 32767",
      "8080": "HOSTPORT:PORT",
      "8080:80/udp": "Only ports of TCP",
    };
    for (const [text, words] of Object.entries(wrongs)) {
      const { exit, err } = await create("vm", `--network web --publish ${text}`);
      expect([exit, err.includes(words)], err).to.deep.equal([2, true]);
    }
    await create("vm", "--network none --publish 8080:80");
    const bare = await create("bare", "--network none --publish 8080:80");
    expect(bare.err).to.contain("reason: notPublishable");
  });

  it("says in words of the command what is wrong", async () => {
    const many = await create("many", "--count 2 --network web,address=10.0.0.4");
    expect(many.err).to.contain(
      "--network names a port or an address, which only one of 2 instances can have.",
    );
    const unknown = await create("lost", "--network nowhere");
    expect(unknown.err).to.contain("There is no network nowhere.");
  });
});
