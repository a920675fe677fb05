/**
 * The messages as they are now and as released versions know them: processes of both must understand each
 * other. What a failure asks for is said in its sentence, and explained in
 * spec/decisions/0006-versions-side-by-side.md.
 */
import { readFileSync } from "node:fs";
import { type TSchema, Type } from "@sinclair/typebox";
import { expect } from "chai";
import { answer, Count, growing, lenient, literals, nullable, request } from "../../protocol/wire/schema.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";
import { allServices } from "../support/all-services.ts";
import { notes } from "../support/protocol-notes.ts";
import { type Change, changesSince, faults, type Kind } from "./compare.ts";
import { decided } from "./decided.ts";
import {
  parseSnapshot,
  readSnapshot,
  type Snapshot,
  snapshotFile,
  snapshotOf,
  snapshotText,
  snapshotVersions,
} from "./snapshot.ts";

const present = snapshotOf(allServices);

describe("the versions of the protocol", () => {
  it("there is a snapshot of the one before", () => {
    expect(snapshotVersions()).to.include(1);
  });

  for (const version of snapshotVersions()) {
    const before = readSnapshot(version);

    it(`version ${version} and this one understand each other`, () => {
      const open = faults(before, present).filter(
        (fault) => decided[fault.split(" ", 1).join("")] === undefined,
      );
      expect(open).to.deep.equal([]);
    });

    it(`what peers say since version ${version} has a meaning when it is absent`, () => {
      const silent = changesSince(before, present)
        .filter(({ kind, role }) => kind === "fieldAdded" && role === "peers")
        .filter(({ path }) => !hasMeaningWhenAbsent(path));
      const how = 'say "Absent: …" of it in spec/support/protocol-notes.ts';
      expect(
        silent.map(({ path }) => path),
        how,
      ).to.deep.equal([]);
    });

    it(`the snapshot of version ${version} is as it was written, and its schemas are sound`, () => {
      expect(snapshotText(before)).to.equal(readFileSync(snapshotFile(version), "utf8"));
      for (const { methods } of Object.values(before))
        for (const method of Object.values(methods)) {
          expect(validatorOf(method.request).accepts(5)).to.equal(false);
          expect(validatorOf(method.answer).accepts(5)).to.equal(false);
        }
    });
  }

  it("nothing is decided on that is no fault any more", () => {
    const found = snapshotVersions().flatMap((version) => faults(readSnapshot(version), present));
    const idle = Object.keys(decided).filter((path) => !found.some((fault) => fault.startsWith(`${path} `)));
    expect(idle).to.deep.equal([]);
  });

  it("a snapshot holds everything that the definitions say, and is read as it was written", () => {
    expect(parseSnapshot(snapshotText(present))).to.deep.equal(JSON.parse(JSON.stringify(present)));
  });
});

function hasMeaningWhenAbsent(path: string): boolean {
  const field = path.split(".").at(-1) ?? "";
  return Object.entries(notes).some(([key, note]) => key.endsWith(`.${field}`) && /\babsent\b/i.test(note));
}

/** One service of one method, as a snapshot. */
function made(asked: TSchema, answered: TSchema, peers: boolean, mutates = true): Snapshot {
  const method = { target: "entity", audience: "admin", mutates, request: asked, answer: answered } as const;
  return { noun: { version: "1.0.0", peers, methods: { do: method } } };
}

const none = request({});

