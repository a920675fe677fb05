/** What a client of the load asks for interfaces, by value. */
import { expect } from "chai";
import { createRandom } from "../../../nodes/chaos/random.ts";
import { Wiring } from "../../../nodes/chaos/wiring.ts";
import type { Novact } from "../../../nodes/sdk/sdk.ts";

const wiring = () => new Wiring({ novact: {} as Novact, network: "n", random: createRandom(1, "wiring") });
const shown = (id: string, ...ports: readonly string[]) => ({
  instance: { id, interfaces: ports.map((portId) => ({ portId })) },
});

describe("chaos: interfaces of the load", () => {
  it("come on the network, and from nowhere else", () => {
    const { method, id, request } = wiring().asked("attach", "i") ?? {};
    expect({ method, id, request }).to.deep.equal({
      ...{ method: "instance.interfaceAttach", id: "i", request: { network: "n" } },
    });
  });

  it("go, and are published, as answers have told of them", () => {
    const load = wiring();
    expect(load.asked("detach", "i")).to.equal(undefined);
    load.learn({ all: [shown("i", "p"), shown("j", "q")] });
    expect(load.asked("detach", "i")?.request).to.deep.equal({ port: "p" });
    expect(load.asked("publish", "j")?.request).to.deep.include({ networkPort: "q", port: 22 });
    load.learn(shown("i"));
    expect(load.asked("publish", "i")).to.equal(undefined);
    for (const nothing of [undefined, "refused", { flavor: {} }] as const) load.learn(nothing);
    expect(load.asked("detach", "j")?.request).to.deep.equal({ port: "q" });
  });

  it("are published under few ports of hosts, which are taken back by their number", () => {
    const load = wiring();
    const ids = Array.from({ length: 100 }, () => load.asked("unpublish", "i")?.id);
    expect(new Set(ids).size).to.equal(12);
  });
});
