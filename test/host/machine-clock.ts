import type { MachineShell } from "../local/machine-shell.ts";

/** Both parts of the host that know the time: the converger, and what looks after the certificate. */
const units = ["berth", "berth-certificate"];

/**
 * Sets the clock of the host's programs by an offset such as "-5m". A machine has no clock of its own to set, so libfaketime
 * tells them another time. The converger starts anew.
 */
export async function setClock(run: MachineShell, offset: string): Promise<void> {
  await run(`
    ls /usr/lib/*/faketime/libfaketime.so.1 > /dev/null 2>&1 || {
      apt-get -qq -o DPkg::Lock::Timeout=300 update
      apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends libfaketime > /dev/null
    }
    # What runs already ends with the time that it began with.
    systemctl stop berth.service
    systemctl start berth-certificate.service
    for unit in ${units.join(" ")}; do
      mkdir -p /etc/systemd/system/$unit.service.d
      {
        echo '[Service]'
        printf 'Environment=%s\\n' "LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketime.so.1)" \\
          "FAKETIME=${offset}" FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
      } > /etc/systemd/system/$unit.service.d/clock.conf
    done
    systemctl daemon-reload
    systemctl start berth.service`);
}
