/** What `novact host show` says of images that hosts give to each other, by value. */
import { expect } from "chai";
import { imageFacts } from "../../../nodes/cli/nouns/host-images.ts";
import type { Host } from "../../../protocol/host.ts";

const mib = 1024 ** 2;
const host = (imagePeer?: Host["imagePeer"]) => ({ imagePeer }) as Host;

describe("the images of a host, for people", () => {
  it("are told with where they came from and what was sent, and wrong ones only where there are any", () => {
    expect(imageFacts(host())).to.deep.equal([]);
    const said = { sentBytes: 3 * mib, fromPeersBytes: 2 * mib, fromControllersBytes: 5 * mib, lies: 0 };
    const has = ["0123456789abcdef"];
    expect(imageFacts(host({ has, sending: 0, ...said }))).to.deep.equal([
      ["has", "1 image"],
      ["images brought", "5 MiB from controllers, 2 MiB from hosts; 3 MiB sent to hosts"],
    ]);
    const many = Array.from({ length: 32 }, () => "0123456789abcdef");
    const [first, , third] = imageFacts(host({ has: many, sending: 2, ...said, lies: 1 }));
    expect(first).to.deep.equal(["has", "32 images or more, 2 on their way to other hosts"]);
    expect(third?.[0]).to.equal("wrong images");
  });
});
