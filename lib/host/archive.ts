import { gzipSync } from "fflate";

export interface ArchivedFile {
  /** Absolute path on the host, at most 99 characters. */
  readonly path: string;
  readonly text: string;
  readonly executable: boolean;
}

const block = 512;

/** Makes a tar archive (ustar) of files owned by root, to be unpacked at `/`. Equal files give equal bytes. */
export function archive(files: readonly ArchivedFile[]): Uint8Array {
  const end = Buffer.alloc(2 * block);
  return Buffer.concat([...files.flatMap((file) => [header(file), body(file)]), end]);
}

/** A gzipped archive, as small as can be or made as fast as can be. Equal files give identical bytes on every computer. */
export const packed = (files: readonly ArchivedFile[], aim: "small" | "fast"): Uint8Array =>
  // Not node:zlib: its output for equal input differs between versions of Node and between processors.
  gzipSync(archive(files), { level: aim === "small" ? 9 : 0, mtime: 0 });

function body(file: ArchivedFile): Buffer {
  const bytes = Buffer.from(file.text);
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (block - 1))]);
}

function header(file: ArchivedFile): Buffer {
  const head = Buffer.alloc(block);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  head.write(file.path.slice(1), 0);
  head.write(octal(file.executable ? 0o755 : 0o644, 7), 100);
  head.write(octal(0, 7) + octal(0, 7), 108);
  head.write(octal(Buffer.byteLength(file.text), 11) + octal(0, 11), 124);
  // The checksum is computed with its own field filled with spaces.
  head.write("        0", 148);
  head.write("ustar\x0000", 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${octal(sum, 6)} `, 148);
  return head;
}
