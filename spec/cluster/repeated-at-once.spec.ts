/**
 * Two copies of one request that are executed at the same time: the second finds the row gone, or the name
 * taken, by the first, and is answered as the first all the same (I5).
 */
import { expect } from "chai";
import { MemoryStore } from "../../db/memory/store.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { controllerWorld } from "../support/controller-world.ts";

/** A store that lets one answer about a request, the second of a pair, arrive late. */
class LateToTell extends MemoryStore {
  #asked: number | undefined;
  #go: () => void = () => undefined;

  /** The second of the next two questions is answered when `go` is called, with what was true before. */
  holdSecond(): void {
    this.#asked = 0;
  }

  go(): void {
    this.#go();
  }

  constructor() {
    super(systemClock);
    const request = this.operations.request.bind(this.operations);
    this.operations.request = async (...asked) => {
      const known = await request(...asked);
      if (this.#asked === undefined) return known;
      this.#asked += 1;
      if (this.#asked < 2) return known;
      this.#asked = undefined;
      await new Promise<void>((resolve) => {
        this.#go = resolve;
      });
      return known;
    };
  }
}

describe("two copies of one request at once", () => {
  let store: LateToTell;
  let world: Awaited<ReturnType<typeof controllerWorld>>;

  beforeEach(async () => {
    store = new LateToTell();
    world = await controllerWorld({ store });
  });
  afterEach(() => world.stop());

  const twice = async (ask: (requestId: string) => Promise<unknown>) => {
    store.holdSecond();
    const copies = [ask("copy"), ask("copy")];
    const first = await Promise.race(copies);
    store.go();
    expect(await Promise.all(copies)).to.deep.equal([first, first]);
  };

  it("remove an image, a flavor, a group and an aggregate once, and say so twice", async () => {
    const { admin, demo } = world;
    await twice((requestId) => admin.image.delete("tiny", {}, { requestId }));
    expect((await admin.image.list({})).images).to.deep.equal([]);
    await twice((requestId) => admin.flavor.delete("tiny", {}, { requestId: `${requestId}-flavor` }));
    await demo.serverGroup.create({ name: "apart", policy: "anti-affinity" });
    await twice((requestId) => demo.serverGroup.delete("apart", {}, { requestId: `${requestId}-group` }));
    await admin.aggregate.create({ name: "rack" });
    await twice((requestId) => admin.aggregate.delete("rack", {}, { requestId: `${requestId}-rack` }));
  });

  it("register an image once", async () => {
    await twice((requestId) =>
      world.admin.image.register({ name: "other", kernel: { path: "/kernel" } }, { requestId }),
    );
  });

  it("remove a host once", async () => {
    await world.host("h1");
    await twice((requestId) => world.admin.host.remove("h1", {}, { requestId }));
  });

  it("and still hear of what is not there", async () => {
    const failed = await world.admin.image.delete("nothing", {}).catch((thrown: unknown) => thrown);
    expect(failed).to.have.property("reason", "imageNotFound");
  });
});
