"""EC2's service model, as botocore ships it: the shapes of what calls take and answer."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sgsim.errors import MissingExtraError

if TYPE_CHECKING:
    from botocore.model import ServiceModel

LIBRARIES = ("botocore", "moto", "werkzeug")


def check_libraries() -> None:
    """Raises MissingExtraError where a library of the extra ``serve`` is not installed."""
    if any(find_spec(name) is None for name in LIBRARIES):
        raise MissingExtraError("serve: answering the EC2 API", "serve")


@cache
def ec2() -> ServiceModel:
    """The model of EC2. Read from botocore's own data alone: a model in ``~/.aws/models`` is another program's."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    return ServiceModel(loader.load_service_model("ec2", "service-2"), "ec2")
