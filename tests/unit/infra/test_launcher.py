"""Files of Ray's cluster launcher, by Ray's own checks and by the models of the cloud's API."""

import copy
import os
import re
from typing import Any

import pytest
import yaml

from tests.support.infra import INFRA

CLOUDS = ("aws", "gcp")


def launcher(cloud: str) -> dict[str, Any]:
    given: dict[str, Any] = yaml.safe_load((INFRA / f"launcher/{cloud}.yaml").read_text("utf-8"))
    return given


@pytest.fixture(scope="module")
def ray() -> Any:
    """Ray's launcher; the environment is left as it was."""
    before = dict(os.environ)
    from ray.autoscaler._private import util  # noqa: PLC0415 - a second that only these tests pay

    os.environ.clear()
    os.environ.update(before)
    return util


@pytest.mark.parametrize("cloud", CLOUDS)
def test_ray_accepts_it(ray: Any, cloud: str) -> None:
    ray.validate_config(ray.prepare_config(launcher(cloud)))


def test_ray_refuses_what_is_misspelt(ray: Any) -> None:
    wrong = launcher("aws")
    wrong["idle_timeout"] = wrong.pop("idle_timeout_minutes")
    with pytest.raises(Exception, match="idle_timeout"):
        ray.validate_config(ray.prepare_config(wrong))


def test_ec2_would_take_the_machines() -> None:
    """Ray passes `node_config` on as it is; a misspelt key would be known only when a cluster starts."""
    from ray.autoscaler._private.aws.config import _configure_from_network_interfaces  # noqa: PLC0415

    assert run_instances_refuses({"InstanceTyp": "m7i.large"})
    config = _configure_from_network_interfaces(launcher("aws"))
    for node_type in config["available_node_types"].values():
        node = copy.deepcopy(node_type["node_config"])
        subnets = node.pop("SubnetIds")
        groups = node.pop("SecurityGroupIds")
        assert [each["SubnetId"] for each in node["NetworkInterfaces"]] == subnets
        assert [group for each in node["NetworkInterfaces"] for group in each["Groups"]] == groups
        assert not run_instances_refuses(node)


def run_instances_refuses(node: dict[str, Any]) -> str:
    from botocore.session import get_session  # noqa: PLC0415
    from botocore.validate import ParamValidator  # noqa: PLC0415

    shape = get_session().get_service_model("ec2").operation_model("RunInstances").input_shape
    return str(ParamValidator().validate({**node, "MinCount": 1, "MaxCount": 1}, shape).generate_report())


def test_no_machine_on_aws_has_a_public_address_or_an_open_disk() -> None:
    for node_type in launcher("aws")["available_node_types"].values():
        node = node_type["node_config"]
        assert all(each["AssociatePublicIpAddress"] is False for each in node["NetworkInterfaces"])
        assert all(each["Ebs"]["Encrypted"] for each in node["BlockDeviceMappings"])
        assert node["MetadataOptions"]["HttpTokens"] == "required"


def test_no_machine_on_gcp_has_a_public_address() -> None:
    for node_type in launcher("gcp")["available_node_types"].values():
        for each in node_type["node_config"]["networkInterfaces"]:
            assert each.keys() == {"subnetwork"}, "accessConfigs would give it one"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_clusters_are_closed_private_and_of_this_version(cloud: str, version: str) -> None:
    given = launcher(cloud)
    assert given["provider"]["use_internal_ips"] is True
    assert "--env RAY_AUTH_MODE=token" in given["docker"]["run_options"]
    assert given["docker"]["image"] == f"registry.example/hindcast:{version}"
    assert given["available_node_types"]["head"]["resources"] == {"CPU": 0}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_workers_are_spot_machines_and_say_so(cloud: str) -> None:
    spot = launcher(cloud)["available_node_types"]["spot"]
    assert spot["labels"] == {"ray.io/market-type": "spot"}
    node = spot["node_config"]
    if cloud == "aws":
        assert node["InstanceMarketOptions"] == {"MarketType": "spot"}
    else:
        assert node["scheduling"]["provisioningModel"] == "SPOT"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_all_machines_export_metrics_where_they_are_looked_for(cloud: str) -> None:
    given = launcher(cloud)
    for kind in ("head", "worker"):
        (command,) = (each for each in given[f"{kind}_start_ray_commands"] if "ray start" in each)
        assert re.search(r"--metrics-export-port=8080\b", command)
