export interface ReadFile {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

/** The files of a plain tar archive, read by the format's definition, independently of the code that writes it. */
export function readTar(bytes: Buffer): ReadFile[] {
  const files: ReadFile[] = [];
  for (let at = 0; bytes[at] !== 0 && at < bytes.length;) {
    const field = (start: number, length: number) =>
      bytes
        .toString("latin1", at + start, at + start + length)
        .split("\0", 1)
        .join();
    const size = Number.parseInt(field(124, 12), 8);
    const text = bytes.toString("utf8", at + 512, at + 512 + size);
    files.push({ path: field(0, 100), mode: Number.parseInt(field(100, 8), 8), text });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
