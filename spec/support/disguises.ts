/** Beginnings of files that are, or nearly are, the text by which QEMU knows a VMDK's descriptor. */
export const disguises: readonly { readonly name: string; readonly text: string; readonly vmdk: boolean }[] =
  [
    { name: "the usual first line", text: "# Disk DescriptorFile\nversion=1\n", vmdk: true },
    { name: "another comment before the version", text: "# x\nversion=1\n", vmdk: true },
    { name: "several comments", text: "#\n# y\nversion=2\n", vmdk: true },
    { name: "the version alone", text: "version=3\nCID=fffffffe\n", vmdk: true },
    { name: "ends of lines as on Windows", text: "# x\r\nversion=1\r\n", vmdk: true },
    { name: "lines of spaces", text: "  \n# x\n   \nversion=1\n", vmdk: true },
    { name: "a line of spaces as on Windows", text: "  \r\nversion=1\n", vmdk: true },
    { name: "a version that there is not", text: "# x\nversion=4\n", vmdk: false },
    { name: "a word before the version", text: "# x\nvers\nversion=1\n", vmdk: false },
    { name: "a version behind spaces", text: "  version=1\n", vmdk: false },
    { name: "an empty line before the version", text: "# x\n\nversion=1\n", vmdk: false },
  ];
