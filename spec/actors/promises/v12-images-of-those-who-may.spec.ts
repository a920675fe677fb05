/** V12: instances of images that are kept from their projects, and images shown to strangers, are found. */
import { expect } from "chai";
import { imagesOfThoseWhoMay } from "../../../actors/promises/v12-images-of-those-who-may.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { image, imageMember } from "../../../protocol/image.ts";
import type { ResourceRow } from "../../../protocol/wire/resource.ts";
import * as rows from "../../support/store-rows.ts";
import { committed, completed, invoked, judged } from "./worlds.ts";

const own = { ...rows.image, id: "g1", project: "demo", visibility: "private", version: 1 } as const;
const made = (changes: Partial<typeof rows.image> = {}): Commit => ({
  rows: [{ resource: image, made: { ...own, ...changes } as ResourceRow }],
});
const changed = (changes: Partial<typeof rows.image>, project?: string): Commit => ({
  ...(project === undefined ? {} : { request: rows.request("r", { project }) }),
  rows: [{ resource: image, changed: { ...own, ...changes, version: 2 } as ResourceRow }],
});
const member = { id: "m1", name: "other", imageId: "g1", status: "pending", createdAtMs: 1, version: 1 };
const offered: Commit = { rows: [{ resource: imageMember, made: member as ResourceRow }] };
const answered = (status: string, project: string): Commit => ({
  request: rows.request("r", { project }),
  rows: [{ resource: imageMember, changed: { ...member, status, version: 2 } as ResourceRow }],
});
const takenBack: Commit = { rows: [{ resource: imageMember, removed: "m1" }] };
const born = (project: string, flavor: object = {}): Commit => {
  const row = rows.instance("i", { project, image: { ...rows.instance("").image, id: "g1" } });
  return { instances: [{ expectedVersion: 0, row: { ...row, flavor: { ...row.flavor, ...flavor } } }] };
};
const found = (...commits: readonly Commit[]) =>
  judged(
    imagesOfThoseWhoMay(),
    commits.map((one, at) => committed(one, { atMs: at })),
  );
const shown = (method: string, request: object, before: readonly Commit[], after: readonly Commit[] = []) =>
  judged(imagesOfThoseWhoMay(), [
    ...before.map((one) => committed(one, { atMs: 1 })),
    invoked(1, { project: "other", method, request: { ...request }, atMs: 5 }),
    ...after.map((one) => committed(one, { atMs: 6 })),
    completed(1, { answer: method === "image.list" ? { images: [own] } : { image: own } }),
  ]);

describe("promise V12, images of those who may", () => {
  it("is kept by instances of one's own, of open and of shared images", () => {
    expect(found(made(), born("demo"))).to.deep.equal([]);
    expect(found(made(), born("admin"))).to.deep.equal([]);
    for (const visibility of ["public", "community"] as const)
      expect(found(made({ visibility }), born("other"))).to.deep.equal([]);
    expect(found(made({ visibility: "shared" }), offered, born("other"))).to.deep.equal([]);
  });

  it("is broken by an instance of an image that is kept from its project", () => {
    expect(found(made(), born("other"))).to.have.length(1);
    expect(found(made(), offered, born("other"))).to.have.length(1);
    expect(found(made({ visibility: "shared" }), offered, takenBack, born("other"))).to.have.length(1);
    expect(found(born("demo"))).to.have.length(1);
  });

  it("is broken by an instance of an image that is not active, or needs more", () => {
    expect(found(made(), changed({ state: "deactivated" }), born("demo"))).to.have.length(1);
    expect(found(made(), born("demo", { memoryMib: 63 }))).to.have.length(1);
  });

  it("is broken by a list or an answer that shows what its reader never might see", () => {
    expect(shown("image.get", {}, [made()])).to.have.length(1);
    expect(shown("image.get", {}, [made({ visibility: "community" })])).to.deep.equal([]);
    expect(shown("image.list", {}, [made({ visibility: "community" })])).to.have.length(1);
    const community = { visibility: "community" };
    expect(shown("image.list", community, [made({ visibility: "community" })])).to.deep.equal([]);
    const shared = [made({ visibility: "shared" }), offered];
    expect(shown("image.list", {}, shared)).to.have.length(1);
    expect(shown("image.list", { memberStatus: "pending" }, shared)).to.deep.equal([]);
    expect(shown("image.list", {}, [...shared, answered("accepted", "other")])).to.deep.equal([]);
  });

  it("is kept by an answer that was right when it was asked for", () => {
    const shared = [made({ visibility: "shared" }), offered];
    expect(shown("image.get", {}, shared, [takenBack])).to.deep.equal([]);
    expect(shown("image.get", {}, [...shared, takenBack])).to.have.length(1);
    expect(shown("image.get", {}, [made({ visibility: "public" })], [changed({})])).to.deep.equal([]);
    expect(shown("image.get", {}, [made({ visibility: "public" }), changed({})])).to.have.length(1);
  });

  it("is broken by a change of an image, or of what a member says, by somebody else", () => {
    expect(found(made(), changed({ name: "mine" }, "other"))).to.have.length(1);
    expect(found(made(), changed({ name: "mine" }, "demo"), changed({}, "admin"))).to.deep.equal([]);
    expect(found(made(), offered, answered("accepted", "demo"))).to.have.length(1);
    expect(found(made(), offered, answered("accepted", "other"))).to.deep.equal([]);
  });
});
