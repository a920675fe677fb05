/** The parts that the kernel refuses are told apart from those that it takes. */
import { expect } from "chai";
import fc from "fast-check";
import { refusedParts } from "../../../../nodes/drivers/bridge-network/refused-parts.ts";

const kernel = (bad: readonly number[]) => {
  const asked: (readonly number[])[] = [];
  const trial = async (parts: readonly number[]) => {
    asked.push(parts);
    const found = parts.filter((part) => bad.includes(part));
    return found.length === 0 ? undefined : `no ${found.join()}`;
  };
  return { asked, trial };
};
const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

describe("parts that the kernel refuses", () => {
  it("are found among those that it takes, whichever they are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.array(fc.nat(59)), async (count, some) => {
        const bad = [...new Set(some)].filter((one) => one < count);
        const { trial } = kernel(bad);
        const refused = await refusedParts(numbers(count), trial, 1_000);
        expect(refused).to.deep.equal(new Map(bad.map((one) => [one, `no ${one}`])));
      }),
    );
  });

  it("are few, and so are the questions about a thousand", async () => {
    const { trial, asked } = kernel([700]);
    expect([...(await refusedParts(numbers(1_000), trial, 64)).keys()]).to.deep.equal([700]);
    expect(asked.length).to.be.lessThan(24);
  });

  it("are told apart no further after so many questions: what is left is refused, and what was taken is not", async () => {
    const { trial, asked } = kernel([0, 1, 2, 3]);
    const refused = await refusedParts(numbers(8), trial, 3);
    expect(asked.length).to.equal(3);
    expect([...refused.keys()]).to.deep.equal([0, 1, 2, 3]);
  });
});
