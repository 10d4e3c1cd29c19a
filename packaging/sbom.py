"""The bill of materials, in CycloneDX 1.6."""

import json
import uuid
from datetime import datetime, timezone


def cyclonedx(program, parts, commit, epoch, zip_sha256):
    """The whole document. The same package always has the same."""
    application = {
        **_component(program),
        "type": "application",
        "hashes": _sha256(zip_sha256),
        "pedigree": {"commits": [{"uid": commit}]},
    }
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"{program.purl}#{zip_sha256}").urn,
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": application,
        },
        "components": [{**_component(part), "hashes": _sha256(part.sha256)} for part in parts],
        "dependencies": [{"ref": part.purl, "dependsOn": sorted(part.uses)} for part in [program, *parts]],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _component(part):
    return {
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "description": part.description,
        "licenses": [{"expression": part.licence}],
        "purl": part.purl,
    }


def _sha256(content):
    return [{"alg": "SHA-256", "content": content}] if content else []
