/** Where hosts are told to get images: here first, then at others as they were a moment ago. */
import { expect } from "chai";
import type { ImageServing } from "../../../actors/control/catalog/image-offers.ts";
import { ImageServers } from "../../../nodes/controller/image-servers.ts";
import { controllerLimits } from "../../../nodes/controller/limits.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const named = (server: string): ImageServing => ({ server, url: `http://${server}:1` });
const own = named("controller-1-aa");

describe("the servers of images", () => {
  it("are this controller's, and those of others whose tickets its key makes, as they last said", async () => {
    const clock = new SimulatedClock();
    let answers: readonly ImageServing[] = [named("controller-2-aa"), named("controller-1-bb"), own];
    let asked = 0;
    const others = async () => {
      asked += 1;
      return answers;
    };
    const servers = new ImageServers({ own, others, clock });
    expect(servers.list()).to.deep.equal([own]);
    await clock.settle();
    expect(servers.list()).to.deep.equal([own, named("controller-2-aa")]);
    expect(asked).to.equal(1);
    answers = [];
    await clock.advance(controllerLimits.imageDoorsKnownMs + 1);
    servers.list();
    await clock.settle();
    expect(servers.list()).to.deep.equal([own]);
    expect(asked).to.equal(2);
  });
});
