/**
 * Agents that die between any two steps: the next life finds what is left, makes of it what the picture says,
 * and removes what no port needs. On a kernel that only pretends.
 */
import { expect } from "chai";
import type { PortSpec } from "novact/plugin";
import { nameOf } from "../src/names.ts";
import { FakeKernel } from "./fake-kernel.ts";
import { pictureOf } from "./pictures.ts";
import { makeHost, physicalNetwork } from "./worlds.ts";

const never = new AbortController().signal;

const portOf = (number: number, ownerEpoch = 1): PortSpec => ({
  ...{ portId: `port-${number}`, networkId: "network", physicalNetwork, instanceId: "instance", ownerEpoch },
  ...{ hostName: "guest", mac: `52:54:00:00:00:0${number}`, mtuBytes: 1_400 },
});

type Host = Awaited<ReturnType<typeof makeHost>>;

/** A port more and one less, one of a newer epoch, and all of them gone. */
async function live({ network }: Host, kernel: FakeKernel): Promise<void> {
  const plug = async (port: PortSpec) => {
    const { path } = await network.ensurePort(port, never);
    kernel.opened.add(path);
    await network.plugged(port.portId, never);
  };
  await network.apply(pictureOf(1, [portOf(1), portOf(2)]), never);
  for (const port of [portOf(1), portOf(2)]) await plug(port);
  await plug(portOf(1, 2));
  await network.apply(pictureOf(2, [portOf(1)]), never);
  await network.releasePort("port-2", 1, never);
  await network.apply(pictureOf(3, []), never);
  await network.releaseOthers({ instanceId: "instance", ownerEpoch: 2, portIds: [] }, never);
}

describe("an agent that dies", () => {
  it("between any two of its steps leaves nothing that its next lives do not find", async () => {
    for (let steps = 0; ; steps += 1) {
      const kernel = new FakeKernel();
      const host = await makeHost(kernel);
      kernel.stepsLeft = steps;
      const died = await live(host, kernel).then(
        () => false,
        () => true,
      );
      kernel.stepsLeft = Number.POSITIVE_INFINITY;
      const next = await host.restartAgent();
      const open = [...kernel.links.values()].flatMap(({ name, isUp }) => (isUp ? [name] : []));
      expect(
        ["port-1", "port-2"].map((id) => nameOf("host", id)),
        `step ${steps}`,
      ).to.include.members(open);
      for (const holding of await next.list()) await next.release(holding, never);
      for (const version of [4, 5]) await next.apply(pictureOf(version, []), never);
      expect([...kernel.links.keys(), ...kernel.files], `step ${steps}`).to.deep.equal([]);
      await host.close();
      if (!died) break;
      expect(steps, "it comes to an end").to.be.below(100);
    }
  });

  it("has its guests run on, with the same macvtaps open, and the picture as it was", async () => {
    const kernel = new FakeKernel();
    const host = await makeHost(kernel);
    await host.network.apply(pictureOf(1, [portOf(1)]), never);
    const { path } = await host.network.ensurePort(portOf(1), never);
    kernel.opened.add(path);
    await host.network.plugged("port-1", never);
    const before = [...kernel.links.values()];
    expect(before.map(({ isUp }) => isUp)).to.deep.equal([true]);
    const next = await host.restartAgent();
    await next.list();
    expect([...kernel.links.values()]).to.deep.equal(before);
    expect((await next.ensurePort(portOf(1), never)).path).to.equal(path);
    expect(kernel.opened.has(path)).to.equal(true);
    await host.close();
  });

  it("never had a picture, or had one that is damaged: nothing opens, and nothing closes", async () => {
    const kernel = new FakeKernel();
    const host = await makeHost(kernel);
    await host.network.ensurePort(portOf(1), never);
    expect([...kernel.links.values()].map(({ isUp }) => isUp)).to.deep.equal([false]);
    await host.network.apply(pictureOf(1, [portOf(1)]), never);
    await host.damagePicture();
    const next = await host.restartAgent();
    await next.list();
    expect([...kernel.links.values()].map(({ isUp }) => isUp)).to.deep.equal([true]);
    await next.apply(pictureOf(2, []), never);
    expect([...kernel.links.values()].map(({ isUp }) => isUp)).to.deep.equal([false]);
    await host.close();
  });

  it("is told of a port that would be filtered: it stays closed, its start is refused, and the log says so once", async () => {
    const kernel = new FakeKernel();
    const told: string[] = [];
    const host = await makeHost(kernel, {
      log: {
        debug: () => undefined,
        info: () => undefined,
        error: () => undefined,
        warn: (_: object, message?: string) => void told.push(message ?? ""),
      },
    });
    const { path } = await host.network.ensurePort(portOf(1), never);
    kernel.opened.add(path);
    for (const version of [1, 2])
      await host.network.apply(pictureOf(version, [portOf(1)], ["port-1"]), never);
    expect(told).to.deep.equal(["a port with portSecurity stays closed: nothing filters here"]);
    const refusal = await host.network.plugged("port-1", never).catch((error: Error) => error.message);
    expect(refusal).to.match(/has portSecurity, and this host filters nothing/);
    expect([...kernel.links.values()].map(({ isUp }) => isUp)).to.deep.equal([false]);
    await host.close();
  });
});
