"""Whether an artifact fits here: verdicts, each with the sentence that says so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from diptych.artifact.errors import IncompatibleArtifactError
from diptych.artifact.manifest import ArtifactManifest
from diptych.schema.base import Schema

Weight = Literal["refuse", "stale"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is different between an artifact and what is here."""

    weight: Weight
    """`refuse`: it cannot be installed. `stale`: it can, and has to be brought up to date by an index run."""
    message: str
    advice: str = ""


def judge(
    manifest: ArtifactManifest,
    schema: Schema[Any],
    *,
    repo_id: str = "",
    indexer: Mapping[str, str] | None = None,
) -> list[Verdict]:
    """What is different, the grave first. `repo_id` and `indexer` are those here, where they are known."""
    verdicts = []
    of = manifest.store
    known = of.schema_version == schema.version or of.schema_version in schema.older_versions
    if of.schema != schema.name or not known or of.fingerprint != schema.fingerprint(of.schema_version):
        verdicts.append(
            Verdict(
                "refuse",
                f"the artifact is made for schema {of.schema!r} version {of.schema_version}, and this is"
                f" {schema.name!r} version {schema.version}",
                "upgrade Diptych, or build the index here with `diptych index`",
            )
        )
    theirs = manifest.source.repo_id
    if repo_id and theirs and repo_id != theirs:
        verdicts.append(
            Verdict(
                "refuse",
                "the artifact is of another repository",
                "name the remote of this one; `diptych artifact pull --allow-other-repo` installs it",
            )
        )
    if indexer is not None and dict(manifest.indexer) != dict(indexer):
        names = sorted(
            name for name in {*manifest.indexer, *indexer} if manifest.indexer.get(name) != indexer.get(name)
        )
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        verdicts.append(
            Verdict("stale", f"the artifact was made with other versions or settings: {shown}", "")
        )
    return verdicts


def refuse_unfit(verdicts: list[Verdict]) -> None:
    """Raise IncompatibleArtifactError for the first that cannot be installed."""
    for verdict in verdicts:
        if verdict.weight == "refuse":
            raise IncompatibleArtifactError(verdict.message, advice=verdict.advice)
