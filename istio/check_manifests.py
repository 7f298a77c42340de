"""Check Istio manifests before `kubectl apply`: unknown fields, keys that cannot verify, policies that leave a gap.

FILES are checked together, as they would be applied: what one refers to must be in another. ConfigMaps and kustomize's
.properties may be among them: issuer, audience, keys and hosts are then compared with the manifests. Without FILES
these are all manifests beside this script, the keys made there, and the settings of the production overlay.
Exit codes: 0 nothing found, 1 something found, 2 usage.
"""

from pathlib import Path
from typing import Annotated

import typer

from keytool.checks import check

HERE = Path(__file__).parent
BESIDE = (
    HERE / "keys" / "jwks-configmap.yaml",
    HERE.parent / "deploy" / "overlays" / "production" / "settings.properties",
)


def main(files: Annotated[list[Path] | None, typer.Argument(show_default=False)] = None) -> None:
    chosen = files or [*sorted(HERE.glob("*.yaml")), *(file for file in BESIDE if file.exists())]
    findings = check(_shown(file) for file in chosen)
    for finding in findings:
        typer.echo(str(finding), err=True)
    if findings:
        typer.echo(f"{len(findings)} found in {len(chosen)} files: nothing of it should be applied.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{len(chosen)} files: nothing found.")


def _shown(file: Path) -> Path:
    """As short as it can be said from here."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_absolute() and file.is_relative_to(here) else file


if __name__ == "__main__":
    main.__doc__ = __doc__
    typer.run(main)
