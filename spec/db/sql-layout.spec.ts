/** Texts of SQL as words and as lines: what makes two of them the same, and what makes them differ. */
import { expect } from "chai";
import { layOut } from "../../db/postgres/sql-layout.ts";
import { sqlTokens } from "../../db/postgres/sql-tokens.ts";

const body = `declare
  n bigint;
begin
  if turn ? 'a' then -- a comment; with 'signs'
    select "count" into n from host h where h."hostId" = 'it''s' and (n > 1 or case when n = 2 then true else false end);
  elsif n is null then
    raise exception using errcode = 'NV001';
  else
    for i in 0 .. 3 loop
      begin
        n := n::int + i;
      exception
        when others then n := 0;
      end;
    end loop;
  end if;
  return n;
end`;

describe("the layout of SQL", () => {
  it("has one clause a line, as deep as what it stands in", () => {
    expect(layOut(body).split("\n")).to.deep.equal([
      "declare",
      "  n bigint;",
      "begin",
      "  if turn ? 'a' then",
      "    select count into n",
      "      from host h",
      `      where h."hostId" = 'it''s'`,
      "      and (n > 1",
      "        or case when n = 2 then true else false end);",
      "  elsif n is null then",
      "    raise exception using errcode = 'NV001';",
      "  else",
      "    for i in 0 .. 3 loop",
      "      begin",
      "        n := n::int + i;",
      "      exception",
      "        when others then",
      "          n := 0;",
      "      end;",
      "    end loop;",
      "  end if;",
      "  return n;",
      "end",
    ]);
  });

  it("does not depend on line breaks, indentation, comments or needless quotes", () => {
    const other = body
      .replace(/--.*/, "")
      .replaceAll(/\n */g, "\n\n ")
      .replace('"count"', "count /* of hosts */");
    expect(sqlTokens(other)).to.deep.equal(sqlTokens(body));
    expect(layOut(other)).to.equal(layOut(body));
  });

  it("differs when one word differs, in quotes too", () => {
    for (const [before, after] of [
      ["'it''s'", "'it''S'"],
      ['"hostId"', '"hostid"'],
      ["n > 1", "n >= 1"],
      ["0 .. 3", "0 .. 4"],
    ] as const)
      expect(layOut(body.replace(before, after))).not.to.equal(layOut(body));
  });

  it("keeps to its width", () => {
    const long = `begin select ${Array.from({ length: 60 }, (_, n) => `a${n}`).join(", ")}; end`;
    expect(
      layOut(long)
        .split("\n")
        .every((line) => line.length <= 110),
    ).to.equal(true);
    expect(sqlTokens(layOut(long))).to.deep.equal(sqlTokens(long));
  });

  it("refuses what is no SQL", () => {
    expect(() => sqlTokens("select 'open")).to.throw("This is no word of SQL: 'open");
  });
});
