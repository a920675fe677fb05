/** What every Store must do with flavors and images. */

import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { InstanceRecord } from "../../actors/records/instance.ts";
import { flavor as flavors } from "../../protocol/flavor.ts";
import { image as images } from "../../protocol/image.ts";
import { imagesContract } from "./store-contract-images.ts";
import { called, rowsOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

export function catalogContract(get: () => Store, another: () => Promise<Store>): void {
  imagesContract(get);
  it("keeps names of flavors unique and those of images not, and finds them by id or by name", async () => {
    const [store, { id, project: name }] = [get(), names()];
    const flavor = { ...rows.flavor, id: id(1), name };
    const image = { ...rows.image, id: id(2), name };
    await store.commit(rowsOf({ flavors: [flavor], images: [image] }));
    expect(await store.commit(rowsOf({ flavors: [{ ...flavor, id: id(3) }] }))).to.deep.equal({
      kind: "nameTaken",
    });
    const twice = rowsOf({
      flavors: [
        { ...flavor, id: id(4), name: id(4) },
        { ...flavor, id: id(5) },
      ],
    });
    expect(await store.commit(twice)).to.deep.equal({ kind: "nameTaken" });
    expect(await called(store, flavors, id(4))).to.equal(undefined);
    expect((await store.commit(rowsOf({ images: [{ ...image, id: id(6) }] }))).kind).to.equal("committed");
    const both = (await store.rows.called(images, name)).map((row) => row.id);
    expect(both).to.deep.equal([id(2), id(6)]);
    expect((await store.rows.list(images, { name, limit: 9 })).map((row) => row.id)).to.deep.equal(both);
    expect(await called(store, flavors, name)).to.deep.equal({ ...flavor, version: 1 });
    expect(await called(store, flavors, id(1))).to.deep.equal({ ...flavor, version: 1 });
    expect(await called(store, images, id(2))).to.deep.equal({ ...image, version: 1 });
    expect(await called(store, flavors, "no such flavor")).to.equal(undefined);
  });

  it("frees the name of what was removed, and says when there was nothing to remove", async () => {
    const [store, { id, project: name }] = [get(), names()];
    const flavor = { ...rows.flavor, id: id(1), name };
    await store.commit(rowsOf({ flavors: [flavor] }));
    const second = rows.missing("flavor", id(2));
    expect(await store.commit(rowsOf({ flavorsRemoved: [id(1), id(2)] }))).to.deep.equal(second);
    const replaced = rowsOf({ flavorsRemoved: [id(1)], flavors: [{ ...flavor, id: id(2) }] });
    expect((await store.commit(replaced)).kind).to.equal("committed");
    expect((await called(store, flavors, name))?.id).to.equal(id(2));
    expect(await store.commit(rowsOf({ imagesRemoved: [id(9)] }))).to.deep.equal(
      rows.missing("image", id(9)),
    );
  });

  it("removes an image only when no instance that is not deleted uses it", async () => {
    const [store, { id }] = [get(), names()];
    const image = { ...rows.image, id: id(1), name: id(1) };
    const row = rows.instance(id(2), { image: { ...rows.instance("x").image, id: id(1) } });
    await store.commit(rowsOf({ images: [image] }));
    await store.commit(rows.changeTurn(row));
    expect(await store.commit(rowsOf({ imagesRemoved: [id(1)] }))).to.deep.equal({ kind: "inUse" });
    expect(await called(store, images, id(1))).to.deep.equal({ ...image, version: 1 });
    await store.commit(rows.changeTurn(rows.deleted(row, rows.wallMs)));
    expect((await store.commit(rowsOf({ imagesRemoved: [id(1)] }))).kind).to.equal("committed");
    expect(await called(store, images, id(1))).to.equal(undefined);
  });

  it("makes no instance of an image or a flavor that was removed, and nothing else of its commit", async () => {
    const [store, { id, project, host }] = [get(), names()];
    const image = { ...rows.image, id: id(1), name: id(1) };
    const flavor = { ...rows.flavor, id: id(2), name: id(2) };
    await store.commit({ ...rowsOf({ images: [image], flavors: [flavor] }), hosts: [rows.inventory(host)] });
    const born = (n: number, changes: Partial<InstanceRecord>) => {
      const { instances = [], ...rest } = rows.createTurn(id(n), host);
      const made = instances.map((one) => ({ ...one, row: { ...one.row, project, ...changes } }));
      return { ...rest, request: rows.request(id(n), { project }), instances: made };
    };
    const imaged = { image: { ...rows.instance("x").image, id: id(1) } };
    const sized = { flavor: { ...rows.instance("x").flavor, id: id(2) } };
    expect((await store.commit(born(3, { ...imaged, ...sized }))).kind).to.equal("committed");
    const [{ row: third } = { row: rows.instance("") }] = born(3, { ...imaged, ...sized }).instances;
    await store.commit(rows.changeTurn(rows.deleted(third, 1)));
    await store.commit(rowsOf({ imagesRemoved: [id(1)], flavorsRemoved: [id(2)] }));
    const before = await store.events.lastSequence();
    expect(await store.commit(born(4, imaged))).to.deep.equal(rows.missing("image", id(1)));
    expect(await store.commit(born(4, sized))).to.deep.equal(rows.missing("flavor", id(2)));
    expect(await store.commit(born(4, { ...imaged, ...sized }))).to.deep.equal(rows.missing("image", id(1)));
    expect(await store.instances.get(id(4))).to.equal(undefined);
    expect(await store.operations.request(project, id(4))).to.equal(undefined);
    expect(await store.hosts.get(host)).to.include({ instances: 1 });
    expect(await store.events.lastSequence()).to.equal(before);
    expect((await store.commit(born(4, {}))).kind).to.equal("committed");
  });

  it("names the first of many new instances whose image or flavor is gone, and makes none of them", async () => {
    const [store, { id }] = [get(), names()];
    const of = (n: number, imageId: string, flavorId: string) => {
      const { image, flavor } = rows.instance("x");
      const made = { image: { ...image, id: imageId }, flavor: { ...flavor, id: flavorId } };
      return { expectedVersion: 0, row: rows.instance(id(n), made) };
    };
    const [image, flavor] = [rows.image.id, rows.flavor.id];
    const many = { instances: [of(1, image, flavor), of(2, id(7), flavor), of(3, id(6), flavor)] };
    expect(await store.commit(many)).to.deep.equal(rows.missing("image", id(7)));
    const sized = { instances: [of(1, image, flavor), of(2, image, id(9)), of(3, image, id(8))] };
    expect(await store.commit(sized)).to.deep.equal(rows.missing("flavor", id(9)));
    expect(await store.instances.get(id(1))).to.equal(undefined);
    const both = [store.commit({ instances: [of(1, image, flavor)] }), store.commit(many)];
    expect(await Promise.all(both)).to.deep.equal([
      { kind: "committed", lastSequence: 0 },
      rows.missing("image", id(7)),
    ]);
  });

  it("lets the instances of a flavor that was removed live on", async () => {
    const [store, { id }] = [get(), names()];
    const flavor = { ...rows.flavor, id: id(1), name: id(1) };
    const row = rows.instance(id(2), { flavor: { ...rows.instance("x").flavor, id: id(1) } });
    await store.commit(rowsOf({ flavors: [flavor] }));
    await store.commit(rows.changeTurn(row));
    expect((await store.commit(rowsOf({ flavorsRemoved: [id(1)] }))).kind).to.equal("committed");
    const started = rows.next(row, { startCount: 2 });
    expect((await store.commit(rows.changeTurn(started))).kind).to.equal("committed");
    expect((await store.commit(rows.changeTurn(rows.deleted(started, 1)))).kind).to.equal("committed");
  });

  it("makes an instance or removes its image, never both, whoever comes first", async () => {
    const [store, { id }] = [get(), names()];
    const other = await another();
    for (let n = 0; n < 20; n += 1) {
      const image = { ...rows.image, id: `${id(1)}-${n}`, name: `${id(1)}-${n}` };
      await store.commit(rowsOf({ images: [image] }));
      const row = rows.instance(`${id(2)}-${n}`, { image: { ...rows.instance("x").image, id: image.id } });
      const work = [
        () => store.commit(rows.changeTurn(row)),
        () => other.commit(rowsOf({ imagesRemoved: [image.id] })),
      ];
      const [made, removed] = n % 2 === 0 ? work : [...work].reverse();
      const kinds = (await Promise.all([made?.(), removed?.()])).map((result) => result?.kind);
      expect(kinds.filter((kind) => kind === "committed")).to.have.length(1);
      expect(kinds).to.include.oneOf(["missing", "inUse"]);
    }
  });
}
