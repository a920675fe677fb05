/**
 * What the guests of a switch's ports are told, at the moment when one asks: addresses from the applied
 * picture, and the rest from the file of the port. A port of which picture and plug say different things is
 * told nothing.
 */
import type { Told } from "../../../actors/node/guest-data/documents.ts";
import { toldPorts } from "../../../actors/node/guest-data/told-ports.ts";
import type { NetworkPicture } from "../../../protocol/networking.ts";
import { readToldFile, toldOf } from "../../metadata/told-file.ts";
import type { SwitchPlug, SwitchState } from "../state.ts";

export class ToldGuests {
  #plugs: ReadonlyMap<string, SwitchPlug> = new Map();
  #networks: readonly NetworkPicture[] = [];

  /** The state that is applied. */
  apply({ plugs, networking }: SwitchState): void {
    this.#plugs = new Map(plugs.map((plug) => [plug.portId, plug]));
    this.#networks = networking?.networks ?? [];
  }

  /** Undefined: nothing. */
  async of(portId: string): Promise<Told | undefined> {
    const plug = this.#plugs.get(portId);
    if (plug?.toldPath === undefined) return undefined;
    const said = await readToldFile(plug.toldPath, plug.instanceId);
    // Meanwhile another guest may have the port.
    if (said === undefined || this.#plugs.get(portId)?.instanceId !== said.instanceId) return undefined;
    return toldOf(said, toldPorts(said.portIds, this.#networksOf(said.instanceId)));
  }

  #networksOf(instanceId: string): readonly NetworkPicture[] {
    return this.#networks.map((network) => ({
      ...network,
      ports: network.ports.filter((port) => port.instanceId === instanceId),
    }));
  }
}
