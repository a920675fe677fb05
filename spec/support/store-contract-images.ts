/** What every Store must do with images of projects: who sees them, and of which an instance is made. */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { ImageRecord } from "../../actors/records/catalog.ts";
import type { Commit } from "../../actors/records/commit.ts";
import { imageMember, image as images } from "../../protocol/image.ts";
import type { ResourceRow } from "../../protocol/wire/resource.ts";
import { rowsOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

const member = (
  id: string,
  of: { imageId: string; name: string; status: string },
): Required<Pick<Commit, "rows">> => ({
  rows: [{ resource: imageMember, made: { id, ...of, createdAtMs: 1, version: 1 } as ResourceRow }],
});

export function imagesContract(get: () => Store): void {
  /** An image of each visibility, all of one name, of a project that nobody else has. */
  const prepared = async () => {
    const [store, { id, project }] = [get(), names()];
    const { visibilities } = { visibilities: ["public", "community", "shared", "private"] as const };
    const all = visibilities.map(
      (visibility, at): Omit<ImageRecord, "version"> => ({
        ...{ ...rows.image, id: id(at + 1), name: project, project, visibility },
      }),
    );
    await store.commit(rowsOf({ images: all }));
    const [open, community, shared, own] = [id(1), id(2), id(3), id(4)];
    const listed = async (of: string, more: object = {}) =>
      (await store.rows.list(images, { project: of, name: project, limit: 9, ...more })).map((row) => row.id);
    const named = async (key: string, of: string) =>
      (await store.rows.called(images, key, { project: of })).map((row) => row.id);
    return { store, id, project, open, community, shared, own, listed, named };
  };

  it("lists images that are public or the project's own, and finds those of the community by id", async () => {
    const { project, open, community, shared, own, listed, named } = await prepared();
    expect(await listed(project)).to.deep.equal([open, community, shared, own]);
    expect(await listed("stranger")).to.deep.equal([open]);
    expect(await named(project, "stranger")).to.deep.equal([open]);
    expect(await named(community, "stranger")).to.deep.equal([community]);
    expect(await named(shared, "stranger")).to.deep.equal([]);
    expect(await named(own, "stranger")).to.deep.equal([]);
    expect(await named(own, project)).to.deep.equal([own]);
    const having = { visibility: ["community"] };
    expect(await listed("stranger", { having })).to.deep.equal([]);
    expect(await listed("stranger", { having, among: "named" })).to.deep.equal([community]);
    expect(await listed(project, { having: { visibility: ["private"], state: ["active"] } })).to.deep.equal([
      own,
    ]);
  });

  it("lists a shared image for a member that accepted it, and finds it by id for every member", async () => {
    const { store, id, project, open, shared, own, listed, named } = await prepared();
    const of = { imageId: shared, name: "member" };
    await store.commit(member(id(5), { ...of, status: "pending" }));
    await store.commit(member(id(6), { imageId: own, name: "member", status: "accepted" }));
    expect(await listed("member")).to.deep.equal([open]);
    expect(await named(project, "member")).to.deep.equal([open]);
    expect(await named(shared, "member")).to.deep.equal([shared]);
    expect(await named(own, "member")).to.deep.equal([]);
    expect(await listed("member", { among: ["pending"] })).to.deep.equal([shared]);
    expect(await listed("member", { among: ["accepted"] })).to.deep.equal([]);
    expect(await listed("stranger", { among: ["pending"] })).to.deep.equal([]);
    const accepted = { id: id(5), ...of, status: "accepted", createdAtMs: 1, version: 2 } as ResourceRow;
    await store.commit({ rows: [{ resource: imageMember, changed: accepted }] });
    expect(await listed("member")).to.deep.equal([open, shared]);
    expect(await named(project, "member")).to.deep.equal([open, shared]);
    expect((await store.commit(member(id(7), { ...of, status: "pending" }))).kind).to.equal("nameTaken");
    expect((await store.commit(rowsOf({ imagesRemoved: [shared] }))).kind).to.equal("committed");
    expect(await store.rows.list(imageMember, { refers: { imageId: [shared] }, limit: 9 })).to.deep.equal([]);
  });

  it("makes an instance only of an image that its project may use", async () => {
    const { store, id, project, open, community, shared, own } = await prepared();
    await store.commit(member(id(5), { imageId: shared, name: "member", status: "rejected" }));
    let made = 10;
    const born = async (imageId: string, of: string) => {
      made += 1;
      const copy = { ...rows.instance("x").image, id: imageId };
      return store.commit(rows.changeTurn(rows.instance(id(made), { project: of, image: copy })));
    };
    for (const imageId of [open, community, shared, own]) {
      expect((await born(imageId, project)).kind).to.equal("committed");
      expect((await born(imageId, "admin")).kind).to.equal("committed");
    }
    expect((await born(community, "stranger")).kind).to.equal("committed");
    expect((await born(shared, "member")).kind).to.equal("committed");
    expect(await born(shared, "stranger")).to.deep.equal(rows.missing("image", shared));
    expect(await born(own, "member")).to.deep.equal(rows.missing("image", own));
  });

  it("makes no instance of an image that is not active, needs more, or is another by now", async () => {
    const { store, id, project, own } = await prepared();
    const [row] = await store.rows.called(images, own);
    if (row === undefined) throw new Error("It is not there.");
    const born = (copied: Partial<ImageRecord> = {}) => {
      const image = { ...rows.instance("x").image, id: own, ...copied };
      return store.commit(rows.changeTurn(rows.instance(id(9), { project, image })));
    };
    const changed = async (version: number, changes: Partial<ImageRecord>) =>
      store.commit({ rows: [{ resource: images, changed: { ...row, ...changes, version } as ResourceRow }] });
    const refusal = (because: string) => ({ ...rows.missing("image", own), because });
    await changed(2, { state: "deactivated" });
    expect(await born()).to.deep.equal(refusal("inactive"));
    const properties = { ...row.properties, memoryMibMin: 65 };
    await changed(3, { properties });
    expect(await born({ properties })).to.deep.equal(refusal("needsMore"));
    const large = { ...row.properties, diskGibMin: 2 };
    await changed(4, { properties: large });
    expect(await born()).to.deep.equal(refusal("needsMore"));
    const onVolume = { ...rows.instance("x").image, id: own, disk: null, properties: large };
    const booted = rows.instance(id(8), { project, image: onVolume });
    expect((await store.commit(rows.changeTurn(booted))).kind, "its disk is a volume").to.equal("committed");
    await changed(5, { properties: { ...row.properties, hypervisor: "other" } });
    expect(await born()).to.deep.equal(refusal("changed"));
    await changed(6, {});
    expect((await born()).kind).to.equal("committed");
    await changed(7, { state: "deactivated" });
    const [known] = [rows.instance(id(9), { project, image: { ...rows.instance("x").image, id: own } })];
    expect((await store.commit(rows.changeTurn({ ...known, version: 2 }))).kind).to.equal("committed");
  });

  it("does not remove a protected image", async () => {
    const [store, { id, project }] = [get(), names()];
    await store.commit(rowsOf({ images: [{ ...rows.image, id: id(1), name: project, protected: true }] }));
    expect(await store.commit(rowsOf({ imagesRemoved: [id(1)] }))).to.deep.equal({ kind: "inUse" });
    const [row] = await store.rows.called(images, id(1));
    const after = { ...row, protected: false, version: 2 } as ResourceRow;
    await store.commit({ rows: [{ resource: images, changed: after }] });
    expect((await store.commit(rowsOf({ imagesRemoved: [id(1)] }))).kind).to.equal("committed");
  });

  it("lets the images of a project take no more than its quota, by what their rows say", async () => {
    const [store, { id, project }] = [get(), names()];
    const row = { ...rows.image, name: project, project };
    const make = (number: number, sizeBytes: number | null) =>
      store.commit(rowsOf({ images: [{ ...row, id: id(number), sizeBytes }] }));
    const change = (number: number, version: number, sizeBytes: number | null) =>
      store.commit({
        rows: [{ resource: images, changed: { ...row, id: id(number), sizeBytes, version } as ResourceRow }],
      });
    const refusal = (used: number, asked: number) => ({
      ...{ kind: "quotaExceeded", resource: "imageBytes", limit: 100, used, asked },
    });
    await make(1, 60);
    await store.commit({ quotas: [{ project, imageBytes: 100 }] });
    expect(await make(2, 41)).to.deep.equal(refusal(60, 41));
    expect((await make(2, null)).kind).to.equal("committed");
    expect(await change(2, 2, 41)).to.deep.equal(refusal(60, 41));
    expect((await change(2, 2, 40)).kind).to.equal("committed");
    const { limits, used } = await store.quotas.get(project);
    expect([limits.imageBytes, used.imageBytes]).to.deep.equal([100, 100]);
    // What is there stays when the quota is lowered, and what gives back is never refused.
    await store.commit({ quotas: [{ project, imageBytes: 50 }] });
    expect((await change(2, 3, 30)).kind).to.equal("committed");
    expect(await change(2, 4, 31)).to.deep.equal({ ...refusal(90, 1), limit: 50 });
    expect((await store.commit(rowsOf({ imagesRemoved: [id(1)] }))).kind).to.equal("committed");
    expect((await change(2, 4, 50)).kind).to.equal("committed");
  });
}
