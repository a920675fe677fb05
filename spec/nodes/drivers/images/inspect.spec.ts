/** What QEMU's tool says of an image of unknown origin, judged by value. */
import { expect } from "chai";
import { virtualSizeOf } from "../../../../nodes/drivers/images/inspect.ts";

describe("qemu-img's answer", () => {
  const answer = (more: object, data: object = {}) =>
    JSON.stringify({
      ...{ format: "qcow2", "virtual-size": 512, "format-specific": { type: "qcow2", data } },
      ...more,
    });

  it("tells the virtual size", () => {
    expect(virtualSizeOf(answer({}))).to.equal(512);
  });

  const refused: readonly [string, string][] = [
    ["another format", answer({ format: "raw" })],
    ["a backing file", answer({ "backing-filename": "/etc/shadow" })],
    ["a full backing file", answer({ "full-backing-filename": "/etc/shadow" })],
    ["a data file", answer({}, { "data-file": "/etc/shadow" })],
    ["encryption", answer({ encrypted: true })],
    ["an encryption format", answer({}, { encrypt: { format: "luks" } })],
    ["damage", answer({}, { corrupt: true })],
    ["no size", answer({ "virtual-size": "many" })],
    ["no JSON", "qemu-img: error"],
    ["JSON that is no object", "[]"],
  ];
  for (const [name, output] of refused) {
    it(`with ${name} is refused`, () => {
      expect(() => virtualSizeOf(output))
        .to.throw()
        .with.property("reason", "unusableImage");
    });
  }
});
