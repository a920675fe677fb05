/** Headers as NATS brings them: each may be there several times, under several spellings. */
import { expect } from "chai";
import { headers as createHeaders } from "#nats";
import { doubledIn } from "../../../nodes/bus/messages.ts";

const ours = ["Novact-Request-Id", "Novact-Timeout-Ms"];

type Pair = readonly [name: string, value: string];

function headers(...pairs: readonly Pair[]) {
  const made = createHeaders();
  for (const [name, value] of pairs) made.append(name, value);
  return made;
}

describe("headers that are there twice", () => {
  it("are unclear when they are ours and say different things, however they are spelt", () => {
    const doubled = (...pairs: readonly Pair[]) => doubledIn(headers(...pairs), ours);
    expect(doubled(["Novact-Timeout-Ms", "5000"], ["Novact-Timeout-Ms", "-1"])).to.equal("Novact-Timeout-Ms");
    expect(doubled(["Novact-Request-Id", "a"], ["novact-request-id", "b"])).to.equal("Novact-Request-Id");
    expect(doubled(["Novact-Request-Id", "a"], ["novact-request-id", "a"])).to.equal(undefined);
    expect(doubled(["Novact-Request-Id", "a"], ["Novact-Request-Id", "a"])).to.equal(undefined);
    expect(doubled(["traceparent", "a"], ["traceparent", "b"], ["Other", "1"], ["Other", "2"])).to.equal(
      undefined,
    );
    expect(doubledIn(undefined, ours)).to.equal(undefined);
  });
});