/** What changed, and what of it parts the versions: asked by clients, answered to them, between peers. */
const table: readonly (readonly [
  what: string,
  TSchema,
  TSchema,
  Kind,
  string,
  readonly [boolean, boolean, boolean],
])[] = [
  [
    "an optional field came",
    none,
    request({ a: Type.Optional(Count) }),
    "fieldAdded",
    ".a",
    [true, true, true],
  ],
  ["a required field came", none, request({ a: Count }), "requiredAdded", ".a", [false, false, false]],
  ["a field went", request({ a: Type.Optional(Count) }), none, "fieldRemoved", ".a", [false, false, false]],
  [
    ...(["a field must be there", request({ a: Type.Optional(Count) }), request({ a: Count })] as const),
    ...(["becameRequired", ".a", [false, false, false]] as const),
  ],
  [
    ...(["a field may be absent", request({ a: Count }), request({ a: Type.Optional(Count) })] as const),
    ...(["becameOptional", ".a", [true, false, false]] as const),
  ],
  [
    ...(["another type", request({ a: Count }), request({ a: Type.String() })] as const),
    ...(["narrowed", ".a", [false, false, false]] as const),
  ],
  [
    ...(["a lower bound", list(Type.Integer({ maximum: 9 })), list(Type.Integer({ maximum: 8 }))] as const),
    ...(["narrowed", ".a[]", [false, false, false]] as const),
  ],
  [
    ...(["a higher bound", list(Type.Integer({ maximum: 9 })), list(Type.Integer())] as const),
    ...(["widened", ".a[]", [true, false, false]] as const),
  ],
  [
    ...(["another pattern", map(Type.String({ pattern: "a" })), map(Type.String({ pattern: "b" }))] as const),
    ...(["narrowed", ".a{}", [false, false, false]] as const),
  ],
  [
    ...(["null may be", request({ a: Count }), request({ a: nullable(Count) })] as const),
    ...(["widened", ".a", [true, false, false]] as const),
  ],
  [
    ...(["null may not be", request({ a: nullable(Count) }), request({ a: Count })] as const),
    ...(["narrowed", ".a", [false, false, false]] as const),
  ],
  [
    ...(["a field inside null or a map", deep(answer({})), deep(answer({ b: Count }))] as const),
    ...(["requiredAdded", ".a.b", [false, false, false]] as const),
  ],
  [
    ...(["a word went", list(literals(["x", "y"])), list(literals(["x"]))] as const),
    ...(["valueRemoved", ".a[]=y", [false, false, false]] as const),
  ],
  [
    ...(["a word came", list(literals(["x"])), list(literals(["x", "y"]))] as const),
    ...(["valueAdded", ".a[]=y", [true, true, false]] as const),
  ],
  [
    ...([
      "a word came to a list that may grow",
      list(growing(["x"], "x")),
      list(growing(["x", "y"], "x")),
    ] as const),
    ...(["tolerantValueAdded", ".a[]=y", [true, true, true]] as const),
  ],
  [
    ...(["a word came in a lenient list", patient(literals(["x"])), patient(literals(["x", "y"]))] as const),
    ...(["tolerantValueAdded", ".a[].b=y", [true, true, true]] as const),
  ],
];

function list(items: TSchema): TSchema {
  return request({ a: Type.Array(items) });
}

function map(values: TSchema): TSchema {
  return request({ a: Type.Record(Type.String(), values) });
}

function deep(inner: TSchema): TSchema {
  return request({ a: nullable(inner) });
}

function patient(word: TSchema): TSchema {
  return request({ a: lenient(answer({ b: word })) });
}

describe("a change of the messages", () => {
  for (const [what, before, after, kind, path, fine] of table)
    it(`${what}: ${kind}, ${fine.map((one) => (one ? "fine" : "a fault")).join(", ")}`, () => {
      const tries = [
        [made(before, none, false), made(after, none, false), "request"],
        [made(none, before, false), made(none, after, false), "answer"],
        [made(before, none, true), made(after, none, true), "request"],
      ] as const;
      tries.forEach(([then, now, part], index) => {
        const kinds = changesSince(then, now).map((change: Change) => `${change.path} ${change.kind}`);
        expect(kinds).to.deep.equal([`noun.do.${part}${path} ${kind}`]);
        expect(faults(then, now)).to.have.length(fine[index] ? 0 : 1);
      });
    });

  it("of a method itself is a fault, and says what to do", () => {
    const before = made(none, none, false);
    expect(faults(before, made(none, none, false, false))).to.deep.equal([
      "noun.do (methodChanged): Target, audience and mutates are what a method is. Give the new one another name.",
    ]);
    expect(faults(before, {})).to.deep.equal([
      "noun.do (methodRemoved): The previous version still calls it. Keep it as long as that version is supported.",
    ]);
    expect(faults({}, before)).to.deep.equal([]);
  });
});
