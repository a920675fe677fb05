/** What a guest's start learns of networks, and how long it waits for that. */
import { expect } from "chai";
import { hostLimits } from "../../../../actors/node/host/limits.ts";
import { Pictures } from "../../../../actors/node/host/pictures.ts";
import type { HostNetworking, NetworkPicture } from "../../../../protocol/networking.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { pictureOf } from "../../../support/switch-world.ts";

const never = new AbortController().signal;
const one = pictureOf([{ network: 1, number: 7 }]);
const both = pictureOf([
  { network: 1, number: 7 },
  { network: 2, number: 8 },
]);
const ids = (networks: readonly NetworkPicture[]) => networks.map(({ id }) => id);

function makeWorld(kept: () => Promise<HostNetworking | undefined> = async () => undefined) {
  const clock = new SimulatedClock();
  let asked = 0;
  const pictures = new Pictures({ network: { picture: kept }, clock }, () => {
    asked += 1;
  });
  return { clock, pictures, asked: () => asked };
}

describe("pictures for the start of a guest", () => {
  it("are those that came last, without a question", async () => {
    const { pictures, asked } = makeWorld();
    pictures.take(both);
    expect(ids(await pictures.of(["port-1-7", "port-2-8"], never))).to.deep.equal(["network-1", "network-2"]);
    expect(asked()).to.equal(0);
  });

  it("are those that the driver has kept, where none came in this life", async () => {
    const { pictures, asked } = makeWorld(async () => one);
    expect(ids(await pictures.of(["port-1-7"], never))).to.deep.equal(["network-1"]);
    expect(asked()).to.equal(0);
  });

  it("are the next that have all of the ports", async () => {
    const { pictures, asked } = makeWorld(() => Promise.reject(new Error("damaged")));
    const found = pictures.of(["port-1-7", "port-2-8"], never);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect([asked(), pictures.isAwaited]).to.deep.equal([1, true]);
    pictures.take(one);
    expect(pictures.isAwaited).to.equal(true);
    pictures.take(both);
    expect(ids(await found)).to.have.length(2);
    expect(pictures.isAwaited).to.equal(false);
  });

  it("are given up after a time, and by who does not want them any more", async () => {
    const { pictures, clock } = makeWorld();
    const late = pictures.of(["port-1-7"], never).catch((error: unknown) => error);
    const abort = new AbortController();
    const unwanted = pictures.of(["port-1-7"], abort.signal).catch((error: unknown) => error);
    await clock.advance(1);
    abort.abort();
    expect(await unwanted).to.include({ name: "AbortError" });
    await clock.advance(hostLimits.networkPictureMsMax);
    expect(await late)
      .to.be.instanceOf(StatusError)
      .and.include({ reason: "hypervisorRefused" });
    expect(pictures.isAwaited).to.equal(false);
  });

  it("are all that there is for a guest without ports", async () => {
    const { pictures } = makeWorld(async () => one);
    expect(ids(await pictures.of([], never))).to.deep.equal(["network-1"]);
  });
});
