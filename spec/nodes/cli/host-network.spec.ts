/** What fails of a host's network in `novact host show`: as the host says it at that moment, and bounded. */
import { expect } from "chai";
import type { NetworkFailure, NetworkingAudit } from "../../../protocol/networking.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const sound: NetworkingAudit = { version: 20, parts: ["a"], lookedAgoMs: 1_000, failure: null };
const failedPort = (number: number): NetworkFailure => ({ of: "port", id: `p${number}`, why: "No rules." });

describe("novact host show, of the host's network", function () {
  this.timeout(20_000);
  let world: World;
  let host: Awaited<ReturnType<World["host"]>>;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    host = await world.host("a");
    novact = commandOn(connectOn(world.bus, "test").connect);
  });
  afterEach(() => world.stop());
  const faults = async () => {
    const { exit, out } = await novact("host show host-a");
    expect(exit).to.equal(0);
    return out.split("\n").filter((line) => line.startsWith("network fails"));
  };

  it("says nothing where nothing fails, or the host has no network, or does not answer", async () => {
    expect(await faults()).to.deep.equal([]);
    host.networking = { ...sound, failed: [], failedCount: 0, unanswered: null };
    expect(await faults()).to.deep.equal([]);
    host.networking = { ...sound, failed: [failedPort(1)] };
    host.mute = true;
    expect(await faults()).to.deep.equal([]);
    expect(JSON.parse((await novact("host show host-a --json")).out)).to.not.have.property("network");
  });

  it("names the parts that fail, and all that there is of other faults", async () => {
    const failed: NetworkFailure[] = [failedPort(1), { of: "outside", id: "office", why: "No device." }];
    host.networking = { ...sound, failure: "No nft.", failed, unanswered: "metadata: EADDRINUSE" };
    const [whole, port, way, silent, ...others] = await faults();
    expect(whole).to.match(/it stays as it was: No nft\.$/);
    expect(port).to.match(/the port p1: No rules\.$/);
    expect(way).to.match(/the way to the operator's network office: No device\.$/);
    expect(silent).to.match(/are not answered what they ask their host: metadata: EADDRINUSE$/);
    expect(others).to.deep.equal([]);
    const { network } = JSON.parse((await novact("host show host-a --json")).out);
    expect(network).to.deep.include({ failure: "No nft.", failed, failedCount: 2 });
  });

  it("counts those that it does not name", async () => {
    const failed = Array.from({ length: 100 }, (_, number) => failedPort(number));
    host.networking = { ...sound, failed, failedCount: 1_234 };
    const lines = await faults();
    expect(lines).to.have.length(21);
    expect(lines.at(-1)).to.match(/1214 more$/);
  });
});
