/** The records of flavors and images: their fields are those that the protocol shows. Types only. */
import type { Flavor } from "../../protocol/flavor.ts";
import type { Image } from "../../protocol/image.ts";

export type FlavorRecord = Flavor;
export type ImageRecord = Image;
