import { asList, asTable, asText } from "../resolved-file.ts";

/** Publishes each port on loopback only, at a free port that the engine chooses. */
export const rewritePorts = (ports: unknown): readonly string[] => [
  ...new Set(readPorts(ports).map(({ target, protocol }) => `127.0.0.1::${target}/${protocol}`)),
];

export interface Port {
  readonly target: number;
  readonly protocol: string;
}

/** The container port of each published port. Version 1 may leave ports as written: `127.0.0.1:8000-8002:80-82/tcp`. */
export const readPorts = (ports: unknown): readonly Port[] =>
  asList(ports).flatMap((entry) => {
    const short = asText(entry);
    if (short === undefined) {
      const { target, protocol } = asTable(entry);
      return [{ target: Number(target), protocol: asText(protocol) ?? "tcp" }];
    }
    const [numbers = "", protocol = "tcp"] = short.split("/");
    const [first = 0, last = first] = (numbers.split(":").at(-1) ?? "").split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => ({ target: first + at, protocol }));
  });
