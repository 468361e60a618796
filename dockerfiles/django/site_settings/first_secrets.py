"""Makes the secrets that don't exist yet in a folder, and leaves those that do alone.

    python -m site_settings.first_secrets /run/secrets [folder that others mount] ...

Nobody knows these values beforehand, and nobody has to: they are drawn on the first start and kept in a volume.
"""

import os
import secrets
import sys
from pathlib import Path

# Readable by the group as well: the database reads its password, but never the secret key of the app.
MODES = {"db_password": 0o440, "django_secret_key": 0o400}


def write_if_absent(file: Path, mode: int) -> bool:
    """True if it was made. Whole or not at all, and never over an existing one, even with two at work."""
    if file.exists():
        return False
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
            handle.write(secrets.token_urlsafe(48))
            handle.flush()
            os.fsync(handle.fileno())
        draft.chmod(mode)
        os.link(draft, file)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def make_secrets(folder: Path) -> None:
    for name, mode in MODES.items():
        made = write_if_absent(folder / name, mode)
        print(f"{name}: {'made' if made else 'kept'}")


def find_unreadable(folders: list[Path]) -> list[Path]:
    """What a container that isn't root can't read, because the checkout was made with a strict umask.

    Found before anything starts: a database whose first script can't be read is left half made.
    """
    entries = [entry for folder in folders for entry in (folder, *folder.rglob("*"))]
    return [entry for entry in entries if not os.access(entry, os.R_OK | (os.X_OK if entry.is_dir() else 0))]


def main(secrets_folder: str, *mounted: str) -> None:
    if unreadable := find_unreadable([Path(folder) for folder in mounted]):
        names = ", ".join(str(entry) for entry in unreadable)
        sys.exit(f"the containers can't read {names}. On the host, in compose/: chmod -R go+rX db nginx")
    make_secrets(Path(secrets_folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
