/**
 * The contract of every implementation of the consoles port: positions are bytes since the guest's first byte
 * and never change, and no page cuts a character. The bench lets a guest print.
 */
import { expect } from "chai";
import type { Consoles } from "../../actors/ports/consoles.ts";

export interface ConsolesBench {
  readonly consoles: Consoles;
  /** Lets the guest print the text, after all that it has printed before. */
  print(instanceId: string, text: string): Promise<void>;
  close(): Promise<void>;
}

export function consolesContract(name: string, makeBench: () => Promise<ConsolesBench>): void {
  describe(`${name} keep the promises of the port for consoles`, () => {
    let bench: ConsolesBench;
    beforeEach(async () => {
      bench = await makeBench();
      await bench.print("a", "one\ntwo\nthree\n");
      await bench.print("b", "other\n");
    });
    afterEach(() => bench.close());

    const read = async (from: { offset?: number; tailLines?: number } = {}) => {
      const page = await bench.consoles.read("a", from);
      if (page === undefined) throw new Error("There is no log.");
      return page;
    };

    /** From a position to the end, as a client that follows does. */
    const readAll = async (offset: number) => {
      const texts: string[] = [];
      for (let at = offset; ; ) {
        const page = await read({ offset: at });
        expect(page.offset).to.equal(at);
        texts.push(page.text);
        at = page.nextOffset;
        if (!page.more) return { text: texts.join(""), end: at };
      }
    };

    it("answer nothing for a guest without a log, whatever its name is", async () => {
      for (const instanceId of ["nobody", "toString"])
        expect(await bench.consoles.read(instanceId, {})).to.equal(undefined);
    });

    it("read a guest's own log from its first byte, and say where the next page begins", async () => {
      expect(await read()).to.deep.equal({
        text: "one\ntwo\nthree\n",
        offset: 0,
        nextOffset: 14,
        more: false,
      });
      expect(await read({ offset: 4 })).to.include({ text: "two\nthree\n", offset: 4, nextOffset: 14 });
    });

    it("read the last lines", async () => {
      expect((await read({ tailLines: 2 })).text).to.equal("two\nthree\n");
      expect((await read({ tailLines: 99 })).text).to.equal("one\ntwo\nthree\n");
      expect(await read({ tailLines: 0 })).to.include({ text: "", nextOffset: 14 });
    });

    it("are empty at the end and beyond it, and go on when the guest does", async () => {
      for (const offset of [14, 99]) expect(await read({ offset })).to.include({ text: "", nextOffset: 14 });
      await bench.print("a", "four\n");
      expect(await read({ offset: 14 })).to.include({ text: "four\n", offset: 14, nextOffset: 19 });
    });

    it("join the pages of a long log without a gap, and cut no character", async () => {
      const line = `${"日本語 ünï ".repeat(8)}\n`;
      const more = line.repeat(2_000);
      await bench.print("a", more);
      const { text, end } = await readAll(0);
      expect(text === `one\ntwo\nthree\n${more}`).to.equal(true);
      expect(end).to.equal(14 + Buffer.byteLength(more));
    });

    it("keep every position when they are trimmed", async () => {
      const more = "0123456789abcde\n".repeat(300_000);
      await bench.print("a", more);
      const before = await read({ tailLines: 3 });
      await bench.consoles.trim();
      expect(await read({ tailLines: 3 })).to.deep.equal(before);
      const start = await read({ offset: 0 });
      expect(start.offset).to.be.greaterThan(0);
      expect(start.text.startsWith(more.slice((start.offset - 14) % 16, 16))).to.equal(true);
      const { end } = await readAll(start.offset);
      expect(end).to.equal(14 + more.length);
      expect((await bench.consoles.read("b", {}))?.text).to.equal("other\n");
    });
  });
}
