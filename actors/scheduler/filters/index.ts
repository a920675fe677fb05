/** The filters there are. A new one is a file beside this one and a line in this list. */
import { alive } from "./alive.ts";
import { architecture } from "./architecture.ts";
import { cpu } from "./cpu.ts";
import { disk } from "./disk.ts";
import { enabled } from "./enabled.ts";
import { excluded } from "./excluded.ts";
import type { Filter } from "./filter.ts";
import { image } from "./image.ts";
import { ram } from "./ram.ts";

/** In the order in which they are asked: those first that refuse cheaply and often. */
export const filters: readonly Filter[] = [enabled, alive, ram, cpu, disk, architecture, image, excluded];
