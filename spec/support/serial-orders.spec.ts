/** The orders that several writers leave open. */
import { expect } from "chai";
import { serialOrders } from "./serial-orders.ts";

const orders = (history: readonly (readonly (readonly string[])[])[]) =>
  [...serialOrders(history)].map((order) => order.join(""));

describe("serial orders", () => {
  it("keep the waves of a writer, and leave the rest open", () => {
    expect(orders([[["a"], ["b"]], [["c"]]])).to.have.members(["abc", "acb", "cab"]);
    expect(orders([[["a", "b"], ["c"]]])).to.have.members(["abc", "bac"]);
  });

  it("are as many as there are ways to go", () => {
    const writer = (name: string) => [[`${name}1`, `${name}2`], [`${name}3`]];
    expect(new Set(orders([writer("a"), writer("b")])).size).to.equal(80);
    expect(orders([])).to.deep.equal([""]);
  });
});
