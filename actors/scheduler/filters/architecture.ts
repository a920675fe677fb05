/** Passes hosts whose processors run the image's instructions. */
import type { Filter } from "./filter.ts";

export const architecture: Filter = {
  name: "architecture",
  check: (host, request) =>
    host.architecture === request.image.architecture ||
    (() => `the image is for ${request.image.architecture}, the host is ${host.architecture}`),
};
