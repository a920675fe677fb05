/** What waits for a guest that does not read: how much of it is of whom. By value, without a real socket. */
import { expect } from "chai";
import { lengthBytes } from "../../../nodes/switch/frames/stream.ts";
import { switchLimits } from "../../../nodes/switch/limits.ts";
import { OutQueue } from "../../../nodes/switch/out-queue.ts";

const most = switchLimits.queueBytesMax;
const frame = Buffer.alloc(1_400);
const frameBytes = frame.length + lengthBytes;

/** A guest that reads only when it is told to. */
class SlowGuest {
  writableLength = 0;

  write(bytes: Buffer): boolean {
    this.writableLength += bytes.length;
    return false;
  }
}

const queueTo = (guest: SlowGuest): OutQueue => new OutQueue(guest);

/** Bytes that the sender gets in before there is no room for it. */
function pushAll(queue: OutQueue, sender: string): number {
  let pushed = 0;
  while (pushed <= most && queue.push(frame, sender)) pushed += frameBytes;
  queue.flush();
  return pushed;
}

describe("what waits for one guest", () => {
  it("is of each sender at most half of what the others have left, so that another finds room", () => {
    const queue = queueTo(new SlowGuest());
    const shares = ["first", "second", "third", "fourth"].map((sender) => pushAll(queue, sender) / most);
    shares.forEach((share, at) => {
      expect(share, `${at}`).to.be.closeTo(0.5 ** (at + 1), 2 * (frameBytes / most));
    });
    expect(queue.push(frame, "victim")).to.equal(true);
  });

  it("is not more than the room, whoever sends", () => {
    const guest = new SlowGuest();
    const queue = queueTo(guest);
    for (let sender = 0; sender < 1_000; sender += 1) pushAll(queue, String(sender));
    expect(guest.writableLength).to.be.at.most(most);
  });

  it("leaves room for those who send little as long as the guest reads slowly", () => {
    const guest = new SlowGuest();
    const queue = queueTo(guest);
    const refused: number[] = [];
    for (let round = 0; round < 200; round += 1) {
      for (const sender of ["one", "two", "three"]) pushAll(queue, sender);
      if (round % 4 === 0 && !queue.push(frame, "victim")) refused.push(round);
      queue.flush();
      guest.writableLength = Math.max(1, guest.writableLength - 4 * frameBytes);
    }
    expect(refused).to.deep.equal([]);
  });

  it("is all forgotten when nothing waits any more", () => {
    const guest = new SlowGuest();
    const queue = queueTo(guest);
    const first = pushAll(queue, "one");
    guest.writableLength = 0;
    expect(pushAll(queue, "one")).to.equal(first);
  });
});
