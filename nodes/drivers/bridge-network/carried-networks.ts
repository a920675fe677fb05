/** The networks of a picture that this driver carries. Pure. */
import type { HostNetworking, NetworkPicture } from "../../../protocol/networking.ts";
import { clashing } from "./device-names.ts";

/** Of two networks that come to one name, one is closed; those of the operator's own are not its to carry. */
export function carriedNetworks(networking: HostNetworking | null): readonly NetworkPicture[] {
  const networks = networking?.networks ?? [];
  const late = clashing(networks.map(({ id }) => id));
  return networks.filter(({ id, physicalNetwork }) => !late.has(id) && physicalNetwork === undefined);
}
