import type { MachineShell } from "./machine-shell.ts";

/**
 * Runs Python programs in a container of the engine inside a machine, with as few privileges as Berth gives to an app.
 * The image is made from the machine's own Python, so nothing has to be pulled.
 */
export async function openContainedPython(run: MachineShell): Promise<(program: string) => Promise<string>> {
  await run(`systemctl start docker
    docker image inspect contained >/dev/null 2>&1 && exit
    mkdir -p /run/contained && cd /run/contained
    modules=$(echo /usr/lib/python3.*/lib-dynload/_ctypes.*.so)
    libraries=$(ldd /usr/bin/python3 $modules | grep -o '/lib[^ :]*' | sort -u)
    cp -L --parents /usr/bin/python3 $libraries . && cp -r --parents /usr/lib/python3.* .
    tar --create --exclude=__pycache__ . | docker import - contained >/dev/null
    rm -r /run/contained`);
  const limits =
    "--user 65532:65532 --read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 512";
  return (program) => {
    const encoded = Buffer.from(program).toString("base64");
    const start = `import base64; exec(base64.b64decode("${encoded}"))`;
    return run(`docker run --rm ${limits} contained /usr/bin/python3 -c '${start}'`);
  };
}
