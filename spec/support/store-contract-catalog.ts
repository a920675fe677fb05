/** What every Store must do with flavors and images. */
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

export function catalogContract(get: () => Store): void {
  it("keeps names of flavors and images unique, and finds them by id or by name", async () => {
    const [store, { id, project: name }] = [get(), names()];
    const flavor = { ...rows.flavor, id: id(1), name };
    const image = { ...rows.image, id: id(2), name };
    await store.commit({ flavors: [flavor], images: [image] });
    expect(await store.commit({ flavors: [{ ...flavor, id: id(3) }] })).to.deep.equal({ kind: "nameTaken" });
    const twice = {
      images: [
        { ...image, id: id(4), name: id(4) },
        { ...image, id: id(5) },
      ],
    };
    expect(await store.commit(twice)).to.deep.equal({ kind: "nameTaken" });
    expect(await store.getImage(id(4))).to.equal(undefined);
    expect(await store.getFlavor(name)).to.deep.equal(flavor);
    expect(await store.getFlavor(id(1))).to.deep.equal(flavor);
    expect(await store.getImage(name)).to.deep.equal(image);
    expect(await store.getImage(id(2))).to.deep.equal(image);
    expect(await store.getFlavor("no such flavor")).to.equal(undefined);
  });

  it("frees the name of what was removed, and says when there was nothing to remove", async () => {
    const [store, { id, project: name }] = [get(), names()];
    const flavor = { ...rows.flavor, id: id(1), name };
    await store.commit({ flavors: [flavor] });
    expect(await store.commit({ flavorsRemoved: [id(1), id(2)] })).to.deep.equal({ kind: "missing" });
    const replaced = { flavorsRemoved: [id(1)], flavors: [{ ...flavor, id: id(2) }] };
    expect((await store.commit(replaced)).kind).to.equal("committed");
    expect((await store.getFlavor(name))?.id).to.equal(id(2));
    expect(await store.commit({ imagesRemoved: [id(9)] })).to.deep.equal({ kind: "missing" });
  });

  it("removes an image only when no instance that is not deleted uses it", async () => {
    const [store, { id }] = [get(), names()];
    const image = { ...rows.image, id: id(1), name: id(1) };
    const row = rows.instance(id(2), { image: { ...rows.instance("x").image, id: id(1) } });
    await store.commit({ images: [image] });
    await store.commit(rows.changeTurn(row));
    expect(await store.commit({ imagesRemoved: [id(1)] })).to.deep.equal({ kind: "inUse" });
    expect(await store.getImage(id(1))).to.deep.equal(image);
    await store.commit(rows.changeTurn(rows.deleted(row, rows.wallMs)));
    expect((await store.commit({ imagesRemoved: [id(1)] })).kind).to.equal("committed");
    expect(await store.getImage(id(1))).to.equal(undefined);
  });
}
