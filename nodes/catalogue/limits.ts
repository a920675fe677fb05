/** Limits of catalogues of images, whose answers come from outside. They are never configured. */
export const catalogueLimits = {
  /** One index or list of checksums. Source: cloud-images.ubuntu.com's daily list has some 10 MiB. */
  indexBytesMax: 32 * 1024 ** 2,
  /** Product files that an index of simplestreams names. */
  productFilesMax: 20,
  /** Images of one source; what comes after them is left out, and said. */
  entriesPerSourceMax: 5_000,
  /** Lines of a list of checksums. */
  sumLinesMax: 20_000,
  /** Length of a path in a source, and of a name or a version. */
  sourcePathLengthMax: 512,
  wordLengthMax: 100,
  /** Other names of one image. */
  entryAliasesMax: 20,
  /** One file of an image, as controllers take it. */
  fetchedBytesMax: 256 * 1024 ** 3,
  redirectsMax: 5,
  /** Time for a server to begin its answer, and between two pieces of it. */
  silenceMsMax: 30_000,
  /** Time for a whole index. */
  indexMsMax: 120_000,
  /** Requests for the rest of one file, each of which must have brought bytes. */
  resumesMax: 20,
} as const;
