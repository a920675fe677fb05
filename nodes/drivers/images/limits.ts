/** Limits of image files, which come from outside. They are never configured. */
export const imageLimits = {
  /** One file of an image. */
  imageBytesMax: 256 * 1024 ** 3,
  /** Time and address space of the tool that inspects an image file of unknown origin. */
  imageInspectTimeoutMs: 20_000,
  imageInspectMemoryBytesMax: 1024 ** 3,
} as const;
