/** What a client of the load asks of volumes, by value. */
import { expect } from "chai";
import { createRandom } from "../../../nodes/chaos/random.ts";
import { Volumes } from "../../../nodes/chaos/volumes.ts";
import type { Novact } from "../../../nodes/sdk/sdk.ts";

const load = (volumes = 2) =>
  new Volumes({ name: "c", novact: {} as Novact, random: createRandom(1, "volumes"), volumes });
const made = (of: Volumes, id: string) =>
  of.learn({ method: "volume.create", id: "", request: {} }, { volume: { id, sizeGib: 1 } });
/** Asked until something fits: now and then it asks for what does not. */
const methods = (of: Volumes, command: Parameters<Volumes["asked"]>[0]) =>
  new Set(Array.from({ length: 50 }, () => of.asked(command, "i")?.id));

describe("chaos: volumes of the load", () => {
  it("are made under names of the client, and so many at most", () => {
    const of = load();
    expect(of.asked("volumeAttach", "i")).to.equal(undefined);
    expect(of.asked("volumeCreate", "i")?.request).to.deep.include({ name: "c-volume-1", sizeGib: 1 });
    made(of, "v");
    made(of, "w");
    expect(of.asked("volumeCreate", "i")).to.equal(undefined);
    of.learn({ method: "volume.delete", id: "v", request: {} }, {});
    expect(of.asked("volumeCreate", "i")?.request).to.deep.include({ name: "c-volume-2" });
  });

  it("are attached, extended and taken away, as answers have told", () => {
    const of = load();
    made(of, "v");
    expect(of.asked("volumeAttach", "i")).to.deep.include({ method: "instance.volumeAttach", id: "i" });
    const attach = { method: "instance.volumeAttach", id: "i", request: { volume: "v" } };
    of.learn(attach, "refused");
    expect(of.asked("volumeAttach", "j")?.id).to.equal("j");
    of.learn(attach, { instance: { id: "i", volumes: [{ volumeId: "v", sizeGib: 3 }] } });
    expect(of.asked("volumeDetach", "j")).to.deep.include({ method: "instance.volumeDetach", id: "i" });
    expect(of.asked("volumeExtend", "j")?.request).to.deep.include({ volume: "v", sizeGib: 4 });
    of.learn(attach, { instance: { id: "i", volumes: [{ volumeId: "v", sizeGib: 4 }] } });
    expect(methods(of, "volumeExtend")).to.deep.equal(new Set([undefined]));
    of.learn({ method: "instance.delete", id: "i", request: {} }, {});
    expect(of.asked("volumeDelete", "j")).to.deep.include({ method: "volume.delete", id: "v" });
  });

  it("may have been attached when nobody knows", () => {
    const of = load();
    made(of, "v");
    of.learn({ method: "instance.volumeAttach", id: "i", request: { volume: "v" } }, undefined);
    expect(of.asked("volumeDetach", "j")?.id).to.equal("i");
  });
});
