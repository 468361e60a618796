import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../lib/paths.ts";

export const read = (path: string): Promise<string> => readFile(join(root, path), "utf8");

/** The joined texts of all TypeScript files in the folders, or of the named files. */
export async function sources(...places: readonly string[]): Promise<string> {
  const paths = await Promise.all(places.map(listTypeScript));
  const texts = await Promise.all(paths.flat().map(read));
  return texts.join("\n");
}

async function listTypeScript(place: string): Promise<string[]> {
  if (place.endsWith(".ts")) return [place];
  const names = await readdir(join(root, place), { recursive: true });
  return names.filter((name) => name.endsWith(".ts")).map((name) => join(place, name));
}

/** Every page of the documentation: the root's and those in docs/. */
export async function pages(): Promise<string[]> {
  const folders = ["", "docs"];
  const names = await Promise.all(folders.map((folder) => readdir(join(root, folder))));
  return names.flatMap((list, index) =>
    list.filter((name) => name.endsWith(".md")).map((name) => join(folders[index] ?? "", name)),
  );
}

/** The distinct first groups of all matches, sorted. */
export function matches(text: string, expression: RegExp): string[] {
  const found = [...text.matchAll(expression)].map((match) => match[1] ?? "");
  return [...new Set(found)].toSorted();
}

/** The part of a page below one heading, up to the next of the same depth. */
export function section(page: string, heading: string): string {
  const [, after] = page.split(`\n## ${heading}\n`);
  if (after === undefined) throw new Error(`there is no "## ${heading}"`);
  return after.split(/\n## /)[0] ?? "";
}

/** The anchors of a page's headings, as GitHub names them. */
export function anchors(page: string): string[] {
  return matches(page, /^#+ (.*)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The parts of a section between empty lines, each on one line, without the headings. */
export const paragraphs = (text: string): string[] =>
  text
    .split(/\n{2,}/)
    .map((part) => part.trim().replaceAll("\n", " "))
    .filter((part) => part !== "" && !part.startsWith("#"))
    .slice(1);

/** The words that a reader sees: where a link leads isn't one of them. */
export const countWords = (page: string): number =>
  page
    .replaceAll(/\]\([^)]*\)/g, "]")
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
