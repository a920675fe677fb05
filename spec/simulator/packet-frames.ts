/** The frames of simulated packets: honest ones, and one of each forged kind. Pure. */
import type { PacketFact } from "../../actors/promises/network-facts.ts";
import { sealed } from "../support/forged-frames.ts";
import {
  arpFrame,
  discovery,
  type Ends,
  ethernet,
  icmp,
  ip4Frame,
  ip6Frame,
  udp,
} from "../support/frames.ts";

interface End {
  readonly mac: string;
  readonly address: string;
}

/** `ports`: source and destination, of UDP. */
export const frameOf = (from: End, to: End, given: Given): Buffer => sealed(unsealed(from, to, given));

type Given = Pick<PacketFact, "forged"> & { readonly ports: readonly [number, number] };

function unsealed(from: End, to: End, { forged, ports }: Given): Buffer {
  const ends = {
    ...{ sourceMac: from.mac, destinationMac: to.mac, source: from.address, destination: to.address },
  };
  return from.address.includes(":") ? ofSix(ends, forged, ports) : ofFour(ends, forged, ports);
}

const another = "52:54:00:ff:ff:fe";

function ofSix(ends: Ends, forged: Given["forged"], ports: Given["ports"]): Buffer {
  const plain = udp(ports[0], ports[1]);
  switch (forged) {
    case "mac":
      return ip6Frame({ ...ends, sourceMac: another }, 17, plain);
    case "address":
      return ip6Frame({ ...ends, source: "fd00:ffff::77" }, 17, plain);
    case "arp":
      return ip6Frame(ends, 58, discovery(136, ends.destination), 255);
    case "dhcpServer":
      return ip6Frame(ends, 17, udp(547, 546));
    case "router":
      return ip6Frame({ ...ends, source: "fe80::1", destination: "ff02::1" }, 58, discovery(134, "::"), 255);
    case "vlan":
      return ethernet(ends, 0x8100, Buffer.concat([Buffer.from([0, 1, 0x86, 0xdd]), icmp(128, 0)]));
    default:
      return ip6Frame(ends, 17, plain);
  }
}

function ofFour(ends: Ends, forged: Given["forged"], ports: Given["ports"]): Buffer {
  const plain = udp(ports[0], ports[1]);
  const { sourceMac: senderMac, source: target, destination: sender } = ends;
  switch (forged) {
    case "mac":
      return ip4Frame({ ...ends, sourceMac: another }, 17, plain);
    case "address":
      return ip4Frame({ ...ends, source: "192.0.2.77" }, 17, plain);
    case "arp":
      return arpFrame({ operation: 2, senderMac, sender, target });
    case "dhcpServer":
      return ip4Frame(ends, 17, udp(67, 68));
    case "router":
      return ip6Frame({ ...ends, source: "fe80::1", destination: "ff02::1" }, 58, discovery(134, "::"), 255);
    case "vlan":
      return ethernet(ends, 0x8100, Buffer.concat([Buffer.from([0, 1, 8, 0]), icmp(8, 0)]));
    default:
      return ip4Frame(ends, 17, plain);
  }
}
