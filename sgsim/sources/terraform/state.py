"""The resources of a state: as ``terraform show -json`` prints it, or the file itself (version 4)."""

from __future__ import annotations

from collections.abc import Iterator

from sgsim.sources.infrastructure.values import Value
from sgsim.sources.places import Place
from sgsim.sources.terraform.addresses import Index, module_steps, resource_address
from sgsim.sources.terraform.resources import Resource

STATE_VERSION = 4  # since Terraform 0.12


def shown_resources(root: Value) -> Iterator[Resource]:
    """Those of a ``root_module`` and its ``child_modules``: of ``values``, of ``prior_state``."""
    waiting = [root]
    while waiting:
        module = waiting.pop()
        steps = module_steps(module.at("address").word())
        for record in module.at("resources").items():
            address = required(record.at("address"))
            values = Value(record.at("values").members_raw(), Place(root.place.file, address))
            index = record.at("index").raw
            yield Resource(
                address,
                steps,
                record.at("mode").word() or "managed",
                required(record.at("type")),
                required(record.at("name")),
                index if isinstance(index, int | str) else None,
                values,
            )
        waiting += reversed(module.at("child_modules").items())


def stored_resources(state: Value) -> Iterator[Resource]:
    """Those of a state file. Raises InputError for the files of Terraform before 0.12."""
    if state.at("version").raw != STATE_VERSION:
        problem = f"is a state file of version {state.at('version').raw}: sgsim reads version {STATE_VERSION}"
        raise state.place.refusal(problem, "give the output of terraform show -json, of Terraform 0.12 or newer")
    for record in state.at("resources").items():
        module, mode = record.at("module").word(), record.at("mode").word() or "managed"
        kind, name = required(record.at("type")), required(record.at("name"))
        for instance in record.at("instances").items():
            index = instance.at("index_key").raw
            key: Index | None = index if isinstance(index, int | str) else None
            address = resource_address(module, mode, kind, name, key)
            if instance.at("attributes_flat"):
                problem = f"{address} is as Terraform 0.11 wrote it (attributes_flat)"
                raise instance.place.refusal(problem, "give the output of terraform show -json after an apply")
            deposed = instance.at("deposed").word()
            address += f" (deposed {deposed})" if deposed else ""
            values = Value(instance.at("attributes").members_raw(), Place(state.place.file, address))
            yield Resource(address, module_steps(module), mode, kind, name, key, values)


def required(value: Value) -> str:
    """Text that Terraform always writes."""
    text = value.word()
    if not text:
        raise value.place.refusal("is missing: Terraform writes it", "give its output unmodified")
    return text
