/** What is remembered of flavors and images: the same as is said of them. Types only. */
import type { Flavor } from "../../protocol/flavor.ts";
import type { Image } from "../../protocol/image.ts";

export type FlavorRecord = Flavor;
export type ImageRecord = Image;
