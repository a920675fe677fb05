/** What is shown of images that are shared, when they are shared no more between two reads. By value. */
import { expect } from "chai";
import { shownTo } from "../../../../actors/control/catalog/image-members.ts";

type Rows = Parameters<typeof shownTo>[2];
type Asked = Parameters<typeof shownTo>[1];
type ImageRow = Parameters<typeof shownTo>[0][number];

/** The fields that are read alone. */
const whole = <T>(some: object): T => some as T;

const image = (id: string, project: string, visibility: string) =>
  whole<ImageRow>({ id, project, visibility, name: id, createdAtMs: 1, version: 1 });

describe("images as they are shown", () => {
  const rowsOf = (...members: readonly object[]) => whole<Rows>({ list: async () => members });
  const asked = whole<Asked>({ context: { project: "demo" }, listed: true });
  const all = [
    image("own", "demo", "shared"),
    image("public", "other", "public"),
    image("theirs", "other", "shared"),
  ];

  it("have what the project said to those that are shared with it", async () => {
    const shown = await shownTo(all, asked, rowsOf({ imageId: "theirs", name: "demo", status: "pending" }));
    expect(shown.map(({ id, memberStatus }) => [id, memberStatus])).to.deep.equal([
      ["own", undefined],
      ["public", undefined],
      ["theirs", "pending"],
    ]);
  });

  it("are without one of another project that is shared with it no more", async () => {
    const shown = await shownTo(all, asked, rowsOf());
    expect(shown.map(({ id }) => id)).to.deep.equal(["own", "public"]);
  });
});
