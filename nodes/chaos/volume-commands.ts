/** What the load of chaos asks of volumes: words only, for scenarios as well. */
export const volumeCommands = [
  "volumeCreate",
  "volumeAttach",
  "volumeDetach",
  "volumeExtend",
  "volumeDelete",
] as const;
export type VolumeCommand = (typeof volumeCommands)[number];
